from __future__ import annotations

import json

import pytest

from commands.console import emit, plain_errors, say, show_line, show_table
from daisychain.errors import InputError
from daisychain.terminal_text import printable

SAID = "Siân 🐝\x1b]0;owned\x07 \x9b2J\u202efdp.exe"
SEEN = "Siân 🐝�]0;owned� �2J�fdp.exe"


@pytest.mark.parametrize("text", ["plain, été, नमस्ते", "two\nlines\r\n", "a\ttab", "👩\u200d🌾"])
def test_what_people_write_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_texts_of_others_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("name",), [[SAID]])
    show_line(SAID)
    say(SAID)
    with pytest.raises(SystemExit), plain_errors():
        raise InputError(SAID)
    told = capsys.readouterr()
    assert [told.out.count(SEEN), told.err.count(SEEN)] == [2, 2]
    assert "\x1b" not in told.out + told.err


def test_json_has_them_escaped_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"name": SAID}, "json", lambda: None)
    written = capsys.readouterr().out
    assert not {"\x1b", "\x9b", "\u202e"} & set(written)
    assert json.loads(written) == {"name": SAID}
