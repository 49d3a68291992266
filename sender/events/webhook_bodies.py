"""Deletes raw webhook bodies after 90 days, but only if the roll-ups agree with their events."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import delete, func, select

from daisychain.database import Database
from sender.events.recount import recount_rollups
from sender.tables import Event, WebhookBody

log = logging.getLogger("daisychain.chores")

KEPT_FOR = timedelta(days=90)


def drop_old_bodies(database: Database) -> str:
    """Delete old, processed bodies, and return a summary.

    If any roll-up differs from the events nothing is deleted, as a replay of the bodies can correct it.
    """
    old = select(WebhookBody.id).where(
        WebhookBody.received_at < func.now() - KEPT_FOR, WebhookBody.processed_at.isnot(None)
    )
    # All statements must see one state of the events.
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        if connection.scalar(old.limit(1)) is None:
            return "0 deleted"
        campaigns = connection.scalars(
            select(Event.campaign_id)
            .where(Event.received_at < func.now() - KEPT_FOR, Event.body_id.in_(old), Event.campaign_id.isnot(None))
            .distinct()
        ).all()
        differing = {table: rows for table, rows in recount_rollups(connection, campaigns).items() if rows}  # type: ignore[arg-type]
        if not differing:
            return f"{connection.execute(delete(WebhookBody).where(WebhookBody.id.in_(old))).rowcount} deleted"
    log.error("old webhook bodies are kept, as roll-ups differ from the events: %s", differing)
    return f"kept, as roll-ups differ from the events: {differing}; run `daisychain events replay`"
