from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet

Write = Callable[..., Path]
TEXT = "Email,Name\nann@x.org,José\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (TEXT.encode("utf-16"), None),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), None),
        (TEXT.encode("utf-16-le"), None),
        (TEXT.encode("utf-16-be"), None),
        (TEXT.encode("utf-32-le"), None),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-32"), None),
        (b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "utf-32"),
        (TEXT.encode("utf-32-be"), "utf-32-be"),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("mac-roman"), "mac-roman"),
        (TEXT.replace("\n", "\r\n").encode(), None),
        (TEXT.replace("\n", "\r").encode(), None),
        (TEXT.replace(",", ";").encode(), None),
        (TEXT.replace(",", "\t").encode(), None),
        (TEXT.replace(",", "|").encode(), None),
        (b"\xef\xbb\xbf,\n" + TEXT.encode(), None),
        (b"\n\n" + TEXT.encode(), None),
        (b"sep=;\r\n" + TEXT.replace(",", ";").encode(), None),
        (b'"sep=|"\n' + TEXT.replace(",", "|").encode(), None),
        (b"sep=\t\n" + TEXT.replace(",", "\t").encode(), None),
    ],
)
def test_reads_what_people_save(sheet: Write, content: bytes, encoding: str | None) -> None:
    with open_sheet(sheet(content), encoding) as opened:
        assert opened.header == ["Email", "Name"]
        assert [cells for _, cells, _ in opened.rows()] == [["ann@x.org", "José"]]


@pytest.mark.parametrize("mark", ["'", "=", "@", "+", "-", "\0", "\x7f", "§"])
def test_only_what_stands_between_cells_somewhere_can_be_named_as_the_separator(sheet: Write, mark: str) -> None:
    with open_sheet(sheet(f"sep={mark}\na,b\n")) as opened:
        assert opened.header == [f"sep={mark}".replace("\0", "")]  # which no database takes


def test_a_line_that_only_names_the_separator_is_still_counted(sheet: Write) -> None:
    with open_sheet(sheet("sep=;\na;b\n1;2\n3\n")) as opened:
        assert list(opened.rows()) == [(3, ["1", "2"], ""), (4, ["3", ""], "")]


def test_rows_can_be_read_twice_and_half_way(sheet: Write) -> None:
    with open_sheet(sheet("a\n1\n2\n3\n")) as opened:
        assert next(opened.rows()) == (2, ["1"], "")
        assert [line for line, _, _ in opened.rows()] == [2, 3, 4]


def test_a_quoted_cell_may_hold_marks_and_line_breaks_and_lines_are_still_counted(sheet: Write) -> None:
    content = 'a,b\n"1,5","x\ny"\n2, "said ""yes"""\n\n , \n3,z\n'
    with open_sheet(sheet(content)) as opened:
        assert list(opened.rows()) == [(2, ["1,5", "x\ny"], ""), (4, ["2", 'said "yes"'], ""), (7, ["3", "z"], "")]


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("1,2,3", "3 where the heading has 2 \\(a cell with a comma or"),
        ('1,"2" x', "quotation mark inside"),
        ('1,"2', "not closed"),
        ("1," + "x" * 140_000, "longer than 131,072"),
    ],
)
def test_a_row_that_can_not_be_read_takes_no_other_row_with_it(sheet: Write, bad: str, problem: str) -> None:
    with open_sheet(sheet(f'a,b\n{bad}\n3,"4"\n5,6\n')) as opened:
        rows = list(opened.rows())
    assert re.search(problem, rows[0][2])
    assert rows[1:] == [(3, ["3", "4"], ""), (4, ["5", "6"], "")]


def test_empty_cells_beyond_the_heading_are_no_problem(sheet: Write) -> None:
    with open_sheet(sheet("a,b\n1,2,,\n")) as opened:
        assert list(opened.rows()) == [(2, ["1", "2"], "")]
    with open_sheet(sheet("a,b" + "," * 16_382 + "\n1,2" + "," * 16_382 + "\n")) as opened:
        assert list(opened.rows()) == [(2, ["1", "2"], "")]


def test_rows_that_are_too_short_are_filled(sheet: Write) -> None:
    with open_sheet(sheet("a,b,c\n1\n")) as opened:
        assert list(opened.rows()) == [(2, ["1", "", ""], "")]


def test_a_row_with_an_empty_cell_too_many_is_a_problem_if_every_place_counts(sheet: Write) -> None:
    with open_sheet(sheet("a,b\n1,2,\n")) as opened:
        assert "3 where the heading has 2" in next(opened.rows(trim=False))[2]


@pytest.mark.parametrize("line", ['"1" ,"2"', '"1" , "2" ', '"1","2"  '])
def test_spaces_after_a_closing_quotation_mark_are_no_part_of_a_cell(sheet: Write, line: str) -> None:
    with open_sheet(sheet(f'a,b\n{line}\n"x\ny" ,3\n5,6\n')) as opened:
        assert list(opened.rows()) == [(2, ["1", "2"], ""), (3, ["x\ny", "3"], ""), (5, ["5", "6"], "")]


@pytest.mark.parametrize("title", ["Spring appeal\n", "Spring appeal;;\n\nExported 2026-11-01;;\n"])
def test_a_heading_below_a_title_is_found_and_named(sheet: Write, title: str) -> None:
    with open_sheet(sheet(f"{title}Email;Name;Town\nann@x.org;Ann;Leeds\n")) as opened:
        opened.find_header(lambda cells: "Email" in cells)
        line = title.count("\n") + 1
        assert opened.header == ["Email", "Name", "Town"]
        assert [row[0] for row in opened.rows()] == [line + 1]
        assert f"on line {line}" in opened.note


def test_a_row_that_holds_a_heading_s_word_is_no_heading(sheet: Write) -> None:
    with open_sheet(sheet("Name,Address,Contact by\nBob,,Email\nAnn,ann@x.org,Email\n")) as opened:
        opened.find_header(lambda cells: "Email" in cells)
        assert opened.header == ["Name", "Address", "Contact by"]


@pytest.mark.parametrize(
    ("content", "encoding", "told"),
    [
        (b"", None, "is empty"),
        (b"\n,,\n", None, "is empty"),
        (b"\n<!DOCTYPE html><table>", None, "web page or XML, not a CSV"),
        (b"<html><body><table>", None, "web page or XML, not a CSV"),
        (b"%PDF-1.7", None, "a PDF, not a CSV"),
        (b"\t\x02\x06\0\0", None, "Excel file from before 1995"),
        (TEXT.encode("utf-32"), "utf-16", "marked as utf-32"),
        (b"a,b\n", "klingon", "no text encoding named"),
        (b"a,b\n", "hex", "no text encoding named"),
        (TEXT.encode("utf-8-sig"), "cp1252", "marked as utf-8"),
        (b"a,b\nx,\x81\n", "cp1252", "not CP1252"),
        (TEXT.encode("utf-16")[:-1], None, "is not UTF-16"),
        (",".join(map(str, range(201))).encode(), None, "more than 200 columns"),
        (b'"a,b\nc,d\n', None, "heading can't be read"),
        (b"email," + b"x" * 140_000 + b"\n", None, "one is longer than 131,072"),
    ],
)
def test_what_can_not_be_read_at_all_is_an_error(sheet: Write, content: bytes, encoding: str | None, told: str) -> None:
    with pytest.raises(InputError, match=told), open_sheet(sheet(content), encoding) as opened:
        list(opened.rows())


def test_a_file_that_is_not_there_and_one_too_large_are_errors(tmp_path: Path, sheet: Write) -> None:
    with pytest.raises(InputError, match="No such file"), open_sheet(tmp_path / "none.csv"):
        pass
    large = sheet("a,b\n")
    with large.open("r+b") as file:
        file.truncate(2 * 1024**3 + 1)  # sparse: takes no room
    with pytest.raises(InputError, match="larger than 2 GiB"), open_sheet(large):
        pass
