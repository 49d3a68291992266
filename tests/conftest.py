"""Real parts for all tests: one embedded PostgreSQL for the run, and an empty database for each test that asks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from accounts import credentials
from daisychain import database as daisychain_database
from daisychain import schema
from daisychain.built_files import BUILT
from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.operations import doctor
from daisychain.settings import Settings
from newsletters.browser import browser
from sender.providers.sendgrid_setup import SetupFinding
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid
from tests.kept_database import TEMPLATE, KeptDatabase, superuser, url_of
from tests.shared_statements import create_engine

# Nothing may depend on how fast the machine is.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


class FlushingClient(FlaskClient):
    """A browser of tests, after each of whose requests the opens and clicks that came are stored."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        answer = super().open(*arguments, **options)
        if hits := self.application.extensions.get("daisychain.hits"):  # the desk has none
            hits.flush()
        return answer


Flask.test_client_class = FlushingClient

# What takes a test out of `make quick`; so does the marker `processes`.
NOT_QUICK = {"server", "durable_server", "chromium"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know the option of `make quick`."""
    parser.addoption("--quick", action="store_true", help="no database, other processes or Chromium")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not quick, by the fixtures that a test asks for, itself or through others."""
    if config.getoption("quick"):
        out = [item for item in items if _not_quick(item)]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]


def _not_quick(item: pytest.Item) -> bool:
    return bool(NOT_QUICK & set(getattr(item, "fixturenames", ()))) or item.get_closest_marker("processes") is not None


@pytest.fixture(scope="session")
def chromium() -> None:
    """Skips the tests that need a Chromium if there is none; where CI is set they fail."""
    if not browser.chromium():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no Chromium here")


@pytest.fixture(scope="session", autouse=True)
def look_at_browser() -> Iterator[Callable[[], SetupFinding]]:
    """How the doctor looks at Chromium; in tests, all its visits share one look, as each starts a browser."""
    with pytest.MonkeyPatch.context() as patch:
        real = doctor._browser
        patch.setattr(doctor, "_browser", cache(real))
        yield real


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """All engines of the run share what they compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daisychain_database, "create_engine", create_engine)
        yield


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """The hasher of passwords as it is outside of tests; here argon2 does the least work that it allows."""
    with pytest.MonkeyPatch.context() as patch:
        real, cheap = credentials._HASHER, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(credentials, "_HASHER", cheap)
        patch.setattr(credentials, "_NOBODY", credentials._of_nobody(cheap))
        yield real


@pytest.fixture(scope="session")
def scripts() -> None:
    """Skips the tests that need the desk's scripts if they are not built; where CI is set they fail."""
    built = BUILT / "manifest.json"
    if not built.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the desk's scripts are not built: `make scripts`")
    newest = max(source.stat().st_mtime for source in (BUILT.parents[2] / "frontend/src").iterdir())
    assert built.stat().st_mtime >= newest, "the desk's scripts were built from other sources: `make scripts`"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """An embedded PostgreSQL of this run's own, with an upgraded template database in it."""
    server = EmbeddedServer(tmp_path_factory.mktemp("home"))
    server.start()
    with superuser(server) as connection:
        # Durability costs time and protects nothing here; the tests that need it start servers of their own.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET full_page_writes = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE {TEMPLATE} OWNER daisychain")
    engine = sqlalchemy.create_engine(url_of(server, TEMPLATE))
    schema.upgrade(engine)
    engine.dispose()
    yield server
    server.release()
    shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def durable_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A PostgreSQL with the defaults, that keeps what it confirmed; the one that most tests use does not."""
    server = EmbeddedServer(tmp_path_factory.mktemp("durable"))
    server.start()
    engine = sqlalchemy.create_engine(url_of(server, "daisychain"))
    schema.upgrade(engine)
    engine.dispose()
    yield server
    server.release()
    shutil.rmtree(server.folder)


@pytest.fixture
def durable(durable_server: EmbeddedServer, settings: Settings, tmp_path: Path) -> Iterator[Daisychain]:
    """The command line on an empty database of the durable server."""
    with superuser(durable_server) as connection:
        connection.execute("CREATE DATABASE emptied TEMPLATE daisychain OWNER daisychain")
    yield Daisychain(replace(settings, database_url=url_of(durable_server, "emptied")), tmp_path)
    with superuser(durable_server) as connection:
        connection.execute("DROP DATABASE emptied WITH (FORCE)")


@pytest.fixture(scope="session")
def kept_database(server: EmbeddedServer) -> Iterator[KeptDatabase]:
    """The database that the tests of this run use one after the other."""
    with closing(KeptDatabase(server)) as kept:
        yield kept


@pytest.fixture
def database_url(kept_database: KeptDatabase) -> Iterator[str]:
    """The URL of an empty database with all tables in it, emptied again after the test."""
    yield kept_database.url
    kept_database.empty()


@pytest.fixture
def alone(kept_database: KeptDatabase) -> None:
    """Nobody but the test has a session in its database, as a restore wants it."""
    kept_database.close()


@pytest.fixture(scope="session")
def usual_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """What all tests' settings have in common: for providers on loopback."""
    return Settings(
        home=tmp_path_factory.mktemp("no-home"),
        public_url="http://127.0.0.1:8000",
        secret_key="a secret for tests, and long enough",
        test_mode=True,
    )


@pytest.fixture
def settings(usual_settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    """Settings for the fresh database, in a home of the test's own."""
    return replace(usual_settings, home=tmp_path / "home", database_url=database_url)


@pytest.fixture
def daisychain(settings: Settings, tmp_path: Path) -> Daisychain:
    """The command line on the fresh database, in a folder of the test's own."""
    return Daisychain(settings, tmp_path)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """Access to the fresh database."""
    database = Database(settings)
    yield database
    database.close()


@pytest.fixture
def sendgrid() -> Iterator[FakeSendGrid]:
    """SendGrid's stand-in: a real server on loopback."""
    with FakeSendGrid() as fake:
        yield fake


@pytest.fixture
def through_sendgrid(settings: Settings, sendgrid: FakeSendGrid) -> Settings:
    """Settings with which members' mail goes to the stand-in."""
    return replace(
        settings, sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url,
        public_url="https://news.coalition.org",
    )  # fmt: skip


@pytest.fixture
def send(daisychain: Daisychain, through_sendgrid: Settings) -> Daisychain:
    """The command line with these settings."""
    return replace(daisychain, settings=through_sendgrid)


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV and says where it is."""

    def write(content: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
