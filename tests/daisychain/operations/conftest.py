"""What the tests of operations share: the same installation over another, empty database."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from daisychain.embedded import EmbeddedServer
from tests.command import Daisychain
from tests.kept_database import TEMPLATE


@pytest.fixture
def elsewhere(server: EmbeddedServer, daisychain: Daisychain) -> Iterator[Daisychain]:
    """The same installation over another database, which is empty but for its tables."""
    name = f"elsewhere_{daisychain.settings.database_url.rpartition('/')[2].partition('?')[0]}"
    with _superuser(server) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER daisychain")
    url = f"postgresql+psycopg://daisychain@/{name}?host={server.socket}"
    yield daisychain.with_settings(database_url=url, home=daisychain.folder / "elsewhere")
    with _superuser(server) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _superuser(server: EmbeddedServer) -> psycopg.Connection:
    return psycopg.connect(server.conninfo(role="postgres", database="postgres"), autocommit=True)
