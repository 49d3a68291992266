"""When to post what: from the timetable or from the campaign's dates, as rows and as a calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daisychain.errors import InputError
from newsletters.social.posting_plan import Posting, calendar_file, posting_plan
from newsletters.toolkit_store.showcase import showcase
from newsletters.toolkits.toolkit import load_files
from tests.newsletters.sample_toolkits import SHEET, files

MADE = datetime(2026, 5, 1, 8, tzinfo=UTC)
PAGE = "https://news.example/toolkits/spring-fair/social"
TODAY = date(2026, 5, 1)  # a Friday


def post(id_: str, body: str = "Come.", **more: str) -> str:
    """A copy block for social channels."""
    lines = {"id": id_, "title": id_.title(), "version": "1", "approved by": "A", "channels": "social"}
    lines |= {"length": "short", **more}
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in lines.items()) + f"---\n{body}\n"


def plan(sheet: str = "", today: date = TODAY, **posts: str) -> list[Posting]:
    """The plan of the sample toolkit with these lines and posts."""
    toolkit = load_files(files(SHEET + sheet, **(posts or {"one": post("one"), "two": post("two")})), "fair")
    return posting_plan(showcase(toolkit, "https://news.example", today), "en")


def shown(found: list[Posting]) -> list[tuple[str, str]]:
    return [(each.shown, each.piece.block.id) for each in found]


def test_days_and_days_of_each_week_are_rows_in_their_order_and_past_days_are_left_out() -> None:
    sheet = """timetable:
  - {day: 2026-05-06, time: "18:15", post: two}
  - {day: 2026-04-30, post: two}
  - {day: Monday, post: one}
"""
    assert shown(plan(sheet)) == [("Each Monday, 09:00", "one"), ("Wednesday 6 May 2026, 18:15", "two")]


def test_without_a_timetable_posts_are_spread_over_the_dates() -> None:
    posts = {name: post(name) for name in ("a", "b", "c")}
    found = shown(plan("dates: {from: 2026-05-04, until: 2026-05-10}\n", **posts))
    assert [when[:12] for when, _ in found] == ["Monday 4 May", "Thursday 7 M", "Sunday 10 Ma"]


@pytest.mark.parametrize("sheet", ["", "dates: {from: 2026-05-04}\n", "dates: {until: 2026-04-01}\n"])
def test_without_an_end_to_come_there_is_no_plan(sheet: str) -> None:
    assert plan(sheet) == []


def test_a_post_is_planned_for_a_day_on_which_it_may_be_used() -> None:
    posts = {"a": post("a"), "b": post("b", expires="2026-05-05")}
    assert ("Tuesday 5 May 2026, 09:00", "b") in shown(plan("dates: {from: 2026-05-04, until: 2026-05-10}\n", **posts))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{day: 2026-05-06, post: three}", "There is no copy block 'three' for social channels."),
        ("{day: Someday, post: one}", "'Someday' is no day."),
        ("{day: Monday, post: one, time: late}", "'late' is no time."),
        ("{day: 2026-06-06, post: two}", "The post 'two' expired on 31 May 2026"),
        ("{day: Monday, post: one, where: x}", "A row of the timetable has no key 'where'."),
        ("Monday", "'timetable' must be a list"),
    ],
)
def test_a_mistake_in_the_timetable_has_its_line(row: str, said: str) -> None:
    posts = {"one": post("one"), "two": post("two", expires="2026-05-31")}
    with pytest.raises(InputError, match=said.replace("(", r"\(")) as raised:
        plan(f"timetable:\n  - {row}\n", **posts)
    assert raised.value.line


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ({"headline": "x" * 91}, "The headline has 91 characters"),
        ({"picture": "tend"}, "'tend' is not among"),
    ],
)
def test_what_can_t_be_on_a_picture_is_an_error_of_the_toolkit(lines: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan(one=post("one", **lines))


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_a_calendar_has_an_event_for_each_posting() -> None:
    sheet = "timetable:\n  - {day: Monday, post: one}\n  - {day: 2026-05-06, post: two}\n"
    lines = unfolded(calendar_file(plan(sheet), "Fair, spring; 2026", PAGE, MADE))
    assert lines[:4] == ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Daisychain//Posting plan//EN",
                         r"X-WR-CALNAME:Fair\, spring\; 2026"]  # fmt: skip
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 2
    assert {"DTSTART:20260504T090000", "DTSTART:20260506T090000", "DTSTAMP:20260501T080000Z"} <= set(lines)
    assert "RRULE:FREQ=WEEKLY;COUNT=8" in lines
    assert rf"DESCRIPTION:Come.\n\nPictures: {PAGE}" in lines
    assert len({line for line in lines if line.startswith("UID:")}) == 2


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300))
def test_lines_of_a_calendar_are_short_and_lose_nothing(name: str) -> None:
    content = calendar_file([], name, PAGE, MADE)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    [line] = [line for line in unfolded(content) if line.startswith("X-WR-CALNAME:")]
    escaped = line.removeprefix("X-WR-CALNAME:")
    for sign, meant in (("\\\\", "\0"), ("\\,", ","), ("\\;", ";"), ("\\n", "\n"), ("\0", "\\")):
        escaped = escaped.replace(sign, meant)
    assert escaped == "\n".join(name.splitlines())
