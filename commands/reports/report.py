"""`daisychain report`: the figures of a campaign, each with its definition, and a line for each campaign."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.console import LazyGroup, csv_format_option, runs, show_table, show_text
from daisychain import clock
from daisychain.errors import InputError
from daisychain.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from reports.compare import Comparison
    from reports.part_tables import PartTable
    from reports.report import Figure, Report
    from reports.report_list import CampaignLine
    from reports.trend import Month, Trend

# The formats of files (reports/document/file_formats.py), which are known here without loading what makes them.
FILES = ("html", "pdf", "png", "json", "csv", "xlsx", "parquet")
BINARY = ("pdf", "png", "xlsx", "parquet")
_exact = click.option(
    "--exact", is_flag=True, help="In CSV, leave cells as they are, even if a spreadsheet would run them as formulas."
)
ELSEWHERE = {
    "toolkit": ("commands.reports.adoption:toolkit", "Show which organisations took a toolkit, and what is not known."),
    "note": ("commands.reports.hand_on_reports:note", "Note what happened on a day, such as a press story."),
    "schedule": ("commands.reports.hand_on_reports:schedule", "Mail a report some time after its campaign was sent."),
}


@click.group(cls=LazyGroup, lazy=ELSEWHERE)
def report() -> None:
    """Show what campaigns did, each figure with its definition."""


@report.command()
@click.argument("id_", metavar="ID", type=int)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", *FILES]),
    default=None,
    help="A table for people (the default), a page or PDF to hand on, the charts as PNG, JSON, or a file for "
    "spreadsheets and analysts. By default as the name of --output ends.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; it is replaced if it exists."
)
@click.option(
    "--by",
    multiple=True,
    metavar="DIMENSION",
    help="Show people by hour, language, mailbox, or a dimension of the list such as region; may be repeated.",
)
@_exact
@runs("report show 3", "report show 3 --by region", "report show 3 --output may.html")
def show(
    installation: Installation, id_: int, format_: str | None, output: Path | None, by: tuple[str, ...], exact: bool
) -> None:
    """Show the figures of campaign ID, each with its denominator, definition, source and time."""
    from reports.whole_report import whole_report

    format_ = _wanted(format_, output)
    engine = installation.database.engine
    if by:
        if format_ != "table":
            raise InputError(f"--by is for the table; {format_} has people by every dimension.", hint="Leave out --by.")
        _show_parts(whole_report(engine, id_), by)
        return
    if format_ == "table":
        show_tables(whole_report(engine, id_))
        return
    if output is None and format_ in BINARY and to_a_terminal():
        raise InputError(f"A terminal can't show {format_}.", hint=f"Say where to: --output report-{id_}.{format_}")
    from reports.document.exports import as_csv
    from reports.document.file_formats import FORMATS, write_report

    if output is not None and not output.absolute().parent.is_dir():
        raise InputError(f"There is no folder {output.parent}.", hint="Make it first, or choose another one.")
    whole = whole_report(engine, id_)
    make = FORMATS[format_].make
    content = as_csv(whole, exact=True).encode() if exact and format_ == "csv" else make(engine, whole)
    if output is None:
        click.echo(content, nl=False)
    else:
        write_report(output, content)
        show_text(f"Written: {output}")


def to_a_terminal() -> bool:
    """Return whether what is printed goes to a terminal, and not into a file or a program."""
    return sys.stdout.isatty()


def _wanted(format_: str | None, output: Path | None) -> str:
    """Return the format that is asked for, by its name or by that of the file."""
    if output is None:
        return format_ or "table"
    ending = output.suffix.lower().removeprefix(".")
    if format_ == "table" or (format_ is None and ending not in FILES):
        raise InputError(
            "It is not clear what to write into the file.", hint=f"Add --format with one of {', '.join(FILES)}."
        )
    return format_ or ending


@report.command("list")
@click.option(
    "--last", type=click.IntRange(1), default=20, show_default=True, help="How many campaigns, from the newest on."
)
@csv_format_option
@_exact
@runs("report list", "report list --last 50 --format csv > campaigns.csv")
def list_(installation: Installation, last: int, format_: str, exact: bool) -> None:
    """Show a line for each campaign: delivered, seen reading, clicked, unsubscribed, complained, and its age."""
    from reports.document.exports import list_as_csv, list_as_json
    from reports.report_list import campaign_lines

    with installation.database.engine.connect() as connection:
        found = campaign_lines(connection, last)
    _say(format_, lambda: _show_list(found), lambda: list_as_json(found), lambda: list_as_csv(found, exact=exact))


@report.command()
@click.argument("ids", metavar="ID ID…", type=int, nargs=-1, required=True)
@click.option(
    "--age", type=click.IntRange(1, 24 * 365), default=72, show_default=True, metavar="HOURS",
    help="How old each person's mail is when it is counted.",
)  # fmt: skip
@csv_format_option
@_exact
@runs("report compare 12 9", "report compare 12 9 7 --age 24 --format csv > compared.csv")
def compare(installation: Installation, ids: tuple[int, ...], age: int, format_: str, exact: bool) -> None:
    """Compare campaigns at equal age, each with the first, and say which differences may be chance."""
    from datetime import timedelta

    from reports.compare import compare as at_equal_age
    from reports.document.exports import comparison_as_csv, comparison_as_json

    with installation.database.engine.connect() as connection:
        found = at_equal_age(connection, ids, timedelta(hours=age))
    csv = partial(comparison_as_csv, found, exact=exact)
    _say(format_, lambda: _show_comparison(found), lambda: comparison_as_json(found), csv)


def _say(format_: str, table: Callable[[], None], json: Callable[[], str], csv: Callable[[], str]) -> None:
    """Show a table, or print the answer in another format."""
    if format_ == "table":
        table()
    else:
        click.echo(csv() if format_ == "csv" else json(), nl=format_ == "json")


def _show_comparison(found: Comparison) -> None:
    from reports.compare import COMPARED
    from reports.figure_cells import with_interval

    ready = [each for each in found.campaigns if each.figures]
    if ready:
        rows = [
            [ready[0].figures[name].label, *(with_interval(each.figures[name]) for each in ready)] for name in COMPARED
        ]
        hours = found.age.total_seconds() / 3600
        head = ["", *(f"{each.campaign_id}: {each.campaign}" for each in ready)]
        show_table(head, rows, title=f"{hours:.0f} hours after sending; in brackets, 95 % intervals")
    for each in found.campaigns:
        if each.not_yet:
            show_text(f"Campaign {each.campaign_id} ({each.campaign}): {each.not_yet}.", hanging="  ")
    for difference in found.differences:
        show_text(difference.words, hanging="  ")
    for note in found.notes:
        show_text(f"! {note}", hanging="  ")


@report.command()
@click.option("--list", "list_name", required=True, help="The list.")
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True, help="How many, up to this one.")
@csv_format_option
@_exact
@runs("report trend --list supporters", "report trend --list supporters --months 36 --format csv > trend.csv")
def trend(installation: Installation, list_name: str, months: int, format_: str, exact: bool) -> None:
    """Show month by month who joined and left a list, how its campaigns were read, and what is usual for it."""
    from reports.document.exports import trend_as_csv, trend_as_json
    from reports.trend import trend as trend_of

    with installation.database.engine.connect() as connection:
        found = trend_of(connection, list_name, months)
    _say(format_, lambda: _show_trend(found), lambda: trend_as_json(found), lambda: trend_as_csv(found, exact=exact))


def _show_trend(found: Trend) -> None:
    from reports.figure_cells import percent
    from reports.trend import AGE_NOTE, LABELS, UNENGAGED

    def rate(month: Month, name: str) -> str:
        found = month.rates[name]
        return percent(found.rate) if found else "–"

    rows: list[tuple[str, ...]] = [
        (
            f"{month.first_day:%b %Y}", *(f"{count:,}" for count in (month.joined, month.left, month.people)),
            str(month.campaigns), *(rate(month, name) for name in LABELS),
        )
        for month in found.months
    ]  # fmt: skip
    usual = [f"{percent(each[0])} to {percent(each[1])}" if each else "–" for each in found.usual.values()]
    rows.append(("usual", "", "", "", "", *usual))
    show_table(["month", "joined", "left", "people", "campaigns", *LABELS.values()], rows, title=found.list_name)
    show_text(f"{found.unengaged:,} unengaged. {UNENGAGED}", hanging="  ")
    show_text(AGE_NOTE, hanging="  ")


def _show_list(lines: list[CampaignLine]) -> None:
    from reports.figure_cells import with_interval

    if not lines:
        show_text("No campaign has been sent yet.")
        return
    show_table(
        ["id", "campaign", "age", *(figure.label for figure in lines[0].figures.values())],
        [
            (str(line.campaign_id), line.campaign + "*" * bool(line.notes), _age(line.age),
             *(with_interval(figure) for figure in line.figures.values()))
            for line in lines
        ],
        title="Campaigns, the newest first; in brackets, 95 % intervals",
    )  # fmt: skip
    for line in lines:
        for note in line.notes:
            show_text(f"* {line.campaign_id}: {note}", hanging="  ")
    if len({line.rule_set for line in lines}) > 1:
        show_text("These campaigns are classified by different rule sets: don't compare their opens and clicks.")


def _age(age: timedelta) -> str:
    return f"{age.days} days" if age.days > 1 else f"{age.total_seconds() / 3600:.0f} hours"


def show_tables(report: Report) -> None:
    """Show the report to people: in words, as tables of figures and links, and the definitions as footnotes."""
    from reports.figure_cells import cells, count
    from reports.in_words import in_words
    from reports.part_tables import part_table

    when, rules = clock.shown(report.as_of), f"rule set {report.rule_set}"
    notes: dict[str, int] = {}
    rows = [(*cells(figure), figure.source, f"[{_note(notes, figure)}]") for figure in report.figures.values()]
    show_text(f"Campaign {report.campaign_id}: {report.campaign} ({report.state}), as of {when}, {rules}\n")
    show_text(in_words(report) + "\n")
    for note in report.notes:
        show_text(f"! {note}\n", hanging="  ")
    for each in report.staff_notes:
        show_text(f"{each.when}: {each.content}\n", hanging="  ")
    show_table(["", "people", "of", "rate", "95 % interval", "source", "note"], rows)
    for figure in report.figures.values():
        if figure.name.startswith("read_estimated") and figure.note:
            show_text(f"{figure.label}: {figure.note}.\n", hanging="  ")
    if report.languages:
        _show_part(part_table(report, "language"), notes)
    if report.links:
        show_table(
            ["link", "text", "leads to", "clicks", "people", "of", "rate", "95 % interval", "note"],
            [
                ("" if link.number is None else str(link.number),
                 f"{link.text} ({link.language})" if link.language else link.text, link.url, count(link.clicks),
                 *cells(link.clickers)[1:], f"[{_note(notes, link.clickers)}]")
                for link in report.links
            ],
        )  # fmt: skip
    _show_definitions(notes)


def _show_parts(report: Report, dimensions: tuple[str, ...]) -> None:
    from reports.part_tables import part_table

    notes: dict[str, int] = {}
    tables = [part_table(report, each) for each in dimensions]
    show_text(f"Campaign {report.campaign_id}: {report.campaign}, as of {clock.shown(report.as_of)}\n")
    for each in tables:
        _show_part(each, notes)
    _show_definitions(notes)


def _show_part(table: PartTable, notes: dict[str, int]) -> None:
    head = [table.columns[0].lower(), *(f"{figure.label} [{_note(notes, figure)}]" for figure in table.figures)]
    show_table(head, table.table)


def _note(notes: dict[str, int], figure: Figure) -> int:
    return notes.setdefault(figure.definition, len(notes) + 1)


def _show_definitions(notes: dict[str, int]) -> None:
    for definition, number in notes.items():
        show_text(f"[{number}] {definition}", hanging="  ")
