"""The curve of a campaign: how many people had read it, and clicked, so long after their own mail was sent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from reports.breakdown import EDGES, Breakdown

# Steps of less than this share of the time that is shown would lie on top of each other.
_FINEST = 1 / 100


def steps_of(breakdown: Breakdown) -> list[tuple[int | None, dict[str, int]]]:
    """Return the people until each step that has passed since the last mail was sent, and until now (None)."""
    until = {name: list(accumulate(counts)) for name, counts in breakdown.steps.items()}
    shown = [place for place, edge in enumerate(EDGES) if breakdown.followed * _FINEST < edge <= breakdown.followed]
    steps: list[tuple[int | None, dict[str, int]]] = [
        (EDGES[place], {name: counts[place] for name, counts in until.items()}) for place in shown
    ]
    return [*steps, (None, {name: counts[-1] for name, counts in until.items()})]


def coarse(counts: Sequence[Sequence[int]], least: int) -> list[int]:
    """Return the places of the steps to keep, so that no number or difference is of fewer than `least` people.

    Each step has the people until then of one or two series; the second are part of the first. The last step is kept.
    """
    if not counts or not counts[0]:
        return []

    def told(few: Sequence[int], many: Sequence[int]) -> bool:
        """Say whether two steps show a few people: who came between them, or have only read by then."""
        between = [later - earlier for earlier, later in zip(few, many, strict=True)]
        return any(0 < people < least for people in (*between, many[0] - many[-1]))

    nobody, last = [0] * len(counts[0]), len(counts) - 1
    kept: list[int] = []
    for place in range(last):
        if not told(counts[kept[-1]] if kept else nobody, counts[place]):
            kept.append(place)
    while kept and told(counts[kept[-1]], counts[last]):
        kept.pop()
    return [*kept, last]


def duration(seconds: int) -> str:
    """Return a time in words: "45 minutes", "3 hours", "7 days"."""
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and not seconds % unit and (unit != 86400 or seconds >= 3 * unit):
            number = seconds // unit
            return f"{number} {name}{'s' * (number != 1)}"
    return f"{seconds} seconds"
