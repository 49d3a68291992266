"""The jobs that deliver batches. A job contains only a batch's id; a surplus or late job claims nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import Connection, select, text

from daisychain.errors import DatabaseError
from daisychain.jobs import IN_HAND, app, defer
from sender.tables import Campaign


def queue_of(campaign_id: int) -> str:
    """Return a campaign's own queue, so that `campaign send` works for this campaign only."""
    return f"campaign-{campaign_id}"


# A sender that lost its lock and can't take a new one has claimed nothing: retry the job after 5 s.
UNCLAIMED = RetryStrategy(max_attempts=20, wait=5, retry_exceptions={DatabaseError})


@app.task(name="sender.deliver_batch", pass_context=True, retry=UNCLAIMED)
def deliver_batch(context: JobContext, batch_id: int) -> None:
    """Deliver one batch, with the process's `sender.delivery.deliver.Deliverer`."""
    deliverer = context.additional_context["deliverer"]
    deliverer.deliver(batch_id)
    context.additional_context["workers"].resize(deliverer.slots.times)


def defer_batch(connection: Connection, campaign_id: int, batch_id: int) -> None:
    """Defer the job of one batch, in the caller's transaction."""
    defer(connection, deliver_batch, [{"batch_id": batch_id}], queue=queue_of(campaign_id))


# Waiting batches, not held, without a job: in the queue, or in the hands of a living worker that is about to claim it.
# A job that is due much later than its batch does not count: a retry's time comes from the worker's own clock.
WITHOUT_JOB = text(f"""
    SELECT b.id, b.not_before, EXISTS (
        SELECT 1 FROM batches w
        WHERE w.campaign_id = b.campaign_id AND w.compiled_id = b.compiled_id AND w.state = 'split'
          AND w.first_id <= b.first_id AND w.last_id >= b.last_id) AS is_part
    FROM batches b
    WHERE b.campaign_id = :campaign AND b.state = 'waiting' AND NOT b.held AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j
        WHERE j.queue_name = :queue AND (j.args ->> 'batch_id')::bigint = b.id
          AND (b.id <> :ending AND {IN_HAND} OR j.status = 'todo'
               AND coalesce(j.scheduled_at, now()) < greatest(b.not_before, now()) + interval '1 minute'))
    ORDER BY b.id
""")  # noqa: S608 - of constants

_IN_HAND_OF = text("""
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT id FROM procrastinate_jobs
        WHERE status = 'doing' AND task_name = 'sender.deliver_batch' AND (args ->> 'batch_id')::bigint = ANY (:batches)
        FOR UPDATE SKIP LOCKED)
""")


def defer_waiting(connection: Connection, campaign_id: int, *, ending: int = 0) -> int:
    """Defer a job for each waiting batch without one, in the caller's transaction; returns how many.

    The running job of the batch `ending` does not count: it is the caller, and about to end.
    """
    queue = queue_of(campaign_id)
    rows = connection.execute(WITHOUT_JOB, {"campaign": campaign_id, "queue": queue, "ending": ending}).all()
    for at, is_part in sorted({(row.not_before, row.is_part) for row in rows}):
        jobs = [{"batch_id": row.id} for row in rows if (row.not_before, row.is_part) == (at, is_part)]
        # Parts of a refused batch go first: if the provider refuses everything, this shows it soonest.
        defer(connection, deliver_batch, jobs, queue=queue, at=at, priority=1 if is_part else 0)
    return len(rows)


def queues_without(connection: Connection, providers: Collection[str]) -> list[str]:
    """Return the queues of a process that can't send through some providers: all but those providers' campaigns."""
    campaigns = select(Campaign.id).where(Campaign.state == "sending", Campaign.provider.not_in(providers))
    return [*{task.queue for task in app.tasks.values()}, *map(queue_of, connection.scalars(campaigns))]


def remove_jobs_in_hand(connection: Connection, batch_ids: Sequence[int]) -> None:
    """Remove the running jobs of batches whose sender is dead, in the caller's transaction."""
    connection.execute(_IN_HAND_OF, {"batches": list(batch_ids)})
