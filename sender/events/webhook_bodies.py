"""Deletes raw webhook bodies after 90 days, but only if the roll-ups agree with their events."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, func, select

from sender.events.recount import recount_rollups
from sender.tables import Event, WebhookBody

KEPT_FOR = timedelta(days=90)


def drop_old_bodies(connection: Connection) -> tuple[int, dict[str, int]]:
    """Delete old, processed bodies; returns how many, and how many roll-up rows differ from the events, by table.

    If any differ nothing is deleted, as a replay of the bodies can correct them. The caller's transaction must see one
    state (REPEATABLE READ).
    """
    old = select(WebhookBody.id).where(
        WebhookBody.received_at < func.now() - KEPT_FOR, WebhookBody.processed_at.isnot(None)
    )
    if connection.scalar(old.limit(1)) is None:
        return 0, {}
    campaigns = connection.scalars(
        select(Event.campaign_id)
        .where(Event.received_at < func.now() - KEPT_FOR, Event.body_id.in_(old), Event.campaign_id.isnot(None))
        .distinct()
    ).all()
    differing = {table: rows for table, rows in recount_rollups(connection, campaigns).items() if rows}  # type: ignore[arg-type]
    if differing:
        return 0, differing
    return connection.execute(delete(WebhookBody).where(WebhookBody.id.in_(old))).rowcount, {}
