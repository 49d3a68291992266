"""The schema's version and its upgrade: one chain of migrations, Procrastinate's tables included.

Revisions are numbered (0001, 0002, …), so that "newer" and "older" are known without reading the chain.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, text

from daisychain.errors import DatabaseError, LockedError

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = max((path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")), default="0000")
# One upgrade at a time on a server; an arbitrary number that only has to be ours.
LOCK = 0x0DA151C4
LOCK_SECONDS = 30


def version(connection: Connection) -> str | None:
    """The revision that the database is at, such as "0001"; None for an empty database."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def upgrade(engine: Engine) -> bool:
    """Bring the database to HEAD in one transaction; True if anything changed. Raises DatabaseError."""
    # Alembic takes a quarter of a second to import, and hardly any command needs it.
    from alembic import command
    from alembic.config import Config

    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        except LockedError:
            raise DatabaseError(
                "Another upgrade of this database is running.", hint="Wait until it ends, then try again."
            ) from None
        found = version(connection)
        if found is not None and found > HEAD:
            raise DatabaseError(f"The database is of a newer version ({found}) than this Daisychain ({HEAD}).")
        if found == HEAD:
            return False
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
