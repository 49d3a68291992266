"""The sweep: what the dead left behind becomes uncertain; what waits, webhook bodies too, gets a job again.

Procrastinate never runs a dead worker's job again, which is what we want: only the tables say what is to be done.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, select

from daisychain.settings import Settings
from sender import attempts, chores, events, pace, places, tasks
from sender.failures import verdict_of
from sender.mailing import Outcome
from sender.providers import open_provider
from sender.senders import dead_senders
from sender.states import close_cancelled, finish_if_done
from sender.tables import Batch, Campaign


def sweep(connection: Connection, settings: Settings) -> int:
    """Settle the batches of dead senders and give each waiting batch a job; returns how many batches were dead.

    Where doing it twice does no harm (the outbox: a file that exists is the mail) the batch simply waits again.
    """
    dead = connection.execute(
        select(Batch.attempt_id, Campaign.provider)
        .join(Campaign, Campaign.id == Batch.campaign_id)
        .where(Batch.state == "sending", Batch.sender_id.in_(dead_senders(connection)))
        .order_by(Batch.id)
    ).all()
    for row in dead:
        repeatable = open_provider(row.provider, settings).repeatable
        verdict = verdict_of("any", "death, repeatable" if repeatable else "death")
        words = "the sender died before an answer came"
        attempts.record(connection, row.attempt_id, Outcome(verdict, detail=words, retry_at=datetime.now(UTC)))
    events.defer_left_over(connection)
    chores.defer_due(connection)
    if places.is_confirmed(connection, settings):
        _go_on(connection, settings)
    return len(dead)


def _go_on(connection: Connection, settings: Settings) -> None:
    """What is due begins, what may go is let go, and whatever waits has a job; cancelled campaigns end."""
    pace.keep_schedules(connection, settings)
    for campaign_id in connection.scalars(select(Campaign.id).where(Campaign.state == "sending")).all():
        pace.let_go(connection, campaign_id)
        tasks.defer_waiting(connection, campaign_id)
        finish_if_done(connection, campaign_id)  # one that has nobody to mail has no batch that could do it
    cancelled = select(Campaign.id).join(Batch, Batch.campaign_id == Campaign.id)
    for campaign_id in connection.scalars(
        cancelled.where(Campaign.state == "cancelled", Batch.state == "waiting").distinct()
    ).all():
        close_cancelled(connection, campaign_id)
