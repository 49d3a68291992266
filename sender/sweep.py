"""The sweep: what the dead left behind becomes uncertain; what waits, webhook bodies too, gets a job again.

Procrastinate never runs a dead worker's job again, which is what we want: only the tables say what is to be done.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from daisychain.settings import Settings
from sender import attempts, events, tasks
from sender.mailing import Outcome, Verdict
from sender.providers import open_provider
from sender.senders import dead_senders
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
        verdict = Verdict.WAIT if repeatable else Verdict.UNCERTAIN
        attempts.record(connection, row.attempt_id, Outcome(verdict, detail="the sender died before an answer came"))
    events.defer_left_over(connection)
    for campaign_id in connection.scalars(select(Campaign.id).where(Campaign.state == "sending")).all():
        tasks.defer_waiting(connection, campaign_id)
    return len(dead)
