"""Stores verified webhook bodies as they come, and processes each in a job: one body in a transaction.

The request only verifies and stores the body. Processing a body twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.jobs import BEFORE_BATCHES, IN_HAND, app, defer
from daisychain.secret import installation_secret
from sender.events.flagged import BODY, EVENT, do_each, flag, reason_of
from sender.events.forget_events import without_forgotten
from sender.events.intake import ingest
from sender.events.sendgrid_webhook import SOURCE, parse_body, to_events
from sender.links.keys import Keys
from sender.tables import WebhookBody

log = logging.getLogger("daisychain.events")

QUEUE = "events"


@app.task(
    name="sender.process_webhook",
    queue=QUEUE,
    priority=BEFORE_BATCHES,
    pass_context=True,
    retry=RetryStrategy(max_attempts=5, exponential_wait=3),
)
def process_webhook(context: JobContext, body_id: int) -> None:
    """Process the events of one stored body."""
    database = context.additional_context["database"]
    with database.engine.begin() as connection:
        new = process_body(connection, body_id, Keys(installation_secret(database.settings)))
    log.info("webhook body %s: %s new events", body_id, new)


def store_body(connection: Connection, body: bytes) -> int:
    """Store a verified body and defer its job, in the caller's transaction; returns its id.

    A body that is stored already (a retry, or a replay attack) costs no space and no work.
    """
    fingerprint = hashlib.sha256(body).digest()
    body_id: int | None = connection.scalar(
        upsert(WebhookBody)
        .values(provider=SOURCE, body=body, digest=fingerprint)
        .on_conflict_do_nothing(index_elements=[WebhookBody.digest])
        .returning(WebhookBody.id)
    )
    if body_id is None:
        return connection.scalars(select(WebhookBody.id).where(WebhookBody.digest == fingerprint)).one()
    defer(connection, process_webhook, [{"body_id": body_id}], queue=QUEUE)
    return body_id


# A job counts if it waits, or if a living worker has it in hand; a surplus job is harmless. After a job that failed
# permanently the next one comes an hour later, after two of them two hours, and so on up to a day: the cause may be
# fixed by then.
_WITHOUT_JOB = text(f"""
    SELECT b.id FROM webhook_bodies b
    WHERE b.processed_at IS NULL AND b.received_at < now() - interval '1 minute'
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j
        WHERE j.queue_name = :queue AND (j.status = 'todo' OR {IN_HAND}) AND (j.args ->> 'body_id')::bigint = b.id)
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'failed'
        WHERE j.queue_name = :queue AND j.status = 'failed' AND (j.args ->> 'body_id')::bigint = b.id
        HAVING max(e.at) > now() - least(count(*), 24) * interval '1 hour')
    ORDER BY b.id
""")  # noqa: S608 - of constants


def defer_unprocessed(connection: Connection) -> int:
    """Defer a job for each unprocessed body without one (a worker died, or its job failed); returns how many."""
    bodies = connection.scalars(_WITHOUT_JOB, {"queue": QUEUE}).all()
    defer(connection, process_webhook, [{"body_id": body_id} for body_id in bodies], queue=QUEUE)
    return len(bodies)


def process_body(connection: Connection, body_id: int, keys: Keys) -> int:
    """Process a stored body unless that is done or under way; returns how many of its events are new."""
    # The body is stored: after a power cut this is simply done again. So don't wait for the disk.
    connection.execute(text("SET LOCAL synchronous_commit = off"))
    return ingest_body(connection, body_id, keys)


def ingest_body(connection: Connection, body_id: int, keys: Keys) -> int:
    """Do the same, but durable once the caller commits."""
    row = connection.execute(
        select(WebhookBody.body, WebhookBody.received_at)
        .where(WebhookBody.id == body_id, WebhookBody.processed_at.is_(None))
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return 0
    body = without_forgotten(connection, body_id, bytes(row.body))
    new = do_each(
        connection,
        EVENT,
        named_events(connection, body_id, body) or {},
        lambda some: ingest(connection, to_events(some, keys, row.received_at), row.received_at, body_id),
    )
    connection.execute(update(WebhookBody).where(WebhookBody.id == body_id).values(processed_at=func.now()))
    return len(new)


def named_events(connection: Connection, body_id: int, body: bytes) -> Mapping[str, dict[str, Any]] | None:
    """Return the raw events of a body, by what to flag them as; None, and flag the body, if it can't be read."""
    try:
        return {f"body {body_id}, event {number}": each for number, each in enumerate(parse_body(bytes(body)), 1)}
    except ValueError as error:
        flag(connection, BODY, f"body {body_id}", reason_of(error))
        return None
