"""Provenance: what a pack was made of, written into pack.json, and what has changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from newsletters.toolkits.toolkit import Toolkit

if TYPE_CHECKING:
    from newsletters.packs.dialects.dialect import Dialect
    from newsletters.packs.edition import Edition
    from newsletters.packs.material import Material

SHEET = "pack.json"
FORMAT = 1

State = Literal["current", "altered", "out of date", "not made here", "not compared"]


@dataclass(frozen=True)
class PackVerdict:
    """The state of a pack: `altered` are files that are not as they were made, `changes` what has changed since.

    What a pack says of itself can be written by anybody: only one that is `known` here can be current, and only where
    its copy could be `compared` with the toolkit's of today. `notes` are about files beside the email.
    """

    sheet: Mapping[str, Any]
    known: bool
    altered: tuple[str, ...]
    changes: tuple[str, ...]
    compared: bool = True
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """One word; what has changed at the coalition weighs more than what was changed in the pack."""
        if not self.known:
            return "not made here"
        if self.changes or self.altered:
            return "out of date" if self.changes else "altered"
        return "current" if self.compared else "not compared"


def provenance(material: Material, dialect: Dialect, key: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the content of pack.json for a pack of these `files`."""
    edition, toolkit, partner = material.edition, material.edition.toolkit, material.partner
    # Pictures are known by their hash already.
    known = {f"images/{name}": hash_ for hash_, name in material.names.items()}
    sums = {path: known.get(path) or hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}
    return {
        "format": FORMAT,
        "pack": key,
        "standing": standing_url(edition.choices.public_url, key),
        "made": edition.today.isoformat(),
        "expires": edition.expires.isoformat() if edition.expires else None,
        "dialect": dialect.key,
        "partner": {"name": partner.name, "code": partner.code} if partner else None,
        "newsletter": {
            "name": edition.name,
            "title": edition.title,
            "language": edition.language,
            "hash": edition.hash,
        },
        "toolkit": {
            "name": toolkit.name,
            "title": toolkit.title,
            "coalition": toolkit.coalition,
            "hash": toolkit.content_hash,
        },
        "copy blocks": copy_rows(edition),
        "pictures": "hosted by the coalition" if edition.choices.hosted else "uploaded by the partner",
        "files": sums,
        "hash": whole_hash(sums),
    }


def copy_rows(edition: Edition) -> list[dict[str, Any]]:
    """Return the copy blocks of the edition's packs, as packs name them; those `beside` the email come last."""
    return [
        {
            "id": block.id, "title": block.title, "version": block.version, "approved by": block.approved_by,
            "expires": block.expires.isoformat() if block.expires else None, "hash": block_hash(block.body),
            "beside": block.id in edition.beside,
        }
        for block in (edition.toolkit.copy[name] for name in (*edition.used, *edition.beside))
    ]  # fmt: skip


def block_hash(body: str) -> str:
    """Return the hash of a copy block's words."""
    return hashlib.sha256(body.encode()).hexdigest()


def whole_hash(sums: Mapping[str, str]) -> str:
    """Return the hash of a pack: of its files' names and hashes."""
    return hashlib.sha256("".join(f"{path}\0{sums[path]}\n" for path in sorted(sums)).encode()).hexdigest()


def standing_url(public_url: str, key: str) -> str:
    """Return the public page that shows the state of a pack."""
    return f"{public_url}/packs/{key}"


def altered_files(sheet: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield a sentence for each file that is not as it was made."""
    sums = sheet["files"]
    if whole_hash(sums) != sheet.get("hash"):
        yield f"{SHEET} was changed."
    for path in sorted(sums):
        if path not in files:
            yield f"{path} is missing."
        elif hashlib.sha256(files[path]).hexdigest() != sums[path]:
            yield f"{path} was changed."
    for path in sorted(files.keys() - sums.keys()):
        yield f"{path} was added."


def copy_changes(rows: list[dict[str, Any]], toolkit: Toolkit, today: date) -> Iterator[str]:
    """Yield a sentence for each copy block that is not any more as in `rows`; old posts have a note instead."""
    for row in rows:
        block = toolkit.copy.get(row["id"])
        name = f"“{row['title']}”"
        if _is_over(row, today):
            continue
        if block is None:
            yield f"{name} was taken out of the toolkit."
        elif reason := block.unavailable(today):
            yield f"{name} {reason}."
        elif block.version != row["version"]:
            had = row["version"]
            yield f"{name} was corrected: it is now version {block.version}, and this email has version {had}."
        elif block_hash(block.body) != row["hash"]:
            yield f"{name} was corrected: it has new words."


def beside_notes(rows: list[dict[str, Any]], today: date) -> Iterator[str]:
    """Yield a sentence for each piece beside the email, such as a post, whose time has passed; the email's has not."""
    for row in filter(lambda row: _is_over(row, today), rows):
        until = f"{date.fromisoformat(row['expires']):%d %B %Y}".lstrip("0")
        yield f"Leave out “{row['title']}”, in the posts or texts beside the email: it was for use until {until}."


def _is_over(row: Mapping[str, Any], today: date) -> bool:
    return bool(row.get("beside") and row["expires"] and today > date.fromisoformat(row["expires"]))
