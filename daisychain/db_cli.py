"""`daisychain db`: looking after the database."""

from __future__ import annotations

import click

from daisychain.console import Desk, pass_desk, say


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@pass_desk
def upgrade(desk: Desk) -> None:
    """Bring the database to the version that this Daisychain needs; harmless to repeat."""
    from daisychain import schema
    from daisychain.database import reachable

    with reachable():
        changed = schema.upgrade(desk.database.unchecked_engine)
    say(f"The database is at version {schema.HEAD}{'' if changed else ' already'}.")
