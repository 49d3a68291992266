"""What a person may do with a campaign under way, and what is told of it afterwards."""

from __future__ import annotations

import csv
import io
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any, get_args

import pytest
from sqlalchemy import func, select, text, update

from commands.campaigns.send import UNFINISHED_BUSINESS, exit_code
from daisychain.database import Database
from daisychain.errors import InputError, StateError
from lists.members import unsubscribe
from sender.campaigns import people_by_state, status, steering
from sender.campaigns.resolve import resolve
from sender.campaigns.timeline import read_timeline
from sender.delivery import attempts, campaign_states
from sender.delivery.campaign_states import TRANSITIONS, CampaignState
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Campaign, Decision
from sender.upkeep import foreground
from sender.upkeep.sweep import sweep
from tests.command import Daisychain
from tests.sender.delivery.test_ledger import batches, claimed, frozen, ledger, recorded, state_of
from tests.sender.staging import claim_batch, staged
from tests.waiting import until

ALL_TURNS = list(permutations(get_args(CampaignState), 2))


@pytest.mark.parametrize(("before", "after"), [pair for pair in ALL_TURNS if pair not in TRANSITIONS])
def test_a_turn_that_is_not_in_the_table_is_refused(
    database: Database, before: CampaignState, after: CampaignState
) -> None:
    with database.engine.begin() as connection, pytest.raises(ValueError, match="no campaign may go"):
        campaign_states.turn(connection, 1, after, from_states=[before])


@pytest.mark.parametrize(
    ("state", "fits"),
    [
        ("draft", {"cancel"}),
        ("scheduled", {"pause", "cancel"}),
        ("sending", {"pause", "cancel"}),
        ("paused", {"resume", "cancel"}),
        ("finished", set()),
        ("cancelled", set()),
    ],
)
def test_what_may_be_done_depends_on_the_state(database: Database, state: str, fits: set[str]) -> None:
    campaign_id = frozen(database, 2)
    steps: dict[str, Callable[[Any], object]] = {
        "pause": lambda connection: steering.pause(connection, campaign_id, who="ann"),
        "resume": lambda connection: steering.resume(connection, database.settings, campaign_id, who="ann"),
        "cancel": lambda connection: steering.cancel(connection, campaign_id, who="ann"),
    }
    for name, step in steps.items():
        with database.engine.begin() as connection:
            connection.execute(update(Campaign).values(state=state))
        with database.engine.connect() as connection:
            if name in fits:
                step(connection)
            else:
                with pytest.raises(StateError, match=f"is {state}"):
                    step(connection)


def test_a_pause_stops_the_next_claim_and_lets_what_is_in_flight_end(database: Database) -> None:
    campaign_id = frozen(database, 4, batch_size=2)
    first, second = batches(database, campaign_id)
    claim = claimed(database, first)
    with database.engine.begin() as connection:
        steering.pause(connection, campaign_id, who="ann", because="a wrong date")
        assert claim_batch(connection, second, 1) is None
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    assert (ledger(database, campaign_id).accepted, ledger(database, campaign_id).waiting) == (2, 2)
    with database.engine.connect() as connection:
        assert connection.scalars(select(Campaign.pause_reason)).one() == "paused by ann: a wrong date"


def test_a_resumed_campaign_goes_on_where_it_was(database: Database) -> None:
    campaign_id = frozen(database, 4, batch_size=2)
    with database.engine.begin() as connection:
        steering.pause(connection, campaign_id, who="ann")
    with database.engine.begin() as connection:
        steering.resume(connection, database.settings, campaign_id, who="bob")
        assert connection.scalars(select(Campaign.pause_reason)).one() == ""
    assert foreground.work_until_over(database, campaign_id) == "finished"
    assert ledger(database, campaign_id).accepted == 4


def test_cancelling_excludes_who_waits_and_lets_what_is_in_flight_end(database: Database) -> None:
    campaign_id = frozen(database, 6, batch_size=2)
    claim = claimed(database, batches(database, campaign_id)[0])
    with database.engine.begin() as connection:
        assert steering.cancel(connection, campaign_id, who="ann", because="wrong list") == 4
    assert ledger(database, campaign_id).in_flight == 2
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    found = ledger(database, campaign_id)
    assert (found.accepted, found.excluded_by) == (2, {"cancelled": 4})
    assert state_of(database, campaign_id) == "cancelled"


@pytest.mark.parametrize("verdict", [Verdict.RETRY, Verdict.REFUSED_REQUEST, Verdict.REFUSED_ACCOUNT])
def test_who_is_put_back_in_a_cancelled_campaign_is_excluded_too(database: Database, verdict: Verdict) -> None:
    campaign_id = frozen(database, 2)
    claim = claimed(database, batches(database, campaign_id)[0])
    with database.engine.begin() as connection:
        steering.cancel(connection, campaign_id, who="ann")
    recorded(database, claim, Outcome(verdict))
    assert ledger(database, campaign_id).excluded_by == {"cancelled": 2}
    assert batches(database, campaign_id) == []


def test_a_batch_that_was_left_waiting_in_a_cancelled_campaign_is_closed_by_the_sweep(database: Database) -> None:
    campaign_id = frozen(database, 2)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="cancelled"))
        sweep(connection, database.settings)
    assert ledger(database, campaign_id).excluded_by == {"cancelled": 2}


def test_cancelling_undoes_a_decision_to_send_again_that_has_not_happened_yet(database: Database) -> None:
    campaign_id = frozen(database, 2)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.UNCERTAIN))
    with database.engine.begin() as connection:
        resolve(connection, campaign_id, "send-again", who="ann", because="an outage")
        steering.cancel(connection, campaign_id, who="ann")
        assert ledger(database, campaign_id).balances
    assert ledger(database, campaign_id).uncertain == 2
    with database.engine.begin() as connection, pytest.raises(StateError, match="mails nobody again"):
        resolve(connection, campaign_id, "send-again", who="ann", because="an outage")


def test_a_retry_takes_failed_people_and_nobody_else(database: Database) -> None:
    campaign_id = frozen(database, 4)
    refused = {2: "mailbox full", 3: "no such person"}
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.ACCEPTED, refused=refused))
    assert state_of(database, campaign_id) == "finished"
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 3, "asked")
        assert steering.retry(connection, campaign_id, who="ann", because="their server is back") == 2
    assert state_of(database, campaign_id) == "sending"
    claim = claimed(database, batches(database, campaign_id)[0])
    assert [row.id for row in claim.people] == [2]
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    found = ledger(database, campaign_id)
    assert (found.accepted, found.excluded_by, found.failed) == (3, {"suppressed_late": 1}, 0)


def test_a_retry_needs_a_reason_and_somebody_who_failed(database: Database) -> None:
    campaign_id = frozen(database, 2)
    with database.engine.connect() as connection:
        with pytest.raises(InputError, match="reason"):
            steering.retry(connection, campaign_id, who="ann", because=" ")
        with pytest.raises(StateError, match="can be retried"):
            steering.retry(connection, campaign_id, who="ann", because="why not")


def test_failed_people_of_a_batch_in_doubt_stay_failed(database: Database) -> None:
    """An answer that comes after all is about those who were in the request, and must not count for them."""
    campaign_id = frozen(database, 2)
    refused = Outcome(Verdict.REFUSED_PERSON, refused={1: "bad address"})
    recorded(database, claimed(database, batches(database, campaign_id)[0]), refused)
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.UNCERTAIN))
    with database.engine.connect() as connection, pytest.raises(StateError, match="can be retried"):
        steering.retry(connection, campaign_id, who="ann", because="why not")


def test_evidence_about_an_earlier_attempt_does_not_count_for_people_who_are_tried_again(database: Database) -> None:
    campaign_id = frozen(database, 2)
    refused = Outcome(Verdict.REFUSED_PERSON, refused={1: "bad address"})
    recorded(database, claimed(database, batches(database, campaign_id)[0]), refused)
    lost = claimed(database, batches(database, campaign_id)[0])
    recorded(database, lost, Outcome(Verdict.UNCERTAIN))
    with database.engine.begin() as connection:
        resolve(connection, campaign_id, "count-as-accepted", who="ann", because="I asked")
        steering.retry(connection, campaign_id, who="ann", because="a typing error, mended")
        attempts.settle_by_event(connection, [lost.attempt_id])
    recorded(database, lost, Outcome(Verdict.ACCEPTED))
    assert [row.id for row in claimed(database, batches(database, campaign_id)[0]).people] == [1]


def test_people_in_doubt_are_set_apart_from_those_who_wait(database: Database) -> None:
    """What becomes of the next try must not count for people who are not in it."""
    campaign_id = frozen(database, 5)
    outcome = Outcome(Verdict.ACCEPTED, waiting=frozenset({2, 4}), uncertain=frozenset({3}))
    recorded(database, claimed(database, batches(database, campaign_id)[0]), outcome)
    with database.engine.begin() as connection:
        connection.execute(update(Batch).values(not_before=select(Campaign.created_at).scalar_subquery()))
    for batch in batches(database, campaign_id):
        recorded(database, claimed(database, batch), Outcome(Verdict.ACCEPTED))
    found = ledger(database, campaign_id)
    assert (found.accepted, found.uncertain) == (4, 1)
    with database.engine.begin() as connection:
        assert resolve(connection, campaign_id, "count-as-accepted", who="ann", because="I asked") == 1


def test_a_late_answer_comes_before_a_second_try_that_a_person_decided_on(database: Database) -> None:
    campaign_id = frozen(database, 2)
    claim = claimed(database, batches(database, campaign_id)[0])
    recorded(database, claim, Outcome(Verdict.UNCERTAIN))
    with database.engine.begin() as connection:
        resolve(connection, campaign_id, "send-again", who="ann", because="an outage")
    recorded(database, claim, Outcome(Verdict.ACCEPTED))
    assert ledger(database, campaign_id).accepted == 2
    assert batches(database, campaign_id) == []


def test_who_was_to_be_sent_to_again_and_was_surely_not_mailed_is_excluded_by_a_cancelling(database: Database) -> None:
    campaign_id = frozen(database, 2)
    claim = claimed(database, batches(database, campaign_id)[0])
    recorded(database, claim, Outcome(Verdict.UNCERTAIN))
    with database.engine.begin() as connection:
        resolve(connection, campaign_id, "send-again", who="ann", because="an outage")
    recorded(database, claim, Outcome(Verdict.RETRY))  # the sender was not dead, and the provider took nothing
    with database.engine.begin() as connection:
        assert steering.cancel(connection, campaign_id, who="ann") == 2
    assert ledger(database, campaign_id).excluded_by == {"cancelled": 2}


@pytest.mark.parametrize("step", ["retry", "resolve"])
def test_a_campaign_does_not_finish_past_a_person_who_makes_people_wait_again(database: Database, step: str) -> None:
    """The last answer is recorded while the person's transaction is open, which it can't see into."""
    campaign_id = frozen(database, 4, batch_size=2)
    first, second = batches(database, campaign_id)
    unhappy = Outcome(Verdict.ACCEPTED, refused={1: "mailbox full"}) if step == "retry" else Outcome(Verdict.UNCERTAIN)
    recorded(database, claimed(database, first), unhappy)
    last = claimed(database, second)
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            if step == "retry":
                steering.retry(connection, campaign_id, who="ann", because="mended")
            else:
                resolve(connection, campaign_id, "send-again", who="ann", because="an outage")
            answer = pool.submit(recorded, database, last, Outcome(Verdict.ACCEPTED))
            until(lambda: answer.done() or waits_for_a_lock(database))
        answer.result()
    assert state_of(database, campaign_id) == "sending"
    assert batches(database, campaign_id) == [first]


def test_a_person_who_sends_again_waits_for_a_campaign_that_is_just_finishing(database: Database) -> None:
    campaign_id = frozen(database, 4, batch_size=2)
    first, second = batches(database, campaign_id)
    recorded(database, claimed(database, first), Outcome(Verdict.UNCERTAIN))
    last = claimed(database, second)
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            attempts.record(connection, last.attempt_id, Outcome(Verdict.ACCEPTED))
            decision = pool.submit(sent_again, database, campaign_id)
            until(lambda: decision.done() or waits_for_a_lock(database))
        assert decision.result() == 2
    assert state_of(database, campaign_id) == "sending"


def test_a_decision_and_a_proof_about_the_same_request_do_not_lock_each_other_out(database: Database) -> None:
    """The proof comes first here: it has the attempt already, and still wants the batch."""
    campaign_id = frozen(database, 2)
    claim = claimed(database, batches(database, campaign_id)[0])
    recorded(database, claim, Outcome(Verdict.UNCERTAIN))
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            connection.execute(select(Attempt.id).where(Attempt.id == claim.attempt_id).with_for_update())
            decision = pool.submit(sent_again, database, campaign_id)
            until(lambda: waits_for_a_lock(database))
            assert attempts.settle_by_event(connection, [claim.attempt_id]) == 2
        with pytest.raises(StateError, match="Nobody is uncertain"):
            decision.result()
    assert ledger(database, campaign_id).accepted == 2
    assert state_of(database, campaign_id) == "finished"


def sent_again(database: Database, campaign_id: int) -> int:
    with database.engine.begin() as connection:
        return resolve(connection, campaign_id, "send-again", who="ann", because="an outage")


def waits_for_a_lock(database: Database) -> bool:
    """Whether a connection to this database waits for a row that another has locked."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with database.engine.connect() as connection:
        return bool(connection.scalar(text(waiting)))


def test_a_finished_campaign_in_which_people_wait_goes_on_with_the_sweep(database: Database) -> None:
    campaign_id = frozen(database, 2)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="finished", finished_at=func.now()))
        assert exit_code(status.campaign_status(connection, campaign_id)) == UNFINISHED_BUSINESS
        sweep(connection, database.settings)
    assert foreground.work_until_over(database, campaign_id, processes=1) == "finished"
    with database.engine.connect() as connection:
        assert exit_code(status.campaign_status(connection, campaign_id)) == 0
    assert ledger(database, campaign_id).accepted == 2


def test_who_decided_what_and_why_is_kept(database: Database) -> None:
    campaign_id = frozen(database, 2)
    with database.engine.begin() as connection:
        steering.pause(connection, campaign_id, who="ann", because="a doubt")
        steering.cancel(connection, campaign_id, who="bob", because="wrong list")
        rows = connection.execute(
            select(Decision.what, Decision.who, Decision.because, Decision.people).order_by(Decision.id)
        ).all()
    assert rows == [("pause", "ann", "a doubt", 0), ("cancel", "bob", "wrong list", 2)]


def test_the_ledger_lists_the_people_of_a_state_with_what_the_provider_said(database: Database) -> None:
    campaign_id = frozen(database, 4, batch_size=2)
    first, _ = batches(database, campaign_id)
    outcome = Outcome(Verdict.ACCEPTED, status=202, detail="fine", refused={2: "=HYPERLINK()"})
    recorded(database, claimed(database, first), outcome)
    with database.engine.connect() as connection:
        everybody = list(people_by_state.people(connection, campaign_id))
        text = io.StringIO()
        people_by_state.write_csv(people_by_state.people(connection, campaign_id, "failed"), text)
    assert [(row.address, row.state, row.status) for row in everybody] == [
        ("person0@people.example", "accepted", 202), ("person1@people.example", "failed", 202),
        ("person2@people.example", "waiting", None), ("person3@people.example", "waiting", None),
    ]  # fmt: skip
    header, failed = csv.reader(io.StringIO(text.getvalue()))
    assert header == list(people_by_state.PersonRow._fields)
    assert failed[:3] == ["person1@people.example", "failed", "'=HYPERLINK()"]


def test_one_persons_timeline_is_in_order(database: Database) -> None:
    campaign_id = frozen(database, 4)
    refused = Outcome(Verdict.ACCEPTED, status=202, detail="queued", refused={2: "mailbox full"})
    recorded(database, claimed(database, batches(database, campaign_id)[0]), refused)
    with database.engine.begin() as connection:
        steering.retry(connection, campaign_id, who="ann", because="their server is back")
    recorded(database, claimed(database, batches(database, campaign_id)[0]), Outcome(Verdict.UNCERTAIN, detail="lost"))
    with database.engine.begin() as connection:
        resolve(connection, campaign_id, "count-as-accepted", who="bob", because="she wrote back")
        unsubscribe(connection, 1, 2, "one-click")
    with database.engine.connect() as connection:
        timeline = read_timeline(connection, campaign_id, "PERSON1@people.example")
    assert timeline.state == "accepted"
    assert [entry.what for entry in timeline.entries] == [
        "frozen", "attempt", "answer", "retry", "attempt", "answer", "settled", "left the list",
    ]  # fmt: skip
    words = " | ".join(entry.words for entry in timeline.entries)
    for piece in (
        "refused_person (mailbox full)",
        "had failed: mailbox full",
        "by ann: their server is back",
        "lost",
        "she wrote back",
    ):
        assert piece in words


def test_a_timeline_of_somebody_else_is_refused(database: Database) -> None:
    campaign_id = frozen(database, 1)
    with database.engine.connect() as connection, pytest.raises(InputError, match="not in the audience"):
        read_timeline(connection, campaign_id, "nobody@people.example")


def test_a_campaign_is_steered_from_the_command_line(database: Database, daisychain: Daisychain) -> None:
    campaign_id = str(staged(database, 3))
    send = ("campaign", "send", campaign_id, "--yes", "--as-created")
    daisychain(*send, "--detach")
    assert (
        daisychain.json("campaign", "pause", campaign_id, "--because", "a doubt", "--format", "json")["state"]
        == "paused"
    )
    assert daisychain.json("campaign", "resume", campaign_id, "--format", "json")["state"] == "sending"
    assert "terminal" in daisychain("campaign", "cancel", campaign_id, code=1).stderr
    told = daisychain.json("campaign", "cancel", campaign_id, "--yes", "--format", "json")
    assert (told["state"], told["excluded"]) == ("cancelled", {"cancelled": 3})
    assert [each["what"] for each in told["decisions"]] == ["pause", "resume", "cancel"]
    assert "was cancelled" in daisychain(*send, code=1).stderr
    watched = daisychain.json("campaign", "status", campaign_id, "--watch", "--format", "json")
    assert watched["ledger"]["excluded"] == 3
    rows = daisychain.json("campaign", "ledger", campaign_id, "--state", "excluded", "--format", "json")
    assert [row["reason"] for row in rows] == ["cancelled"] * 3
    assert "person1@people.example,excluded" in daisychain("campaign", "ledger", campaign_id, "--format", "csv").stdout
    assert "excluded (cancelled)" in daisychain("campaign", "who", campaign_id, "person1@people.example").stdout


def test_cancelling_says_how_many_people_will_not_be_mailed(database: Database, daisychain: Daisychain) -> None:
    scheduled, running, finished = (str(staged(database, people, name=f"list-{people}")) for people in (3, 4, 5))
    daisychain("campaign", "send", scheduled, "--yes", "--as-created", "--at", "2099-12-01 09:30")
    said = daisychain("campaign", "cancel", scheduled, "--yes").stderr
    assert "Cancelled. 3 people on the list will not be mailed." in said
    daisychain("campaign", "send", running, "--yes", "--as-created", "--detach")
    said = daisychain("campaign", "cancel", running, "--yes").stderr
    assert "Cancelled. 4 people who are waiting will not be mailed." in said
    daisychain("campaign", "send", finished, "--yes", "--as-created")
    assert "can't be cancelled" in daisychain("campaign", "cancel", finished, "--yes", code=1).stderr


def test_a_follow_up_whose_earlier_campaign_is_gone_can_be_cancelled(database: Database) -> None:
    campaign_id = staged(database, 3)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(of_campaign_id=99, of_whom="accepted"))
        assert steering.cancel(connection, campaign_id, who="ann") == 0
    assert state_of(database, campaign_id) == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_send_that_is_stopped_ends_what_is_in_flight_and_says_how_to_go_on(
    number: signal.Signals, database: Database, daisychain: Daisychain
) -> None:
    campaign_id = staged(database, 3)
    daisychain("campaign", "send", str(campaign_id), "--yes", "--as-created", "--detach")
    with database.engine.begin() as connection:
        # A batch that waits for a canary's verdict keeps the command busy.
        connection.execute(update(Batch).values(held=True))
        connection.execute(update(Campaign).values(rest_from=1, canary=1, canary_wait=3600))
    process = daisychain.start("campaign", "send", str(campaign_id), "--yes")

    def at_work() -> bool:
        with database.engine.connect() as connection:
            return connection.scalar(select(Campaign.canary_until)) is not None

    until(at_work)
    process.send_signal(number)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 5, errors
    assert f"daisychain campaign send {campaign_id}" in errors
    found = ledger(database, campaign_id)
    assert (found.waiting, found.in_flight) == (3, 0)
