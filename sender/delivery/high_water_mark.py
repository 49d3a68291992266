"""The latest attempt that was made from this home, kept outside the database, in case the database goes back in time.

A disk image that was put back, a copied folder or a promoted replica looks like the same database, and has forgotten
its last mails. The mark is on disk before the attempt's request leaves; each home has one for each database.
"""

from __future__ import annotations

import fcntl
import logging
import os
from dataclasses import dataclass
from datetime import datetime

import orjson

from daisychain.settings import Settings

log = logging.getLogger("daisychain.mark")

FOLDER = "latest_attempts"
# Bytes of a file: every mark fits, and is less than a disk writes at once, so a kill leaves the old one or the new one.
LENGTH = 128


@dataclass(frozen=True)
class Mark:
    """The latest attempt from here: its id, and when it began by the database's clock."""

    attempt_id: int
    at: datetime


class HighWaterMark:
    """The mark of one home for one database; safe to use from several threads and processes."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._path = settings.home / FOLDER / f"{name}.json"

    def read(self) -> Mark | None:
        """Return the mark; None if nothing was ever sent from here, or the file can't be read."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.error("%s can't be read: %s", self._path, error.strerror)
            return None
        return _parsed(content)

    def raise_to(self, mark: Mark) -> None:
        """Write a mark durably unless a later one is there; a home that can't be written to is logged."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._write(descriptor, mark)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.error(
                "%s can't be written (%s): a database that goes back may go unnoticed", self._path, error.strerror
            )

    def _write(self, descriptor: int, mark: Mark) -> None:
        content = os.pread(descriptor, LENGTH, 0)
        known = _parsed(content) if content else None
        if known and known.at >= mark.at:
            return
        os.pwrite(descriptor, orjson.dumps(vars(mark)).ljust(LENGTH), 0)
        os.fdatasync(descriptor)
        if not content:  # a new file is safe once its folder is
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def forget(self) -> None:
        """Remove the mark, for a person has confirmed what the database knows."""
        self._path.unlink(missing_ok=True)


def _parsed(content: bytes) -> Mark | None:
    """Return the mark in a file; None if there is nothing, as after a power cut at the first write."""
    try:
        found = orjson.loads(content)
        return Mark(int(found["attempt_id"]), datetime.fromisoformat(found["at"]))
    except (ValueError, KeyError, TypeError):
        return None
