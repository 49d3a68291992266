"""A list to import into, and short ways to say what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from daisychain.database import Database
from lists.imports import ImportOptions, ImportSummary, import_members
from lists.lists import create_list


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """An open transaction on the fresh database, which goes away with it."""
    with database.engine.connect() as connection:
        yield connection


@pytest.fixture
def list_id(connection: Connection) -> int:
    """A list named friends."""
    return create_list(connection, "friends", sender="Friends <news@friends.example>")


@pytest.fixture
def take_in(connection: Connection, list_id: int, sheet: Callable[..., Path]) -> Callable[..., ImportSummary]:
    """Imports a CSV given as text into the list friends."""

    def run(content: str | bytes, **options: Any) -> ImportSummary:
        return import_members(connection, list_id, sheet(content), ImportOptions(**options))

    return run
