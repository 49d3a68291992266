"""Tables of every width: what fits stands in columns, the rest in blocks, and nothing is cut."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from commands.table_layout import table_lines, wrapped

URL = "https://campaign.example/toolkits/community-makes-us?utm_source=newsletter&utm_medium=email"
COMMAND = "`daisychain campaign send 12 --because 'the relay is back'`"


def lines(columns: list[str], *rows: list[str], width: int | None = 80) -> list[str]:
    """A table's lines."""
    return list(table_lines(columns, rows, width))


def test_what_fits_stands_in_columns_with_numbers_to_the_right() -> None:
    assert lines(["name", "people"], ["supporters", "1,204"], ["staff", "7"]) == [
        "name        people",
        "----------  ------",
        "supporters   1,204",
        "staff            7",
    ]


def test_wide_letters_take_the_cells_that_they_fill() -> None:
    assert lines(["name", "is"], ["中文", "a"], ["en", "b"])[2:] == ["中文  a", "en    b"]


def test_in_a_pipe_a_row_is_one_line_however_long() -> None:
    assert lines(["a", "b"], ["word " * 40, URL], width=None)[-1].endswith(URL)


def test_prose_breaks_at_spaces_when_a_table_is_too_wide() -> None:
    told = lines(["when", "what"], ["2026-12-01", "word " * 30])
    assert told[0].startswith("when        what")
    assert all(len(line) <= 80 for line in told)
    assert " ".join(told).count("word") == 30


def test_a_column_that_is_empty_makes_room_for_the_others() -> None:
    told = lines(["one", "why", "two"], ["x" * 38, "", "y" * 38])
    assert told[2] == f"{'x' * 38}  {'y' * 38}"


@pytest.mark.parametrize("width", [20, 60, 80])
def test_what_fits_no_column_stands_in_a_block_with_codes_urls_and_commands_whole(width: int) -> None:
    told = lines(["link", "leads to", "next"], ["1", URL, f"Then {COMMAND}."], ["2", URL, ""], width=width)
    assert told.count("") == 1
    assert sum(URL in line for line in told) == 2
    assert any(COMMAND in line for line in told)
    assert [line.split() for line in told if line.startswith("link")] == [["link", "1"], ["link", "2"]]


def test_a_first_cell_without_a_name_is_the_heading_of_its_block() -> None:
    told = lines(["", "code", "seen"], ["Opened", "opened_human", URL], ["Clicked", "clicked", URL])
    assert told[:4] == ["Opened", "  code  opened_human", f"  seen  {URL}", ""]


def test_lines_of_a_cell_stay_lines() -> None:
    assert lines(["set", "addresses"], ["team", "ann@a.example\nbo@a.example"])[2:] == [
        "team  ann@a.example",
        "      bo@a.example",
    ]


@pytest.mark.parametrize("text", ["", "one", "a b c d e f", "中文 " * 30, f"See {COMMAND} and {URL}."])
def test_text_is_only_ever_broken_at_spaces(text: str) -> None:
    broken = wrapped(text, 30)
    assert broken.split() == text.split()
    assert all(cell_len(line) <= 30 or " " not in line or COMMAND in line for line in broken.split("\n"))
