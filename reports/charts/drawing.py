"""Draws charts as SVG and PNG, each once: what was drawn is kept by all that it shows.

The libraries are imported when the first chart is drawn, as they take seconds. They need no browser and no network.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from html import escape
from io import BytesIO
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from reports.charts.chart import WIDTHS, Chart
from reports.charts.chart_theme import STYLE, configuration
from reports.charts.curve_chart import curve_data, curve_specification
from reports.charts.ledger_chart import ledger_data, ledger_specification
from reports.charts.link_chart import link_data, link_specification
from reports.charts.mailbox_chart import mailbox_data, mailbox_specification
from reports.report import Report
from reports.tables import KeptChart

# What each chart shows of a report, and its altair chart for a width in px.
CHARTS: dict[str, tuple[Callable[[Report], Chart], Callable[[Chart, int], Any]]] = {
    "curve": (curve_data, curve_specification),
    "mailboxes": (mailbox_data, mailbox_specification),
    "links": (link_data, link_specification),
    "ledger": (ledger_data, ledger_specification),
}
_PNG_SCALE, _MARGIN, _TITLE_ROOM = 2, 40, 32
_PAPER = "#fffdf8"  # behind a PNG, which can't follow the reader's screen
_KEPT_FOR = text("interval '30 days'")


def charts_of(report: Report) -> list[Chart]:
    """Return what the charts of a report show, in reading order."""
    return [data(report) for data, _ in CHARTS.values()]


def chart_named(report: Report, name: str) -> Chart | None:
    """Return one chart of a report; None if there is none of that name, or nothing to draw."""
    chart = CHARTS[name][0](report) if name in CHARTS else None
    return chart if chart and not chart.missing else None


def specification(chart: Chart, width: int = WIDTHS["wide"]) -> Any:
    """Return a chart for altair, in the theme of reports; a notebook shows it with tooltips."""
    made = CHARTS[chart.name][1](chart, width)
    made.config = configuration()
    return made


def drawn(engine: Engine, report: Report, chart: Chart, form: str) -> bytes:
    """Return a chart as SVG, for one of `WIDTHS`, or as PNG if `form` is "png": the kept one, or drawn now."""
    return _once(
        engine, report, chart.key(form), lambda: png([chart]) if form == "png" else svg(chart, WIDTHS[form]).encode()
    )


def drawn_together(engine: Engine, report: Report, charts: Sequence[Chart]) -> bytes:
    """Return several charts as one PNG: the kept one, or drawn now."""
    key = sha256("".join(chart.key("png") for chart in charts).encode()).hexdigest()
    return _once(engine, report, key, lambda: png(charts))


def _once(engine: Engine, report: Report, key: str, draw: Callable[[], bytes]) -> bytes:
    with engine.connect() as connection:
        if kept := find_drawn(connection, key):
            return kept
    content = draw()
    with engine.begin() as connection:
        new = insert(KeptChart).values(key=key, campaign_id=report.campaign_id, content=content)
        connection.execute(new.on_conflict_do_nothing())
        old = delete(KeptChart).where(KeptChart.campaign_id == report.campaign_id)
        connection.execute(old.where(KeptChart.drawn_at < func.now() - _KEPT_FOR))
    return content


def find_drawn(connection: Connection, key: str) -> bytes | None:
    """Return the drawing with this key, if it is kept."""
    return connection.scalar(select(KeptChart.content).where(KeptChart.key == key))


def svg(chart: Chart, width: int) -> str:
    """Return a chart as SVG that follows a reader's light or dark screen; it holds no script and loads nothing."""
    import vl_convert

    drawing: str = vl_convert.vegalite_to_svg(_plain(specification(chart, width)), allowed_base_urls=[])
    begin, end = drawing.index("<svg"), drawing.index(">")
    size = re.search(r' width="\d+" height="\d+" viewBox="[^"]+"', drawing)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg"{size[0] if size else ""} role="img" '
        f'aria-label="{escape(chart.title)}"><title>{escape(chart.title)}</title><style>{escape(STYLE, quote=False)}'
        "</style>"
    )
    return drawing[:begin] + head + _UNNEEDED.sub("", drawing[end + 1 :])


def without_style(drawing: str) -> str:
    """Return a chart's SVG for a page whose own style sheet has `STYLE`."""
    return drawing.replace(f"<style>{escape(STYLE, quote=False)}</style>", "")


# A third of the bytes, which only scripts would use.
_UNNEEDED = re.compile(r' (?:class|aria-hidden|aria-roledescription|role|pointer-events)="[^"]*"')


def png(charts: Iterable[Chart]) -> bytes:
    """Return charts as one PNG below each other, with their titles, for mails and documents."""
    import vl_convert
    from PIL import Image

    pictures = []
    for chart in charts:
        made = specification(chart)
        titled = made.properties(title=chart.title, height=made.height + _TITLE_ROOM)
        drawing = vl_convert.vegalite_to_png(_plain(titled), scale=_PNG_SCALE, allowed_base_urls=[])
        pictures.append(Image.open(BytesIO(drawing)).convert("RGBA"))
    width = max(picture.width for picture in pictures) + 2 * _MARGIN
    whole = Image.new("RGB", (width, sum(picture.height + _MARGIN for picture in pictures) + _MARGIN), _PAPER)
    top = _MARGIN
    for picture in pictures:
        whole.paste(picture, (_MARGIN, top), picture)
        top += picture.height + _MARGIN
    file = BytesIO()
    whole.save(file, "PNG", optimize=True)
    return file.getvalue()


def _plain(chart: Any) -> dict[str, Any]:
    made: dict[str, Any] = chart.to_dict(validate=False)
    return made
