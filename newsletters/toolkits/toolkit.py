"""Toolkits: a folder of campaign copy, links, images and a brand, read whole and checked before it is used.

    toolkit.yml      name, title, coalition, campaign, summary, language, dates, contact, links, brand, images,
                     members may change,
                     timetable
    brand.yml        the brand, if toolkit.yml has none
    copy/*.md        copy blocks: front matter (id, title, version, approved by, …), then Markdown
    images/          pictures, each named in toolkit.yml with its alt text

The same loader reads a folder and the files of a toolkit that was added to the database. Every mistake is an
InputError with file and line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.documents.front_matter import split
from newsletters.documents.yaml_with_lines import YamlMapping, read_sheet
from newsletters.toolkits.brand import Brand, read_brand
from newsletters.toolkits.campaign import UNDATED, Dates, read_contact, read_dates, read_language
from newsletters.toolkits.files import BRAND, MAX_COPY, MAX_IMAGES, SHEET, Folder, ToolkitFiles
from newsletters.toolkits.images import MAX_BYTES, Measures, ToolkitImage, measure
from newsletters.toolkits.member_parts import CHANGEABLE, USUAL, read_parts
from newsletters.toolkits.timetable import PostingTime, read_timetable

CHANNELS = ("email", "web", "social")
_LENGTHS = ("short", "long")

_KEYS = (
    "name", "title", "coalition", "campaign", "summary", "language", "dates", "contact", "links", "brand", "images",
    "approval", "timetable", CHANGEABLE,
)  # fmt: skip
_IMAGE_KEYS = ("file", "alt")
SECOND_PERSON = "second person"
# What a copy block says while nobody has approved it.
UNAPPROVED = "nobody yet"
_COPY_KEYS = (
    "id",
    "title",
    "version",
    "approved by",
    "embargo",
    "expires",
    "channels",
    "length",
    "headline",
    "picture",
)
# A longer one can't be read on a phone, even if it fits.
LONGEST_HEADLINE = 90
# A toolkit's name is a word of its public address; the names inside it only have to be one word.
TOOLKIT_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_INNER_NAME = re.compile(r"\w[\w.-]*")
_FRONT_MATTER_HINT = "A copy block begins with a line of ---, then id, title, version and so on, then a line of ---."


@dataclass(frozen=True)
class CopyBlock:
    """One named, versioned piece of text: who approved it, when it may be used, and its place.

    It may be used from `embargo` on, up to and including `expires`. `line` is the body's first in `file`.
    `headline` and `picture`, the name of an image, are for its social pictures; both may be empty.
    """

    id: str
    title: str
    version: str
    approved_by: str
    embargo: date | None
    expires: date | None
    channels: tuple[str, ...]
    length: str
    body: str
    file: str
    line: int
    headline: str = ""
    picture: str = ""

    def unavailable(self, today: date) -> str:
        """Return why the block may not be used on the day `today`, as the end of a sentence; empty if it may."""
        if self.embargo and today < self.embargo:
            return f"is under embargo until {self.embargo:%d %B %Y}"
        if self.expires and today > self.expires:
            return f"expired on {self.expires:%d %B %Y}"
        return ""


@dataclass(frozen=True)
class Toolkit:
    """A campaign's copy, links, images and brand; `files` holds every file it was read from, by path."""

    name: str
    title: str
    coalition: str
    campaign: str
    summary: str
    links: Mapping[str, str]
    brand: Brand
    images: Mapping[str, ToolkitImage]
    copy: Mapping[str, CopyBlock]
    content_hash: str
    files: Mapping[str, bytes] = field(repr=False)
    language: str = "en"
    dates: Dates = UNDATED
    contact: str = ""
    approval: str = ""
    members_may_change: tuple[str, ...] = USUAL
    timetable: tuple[PostingTime, ...] = ()

    def copy_for(self, channel: str, today: date) -> list[CopyBlock]:
        """Return the blocks of `channel` that may be used on the day `today`, in the order of their files."""
        return [block for block in self.copy.values() if channel in block.channels and not block.unavailable(today)]


def current_day() -> date:
    """Return the day it is where coalitions work, which embargoes and expiries speak of."""
    return datetime.now(ZoneInfo("Europe/London")).date()


def load_folder(path: Path) -> Toolkit:
    """Return the toolkit in the folder `path`; raises InputError with file and line."""
    if not (path / SHEET).is_file():
        raise InputError(f"There is no {SHEET} in {str(path)!r}.", hint="A toolkit is a folder that holds one.")
    return load_files(Folder(path), str(path))


def load_files(files: Mapping[str, bytes], origin: str, measures: Mapping[str, Measures] | None = None) -> Toolkit:
    """Return the toolkit in `files` (relative path to content); `origin` goes before the path in errors.

    Images whose hash is in `measures` are not decoded again.
    """
    read = ToolkitFiles(files, origin)
    sheet = read_sheet(read.text(SHEET), read.place(SHEET))
    sheet.allow(_KEYS, "A toolkit")
    name = sheet.text("name")
    if not TOOLKIT_NAME.fullmatch(name):
        sheet.fail(
            f"The name {name!r} can't be part of a web address.", "name",
            hint="Use small letters a to z, digits and hyphens, at most 64: community-makes-us.",
        )  # fmt: skip
    coalition = sheet.text("coalition")
    images = _read_images(sheet, read, measures)
    title = sheet.text("title")
    copy = _read_copy(read, images)
    return Toolkit(
        name=name,
        title=title,
        coalition=coalition,
        campaign=sheet.text("campaign", title),
        summary=sheet.text("summary"),
        links=_read_links(sheet),
        brand=_read_brand(sheet, read, coalition, images),
        images=images,
        copy=copy,
        content_hash=_hash(read.used),
        files=read.used,
        language=read_language(sheet),
        dates=read_dates(sheet),
        timetable=read_timetable(sheet, {block.id: block.unavailable for block in copy.values() if _is_post(block)}),
        contact=read_contact(sheet),
        approval=_read_approval(sheet),
        members_may_change=read_parts(sheet),
    )


def _read_brand(sheet: YamlMapping, files: ToolkitFiles, name: str, images: Mapping[str, ToolkitImage]) -> Brand:
    own = sheet.sheet("brand")
    if BRAND not in files:
        return read_brand(own, name=name, images=images)
    if own is not None:
        sheet.fail(f"The brand is given twice: here, and in {BRAND}.", "brand", hint="Keep one of them.")
    place = files.place(BRAND)

    def read(path: str, line: int) -> ToolkitImage:
        return measure(files.read(path, MAX_BYTES, file=place, line=line), path, file=place, line=line)

    return read_brand(read_sheet(files.text(BRAND), place), name=name, images=images, read=read)


def _read_approval(sheet: YamlMapping) -> str:
    approval = sheet.text("approval", "")
    if approval not in ("", SECOND_PERSON):
        sheet.fail(
            f"'approval' can't be {approval!r}.", "approval",
            hint=f"Write {SECOND_PERSON}: each change of the copy is then approved by somebody else.",
        )  # fmt: skip
    return approval


def _read_links(sheet: YamlMapping) -> dict[str, str]:
    links = sheet.sheet("links")
    if links is None:
        return {}
    for name in links:
        _check_name(links, name, name)
    return {name: links.url(name) for name in links}


def _read_images(
    sheet: YamlMapping, files: ToolkitFiles, measures: Mapping[str, Measures] | None
) -> dict[str, ToolkitImage]:
    listed = sheet.sheet("images")
    if listed is None:
        return {}
    if (number := len(list(listed))) > MAX_IMAGES:
        sheet.fail(f"There are {number:,} images; {MAX_IMAGES:,} are allowed.", "images")
    images = {}
    for name in listed:
        _check_name(listed, name, name)
        entry = listed.sheet(name) or listed.fail(f"The image {name!r} needs a file and an alt text.", name)
        entry.allow(_IMAGE_KEYS, "An image")
        path, line = entry.text("file"), entry.line_of("file")
        if "alt" not in entry:
            entry.fail(
                f"The image {name!r} has no alt text, which is read out to people who can't see it.", "alt",
                hint='Say in a sentence what it shows; alt: "" only if it adds nothing.',
            )  # fmt: skip
        content = files.read(path, MAX_BYTES, file=entry.file, line=line)
        images[name] = measure(content, name, alt=entry.text("alt", ""), file=entry.file, line=line, known=measures)
    return images


def _read_copy(files: ToolkitFiles, images: Collection[str]) -> dict[str, CopyBlock]:
    blocks: dict[str, CopyBlock] = {}
    size = 0
    for path in files.copy_paths():
        text = files.text(path)
        size += len(text)
        if size > MAX_COPY:
            raise InputError(
                f"The copy blocks up to here are too long together: {MAX_COPY:,} characters are allowed.",
                file=files.place(path),
            )
        block = _read_block(text, files.place(path), blocks, images)
        blocks[block.id] = block
    return blocks


def _read_block(text: str, file: str, others: Mapping[str, CopyBlock], images: Collection[str]) -> CopyBlock:
    parts = split(text.split("\n"), file, hint=_FRONT_MATTER_HINT)
    sheet = parts.sheet
    sheet.allow(_COPY_KEYS, "A copy block")
    first = next((number for number, line in enumerate(parts.body) if line.strip()), None)
    if first is None:
        raise InputError("The copy block has no text.", file=file, line=parts.body_line - 1)
    id_ = sheet.text("id")
    _check_name(sheet, id_, "id")
    if id_ in others:
        sheet.fail(f"The id {id_!r} is taken already, in {others[id_].file}.", "id", hint="Give one another id.")
    embargo, expires = sheet.day("embargo"), sheet.day("expires")
    if embargo and expires and expires < embargo:
        sheet.fail(f"The block expires on {expires}, before its embargo ends on {embargo}.", "expires")
    length = sheet.text("length")
    if length not in _LENGTHS:
        sheet.fail(f"'length' can't be {length!r}.", "length", hint=nearest(length, _LENGTHS))
    headline, picture = sheet.text("headline", ""), sheet.text("picture", "")
    if len(headline) > LONGEST_HEADLINE:
        message = f"The headline has {len(headline)} characters; {LONGEST_HEADLINE} can be read on a phone."
        sheet.fail(message, "headline", hint="Say the rest in the text below.")
    if picture and picture not in images:
        sheet.fail(f"The picture {picture!r} is not among the images.", "picture", hint=nearest(picture, images))
    return CopyBlock(
        id=id_,
        title=sheet.text("title"),
        version=sheet.text("version"),
        approved_by=sheet.text("approved by"),
        embargo=embargo,
        expires=expires,
        channels=sheet.words("channels", CHANNELS),
        length=length,
        body="\n".join(parts.body[first:]).rstrip() + "\n",
        file=file,
        line=parts.body_line + first,
        headline=headline,
        picture=picture,
    )


def _is_post(block: CopyBlock) -> bool:
    return "social" in block.channels


def _check_name(sheet: YamlMapping, name: str, key: str) -> None:
    if not _INNER_NAME.fullmatch(name):
        sheet.fail(f"The name {name!r} must be one word of letters, digits, hyphens and dots.", key)


def _hash(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path}\0{hashlib.sha256(files[path]).hexdigest()}\n".encode())
    return whole.hexdigest()
