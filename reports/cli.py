"""`daisychain report`: what a campaign did, in figures that say what they are."""

from __future__ import annotations

import click

from daisychain.console import Desk, pass_desk


@click.group()
def report() -> None:
    """What a campaign did, in figures that say what they are."""


@report.command()
@click.argument("id_", metavar="ID", type=int)
@click.option(
    "--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True,
    help="A table for people, JSON for scripts, or CSV for spreadsheets.",
)  # fmt: skip
@click.option(
    "--exact", is_flag=True, help="In CSV, leave cells that a spreadsheet could take for formulas as they are."
)
@pass_desk
def show(desk: Desk, id_: int, format_: str, exact: bool) -> None:
    """The figures of campaign ID, each with what it is a share of, its definition, source and time."""
    from reports.figures import figures
    from reports.shown import as_csv, as_json, show_tables

    with desk.database.engine.connect() as connection:
        found = figures(connection, id_)
    if format_ == "csv":
        click.echo(as_csv(found, exact=exact), nl=False)
    elif format_ == "json":
        click.echo(as_json(found))
    else:
        show_tables(found)
