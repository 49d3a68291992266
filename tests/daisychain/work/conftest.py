"""A server that several tests ask, one after the other: it takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.settings import Settings
from tests.command import Daisychain
from tests.daisychain.work.serving import Served, serving
from tests.kept_database import TEMPLATE, superuser, url_of

NAME = "served"


@pytest.fixture(scope="package")
def served(
    server: EmbeddedServer, usual_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The server of the tests that leave it as it was."""
    with superuser(server) as connection:
        connection.execute(f"CREATE DATABASE {NAME} TEMPLATE {TEMPLATE} OWNER daisychain")
    folder = tmp_path_factory.mktemp("served")
    settings = replace(usual_settings, home=folder / "home", database_url=url_of(server, NAME))
    command, database = Daisychain(settings, folder), Database(settings)
    with serving(command) as (url, _):
        yield Served(url, database, command)
    database.close()
    with superuser(server) as connection:
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
