"""A report as a mail: its figures as text and as a page, whose charts are pictures in the mail itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from daisychain import clock
from reports.charts.drawing import charts_of, drawn
from reports.document.html_report import render
from reports.figure_cells import TILES, cells, tile
from reports.in_words import in_words
from reports.report import Report
from sender.providers.provider import MailPage


@dataclass(frozen=True)
class MadeMail:
    """A mail without its address."""

    subject: str
    paragraphs: list[str]
    page: MailPage


def report_mail(engine: Engine, report: Report, pages_url: str, asked_by: str) -> MadeMail:
    """Return the mail of a report; nothing in it is loaded from anywhere."""
    charts = {f"{each.name}@report": each for each in charts_of(report) if not each.missing}
    tiles = [tile(report[name]) for name in TILES if name in report.figures]
    why = f"You get this once, as {asked_by} asked for it. No reader's name or address is in it."
    link = f"{pages_url}/desk/reports/{report.campaign_id}"
    page = render("mail.html.j2", report=report, said=in_words(report), tiles=tiles, charts=charts, why=why, link=link,
                  rows=[cells(each) for each in report.figures.values()])  # fmt: skip
    lines = [f"{each.label}: {each.value}" + (f" ({each.detail})" if each.detail else "") for each in tiles]
    happened = [f"{each.when}: {each.content}" for each in report.staff_notes]
    paragraphs = [
        f"Report on “{report.campaign}”, as of {clock.shown(report.as_of)}", in_words(report), *report.notes, *happened,
        "\n".join(lines), f"All figures, for people with an account: {link}", why,
    ]  # fmt: skip
    pictures = {name: drawn(engine, report, chart, "png") for name, chart in charts.items()}
    return MadeMail(f"Report: {report.campaign}", [each for each in paragraphs if each], MailPage(page, pictures))
