"""The jobs that wake slots to deliver a campaign. What is to be sent, only the batches say: slots claim it from there.

A job says which campaign to look at. While batches can go, a few jobs are in its queue, so that an idle slot on any
machine finds one; a slot that takes one sees to the next. A surplus or late job claims nothing.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import Connection, select, text

from daisychain.errors import DatabaseError
from daisychain.jobs import app, defer
from sender.tables import Campaign

# For so many seconds a slot goes on with one campaign; then more urgent jobs, and other campaigns, have their turn.
TURN = 1.0
# So many jobs wait at most: as many slots as may become idle at once.
MOST_JOBS = 8
# A sender that lost its lock and can't take a new one has claimed nothing: retry the job after 5 s.
UNCLAIMED = RetryStrategy(max_attempts=20, wait=5, retry_exceptions={DatabaseError})

# Due jobs that a campaign lacks, for its batches that can go now; none, or less, if there are enough.
MISSING = text("""
    SELECT (SELECT count(*) FROM (
               SELECT FROM batches
               WHERE campaign_id = :campaign AND state = 'waiting' AND NOT held AND not_before <= now()
               LIMIT :most) AS ready)
         - (SELECT count(*) FROM procrastinate_jobs
            WHERE queue_name = :queue AND status = 'todo' AND coalesce(scheduled_at, now()) <= now())
""")


def queue_of(campaign_id: int) -> str:
    """Return a campaign's own queue, so that `campaign send` works for this campaign only."""
    return f"campaign-{campaign_id}"


@app.task(name="sender.deliver_campaign", pass_context=True, retry=UNCLAIMED)
def deliver_campaign(context: JobContext, campaign_id: int) -> None:
    """Deliver batches of a campaign for one turn, with the process's `sender.delivery.deliver.Deliverer`."""
    deliverer, workers = (context.additional_context[name] for name in ("deliverer", "workers"))
    over = time.monotonic() + TURN
    going = deliverer.deliver_next(campaign_id, wakes=True)
    while going and time.monotonic() < over:
        workers.resize(deliverer.slots.times)
        going = deliverer.deliver_next(campaign_id)
    workers.resize(deliverer.slots.times)
    deliverer.finish_if_done(campaign_id)


@app.task(name="sender.deliver_batch", pass_context=True, retry=UNCLAIMED)
def deliver_batch(context: JobContext, batch_id: int) -> None:
    """Deliver one batch: for jobs from before slots claimed from the batches, which may still be in a queue."""
    context.additional_context["deliverer"].deliver(batch_id)


def wake(connection: Connection, campaign_id: int, at: datetime | None = None) -> None:
    """Wake slots for the batches that can go now, or one slot `at` a time, in the caller's transaction."""
    queue = queue_of(campaign_id)
    values = {"campaign": campaign_id, "queue": queue, "most": MOST_JOBS}
    missing = 1 if at else connection.execute(MISSING, values).scalar_one()
    defer(connection, deliver_campaign, [{"campaign_id": campaign_id}] * missing, queue=queue, at=at)


def queues_without(connection: Connection, providers: Collection[str]) -> list[str]:
    """Return the queues of a process that can't send through some providers: all but those providers' campaigns."""
    campaigns = select(Campaign.id).where(Campaign.state == "sending", Campaign.provider.not_in(providers))
    return [*{task.queue for task in app.tasks.values()}, *map(queue_of, connection.scalars(campaigns))]
