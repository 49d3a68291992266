"""Sends alerts: each condition once while it lasts, and again if it comes back.

A chore does this, outside the sweep's transaction, as a relay may be slow. `campaign send` does it too, as it may run
without a worker.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Row, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from daisychain.database import Database, database_now, may_wait
from daisychain.errors import ConfigurationError, DaisychainError, ProviderError
from daisychain.settings import Settings
from sender.alerts import conditions
from sender.alerts.channels import Channel, channels
from sender.tables import Alert

log = logging.getLogger("daisychain.alerts")

# The advisory lock for `update_alerts` (an arbitrary number): two at once would close and reopen each other's alerts.
LOCK = 0x0DA1A1E7
# For a command that sends by itself, in seconds: how often it checks, and how long it waits for the last alert.
EVERY, LAST_ALERT = 60.0, 25.0


def update_alerts(connection: Connection, settings: Settings, now: datetime | None = None) -> list[str]:
    """Open and close alerts to match the conditions, in the caller's transaction; returns the new subjects."""
    if not connection.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return []
    found = {
        each.key: each for each in conditions.active_conditions(connection, settings, now or database_now(connection))
    }
    # Each machine sees only its own disks.
    mine = or_(
        ~Alert.cause.startswith(conditions.DISK), Alert.cause.startswith(f"{conditions.DISK} {socket.gethostname()} ")
    )
    connection.execute(
        update(Alert).where(Alert.over_at.is_(None), mine, ~Alert.cause.in_(list(found))).values(over_at=func.now())
    )
    if not found:
        return []
    rows = [{"cause": each.key, "subject": each.subject, "words": each.message} for each in found.values()]
    new = upsert(Alert).on_conflict_do_nothing(index_elements=["cause"], index_where=Alert.over_at.is_(None))
    return list(connection.scalars(new.values(rows).returning(Alert.subject)))


def check_and_notify(database: Database) -> str:
    """Update the alerts, send the new ones to DAISYCHAIN_ALERT_TO, and return a summary.

    Failed alerts are retried with growing pauses. Raises ConfigurationError for a wrong setting.
    """
    with database.engine.begin() as connection:
        for subject in update_alerts(connection, database.settings):
            log.warning("%s", subject)
    to = channels(database)
    sent = tried = 0
    while to:
        with database.engine.begin() as connection:
            may_wait(connection)  # for the channel, with this alert locked, which others skip
            alert = _next(connection)
            if alert is None:
                break
            tried += 1
            sent += _send(connection, to, alert)
    return f"{sent} of {tried} sent" if tried else ""


@contextmanager
def alerting(database: Database, *, every: float = EVERY) -> Iterator[None]:
    """Check and notify in a thread during the context, and once more at its end; never blocks or fails the context."""
    over = threading.Event()
    thread = threading.Thread(target=_notify_until, args=[database, over, every], name="alerts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(LAST_ALERT)


def _notify_until(database: Database, over: threading.Event, every: float) -> None:
    last = False
    while not last:
        last = over.wait(every)
        try:
            check_and_notify(database)
        except (DaisychainError, ConfigurationError, SQLAlchemyError) as error:
            log.error("alerts could not be sent: %s", error)


def _next(connection: Connection) -> Row[int, str, str, int] | None:
    """Return an alert that is due, locked; if this process dies now, the alert is sent again."""
    return connection.execute(
        select(Alert.id, Alert.subject, Alert.words, Alert.tries)
        .where(Alert.told_at.is_(None), Alert.over_at.is_(None), Alert.due_at <= func.now())
        .order_by(Alert.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def _send(connection: Connection, to: list[Channel], alert: Row[int, str, str, int]) -> bool:
    """Send an alert through every channel; it counts as sent if one of them works."""
    problems = []
    for channel in to:
        try:
            channel(alert.subject, alert.words)
        except (ProviderError, ConfigurationError) as error:
            problems.append(str(error))
            log.error("an alert could not be sent: %s", error)
    sent = len(problems) < len(to)
    pause = text("now() + least(power(2, :tries), 60) * interval '1 minute'").bindparams(tries=alert.tries)
    outcome = {"told_at": func.now()} if sent else {"due_at": pause}
    connection.execute(
        update(Alert).where(Alert.id == alert.id).values(tries=Alert.tries + 1, problem="; ".join(problems), **outcome)
    )
    return sent
