"""Second thoughts, schedules and pace: what is held back, when it is let go, and what stops it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from lists.list_people import ListPeople
from lists.members import unsubscribe
from sender.campaigns import brakes, due_campaigns, follow_ups, plans, steering, warm_up
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.freeze import freeze
from sender.campaigns.plans import Plan
from sender.event import IncomingEvent, Kind, digest
from sender.events.intake import ingest
from sender.providers.failures import PEOPLE_REFUSED_IN_A_ROW
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Campaign, Delivery, Rollup
from sender.upkeep import pace
from sender.upkeep.sweep import sweep
from tests.command import Daisychain
from tests.public_pages import public_app
from tests.sender.delivery.test_ledger import batches, claimed, ledger, recorded, state_of
from tests.sender.events.test_intake import counted
from tests.sender.returns import sent
from tests.sender.staging import add_list, add_people, draft, staged

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def frozen(database: Database, people: int, *, batch_size: int = 2, **plan: Any) -> int:
    campaign_id = staged(database, people)
    with database.engine.begin() as connection:
        if plan:
            connection.execute(update(Campaign).values(plan))
        freeze(connection, campaign_id, batch_size=batch_size)
    return campaign_id


def let_go(database: Database, campaign_id: int, now: datetime | None = None) -> int:
    with database.engine.begin() as connection:
        return pace.release_batches(connection, campaign_id, now)


def free(database: Database) -> list[int]:
    with database.engine.connect() as connection:
        return list(
            connection.scalars(select(Batch.id).where(Batch.state == "waiting", ~Batch.held).order_by(Batch.id))
        )


def of(database: Database, column: Any) -> Any:
    with database.engine.connect() as connection:
        return connection.scalars(select(column)).one()


def deliver(database: Database, outcome: Outcome | None = None) -> None:
    for batch in free(database):
        recorded(database, claimed(database, batch), outcome or Outcome(Verdict.ACCEPTED))


def happen(database: Database, kind: Kind, deliveries: range, **fields: Any) -> None:
    now = datetime.now(UTC)
    told = [
        IncomingEvent(source="sendgrid", kind=kind, at=now, natural_key=digest(kind, n), delivery_id=n, **fields)
        for n in deliveries
    ]
    with database.engine.begin() as connection:
        ingest(connection, told, now)


def test_a_campaign_without_a_plan_holds_nothing_back(database: Database) -> None:
    frozen(database, 5)
    assert len(free(database)) == 3


def test_a_held_campaign_goes_when_its_time_comes_and_can_be_cancelled_before(database: Database) -> None:
    start = datetime.now(UTC) + HOUR
    campaign_id = frozen(database, 4, starts_at=start)
    assert let_go(database, campaign_id, start - timedelta(seconds=1)) == 0
    assert free(database) == []
    assert let_go(database, campaign_id, start) == 2
    with database.engine.begin() as connection:
        assert steering.cancel(connection, campaign_id, who="ann") == 4


def test_a_hold_that_is_long_overdue_waits_for_a_person_and_then_goes(database: Database) -> None:
    start = datetime.now(UTC) + HOUR
    campaign_id = frozen(database, 4, starts_at=start)
    assert let_go(database, campaign_id, start + pace.OVERDUE + timedelta(seconds=1)) == 0
    assert state_of(database, campaign_id) == "paused"
    assert "overdue" in of(database, Campaign.pause_reason)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(starts_at=func.now() - timedelta(hours=5)))
        steering.resume(connection, database.settings, campaign_id, who="ann")
    assert let_go(database, campaign_id) == 2


@pytest.mark.parametrize(("late", "state"), [(timedelta(minutes=5), "sending"), (2 * HOUR, "paused")])
def test_a_schedule_is_kept_by_whoever_sweeps_unless_it_is_long_overdue(
    database: Database, late: timedelta, state: str
) -> None:
    campaign_id = staged(database, 3)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="scheduled", starts_at=NOW))
        due_campaigns.start_due_campaigns(connection, database.settings, NOW - timedelta(seconds=1))
    assert state_of(database, campaign_id) == "scheduled"
    with database.engine.begin() as connection:
        due_campaigns.start_due_campaigns(connection, database.settings, NOW + late)
    assert state_of(database, campaign_id) == state
    assert ledger(database, campaign_id).intended == (3 if state == "sending" else 0)


def test_an_overdue_schedule_is_frozen_when_a_person_says_go_on(database: Database) -> None:
    campaign_id = staged(database, 3)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="scheduled", starts_at=func.now() - 2 * HOUR))
        due_campaigns.start_due_campaigns(connection, database.settings)
        steering.resume(connection, database.settings, campaign_id, who="ann")
    assert ledger(database, campaign_id).waiting == 3
    assert len(free(database)) == 1


def test_a_schedule_that_is_paused_goes_back_to_waiting_for_its_time(database: Database) -> None:
    campaign_id = staged(database, 3)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="scheduled", starts_at=func.now() + HOUR))
        steering.pause(connection, campaign_id, who="ann")
        steering.resume(connection, database.settings, campaign_id, who="ann")
    assert state_of(database, campaign_id) == "scheduled"


def test_a_canary_goes_first_and_the_rest_follows_when_nothing_speaks_against_it(database: Database) -> None:
    campaign_id = frozen(database, 9, canary=3, canary_wait=600)
    assert len(free(database)) == 2
    let_go(database, campaign_id, NOW)
    deliver(database)
    assert ledger(database, campaign_id).accepted == 3
    assert state_of(database, campaign_id) == "sending"
    assert let_go(database, campaign_id, NOW) == 0
    assert of(database, Campaign.canary_until) == NOW + timedelta(minutes=10)
    assert let_go(database, campaign_id, NOW + timedelta(minutes=9)) == 0
    assert let_go(database, campaign_id, NOW + timedelta(minutes=10)) == 3
    deliver(database)
    assert ledger(database, campaign_id).accepted == 9


@pytest.mark.parametrize(
    ("outcome", "told", "words"),
    [
        (Outcome(Verdict.ACCEPTED, refused={1: "no"}), {}, "1 failed"),
        (Outcome(Verdict.UNCERTAIN), {}, "uncertain"),
        (Outcome(Verdict.ACCEPTED), {"kind": "bounced", "bounce": "hard"}, "1 bounced"),
        (Outcome(Verdict.ACCEPTED), {"kind": "complained"}, "complained"),
    ],
)
def test_what_speaks_against_a_canary_pauses_the_rest_until_a_person_decides(
    database: Database, outcome: Outcome, told: dict[str, Any], words: str
) -> None:
    campaign_id = frozen(database, 9, canary=4, canary_wait=0, batch_size=4)
    deliver(database, outcome)
    if told:
        happen(database, told.pop("kind"), range(1, 2), **told)
    assert let_go(database, campaign_id) == 0
    assert state_of(database, campaign_id) == "paused"
    assert words in of(database, Campaign.pause_reason)
    with database.engine.begin() as connection:
        steering.resume(connection, database.settings, campaign_id, who="ann", because="one full mailbox")
    assert let_go(database, campaign_id) == 2


@pytest.mark.parametrize("bounces", [0, 1])
def test_a_pause_by_a_person_does_not_stand_for_the_canarys_verdict(database: Database, bounces: int) -> None:
    """The canary's time ends before the campaign is resumed, and it was not judged."""
    campaign_id = frozen(database, 9, canary=3, canary_wait=600)
    deliver(database)
    let_go(database, campaign_id)
    happen(database, "bounced", range(1, bounces + 1), bounce="hard")
    with database.engine.begin() as connection:
        steering.pause(connection, campaign_id, who="ann", because="a question")
        connection.execute(update(Campaign).values(canary_until=func.now()))
        steering.resume(connection, database.settings, campaign_id, who="ann")
    assert let_go(database, campaign_id) == (0 if bounces else 3)
    assert state_of(database, campaign_id) == ("paused" if bounces else "sending")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"opens_at": time(8), "closes_at": time(20), "zone": "Europe/Nowhere"}, "no time zone 'Europe/Nowhere'"),
        ({"state": "scheduled", "starts_at": func.now(), "of_campaign_id": 99, "of_whom": "accepted"}, "Campaign 99"),
        ({"opens_at": time(8), "zone": "UTC"}, "AssertionError; the log has more"),  # what nobody has thought of
    ],
    ids=["a zone that is unknown here", "a follow-up of a campaign that is gone", "anything else"],
)
def test_a_campaign_that_is_out_of_order_is_paused_and_stops_no_other(
    database: Database, wrong: dict[str, Any], words: str
) -> None:
    bad, good = staged(database, 2), staged(database, 2, name="others")
    with database.engine.begin() as connection:
        if "state" not in wrong:
            freeze(connection, bad, batch_size=2)
        freeze(connection, good, batch_size=2)
        connection.execute(update(Campaign).where(Campaign.id == bad).values(wrong))
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        sweep(connection, database.settings)
        reason = connection.scalar(select(Campaign.pause_reason).where(Campaign.id == bad))
        jobs = connection.scalars(text("SELECT queue_name FROM procrastinate_jobs WHERE args ? 'campaign_id'")).all()
    assert state_of(database, bad) == "paused"
    assert words in reason
    assert jobs == [f"campaign-{good}"]


def test_a_pause_while_the_canary_is_out_does_not_let_the_rest_go(database: Database) -> None:
    campaign_id = frozen(database, 9, canary=3, canary_wait=600)
    deliver(database)
    let_go(database, campaign_id)
    with database.engine.begin() as connection:
        steering.pause(connection, campaign_id, who="ann")
        steering.resume(connection, database.settings, campaign_id, who="ann")
    assert let_go(database, campaign_id) == 0


@pytest.mark.parametrize(
    ("kind", "fields", "count", "paused"),
    [
        ("complained", {}, brakes.FEWEST_COMPLAINTS, True),
        ("complained", {}, brakes.FEWEST_COMPLAINTS - 1, False),
        ("bounced", {"bounce": "hard"}, 6, True),
        ("bounced", {"bounce": "hard"}, 5, False),  # just 5 % is not more than 5 %
        ("bounced", {"bounce": "soft"}, 50, False),
    ],
)
def test_too_many_complaints_or_hard_bounces_pause_a_campaign(
    database: Database, kind: Kind, fields: dict[str, Any], count: int, paused: bool
) -> None:
    campaign_id = frozen(database, 200, batch_size=100)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.ACCEPTED))
    happen(database, kind, range(1, count + 1), **fields)
    let_go(database, campaign_id)
    assert (state_of(database, campaign_id) == "paused") is paused


def refused_by_name(claim: Any, count: int) -> dict[int, str]:
    return dict.fromkeys([person.id for person in claim.people[:count]], "550 no such user")


@pytest.mark.parametrize(("refused", "paused"), [(brakes.FEWEST_REFUSED, True), (brakes.FEWEST_REFUSED - 1, False)])
def test_a_share_of_people_who_are_refused_pauses_a_campaign_once(
    database: Database, refused: int, paused: bool
) -> None:
    campaign_id = frozen(database, 300, batch_size=100)
    first, second, _ = batches(database, campaign_id)
    claim = claimed(database, first)
    recorded(database, claim, Outcome(Verdict.ACCEPTED, refused=refused_by_name(claim, refused)))
    let_go(database, campaign_id)
    assert (state_of(database, campaign_id) == "paused") is paused
    if not paused:
        return
    assert "20 of 100 people (20.0%) were refused" in of(database, Campaign.pause_reason)
    with database.engine.begin() as connection:
        steering.resume(connection, database.settings, campaign_id, who="ann", because="an old list")
    claim = claimed(database, second)
    recorded(database, claim, Outcome(Verdict.ACCEPTED, refused=refused_by_name(claim, refused - 1)))
    let_go(database, campaign_id)
    assert state_of(database, campaign_id) == "sending", "what she saw speaks no more"


def test_a_relay_that_refuses_one_person_after_the_other_fails_a_bounded_number_of_them(database: Database) -> None:
    campaign_id = frozen(database, 100, batch_size=10)
    while state_of(database, campaign_id) == "sending":
        claim = claimed(database, free(database)[0])
        recorded(database, claim, Outcome(Verdict.REFUSED_PERSON, refused=refused_by_name(claim, 10)))
    assert state_of(database, campaign_id) == "paused"
    assert "550 no such user" in of(database, Campaign.pause_reason)
    assert ledger(database, campaign_id).failed == PEOPLE_REFUSED_IN_A_ROW
    with database.engine.begin() as connection:
        steering.resume(connection, database.settings, campaign_id, who="ann")
    deliver(database)
    assert ledger(database, campaign_id).waiting == 0


def test_people_who_are_put_off_and_tried_again_count_once_in_the_rates(database: Database) -> None:
    campaign_id = frozen(database, 200, batch_size=100)
    batch = batches(database, campaign_id)[0]
    claim = claimed(database, batch)
    for _ in range(4):  # one is taken; the others are greylisted again and again
        later = frozenset(person.id for person in claim.people[1:])
        recorded(database, claim, Outcome(Verdict.ACCEPTED, waiting=later, retry_at=NOW))
        claim = claimed(database, batch)
    happen(database, "complained", range(1, 4))
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    let_go(database, campaign_id)
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.sum(Attempt.accepted))) == ledger(database, campaign_id).accepted == 100
    assert "3 of 100 people" in of(database, Campaign.pause_reason)


def test_no_more_events_are_read_where_the_roll_ups_tell_of_too_few(database: Database) -> None:
    campaign_id = frozen(database, 200, batch_size=100)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.ACCEPTED))
    happen(database, "complained", range(1, 3))
    with counted(database.engine) as statements:
        let_go(database, campaign_id)
    assert [each for each in statements if "FROM events" in each] == []


def test_what_a_person_has_seen_does_not_pause_a_campaign_again(database: Database) -> None:
    campaign_id = frozen(database, 200, batch_size=100)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.ACCEPTED))
    happen(database, "complained", range(1, 4))
    let_go(database, campaign_id)
    with database.engine.begin() as connection:
        steering.resume(connection, database.settings, campaign_id, who="ann", because="a joke among friends")
    let_go(database, campaign_id)
    assert state_of(database, campaign_id) == "sending"


def test_no_more_people_go_in_a_minute_than_was_asked_for(database: Database) -> None:
    campaign_id = frozen(database, 100, per_minute=24, batch_size=50)
    now = datetime.now(UTC)
    assert let_go(database, campaign_id, now) == 12  # batches of two
    assert let_go(database, campaign_id, now) == 0
    deliver(database)
    assert let_go(database, campaign_id, now + timedelta(seconds=30)) == 0
    assert let_go(database, campaign_id, now + timedelta(minutes=10)) == 12


def test_to_be_set_apart_takes_nothing_from_the_pace(database: Database) -> None:
    campaign_id = frozen(database, 28, per_minute=24, batch_size=50)
    assert let_go(database, campaign_id) == 12  # batches of two
    with database.engine.begin() as connection:
        connection.execute(update(Batch).where(Batch.id > 11, ~Batch.held).values(held=True))
    assert len(free(database)) == 11
    for batch in free(database):
        claim = claimed(database, batch)
        recorded(database, claim, Outcome(Verdict.OVER_LIMITS, over_limits=frozenset({claim.people[0].id})))
    assert len(free(database)) == 22
    assert let_go(database, campaign_id) == 1, "nobody was asked for so far, and 22 people are on their way"


def test_out_of_its_hours_a_campaign_is_held_back(database: Database) -> None:
    campaign_id = frozen(database, 4, opens_at=time(8), closes_at=time(20), zone="Europe/London")
    assert free(database) == []
    noon, night = NOW, NOW + timedelta(hours=10)
    assert let_go(database, campaign_id, noon) == 2
    assert let_go(database, campaign_id, night) == 0
    assert free(database) == []
    assert let_go(database, campaign_id, noon + timedelta(days=1)) == 2


@pytest.mark.parametrize(
    ("hours", "moment", "is_in"),
    [
        ("08:00-20:00", "2026-06-01 06:59", False),  # 07:59 in London's summer
        ("08:00-20:00", "2026-06-01 07:00", True),
        ("08:00-20:00", "2026-12-01 07:59", False),
        ("08:00-20:00", "2026-06-01 19:00", False),
        ("22:00-06:00 UTC", "2026-06-01 23:30", True),
        ("22:00-06:00 UTC", "2026-06-01 12:00", False),
    ],
)
def test_hours_are_the_zones_own(hours: str, moment: str, is_in: bool) -> None:
    assert plans.read_hours(hours).include(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is is_in


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01 09:30 Europe/London", "2026-12-01 09:30"),
        ("2026-07-01 09:30", "2026-07-01 08:30"),
        ("2026-07-01T09:30 America/New_York", "2026-07-01 13:30"),
    ],
)
def test_a_time_is_read_in_its_zone(text: str, moment: str) -> None:
    assert plans.read_moment(text, NOW) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(at="tomorrow"), "is not a time"),
        (Plan(at="2026-13-01 09:30"), "is not a time"),
        (Plan(at="2026-05-01 09:30"), "is past"),
        (Plan(at="2027-03-28 01:30 Europe/London"), "clocks go forward"),
        (Plan(at="2026-12-01 09:30 Mars/Base"), "no time zone"),
        (Plan(at="2026-12-01 09:30", hold="10m"), "do not go together"),
        (Plan(hold="soon"), "not a span of time"),
        (Plan(wait="10m"), "canary"),
        (Plan(between="8-20"), "are not hours"),
        (Plan(between="08:00-08:00"), "are not hours"),
        (Plan(between="25:00-26:00"), "are not hours"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(plan: Plan, words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan.columns(NOW)


def test_a_domain_that_warms_up_goes_by_the_days_ceiling_and_the_engaged_go_first(database: Database) -> None:
    earlier = sent(database, people=70)
    with database.engine.begin() as connection:
        rows = [
            {"delivery_id": earlier.deliveries[n], "campaign_id": earlier.campaign_id, "first_click_at": NOW + n * HOUR}
            for n in (5, 60)
        ]
        connection.execute(insert(Rollup), rows)
        connection.execute(update(Attempt).values(started_at=NOW))
        warm_up.start(connection, "Coalition.example", who="ann")
        connection.execute(update(Campaign).values(name="earlier"))
        campaign_id = draft_again(connection, earlier.list_id)
        freeze(connection, campaign_id, batch_size=1000)
        first = connection.scalars(
            select(Delivery.member_id).where(Delivery.campaign_id == campaign_id).order_by(Delivery.id).limit(3)
        ).all()
    assert list(first) == [earlier.members[60], earlier.members[5], earlier.members[0]]
    now = datetime.now(UTC)
    assert let_go(database, campaign_id, now) == 1
    deliver(database)
    assert let_go(database, campaign_id, now + HOUR) == 0
    assert let_go(database, campaign_id, now + timedelta(days=1, hours=1)) == 1
    assert ledger(database, campaign_id).accepted == warm_up.CEILINGS[0]


def test_all_campaigns_of_a_domain_that_warms_up_share_the_days_ceiling(database: Database) -> None:
    with database.engine.begin() as connection:
        warm_up.start(connection, "coalition.example", who="ann")
    first = frozen(database, 60)
    with database.engine.begin() as connection:
        list_id = add_list(connection, "others")
        add_people(connection, list_id, range(100, 160))
        second = draft(connection, list_id)
        freeze(connection, second, batch_size=2)
    with database.engine.begin() as connection, database.engine.begin() as at_once:
        assert pace.release_batches(connection, first) == 25  # batches of two
        assert pace.release_batches(at_once, second) == 0, "somebody else is counting"
    assert let_go(database, second) == 0
    deliver(database)
    assert let_go(database, second) == 0
    assert ledger(database, first).accepted == warm_up.CEILINGS[0]


def test_a_warm_up_that_begins_after_a_freeze_holds_what_is_still_free(database: Database) -> None:
    campaign_id = frozen(database, 120, batch_size=110)
    with database.engine.begin() as connection:
        warm_up.start(connection, "coalition.example", who="ann")
    assert free(database) == []
    assert let_go(database, campaign_id) == 1
    deliver(database)
    assert ledger(database, campaign_id).accepted == 50
    assert let_go(database, campaign_id, datetime.now(UTC) + timedelta(days=2, hours=1)) == 3
    deliver(database)
    assert ledger(database, campaign_id).waiting == 0


def draft_again(connection: Any, list_id: int) -> int:
    campaign_id = draft(connection, list_id)
    connection.execute(
        update(Campaign).where(Campaign.id == campaign_id).values(from_address="hello@coalition.example")
    )
    return campaign_id


def test_ceilings_rise_and_end(database: Database) -> None:
    with database.engine.begin() as connection:
        warm_up.start(connection, "new.org", who="ann")
        now = datetime.now(UTC)
        days = [warm_up.ceiling(connection, "a@new.org", now + timedelta(days=day)) for day in (0, 1, 2, 100)]
        assert days == [50, 100, 250, None]
        assert warm_up.ceiling(connection, "a@old.org", now) is None
        assert warm_up.stop(connection, "new.org")
        assert warm_up.ceiling(connection, "a@new.org", now) is None
    assert list(warm_up.CEILINGS) == sorted(warm_up.CEILINGS)


@pytest.mark.parametrize(("whom", "numbers"), [("accepted", [0, 1]), ("failed", [2, 3]), ("no-click", [1])])
def test_a_further_campaign_goes_to_those_of_an_earlier_one_who_may_still_be_mailed(
    database: Database, whom: str, numbers: list[int]
) -> None:
    earlier = sent(database, people=4)
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).where(Delivery.id.in_(earlier.deliveries[2:])).values(state="failed"))
        row = {"delivery_id": earlier.deliveries[0], "campaign_id": earlier.campaign_id, "clicks": 1}
        connection.execute(insert(Rollup).values(row))
        unsubscribe(connection, earlier.list_id, earlier.members[3], "asked")
        campaign_id = draft(connection, earlier.list_id)
        connection.execute(
            update(Campaign).where(Campaign.id == campaign_id).values(of_campaign_id=earlier.campaign_id, of_whom=whom)
        )
        found = find_campaign(connection, campaign_id)
        people = ListPeople(connection, "", follow_ups.audience_of(connection, found))
        counted = people.count(), people.excluded()
        freeze(connection, campaign_id, batch_size=1000)
        rows = connection.execute(
            select(Delivery.member_id, Delivery.reason).where(Delivery.campaign_id == campaign_id)
        ).all()
    assert {row.member_id for row in rows} == {earlier.members[number] for number in numbers}
    assert counted == (len([row for row in rows if not row.reason]), len([row for row in rows if row.reason]))
    assert [row.reason for row in rows if row.member_id == earlier.members[3]] == (
        ["unsubscribed"] if whom == "failed" else []
    )


def test_who_clicked_nothing_is_not_known_where_clicks_are_not_counted(database: Database) -> None:
    earlier = sent(database, clicks="off")
    with database.engine.connect() as connection, pytest.raises(StateError, match="does not count clicks"):
        follow_ups.check_whom(connection, earlier.campaign_id, "no-click")


def test_a_correction_stands_at_the_top_of_the_mail_and_is_no_html(database: Database) -> None:
    earlier = sent(database)
    with database.engine.begin() as connection:
        follow_ups.correct(connection, earlier.campaign_id, "It is <9> May.")
        text = connection.scalars(select(Campaign.correction)).one()
    html = follow_ups.with_correction('<html><BODY style="a"><p>It is 8 May.</p></body></html>', text)
    assert html.index("<BODY") < html.index("It is &lt;9&gt; May.") < html.index("It is 8 May.")
    assert follow_ups.with_correction("<body>", "") == "<body>"
    page = public_app(database).test_client().get(f"/v/{earlier.view()}").text
    assert page.index("Correction:") < page.index("Dear")


def test_plans_are_made_from_the_command_line(database: Database, daisychain: Daisychain) -> None:
    campaign_id = str(staged(database, 3))
    send = ("campaign", "send", campaign_id, "--yes", "--as-created", "--format", "json")
    assert "is past" in daisychain(*send, "--at", "2020-01-01 09:30", code=1).stderr
    told = daisychain.json(*send, "--at", "2099-12-01 09:30 Europe/London", "--canary", "2", "--per-minute", "600")
    assert told["state"] == "scheduled"
    assert told["plan"]["begins_at"] == "2099-12-01T09:30:00+00:00"
    assert (told["plan"]["canary"], told["plan"]["per_minute"], told["ledger"]["intended"]) == (2, 600, 0)
    assert "while it is a draft" in daisychain(*send, "--hold", "10m", code=1).stderr
    sent = daisychain.json(*send, "--now", "--detach")
    assert (sent["state"], sent["plan"]["held"]) == ("sending", 2)
    daisychain("campaign", "warm-up", "news.charity.org")
    assert [row["ceiling"] for row in daisychain.json("campaign", "warm-up", "--format", "json")] == [50]
