"""Everything that can go wrong with an attempt: what each thing seen means, and what the ledger does about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from daisychain.database import Database
from sender.delivery.ledger import read_ledger
from sender.providers.failures import CONSEQUENCES, FAILURES, Rule, Stage, Transport, verdict_of
from sender.providers.provider import Outcome, Verdict
from sender.tables import Batch
from tests.sender.delivery.test_ledger import batches, claimed, frozen, recorded, state_of

# What is seen → what it means. Written out by hand, so that the table can't agree with itself alone.
SEEN: list[tuple[Transport, Stage, int, Verdict]] = [
    ("sendgrid", "settings", 0, Verdict.REFUSED_ACCOUNT),
    ("smtp", "preparing", 0, Verdict.REFUSED_ACCOUNT),
    ("sendgrid", "bug", 0, Verdict.UNCERTAIN),
    ("sendgrid", "sender died", 0, Verdict.UNCERTAIN),
    ("outbox", "sender died, repeatable", 0, Verdict.RETRY),
    ("sendgrid", "merge values", 0, Verdict.OVER_LIMITS),
    ("sendgrid", "building", 0, Verdict.REFUSED_REQUEST),
    ("sendgrid", "connecting", 0, Verdict.RETRY),
    ("sendgrid", "kept connection", 0, Verdict.RETRY),
    ("sendgrid", "no answer", 0, Verdict.UNCERTAIN),
    ("sendgrid", "answer that names people", 400, Verdict.REFUSED_PERSON),
    ("sendgrid", "answer", 202, Verdict.ACCEPTED),
    *[("sendgrid", "answer", status, Verdict.REFUSED_REQUEST) for status in (400, 413)],
    *[("sendgrid", "answer", status, Verdict.REFUSED_ACCOUNT) for status in (401, 403, 404, 405, 415)],
    ("sendgrid", "answer", 429, Verdict.RETRY),
    *[("sendgrid", "answer", status, Verdict.UNCERTAIN) for status in (200, 204, 301, 302, 408, 418, 500, 502, 503)],
    ("smtp", "building", 0, Verdict.REFUSED_PERSON),
    *[("smtp", "connecting", code, Verdict.RETRY) for code in (0, 421, 554)],
    ("smtp", "TLS", 0, Verdict.REFUSED_ACCOUNT),
    ("smtp", "sign-in", 454, Verdict.RETRY),
    *[("smtp", "sign-in", code, Verdict.REFUSED_ACCOUNT) for code in (0, 534, 535)],
    *[("smtp", moment, 421, Verdict.RETRY) for moment in ("MAIL", "RCPT", "DATA", "end")],
    *[("smtp", moment, 530, Verdict.REFUSED_ACCOUNT) for moment in ("MAIL", "RCPT", "DATA", "end")],
    *[("smtp", moment, 451, Verdict.DEFERRED) for moment in ("MAIL", "RCPT", "DATA", "end")],
    ("smtp", "size", 0, Verdict.REFUSED_PERSON),
    ("smtp", "MAIL", 552, Verdict.REFUSED_PERSON),
    ("smtp", "MAIL", 550, Verdict.REFUSED_ACCOUNT),
    *[("smtp", moment, 554, Verdict.REFUSED_PERSON) for moment in ("RCPT", "DATA", "end")],
    *[("smtp", moment, code, Verdict.RETRY) for moment in ("MAIL", "RCPT", "DATA", "content") for code in (-1, 0, 199)],
    *[("smtp", "end", code, Verdict.UNCERTAIN) for code in (-1, 0, 199, 354)],
    ("outbox", "building", 0, Verdict.REFUSED_PERSON),
    ("outbox", "writing", 0, Verdict.RETRY),
]


@pytest.mark.parametrize(("transport", "stage", "code", "verdict"), SEEN)
def test_each_failure_has_one_meaning(transport: Transport, stage: Stage, code: int, verdict: Verdict) -> None:
    assert verdict_of(transport, stage, code) is verdict


@pytest.mark.parametrize("rule", FAILURES, ids=lambda rule: f"{rule.transport} {rule.stages[0]} {rule.verdict.value}")
def test_every_rule_is_used_and_has_a_reason(rule: Rule) -> None:
    def fits(other: Rule, transport: Transport, stage: Stage, code: int) -> bool:
        known = other.transport in (transport, "any") and stage in other.stages
        return known and (other.codes is None or code in other.codes)

    decided = [next(other for other in FAILURES if fits(other, *seen)) for *seen, _ in SEEN]
    assert rule in decided
    assert rule.because


def test_a_failure_without_a_rule_is_a_bug_and_never_counts_as_accepted() -> None:
    with pytest.raises(LookupError):
        verdict_of("outbox", "RCPT", 250)


SOON, LATER = timedelta(seconds=0), timedelta(seconds=30)
NAMED = datetime(2030, 1, 1, tzinfo=UTC)
# Four people in one batch, and what becomes of them: the sums, the batches, the campaign, and when it is tried again.
ALL_NAMED = Outcome(Verdict.REFUSED_PERSON, refused=dict.fromkeys(range(1, 5), "no"))
EFFECTS: list[tuple[Outcome, dict[str, int], list[str], str, timedelta | datetime | None]] = [
    (Outcome(Verdict.ACCEPTED), {"accepted": 4}, ["done"], "finished", None),
    (Outcome(Verdict.REFUSED_PERSON, refused={2: "no"}), {"failed": 1, "waiting": 3}, ["waiting"], "sending", SOON),
    (ALL_NAMED, {"failed": 4}, ["done"], "finished", None),
    (Outcome(Verdict.REFUSED_REQUEST), {"waiting": 4}, ["split", "waiting", "waiting"], "sending", SOON),
    (Outcome(Verdict.REFUSED_ACCOUNT), {"waiting": 4}, ["waiting"], "paused", None),
    (
        Outcome(Verdict.OVER_LIMITS, over_limits=frozenset({2, 4})),
        {"waiting": 4}, ["split", *["waiting"] * 4], "sending", SOON,
    ),
    (Outcome(Verdict.RETRY), {"waiting": 4}, ["waiting"], "sending", LATER),
    (Outcome(Verdict.RETRY, retry_at=NAMED), {"waiting": 4}, ["waiting"], "sending", NAMED),
    (Outcome(Verdict.UNCERTAIN), {"uncertain": 4}, ["uncertain"], "finished", None),
]  # fmt: skip


@pytest.mark.parametrize(("outcome", "sums", "states", "campaign", "again"), EFFECTS)
@pytest.mark.parametrize("late", [False, True], ids=["in time", "after the sweep"])
def test_the_ledger_does_what_the_table_says(
    database: Database, outcome: Outcome, sums: dict[str, int], states: list[str], campaign: str,
    again: timedelta | datetime | None, late: bool,
) -> None:  # fmt: skip
    campaign_id = frozen(database, 4)
    claim = claimed(database, batches(database, campaign_id)[0])
    if late:
        recorded(database, claim, Outcome(Verdict.UNCERTAIN, detail="swept"))
    when = recorded(database, claim, outcome)
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
        found = list(connection.scalars(select(Batch.state).order_by(Batch.id)))
    assert ledger.balances
    assert {name: people for name, people in ledger.sums().items() if people and name != "intended"} == sums
    # One that was finished meanwhile goes on, and is paused when the same is said again.
    expected = "sending" if late and campaign == "paused" else campaign
    assert (sorted(found), state_of(database, campaign_id)) == (sorted(states), expected)
    if again is None:
        assert when is None
    else:
        assert when is not None
        due = again if isinstance(again, datetime) else datetime.now(UTC) + again
        assert abs(when - due) < timedelta(seconds=10)


def test_every_verdict_of_a_request_has_its_consequence() -> None:
    assert set(CONSEQUENCES) == set(Verdict) - {Verdict.DEFERRED}
    assert {outcome.verdict for outcome, *_ in EFFECTS} == set(CONSEQUENCES)


def test_who_is_set_apart_has_a_batch_alone_and_the_others_stay_together(database: Database) -> None:
    campaign_id = frozen(database, 6)
    recorded(
        database,
        claimed(database, batches(database, campaign_id)[0]),
        Outcome(Verdict.OVER_LIMITS, over_limits=frozenset({3})),
    )
    with database.engine.connect() as connection:
        spans = select(Batch.first_id, Batch.last_id).where(Batch.state == "waiting").order_by(Batch.first_id)
        assert list(connection.execute(spans)) == [(1, 2), (3, 3), (4, 6)]
