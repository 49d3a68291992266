"""`daisychain db`: looking after the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from commands.console import pass_installation, progress, say
from daisychain.installation import Installation


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@pass_installation
def upgrade(installation: Installation) -> None:
    """Bring the database to the version that this Daisychain needs; harmless to repeat."""
    from daisychain import schema
    from daisychain.database import reachable

    with reachable():
        changed = schema.upgrade(installation.database.unchecked_engine)
    say(f"The database is at version {schema.HEAD}{'' if changed else ' already'}.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@pass_installation
def backup(installation: Installation, file: Path) -> None:
    """Write the whole database into FILE, as it is at this moment; everything may keep running."""
    from daisychain.database import reachable
    from daisychain.operations import backups

    with reachable():
        installation.database.engine.connect().close()
        with _on_the_way("Backing up", backups.tables(installation.database)) as watch:
            size = backups.backup(installation.database, file, watch)
    say(f"{file}: {size:,} bytes. It holds personal data: keep it encrypted.")
    say(f"The secret key is NOT in it. {_whose_key(installation)} Without it, links in sent mail are dead.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes-overwrite", is_flag=True, help="Destroy what the database holds now, if it holds anything.")
@pass_installation
def restore(installation: Installation, file: Path, yes_overwrite: bool) -> None:
    """Put the backup FILE in the place of an empty database; it sends nothing until `daisychain confirm-here`."""
    from daisychain import schema
    from daisychain.database import reachable
    from daisychain.operations import backups

    with reachable():
        with _on_the_way("Restoring") as watch:
            restored = backups.restore(installation.database, file, watch, overwrite=yes_overwrite)
        if installation.database.embedded:
            schema.upgrade(installation.database.unchecked_engine)
    say(f"Restored: {restored.campaigns:,} campaigns, {restored.deliveries:,} people in their ledgers.")
    if restored.version != schema.HEAD and not installation.database.embedded:
        say(f"It is at version {restored.version}: run `daisychain db upgrade`.")
    say(
        "People who wait in it may have been mailed since the backup. It sends nothing until `daisychain confirm-here`."
    )
    whose = _whose_key(installation, put=True)
    say(f"The secret key is NOT in a backup. {whose} With another, links in sent mail are dead.")


def _whose_key(installation: Installation, *, put: bool = False) -> str:
    """Say what to do about the secret key, and where it is on this installation."""
    where = "DAISYCHAIN_SECRET_KEY" if installation.settings.secret_key or installation.settings.database_url else None
    if put:
        return f"Make {where or installation.settings.home / 'secret_key'} the same as where the backup was made."
    return f"Keep {where or installation.settings.home / 'secret_key'} as well, in another place."


@contextmanager
def _on_the_way(words: str, tables: int | None = None) -> Iterator[Callable[[str], None]]:
    """A bar on stderr that moves on with each table's name."""
    with progress() as bar:
        task = bar.add_task(words, total=tables)
        yield lambda table: bar.update(task, advance=1, description=f"{words} {table}")
