"""Replays the stored webhook bodies: builds their events again, then the roll-ups from all events.

For when the classification of events changes, or to check that the figures don't depend on chance. Hits on our own
pages stay, and so do events whose bodies are deleted. A replay suppresses and unsubscribes nobody, except for bodies
that were never processed.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from sender.events.classify import classify_again
from sender.events.flagged import EVENT, do_each
from sender.events.intake import ingest_body, match_events, settle_proven_attempts
from sender.events.recount import recount_rollups
from sender.events.rollups import store_events
from sender.events.sendgrid_webhook import parse_body, to_events
from sender.links.keys import Keys
from sender.tables import WebhookBody

log = logging.getLogger("daisychain.replay")

# `body_id` and `received_at` may change if two bodies contain the same event; nothing else may.
_SAME = (
    "natural_key, source, kind, at, delivery_id, campaign_id, attempt_id, link, url, bounce, open_class, rules, "
    "user_agent, network, detail"
)
# An event's `received_at` is its body's; its BRIN index skips the older part of the table.
_OF_BODIES = """
    received_at >= :since
    AND body_id IN (SELECT id FROM webhook_bodies WHERE received_at >= :since AND processed_at IS NOT NULL)
"""
_KEEP = text(f"CREATE TEMPORARY TABLE events_before ON COMMIT DROP AS SELECT {_SAME} FROM events WHERE {_OF_BODIES}")
_FORGET = text(f"DELETE FROM events WHERE {_OF_BODIES}")
_CHANGED = text(f"""
    WITH events_now AS (SELECT {_SAME} FROM events WHERE {_OF_BODIES})
    SELECT (SELECT count(*) FROM events_before) AS before, (SELECT count(*) FROM events_now) AS after, (
        SELECT count(*) FROM (
            (SELECT * FROM events_before EXCEPT SELECT * FROM events_now)
            UNION ALL (SELECT * FROM events_now EXCEPT SELECT * FROM events_before)) AS x) AS changed
""")
_CAMPAIGNS = text(f"""
    SELECT campaign_id FROM events_before WHERE campaign_id IS NOT NULL
    UNION SELECT campaign_id FROM events WHERE campaign_id IS NOT NULL AND {_OF_BODIES}
""")


@dataclass(frozen=True)
class Replayed:
    """The result of a replay: what it read and changed; `settled` counts people who were uncertain."""

    since: datetime
    taken_in: int  # bodies that no job had processed before
    not_readable: int  # bodies that can't be processed; the log says why
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


def replay(connection: Connection, keys: Keys, since: datetime) -> Replayed:
    """Rebuild the events of all bodies since then, and the roll-ups of their campaigns, in the caller's transaction.

    Bodies that no job could process are processed first. Until the transaction ends, nobody else can add events.
    """
    connection.execute(text("LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE"))
    taken_in, not_readable = _ingest_unprocessed(connection, keys, since)
    kept_since = connection.scalar(select(WebhookBody.received_at).order_by(WebhookBody.id).limit(1))
    bodies = connection.execute(
        select(WebhookBody.id, WebhookBody.received_at)
        .where(WebhookBody.received_at >= since, WebhookBody.processed_at.isnot(None))
        .order_by(WebhookBody.id)
    ).all()
    when = {"since": since}
    connection.execute(_KEEP, when)
    connection.execute(_FORGET, when)
    settled = sum(_rebuild_events(connection, keys, row.id, row.received_at) for row in bodies)
    campaigns = sorted(connection.scalars(_CAMPAIGNS, when))
    classify_again(connection, campaigns)
    counts = connection.execute(_CHANGED, when).one()
    rollups_changed = recount_rollups(connection, campaigns, replace=True)
    connection.execute(text("DROP TABLE events_before"))
    times = [row.received_at for row in bodies]
    return Replayed(
        since, taken_in, not_readable, len(bodies), min(times, default=None), max(times, default=None), kept_since,
        counts.before, counts.after, counts.changed, settled, campaigns, rollups_changed,
    )  # fmt: skip


def _ingest_unprocessed(connection: Connection, keys: Keys, since: datetime) -> tuple[int, int]:
    """Process the bodies that no job has; returns how many succeeded and how many failed."""
    unprocessed = connection.scalars(
        select(WebhookBody.id)
        .where(WebhookBody.received_at >= since, WebhookBody.processed_at.is_(None))
        .order_by(WebhookBody.id)
    ).all()
    broken = 0
    for body_id in unprocessed:
        try:
            with connection.begin_nested():
                ingest_body(connection, body_id, keys)
        except Exception:  # a body that fails must not stop the others
            log.exception("webhook body %s can't be processed", body_id)
            broken += 1
    return len(unprocessed) - broken, broken


def _rebuild_events(connection: Connection, keys: Keys, body_id: int, received_at: datetime) -> int:
    body = connection.execute(select(WebhookBody.body).where(WebhookBody.id == body_id)).scalar_one()

    def rebuild(some: list[dict[str, Any]]) -> list[int]:
        events = to_events(some, keys, received_at)
        match_events(connection, events)
        for each in events:
            each.mailbox = ""  # updates no roll-up: they are recounted at the end
        store_events(connection, events, received_at, body_id)
        return [settle_proven_attempts(connection, events)]

    raw = {f"body {body_id}, event {number}": each for number, each in enumerate(parse_body(bytes(body)), 1)}
    return sum(do_each(connection, EVENT, raw, rebuild))
