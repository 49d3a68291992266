"""The list of erased people's hashes, kept beside the database and its backups, so that an older backup learns of it.

A line for each: {"hash": …, "at": …}. Nobody can tell from it who they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from daisychain.atomic_files import PRIVATE, replacing

NAME = "erased-people.jsonl"
_KNOWN = text("""
    SELECT encode(address_hash, 'hex') AS hash, max(at) AS at FROM erasures GROUP BY 1 ORDER BY 2, 1
""")


def known_here(engine: Engine) -> list[dict[str, Any]]:
    """Return the hashes that a database knows; none if it is empty, or from before there were any."""
    with suppress(SQLAlchemyError), engine.connect() as connection:
        return [{"hash": row.hash, "at": row.at.isoformat()} for row in connection.execute(_KNOWN)]
    return []


def remember_erased(engine: Engine, folder: Path) -> None:
    """Add the hashes that the database knows to the list in a folder."""
    keep_list(folder, known_here(engine))


def keep_list(folder: Path, erased: Iterable[dict[str, Any]]) -> None:
    """Add to the list in a folder; nothing is written if there is nobody in it."""
    if rows := {each["hash"]: each for each in (*read_list(folder), *erased)}:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(folder / NAME, rights=PRIVATE, encoding="ascii") as file:
            file.writelines(f"{orjson.dumps(each).decode()}\n" for each in rows.values())


def read_list(folder: Path) -> list[dict[str, Any]]:
    """Return the list in a folder; empty if there is none."""
    with suppress(FileNotFoundError):
        return [orjson.loads(line) for line in (folder / NAME).read_text(encoding="ascii").splitlines() if line]
    return []


def not_known_to(connection: Connection, rows: Iterable[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Return the erasures that a restored database has not heard of, or only of earlier ones of the same person."""
    latest = {each["hash"]: each for each in sorted(rows, key=lambda each: str(each["at"]))}
    known = {row.hash: row.at.isoformat() for row in connection.execute(_KNOWN)}
    return [each for hash_, each in latest.items() if known.get(hash_, "") < each["at"]]
