from __future__ import annotations

from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import lists.tables  # noqa: F401  (imported for the tables they declare, as are those below)
import newsletters.tables  # noqa: F401
import partners.tables  # noqa: F401
import sender.tables  # noqa: F401
from daisychain import schema
from daisychain.database import Base, Database
from daisychain.errors import DatabaseError
from daisychain.settings import Settings


def test_the_migrations_and_the_tables_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, parents: not (name or "").startswith("procrastinate_"),
            },
        )
        assert compare_metadata(context, Base.metadata) == []
        filled = connection.scalar(text("SELECT reloptions FROM pg_class WHERE relname = 'deliveries'"))
    assert filled == ["fillfactor=60"]


@pytest.mark.parametrize(
    ("url", "sslmode"),
    [
        ("postgresql://ann:secret@db.charity.org/news", "require"),
        ("postgresql://ann@127.0.0.1,db.charity.org/news", "require"),
        ("postgresql:///news?host=db.charity.org", "require"),
        ("postgresql://ann@db.charity.org/news?sslmode=verify-full", "verify-full"),
        ("postgresql://ann@db.internal/news?sslmode=disable", "disable"),
        ("postgresql://ann@localhost/news", None),
        ("postgresql://ann@[::1]/news", None),
        ("postgresql:///news?host=/run/postgresql", None),
        ("postgresql://localhost/news?hostaddr=203.0.113.5", "require"),
        ("postgresql:///news?host=/tmp,db.charity.org", "require"),
        ("postgresql:///news?service=prod", None),
        ("postgresql:///news", None),
    ],
)
def test_a_server_on_another_machine_is_spoken_to_by_tls_unless_its_url_says_otherwise(
    settings: Settings, url: str, sslmode: str | None
) -> None:
    assert Database(replace(settings, database_url=url)).url.query.get("sslmode") == sslmode


@pytest.mark.parametrize(
    ("variable", "value", "sslmode"),
    [("PGSSLMODE", "verify-full", None), ("PGHOST", "db.charity.org", "require"), ("PGHOST", "/run/postgresql", None)],
)
def test_what_libpq_is_told_by_its_own_variables_counts_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sslmode: str | None
) -> None:
    monkeypatch.setenv(variable, value)
    url = "postgresql:///news" if variable == "PGHOST" else "postgresql://ann@db.charity.org/news"
    assert Database(replace(settings, database_url=url)).url.query.get("sslmode") == sslmode


def test_an_upgrade_that_is_not_needed_changes_nothing(database: Database) -> None:
    assert schema.upgrade(database.engine) is False


@pytest.mark.parametrize(
    ("found", "words"), [("9999", "newer version"), ("0000", "daisychain db upgrade"), (None, "daisychain db upgrade")]
)
def test_a_server_database_of_another_version_is_refused_with_what_to_do(
    database: Database, found: str | None, words: str
) -> None:
    with database.unchecked_engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if found:
            connection.execute(text("INSERT INTO alembic_version VALUES (:found)"), {"found": found})
    with pytest.raises(DatabaseError, match=words):
        _ = database.engine


def test_an_older_daisychain_does_not_upgrade_a_newer_database(database: Database) -> None:
    with database.unchecked_engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer version"):
        schema.upgrade(database.unchecked_engine)
