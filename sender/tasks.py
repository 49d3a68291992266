"""The jobs of this room. A job carries a batch's id only; the claim makes a surplus or late job harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from procrastinate import JobContext
from sqlalchemy import Connection, text

from daisychain.jobs import app, defer

if TYPE_CHECKING:
    from sender.delivery import Deliverer


def queue_of(campaign_id: int) -> str:
    """The queue of one campaign, so that its sender in the foreground works for nobody else."""
    return f"campaign-{campaign_id}"


@app.task(name="sender.deliver_batch", pass_context=True)
def deliver_batch(context: JobContext, batch_id: int) -> None:
    """Deliver one batch."""
    cast("Deliverer", context.additional_context["deliverer"]).deliver(batch_id)


# Waiting batches, not held, that no job in the queue will take up. A job that is being worked right now does not
# count as one: its worker may be dead, and one job too many does no harm.
WITHOUT_JOB = text("""
    SELECT b.id, b.not_before
    FROM batches b
    WHERE b.campaign_id = :campaign AND b.state = 'waiting' AND NOT b.held AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j
        WHERE j.queue_name = :queue AND j.status = 'todo' AND (j.args ->> 'batch_id')::bigint = b.id)
    ORDER BY b.id
""")


def defer_waiting(connection: Connection, campaign_id: int) -> int:
    """Defer a job for each waiting batch of a campaign that has none, in the caller's transaction; returns how many."""
    queue = queue_of(campaign_id)
    rows = connection.execute(WITHOUT_JOB, {"campaign": campaign_id, "queue": queue}).all()
    for at in sorted({row.not_before for row in rows}):
        jobs = [{"batch_id": row.id} for row in rows if row.not_before == at]
        defer(connection, deliver_batch, jobs, queue=queue, at=at)
    return len(rows)
