"""`daisychain report show`: the figures of a campaign, each with its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from commands.console import examples, pass_installation, show_table, show_text
from daisychain import clock
from daisychain.installation import Installation

if TYPE_CHECKING:
    from reports.figures import Figure, Report

# The figures in the table of languages; files have all of them.
OF_LANGUAGES = ("accepted", "delivered", "opened_human", "clicked", "unsubscribed")


@click.group()
def report() -> None:
    """Show the figures of a campaign, each with its definition."""


@report.command()
@click.argument("id_", metavar="ID", type=int)
@click.option(
    "--format", "format_", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True,
    help="A table for people, JSON for scripts, or CSV for spreadsheets.",
)  # fmt: skip
@click.option(
    "--exact", is_flag=True, help="In CSV, leave cells as they are, even if a spreadsheet would run them as formulas."
)
@pass_installation
@examples("report show 3", "report show 3 --format csv > may.csv")
def show(installation: Installation, id_: int, format_: str, exact: bool) -> None:
    """Show the figures of campaign ID, each with its denominator, definition, source and time."""
    from reports.exports import as_csv, as_json
    from reports.figures import figures

    with installation.database.engine.connect() as connection:
        found = figures(connection, id_)
    if format_ == "csv":
        click.echo(as_csv(found, exact=exact), nl=False)
    elif format_ == "json":
        click.echo(as_json(found))
    else:
        show_tables(found)


def show_tables(report: Report) -> None:
    """Show the report to people: figures, links, and the definitions as footnotes."""
    when = clock.shown(report.as_of)
    notes: dict[str, int] = {}
    rows = [(*_cells(figure), figure.source, f"[{_note(notes, figure)}]") for figure in report.figures.values()]
    show_table(
        ["", "people", "of", "rate", "95 % interval", "source", "note"],
        rows,
        title=f"Campaign {report.campaign_id}: {report.campaign} ({report.state}), as of {when}",
    )
    if report.languages:
        shown = [report[name] for name in OF_LANGUAGES]
        show_table(
            ["language", "people", *(f"{figure.label} [{_note(notes, figure)}]" for figure in shown)],
            [
                (language, _count(figures["intended"]), *(_of(figures[name]) for name in OF_LANGUAGES))
                for language, figures in report.languages.items()
            ],
        )
    if report.links:
        show_table(
            ["link", "text", "leads to", "clicks", "people", "of", "rate", "95 % interval", "note"],
            [
                (
                    "" if link.number is None else str(link.number),
                    f"{link.text} ({link.language})" if link.language else link.text,
                    link.url,
                    _count(link.clicks),
                    *_cells(link.clickers)[1:],
                    f"[{_note(notes, link.clickers)}]",
                )
                for link in report.links
            ],
        )
    for definition, number in notes.items():
        show_text(f"[{number}] {definition}", hanging="  ")


def _note(notes: dict[str, int], figure: Figure) -> int:
    return notes.setdefault(figure.definition, len(notes) + 1)


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    interval = figure.interval
    return (
        figure.label,
        _count(figure),
        "" if figure.denominator is None else f"{figure.denominator:,}",
        "" if figure.rate is None else _percent(figure.rate),
        "" if interval is None else f"{_percent(interval[0])} to {_percent(interval[1])}",
    )


def _of(figure: Figure) -> str:
    rate = "" if figure.rate is None else f" ({_percent(figure.rate)})"
    return _count(figure) if figure.numerator is None else f"{figure.numerator:,} of {figure.denominator:,}{rate}"


def _count(figure: Figure) -> str:
    return figure.standing if figure.numerator is None else f"{figure.numerator:,}"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
