from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from daisychain.sheets.workbook_cells import as_text
from tests.daisychain.sheets.workbooks import STRANGE_ZIPS, write_ods, write_strange_zip, write_xlsx

pytestmark = pytest.mark.processes

TABLE = {"B2": "Email", "C2": "Phone", "D2": "Since", "B3": "ann@x.org", "C3": 447700900123.0, "D3": (46173.0, 1)}


def test_cells_are_text_as_a_person_sees_them_with_the_numbers_of_their_rows(tmp_path: Path) -> None:
    cells = TABLE | {"B5": "bob@x.org", "C5": 0.1 + 0.2, "D5": True}
    with open_sheet(write_xlsx(tmp_path / "a.xlsx", {"Members": cells})) as sheet:
        assert sheet.header == ["Email", "Phone", "Since"]
        rows = [(3, ["ann@x.org", "447700900123", "2026-05-31"], ""), (5, ["bob@x.org", "0.3", "TRUE"], "")]
        assert list(sheet.rows()) == rows == list(sheet.rows())
        assert sheet.position == sheet.size == (tmp_path / "a.xlsx").stat().st_size
        assert sheet.note == ""


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (1.0, "1"), (-2.5, "-2.5"), (1e-7, "0.0000001"), (0.1 + 0.2, "0.3"),
        (12345678901234567890.0, "12345678901234600000"),
        (9007199254740991.0, "9007199254740991"), (7, "7"), (False, "FALSE"), (datetime(2026, 5, 31), "2026-05-31"),  # noqa: DTZ001
        (datetime(2026, 5, 31, 13, 59, 59, 999_900), "2026-05-31 14:00:00"), (time(9, 30), "09:30:00"),  # noqa: DTZ001
        (timedelta(hours=36, seconds=5), "36:00:05"),
    ],
)  # fmt: skip
def test_numbers_dates_and_times_have_no_noise(value: object, seen: str) -> None:
    assert as_text(value) == seen


def test_an_ods_is_read_like_an_xlsx(tmp_path: Path) -> None:
    since = '<table:table-cell office:value-type="date" office:date-value="2026-05-31"/>'
    with open_sheet(write_ods(tmp_path / "a.ods", [["Email", "Since"], [], ["ann@x.org", since]])) as sheet:
        assert sheet.header == ["Email", "Since"]
        assert list(sheet.rows()) == [(3, ["ann@x.org", "2026-05-31"], "")]


def test_an_xls_is_read_like_an_xlsx() -> None:
    with open_sheet(Path(__file__).with_name("members.xls")) as sheet:
        assert sheet.header == ["Email", "Phone", "Since"]
        assert list(sheet.rows()) == [(2, ["ann@x.org", "447700900123", "2026-05-31"], "")]


def test_what_a_file_is_called_does_not_matter(tmp_path: Path) -> None:
    with open_sheet(write_xlsx(tmp_path / "a.csv", {"Members": TABLE})) as sheet:
        assert [line for line, _, _ in sheet.rows()] == [3]
    (tmp_path / "a.xlsx").write_text("Email\nann@x.org\n")
    with open_sheet(tmp_path / "a.xlsx") as sheet:
        assert list(sheet.rows()) == [(2, ["ann@x.org"], "")]


def test_the_first_visible_sheet_with_cells_is_read_and_named_if_there_are_others(tmp_path: Path) -> None:
    sheets = {"Codes": {"A1": "x"}, "Empty": {}, "Members": TABLE, "Old ones": {"A1": "Email", "A2": "zoe@x.org"}}
    path = write_xlsx(tmp_path / "a.xlsx", sheets, hidden="Codes")
    with open_sheet(path) as sheet:
        assert sheet.header == ["Email", "Phone", "Since"]
        assert sheet.note == "Read the sheet “Members”, and not “Old ones”; --sheet names another."
    for wanted in ("Old ones", "old ONES"):
        with open_sheet(path, sheet=wanted) as sheet:
            assert (list(sheet.rows()), sheet.note) == ([(2, ["zoe@x.org"], "")], "")
    with pytest.raises(InputError, match="no sheet named 'Others'") as raised, open_sheet(path, sheet="Others"):
        pass
    assert raised.value.hint == "Sheets: Codes, Empty, Members, Old ones."


def broken(folder: Path) -> Path:
    """A workbook that was cut off."""
    path = write_xlsx(folder / "a.xlsx", {"Members": TABLE})
    path.write_bytes(path.read_bytes()[:700])
    return path


def other_zip(folder: Path) -> Path:
    """A ZIP file that is not a workbook."""
    (folder / "a.zip").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    return folder / "a.zip"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (broken, "it is broken, or another kind of file"),
        (other_zip, "it is broken, or another kind of file"),
        (lambda folder: write_ods(folder / "a.ods", [["Email"]], encrypted=True), "protected with a password"),
        (lambda folder: write_xlsx(folder / "a.xlsx", {"Members": {}}), "The workbook is empty"),
        # A table up to the last corner of a sheet would take 512 GiB.
        (lambda folder: write_xlsx(folder / "a.xlsx", {"M": {"A1": "Email", "XFD1048576": "x"}}), "too large"),
        (lambda folder: write_xlsx(folder / "a.xlsx", {"M": {"A1": "Email", "A2": "x" * 34_000_000}}), "too large"),
    ],
    ids=["cut off", "a ZIP", "a password", "empty", "a stray cell", "an endless cell"],
)  # fmt: skip
def test_a_workbook_that_can_not_be_read_is_an_error_with_what_to_do(
    tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    with pytest.raises(InputError, match=says) as raised, open_sheet(make(tmp_path)):
        pass
    assert raised.value.file
    assert raised.value.hint


@pytest.mark.parametrize("strange", STRANGE_ZIPS)
def test_a_zip_that_python_can_not_read_is_no_workbook(tmp_path: Path, strange: str) -> None:
    path = write_strange_zip(tmp_path / "a.xlsx", strange)
    with pytest.raises(InputError, match="it is broken, or another kind of file"), open_sheet(path):
        pass


def test_a_workbook_may_unfold_to_twice_the_largest_file(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"M": {"A1": "Email", **{f"A{row}": "x" * 10_000 for row in range(2, 300)}}})
    with open_sheet(path, largest=2 * 1024**2) as sheet:
        assert len(list(sheet.rows())) == 298
    with pytest.raises(InputError, match="too large"), open_sheet(path, largest=1024**2):
        pass


def test_a_csv_has_no_sheets_to_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Email\n")
    with (
        pytest.raises(InputError, match="A CSV has no sheet 'Members'"),
        open_sheet(tmp_path / "a.csv", sheet="Members"),
    ):
        pass
