from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations
from typing import Any, get_args

import pytest
from sqlalchemy import insert, select, text

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from lists.members import unsubscribe
from lists.suppression import suppress
from lists.tables import Suppression
from sender.campaigns.freeze import freeze
from sender.campaigns.resolve import resolve
from sender.campaigns.steering import resume
from sender.campaigns.timeline import read_timeline
from sender.delivery import attempts, claims
from sender.delivery.ledger import TRANSITIONS, Ledger, Span, move, read_ledger
from sender.events.sum_check import check_sums
from sender.providers.failures import PEOPLE_REFUSED_IN_A_ROW, REFUSALS_IN_A_ROW
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Campaign, Delivery, Event, Flagged, State
from sender.upkeep import foreground
from tests.sender.staging import claim_batch, staged

SENDER = 1


def ledger(database: Database, campaign_id: int) -> Ledger:
    with database.engine.connect() as connection:
        found = read_ledger(connection, campaign_id)
    assert found.balances, found
    return found


def frozen(database: Database, people: int, *, batch_size: int = 1000) -> int:
    campaign_id = staged(database, people)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=batch_size)
    return campaign_id


def batches(database: Database, campaign_id: int, state: str = "waiting") -> list[int]:
    with database.engine.connect() as connection:
        return list(
            connection.scalars(
                select(Batch.id).where(Batch.campaign_id == campaign_id, Batch.state == state).order_by(Batch.id)
            )
        )


def claimed(database: Database, batch_id: int) -> claims.Claim:
    with database.engine.begin() as connection:
        claim = claim_batch(connection, batch_id, SENDER)
    assert claim is not None
    return claim


def recorded(database: Database, claim: claims.Claim, outcome: Outcome) -> object:
    with database.engine.begin() as connection:
        return attempts.record(connection, claim.attempt_id, outcome)


def state_of(database: Database, campaign_id: int) -> str:
    with database.engine.connect() as connection:
        return connection.scalars(select(Campaign.state).where(Campaign.id == campaign_id)).one()


ALL_MOVES = list(permutations(get_args(State), 2))


@pytest.mark.parametrize(("from_state", "to_state"), [pair for pair in ALL_MOVES if pair not in TRANSITIONS])
def test_a_move_that_is_not_in_the_table_is_refused(database: Database, from_state: State, to_state: State) -> None:
    with database.engine.begin() as connection, pytest.raises(ValueError, match="no delivery may go"):
        move(connection, Span(1, 1, 2), from_state, to_state)


def test_the_freeze_writes_everybody_down_with_the_reason_of_each_exclusion(database: Database) -> None:
    campaign_id = staged(database, 10)
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 3, "asked")
        suppress(connection, "PERSON4@people.example", "complaint")
        freeze(connection, campaign_id, batch_size=3)
    found = ledger(database, campaign_id)
    assert (found.intended, found.waiting, found.excluded) == (10, 8, 2)
    assert found.excluded_by == {"unsubscribed": 1, "suppressed": 1}
    assert len(batches(database, campaign_id)) == 3


def test_a_freeze_that_was_undone_before_leaves_no_batch_without_people(database: Database) -> None:
    campaign_id = staged(database, 5)
    with database.engine.connect() as connection:
        freeze(connection, campaign_id, batch_size=2)
        connection.rollback()  # its ids are used up all the same
        freeze(connection, campaign_id, batch_size=2)
        connection.commit()
        rows = connection.execute(select(Batch.first_id, Batch.last_id).order_by(Batch.id)).all()
        ids = connection.scalars(select(Delivery.id).order_by(Delivery.id)).all()
    assert ids[0] == 6
    assert [range(first, last + 1) for first, last in rows] == [range(6, 8), range(8, 10), range(10, 11)]


def test_an_address_that_the_relay_says_does_not_exist_is_suppressed_at_once(database: Database) -> None:
    campaign_id = frozen(database, 4)
    claim = claimed(database, batches(database, campaign_id)[0])
    first = claim.people[0][0]
    replies = [
        "550 5.1.1 <[address]>: User unknown",
        "550 5.7.1 Access denied",
        "550 5.1.1 Rejected by policy",
        "550 spam",
    ]
    recorded(database, claim, Outcome(Verdict.ACCEPTED, refused={first + n: reply for n, reply in enumerate(replies)}))
    assert ledger(database, campaign_id).failed == 4
    with database.engine.connect() as connection:
        suppressions = connection.execute(select(Suppression.address_key, Suppression.reason, Suppression.source)).all()
        [gone] = connection.scalars(select(Delivery.address).where(Delivery.id == first))
    assert suppressions == [(gone.lower(), "hard bounce", "smtp")]


def test_an_audience_is_frozen_once(database: Database) -> None:
    campaign_id = frozen(database, 3)
    with database.engine.begin() as connection, pytest.raises(StateError, match="not a draft"):
        freeze(connection, campaign_id, batch_size=1000)


def test_who_joins_or_changes_after_the_freeze_does_not_change_the_audience(database: Database) -> None:
    frozen(database, 3)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE members SET email = 'new@people.example', first_name = 'New' WHERE id = 1"))
        connection.execute(text("DELETE FROM memberships WHERE member_id = 2"))
    with database.engine.connect() as connection:
        rows = connection.execute(select(Delivery.address, Delivery.inputs).order_by(Delivery.id)).all()
    assert rows[0] == ("person0@people.example", {"first_name": "P0"})
    assert len(rows) == 3


def test_a_batch_is_claimed_once(database: Database) -> None:
    campaign_id = frozen(database, 3)
    (batch,) = batches(database, campaign_id)
    claimed(database, batch)
    with database.engine.begin() as connection:
        assert claim_batch(connection, batch, SENDER) is None
    found = ledger(database, campaign_id)
    assert (found.waiting, found.in_flight) == (3, 3)


@pytest.mark.parametrize("how", ["unsubscribe", "suppress"])
def test_who_leaves_after_the_freeze_is_spared_at_the_claim(database: Database, how: str) -> None:
    campaign_id = frozen(database, 3)
    with database.engine.begin() as connection:
        if how == "unsubscribe":
            unsubscribe(connection, 1, 2, "asked")
        else:
            suppress(connection, "person1@people.example", "complaint")
    claim = claimed(database, batches(database, campaign_id)[0])
    assert [row.address for row in claim.people] == ["person0@people.example", "person2@people.example"]
    assert ledger(database, campaign_id).excluded_by == {"suppressed_late": 1}


# Rows that an import or a restored part of a backup writes during a send, with times from before its freeze.
WRITTEN_LATE = {
    "left": "UPDATE memberships SET state = 'unsubscribed', left_at = now() - interval '30 days' WHERE member_id = 2",
    "suppressed": """
        INSERT INTO suppressions (address_key, reason, at)
        VALUES ('person1@people.example', 'complaint', now() - interval '30 days')""",
    "restricted": "UPDATE members SET restricted_at = now() - interval '30 days' WHERE id = 2",
    "paused": "UPDATE memberships SET paused_until = now() + interval '1 hour' WHERE member_id = 2",
    "erased": "WITH gone AS (DELETE FROM memberships WHERE member_id = 2) DELETE FROM members WHERE id = 2",
}


@pytest.mark.parametrize("what", WRITTEN_LATE)
def test_who_may_not_be_mailed_any_more_is_spared_also_if_the_row_that_says_so_has_an_earlier_time(
    database: Database, what: str
) -> None:
    campaign_id = frozen(database, 3, batch_size=1)
    first, second, third = batches(database, campaign_id)
    claimed(database, first)
    with database.engine.begin() as connection:
        connection.execute(text(WRITTEN_LATE[what]))
    with database.engine.begin() as connection:
        assert claim_batch(connection, second, SENDER) is None
    assert [row.address for row in claimed(database, third).people] == ["person2@people.example"]
    reason = what if what in ("restricted", "paused") else "suppressed_late"
    assert ledger(database, campaign_id).excluded_by == {reason: 1}


def test_who_is_spared_was_in_no_attempt_however_many_others_begin_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = frozen(database, 6, batch_size=3)
    first, second = batches(database, campaign_id)
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 2, "asked")
    exclude = claims.exclude

    def late(*given: Any, **named: Any) -> None:
        monkeypatch.setattr(claims, "exclude", exclude)
        claimed(database, second)
        exclude(*given, **named)

    monkeypatch.setattr(claims, "exclude", late)
    claim = claimed(database, first)
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    with database.engine.connect() as connection:
        spared = connection.scalars(select(Delivery.attempt_id).where(Delivery.state == "excluded")).one()
        entries = read_timeline(connection, campaign_id, "person1@people.example").entries
    assert spared < claim.attempt_id
    assert not any("goes out" in entry.words for entry in entries)


def test_a_batch_whose_people_have_all_left_is_done_without_an_attempt(database: Database) -> None:
    campaign_id = frozen(database, 1)
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 1, "asked")
    with database.engine.begin() as connection:
        assert claim_batch(connection, batches(database, campaign_id)[0], SENDER) is None
    assert state_of(database, campaign_id) == "finished"


@pytest.mark.parametrize(
    ("outcome", "state", "sums"),
    [
        (Outcome(Verdict.ACCEPTED), "finished", {"accepted": 4}),
        (Outcome(Verdict.UNCERTAIN), "finished", {"uncertain": 4}),
        (Outcome(Verdict.RETRY), "sending", {"waiting": 4}),
        (Outcome(Verdict.REFUSED_ACCOUNT, detail="401"), "paused", {"waiting": 4}),
        (Outcome(Verdict.ACCEPTED, refused={2: "no such person"}), "finished", {"accepted": 3, "failed": 1}),
        (Outcome(Verdict.ACCEPTED, waiting=frozenset({2, 3})), "sending", {"accepted": 2, "waiting": 2}),
        (Outcome(Verdict.ACCEPTED, uncertain=frozenset({2})), "finished", {"accepted": 3, "uncertain": 1}),
        (Outcome(Verdict.REFUSED_PERSON, refused={2: "bad address"}), "sending", {"failed": 1, "waiting": 3}),
    ],
)  # fmt: skip
def test_an_outcome_moves_the_people_it_speaks_of(
    database: Database, outcome: Outcome, state: str, sums: dict[str, int]
) -> None:
    campaign_id = frozen(database, 4)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), outcome)
    found = ledger(database, campaign_id).sums()
    assert {name: found[name] for name in sums} == sums
    assert sum(sums.values()) == 4
    assert state_of(database, campaign_id) == state


def test_one_refused_person_is_found_by_halves_and_the_rest_is_sent(database: Database) -> None:
    campaign_id = frozen(database, 100)
    bad = 42
    for _ in range(50):
        waiting = batches(database, campaign_id)
        if not waiting:
            break
        claim = claimed(database, waiting[0])
        refused = any(row.address == f"person{bad}@people.example" for row in claim.people)
        verdict = Verdict.REFUSED_REQUEST if refused else Verdict.ACCEPTED
        recorded(database, claim, Outcome(verdict, detail="invalid"))
    found = ledger(database, campaign_id)
    assert (found.accepted, found.failed, found.failed_by) == (99, 1, {"invalid": 1})
    assert state_of(database, campaign_id) == "finished"


def test_a_provider_that_refuses_every_request_pauses_the_campaign_until_a_person_says_go_on(
    database: Database,
) -> None:
    campaign_id = frozen(database, 1000)

    def refuse() -> None:
        claim = claimed(database, batches(database, campaign_id)[0])
        recorded(database, claim, Outcome(Verdict.REFUSED_REQUEST, detail="bad subject"))

    while state_of(database, campaign_id) == "sending":
        refuse()
    assert state_of(database, campaign_id) == "paused"
    found = ledger(database, campaign_id)
    assert (found.waiting, found.failed) == (1000, 0)
    with database.engine.begin() as connection:
        resume(connection, database.settings, campaign_id, who="ann")
    refuse()
    assert state_of(database, campaign_id) == "sending"


def test_many_batches_with_one_bad_person_each_pause_nothing(database: Database) -> None:
    campaign_id = frozen(database, 40 * 4, batch_size=4)
    while waiting := batches(database, campaign_id):  # as a queue without any order of its own: halves come last
        claim = claimed(database, waiting[0])
        bad = any(person.id % 4 == 2 for person in claim.people)
        recorded(database, claim, Outcome(Verdict.REFUSED_REQUEST if bad else Verdict.ACCEPTED, detail="bad"))
        assert state_of(database, campaign_id) in ("sending", "finished")
    found = ledger(database, campaign_id)
    assert (found.accepted, found.failed) == (120, 40)


@pytest.mark.parametrize("size", [4, 1000])
def test_a_provider_that_refuses_every_request_is_left_alone_after_a_bounded_number(
    database: Database, size: int
) -> None:
    campaign_id = frozen(database, 100 if size == 4 else 3000, batch_size=size)
    tries = 0
    while state_of(database, campaign_id) == "sending":
        with database.engine.begin() as connection:
            batch = claims.take_next(connection, campaign_id, SENDER)
            claim, tries = batch and claims.claim(connection, batch), tries + 1
        assert claim is not None
        with database.engine.begin() as connection:
            attempts.record(connection, claim.attempt_id, Outcome(Verdict.REFUSED_REQUEST, detail="bad subject"))
    assert state_of(database, campaign_id) == "paused"
    # A batch too small to be halved so often has its people refused one by one, each after a request for their half.
    assert tries <= (REFUSALS_IN_A_ROW + 1 if size == 1000 else 2 * PEOPLE_REFUSED_IN_A_ROW)
    assert ledger(database, campaign_id).failed <= PEOPLE_REFUSED_IN_A_ROW


def test_people_whom_the_provider_names_one_by_one_pause_nothing(database: Database) -> None:
    campaign_id = frozen(database, 40)
    for _ in range(2 * REFUSALS_IN_A_ROW):
        claim = claimed(database, batches(database, campaign_id)[0])
        recorded(database, claim, Outcome(Verdict.REFUSED_PERSON, detail="bad", refused={claim.people[0].id: "bad"}))
    assert state_of(database, campaign_id) == "sending"
    assert ledger(database, campaign_id).failed == 2 * REFUSALS_IN_A_ROW


def test_a_late_answer_settles_what_was_swept_as_uncertain(database: Database) -> None:
    campaign_id = frozen(database, 4)
    claim = claimed(database, batches(database, campaign_id)[0])
    recorded(database, claim, Outcome(Verdict.UNCERTAIN, detail="swept"))
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    assert ledger(database, campaign_id).accepted == 4
    with database.engine.connect() as connection:
        assert connection.scalars(select(Attempt.settled_by)).one() == "late answer"


def test_an_event_that_came_before_the_answer_was_lost_settles_the_attempt(database: Database) -> None:
    campaign_id = frozen(database, 4)
    claim = claimed(database, batches(database, campaign_id)[0])
    with database.engine.begin() as connection:
        connection.execute(
            insert(Event).values(
                natural_key=b"any", source="sendgrid", kind="delivered", at=datetime.now(UTC),
                delivery_id=claim.people[0].id, campaign_id=campaign_id, attempt_id=claim.attempt_id,
            )
        )  # fmt: skip
    recorded(database, claim, Outcome(Verdict.UNCERTAIN, detail="timed out"))
    assert ledger(database, campaign_id).accepted == 4


def test_a_late_answer_after_a_person_sent_again_moves_nobody(database: Database) -> None:
    campaign_id = frozen(database, 4)
    claim = claimed(database, batches(database, campaign_id)[0])
    recorded(database, claim, Outcome(Verdict.UNCERTAIN))
    with database.engine.begin() as connection:
        resolve(connection, campaign_id, "send-again", who="ann", because="the provider lost it")
    second = claimed(database, batches(database, campaign_id)[0])
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    assert ledger(database, campaign_id).in_flight == 4
    recorded(database, second, Outcome(Verdict.ACCEPTED))
    assert ledger(database, campaign_id).accepted == 4


@pytest.mark.parametrize(
    ("decision", "sums", "state"),
    [("send-again", {"waiting": 4}, "sending"), ("count-as-accepted", {"accepted": 4}, "finished")],
)
def test_a_person_settles_the_uncertain_and_the_reason_is_kept(
    database: Database, decision: str, sums: dict[str, int], state: str
) -> None:
    campaign_id = frozen(database, 4)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.UNCERTAIN))
    with database.engine.begin() as connection:
        assert resolve(connection, campaign_id, decision, who="ann", because="I asked") == 4  # type: ignore[arg-type]
        row = connection.execute(select(Attempt.settled_by, Attempt.settled_because)).one()
    assert row == ("ann", f"{decision}: I asked")
    found = ledger(database, campaign_id).sums()
    assert {name: found[name] for name in sums} == sums
    assert state_of(database, campaign_id) == state


def test_settling_needs_a_reason_and_somebody_to_settle(database: Database) -> None:
    campaign_id = frozen(database, 4)
    with database.engine.begin() as connection:
        with pytest.raises(InputError, match="reason"):
            resolve(connection, campaign_id, "send-again", who="ann", because=" ")
        with pytest.raises(StateError, match="Nobody is uncertain"):
            resolve(connection, campaign_id, "send-again", who="ann", because="why not")


@pytest.mark.parametrize(
    ("changed", "moves", "done"),
    [
        ("DELETE FROM deliveries WHERE id = 2", 4, "missing"),
        ("UPDATE deliveries SET state = 'failed' WHERE id = 2", 3, "corrected"),
        ("UPDATE ledger_moves SET people = 9", 4, "corrected"),
        ("DELETE FROM ledger_moves", 4, "corrected"),
    ],
)
def test_sums_that_differ_from_their_rows_are_flagged_and_corrected_unless_rows_are_lost(
    database: Database, changed: str, moves: int, done: str
) -> None:
    campaign_id = frozen(database, 4)
    assert check_sums(database) == ""
    with database.engine.begin() as connection:
        connection.execute(text(changed))
    assert str(campaign_id) in check_sums(database)
    with database.engine.connect() as connection:
        reason = connection.scalars(select(Flagged.reason)).one()
    assert done in reason
    assert ledger(database, campaign_id).waiting == moves
    assert (check_sums(database) == "") is (done == "corrected")


def test_the_moves_of_a_ledger_are_added_up_and_its_sums_stay(database: Database) -> None:
    campaign_id = frozen(database, 6, batch_size=1)
    for batch_id in batches(database, campaign_id):
        recorded(database, claimed(database, batch_id), Outcome(Verdict.ACCEPTED))
    before = ledger(database, campaign_id)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ledger_moves")) == 13
    assert check_sums(database) == ""
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ledger_moves")) == 1
    assert ledger(database, campaign_id) == before


def test_a_draft_has_an_empty_ledger_that_balances(database: Database) -> None:
    assert ledger(database, staged(database, 4)).intended == 0


def test_a_campaign_of_one_batch_size_more_than_it_holds_gets_two(database: Database) -> None:
    assert len(batches(database, frozen(database, 7, batch_size=6))) == 2


def test_two_campaigns_keep_their_ledgers_apart(database: Database) -> None:
    first = frozen(database, 5)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE lists SET name = 'old' WHERE id = 1"))
        connection.execute(text("UPDATE members SET address_key = 'old' || address_key"))
        connection.execute(text("UPDATE compiled_emails SET hash = 'old'"))
    second = frozen(database, 3)
    recorded(database, claimed(database, batches(database, second)[0]), Outcome(Verdict.ACCEPTED))
    assert ledger(database, first).sums()["waiting"] == 5
    assert ledger(database, second).sums()["accepted"] == 3


def test_sending_in_the_foreground_ends_with_everybody_accepted(database: Database) -> None:
    campaign_id = staged(database, 2500)
    foreground.start(database, campaign_id)
    seen: list[Ledger] = []
    assert foreground.work_until_over(database, campaign_id, watch=lambda found, wait: seen.append(found)) == "finished"
    assert ledger(database, campaign_id).accepted == 2500
    assert all(found.balances for found in seen)
    mails = list((database.settings.home / "outbox" / str(campaign_id)).glob("*.eml"))
    assert len(mails) == 2500
