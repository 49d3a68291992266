"""Somebody is told: each cause once, for as long as it lasts, and again when it comes back.

The chore of that name watches and tells, outside the sweep's transaction: a relay may take its time. `campaign
send` does the same by itself, as there need be no worker.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, RowMapping, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError

from daisychain.database import Database
from daisychain.errors import ConfigurationError, DaisychainError, ProviderError
from daisychain.settings import Settings
from sender.alerts import conditions
from sender.alerts.channels import Channel, channels
from sender.tables import Alert

log = logging.getLogger("daisychain.alerts")

# One that watches at a time: two that look at different moments would close and open each other's; the number is ours.
LOCK = 0x0DA1A1E7
# Where a command sends by itself: how often it looks, and how long it stays for the last word, in seconds.
EVERY, LAST_WORD = 60.0, 25.0


def look(connection: Connection, settings: Settings, now: datetime | None = None) -> list[str]:
    """Write down what is newly wrong, and what is over, in the caller's transaction; returns the new subjects."""
    if not connection.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return []
    found = {cause.key: cause for cause in conditions.causes(connection, settings, now or datetime.now(UTC))}
    # Of disks each machine sees its own alone.
    mine = or_(
        ~Alert.cause.startswith(conditions.DISK), Alert.cause.startswith(f"{conditions.DISK} {socket.gethostname()} ")
    )
    connection.execute(
        update(Alert).where(Alert.over_at.is_(None), mine, ~Alert.cause.in_(list(found))).values(over_at=func.now())
    )
    if not found:
        return []
    rows = [{"cause": cause.key, "subject": cause.subject, "words": cause.words} for cause in found.values()]
    new = upsert(Alert).on_conflict_do_nothing(index_elements=["cause"], index_where=Alert.over_at.is_(None))
    return list(connection.scalars(new.values(rows).returning(Alert.subject)))


def watch_and_tell(database: Database) -> str:
    """Look, then tell whoever DAISYCHAIN_ALERT_TO names what was not told yet; returns what was done, in words.

    What nobody could be told is tried again with growing pauses. Raises ConfigurationError for a wrong setting.
    """
    with database.engine.begin() as connection:
        for subject in look(connection, database.settings):
            log.warning("%s", subject)
    ways = channels(database.settings)
    told = tried = 0
    while ways:
        with database.engine.begin() as connection:
            alert = _next(connection)
            if alert is None:
                break
            tried += 1
            told += _tell(connection, ways, alert)
    return f"{told} of {tried} told" if tried else ""


@contextmanager
def telling(database: Database, *, every: float = EVERY) -> Iterator[None]:
    """Watch and tell beside what the context does, and once more at its end; nothing in it waits for that."""
    over = threading.Event()
    thread = threading.Thread(target=_tell_until, args=[database, over, every], name="alerts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(LAST_WORD)


def _tell_until(database: Database, over: threading.Event, every: float) -> None:
    last = False
    while not last:
        last = over.wait(every)
        try:
            watch_and_tell(database)
        except (DaisychainError, ConfigurationError, SQLAlchemyError) as error:
            log.error("nobody could be told: %s", error)


def _next(connection: Connection) -> RowMapping | None:
    """An alert that is due, locked; whoever dies while telling it leaves it to be told again."""
    due = connection.execute(
        select(Alert.id, Alert.subject, Alert.words, Alert.tries)
        .where(Alert.told_at.is_(None), Alert.over_at.is_(None), Alert.due_at <= func.now())
        .order_by(Alert.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return due.mappings().one_or_none()


def _tell(connection: Connection, ways: list[Channel], alert: RowMapping) -> bool:
    """Tell it by every way; one that works is enough for it to count as told."""
    problems = []
    for way in ways:
        try:
            way.tell(alert["subject"], alert["words"])
        except (ProviderError, ConfigurationError) as error:
            problems.append(str(error))
            log.error("an alert could not be told: %s", error)
    told = len(problems) < len(ways)
    pause = text("now() + least(power(2, :tries), 60) * interval '1 minute'").bindparams(tries=alert["tries"])
    outcome = {"told_at": func.now()} if told else {"due_at": pause}
    connection.execute(
        update(Alert)
        .where(Alert.id == alert["id"])
        .values(tries=Alert.tries + 1, problem="; ".join(problems), **outcome)
    )
    return told
