"""Showcase: a toolkit as its public page shows it, with copy ready to paste elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from daisychain.errors import InputError
from daisychain.urls import absolute_url
from newsletters.compose.isolates import isolated_page, isolated_text
from newsletters.compose.plain_text import UNWRAPPED, to_text
from newsletters.tokens import STILL, Mint
from newsletters.toolkit_store.render_without_member import render_without_member
from newsletters.toolkits.images import ToolkitImage
from newsletters.toolkits.toolkit import CHANNELS, CopyBlock, Toolkit

MANIFESTO = "manifesto"
HERO = "hero"


@dataclass(frozen=True)
class CopyToPaste:
    """One copy block to be copied: as HTML for editors that keep looks, as text for others."""

    block: CopyBlock
    html: Markup
    text: str


@dataclass(frozen=True)
class Showcase:
    """The content of a toolkit's public page; `channels` has only channels with copy that may be used today."""

    toolkit: Toolkit
    hero: ToolkitImage | None
    logo: ToolkitImage | None
    manifesto: CopyToPaste | None
    channels: dict[str, list[CopyToPaste]]
    links: dict[str, str]


def showcase(toolkit: Toolkit, public_url: str, today: date) -> Showcase:
    """Return the toolkit as readers may see it `today`; paths in links are written out on `public_url`.

    The block `manifesto` and the image `hero` are at the top, if the toolkit has them.
    """
    manifesto = toolkit.copy.get(MANIFESTO)
    return Showcase(
        toolkit=toolkit,
        hero=toolkit.images.get(HERO),
        logo=toolkit.brand.logo,
        manifesto=_piece(manifesto, toolkit, public_url) if manifesto and not manifesto.unavailable(today) else None,
        channels={
            # Copy written only for this channel comes first.
            channel: [
                _piece(block, toolkit, public_url)
                for block in sorted(blocks, key=lambda block: len(block.channels))
                if block.id != MANIFESTO
            ]
            for channel in CHANNELS
            if (blocks := toolkit.copy_for(channel, today))
        },
        links={name: absolute_url(url, public_url) for name, url in toolkit.links.items()},
    )


def _for_everybody(block: CopyBlock, toolkit: Toolkit) -> str:
    try:
        return render_without_member(block, toolkit)
    except InputError:  # `toolkit add` refuses such a block; a page is no place to say so
        return block.body


def _piece(block: CopyBlock, toolkit: Toolkit, public_url: str) -> CopyToPaste:
    # Raw HTML stays text: the page shows what was written, and runs none of it.
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = reader.parse(_for_everybody(block, toolkit))
    for token in tokens:
        token.children = [_for_pasting(child, public_url) for child in token.children or ()]
    html = isolated_page(str(reader.renderer.render(tokens, reader.options, {})), Mint(STILL), "ltr")
    text = to_text(html, str, lambda number, _: str(number), UNWRAPPED).rstrip("\n")
    text = isolated_text(text, Mint(STILL), "ltr")
    return CopyToPaste(block, Markup(html), text)  # noqa: S704 - markdown-it escapes all but its own tags


def _for_pasting(token: Token, public_url: str) -> Token:
    if token.type == "link_open":
        token.attrSet("href", absolute_url(str(token.attrGet("href")), public_url))
    elif token.type == "image":  # another page can't reach it by this address; the pictures stand by themselves
        return Token("text", "", 0, content=f"[{token.content}]")
    return token
