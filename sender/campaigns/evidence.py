"""What speaks for and against the uncertain people of a campaign, before a person decides about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from daisychain import clock
from daisychain.settings import Settings
from sender.tables import Attempt, Batch, Delivery, Event, HourRollup, WebhookBody


def evidence(connection: Connection, settings: Settings, campaign_id: int) -> dict[str, Any]:
    """How many are uncertain and for how long, what was told meanwhile, and whether the webhook is alive.

    `minutes` have passed since the youngest uncertain request; `events` counts what was told of the campaign by fact.
    """
    batches = (
        select(Batch.first_id, Batch.last_id, Attempt.id, Attempt.started_at, Attempt.looked_up_at, Attempt.look_up)
        .join(Attempt, Attempt.id == Batch.attempt_id)
        .where(Batch.campaign_id == campaign_id, Batch.state == "uncertain")
        .order_by(Attempt.id)
    )
    rows = connection.execute(batches).all()
    people = connection.scalar(
        select(func.count())
        .select_from(Batch)
        .join(Delivery, Delivery.id.between(Batch.first_id, Batch.last_id))
        .where(Batch.campaign_id == campaign_id, Batch.state == "uncertain", Delivery.state == "uncertain")
    )
    started = [row.started_at for row in rows]
    heard = _last_body(connection)
    return {
        "campaign": campaign_id,
        "people": people,
        "requests": len(rows),
        "since": min(started, default=None),
        "minutes": int((datetime.now(UTC) - max(started)).total_seconds() // 60) if started else None,
        "events": _events(connection, campaign_id),
        "events_of_these_requests": _of_these(connection, rows) if rows else 0,
        "webhook": _webhook(settings, heard, min(started, default=None)),
        "webhook_heard_at": heard,
        "look_ups": [
            {"request": row.id, "at": row.looked_up_at, "found": row.look_up} for row in rows if row.looked_up_at
        ],
    }  # fmt: skip


def _of_these(connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> int:
    """An event that proves its request settles it, so these are others: opens, clicks."""
    first, last = min(row.first_id for row in rows), max(row.last_id for row in rows)
    of_these = Event.delivery_id.between(first, last), Event.attempt_id.in_([row.id for row in rows])
    return connection.scalar(select(func.count()).select_from(Event).where(*of_these)) or 0


def _events(connection: Connection, campaign_id: int) -> dict[str, int]:
    rows = connection.execute(
        select(HourRollup.fact, func.sum(HourRollup.events))
        .where(HourRollup.campaign_id == campaign_id)
        .group_by(HourRollup.fact)
        .order_by(HourRollup.fact)
    )
    return {fact: int(count) for fact, count in rows}


def _last_body(connection: Connection) -> datetime | None:
    return connection.scalar(select(WebhookBody.received_at).order_by(WebhookBody.id.desc()).limit(1))


def _webhook(settings: Settings, heard: datetime | None, since: datetime | None) -> str:
    """alive: heard since the first of these requests left; silent: not since; never heard; or no key to verify by."""
    if not settings.sendgrid_webhook_keys:
        return "no key"
    if heard is None:
        return "never heard"
    return "alive" if since is None or heard >= since else "silent"


def in_words(found: dict[str, Any]) -> list[str]:
    """The evidence in sentences, for the person who is to decide."""
    if not found["people"]:
        return ["Nobody is uncertain."]
    told = ", ".join(f"{count:,} {fact.replace('_', ' ')}" for fact, count in found["events"].items())
    webhook = {
        "alive": "The webhook is alive, so an event would have come by now if it was to come soon",
        "silent": "The webhook has been silent since these requests left, so no event means nothing",
        "never heard": "The webhook was never heard, so no event means nothing",
        "no key": "No webhook key is set here, so events can't come in",
    }[found["webhook"]]
    heard = f" (last heard {clock.shown(found['webhook_heard_at'])})" if found["webhook_heard_at"] else ""
    lines = [
        f"{found['people']:,} people of {found['requests']:,} requests are uncertain; "
        f"the youngest request left {found['minutes']:,} minutes ago.",
        f"Events of this campaign: {told or 'none'}; of these requests: {found['events_of_these_requests']:,}.",
        f"{webhook}{heard}.",
    ]
    lines += [
        f"Log, {clock.shown_time(each['at'])}, request {each['request']}: {each['found']}."
        for each in found["look_ups"]
    ]
    return lines
