"""Log to stderr: lines for people, or one JSON object a line for machines.

Nobody's address is in any of it, and no key or token. Ours put ids in their messages; what a library or an error adds
is scrubbed, in both formats alike.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime

from daisychain.errors import ConfigurationError
from daisychain.scrub import scrub

FORMATS = ("text", "json")


def log_to_stderr(format_: str = "text") -> None:
    """Log from INFO on, in one of FORMATS; raises ConfigurationError for another."""
    if format_ not in FORMATS:
        raise ConfigurationError("DAISYCHAIN_LOG_FORMAT", f"is {format_!r}; it is text or json.")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format_ == "json" else TextLines())
    logging.basicConfig(force=True, level=logging.INFO, handlers=[handler])
    # Python would print what a thread dies of to stderr as it is.
    threading.excepthook = _log_thread


def _log_thread(died: threading.ExceptHookArgs) -> None:
    if died.exc_value is not None:
        error = (died.exc_type, died.exc_value, died.exc_traceback)
        logging.getLogger("daisychain").error("a thread died", exc_info=error)


def _described(record: logging.LogRecord) -> dict[str, str | list[str]]:
    """Return a record's error: its type, words and places, or nothing if it has none."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    # Places and not their source lines, which may hold anything.
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__name__, "words": scrub(str(error)), "places": places}


class TextLines(logging.Formatter):
    """A record as a line: time, level, logger, message; an error's type and words, and a line for each place."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines, without the last one's end."""
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {scrub(record.getMessage())}"
        if error := _described(record):
            line += f" ({error['error']}: {error['words']})" + "".join(f"\n  {place}" for place in error["places"])
        return line


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time in UTC, level, logger, message; an error's type, words and places."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
            **_described(record),
        }
        return json.dumps(line, ensure_ascii=False)
