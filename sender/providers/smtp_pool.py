"""Conversations with one relay, kept open from batch to batch: greeting, encryption and sign-in are paid once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sender.providers.smtp_conversation import Conversation

# Seconds. A campaign's next batch comes within one of these; relays hang up on their own after some minutes.
IDLE = 5.0


class Pool:
    """At most one conversation a thread that asks; safe in threads, and closed a few seconds after the last use."""

    def __init__(self, connect: Callable[[], Conversation], *, idle: float = IDLE) -> None:
        self._connect = connect
        self._seconds = idle
        self._lock = threading.Lock()
        self._kept: list[tuple[float, Conversation]] = []
        self._timer: threading.Timer | None = None

    @contextmanager
    def conversation(self) -> Iterator[Conversation]:
        """A conversation for the caller alone: the one used last, or a new one; raises OSError where none comes about.

        One that was kept may have been ended by the relay meanwhile, which shows at its next word. Afterwards it is
        kept for the next batch, or closed where it can't be used any more.
        """
        conversation = self._kept_one() or self._connect()
        try:
            yield conversation
        except BaseException:
            conversation.usable = False  # who knows what was said last
            raise
        finally:
            self._give_back(conversation)

    def _kept_one(self) -> Conversation | None:
        with self._lock:
            return self._kept.pop()[1] if self._kept else None

    def _give_back(self, conversation: Conversation) -> None:
        if not conversation.usable:
            conversation.close()
            return
        with self._lock:
            self._kept.append((time.monotonic(), conversation))
            self._set_timer()

    def close(self) -> None:
        """Close all that nobody uses."""
        self._close_older_than(0)

    def _set_timer(self) -> None:
        if self._timer is None and self._kept:
            self._timer = threading.Timer(self._seconds, self._timed)
            self._timer.daemon = True
            self._timer.start()

    def _timed(self) -> None:
        with self._lock:
            self._timer = None
        self._close_older_than(self._seconds)

    def _close_older_than(self, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            old = [each for used, each in self._kept if now - used >= seconds]
            self._kept = [(used, each) for used, each in self._kept if now - used < seconds]
            if not self._kept and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._set_timer()
        for each in old:
            each.close()
