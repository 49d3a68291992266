"""Starters: a new newsletter that is worth changing, made from the copy that its toolkit has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from daisychain.errors import InputError
from newsletters.blocks import registry
from newsletters.document import parse_document
from newsletters.marked_yaml import nearest
from newsletters.toolkit import CopyBlock, Toolkit, current_day

_MOST_STORIES = 2


def start_newsletter(path: Path, toolkit: Toolkit, reference: str, layout: str) -> Path:
    """Write a starter to `path`, which must not exist; `reference` is how the document names its toolkit."""
    if layout not in registry().layouts:
        raise InputError(f"There is no layout {layout!r}.", hint=nearest(layout, registry().layouts))
    return write_newsletter(path, starter(toolkit, reference, layout))


def copy_newsletter(path: Path, source: Path) -> Path:
    """Write the newsletter in `source` to `path`, which must not exist, after a look whether it is one."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The newsletter can't be read: {error}.", file=source) from None
    parse_document(text, str(source), source.parent)
    return write_newsletter(path, text)


def starter(toolkit: Toolkit, reference: str, layout: str) -> str:
    """The text of a newsletter that uses the toolkit's own copy, pictures and links."""
    front = {
        "subject": f'{{{{ member.first_name | default("Hello") }}}}, {toolkit.title} needs you',
        "preheader": toolkit.summary.split(". ")[0].split("; ")[0],
        "title": toolkit.title,
        "toolkit": reference,
        "layout": layout,
    }
    head = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{head}---\n" + "\n".join(_body(toolkit))


def _body(toolkit: Toolkit) -> Iterator[str]:
    copy = toolkit.copy_for("email", current_day())
    # What was written for email alone frames the mail; the rest is at home on a web page too.
    frame = [block for block in copy if block.channels == ("email",) and block.length == "short"]
    others = [block for block in copy if block not in frame]
    others.sort(key=lambda block: block.id not in toolkit.images)
    opening, closing = (frame or others)[:1], frame[1:]
    pictures = [name for name in toolkit.images if name != toolkit.brand.logo]
    hero = next((name for name in pictures if name not in toolkit.copy), "")
    yield f'::: hero "{_quoted(toolkit.title)}" kicker="{_quoted(toolkit.coalition)}"{hero and f" image={hero}"}\n:::\n'
    yield 'Dear {{ member.first_name | default("friend") }},\n'
    yield from _copies(opening)
    for link in list(toolkit.links)[:1]:
        yield f'::: button "{_label(link)}" href="{{{{ toolkit.links[\'{link}\'] }}}}"\n'
    for block in [block for block in others if block not in opening][:_MOST_STORIES]:
        picture = f" image={block.id}" if block.id in pictures else ""
        yield f'::: divider flowers\n\n::: story "{_quoted(block.title)}"{picture}\n::: copy {block.id}\n:::\n'
    yield from _copies(closing)


def _copies(blocks: list[CopyBlock]) -> Iterator[str]:
    for block in blocks:
        yield f"::: copy {block.id}\n"


def _label(link: str) -> str:
    known = {"toolkit": "Get the toolkit", "join": "Join us", "website": "Visit the website"}
    return known.get(link, link.replace("-", " ").replace("_", " ").capitalize())


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def write_newsletter(path: Path, text: str) -> Path:
    """Write `text` to `path`, which must not exist; raises InputError."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(
            f"There is a file {str(path)!r} already.", hint="Choose another name; nothing was written."
        ) from None
    except OSError as error:
        raise InputError(f"The newsletter can't be written: {error.strerror}.", file=path) from None
    return path
