"""`daisychain db …`: upgrade, backup, restore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from commands.console import progress, runs, say
from daisychain.installation import Installation


@click.group()
def db() -> None:
    """Upgrade, back up and restore the database."""


@db.command()
@runs("db upgrade")
def upgrade(installation: Installation) -> None:
    """Upgrade the database to the version that this Daisychain needs; repeating it is harmless."""
    from daisychain import schema
    from daisychain.database import reachable
    from daisychain.operations.erased_list import read_list

    with reachable():
        changed = schema.upgrade(installation.database.unchecked_engine)
        _forget_again(installation, read_list(installation.settings.home))
    say(f"The database is at version {schema.HEAD}{'' if changed else ' already'}.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@runs("db backup daisychain.backup")
def backup(installation: Installation, file: Path) -> None:
    """Back up the whole database into FILE, while everything else goes on."""
    from daisychain.database import reachable
    from daisychain.operations import backups
    from daisychain.operations.erased_list import remember_erased

    with reachable():
        installation.database.engine.connect().close()
        with _table_progress("Backing up", backups.tables(installation.database)) as watch:
            size = backups.backup(installation.database, file, watch)
        remember_erased(installation.database.engine, file.absolute().parent)
    say(f"{file}: {size:,} bytes. It holds personal data: keep it encrypted.")
    say(f"The secret key is NOT in it. {_whose_key(installation)} Without it, links in sent mail are dead.")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes-overwrite", is_flag=True, help="Delete the present contents of the database.")
@runs("db restore daisychain.backup")
def restore(installation: Installation, file: Path, yes_overwrite: bool) -> None:
    """Restore the backup FILE into an empty database; it sends nothing until `daisychain confirm-here`."""
    from daisychain import schema
    from daisychain.database import reachable
    from daisychain.operations import backups
    from daisychain.operations.erased_list import keep_list, known_here, read_list

    with reachable():
        # Read before what knows it is replaced.
        erased = [*known_here(installation.database.unchecked_engine), *read_list(file.absolute().parent)]
        installation.database.unchecked_engine.dispose()
        with _table_progress("Restoring") as watch:
            restored = backups.restore(installation.database, file, watch, overwrite=yes_overwrite)
        if installation.database.embedded:
            schema.upgrade(installation.database.unchecked_engine)
        if restored.version == schema.HEAD or installation.database.embedded:
            _forget_again(installation, [*erased, *read_list(installation.settings.home)])
        elif erased:
            keep_list(installation.settings.home, erased)  # for `db upgrade`
    say(f"Restored: {restored.campaigns:,} campaigns, {restored.deliveries:,} people in their ledgers.")
    if restored.version != schema.HEAD and not installation.database.embedded:
        say(f"It is at version {restored.version}: run `daisychain db upgrade`.")
    say(
        "People who wait in it may have been mailed since the backup. It sends nothing until `daisychain confirm-here`."
    )
    whose = _whose_key(installation, put=True)
    say(f"The secret key is NOT in a backup. {whose} With another, links in sent mail are dead.")


def _forget_again(installation: Installation, erased: list[dict[str, Any]]) -> None:
    """Forget again who was erased since the backup was made."""
    from daisychain.operations.erasure import forget_again

    if erased and (people := forget_again(installation.database.engine, installation.settings, erased)):
        say(f"Forgotten again: {people:,} people who were erased since.")


def _whose_key(installation: Installation, *, put: bool = False) -> str:
    """Return what to do about the secret key of this installation."""
    where = "DAISYCHAIN_SECRET_KEY" if installation.settings.secret_key or installation.settings.database_url else None
    if put:
        return f"Make {where or installation.settings.home / 'secret_key'} the same as where the backup was made."
    return f"Keep {where or installation.settings.home / 'secret_key'} as well, in another place."


@contextmanager
def _table_progress(doing: str, tables: int | None = None) -> Iterator[Callable[[str], None]]:
    """Show a progress bar with the name of each table."""
    with progress() as bar:
        task = bar.add_task(doing, total=tables)
        yield lambda table: bar.update(task, advance=1, description=f"{doing} {table}")
