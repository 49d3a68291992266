"""The report as one HTML file, to look at, print and hand on: no script, no font, nothing from anywhere else.

with open("may.html", "wb") as file:
    file.write(html_report(engine, whole_report(engine, 12)))
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Engine

from daisychain import clock
from daisychain.errors import StateError
from newsletters.browser.browser import BrowserError, Page, open_browser
from reports.charts.chart import WIDTHS, Chart
from reports.charts.chart_theme import STYLE
from reports.charts.drawing import charts_of, drawn, without_style
from reports.document.mail_map import MailPicture, mail_pictures
from reports.figure_cells import cells, tiles_of
from reports.in_words import in_words
from reports.part_tables import MOST_ROWS, part_tables
from reports.report import Report


def _together(value: Any) -> Any:
    """Keep a number and its "%" on one line."""
    return value.replace(" %", "\u00a0%") if type(value) is str else value


_TEMPLATES = Environment(
    loader=PackageLoader("templates", "reports"), undefined=StrictUndefined, autoescape=True, trim_blocks=True,
    lstrip_blocks=True, finalize=_together,
)  # fmt: skip
_TEMPLATES.filters.update(moment=clock.shown)


def html_report(engine: Engine, report: Report, *, printed: bool = False) -> bytes:
    """Return the report as a page; what a reader could open is open if it is to be `printed`."""
    charts = {chart.name: chart for chart in charts_of(report)}
    # The browser is another process: it takes the mail's pictures while the charts are drawn here.
    with ThreadPoolExecutor(1) as aside:
        waiting = aside.submit(_pictures, engine, report)
        drawings = {name: _inline(engine, report, chart) for name, chart in charts.items() if not chart.missing}
        pictures, why_no_picture = waiting.result()
    page = render(
        "report.html.j2",
        report=report, said=in_words(report), tiles=tiles_of(report),
        charts=charts, drawings=drawings, pictures=pictures, why_no_picture=why_no_picture, cells=cells,
        printed=printed, parts=part_tables(report), most_rows=MOST_ROWS, style=_style(),
    )  # fmt: skip
    return page.encode()


def _pictures(engine: Engine, report: Report) -> tuple[list[MailPicture], str]:
    """Return the pictures of the mail, or why there are none."""
    try:
        return (mail_pictures(engine, report), "") if report.links else ([], "")
    except BrowserError as error:
        return [], error.message


def render(template: str, **values: Any) -> str:
    """Return a template of reports, filled in."""
    return _TEMPLATES.get_template(template).render(values)


def pdf_report(engine: Engine, report: Report) -> bytes:
    """Return the report as PDF, printed by Chromium; raises StateError if there is none."""
    page = Page(html_report(engine, report, printed=True).decode())
    try:
        with open_browser() as browser:
            return browser.pdf(page)
    except BrowserError as error:
        hint = "Take the web page (html) instead, open it in your browser, and print it as PDF."
        raise StateError(f"The PDF can't be made: {error.message}", hint=hint) from None


def _inline(engine: Engine, report: Report, chart: Chart) -> dict[str, Markup]:
    # Our own drawing, of texts that were escaped when it was made.
    return {form: Markup(without_style(drawn(engine, report, chart, form).decode())) for form in WIDTHS}  # noqa: S704


def _style() -> Markup:
    folder = Path(_TEMPLATES.get_template("report.html.j2").filename or "").parent
    return Markup(f"{(folder / 'report.css').read_text()}\n{STYLE}")  # noqa: S704 - our own
