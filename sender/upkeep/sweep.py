"""The sweep: makes the batches of dead senders uncertain, wakes slots, and gives webhook bodies a job.

Procrastinate never reruns a dead worker's job. That is what we want: only the tables say what is to be done.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection, select, text

from daisychain.database import unless_locked
from daisychain.jobs import remove_dead_jobs
from daisychain.settings import Settings
from sender.campaigns.due_campaigns import start_due_campaigns
from sender.delivery import attempts, batch_jobs, confirmed_places
from sender.delivery.campaign_states import by_itself, finish_if_done, people_wait_again
from sender.delivery.senders import dead_senders
from sender.events import webhook_jobs
from sender.providers.failures import verdict_of
from sender.providers.open_provider import open_provider
from sender.providers.provider import Outcome
from sender.tables import Batch, Campaign
from sender.upkeep import chores, import_jobs, pace

LOCK_WAIT = "1s"


def sweep(connection: Connection, settings: Settings) -> int:
    """Record the batches of dead senders and wake slots for those that can go; returns how many were of dead senders.

    If repeating is harmless (the outbox does not write an existing file again), the batch waits for a retry instead.
    """
    # What another machine has locked is left to the next sweep: it may have vanished, and we have other things to do.
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
    due_chores, lost_imports = partial(chores.defer_due_chores, settings=settings), import_jobs.defer_lost_imports
    for step in (due_chores, webhook_jobs.defer_unprocessed, remove_dead_jobs, lost_imports):
        with unless_locked(connection):
            step(connection)
    dead = connection.execute(
        select(Batch.id, Batch.attempt_id, Batch.campaign_id, Campaign.provider)
        .join(Campaign, Campaign.id == Batch.campaign_id)
        .where(Batch.state == "sending", Batch.sender_id.in_(dead_senders(connection)))
        .order_by(Batch.id)
    ).all()
    for row in dead:
        with by_itself(connection, row.campaign_id, "its dead sender's batch can't be settled"):
            repeatable = open_provider(row.provider, settings).repeatable
            verdict = verdict_of("any", "sender died, repeatable" if repeatable else "sender died")
            detail = "the sender died before an answer came"
            attempts.record(connection, row.attempt_id, Outcome(verdict, detail, retry_at=datetime.now(UTC)))
    if confirmed_places.is_confirmed(connection, settings):
        _advance_campaigns(connection, settings)
    connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    return len(dead)


def _advance_campaigns(connection: Connection, settings: Settings) -> None:
    """Start due campaigns, release held batches, wake slots, and end finished and cancelled campaigns.

    One broken campaign must not stop the others. All go in the order of their ids, so two sweeps don't deadlock.
    """
    start_due_campaigns(connection, settings)
    waiting = select(Batch.id).where(Batch.campaign_id == Campaign.id, Batch.state == "waiting").exists()
    ended = select(Campaign.id).where(Campaign.state.in_(["finished", "cancelled"]), waiting)
    for campaign_id in connection.scalars(ended.order_by(Campaign.id)).all():
        with by_itself(connection, campaign_id, "its people can't be excluded"):
            people_wait_again(connection, campaign_id)
    under_way = select(Campaign.id).where(Campaign.state == "sending")
    for campaign_id in connection.scalars(under_way.order_by(Campaign.id)).all():
        with by_itself(connection, campaign_id, "it can't go on"):
            pace.release_batches(connection, campaign_id)
            batch_jobs.wake(connection, campaign_id)
            finish_if_done(connection, campaign_id)  # a campaign without people has no batch to finish it
