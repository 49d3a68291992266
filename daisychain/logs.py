"""Log to stderr: lines for people, or one JSON object a line for machines.

Nobody's address is in any of it. Ours put ids in their messages; what a library or an error adds is scrubbed.
"""

from __future__ import annotations

import json
import logging
import sys
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
    text = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if format_ == "json" else text)
    logging.basicConfig(force=True, level=logging.INFO, handlers=[handler])


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time in UTC, level, logger, message; an error's type, words and places."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        if record.exc_info and (error := record.exc_info[1]):
            # Places and not their source lines, which may hold anything.
            frames = traceback.extract_tb(error.__traceback__)
            line["error"] = type(error).__name__
            line["words"] = scrub(str(error))
            line["places"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, ensure_ascii=False)
