"""A request that was taken whole is recorded in one statement; it leaves what the careful way leaves, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from daisychain.database import Database
from sender.campaigns.resolve import resolve
from sender.campaigns.steering import cancel
from sender.delivery import attempts, claims
from sender.delivery.all_taken import record_all_taken
from sender.delivery.ledger import Span, move, read_ledger
from sender.events.sum_check import check_ledger
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Campaign, Delivery
from tests.sender.delivery.test_ledger import batches, claimed, frozen

TAKEN = Outcome(Verdict.ACCEPTED, status=202, message_id="from the provider", detail="ok")


def lost(connection: Connection, claim: claims.Claim) -> None:
    attempts.record(connection, claim.attempt_id, Outcome(Verdict.UNCERTAIN, detail="swept"))


def sent_again(connection: Connection, claim: claims.Claim) -> None:
    lost(connection, claim)
    resolve(connection, claim.campaign_id, "send-again", who="Ann", because="it never came")


def proved(connection: Connection, claim: claims.Claim) -> None:
    lost(connection, claim)
    attempts.settle_by_event(connection, [claim.attempt_id])


def one_moved(connection: Connection, claim: claims.Claim) -> None:
    first = claim.people[0].id
    move(connection, Span(claim.campaign_id, first, first), "waiting", "excluded", reason="restricted")


# What happens while a request is under way, and whether its outcome is plain then.
MEANWHILE: dict[str, tuple[Callable[[Connection, claims.Claim], Any], bool]] = {
    "nothing": (lambda connection, claim: None, True),
    "one person is excluded": (one_moved, True),
    "the campaign is cancelled": (lambda connection, claim: cancel(connection, claim.campaign_id, who="Ann"), True),
    "its sender seems dead": (lost, False),
    "and a person sends again": (sent_again, False),
    "and an event proves it": (proved, False),
    "another attempt has the batch": (
        lambda connection, claim: connection.execute(update(Batch).values(attempt_id=claim.attempt_id + 1)), False,
    ),
}  # fmt: skip


def everything(connection: Connection, claim: claims.Claim) -> list[Any]:
    assert check_ledger(connection, claim.campaign_id)
    attempt = select(
        Attempt.outcome, Attempt.status, Attempt.detail, Attempt.message_id, Attempt.accepted, Attempt.refused,
        Attempt.settled_by, Attempt.ended_at.is_not(None),
    )  # fmt: skip
    return [
        connection.execute(attempt).all(),
        connection.execute(select(Batch.state, Batch.tries).order_by(Batch.first_id)).all(),
        connection.execute(select(Delivery.state, Delivery.reason, Delivery.attempt_id).order_by(Delivery.id)).all(),
        connection.scalar(select(Campaign.state)),
        read_ledger(connection, claim.campaign_id),
    ]


@pytest.mark.parametrize("several", [True, False], ids=["one of several batches", "the last batch"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_recorded_in_one_statement_it_is_as_recorded_carefully(
    database: Database, meanwhile: str, several: bool
) -> None:
    happens, plain = MEANWHILE[meanwhile]
    campaign_id = frozen(database, 6, batch_size=3 if several else 6)
    claim = claimed(database, batches(database, campaign_id)[0])
    found = []
    for quickly in (True, False):
        with database.engine.connect() as connection, connection.begin() as whole:
            happens(connection, claim)
            if quickly:
                assert record_all_taken(connection, claim, TAKEN) is plain
            if not (quickly and plain):
                attempts.record(connection, claim.attempt_id, TAKEN)
            found.append(everything(connection, claim))
            whole.rollback()
    assert found[0] == found[1]
