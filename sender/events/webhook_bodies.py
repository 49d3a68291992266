"""How long raw webhook bodies stay: ninety days, and then only once the roll-ups agree with the events told by them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, func, select

from sender.events.recount import recount
from sender.tables import Event, WebhookBody

KEPT = timedelta(days=90)


def drop_old_bodies(connection: Connection) -> tuple[int, dict[str, int]]:
    """Delete the bodies that are old and taken in; returns how many, and the rows of roll-ups that stand against it.

    Until then a replay can mend roll-ups that went wrong, so where any differ nothing is deleted. The caller's
    transaction must see one state (REPEATABLE READ).
    """
    old = select(WebhookBody.id).where(
        WebhookBody.received_at < func.now() - KEPT, WebhookBody.processed_at.isnot(None)
    )
    if connection.scalar(old.limit(1)) is None:
        return 0, {}
    campaigns = connection.scalars(
        select(Event.campaign_id)
        .where(Event.received_at < func.now() - KEPT, Event.body_id.in_(old), Event.campaign_id.isnot(None))
        .distinct()
    ).all()
    against = {table: rows for table, rows in recount(connection, campaigns).items() if rows}  # type: ignore[arg-type]
    if against:
        return 0, against
    return connection.execute(delete(WebhookBody).where(WebhookBody.id.in_(old))).rowcount, {}
