"""Make a toolkit's files from a name, a picture, two colours and pasted copy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from daisychain.errors import InputError
from daisychain.slug import slug
from newsletters.documents.yaml_edit import scalar
from newsletters.toolkits.contrast import mixed, nearest_readable, parse_colour
from newsletters.toolkits.files import SHEET
from newsletters.toolkits.images import EXTENSIONS, measure
from newsletters.toolkits.toolkit import UNAPPROVED

# A heading that names a channel says where the text below it belongs.
_CHANNELS = {
    "social": re.compile(r"social|posts?|tweets?|facebook|instagram|linkedin|bluesky|mastodon|whatsapp|tiktok|threads"),
    "web": re.compile(r"web|websites?|webpages?|blogs?|site"),
    "email": re.compile(r"e-?mails?|newsletters?|bulletins?|mailings?"),
}
_HEADING = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(.+)|\*\*([^*]+?):?\*\*|__([^_]+?):?__")
_UNDERLINED = re.compile(r"(?m)^(\S[^\n]*)\n(=|-)\2{2,}[ \t]*$")
# A line by itself that doesn't end as a sentence does: copied from Word, where a heading is only large.
_SHORT_LINE = re.compile(r"()([^\W_][^\n]{0,69}(?<![.,;:!?…]))")
_NO_HEADINGS = (
    "No headings were found, so the copy is not cut into blocks. Put an empty line before and after each heading, "
    "or begin its line with “# ”."
)
_SHORT = 400  # characters; what is longer is more than a post
_MOST_SUMMARY = 400


@dataclass(frozen=True)
class PastedBlock:
    """A piece of pasted copy: its heading, its channels, and its Markdown."""

    title: str
    channels: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class NewToolkit:
    """The files of a new toolkit, and remarks on what was unclear."""

    files: dict[str, bytes]
    remarks: list[str]


def new_toolkit(
    name: str, title: str, *, coalition: str = "", picture: bytes = b"", alt: str = "", colours: tuple[str, ...] = (),
    copy: str = "",
) -> NewToolkit:  # fmt: skip
    """Return the files of a toolkit; raises InputError for a colour or a picture that can't be used."""
    remarks: list[str] = []
    summary, blocks = pasted_blocks(_without_title(copy, title), remarks)
    if not summary:
        remarks.append("There is no summary yet: its first words are the title's.")
    derived = derived_colours(*colours) if colours else {}
    brand = ["brand:", "  colours:", *(f'    {key}: "{each}"' for key, each in derived.items())] if derived else []
    sheet = [f"name: {name}", f"title: {scalar(title)}", f"coalition: {scalar(coalition or title)}"]
    if not coalition:
        remarks.append("The coalition is called as the campaign is: say who publishes it.")
    sheet += [f"summary: {scalar(summary or title)}", *brand]
    files: dict[str, bytes] = {}
    if picture:
        image = measure(picture, "hero", alt=alt)
        path = f"images/hero.{EXTENSIONS[image.media_type]}"
        files[path] = image.content
        sheet += ["images:", "  hero:", f"    file: {path}", f"    alt: {scalar(alt or title)}"]
        if not alt:
            remarks.append("The picture's alt text is the title: say what the picture shows.")
    taken: set[str] = set()
    for number, block in enumerate(blocks, 1):
        id_ = _free(slug(block.title)[:40].strip("-") or f"text-{number}", taken)
        files[f"copy/{number:02}-{id_}.md"] = _block(id_, block)
    if blocks:
        remarks.append("Nobody has approved the copy yet.")
    return NewToolkit({SHEET: "\n".join([*sheet, ""]).encode(), **files}, remarks)


def _without_title(copy: str, title: str) -> str:
    # A document begins with its title: it is no summary, and no heading of a copy block.
    first, _, rest = copy.lstrip().partition("\n")
    return rest if _bare(first.lstrip("# ")).casefold() == title.strip().casefold() else copy


def pasted_blocks(copy: str, remarks: list[str]) -> tuple[str, list[PastedBlock]]:
    """Return the summary and the copy blocks in pasted text, cut at its headings; adds to `remarks` what is unclear."""
    parts = list(_parts(copy, remarks))
    opening = parts[0][2] if parts and not parts[0][1] else ""
    first, _, rest = opening.partition("\n\n")
    summary, blocks, channel, below = " ".join(_bare(first).split()), [], "", 0
    if len(summary) > _MOST_SUMMARY:
        remarks.append("The first paragraph is long for a summary: make it one or two sentences.")
    if opening and rest.strip():
        blocks.append(PastedBlock("Introduction", ("email", "web"), rest.strip()))
    for level, heading, words in parts[1:] if opening or (parts and not parts[0][1]) else parts:
        if named := _channel(heading):
            channel, below = named, level
        elif level <= below:
            channel, below = "", 0
        if words:
            blocks.append(PastedBlock(heading, (channel,) if channel else ("email", "web"), words))
        elif not named:
            remarks.append(f"There is nothing below the heading “{heading}”, so it was left out.")
    if copy.strip() and not any(heading for _, heading, _ in parts):
        remarks.append(_NO_HEADINGS)
    return summary, blocks


def _parts(copy: str, remarks: list[str]) -> Iterator[tuple[int, str, str]]:
    """Yield level, heading and text of each part; the text before the first heading has none."""
    text = copy.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    lines = _UNDERLINED.sub(lambda found: f"{'#' if found[2] == '=' else '##'} {found[1]}", text).split("\n")
    guessed = not any(_HEADING.fullmatch(line) for line in lines)
    level, heading, words = 0, "", list[str]()
    headings = []
    for at, line in enumerate(lines):
        found = _short_line(lines, at) if guessed else _HEADING.fullmatch(line)
        if not found:
            words.append(line)
            continue
        yield level, heading, "\n".join(words).strip()
        level = len(found[1] or "##")
        heading, words = _bare(next(filter(None, found.groups()[1:]))), []
        headings.append(heading)
    yield level, heading, "\n".join(words).strip()
    if guessed and headings:
        remarks.append(f"Taken as headings, as they are in lines by themselves: {', '.join(headings[:8])}.")


def _short_line(lines: Sequence[str], at: int) -> re.Match[str] | None:
    """Return a line that is by itself, between others, and does not end as a sentence does."""
    alone = 0 < at < len(lines) - 2 and not lines[at - 1].strip() and not lines[at + 1].strip()
    return _SHORT_LINE.fullmatch(lines[at].strip()) if alone else None


def _channel(heading: str) -> str:
    words = re.findall(r"[\w-]+", heading.lower())
    return next((name for name, known in _CHANNELS.items() if any(known.fullmatch(word) for word in words)), "")


def _block(id_: str, block: PastedBlock) -> bytes:
    length = "short" if len(block.words) <= _SHORT else "long"
    head = [
        "---", f"id: {id_}", f"title: {scalar(block.title)}", "version: 1", f"approved by: {UNAPPROVED}",
        f"channels: {', '.join(block.channels)}", f"length: {length}", "---", "", block.words, "",
    ]  # fmt: skip
    return "\n".join(head).encode()


def derived_colours(*colours: str) -> dict[str, str]:
    """Return all eight colours from one or two of them, so that text can be read. Raises InputError."""
    found = [parse_colour(each) for each in colours]
    for typed, colour in zip(colours, found, strict=True):
        if not colour:
            raise InputError(f"{typed!r} is not a colour, or has transparency.", hint='Write it as "#1f5f4f".')
    primary, accent = found[0], found[-1]
    page, surface = mixed(primary, "#ffffff", 0.93), "#ffffff"
    grounds = (surface, page)
    derived = {
        "primary": primary, "accent": accent, "background": page, "surface": surface,
        "text": nearest_readable(mixed(primary, "#1c1c1c", 0.8), grounds),
        "muted": nearest_readable(mixed(primary, "#5c5c5c", 0.8), grounds),
        "link": nearest_readable(primary, grounds), "border": mixed(primary, "#ffffff", 0.8),
    }  # fmt: skip
    return {key: colour for key, colour in derived.items() if colour}


def _bare(text: str) -> str:
    """Return a line of Markdown as plain words."""
    text = re.sub(r"!?\[([^\[\]]*)\]\((?:(?!\]\()[^)])*+\)", r"\1", text)
    return re.sub(r"[*_`#>]+", "", text).strip().rstrip(":")


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    taken.add(name)
    return name
