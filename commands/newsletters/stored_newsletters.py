"""`daisychain newsletter pull`, `push`, `list`, `versions` and `restore`: newsletters kept in the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.console import answers, emit, say, show_table
from daisychain.errors import StateError
from daisychain.installation import Installation
from daisychain.system_user import acting_user

if TYPE_CHECKING:
    from newsletters.stored.newsletters import SavedNewsletter
    from newsletters.stored.saving import Collision

_name = click.argument("name")


@click.command()
@_name
@click.argument("folder", metavar="[DIR]", type=click.Path(file_okay=False, path_type=Path), default=Path())
@answers("newsletter pull may", "newsletter pull may theirs")
def pull(installation: Installation, name: str, folder: Path, format_: str) -> None:
    """Write the stored newsletter NAME into DIR (default: here): its texts, pictures and brand.

    A file with changes that were not pushed is never overwritten.
    """
    from newsletters.stored import folder_copy

    with installation.database.engine.connect() as connection:
        files = folder_copy.pull(connection, name, folder)
    emit({"name": name, "files": list(map(str, files))}, format_, lambda: show_table(("file",), ([f] for f in files)))
    say(f"Edit it, then: daisychain newsletter push {files[0]}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default="", help="The stored newsletter's name; default: the file's.")
@click.option("--base", type=int, help="The version that you changed; default: the one that was pulled.")
@answers("newsletter push may.md", "newsletter push may.md --base 14")
def push(installation: Installation, file: Path, name: str, base: int | None, format_: str) -> None:
    """Store the newsletter in FILE with its translations, pictures and brand, as a new version or a new newsletter.

    If somebody saved the same text since you pulled it, it is refused and kept as a save, and nothing is overwritten.
    """
    from newsletters.stored import folder_copy
    from newsletters.stored.saving import Collision

    with installation.database.engine.begin() as connection:
        saved = folder_copy.push(connection, file, who=acting_user(), name=name, base=base)
    if isinstance(saved, Collision):
        raise _moved(saved, file)
    folder_copy.note_version(file.parent, saved)
    _show_saved(saved, format_)


@click.command("list")
@click.argument("words", required=False, default="")
@answers("newsletter list", "newsletter list may --format json")
def list_(installation: Installation, words: str, format_: str) -> None:
    """List the stored newsletters, or only if WORDS are in the name or title, the newest change first."""
    from newsletters.stored.newsletters import list_newsletters

    with installation.database.engine.connect() as connection:
        found = list_newsletters(connection, words)
    columns = ("name", "title", "version", "languages", "state", "changed", "by")
    rows = ([each.name, each.title, each.version, ", ".join(each.languages), each.state, each.updated_at,
             each.updated_by] for each in found)  # fmt: skip
    emit(found, format_, lambda: show_table(columns, rows))


@click.command()
@_name
@answers("newsletter versions may")
def versions(installation: Installation, name: str, format_: str) -> None:
    """List the saved versions of the stored newsletter NAME, the newest first; the number of the save restores it."""
    from newsletters.stored import versions as saved
    from newsletters.stored.newsletters import find

    with installation.database.engine.connect() as connection:
        found = saved.versions(connection, find(connection, name).id)
    columns = ("save", "version", "kind", "saved", "by", "note")
    rows = ([each.id, each.version, each.kind, each.at, each.by, each.note] for each in found)
    emit(found, format_, lambda: show_table(columns, rows))


@click.command()
@_name
@click.argument("save", type=int)
@answers("newsletter restore may 57")
def restore(installation: Installation, name: str, save: int, format_: str) -> None:
    """Make the save with the number SAVE the newest version of NAME; what is there now stays as a version."""
    from newsletters.stored import versions as saved
    from newsletters.stored.newsletters import find

    with installation.database.engine.begin() as connection:
        now = find(connection, name, lock=True)
        made = saved.restore(connection, now.id, save, now.version, who=acting_user())
    _show_saved(made, format_)


def _show_saved(saved: SavedNewsletter, format_: str) -> None:
    answer = {"id": saved.id, "name": saved.name, "title": saved.title, "version": saved.version}
    emit(answer, format_, f"{saved.name} is at version {saved.version} now.")


def _moved(collision: Collision, file: Path) -> StateError:
    theirs = collision.theirs
    parts = sum(not pair.same for pairs in collision.pairs.values() for pair in pairs)
    return StateError(
        f"{theirs.updated_by} saved version {theirs.version} of {theirs.name!r} meanwhile: {parts} pieces differ. "
        f"Nothing was overwritten; your text is kept as save {collision.kept_as}.",
        hint=f"Bring both together in {file}, after daisychain newsletter pull {theirs.name} THEIRS; "
        f"then daisychain newsletter push {file} --base {theirs.version}",
    )
