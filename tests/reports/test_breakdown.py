"""People over time and by mailbox provider: they add up to the figures, and are counted once for each state."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from daisychain.database import Database
from reports import Reports, breakdown
from reports.curve import coarse, duration
from reports.report import Report
from reports.small_cells import LEAST
from reports.tables import KeptBreakdown
from reports.whole_report import whole_report
from sender.tables import Attempt, Delivery
from tests.reports.campaigns import HOUR, over_days, told
from tests.sender.returns import FIREFOX, Sent

ADDED = ("accepted", "delivered", "bounced_hard", "bounced_soft", "dropped", "no_word", "seen_reading", "clicked")


@pytest.fixture
def campaign(database: Database) -> Sent:
    return over_days(database)


def made(campaign: Sent, **how: bool) -> Report:
    return whole_report(campaign.database.engine, campaign.campaign_id, **how)


def people(report: Report) -> list[int | None]:
    return [step.seen_reading.numerator for step in report.curve]


def test_mailbox_providers_add_up_to_the_campaign(campaign: Sent) -> None:
    report = made(campaign)
    assert list(report.mailboxes) == ["Google", "Microsoft", "other"]
    for name in ADDED:
        assert sum(figures[name].numerator or 0 for figures in report.mailboxes.values()) == report[name].numerator
    assert report.mailboxes["Google"]["clicked"].denominator == report.mailboxes["Google"]["delivered"].numerator


def test_the_curve_counts_from_each_persons_own_mail_and_ends_at_the_figures(campaign: Sent) -> None:
    report = made(campaign)
    curve = {step.seconds: step for step in report.curve}
    assert curve[None].seen_reading.numerator == report["seen_reading"].numerator
    assert curve[None].clicked.numerator == report["clicked"].numerator
    assert curve[72 * HOUR].seen_reading.numerator == report["seen_reading"].numerator
    before = curve[HOUR].seen_reading.numerator or 0
    # The mail of person 2, who opened it after two hours, was sent an hour and a half later than the others'.
    with campaign.database.engine.begin() as connection:
        later = select(Attempt.ended_at).where(Attempt.id == campaign.attempt_id).scalar_subquery()
        fresh = connection.execute(
            Attempt.__table__.insert()
            .from_select(
                ["batch_id", "campaign_id", "sender_id", "people", "ended_at"],
                select(
                    Attempt.batch_id, Attempt.campaign_id, Attempt.sender_id, Attempt.people,
                    later + breakdown.text("interval '90 minutes'"),
                ),
            )
            .returning(Attempt.id)
        ).scalar_one()  # fmt: skip
        moved = update(Delivery).where(Delivery.id == campaign.deliveries[2]).values(attempt_id=fresh)
        connection.execute(moved)
        connection.execute(update(KeptBreakdown).values(state="another"))
    assert next(step for step in made(campaign).curve if step.seconds == HOUR).seen_reading.numerator == before + 1


def test_the_curve_rises_and_shows_no_time_that_has_not_passed(campaign: Sent) -> None:
    report = made(campaign)
    people = [step.seen_reading.numerator or 0 for step in report.curve]
    assert people == sorted(people)
    assert max(step.seconds or 0 for step in report.curve) <= 4 * 24 * HOUR


def test_a_curve_goes_on_while_nothing_happens(campaign: Sent) -> None:
    made(campaign)
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Attempt).values(ended_at=Attempt.ended_at - breakdown.text("interval '3 days'")))
        connection.execute(update(KeptBreakdown).values(counted_at=breakdown.text("now() - interval '3 days'")))
    assert max(step.seconds or 0 for step in made(campaign).curve) == 7 * 24 * HOUR


def test_people_are_counted_once_for_each_state(campaign: Sent) -> None:
    scans: list[str] = []
    event.listen(campaign.database.engine, "before_cursor_execute",
                 lambda *call: scans.append(call[2]) if "width_bucket" in call[2] else None)  # fmt: skip
    first = made(campaign)
    assert made(campaign).curve == first.curve
    assert len(scans) == 1
    told(
        campaign,
        campaign.event("open", 3, at=int(time.time()) - campaign.began, useragent=FIREFOX, email="person3@gmail.com"),
    )
    assert made(campaign)["seen_reading"].numerator == made(campaign).curve[-1].seen_reading.numerator
    assert len(scans) == 2


def test_a_page_of_a_large_campaign_shows_the_last_count_instead_of_waiting(
    campaign: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(campaign)
    monkeypatch.setattr(breakdown, "QUICK", 10)
    told(campaign, campaign.event("open", 3, at=100, useragent=FIREFOX, email="person3@gmail.com"))
    assert people(made(campaign, wait=False)) == people(first)
    assert made(campaign, wait=False).broken_down_at == first.broken_down_at
    assert people(made(campaign, wait=True)) != people(first)


@pytest.mark.parametrize("people", [(40, 3), (40, 30, 2), (6, 1, 1), (3,), (300, 200, 100)])
def test_people_without_the_right_see_no_small_part_of_a_breakdown(database: Database, people: tuple[int, ...]) -> None:
    report = made(over_days(database, people=people), small_cells=False)
    for figures in report.mailboxes.values():
        for figure in figures.values():
            assert figure.numerator is None or figure.numerator == 0 or figure.numerator >= LEAST, figure
    whole = report["accepted"].numerator
    hidden = [figures["accepted"].numerator is None for figures in report.mailboxes.values()]
    assert whole is None or sum(hidden) != 1, "the sum would show it"
    for name in ("seen_reading", "clicked"):
        counts = [0, *(getattr(step, name).numerator or 0 for step in report.curve)]
        assert not {later - earlier for earlier, later in pairwise(counts)} & {1, 2, 3, 4}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30), st.integers(1, 2))
def test_no_step_of_a_curve_tells_of_a_few_people(moves: list[tuple[int, int]], series: int) -> None:
    counts: list[list[int]] = []
    seen = clicked = 0
    for reading, clicking in moves:
        seen, clicked = seen + reading, min(clicked + clicking, seen + reading)
        counts.append([seen, clicked][:series])
    if counts and any(0 < people < LEAST for people in (*counts[-1], counts[-1][0] - counts[-1][-1])):
        return  # such an end is hidden before
    kept = coarse(counts, LEAST)
    assert kept[-1:] == ([len(counts) - 1] if counts else [])
    shown = [[0] * series, *(counts[place] for place in kept)]
    for earlier, later in pairwise(shown):
        assert all(not 0 < after - before < LEAST for before, after in zip(earlier, later, strict=True))
        assert not 0 < later[0] - later[-1] < LEAST


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 seconds"), (60, "1 minute"), (90 * 60, "90 minutes"), (HOUR, "1 hour"), (48 * HOUR, "48 hours"),
     (7 * 24 * HOUR, "7 days")],
)  # fmt: skip
def test_a_time_is_said_as_people_say_it(seconds: int, words: str) -> None:
    assert duration(seconds) == words


def test_a_notebook_has_the_same_curve_and_providers(campaign: Sent) -> None:
    with Reports(campaign.database.settings.database_url or "") as reports:
        reports._database.close()
        reports._database = campaign.database
        curve, mailboxes = reports.curve(campaign.campaign_id), reports.mailboxes([campaign.campaign_id])
        report = made(campaign)
        shown = curve[curve["figure"] == "curve_seen_reading"]
        assert list(shown["numerator"]) == people(report)
        assert str(curve["within_seconds"].dtype) == "Int64"
        assert set(mailboxes["mailbox"]) == set(report.mailboxes)
        reports._database = Database(campaign.database.settings)  # closed with the notebook
