"""Showcase: a toolkit as its public pages show it, with copy ready to paste elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from daisychain.errors import InputError
from daisychain.text_direction import direction_of
from daisychain.urls import absolute_url
from newsletters.compose.isolates import isolated_page, isolated_text
from newsletters.compose.plain_text import UNWRAPPED, to_text
from newsletters.documents.language_names import LANGUAGE
from newsletters.tokens import STILL, Mint
from newsletters.toolkit_store.render_without_member import render_without_member
from newsletters.toolkits.campaign import UNDATED, Dates
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
    language: str = "en"

    @property
    def direction(self) -> str:
        """The direction in which it is written, ltr or rtl."""
        return direction_of(self.language)


@dataclass(frozen=True)
class Showcase:
    """The content of a toolkit's public pages; `channels` has only channels with copy that may be used today.

    Translations are pieces of their own there; `pieces` has each text once. `languages` begin with the toolkit's own.
    """

    toolkit: Toolkit
    today: date
    hero: ToolkitImage | None
    logo: ToolkitImage | None
    manifesto: CopyToPaste | None
    channels: dict[str, list[CopyToPaste]]
    links: dict[str, str]
    languages: tuple[str, ...] = ("en",)
    dates: Dates = UNDATED
    contact: str = ""

    def pieces(self, channel: str, language: str) -> list[CopyToPaste]:
        """Return the copy for a channel, each piece in `language` if it was translated."""
        known = {piece.block.id: piece for pieces in self.channels.values() for piece in pieces}
        ids = [
            in_language(self.toolkit, each.block.id, language, self.today) for each in self.channels.get(channel, [])
        ]
        return [known[name] for name in ids if name in known]

    def manifesto_in(self, language: str) -> CopyToPaste | None:
        """Return the manifesto in `language` if it was translated."""
        translated = f"{MANIFESTO}.{language}"
        pieces = (piece for pieces in self.channels.values() for piece in pieces)
        return next((piece for piece in pieces if piece.block.id == translated), self.manifesto)


def showcase(toolkit: Toolkit, public_url: str, today: date) -> Showcase:
    """Return the toolkit as readers may see it `today`; paths in links are written out on `public_url`.

    The block `manifesto` and the image `hero` are at the top, if the toolkit has them.
    """
    manifesto = toolkit.copy.get(MANIFESTO)
    translations = [_translation(block, toolkit) for block in toolkit.copy.values() if not block.unavailable(today)]
    return Showcase(
        toolkit=toolkit,
        today=today,
        hero=toolkit.images.get(HERO),
        logo=toolkit.brand.logo,
        manifesto=copy_to_paste(manifesto, toolkit, public_url)
        if manifesto and not manifesto.unavailable(today)
        else None,
        channels={
            # Copy written only for this channel comes first.
            channel: [
                copy_to_paste(block, toolkit, public_url)
                for block in sorted(blocks, key=lambda block: len(block.channels))
                if block.id != MANIFESTO
            ]
            for channel in CHANNELS
            if (blocks := toolkit.copy_for(channel, today))
        },
        links={name: absolute_url(url, public_url) for name, url in toolkit.links.items()},
        languages=tuple(dict.fromkeys((toolkit.language, *sorted(filter(None, translations))))),
        dates=best_dates(toolkit, today),
        contact=absolute_url(toolkit.contact, public_url),
    )


def in_language(toolkit: Toolkit, block: str, language: str, today: date) -> str:
    """Return the id of a block's translation, or its own if it has none; empty for a block that is a translation."""
    if block.rpartition(".")[0] in toolkit.copy:
        return ""
    translated = toolkit.copy.get(f"{block}.{language}")
    return translated.id if translated and not translated.unavailable(today) else block


def best_dates(toolkit: Toolkit, today: date) -> Dates:
    """Return the days on which a campaign is best shared: its own dates, or its copy's if half of it has some.

    Copy that has expired counts only if all of it has.
    """
    if toolkit.dates:
        return toolkit.dates
    blocks = list(toolkit.copy.values())
    blocks = [block for block in blocks if not (block.expires and block.expires < today)] or blocks
    dated = [block for block in blocks if block.embargo or block.expires]
    if 2 * len(dated) < len(blocks):
        return UNDATED
    first = min((block.embargo for block in dated if block.embargo), default=None)
    return Dates(first, max((block.expires for block in dated if block.expires), default=None))


def _translation(block: CopyBlock, toolkit: Toolkit) -> str:
    """Return the language of a block that is a translation; empty for others."""
    first, _, language = block.id.rpartition(".")
    return language if first in toolkit.copy and LANGUAGE.fullmatch(language) else ""


def _for_everybody(block: CopyBlock, toolkit: Toolkit) -> str:
    try:
        return render_without_member(block, toolkit)
    except InputError:  # `toolkit add` refuses such a block; a page is no place to say so
        return block.body


def copy_to_paste(block: CopyBlock, toolkit: Toolkit, public_url: str) -> CopyToPaste:
    """Return a block as pages show it, to be copied."""
    # Raw HTML stays text: the page shows what was written, and runs none of it.
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = reader.parse(_for_everybody(block, toolkit))
    for token in tokens:
        token.children = [_for_pasting(child, public_url) for child in token.children or ()]
    language = _translation(block, toolkit) or toolkit.language
    direction = direction_of(language)
    html = isolated_page(str(reader.renderer.render(tokens, reader.options, {})), Mint(STILL), direction)
    text = to_text(html, str, lambda number, _: str(number), UNWRAPPED).rstrip("\n")
    text = isolated_text(text, Mint(STILL), direction)
    return CopyToPaste(block, Markup(html), text, language)  # noqa: S704 - markdown-it escapes all but its own tags


def _for_pasting(token: Token, public_url: str) -> Token:
    if token.type == "link_open":
        token.attrSet("href", absolute_url(str(token.attrGet("href")), public_url))
    elif token.type == "image":  # another page can't reach it by this address; the pictures stand by themselves
        return Token("text", "", 0, content=f"[{token.content}]")
    return token
