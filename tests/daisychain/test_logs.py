"""What is logged can be read by a machine, and tells of nobody."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from daisychain.errors import ConfigurationError
from daisychain.logs import JsonLines, TextLines, log_to_stderr


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What else runs in this process logs as it did."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_each_record_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("json")
    logging.getLogger("daisychain.delivery").info("batch %d:\naccepted", 7)
    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said.pop("at").endswith("+00:00")
    assert said == {"level": "info", "logger": "daisychain.delivery", "message": "batch 7: accepted"}


def test_an_error_is_told_with_its_places_and_without_the_address_in_its_words() -> None:
    try:
        raise ValueError("no room for ann@people.example")
    except ValueError:
        record = logging.LogRecord(
            "daisychain", logging.ERROR, "", 0, "broke for <%s>", ("ann@people.example",), sys.exc_info()
        )
    line = JsonLines().format(record)
    assert "ann@" not in line
    said = json.loads(line)
    assert (said["error"], said["message"]) == ("ValueError", "broke for <[address]>")
    assert "test_logs.py" in said["places"][0]


def test_lines_for_people_are_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    logging.getLogger("daisychain.sweep").warning("something")
    assert capsys.readouterr().err.endswith("WARNING daisychain.sweep: something\n")


PRIVATE = "ann@people.example with q83vEjRWeJASNFZ4kBI0Vg, Bearer abc and smtp://ann:secret@mail.example"


@pytest.mark.parametrize("format_", [JsonLines, TextLines])
def test_both_formats_leave_out_the_same(format_: type[logging.Formatter]) -> None:
    try:
        raise ValueError(PRIVATE)
    except ValueError:
        record = logging.LogRecord("daisychain", logging.ERROR, "", 0, "broke: %s", (PRIVATE,), sys.exc_info())
    line = format_().format(record)
    assert not [each for each in ("ann", "people.example", "q83v", "abc", "secret@") if each in line]
    assert "ValueError" in line
    assert "test_logs.py:" in line
    assert "raise ValueError" not in line


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_a_thread_dies_of_is_scrubbed_too(capsys: pytest.CaptureFixture[str]) -> None:
    before = threading.excepthook
    log_to_stderr()
    try:
        threading.excepthook(threading.ExceptHookArgs((ValueError, ValueError(PRIVATE), None, None)))
    finally:
        threading.excepthook = before
    said = capsys.readouterr().err
    assert "a thread died (ValueError: [address]" in said
    assert "ann@" not in said


def test_another_format_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="DAISYCHAIN_LOG_FORMAT"):
        log_to_stderr("xml")
