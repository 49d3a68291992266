"""Replays the stored webhook bodies: builds their events again, then the roll-ups from all events.

For when the classification of events changes, or to check that the figures don't depend on chance. Hits on our own
pages stay, and so do events whose bodies are deleted. A replay suppresses and unsubscribes nobody, except for bodies
that were never processed.

Readers never wait for it: it writes body by body, each in a transaction of its own, and locks no table. What it only
shows is rolled back, and holds no lock but on events of bodies, which no page touches.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select, text

from daisychain.database import Database
from sender.event import IncomingEvent
from sender.events.classify import classify_anew, classify_unrecorded
from sender.events.flagged import DATABASE_ERRORS, EVENT, do_each
from sender.events.intake import settle_proven_attempts
from sender.events.matching import match_events
from sender.events.reader_rules import LASTING
from sender.events.recount import correct_rollups, recount_rollups
from sender.events.rollups import store_events
from sender.events.sendgrid_webhook import to_events
from sender.events.webhook_jobs import ingest_body, named_events
from sender.links.keys import Keys
from sender.tables import WebhookBody

log = logging.getLogger("daisychain.replay")

# `body_id` and `received_at` may change if two bodies contain the same event. The class of a hit, and the rules that
# decided it, depend on the campaign's other hits: only what the body says itself is compared.
_SAME = "source, kind, at, delivery_id, campaign_id, attempt_id, link, url, bounce, user_agent, network, detail"
# An event's `received_at` is its body's; its BRIN index skips the older part of the table. One scan finds the events of
# all bodies: they have no index on `body_id`.
_OF_BODIES = text("""
    CREATE TEMPORARY TABLE replayed AS
    SELECT body_id, natural_key, campaign_id FROM events
    WHERE received_at >= :since
      AND body_id IN (SELECT id FROM webhook_bodies WHERE received_at >= :since AND processed_at IS NOT NULL)
""")
# What a body says now, beside what is stored of it: deletes what it no longer says, and finds what is missing.
_COMPARE = text(f"""
    WITH told AS MATERIALIZED (
        SELECT *, decode(encode(natural_key, 'escape'), 'hex') AS key
        FROM json_populate_recordset(CAST(NULL AS events), CAST(:events AS json))
    ), gone AS (
        DELETE FROM events e USING replayed r
        WHERE r.body_id = :body_id AND e.natural_key = r.natural_key AND e.body_id = :body_id AND NOT EXISTS (
            SELECT 1 FROM told t
            WHERE t.key = e.natural_key AND ROW({", ".join(f"t.{name}" for name in _SAME.split(", "))})
                  IS NOT DISTINCT FROM ROW({", ".join(f"e.{name}" for name in _SAME.split(", "))})
              AND (e.rules = ''
                   OR substring(t.rules FROM :lasting) IS NOT DISTINCT FROM substring(e.rules FROM :lasting)))
        RETURNING encode(e.natural_key, 'hex') AS key
    )
    SELECT key, true AS gone FROM gone
    UNION ALL
    SELECT encode(key, 'hex'), false FROM told t WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.natural_key = t.key)
""")
# Of hits that were stored here, those that were then classified otherwise.
_CLASSIFIED = text("""
    SELECT count(*) FROM json_each_text(CAST(:rules AS json)) AS stored (key, rules)
    JOIN events e ON e.natural_key = decode(stored.key, 'hex') AND e.rules <> stored.rules
""")


@dataclass(frozen=True)
class Replayed:
    """The result of a replay: what it read and changed; `settled` counts people who were uncertain."""

    since: datetime
    taken_in: int  # bodies that no job had processed before
    not_readable: int  # bodies that can't be processed; they are flagged, or the log says why
    bodies: int
    first_body: datetime | None
    last_body: datetime | None
    kept_since: datetime | None  # older bodies are deleted, and their events stay as they are
    events_before: int
    events_after: int
    events_changed: int
    settled: int
    campaigns: list[int]
    rollups_changed: dict[str, int]


@dataclass
class _Done:
    """The counts of a replay under way."""

    write: bool
    forgotten: int = 0
    stored: int = 0
    settled: int = 0
    classified: int = 0
    changed: dict[str, str] = field(default_factory=dict)  # natural key → rules, as it was stored here, or ""
    with_hits: set[int | None] = field(default_factory=set)  # campaigns of which opens or clicks were stored
    not_readable: set[int] = field(default_factory=set)
    campaigns: set[int] = field(default_factory=set)


def replay(database: Database, keys: Keys, since: datetime, *, write: bool) -> Replayed:
    """Rebuild the events of all bodies since then, and the roll-ups of their campaigns; `write` keeps the result.

    Bodies that no job could process are processed first.
    """
    with database.engine.connect() as connection:
        ids = select(WebhookBody.id).where(WebhookBody.received_at >= since, WebhookBody.processed_at.is_(None))
        waiting = set(connection.scalars(ids))
    failed = {body_id for body_id in sorted(waiting) if not _ingested(database, keys, body_id)} if write else set()
    engine = database.engine if write else database.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, _rolled_back(connection, not write):
        with _step(connection):
            before, kept_since, bodies, campaigns = _begin(connection, since, failed)
        done = _Done(write, campaigns=campaigns)
        while _rebuild_all(connection, keys, bodies, done):
            pass  # an event that one body no longer has may be in another one, which was passed
        changed = Counter[str]()
        for campaign_id in sorted(done.campaigns):
            if write:
                changed.update(correct_rollups(database.engine, [campaign_id]))
                done.classified += classify_anew(database, campaign_id) if campaign_id in done.with_hits else 0
            else:
                done.classified += classify_unrecorded(connection, campaign_id) if campaign_id in done.with_hits else 0
                changed.update(recount_rollups(connection, [campaign_id]))
        with _step(connection):  # each event counts once, whatever was done to it
            done.classified -= connection.scalar(_CLASSIFIED, {"rules": orjson.dumps(done.changed).decode()}) or 0
    read = {row.id: row.received_at for row in bodies if row.id not in done.not_readable}
    return Replayed(
        since, len(waiting & read.keys()), len(failed | done.not_readable), len(read),
        min(read.values(), default=None), max(read.values(), default=None), kept_since,
        before, before - done.forgotten + done.stored, len(done.changed) + done.classified,
        done.settled, sorted(done.campaigns), dict(changed),
    )  # fmt: skip


@contextmanager
def _rolled_back(connection: Connection, wanted: bool) -> Iterator[None]:
    """Roll back everything that is done within, if that is wanted."""
    whole = connection.begin() if wanted else None
    yield
    if whole:
        whole.rollback()


@contextmanager
def _step(connection: Connection) -> Iterator[None]:
    """Do one step in a transaction of its own, or in a savepoint of the one that will be rolled back."""
    with connection.begin_nested() if connection.in_transaction() else connection.begin():
        yield


def _ingested(database: Database, keys: Keys, body_id: int) -> bool:
    """Process a body that no job has; whether that succeeded."""
    try:
        with database.engine.begin() as connection:
            ingest_body(connection, body_id, keys)
    except DATABASE_ERRORS:
        raise
    except Exception:  # a body that fails must not stop the others
        log.exception("webhook body %s can't be processed", body_id)
        return False
    return True


def _begin(
    connection: Connection, since: datetime, failed: set[int]
) -> tuple[int, datetime | None, list[Any], set[int]]:
    """Find the bodies and their events; returns how many events, since when bodies are kept, bodies and campaigns."""
    bodies = connection.execute(
        select(WebhookBody.id, WebhookBody.received_at)
        .where(WebhookBody.received_at >= since, WebhookBody.id.not_in(failed))
        .order_by(WebhookBody.id)
    ).all()
    kept_since = connection.scalar(select(WebhookBody.received_at).order_by(WebhookBody.id).limit(1))
    connection.execute(text("DROP TABLE IF EXISTS replayed"))
    connection.execute(_OF_BODIES, {"since": since})
    connection.execute(text("CREATE INDEX ON replayed (body_id)"))
    before = connection.scalar(text("SELECT count(*) FROM replayed")) or 0
    campaigns = set(connection.scalars(text("SELECT DISTINCT campaign_id FROM replayed WHERE campaign_id IS NOT NULL")))
    return before, kept_since, list(bodies), campaigns


def _rebuild_all(connection: Connection, keys: Keys, bodies: list[Any], done: _Done) -> bool:
    """Rebuild the events of each body; whether an event is gone that may be in another body."""
    gone: set[str] = set()
    for row in bodies:
        with _step(connection):
            gone = _rebuild(connection, keys, row, done, gone)
    return bool(gone)


def _rebuild(connection: Connection, keys: Keys, row: Row[Any], done: _Done, gone: set[str]) -> set[str]:
    """Delete the events that a body no longer has, and store those that are missing; returns all that are gone."""
    body = connection.execute(select(WebhookBody.body).where(WebhookBody.id == row.id)).scalar_one_or_none()
    if body is None:  # deleted meanwhile
        return gone
    named = named_events(connection, row.id, body)
    if named is None:
        done.not_readable.add(row.id)
        named = {}

    def convert(some: list[dict[str, Any]]) -> list[IncomingEvent]:
        events = to_events(some, keys, row.received_at)
        match_events(connection, events)
        for each in events:
            each.mailbox = ""  # updates no roll-up: they are recounted at the end
        return events

    events = do_each(connection, EVENT, named, convert)
    settling = None if done.write else connection.begin_nested()
    done.settled += settle_proven_attempts(connection, events)
    if settling:
        settling.rollback()  # or until the end nobody else could settle them
    told = {each.natural_key: each for each in reversed(events)}
    values = {"events": orjson.dumps([told[key] for key in sorted(told)]).decode(), "body_id": row.id}
    compared = connection.execute(_COMPARE, {**values, "lasting": "|".join(LASTING)}).all()
    forgotten = {each.key for each in compared if each.gone}
    missing = {f"body {row.id}, {key}": told[key] for key in sorted(each.key for each in compared) if key in told}
    new = do_each(connection, EVENT, missing, lambda some: store_events(connection, some, row.received_at, row.id).new)
    done.forgotten += len(forgotten)
    done.stored += len(new)
    done.changed |= dict.fromkeys(forgotten, "") | {each.natural_key: each.rules for each in new}
    done.with_hits |= {each.campaign_id for each in new if each.open_class}
    done.campaigns |= {each.campaign_id for each in events if each.campaign_id is not None}
    return (gone | forgotten) - {each.natural_key for each in new}
