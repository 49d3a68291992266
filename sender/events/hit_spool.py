"""Keeps opens and clicks in memory for a moment, so that readers are answered first, and stores many of them at once.

A crash loses the hits of the last moment. The end of a process loses none, and a database may be away for a while.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from daisychain.errors import DatabaseError
from sender.delivery.confirmed_places import notice_forgotten
from sender.events.page_hits import Hit, record_hits

# Hits are stored so many seconds after the first of them came, or once they are so many.
FLUSH_AFTER, FLUSH_AT = 0.5, 200
RETRY_AFTER = 2.0
# If the database is away for longer, the oldest are lost. They are some 10 MB.
MOST_KEPT = 20_000
CLOSE_WITHIN = 5.0
# The database is away or busy, and the same hits can be stored later. Their keys keep one from counting twice.
_AWAY = (OperationalError, NoConnection, DatabaseError)
log = logging.getLogger("daisychain.hits")


class HitSpool:
    """The hits of one process that are not stored yet. While there are any, a thread stores them; else there is none.

    `engine` returns the engine of the database, which may be away.
    """

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._hits: dict[str, Hit] = {}  # by natural key, the oldest first
        self._lost = 0
        self._enough, self._closing = threading.Event(), False
        self._thread: threading.Thread | None = None

    def add(self, hit: Hit) -> None:
        """Keep a hit for now, and return at once."""
        with self._lock:
            self._hits[hit.natural_key] = hit
            if len(self._hits) > MOST_KEPT:
                del self._hits[next(iter(self._hits))]
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
                        self._hits.pop(hit.natural_key, None)
        return True

    def close(self, within: float = CLOSE_WITHIN) -> None:
        """Store what is left at the end of the process, in so many seconds at most."""
        self._closing = True
        self._enough.set()
        if thread := self._thread:
            thread.join(within)
        if lost := len(self._hits):
            log.error("%d opens and clicks were lost, as the database was away or busy", lost)

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
