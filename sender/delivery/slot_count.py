"""The number of batches in flight: more while answers take longer than our own work, fewer at a rate limit.

A slot that waits for an answer does nothing. Our own work grows with the slots, as they share cores and database, so
the growth ends by itself where more slots would gain nothing.
"""

from __future__ import annotations

import time
from threading import Lock

from daisychain.jobs import MOST_TIMES
from sender.providers.provider import Outcome

# How much each further batch counts, of all so far; and for how many seconds after a rate limit nothing grows.
WEIGHT = 0.2
CALM = 60.0
TOO_MANY = 429


class SlotCount:
    """The slots of one process, as how many `times` those that it began with; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._excess = 0.0  # of answers over our own work, in seconds; an average that forgets
        self._calm_until = 0.0
        self.times = 1

    def note(self, outcome: Outcome, seconds: float) -> None:
        """Learn from one batch, which took so many seconds from its claim to its recorded outcome."""
        with self._lock:
            if outcome.status == TOO_MANY:
                self.times, self._excess = max(1, self.times - 1), 0.0
                self._calm_until = time.monotonic() + CALM
            elif outcome.answered_in:
                excess = 2 * outcome.answered_in - seconds  # the answer's time, less the rest
                self._excess += WEIGHT * (excess - self._excess)
                if self._excess > 0 and time.monotonic() >= self._calm_until:
                    self.times = min(self.times + 1, MOST_TIMES)
