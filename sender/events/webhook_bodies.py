"""Deletes raw webhook bodies after 90 days if the roll-ups agree with their events, and after 180 days in any case."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import Connection, Select, and_, delete, func, or_, select, text

from daisychain.database import Database, settings_of
from sender.events.flagged import drop_old_flags
from sender.events.recount import recount_rollups
from sender.tables import Event, WebhookBody

log = logging.getLogger("daisychain.chores")

# They hold addresses, also of other applications' readers. From `WARN_AFTER` on, an alert says that they will go.
AT_MOST, WARN_AFTER = timedelta(days=180), timedelta(days=150)


_DROP_HASHES = text("""
    UPDATE events SET detail = detail - 'address_hash'
    WHERE detail ? 'address_hash' AND received_at < now() - :kept_for
""")


def drop_old_bodies(database: Database) -> str:
    """Delete old, processed bodies, and return a summary.

    If any roll-up differs from the events only bodies of 180 days are deleted, as a replay can correct it.
    """
    ended = _drop_personal_data(database)
    kept_for = timedelta(days=database.settings.kept_for("bodies"))
    old = _old(kept_for)
    # All statements must see one state of the events.
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        if connection.scalar(old.limit(1)) is None:
            return f"{ended} deleted"
        campaigns = connection.scalars(
            select(Event.campaign_id)
            .where(Event.received_at < func.now() - kept_for, Event.body_id.in_(old), Event.campaign_id.isnot(None))
            .distinct()
        ).all()
        differing = {table: rows for table, rows in recount_rollups(connection, campaigns).items() if rows}  # type: ignore[arg-type]
        if not differing:
            return f"{ended + connection.execute(delete(WebhookBody).where(WebhookBody.id.in_(old))).rowcount} deleted"
    log.error("old webhook bodies are kept, as roll-ups differ from the events: %s", differing)
    kept = f"kept, as roll-ups differ from the events: {differing}; run `daisychain events replay`"
    return f"{ended} deleted, the rest {kept}" if ended else kept


def old_bodies(connection: Connection) -> int:
    """Count the bodies that are to be deleted."""
    kept_for = timedelta(days=settings_of(connection).kept_for("bodies"))
    return connection.scalar(select(func.count()).select_from(_old(kept_for).subquery())) or 0


def _old(kept_for: timedelta) -> Select[int]:
    processed = and_(WebhookBody.received_at < func.now() - kept_for, WebhookBody.processed_at.isnot(None))
    return select(WebhookBody.id).where(or_(processed, WebhookBody.received_at < func.now() - AT_MOST))


def _drop_personal_data(database: Database) -> int:
    """Drop what may be kept no longer, whatever the figures say; returns the number of deleted bodies."""
    with database.engine.begin() as connection:
        drop_old_flags(connection)
        # Hashes of the addresses of other applications' readers.
        connection.execute(_DROP_HASHES, {"kept_for": timedelta(days=database.settings.kept_for("bodies"))})
        return connection.execute(delete(WebhookBody).where(WebhookBody.received_at < func.now() - AT_MOST)).rowcount
