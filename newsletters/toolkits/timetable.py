"""The timetable of a toolkit: on which day, or which day of each week, and at what time a post is best posted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time

from daisychain.suggestions import nearest
from newsletters.documents.yaml_with_lines import YamlMapping

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MORNING = time(9)


@dataclass(frozen=True)
class PostingTime:
    """When to post one copy block: on `day`, or each week on `weekday` (0 is Monday); `time` is where people are."""

    post: str
    day: date | None = None
    weekday: int | None = None
    time: time = MORNING


def read_timetable(sheet: YamlMapping, posts: Mapping[str, Callable[[date], str]]) -> tuple[PostingTime, ...]:
    """Return the rows under `timetable`; raises InputError with file and line.

    `posts` are the blocks for social channels, each with why it may not be used on a day.
    """
    return tuple(_row(row, posts) for row in sheet.sheets("timetable"))


def _row(row: YamlMapping, posts: Mapping[str, Callable[[date], str]]) -> PostingTime:
    row.allow(("day", "time", "post"), "A row of the timetable")
    post, written = row.text("post"), row.text("day")
    if post not in posts:
        row.fail(f"There is no copy block {post!r} for social channels.", "post", hint=nearest(post, posts))
    at = _time(row)
    if written.title() in WEEKDAYS:
        return PostingTime(post, weekday=WEEKDAYS.index(written.title()), time=at)
    try:
        day = date.fromisoformat(written)
    except ValueError:
        row.fail(f"{written!r} is no day.", "day", hint="Write a date (2026-05-04), or a day of each week: Thursday.")
    if why := posts[post](day):
        row.fail(f"The post {post!r} {why}, so it can't be posted on {day}.", "day")
    return PostingTime(post, day=day, time=at)


def _time(row: YamlMapping) -> time:
    try:
        return time.fromisoformat(row.text("time", MORNING.isoformat("minutes"))).replace(tzinfo=None)
    except ValueError:
        row.fail(f"{row.text('time')!r} is no time.", "time", hint="Write hours and minutes: 09:00.")
