"""The report as an Excel workbook: a sheet for each kind of table, the numbers as numbers."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from reports.document.exports import table_rows
from reports.in_words import in_words
from reports.report import SCHEMA, Report

# Sheet → the columns of the CSV that it shows, beside those of every sheet, and what its rows have that others lack.
_FIGURE = (
    "figure", "label", "standing", "numerator", "denominator", "rate", "rate_low", "rate_high", "wide_low",
    "wide_high", "source", "note", "definition",
)  # fmt: skip
_SHEETS: dict[str, tuple[str, ...]] = {
    "Figures": _FIGURE,
    "By language": ("language", *_FIGURE),
    "Links": ("link", "link_text", "link_url", "language", *_FIGURE),
    "Mailbox providers": ("mailbox", *_FIGURE),
    "Over time": ("within_seconds", *_FIGURE),
    "By dimension": ("dimension", "part", *_FIGURE),
}
_SHARES = {"rate", "rate_low", "rate_high", "wide_low", "wide_high"}
_WIDTHS = {"definition": 80, "link_url": 50, "label": 34, "figure": 24, "link_text": 28, "source": 22, "note": 30}


def as_workbook(report: Report) -> bytes:
    """Return all figures as .xlsx; nothing in it is a formula, whatever a name or a link's text begins with."""
    import xlsxwriter

    file = BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold, share = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "0.0%"})
        _summary(book, report, bold)
        by_sheet: dict[str, list[dict[str, Any]]] = {name: [] for name in _SHEETS}
        for row in table_rows(report):
            by_sheet[_sheet_of(row)].append(row)
        for name, rows in by_sheet.items():
            if rows:
                _table(book.add_worksheet(name), _SHEETS[name], rows, bold, share)
    return file.getvalue()


def _sheet_of(row: dict[str, Any]) -> str:
    if row["figure"].startswith("link_"):
        return "Links"
    if row.get("mailbox"):
        return "Mailbox providers"
    if row.get("dimension"):
        return "By dimension"
    if row["figure"].startswith("curve_"):
        return "Over time"
    return "By language" if row.get("language") else "Figures"


def _summary(book: Any, report: Report, bold: Any) -> None:
    sheet, wrapped = book.add_worksheet("Summary"), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 18, bold)
    sheet.set_column(1, 1, 110)
    facts = [
        ("campaign", report.campaign), ("campaign_id", str(report.campaign_id)), ("state", report.state),
        ("as_of", report.as_of.isoformat(timespec="seconds")), ("rule_set", str(report.rule_set)), ("schema", SCHEMA),
        ("in words", in_words(report)), *(("note", note) for note in report.notes),
        *((f"{note.day}", note.content) for note in report.staff_notes),
    ]  # fmt: skip
    for at, (name, value) in enumerate(facts):
        sheet.write_string(at, 0, name)
        sheet.write_string(at, 1, value, wrapped)


def _table(sheet: Any, columns: tuple[str, ...], rows: list[dict[str, Any]], bold: Any, share: Any) -> None:
    for at, column in enumerate(columns):
        sheet.set_column(at, at, _WIDTHS.get(column, 13), share if column in _SHARES else None)
        sheet.write_string(0, at, column, bold)
    for line, row in enumerate(rows, 1):
        for at, column in enumerate(columns):
            # `write` looks at each value's type again, which takes a third of the time of a large file.
            if isinstance(cell := row.get(column), str):
                sheet.write_string(line, at, cell)
            elif cell is not None:
                sheet.write_number(line, at, round(cell, 6))
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(rows), len(columns) - 1)
