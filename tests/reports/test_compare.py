"""Campaigns compared at equal age: what counts, what may be chance, and what must not be compared."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from daisychain.database import Database
from daisychain.errors import InputError
from reports.breakdown import EDGES, count_breakdown
from reports.compare import AGE, Comparison, compare
from reports.document.exports import COMPARISON_CSV_COLUMNS
from reports.intervals import difference
from reports.tallies import tally
from tests.command import Daisychain
from tests.reports.test_notes import LINK, tell
from tests.sender.returns import FIREFOX, Sent, resent, sent

PEOPLE = 40
SENT_AT = datetime.now(UTC).replace(microsecond=0) - timedelta(days=10)


def hours_later(hours: float, sent_at: datetime = SENT_AT) -> int:
    return int((sent_at + timedelta(hours=hours)).timestamp())


@pytest.fixture
def pair(database: Database) -> tuple[Sent, Sent]:
    """Two campaigns to the same people: half clicked the first within a day, half the second only after five."""
    first = sent(database, people=PEOPLE, frozen_at=SENT_AT)
    with database.engine.begin() as connection:
        second = resent(database, connection, first.list_id, first.members)
    settle(database)
    for campaign, hours in ((first, 20), (second, 120)):
        tell(
            campaign,
            *(campaign.event("delivered", person, timestamp=hours_later(0.1)) for person in range(PEOPLE)),
            *(campaign.event("click", person, timestamp=hours_later(hours), useragent=FIREFOX, **LINK)
              for person in range(PEOPLE // 2)),
        )  # fmt: skip
    return first, second


def settle(database: Database, sent_at: datetime = SENT_AT) -> None:
    """Let all campaigns have been sent at one time, and be finished."""
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET state = 'finished', frozen_at = :at"), {"at": sent_at})
        connection.execute(text("UPDATE attempts SET ended_at = :at"), {"at": sent_at})


def compared(database: Database, *campaigns: Sent, age: timedelta = AGE, small_cells: bool = True) -> Comparison:
    with database.engine.connect() as connection:
        return compare(connection, [each.campaign_id for each in campaigns], age, small_cells=small_cells)


def clicked(comparison: Comparison) -> list[int | None]:
    return [each.figures["clicked"].numerator for each in comparison.campaigns]


@pytest.mark.parametrize(("hours", "expected"), [(19, [0, 0]), (20, [20, 0]), (72, [20, 0]), (121, [20, 20])])
def test_only_what_happened_by_that_age_counts(
    pair: tuple[Sent, Sent], database: Database, hours: int, expected: list[int]
) -> None:
    comparison = compared(database, *pair, age=timedelta(hours=hours))
    assert clicked(comparison) == expected
    assert {each.figures["clicked"].denominator for each in comparison.campaigns} == {PEOPLE}


def test_each_person_s_mail_ages_from_its_own_request(pair: tuple[Sent, Sent], database: Database) -> None:
    with database.engine.begin() as connection:
        later = text("""
            WITH later AS (
                INSERT INTO attempts (batch_id, campaign_id, sender_id, people, ended_at)
                SELECT batch_id, campaign_id, sender_id, 5, ended_at + interval '60 hours' FROM attempts
                WHERE campaign_id = :id LIMIT 1 RETURNING id)
            UPDATE deliveries d
            SET attempt_id = CASE WHEN d.id < first + 5 THEN (SELECT id FROM later) ELSE earlier END
            FROM (SELECT min(id) AS first FROM deliveries WHERE campaign_id = :id),
                 (SELECT min(id) AS earlier FROM attempts WHERE campaign_id = :id)
            WHERE d.campaign_id = :id
        """)
        connection.execute(later, {"id": pair[1].campaign_id})
    assert clicked(compared(database, *pair)) == [20, 5]


def test_the_curve_has_the_same_people_at_that_age(pair: tuple[Sent, Sent], database: Database) -> None:
    first, second = pair
    for campaign in pair:
        tell(campaign, *(campaign.event("open", person, timestamp=hours_later(hours), useragent=FIREFOX)
                         for person, hours in ((30, 71), (31, 72), (32, 73))))  # fmt: skip
    for each in compared(database, first, second).campaigns:
        with database.engine.connect() as connection:
            steps = count_breakdown(connection, tally(connection, each.campaign_id)).steps
        for name in ("clicked", "seen_reading"):
            by_then = sum(
                people for edge, people in zip(EDGES, steps[name], strict=False) if edge <= AGE.total_seconds()
            )
            assert by_then == each.figures[name].numerator


def test_a_difference_that_may_be_chance_is_not_called_one(pair: tuple[Sent, Sent], database: Database) -> None:
    apart = next(each for each in compared(database, *pair).differences if each.figure == "clicked")
    assert apart.is_clear
    assert apart.words.startswith("Clicked (click rate): campaign 2 has 50.0 points less than campaign 1")
    late = compared(database, *pair, age=timedelta(hours=121)).differences
    chance = next(each for each in late if each.figure == "clicked")
    assert not chance.is_clear
    assert "no clear difference between campaigns 2 and 1" in chance.words
    assert "anything from −" in chance.words


@pytest.mark.parametrize("state", ["sending", "paused", "finished"])
def test_a_younger_campaign_says_not_yet_and_has_no_figures(
    pair: tuple[Sent, Sent], database: Database, state: str
) -> None:
    with database.engine.begin() as connection:
        change = text("UPDATE campaigns SET state = :state WHERE id = :id")
        connection.execute(change, {"state": state, "id": pair[1].campaign_id})
        young = text("UPDATE attempts SET ended_at = now() - interval '71 hours' WHERE campaign_id = :id")
        connection.execute(young, {"id": pair[1].campaign_id})
    first, second = compared(database, *pair).campaigns
    assert first.figures
    assert not first.not_yet
    assert second.not_yet.startswith("not yet: it is " + ("that old on" if state == "finished" else state))
    assert not second.figures


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE campaign_intake SET rule_set = 1 WHERE campaign_id = 1", "different rule sets"),
        ("UPDATE campaigns SET clicks = 'off' WHERE id = 1", "counted in different ways"),
    ],
)
def test_what_makes_campaigns_incomparable_is_said(
    pair: tuple[Sent, Sent], database: Database, change: str, said: str
) -> None:
    assert not any(said in note for note in compared(database, *pair).notes)
    with database.engine.begin() as connection:
        connection.execute(text(change))
    assert any(said in note for note in compared(database, *pair).notes)


def test_few_people_are_hidden_also_if_they_came_later(pair: tuple[Sent, Sent], database: Database) -> None:
    first, second = pair
    tell(first, *(first.event("click", person, timestamp=hours_later(100), useragent=FIREFOX, **LINK)
                  for person in range(20, 23)))  # fmt: skip
    assert clicked(compared(database, first, second)) == [20, 0]
    shown = compared(database, first, second, small_cells=False)
    assert clicked(shown) == [None, 0]  # the report shows 23 by now, so 20 would show that three came later
    assert "clicked" not in {each.figure for each in shown.differences}


@pytest.mark.parametrize("ids", [[], [1], [1, 1]])
def test_one_campaign_is_no_comparison(pair: tuple[Sent, Sent], database: Database, ids: list[int]) -> None:
    with database.engine.connect() as connection, pytest.raises(InputError, match="two campaigns"):
        compare(connection, ids)


def test_the_command_gives_the_same_numbers_in_every_format(pair: tuple[Sent, Sent], daisychain: Daisychain) -> None:
    found = daisychain.json("report", "compare", "1", "2", "--format", "json")
    assert [each["figures"]["clicked"]["numerator"] for each in found["campaigns"]] == [20, 0]
    written = daisychain("report", "compare", "1", "2", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(written)))
    assert tuple(rows[0]) == COMPARISON_CSV_COLUMNS
    assert [row["clicked_numerator"] for row in rows] == ["20", "0"]
    assert [row["clicked_difference"] for row in rows] == ["", "-0.5"]
    table = daisychain("report", "compare", "1", "2").stdout
    assert "50.0 % (35.2 % to 64.8 %)" in table
    assert "50.0 points less than campaign 1" in " ".join(table.split())


# Newcombe's own examples (1998, table II, method 10).
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926), ((0, 10), (0, 20), -0.1611, 0.2775), ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)  # fmt: skip
def test_intervals_of_differences_agree_with_what_was_published(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    assert difference(one, other) == pytest.approx((low, high), abs=0.0001)


@given(st.integers(1, 5_000), st.integers(1, 5_000), st.data())
def test_a_difference_turned_round_has_the_interval_turned_round(of: int, of_other: int, data: st.DataObject) -> None:
    one, other = (data.draw(st.integers(0, of)), of), (data.draw(st.integers(0, of_other)), of_other)
    low, high = difference(one, other)
    assert difference(other, one) == pytest.approx((-high, -low))
    assert low <= one[0] / one[1] - other[0] / other[1] <= high
