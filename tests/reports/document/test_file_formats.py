"""A report in every format: the same numbers in all of them, whole files, and nothing that names a person."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pypdf
import pytest
from click.testing import CliRunner, Result
from selectolax.lexbor import LexborHTMLParser

from commands.reports.report import BINARY, FILES
from commands.reports.report import report as report_group
from daisychain.database import Database
from daisychain.errors import DaisychainError
from daisychain.installation import Installation
from newsletters.browser import browser
from reports.charts.drawing import charts_of
from reports.document.exports import table_rows
from reports.document.file_formats import FORMATS
from reports.part_tables import part_tables
from reports.report import Report
from reports.staff_notes import add_note
from reports.whole_report import whole_report
from tests.reports.campaigns import over_days, told
from tests.reports.test_together import followed_up
from tests.sender.returns import Sent, sent

Key = tuple[Any, ...]
PLACES = ("figure", "language", "link", "mailbox", "within_seconds", "dimension", "part")


@pytest.fixture
def campaign(database: Database) -> Sent:
    return over_days(database)


@pytest.fixture
def full(campaign: Sent) -> Sent:
    """A campaign with a follow-up that people read, and with a note."""
    again, addresses = followed_up(campaign, range(20, 60))
    told(again, *(again.event("delivered", number, at=10, email=addresses[number]) for number in range(40)))
    with campaign.database.engine.begin() as connection:
        add_note(connection, campaign.campaign_id, "Story in the press", "Priya")
    return campaign


def run(database: Database, *arguments: str) -> Result:
    """Run `report show`."""
    installation = Installation()
    installation.database = database
    return CliRunner().invoke(report_group, ["show", *arguments], obj=installation)


def numbers(rows: Any) -> dict[Key, tuple[Any, ...]]:
    """Return numerator, denominator and rate of each figure, by what it is about."""
    return {
        tuple(_plain(row.get(place)) for place in PLACES): (
            _plain(row.get("numerator")), _plain(row.get("denominator")), _rate(row.get("rate")),
        )
        for row in rows
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return "" if value is None or value == "" or pd.isna(value) else value if isinstance(value, str) else int(value)


def _rate(value: Any) -> Any:
    return "" if value is None or value == "" or pd.isna(value) else round(float(value), 6)


def from_csv(content: bytes) -> Any:
    def number(value: str) -> Any:
        return int(value) if value.lstrip("-").isdigit() else value

    return [{key: number(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(content.decode()))]


def from_json(content: bytes) -> Any:
    found = json.loads(content)
    for name, figure in found["figures"].items():
        yield {"figure": name, **figure}
    for language, figures in found["languages"].items():
        for name, figure in figures.items():
            yield {"figure": name, "language": language, **figure}
    for link in found["links"]:
        for name in ("clicks", "clickers"):
            yield {"figure": f"link_{name}", "link": link["link"], "language": link["language"], **link[name]}
    for mailbox, figures in found["mailboxes"].items():
        for name, figure in figures.items():
            yield {"figure": f"mailbox_{name}", "mailbox": mailbox, **figure}
    for dimension, parts in found["parts"].items():
        for part, figures in parts.items():
            for name, figure in figures.items():
                yield {"figure": f"part_{name}", "dimension": dimension, "part": part, **figure}
    for note in found["staff_notes"]:
        yield {"figure": "staff_note", "dimension": "day", "part": note["day"]}
    for step in found["curve"]:
        for name in ("seen_reading", "clicked"):
            yield {"figure": f"curve_{name}", "within_seconds": step["within_seconds"], **step[name]}


def from_xlsx(content: bytes) -> Any:
    sheets = pd.read_excel(io.BytesIO(content), sheet_name=None, engine="calamine")
    return [row for name, sheet in sheets.items() if name != "Summary" for row in sheet.to_dict("records")]


READ = {
    "csv": from_csv, "json": from_json, "xlsx": from_xlsx,
    "parquet": lambda content: pd.read_parquet(io.BytesIO(content)).to_dict("records"),
}  # fmt: skip


def test_the_command_knows_every_format() -> None:
    assert set(FILES) == set(FORMATS)
    assert set(BINARY) == {name for name, each in FORMATS.items() if each.binary}


def test_every_number_is_the_same_in_every_format(full: Sent) -> None:
    engine = full.database.engine
    report = whole_report(engine, full.campaign_id)
    wanted = numbers(table_rows(report))
    about = {
        (key[0], *(name for name, place in zip(PLACES[1:], key[1:], strict=True) if place != "")) for key in wanted
    }
    assert about >= {
        ("together_accepted",), ("staff_note", "dimension", "part"), ("curve_clicked", "within_seconds"),
        ("link_clickers", "link"), ("mailbox_delivered", "mailbox"), ("part_clicked", "dimension", "part"),
    }  # fmt: skip
    assert {key[PLACES.index("dimension")] for key in wanted} >= {"region", "team", "hour"}
    for name, read in READ.items():
        assert numbers(read(FORMATS[name].make(engine, report))) == wanted, name


def shown(report: Report) -> list[str]:
    """Return numbers with their context as the document shows them."""
    figures = report.figures.values()
    return [f"{figure.numerator:,} of {figure.denominator:,}" for figure in figures if figure.name in (
        "delivered", "seen_reading", "clicked", "unsubscribed", "complained")]  # fmt: skip


def missing_rows(page: str, report: Report) -> list[tuple[str, ...]]:
    """Return the rows of charts, and of people by dimension and hour, that no table of a page has."""
    found = {tuple(cell.text().strip() for cell in row.css("th, td")) for row in LexborHTMLParser(page).css("tr")}
    drawn = [chart for chart in charts_of(report) if chart.name != "links" and not chart.missing]
    tables = [*(each.table for each in part_tables(report)), *(chart.table for chart in drawn)]
    assert len(tables) > 4
    return [tuple(row) for table in tables for row in table if tuple(map(str, row)) not in found]


def test_the_page_shows_the_same_numbers(full: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "chromium", lambda: "")
    engine = full.database.engine
    report = whole_report(engine, full.campaign_id)
    page = FORMATS["html"].make(engine, report).decode()
    page = page.replace("\u00a0", " ")
    assert not missing_rows(page, report)
    assert "Story in the press" in page
    text = re.sub(r"<[^>]+>", "|", page)
    assert all(words in text for words in shown(report))
    for figure in report.figures.values():
        row = re.search(rf'<th scope="row">{re.escape(figure.label)}</th><td data-label="People">([^<]*)</td>', page)
        assert row, figure.label
        assert row[1].partition(" (")[0] == (figure.standing if figure.numerator is None else f"{figure.numerator:,}")
    assert "There is no picture of the mail with its links: There is no Chromium here." in page


@pytest.mark.usefixtures("chromium")
def test_the_page_needs_nothing_else_and_the_pdf_has_its_text(campaign: Sent) -> None:
    engine = campaign.database.engine
    report = whole_report(engine, campaign.campaign_id)
    page = FORMATS["html"].make(engine, report)
    assert len(page) < 200_000
    assert not re.search(rb"<script|<link|@import|@font-face|\son[a-z]+=|src=\"(?!data:)|url\(", page)
    assert page.count(b'<image href="data:image/webp;base64,') == 2
    assert b">1: " in page, "the first link's number on the picture"
    text = "\n".join(
        each.extract_text() for each in pypdf.PdfReader(io.BytesIO(FORMATS["pdf"].make(engine, report))).pages
    )
    flat = re.sub(r"\s+", " ", text)
    assert all(words in flat for words in shown(report))
    assert "What the words mean" in flat


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("people", [(40, 30, 3), (6, 1, 1)])
def test_nobody_without_the_right_sees_an_address_or_a_small_cell_in_any_format(
    database: Database, people: tuple[int, ...]
) -> None:
    campaign = over_days(database, people=people)
    whole = whole_report(database.engine, campaign.campaign_id)
    report = whole_report(database.engine, campaign.campaign_id, small_cells=False)
    for name, each in FORMATS.items():
        if name == "png":
            continue
        content = each.make(database.engine, report)
        if name in READ:
            assert all(not 0 < (row[0] or 0) < 5 for row in numbers(READ[name](content)).values()), name
            text = content.decode() if not each.binary else str(list(READ[name](content)))
        elif name == "pdf":
            text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
        else:
            text = content.decode()
            hidden = [key for key, figure in report.figures.items() if figure.standing == "hidden"]
            few = {f">{whole[key].numerator} of " for key in hidden if whole[key].numerator in range(1, 5)}
            assert not [words for words in few if words in text]
        assert "person0" not in text, name
        assert "@gmail.com" not in text, name


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_by_its_ending_and_written_whole(
    campaign: Sent, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name != "pdf":
        monkeypatch.setattr(browser, "chromium", lambda: "")
    elif not browser.chromium():
        pytest.skip("there is no Chromium here")
    file = tmp_path / f"may.{name}"
    result = run(campaign.database, str(campaign.campaign_id), "--output", str(file))
    assert result.exit_code == 0, result.output
    begins = {"html": b"<!DOCTYPE html>", "pdf": b"%PDF", "png": b"\x89PNG", "xlsx": b"PK", "parquet": b"PAR1"}
    assert file.read_bytes().startswith(begins.get(name, b""))
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def _refused(result: Result) -> str:
    assert isinstance(result.exception, DaisychainError)
    return f"{result.exception.message} {result.exception.hint}"


def test_what_cant_be_written_is_refused_before_anything_is(
    campaign: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_, database = str(campaign.campaign_id), campaign.database
    missing = tmp_path / "no such folder" / "may.csv"
    assert "no folder" in _refused(run(database, id_, "--output", str(missing)))
    assert "--format" in _refused(run(database, id_, "--output", str(tmp_path / "may.docx")))
    assert run(database, id_, "--format", "docx").exit_code == 2
    monkeypatch.setattr(browser, "chromium", lambda: "")
    assert "print it as PDF" in _refused(run(database, id_, "--output", str(tmp_path / "may.pdf")))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'daisychain[parquet]'" in _refused(
        run(database, id_, "--output", str(tmp_path / "may.parquet"))
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", BINARY)
def test_a_terminal_gets_no_bytes(campaign: Sent, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("commands.reports.report.to_a_terminal", lambda: True)
    assert f"--output report-1.{name}" in _refused(run(campaign.database, "1", "--format", name))


@pytest.mark.parametrize("tracking", [{"opens": "off", "clicks": "off"}, {"provider": "smtp"}, {"outcome": "waiting"}])
def test_a_campaign_of_which_little_is_known_has_a_report_in_every_format(
    database: Database, tracking: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "chromium", lambda: "")
    report = whole_report(database.engine, sent(database, 10, **tracking).campaign_id)  # type: ignore[arg-type]
    for name in FORMATS.keys() - {"pdf"}:
        assert FORMATS[name].make(database.engine, report)
