"""`daisychain report toolkit`: which organisations looked at a toolkit, took it and shared it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from commands.console import csv_format_option, emit, runs, show_table, show_text
from daisychain import clock
from daisychain.installation import Installation

if TYPE_CHECKING:
    from partners.adoption import ToolkitAdoption

OTHERS = "Others came without a private link or a code, so it is unknown of which organisation they are."


@click.command()
@click.argument("name")
@csv_format_option
@runs("report toolkit community-makes-us", "report toolkit community-makes-us --format csv > adoption.csv")
def toolkit(installation: Installation, name: str, format_: str) -> None:
    """Show which organisations looked at the toolkit NAME, took its emails and shared it, and what is not known."""
    from partners.adoption import adoption_json, toolkit_adoption, write_adoption

    with installation.database.engine.connect() as connection:
        found = toolkit_adoption(connection, name)
    if format_ == "csv":
        write_adoption(found, sys.stdout)
    else:
        emit(adoption_json(found), format_, lambda: _show_adoption(found))


def _show_adoption(found: ToolkitAdoption) -> None:
    show_text(f"{found.title}, as of {clock.shown(found.as_of)}\n")
    figures = found.figures.values()
    rows = [
        (each.label, f"{each.organisations:,} of {each.of:,}", "" if each.events is None else f"{each.events:,}",
         "" if each.unknown_events is None else f"{each.unknown_events:,}", f"[{at}]")
        for at, each in enumerate(figures, 1)
    ]  # fmt: skip
    show_table(("", "organisations", "times", "and by others", ""), rows)
    active = [each for each in found.organisations if each.latest or each.emails]
    lines = [
        (each.organisation.name, "\n".join(one.text + ", by staff" * one.by_staff for one in each.emails),
         each.latest or "")
        for each in active
    ]  # fmt: skip
    show_table(("organisation", "emails", "last active"), lines)
    for at, each in enumerate(figures, 1):
        show_text(f"[{at}] {each.definition}", hanging="    ")
    show_text(f"\n{OTHERS} {found.not_known}")
