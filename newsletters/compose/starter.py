"""Starters: a new newsletter that is worth changing, made from the copy that its toolkit has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.compose.blocks import registry
from newsletters.compose.manuscript import translations
from newsletters.documents.document import language_of, read_document
from newsletters.toolkits.toolkit import CopyBlock, Toolkit, current_day


def start_newsletter(path: Path, toolkit: Toolkit, reference: str, layout: str) -> Path:
    """Write a starter to `path`, which must not exist; `reference` is how the document names its toolkit."""
    if layout not in registry().layouts:
        raise InputError(f"There is no layout {layout!r}.", hint=nearest(layout, registry().layouts))
    return write_newsletter(path, {"": starter(toolkit, reference, layout)})


def copy_newsletter(path: Path, source: Path) -> Path:
    """Write the newsletter in `source`, with its translations, to `path`, which must not exist. Raises InputError."""
    others = {language_of(each): read_document(each).source for each in translations(source)}
    return write_newsletter(path, {"": read_document(source).source, **others})


def starter(toolkit: Toolkit, reference: str, layout: str) -> str:
    """Return the text of a newsletter in `layout` that uses the toolkit's own copy, pictures and links.

    It is written by `templates/email/starters/LAYOUT.md.j2`, whose own signs are `<< >>` and `<% %>`.
    Text to fill in is in square brackets there, in words and zeros that `checks.words` knows.
    """
    template = _starters().get_template(f"{layout}.md.j2")
    return template.render(kit=_offer(toolkit), reference=reference, layout=layout).lstrip("\n").rstrip("\n") + "\n"


def _offer(toolkit: Toolkit) -> dict[str, Any]:
    """Return what starters take from a toolkit: `opening`, `stories` and `closing` are copy blocks for email."""
    # A translation is taken by its own newsletter, with the name of the first: `::: copy welcome`.
    copy = [block for block in toolkit.copy_for("email", current_day()) if not language_of(Path(f"{block.id}.md"))]
    # Copy that was written only for email frames the mail; the rest is at home on a web page too.
    frame = [block for block in copy if block.channels == ("email",) and block.length == "short"]
    others = [block for block in copy if block not in frame]
    others.sort(key=lambda block: block.id not in toolkit.images)
    opening = (frame or others)[:1]
    logos = (toolkit.brand.logo, toolkit.brand.dark_logo)
    pictures = [name for name, image in toolkit.images.items() if image not in logos]
    hero = next((name for name in pictures if name not in toolkit.copy), "")
    links = [{"name": name, "label": _label(name)} for name in toolkit.links]
    return {
        "title": toolkit.title,
        "coalition": toolkit.coalition,
        "line": toolkit.summary.split(". ")[0].split("; ")[0],
        "hero_image": f" image={hero}" if hero else "",
        "opening": [_story(block, pictures) for block in opening],
        "stories": [_story(block, pictures) for block in others if block not in opening],
        "closing": [_story(block, pictures) for block in frame[1:]],
        "links": links,
        "link": links[0] if links else None,
        "ask": links[0]["label"] if links else "[Add what you ask for]",
        "ask_href": f"{{{{ toolkit.links['{links[0]['name']}'] }}}}" if links else "https://example.org/",
    }


def _story(block: CopyBlock, pictures: list[str]) -> dict[str, str]:
    return {"id": block.id, "title": block.title, "image": f" image={block.id}" if block.id in pictures else ""}


@cache
def _starters() -> Environment:
    environment = Environment(
        loader=PackageLoader("templates", "email/starters"), undefined=StrictUndefined, autoescape=False,  # noqa: S701 - Markdown
        variable_start_string="<<", variable_end_string=">>", block_start_string="<%", block_end_string="%>",
        comment_start_string="<#", comment_end_string="#>", trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(yaml=partial(json.dumps, ensure_ascii=False), quoted=_quoted)
    return environment


def _label(link: str) -> str:
    known = {"toolkit": "Get the toolkit", "join": "Join us", "website": "Visit the website"}
    return known.get(link, link.replace("-", " ").replace("_", " ").capitalize())


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def write_newsletter(path: Path, texts: Mapping[str, str]) -> Path:
    """Write a newsletter to `path`, its text under "", and translations by language beside it; raises InputError.

    None of the files may be there.
    """
    files = {path.with_name(f"{path.stem}.{language}{path.suffix}") if language else path: text
             for language, text in texts.items()}  # fmt: skip
    if there := next((file for file in files if file.exists()), None):
        raise InputError(f"There is a file {str(there)!r} already.", hint="Choose another name; nothing was written.")
    for file, text in files.items():
        try:
            with file.open("x", encoding="utf-8") as handle:
                handle.write(text)
        except OSError as error:
            raise InputError(f"The newsletter can't be written: {error.strerror}.", file=file) from None
    return path
