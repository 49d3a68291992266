from __future__ import annotations

import pytest

from daisychain.csv_cells import guard, unguard

WIDE = ["＝1+1", "＋1", "－1", "＠SUM(A1)"]


@pytest.mark.parametrize("cell", ["=1+1", "+44 20", "-5", "@SUM(A1)", "\tx", "\rx", "\n=1+1", "'=1", "''@x", *WIDE])
def test_what_a_spreadsheet_could_run_is_guarded_and_comes_back_as_it_was(cell: str) -> None:
    assert guard(cell) == "'" + cell
    assert unguard(guard(cell)) == cell


def test_a_formula_that_is_only_a_text_is_read_as_the_text() -> None:
    assert unguard('="00123"') == "00123"
    assert unguard(guard('="00123"')) == '="00123"'


@pytest.mark.parametrize("cell", ["", "Ann", "O'Neil", "'tis", "'", "1+1", "a=b", "ann@x.org"])
def test_other_cells_are_left_alone(cell: str) -> None:
    assert guard(cell) == cell == unguard(cell)
