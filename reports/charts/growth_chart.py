"""The people of a list over time, month by month: a line that is drawn with its page, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

MONTHS = 24
WIDTH, HEIGHT = 600, 160


@dataclass(frozen=True)
class Growth:
    """Months with who joined, who left and how many there were at their end; `line` is an SVG's points."""

    months: list[tuple[date, int, int, int]]
    line: str
    most: int


def growth_of(moves: Sequence[Sequence[Any]], today: date) -> Growth | None:
    """Return what is drawn of a list's moves (month, joined, left), this month last; None if there are none."""
    if not moves:
        return None
    came = {date.fromisoformat(month): (joined, left) for month, joined, left in moves}
    first = max(_number(min(came)), _number(today) - MONTHS + 1)
    people = sum(joined - left for month, (joined, left) in came.items() if _number(month) < first)
    months = []
    for number in range(first, _number(today) + 1):
        month = date(number // 12, number % 12 + 1, 1)
        joined, left = came.get(month, (0, 0))
        people += joined - left
        months.append((month, joined, left, people))
    most = max(1, *(each[3] for each in months), 0)
    step = WIDTH / max(len(months) - 1, 1)
    points = [(at * step, HEIGHT - each[3] / most * HEIGHT) for at, each in enumerate(months)]
    if len(points) == 1:
        points.append((WIDTH, points[0][1]))
    return Growth(months, " ".join(f"{x:.1f},{y:.1f}" for x, y in points), most)


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1
