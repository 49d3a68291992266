"""A cache for pages that many people ask for and that seldom change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from daisychain.errors import StateError

Made = TypeVar("Made")


class Busy(StateError):  # noqa: N818 - the name says it
    """Others are being served; a moment later it will work."""


class Cache(Generic[Made]):
    """Keep the `most` things that were used last, by key; threads that need a new one wait while one makes it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Made] = OrderedDict()
        self._turn, self._making = Lock(), Lock()

    def get(self, key: Hashable, make: Callable[[], Made], longest_wait: float = -1) -> Made:
        """Return the thing with `key`, making it if it is not kept; raises what `make` raises.

        Raises Busy if others are still being made after `longest_wait` seconds.
        """
        if (found := self._find(key)) is not None:
            return found
        if not self._making.acquire(timeout=longest_wait):
            raise Busy("This server is busy with other texts.", hint="Wait for a moment, then look again.")
        try:
            if (found := self._find(key)) is not None:
                return found
            made = make()
            with self._turn:
                self._kept[key] = made
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            return made
        finally:
            self._making.release()

    def _find(self, key: Hashable) -> Made | None:
        with self._turn:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)
