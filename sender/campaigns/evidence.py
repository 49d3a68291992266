"""Evidence for and against the uncertain people of a campaign, before a person decides about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from daisychain import clock
from daisychain.database import database_now
from daisychain.settings import Settings
from sender.tables import Attempt, Batch, Delivery, Event, HourRollup, WebhookBody

_WEBHOOK = {
    "alive": "The webhook has been heard since, so an event about these people would probably be here by now",
    "silent": "The webhook has been silent since these requests left, so a missing event proves nothing",
    "never heard": "The webhook was never heard, so a missing event proves nothing",
    "no key": "No webhook key is set here, so events can't come in",
}


@dataclass(frozen=True)
class LogEntry:
    """An answer of the provider's own log about one uncertain request."""

    request: int
    at: datetime
    found: str


@dataclass(frozen=True)
class Evidence:
    """The uncertain people and since when, the events that came in, and whether the webhook works.

    `minutes` have passed since the newest uncertain request; `events` counts the campaign's events by fact.
    `webhook` is a key of _WEBHOOK.
    """

    campaign: int
    people: int
    requests: int
    since: datetime | None
    minutes: int | None
    events: Mapping[str, int]
    events_of_these_requests: int
    webhook: str
    webhook_heard_at: datetime | None
    look_ups: list[LogEntry]

    def lines(self) -> list[str]:
        """Return the evidence in sentences, for the person who decides."""
        if not self.people:
            return ["Nobody is uncertain."]
        events = ", ".join(f"{count:,} {fact.replace('_', ' ')}" for fact, count in self.events.items())
        heard = f" (last heard {clock.shown(self.webhook_heard_at)})" if self.webhook_heard_at else ""
        return [
            f"{self.people:,} people of {self.requests:,} requests are uncertain; "
            f"the newest request left {self.minutes:,} minutes ago.",
            f"Events of this campaign: {events or 'none'}; of these requests: {self.events_of_these_requests:,}.",
            f"{_WEBHOOK[self.webhook]}{heard}.",
            *(f"Log, {clock.shown_time(each.at)}, request {each.request}: {each.found}." for each in self.look_ups),
        ]


def read_evidence(connection: Connection, settings: Settings, campaign_id: int) -> Evidence:
    """Return the evidence about a campaign's uncertain people."""
    rows = connection.execute(
        select(Batch.first_id, Batch.last_id, Attempt.id, Attempt.started_at, Attempt.looked_up_at, Attempt.look_up)
        .join(Attempt, Attempt.id == Batch.attempt_id)
        .where(Batch.campaign_id == campaign_id, Batch.state == "uncertain")
        .order_by(Attempt.id)
    ).all()
    people = (
        select(func.count())
        .select_from(Batch)
        .join(Delivery, Delivery.id.between(Batch.first_id, Batch.last_id))
        .where(Batch.campaign_id == campaign_id, Batch.state == "uncertain", Delivery.state == "uncertain")
    )
    # An event that proves its request settles it, so these are others: opens, clicks.
    of_these = select(func.count()).where(
        Event.delivery_id.between(min((row.first_id for row in rows), default=0),
                                  max((row.last_id for row in rows), default=0)),
        Event.attempt_id.in_([row.id for row in rows]),
    )  # fmt: skip
    started = [row.started_at for row in rows]
    since = min(started, default=None)
    heard = connection.scalar(select(WebhookBody.received_at).order_by(WebhookBody.id.desc()).limit(1))
    return Evidence(
        campaign=campaign_id,
        people=connection.scalar(people) or 0,
        requests=len(rows),
        since=since,
        minutes=int((database_now(connection) - max(started)).total_seconds() // 60) if started else None,
        events=_events(connection, campaign_id),
        events_of_these_requests=(connection.scalar(of_these) or 0) if rows else 0,
        webhook=_webhook(settings, heard, since),
        webhook_heard_at=heard,
        look_ups=[LogEntry(row.id, row.looked_up_at, row.look_up) for row in rows if row.looked_up_at],
    )


def _events(connection: Connection, campaign_id: int) -> dict[str, int]:
    rows = connection.execute(
        select(HourRollup.fact, func.sum(HourRollup.events))
        .where(HourRollup.campaign_id == campaign_id, HourRollup.events > 0)
        .group_by(HourRollup.fact)
        .order_by(HourRollup.fact)
    )
    return {fact: int(count) for fact, count in rows}


def _webhook(settings: Settings, heard: datetime | None, since: datetime | None) -> str:
    if not settings.sendgrid_webhook_keys:
        return "no key"
    if heard is None:
        return "never heard"
    return "alive" if since is None or heard >= since else "silent"
