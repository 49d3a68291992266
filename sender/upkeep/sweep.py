"""The sweep: what the dead left behind becomes uncertain; what waits, webhook bodies too, gets a job again.

Procrastinate never runs a dead worker's job again, which is what we want: only the tables say what is to be done.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from daisychain.settings import Settings
from sender.delivery import attempts, batch_jobs, confirmed_places
from sender.delivery.campaign_states import by_itself, finish_if_done, people_wait_again
from sender.delivery.senders import dead_senders
from sender.events import intake
from sender.providers.failures import verdict_of
from sender.providers.provider import Outcome
from sender.providers.registry import open_provider
from sender.tables import Batch, Campaign
from sender.upkeep import chores, pace


def sweep(connection: Connection, settings: Settings) -> int:
    """Settle the batches of dead senders and give each waiting batch a job; returns how many batches were dead.

    Where doing it twice does no harm (the outbox: a file that exists is the mail) the batch simply waits again.
    """
    dead = connection.execute(
        select(Batch.attempt_id, Batch.campaign_id, Campaign.provider)
        .join(Campaign, Campaign.id == Batch.campaign_id)
        .where(Batch.state == "sending", Batch.sender_id.in_(dead_senders(connection)))
        .order_by(Batch.id)
    ).all()
    for row in dead:
        with by_itself(connection, row.campaign_id, "its dead sender's batch can't be settled"):
            repeatable = open_provider(row.provider, settings).repeatable
            verdict = verdict_of("any", "sender died, repeatable" if repeatable else "sender died")
            words = "the sender died before an answer came"
            attempts.record(connection, row.attempt_id, Outcome(verdict, detail=words, retry_at=datetime.now(UTC)))
    intake.defer_unprocessed(connection)
    chores.defer_due_chores(connection)
    if confirmed_places.is_confirmed(connection, settings):
        _go_on(connection, settings)
    return len(dead)


def _go_on(connection: Connection, settings: Settings) -> None:
    """What is due begins, what may go is let go, and whatever waits has a job; cancelled campaigns end.

    One campaign that is out of order stops no other. All are taken by their ids, so that two sweeps don't wait for
    each other.
    """
    pace.start_due_campaigns(connection, settings)
    over = select(Campaign.id).where(Campaign.state.in_(["finished", "cancelled"]), _somebody_waits())
    for campaign_id in connection.scalars(over.order_by(Campaign.id)).all():
        people_wait_again(connection, campaign_id)
    under_way = select(Campaign.id).where(Campaign.state == "sending")
    for campaign_id in connection.scalars(under_way.order_by(Campaign.id)).all():
        with by_itself(connection, campaign_id, "it can't go on"):
            pace.release_batches(connection, campaign_id)
            batch_jobs.defer_waiting(connection, campaign_id)
            finish_if_done(connection, campaign_id)  # one that has nobody to mail has no batch that could do it


def _somebody_waits() -> Any:
    return select(Batch.id).where(Batch.campaign_id == Campaign.id, Batch.state == "waiting").exists()
