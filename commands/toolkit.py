"""`daisychain toolkit …`: list, show, add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.console import emit, examples, format_option, pass_installation, say, show_line, show_table, show_text
from daisychain.installation import Installation

if TYPE_CHECKING:
    from newsletters.toolkits.toolkit import Toolkit


@click.group()
def toolkit() -> None:
    """List, show and add toolkits: folders of campaign copy, links and images that a coalition publishes."""


@toolkit.command("list")
@format_option
@pass_installation
@examples("toolkit list")
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
@format_option
@pass_installation
@examples("toolkit show community-makes-us")
def show(installation: Installation, name: str, format_: str) -> None:
    """Show the copy blocks, images and links of a toolkit; NAME may be a folder."""
    from newsletters.toolkit_store.store import find_toolkit

    with installation.database.engine.connect() as connection:
        found = find_toolkit(name, Path(), connection)
    emit(_answer(found), format_, lambda: _show(found))


@toolkit.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only check the folder; store nothing.")
@format_option
@pass_installation
@examples("toolkit add spring-fair --dry-run", "toolkit add spring-fair")
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


def _answer(found: Toolkit) -> dict[str, Any]:
    from newsletters.toolkits.toolkit import current_day

    today = current_day()
    return {
        "name": found.name,
        "title": found.title,
        "coalition": found.coalition,
        "campaign": found.campaign,
        "summary": found.summary,
        "content_hash": found.content_hash,
        "links": dict(found.links),
        "images": [
            {"name": image.name, "width": image.width, "height": image.height, "alt": image.alt}
            for image in found.images.values()
        ],
        "copy": [
            {
                "id": block.id,
                "title": block.title,
                "version": block.version,
                "approved_by": block.approved_by,
                "embargo": block.embargo,
                "expires": block.expires,
                "channels": list(block.channels),
                "length": block.length,
                "available": not block.unavailable(today),
            }
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
