"""Events worked out again from the webhook bodies that are kept, and the roll-ups from all events.

For when our words for an event change, or to see that nothing depends on the day's accidents. Our own hits are
events from the beginning and stay; so do events whose bodies are gone. What was done to people stays done:
nobody is suppressed or unsubscribed by a replay, save by a body that had not been taken in before.
"""

# ruff: noqa: S608 - the pieces of its SQL are constants of ours

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select, text

from sender.events.intake import place, settle, take_in_body
from sender.events.recount import recount
from sender.events.rollups import store
from sender.events.sendgrid_webhook import normalise_all, parse
from sender.links.keys import Keys
from sender.tables import WebhookBody

log = logging.getLogger("daisychain.replay")

# Which body told it, and when, may change where two bodies told the same; nothing else may.
_SAME = (
    "natural_key, source, kind, at, delivery_id, campaign_id, attempt_id, link, url, bounce, open_class, user_agent, "
    "network, detail"
)
# An event's time of receipt is its body's, by which PostgreSQL passes over the older part of the table.
_OF_BODIES = """
    received_at >= :since
    AND body_id IN (SELECT id FROM webhook_bodies WHERE received_at >= :since AND processed_at IS NOT NULL)
"""
_KEEP = text(f"CREATE TEMPORARY TABLE told_before ON COMMIT DROP AS SELECT {_SAME} FROM events WHERE {_OF_BODIES}")
_FORGET = text(f"DELETE FROM events WHERE {_OF_BODIES}")
_CHANGED = text(f"""
    WITH told_now AS (SELECT {_SAME} FROM events WHERE {_OF_BODIES})
    SELECT (SELECT count(*) FROM told_before) AS before, (SELECT count(*) FROM told_now) AS after, (
        SELECT count(*) FROM (
            (SELECT * FROM told_before EXCEPT SELECT * FROM told_now)
            UNION ALL (SELECT * FROM told_now EXCEPT SELECT * FROM told_before)) AS x) AS changed
""")
_CAMPAIGNS = text(f"""
    SELECT campaign_id FROM told_before WHERE campaign_id IS NOT NULL
    UNION SELECT campaign_id FROM events WHERE campaign_id IS NOT NULL AND {_OF_BODIES}
""")


@dataclass
class Replayed:
    """What a replay read, and what came out otherwise than before; `settled` counts uncertain people."""

    since: datetime
    taken_in: int  # bodies that no job had taken in, for the first time now
    not_readable: int  # bodies that can't be taken in; the log says why
    bodies: int
    first_body: datetime | None
    last_body: datetime | None
    kept_since: datetime | None  # older bodies are gone: the events before stand as they are
    events_before: int = 0
    events_after: int = 0
    events_changed: int = 0
    settled: int = 0
    campaigns: list[int] = field(default_factory=list)
    rollups_changed: dict[str, int] = field(default_factory=dict)


def replay(connection: Connection, keys: Keys, since: datetime) -> Replayed:
    """Work the events of all bodies since then out again, and the roll-ups of their campaigns from all their events.

    Bodies that no job could take in are taken in first. In the caller's transaction; until that ends, nobody else can
    add an event.
    """
    connection.execute(text("LOCK TABLE events IN SHARE ROW EXCLUSIVE MODE"))
    taken_in, not_readable = _take_in_the_left(connection, keys, since)
    kept_since = connection.scalar(select(WebhookBody.received_at).order_by(WebhookBody.id).limit(1))
    bodies = connection.execute(
        select(WebhookBody.id, WebhookBody.received_at)
        .where(WebhookBody.received_at >= since, WebhookBody.processed_at.isnot(None))
        .order_by(WebhookBody.id)
    ).all()
    times = [row.received_at for row in bodies]
    found = Replayed(
        since, taken_in, not_readable, len(bodies), min(times, default=None), max(times, default=None), kept_since
    )
    when = {"since": since}
    connection.execute(_KEEP, when)
    connection.execute(_FORGET, when)
    for row in bodies:
        found.settled += _tell_again(connection, keys, row.id, row.received_at)
    counts = connection.execute(_CHANGED, when).one()
    found.events_before, found.events_after, found.events_changed = counts
    found.campaigns = sorted(connection.scalars(_CAMPAIGNS, when))
    found.rollups_changed = recount(connection, found.campaigns, replace=True)
    connection.execute(text("DROP TABLE told_before"))
    return found


def _take_in_the_left(connection: Connection, keys: Keys, since: datetime) -> tuple[int, int]:
    """Take in the bodies that no job has; returns how many could be, and how many could not."""
    left = connection.scalars(
        select(WebhookBody.id)
        .where(WebhookBody.received_at >= since, WebhookBody.processed_at.is_(None))
        .order_by(WebhookBody.id)
    ).all()
    broken = 0
    for body_id in left:
        try:
            with connection.begin_nested():
                take_in_body(connection, body_id, keys)
        except Exception:  # whatever its job failed of must not keep the others from being told
            log.exception("webhook body %s can't be taken in", body_id)
            broken += 1
    return len(left) - broken, broken


def _tell_again(connection: Connection, keys: Keys, body_id: int, received_at: datetime) -> int:
    body = connection.execute(select(WebhookBody.body).where(WebhookBody.id == body_id)).scalar_one()
    happenings = normalise_all(parse(bytes(body)), keys, received_at)
    place(connection, happenings)
    for each in happenings:
        each.mailbox = ""  # moves no roll-up: they are counted anew when all is told
    store(connection, happenings, received_at, body_id)
    return settle(connection, happenings)
