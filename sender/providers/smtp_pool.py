"""A pool of connections to one relay, kept open between batches to save greeting, TLS and sign-in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sender.providers.smtp_connection import SmtpConnection

# Seconds. A campaign's next batch comes much sooner; relays themselves hang up after minutes (RFC 5321, 4.5.3.2: 5).
IDLE = 5.0


class ConnectionPool:
    """Lends each thread a connection and closes unused ones after a few seconds; safe to use from several threads."""

    def __init__(self, connect: Callable[[], SmtpConnection], *, idle: float = IDLE) -> None:
        self._connect = connect
        self._idle = idle
        self._lock = threading.Lock()
        self._kept: list[tuple[float, SmtpConnection]] = []
        self._timer: threading.Timer | None = None

    @contextmanager
    def connection(self) -> Iterator[SmtpConnection]:
        """Lend the connection used last, or a new one; raises OSError if connecting fails.

        The relay may have closed an idle connection, which only shows at the next reply.
        """
        with self._lock:
            kept = self._kept.pop()[1] if self._kept else None
        connection = kept or self._connect()
        try:
            yield connection
        except BaseException:
            connection.usable = False  # its state is not known
            raise
        finally:
            if connection.usable:
                with self._lock:
                    self._kept.append((time.monotonic(), connection))
                    self._set_timer()
            else:
                connection.close()

    def close(self, idle: float = 0.0) -> None:
        """Close the connections that were not used for `idle` seconds, and the others when their time comes."""
        now = time.monotonic()
        with self._lock:
            old = [each for used, each in self._kept if now - used >= idle]
            self._kept = [(used, each) for used, each in self._kept if now - used < idle]
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._set_timer()
        for each in old:
            each.close()

    def _set_timer(self) -> None:
        if self._timer is None and self._kept:
            self._timer = threading.Timer(self._idle, self.close, [self._idle])
            self._timer.daemon = True
            self._timer.start()
