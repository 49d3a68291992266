"""`daisychain toolkit …`: list, show, add, new, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.console import answers, emit, examples, runs, say, show_line, show_table, show_text
from daisychain.installation import Installation

if TYPE_CHECKING:
    from newsletters.toolkits.toolkit import Toolkit


MOST_COLOURS = 2


@click.group()
def toolkit() -> None:
    """Work with toolkits: folders of campaign copy, links and images that a coalition publishes."""


@toolkit.command("list")
@answers("toolkit list")
def list_(installation: Installation, format_: str) -> None:
    """List the toolkits that a newsletter can use."""
    from newsletters.toolkit_store.store import list_toolkits

    with installation.database.engine.connect() as connection:
        entries = list_toolkits(connection)
    answer = [{"name": entry.name, "title": entry.title, "added_at": entry.added_at} for entry in entries]
    rows = [(entry.name, entry.title, entry.added_at or "ships with Daisychain") for entry in entries]
    emit(answer, format_, lambda: show_table(("name", "title", "added"), rows))


@toolkit.command()
@click.argument("name")
@answers("toolkit show community-makes-us")
def show(installation: Installation, name: str, format_: str) -> None:
    """Show the copy blocks, images and links of a toolkit; NAME may be a folder."""
    from newsletters.toolkit_store.store import find_toolkit

    with installation.database.engine.connect() as connection:
        found = find_toolkit(name, Path(), connection)
    emit(_answer(found), format_, lambda: _show(found))


@toolkit.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only check the folder; store nothing.")
@answers("toolkit add spring-fair --dry-run", "toolkit add spring-fair")
def add(installation: Installation, folder: Path, dry_run: bool, format_: str) -> None:
    """Add the toolkit in FOLDER, or replace the one with its name, for all machines."""
    from newsletters.toolkit_store.store import add_toolkit, checked_toolkit

    if dry_run:
        found, changed = checked_toolkit(folder), False
    else:
        with installation.database.engine.begin() as connection:
            found, changed = add_toolkit(connection, folder)
    emit({**_answer(found), "changed": changed}, format_, lambda: _show(found))
    if dry_run:
        say(f"{found.title} can be added; nothing was stored.")
    else:
        say(f"{found.title} was {'added' if changed else 'there already, unchanged'}.")


@toolkit.command()
@click.argument("name")
@click.option("--title", default="", help="The name of the campaign; by default NAME.")
@click.option("--coalition", default="", help="Who publishes it.")
@click.option("--picture", type=click.Path(path_type=Path), help="A picture for the top of its page.")
@click.option("--alt", default="", help="A sentence that says what the picture shows.")
@click.option("--colour", "colours", multiple=True, help='Its main colour, then a second one: "#1d5c53".')
@click.option("--copy", "copy", type=click.Path(path_type=Path), help="A text file: its headings begin copy blocks.")
@examples('toolkit new spring-fair --title "Spring Fair" --colour "#1d5c53" --copy words.txt')
def new(
    name: str, title: str, coalition: str, picture: Path | None, alt: str, colours: tuple[str, ...], copy: Path | None
) -> None:
    """Begin a toolkit: make the folder NAME from a picture, two colours and one text."""
    from newsletters.documents.text_files import read_text
    from newsletters.toolkit_drafts.pasted_copy import new_toolkit
    from newsletters.toolkit_drafts.toolkit_archive import write_folder
    from newsletters.toolkit_store.try_copy import checked_files
    from newsletters.toolkits.images import read_image

    if len(colours) > MOST_COLOURS:
        raise click.UsageError("Give one colour or two.")
    content = read_image(picture.parent, picture.name, picture.name, file=picture, line=1).content if picture else b""
    words = read_text(copy, "There is no copy") if copy else ""
    title = title or name.replace("-", " ").capitalize()
    made = new_toolkit(name, title, coalition=coalition, picture=content, alt=alt, colours=colours, copy=words)
    found = checked_files(made.files, name)
    written = write_folder(found.files, Path(name))
    _show(found)
    for remark in made.remarks:
        say(remark)
    say(f"The folder {name} was {'made' if written else 'there already, unchanged'}.")
    say(f"Look through its files, then: daisychain toolkit add {name}")


@toolkit.command()
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--zip", "zipped", is_flag=True, help="Write a zip of the folder: NAME.zip by default.")
@click.option("--draft", is_flag=True, help="The draft of the desk instead of what is published.")
@runs("toolkit export spring-fair", "toolkit export spring-fair --zip")
def export(installation: Installation, name: str, folder: Path | None, zipped: bool, draft: bool) -> None:
    """Write a toolkit into a new folder, NAME by default: the files that `toolkit add` takes."""
    from newsletters.toolkit_drafts.toolkit_archive import write_folder, write_zip
    from newsletters.toolkit_drafts.working_copy import open_working_copy
    from newsletters.toolkit_store.store import named_toolkit

    with installation.database.engine.connect() as connection:
        found = open_working_copy(connection, name).toolkit if draft else named_toolkit(name, connection)
    place = folder or Path(f"{name}.zip" if zipped else name)
    written = write_zip(name, found.files, place) if zipped else write_folder(found.files, place)
    say(f"{found.title} was written to {place}." if written else f"{place} has exactly this already.")


def _answer(found: Toolkit) -> dict[str, Any]:
    from newsletters.toolkits.toolkit import current_day

    today = current_day()
    whole = ("name", "title", "coalition", "campaign", "summary", "content_hash")
    of_image = ("name", "width", "height", "alt")
    of_block = ("id", "title", "version", "approved_by", "embargo", "expires")
    return {name: getattr(found, name) for name in whole} | {
        "links": dict(found.links),
        "images": [{name: getattr(image, name) for name in of_image} for image in found.images.values()],
        "copy": [
            {name: getattr(block, name) for name in of_block}
            | {"channels": list(block.channels), "length": block.length, "available": not block.unavailable(today)}
            for block in found.copy.values()
        ],
    }


def _show(found: Toolkit) -> None:
    from newsletters.toolkits.toolkit import current_day

    today = current_day()
    show_line(f"{found.title}, by {found.coalition}\n", bold=True)
    show_text(f"{found.summary}\n")
    show_table(
        ("copy block", "title", "for", "approved by", "today"),
        [
            (block.id, block.title, f"{', '.join(block.channels)}: {block.length}",
             f"{block.approved_by}, version {block.version}", block.unavailable(today) or "may be used")
            for block in found.copy.values()
        ],
    )  # fmt: skip
    show_table(
        ("image", "pixels", "alt text"),
        [(image.name, f"{image.width} × {image.height}", image.alt) for image in found.images.values()],
    )
    show_table(("link", "address"), list(found.links.items()))
