"""Keeps opens and clicks in memory for a moment, so that readers are answered first, and stores many of them at once.

A crash of the process loses the hits of the last moment. Its end loses none, and a database may be away for a while: if
it still is at the end, they are left in a file for the next start.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from daisychain.atomic_files import PRIVATE, replacing
from daisychain.errors import DatabaseError, LockedError
from sender.delivery.confirmed_places import notice_forgotten
from sender.events.page_hits import MOST_HITS, Hit, record_hits

# Hits are stored so many seconds after the first of them came, or once they are so many.
FLUSH_AFTER, FLUSH_AT = 0.5, 200
RETRY_AFTER = 2.0
# If the database is away for longer, the oldest are lost. They are some 10 MB.
MOST_KEPT = 20_000
CLOSE_WITHIN = 5.0
# The database is away or busy, and the same hits can be stored later. Their keys keep one from counting twice.
_AWAY = (OperationalError, NoConnection, DatabaseError, LockedError)
# A line of JSON for each hit: the mail's number, what it was, link, program, network and time, and no address.
LEFT = "opens-and-clicks-{}.jsonl"
_OfMail = tuple[int, str, bool]
log = logging.getLogger("daisychain.hits")


class HitSpool:
    """The hits of one process that are not stored yet. While there are any, a thread stores them; else there is none.

    `engine` returns the engine of the database, which may be away. What can't be stored at the end is left in `home`.
    """

    def __init__(self, engine: Callable[[], Engine], home: Path) -> None:
        self._engine, self._home = engine, home
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._hits: dict[str, Hit] = {}  # by natural key, the oldest first
        self._of_mail = Counter[_OfMail]()  # how many of them are of each mail
        self._lost = 0
        self._enough, self._closing = threading.Event(), False
        self._thread: threading.Thread | None = None

    def add(self, hit: Hit) -> None:
        """Keep a hit for now, and return at once; of one mail only so many as are stored."""
        with self._lock:
            # Or whoever has one mail could push out everybody else's hits.
            if self._of_mail[_of_mail(hit)] >= MOST_HITS:
                return
            self._hits[hit.natural_key] = hit
            self._of_mail[_of_mail(hit)] += 1
            if len(self._hits) > MOST_KEPT:
                self._drop(next(iter(self._hits)))
                self._lost += 1
            if len(self._hits) == FLUSH_AT:
                self._enough.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="daisychain-hits", daemon=True)
                self._thread.start()

    def flush(self) -> bool:
        """Store what has come so far; False if the database does not take it now."""
        with self._turn:
            # Taken in one step of the interpreter, so that hits may come meanwhile.
            while hits := list(self._hits.values())[:FLUSH_AT]:
                try:
                    self._store(hits)
                except _AWAY as error:
                    away = "%d opens and clicks wait for the database (%s); %d older ones were lost"
                    log.error(away, len(self._hits), type(error).__name__, self._lost)
                    return False
                with self._lock:
                    for hit in hits:
                        self._drop(hit.natural_key)
        return True

    def _drop(self, natural_key: str) -> None:
        if hit := self._hits.pop(natural_key, None):
            self._of_mail[_of_mail(hit)] -= 1
            if not self._of_mail[_of_mail(hit)]:
                del self._of_mail[_of_mail(hit)]

    def close(self, within: float = CLOSE_WITHIN) -> None:
        """Store what waits at the end of the process, in so many seconds at most, or leave it for the next start."""
        self._closing = True
        self._enough.set()
        if thread := self._thread:
            thread.join(within)
        with self._lock:
            hits = list(self._hits.values())
            self._hits.clear()
            self._of_mail.clear()
        if hits:
            self._leave(hits)

    def take_up(self) -> None:
        """Store what ended processes have left; a file is removed once all of it is stored."""
        for path, hits in find_left(self._home):
            try:
                for start in range(0, len(hits), FLUSH_AT):
                    self._store(hits[start : start + FLUSH_AT])
            except _AWAY as error:
                log.error("%s waits for the database (%s) until the next start", path, type(error).__name__)
                return
            path.unlink(missing_ok=True)
            log.info("stored %d opens and clicks of %s", len(hits), path)

    def _leave(self, hits: Sequence[Hit]) -> None:
        try:
            path = leave(hits, self._home)
        except OSError as error:
            lost = "%d opens and clicks were lost: the database was away or busy, and they can't be written (%s)"
            log.error(lost, len(hits), error.strerror)
        else:
            log.warning("%d opens and clicks wait in %s for the next start", len(hits), path)

    def _work(self) -> None:
        stored = True
        while True:
            self._enough.wait(self._seconds_left() if stored else RETRY_AFTER)
            self._enough.clear()
            stored = self.flush()
            with self._lock:
                if not self._hits or self._closing:
                    self._thread = None
                    return

    def _seconds_left(self) -> float:
        """Return how long the oldest hit may still wait."""
        with self._lock:
            came = next((hit.came for hit in self._hits.values()), time.monotonic())
        return came + FLUSH_AFTER - time.monotonic()

    def _store(self, hits: Sequence[Hit]) -> None:
        """Store hits in one transaction; if one of them can't be stored, all others are. Raises what `_AWAY` has."""
        try:
            with self._engine().begin() as connection:
                forgotten = record_hits(connection, hits)
            if forgotten > 0:
                with self._engine().begin() as connection:
                    notice_forgotten(connection, delivery=forgotten)
        except _AWAY:
            raise
        except Exception:
            if len(hits) == 1:
                log.exception("an open or click can't be stored")
                return
            for half in (hits[: len(hits) // 2], hits[len(hits) // 2 :]):
                self._store(half)


def _of_mail(hit: Hit) -> _OfMail:
    # A HEAD request may not count, and then must not keep out what does.
    return hit.mail, hit.kind, hit.head


def leave(hits: Sequence[Hit], home: Path) -> Path:
    """Write hits into a file of their own, which only its owner can read. Raises OSError."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / LEFT.format(secrets.token_hex(8))
    with replacing(path, rights=PRIVATE, encoding="ascii") as file:
        file.writelines(json.dumps(_fields(hit)) + "\n" for hit in hits)
    return path


def find_left(home: Path) -> Iterator[tuple[Path, list[Hit]]]:
    """Yield the files that were left, with their hits; a line that can't be read is left out."""
    for path in sorted(home.glob(LEFT.format("*"))):
        hits = []
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            log.error("%s can't be read (%s), and stays", path, error.strerror)
            continue
        for line in lines:
            try:
                hits.append(_hit(line))
            except (AttributeError, KeyError, TypeError, ValueError):
                log.error("a line of %s is no open or click, and is left out", path)
        yield path, hits


def _fields(hit: Hit) -> dict[str, object]:
    # The clock that ages are measured with begins again with the machine.
    return {**asdict(hit), "came": time.time() - (time.monotonic() - hit.came)}


def _hit(line: bytes) -> Hit:
    fields = json.loads(line)
    age = max(time.time() - fields.pop("came"), 0.0)
    bytes.fromhex(fields["natural_key"])
    return Hit(**fields, came=time.monotonic() - age)
