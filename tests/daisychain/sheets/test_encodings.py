from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from daisychain.errors import InputError
from daisychain.sheets.open_sheet import open_sheet
from desk.forms import hint_of

Write = Callable[..., Path]
WESTERN = ["José", "Zoë", "Siân", "Müller", "François", "Renée", "Björn", "Chloé", "Élodie", "Seán", "Núria", "Gonçalo"]
POLISH = ["Łukasz", "Małgorzata", "Wałęsa", "Dąbrowska", "Michał", "Żaneta", "Paweł", "Zieliński", "Wójcik"]


def table(names: list[str]) -> str:
    """A CSV of people with these names."""
    return "".join(
        f"{line}\n" for line in ("Email,Name", *(f"a{place}@x.org,{name}" for place, name in enumerate(names)))
    )


@pytest.mark.parametrize("rows_before", [0, 100_000])
def test_what_is_not_utf8_is_reported_with_line_byte_and_how_names_would_read(sheet: Write, rows_before: int) -> None:
    before = b"email,name\n" + b"ann@x.org,Ann\n" * rows_before
    path = sheet(before + "bob@x.org,José\nzoe@x.org,Zoë\n".encode("cp1252"))
    with pytest.raises(InputError) as raised, open_sheet(path):
        pass
    assert raised.value.line == rows_before + 2
    assert raised.value.message == f"Byte {len(before) + 14:,} (0xE9) is not UTF-8."
    assert hint_of(raised.value) == "Save it as “CSV UTF-8”."  # in a browser
    first, second, *rows = raised.value.hint.splitlines()
    assert (first, second) == ("Save it as “CSV UTF-8”.", "Or choose the encoding that reads right:")
    assert rows[0].split(maxsplit=2) == ["--encoding", "cp1252", "José, Zoë"]
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (WESTERN[:1], "cp1252"), (WESTERN, "cp1252"), (WESTERN[:1], "mac_roman"), (POLISH[:1], "cp1250"),
        (POLISH, "cp1250"), (["Иван", "Анна"], "cp1251"), (["田中太郎", "鈴木花子"], "cp932"),
        (["O’Brien", "Café – Zoë", "£20"], "cp1252"),
    ],
)  # fmt: skip
def test_the_right_encoding_is_among_the_three_that_are_shown(sheet: Write, names: list[str], encoding: str) -> None:
    path = sheet(table(names).encode(encoding))
    with pytest.raises(InputError) as raised, open_sheet(path):
        pass
    shown = dict(row.split(maxsplit=2)[1:] for row in raised.value.hint.splitlines()[1:])
    assert ", ".join(names[:3]) in shown.values()
    right = next(name for name, words in shown.items() if words == ", ".join(names[:3]))
    with open_sheet(path, right) as opened:
        assert [cells[1] for _, cells, _ in opened.rows()] == names


def test_a_guess_is_used_only_if_nothing_else_is_possible(sheet: Write) -> None:
    with open_sheet(sheet(table(WESTERN).encode("mac_roman"))) as opened:
        assert [cells[1] for _, cells, _ in opened.rows()] == WESTERN
        assert opened.encoding == "mac_roman"
        assert "Read as mac_roman, the only encoding that fits it" in opened.note
    with pytest.raises(InputError, match="is not UTF-8"), open_sheet(sheet(table(WESTERN[:5]).encode("mac_roman"))):
        pass


def test_a_file_of_which_a_part_is_utf8_is_said_to_be(sheet: Write) -> None:
    path = sheet(table(WESTERN).encode() + table(WESTERN).encode("mac_roman"))
    with pytest.raises(InputError) as raised, open_sheet(path):
        pass
    assert raised.value.line == len(WESTERN) + 3
    assert raised.value.hint.startswith("Other lines are UTF-8, so correct this one")


def test_lines_that_end_as_on_an_old_mac_are_counted_and_of_long_cells_the_foreign_part_is_shown(sheet: Write) -> None:
    path = sheet(f"Email,Notes\ra@x.org,Ann\rb@x.org,{'long ' * 300}José{' text' * 300}\r".encode("cp1252"))
    with pytest.raises(InputError) as raised, open_sheet(path):
        pass
    assert raised.value.line == 3
    assert raised.value.hint.splitlines()[2].split(maxsplit=2)[2] == "g long long José text text text"


def test_bytes_that_are_no_text_in_any_encoding_are_an_error_too(sheet: Write) -> None:
    with (
        pytest.raises(InputError, match="is not UTF-8") as raised,
        open_sheet(sheet(b"Email\n\x81\x8d\xff\xfe\x00\x90\n")),
    ):
        pass
    assert "CSV UTF-8" in raised.value.hint or "--encoding" in raised.value.hint
