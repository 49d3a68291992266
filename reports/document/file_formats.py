"""The formats that a report is handed on in, each as the bytes of one file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from daisychain.atomic_files import replacing
from daisychain.errors import InputError
from reports.charts.drawing import charts_of, drawn_together
from reports.document.exports import as_csv, as_json
from reports.document.html_report import html_report, pdf_report
from reports.document.parquet_file import as_parquet
from reports.document.workbook import as_workbook
from reports.report import Report


@dataclass(frozen=True)
class FileFormat:
    """A format: its media type, its name for people, and its maker; a `binary` one is nothing for a terminal."""

    media_type: str
    title: str
    make: Callable[[Engine, Report], bytes]
    binary: bool = True


def _png(engine: Engine, report: Report) -> bytes:
    charts = [chart for chart in charts_of(report) if not chart.missing]
    if not charts:
        raise InputError("There is no chart to draw: nothing was reported of this campaign yet.")
    return drawn_together(engine, report, charts)


_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS: dict[str, FileFormat] = {
    "html": FileFormat("text/html", "web page", html_report, binary=False),
    "pdf": FileFormat("application/pdf", "PDF", pdf_report),
    "png": FileFormat("image/png", "charts as a picture", _png),
    "xlsx": FileFormat(_EXCEL, "Excel", lambda _, report: as_workbook(report)),
    "csv": FileFormat("text/csv", "CSV", lambda _, report: as_csv(report).encode(), binary=False),
    "json": FileFormat("application/json", "JSON", lambda _, report: f"{as_json(report)}\n".encode(), binary=False),
    "parquet": FileFormat("application/vnd.apache.parquet", "Parquet", lambda _, report: as_parquet(report)),
}  # fmt: skip


def write_report(path: Path, content: bytes) -> None:
    """Write a report into a file, whole or not at all; raises InputError."""
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"The report can't be written: {error.strerror}.", file=path) from None
