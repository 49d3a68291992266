"""`daisychain list archive` and `campaign archive`: whether everybody may read past bulletins on a public page."""

from __future__ import annotations

import click

from commands.console import answers, emit, runs, say
from daisychain.installation import Installation

on_off = click.Choice(["off", "on"])


@click.command("archive")
@click.argument("name")
@click.argument("state", type=on_off)
@click.option("--search-engines", type=on_off, help="Whether search engines may list the pages; off at first.")
@answers("list archive supporters on", "list archive supporters on --search-engines on")
def of_list(installation: Installation, name: str, state: str, search_engines: str | None, format_: str) -> None:
    """Show the past bulletins of the list NAME to everybody, or stop that; nobody's values are in them."""
    from lists.lists import edit_list, find_list

    indexed = None if search_engines is None else search_engines == "on"
    with installation.database.engine.begin() as connection:
        edit_list(connection, name, archive=state == "on", archive_indexed=indexed)
        row = find_list(connection, name)
    url = f"{installation.settings.pages_url}/archive/{name}" if row["archive"] else ""
    answer = {"list": name, "archive": row["archive"], "search_engines": row["archive_indexed"], "url": url}
    emit(answer, format_, url or f"The past bulletins of {name} are not shown.")


@click.command("archive")
@click.argument("id_", metavar="ID", type=int)
@click.argument("state", type=on_off)
@runs("campaign archive 3 off")
def of_campaign(installation: Installation, id_: int, state: str) -> None:
    """Show a campaign in its list's archive, or leave it out."""
    from sender.reader_pages.past_bulletins import leave_out

    with installation.database.engine.begin() as connection:
        leave_out(connection, id_, left_out=state == "off")
    say(f"Campaign {id_} is {'left out of' if state == 'off' else 'in'} its list's archive.")
