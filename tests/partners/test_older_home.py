"""A database from before there were organisations: its partners are organisations after the upgrade."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text

from daisychain.embedded import EmbeddedServer
from daisychain.schema import MIGRATIONS
from tests.kept_database import superuser, url_of

BEFORE, AFTER = "0021", "0022"


@pytest.fixture
def engine(server: EmbeddedServer) -> Iterator[Engine]:
    with superuser(server) as connection:
        connection.execute("CREATE DATABASE older OWNER daisychain")
    engine = create_engine(url_of(server, "older"))
    yield engine
    engine.dispose()
    with superuser(server) as connection:
        connection.execute("DROP DATABASE older WITH (FORCE)")


def migrate(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_partners_with_a_code_or_an_old_pack_become_organisations_once_each(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection, BEFORE)
        connection.execute(
            text("""
            INSERT INTO pack_partners (code, name, reply, notes, given_at) VALUES
              ('bees', 'Bees', '', '{"contact": "Jo"}', '2026-01-01'),
              ('beekeepers', 'BEES', 'hi@bees.example', '{"region": "North", "empty": ""}', '2026-02-01'),
              ('wasps', 'Wasps', 'no address', '{}', '2026-01-01')
        """)
        )
        connection.execute(
            text("""
            INSERT INTO made_packs (key, newsletter, title, edition, toolkit, coalition, partner, dialect,
              copy_blocks, sheets)
            SELECT name, 'may', '', '', 'fair', '', name, 'plain', '[]', '{}'
            FROM unnest(ARRAY['bees', 'Ants & Co', '社区', '']) AS name
        """)
        )
        migrate(connection, AFTER)
        rows = connection.execute(
            text("""
            SELECT code, name, reply, notes::text, link_number FROM organisations
            JOIN organisation_profiles ON organisation_id = id ORDER BY name COLLATE "C"
        """)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("ants-co", "Ants & Co", "", "{}", 0),
        ("beekeepers", "BEES", "hi@bees.example", '{"region": "North"}', 0),
        ("wasps", "Wasps", "", '{"reply": "no address"}', 0),
        (rows[3].code, "社区", "", "{}", 0),
    ]
    assert rows[3].code.startswith("partner-")
