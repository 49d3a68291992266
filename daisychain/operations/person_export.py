"""Everything that is held of a person, for an access request: as JSON, and as one page to read."""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection

from daisychain import clock
from daisychain.atomic_files import PRIVATE
from daisychain.database import database_now
from daisychain.errors import InputError
from daisychain.operations.person_data import find_subject, of_colleague, rows_held

_TEMPLATES = Environment(
    loader=PackageLoader("templates", "person"), undefined=StrictUndefined, autoescape=True, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip


@dataclass(frozen=True)
class PersonExport:
    """Everything that is held of the person with this address, by title; and whether they may sign in."""

    email: str
    made_at: datetime
    has_account: bool
    held: dict[str, list[dict[str, Any]]]

    def as_json(self) -> bytes:
        """Return it for programs."""
        return orjson.dumps(vars(self), default=_text, option=orjson.OPT_INDENT_2)

    def as_page(self) -> bytes:
        """Return it as one HTML file, which loads nothing."""
        filled = {title: [_shown(row) for row in rows] for title, rows in self.held.items() if rows}
        nothing = [title for title, rows in self.held.items() if not rows]
        return (
            _TEMPLATES.get_template("person.html.j2")
            .render(export=self, made_at=clock.shown(self.made_at), filled=filled, nothing=nothing)
            .encode()
        )


def person_export(connection: Connection, email: str) -> PersonExport:
    """Return everything that is held of a person; raises InputError if nothing is."""
    subject = find_subject(connection, email)
    held, account = rows_held(connection, subject), of_colleague(connection, subject)
    if not account and not any(held.values()):
        raise InputError(f"Nothing is held of {email.strip()}.")
    return PersonExport(email.strip(), database_now(connection), account, held)


def write_export(export: PersonExport, base: Path) -> list[Path]:
    """Write BASE.json and BASE.html, which only their owner may read; raises InputError if one is there."""
    contents = {
        base.with_name(f"{base.name}.json"): export.as_json,
        base.with_name(f"{base.name}.html"): export.as_page,
    }
    for path in contents:
        if os.path.lexists(path):
            raise InputError("There is such a file already, and it is not overwritten.", file=path)
    for path, make in contents.items():
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
                file.write(make())
        except OSError as error:
            raise InputError(f"The export can't be written here: {error.strerror}.", file=path) from None
    return list(contents)


def _shown(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the values of a row that say something, as people read them; an object's values each by itself."""
    pairs = []
    for name, value in row.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        name = "" if name == "fields" else name.removesuffix("_key")
        pairs += [(f"{name} {key}".replace("_", " ").strip(), _text(each)) for key, each in inner]
    return [(name, value) for name, value in pairs if value]


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return clock.shown(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes | memoryview):
        return b64encode(bytes(value)).decode()
    return "" if value is None or value in ({}, []) else str(value)
