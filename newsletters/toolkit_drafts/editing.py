"""The steps of editing a draft: copy blocks and pictures come, change and go."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from daisychain.errors import InputError, StateError
from daisychain.slug import slug
from newsletters.documents.text_files import decoded
from newsletters.documents.yaml_edit import with_scalar
from newsletters.pieces.values import FieldError, of_field
from newsletters.toolkit_drafts.file_fields import WORDS, copy_fields, picture_fields
from newsletters.toolkit_drafts.publishing import path_of
from newsletters.toolkit_drafts.working_copy import (
    FieldCollision,
    WorkingCopy,
    open_working_copy,
    save_fields,
    save_files,
    save_written,
)
from newsletters.toolkit_store.showcase import HERO
from newsletters.toolkit_store.try_copy import refuse_broken_copy
from newsletters.toolkits.files import SHEET
from newsletters.toolkits.images import EXTENSIONS, MAX_BYTES, measure
from newsletters.toolkits.toolkit import UNAPPROVED, CopyBlock

SOON = 14  # days before copy ends that its state says so


def block_state(copy: WorkingCopy, block: CopyBlock, today: date) -> tuple[str, str]:
    """Return the state of a block today in words, and its kind."""
    waits = copy.asks_approval and not copy.is_approved(path_of(copy.toolkit, block.id))
    if waits or block.approved_by == UNAPPROVED:
        return "not approved", "waiting"
    if barred := block.unavailable(today).removeprefix("is "):
        return barred, "bad" if "expired" in barred else "waiting"
    days = (block.expires - today).days if block.expires else SOON + 1
    if days <= SOON:
        return "expires today" if not days else f"expires in {days} day{'s' * (days > 1)}", "waiting"
    return "approved", "good"


def save_block(
    connection: Connection, name: str, base: int, block_id: str, typed: Mapping[str, str], *, who: str
) -> WorkingCopy | FieldCollision:
    """Save a copy block's form; words that differ from the published ones raise its version. Raises FieldError."""
    now = open_working_copy(connection, name, lock=True)
    known = now.published.copy.get(block_id) if now.published else None
    typed = dict(typed)
    if known and WORDS in typed:
        same = typed[WORDS] == known.body.rstrip()
        typed["version"] = known.version if same else raised(known.version)
    made = save_fields(connection, name, base, copy_fields(path_of(now.toolkit, block_id)), typed, who=who)
    if isinstance(made, WorkingCopy):
        _try(made, block_id)
    return made


def add_block(
    connection: Connection, name: str, typed: Mapping[str, str], *, translates: str = "", language: str = "", who: str
) -> tuple[WorkingCopy, str]:
    """Add a copy block, if wanted as the translation of another one; returns its id as well. Raises FieldError."""
    now = open_working_copy(connection, name, lock=True)
    stem = slug(typed["title"])[:40].strip("-") or "text"
    block_id = f"{translates}.{language}" if translates else stem
    if translates and block_id in now.toolkit.copy:
        raise FieldError("language", f"{translates!r} is translated into {language!r} already.")
    if not translates:
        block_id = next(each for each in _numbered(stem) if each not in now.toolkit.copy)
    path = _new_path(now, block_id)
    fields = copy_fields(path)
    begun = {**now.files, path: f"---\nid: {block_id}\n---\n".encode()}
    values = {"version": "1", "approved by": UNAPPROVED, **typed}
    made = save_written(connection, now, fields, fields.write(begun, values), who=who, note=f"Added {block_id}")
    _try(made, block_id)
    return made, block_id


def remove_block(connection: Connection, name: str, block_id: str, *, who: str) -> WorkingCopy:
    """Take a copy block out of the draft; a version brings it back. Raises StateError, InputError."""
    now = open_working_copy(connection, name, lock=True)
    return save_files(connection, now, {path_of(now.toolkit, block_id): None}, who=who, note=f"Removed {block_id}")


def save_picture(
    connection: Connection, name: str, picture: str, content: bytes, alt: str, *, file_name: str = "", who: str
) -> tuple[WorkingCopy, str]:
    """Add a picture, or change the alt text of one, and its content if given; returns its name. Raises FieldError."""
    now = open_working_copy(connection, name, lock=True)
    if not picture:
        stem = slug(file_name.rpartition(".")[0])[:40].strip("-") or "picture"
        picture = next(each for each in _numbered(stem) if each not in now.toolkit.images)
    elif picture not in now.toolkit.images:
        raise StateError(f"There is no picture {picture!r}.", hint="Somebody may have removed it meanwhile.")
    fields, values, others = picture_fields(picture), {"alt": " ".join(alt.split())}, {}
    if content:
        with of_field("file"):
            image = measure(content[: MAX_BYTES + 1], file_name or picture)
        taken = {path for path in now.files if not path.startswith(f"images/{picture}.")}
        ending = EXTENSIONS[image.media_type]
        path = next(each for stem in _numbered(picture) if (each := f"images/{stem}.{ending}") not in taken)
        others, values["file"] = {path: image.content}, path
    written = fields.write(now.files, values)
    return save_written(connection, now, fields, written, who=who, others=others, note=f"Picture {picture}"), picture


def remove_picture(
    connection: Connection, name: str, picture: str, *, used_by: Sequence[str] = (), who: str
) -> WorkingCopy:
    """Take a picture out of the draft. Raises StateError, naming them, if brand, copy or `used_by` need it."""
    now = open_working_copy(connection, name, lock=True)
    if used := [*picture_uses(now, picture), *used_by]:
        raise StateError(
            f"The picture {picture!r} is used by {', '.join(used)}.", hint="Choose another one there first."
        )
    sheet = decoded(now.files[SHEET], SHEET)
    without = with_scalar(sheet, ("images", picture), None).encode()
    return save_files(connection, now, {SHEET: without}, who=who, note=f"Removed the picture {picture}")


def make_hero(connection: Connection, name: str, picture: str, *, who: str) -> WorkingCopy:
    """Put a picture at the top of the campaign's page; it keeps its own name, and so does the one before."""
    now = open_working_copy(connection, name, lock=True)
    chosen = picture_fields(picture).read(now.files)
    files, before = dict(now.files), picture_fields(HERO).read(now.files)
    shared = any(
        picture_fields(each).read(files)["file"] == before["file"] for each in now.toolkit.images if each != HERO
    )
    if before["file"] and not shared:
        old = next(each for each in _numbered("picture") if each not in now.toolkit.images)
        files[SHEET] = picture_fields(old).write(files, before)
    fields = picture_fields(HERO)
    return save_written(connection, now, fields, fields.write(files, chosen), who=who, note=f"{picture} is at the top")


def picture_uses(copy: WorkingCopy, picture: str) -> list[str]:
    """Return what in the toolkit uses a picture: its brand, and copy blocks by title."""
    brand = copy.toolkit.brand
    logos = [each for each in (brand.logo, brand.dark_logo) if each and each.name == picture]
    named = re.compile(rf"\({re.escape(picture)}[\s)]|^:::.*(?<![\w.-]){re.escape(picture)}(?![\w.-])", re.MULTILINE)
    blocks = [block.title for block in copy.toolkit.copy.values() if named.search(block.body)]
    return [*(["the brand, as its logo"] if logos else []), *blocks]


def raised(version: str) -> str:
    """Return the version after this one: its last number raised, or a 2 behind it."""
    found = re.search(r"\d{1,9}(?=\D*$)", version)
    return f"{version[: found.start()]}{int(found[0]) + 1}{version[found.end() :]}" if found else f"{version} 2"


def _try(made: WorkingCopy, block_id: str) -> None:
    """Refuse words that no page can show and no newsletter can hold; raises FieldError."""
    try:
        refuse_broken_copy(made.toolkit, only=block_id)
    except InputError as error:
        line = error.line - made.toolkit.copy[block_id].line + 1 if error.line else 0
        raise FieldError(WORDS, f"{f'Line {line}: ' if line > 0 else ''}{error.message}", error.hint) from None


def _new_path(now: WorkingCopy, block_id: str) -> str:
    """Return the path of a new block's file, behind the others, or behind the block that it translates."""
    first = block_id.rpartition(".")[0]
    if first in now.toolkit.copy:
        return f"{path_of(now.toolkit, first).removesuffix('.md')}.{block_id.rpartition('.')[2]}.md"
    numbers = [int(found[1]) for path in now.files if (found := re.match(r"copy/(\d+)-", path))]
    return f"copy/{max(numbers) + 1:02}-{block_id}.md" if numbers else f"copy/{block_id}.md"


def _numbered(stem: str) -> list[str]:
    return [f"{stem}-{number}" if number > 1 else stem for number in range(1, 1_000)]
