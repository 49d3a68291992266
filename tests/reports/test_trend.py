"""The trend of a list: growth by month, rates at equal age, what is usual, and who is unengaged."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from daisychain.database import Database
from daisychain.errors import InputError
from reports.document.exports import TREND_CSV_COLUMNS
from reports.trend import Trend, _first_days, trend
from tests.command import Daisychain
from tests.reports.months import LEAVE, PEOPLE, change, months_ago, more, of_last_month, the_list
from tests.sender.returns import Sent


def of_list(database: Database, months: int = 3, *, small_cells: bool = True) -> Trend:
    with database.engine.connect() as connection:
        return trend(connection, the_list(database), months, small_cells=small_cells)


@pytest.fixture
def first(database: Database) -> Sent:
    """A campaign of last month; its people joined two months ago."""
    return of_last_month(database)


def test_people_are_counted_by_the_month_in_which_they_came_and_left(first: Sent, database: Database) -> None:
    change(database, "UPDATE memberships SET joined_at = :at WHERE member_id IN (1, 2)", at=months_ago(0))
    change(
        database, "UPDATE memberships SET state = 'unsubscribed', left_at = :at WHERE member_id = 3", at=months_ago(1)
    )
    change(database, "INSERT INTO suppressions (address_key, reason, at) "
                     "SELECT address_key, 'hard_bounce', :at FROM members WHERE id = 4", at=months_ago(0))  # fmt: skip
    found = of_list(database)
    assert [(each.joined, each.left, each.people) for each in found.months] == [(10, 0, 10), (0, 1, 9), (2, 1, 10)]
    assert [each.first_day for each in found.months] == [months_ago(back).date().replace(day=1) for back in (2, 1, 0)]


def test_who_left_and_was_suppressed_later_leaves_once(first: Sent, database: Database) -> None:
    change(
        database, "UPDATE memberships SET state = 'unsubscribed', left_at = :at WHERE member_id = 3", at=months_ago(1)
    )
    change(database, "INSERT INTO suppressions (address_key, reason, at) "
                     "SELECT address_key, 'complaint', :at FROM members WHERE id = 3", at=months_ago(0))  # fmt: skip
    assert [each.left for each in of_list(database).months] == [0, 1, 0]


def test_rates_are_of_all_mails_of_a_month_at_equal_age(first: Sent, database: Database) -> None:
    more(database, first, 6, months_ago(1) + timedelta(days=1))
    late = more(database, first, 12, months_ago(1) + timedelta(days=2))
    change(database, "UPDATE delivery_rollups SET first_click_at = :at WHERE campaign_id = :id AND first_click_at "
                     "IS NOT NULL", at=months_ago(1) + timedelta(days=8), id=late.campaign_id)  # fmt: skip
    month = of_list(database).months[1]
    clicked = month.rates["clicked"]
    assert month.campaigns == 3
    assert clicked is not None
    assert (clicked.mails, clicked.of) == (6, 3 * PEOPLE)


def test_a_young_campaign_is_left_out_and_counted_as_such(first: Sent, database: Database) -> None:
    more(database, first, 3, datetime.now(UTC) - timedelta(minutes=5))
    month = of_list(database).months[2]
    assert (month.campaigns, month.left_out) == (1, 1)
    assert month.rates["clicked"] is None


def test_what_is_not_tracked_is_no_rate(first: Sent, database: Database) -> None:
    change(database, "UPDATE campaigns SET clicks = 'off', opens = 'off'")
    rates = of_list(database).months[1].rates
    assert rates["clicked"] is None
    assert rates["delivered"] is not None


def test_usual_is_the_middle_half_of_the_list_s_own_campaigns(first: Sent, database: Database) -> None:
    assert of_list(database).usual["clicked"] is None  # one campaign says nothing
    for clickers in (3, 6, 9, 12):
        more(database, first, clickers, months_ago(1) + timedelta(hours=clickers))
    assert of_list(database).usual["clicked"] == pytest.approx((0.25, 0.75))


def test_who_got_several_mails_and_was_never_seen_is_unengaged(first: Sent, database: Database) -> None:
    more(database, first, 4, months_ago(1) + timedelta(days=1))
    assert of_list(database).unengaged == 0  # two mails say nothing
    more(database, first, 2, months_ago(1) + timedelta(days=2))
    assert of_list(database).unengaged == PEOPLE - 4
    change(database, LEAVE, at=datetime.now(UTC), id=first.members[-1])
    assert of_list(database).unengaged == PEOPLE - 5
    change(database, "UPDATE campaigns SET tracking = 'per person'")
    assert of_list(database).unengaged == 0  # nobody agreed, so it is unknown who read
    change(database, "UPDATE deliveries SET per_person = true WHERE member_id <= :id", id=first.members[4])
    assert of_list(database).unengaged == 1
    change(database, "UPDATE campaigns SET clicks = 'off', opens = 'off', tracking = ''")
    assert of_list(database).unengaged == 0


def test_few_people_are_hidden_from_somebody_who_may_not_see_them(first: Sent, database: Database) -> None:
    more(database, first, 2, months_ago(1) + timedelta(days=1))
    change(database, "UPDATE memberships SET joined_at = :at WHERE member_id IN (1, 2)", at=months_ago(0))
    found = of_list(database, small_cells=False)
    assert [(each.joined, each.left) for each in found.months] == [(10, 0), (0, 0), (None, None)]
    assert found.months[1].rates["clicked"] is None


def test_the_command_gives_the_same_numbers_in_every_format(
    first: Sent, database: Database, daisychain: Daisychain
) -> None:
    more(database, first, 6, months_ago(1) + timedelta(days=1))
    name = the_list(database)
    found = daisychain.json("report", "trend", "--list", name, "--months", "2", "--format", "json")
    assert [month["campaigns"] for month in found["months"]] == [2, 0]
    assert found["months"][0]["rates"]["clicked"]["mails"] == 6
    rows = list(csv.DictReader(io.StringIO(daisychain("report", "trend", "--list", name, "--format", "csv").stdout)))
    assert tuple(rows[0]) == TREND_CSV_COLUMNS
    assert len(rows) == 12
    assert (rows[-2]["clicked_mails"], rows[-2]["clicked_of"], rows[-1]["clicked_mails"]) == ("6", "24", "")
    assert "25.0 %" in daisychain("report", "trend", "--list", name).stdout


def test_a_list_that_does_not_exist_is_said(database: Database) -> None:
    with database.engine.connect() as connection, pytest.raises(InputError, match="no list"):
        trend(connection, "nobody")


@pytest.mark.parametrize("today", [date(2026, 1, 31), date(2026, 12, 1), date(2024, 2, 29)])
def test_months_are_counted_back_over_the_turn_of_a_year(today: date) -> None:
    days = _first_days(today, 14)
    assert days[-1] == today.replace(day=1)
    assert len({(day.year, day.month) for day in days}) == 14
    assert days == sorted(days)


@pytest.mark.parametrize(
    ("clickers", "shown"),
    [
        ((6, 6), 12),
        ((6, 2), None),  # the second follows from the first
        ((6, 0), 6),
    ],
)
def test_for_who_sees_no_small_numbers_a_month_tells_none_of_its_campaigns(
    first: Sent, database: Database, clickers: tuple[int, ...], shown: int | None
) -> None:
    for each in clickers:
        more(database, first, each, months_ago(1))
    clicked = of_list(database, small_cells=False).months[1].rates["clicked"]
    assert (clicked.mails if clicked else None) == shown
    assert of_list(database).months[1].rates["clicked"] is not None


def test_what_is_usual_is_not_made_of_numbers_that_are_hidden(first: Sent, database: Database) -> None:
    for months in range(1, 6):
        more(database, first, 2, months_ago(months))
    assert of_list(database, 12).usual["clicked"] is not None
    assert of_list(database, 12, small_cells=False).usual["clicked"] is None
