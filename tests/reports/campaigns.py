"""A campaign with people at several mailbox providers, who read and clicked at known times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update

from daisychain.database import Database
from sender.events.intake import ingest
from sender.events.sendgrid_webhook import to_events
from sender.tables import Attempt, Campaign, Delivery
from tests.sender.returns import FIREFOX, Sent, sent

TOOLKIT = {"url": "https://campaign.example/toolkit?a=1&b=2", "url_offset": {"index": 0, "type": "html"}}
JOIN = {"url": "https://campaign.example/join?name=P", "url_offset": {"index": 2, "type": "html"}}
DOMAINS = {"Google": "gmail.com", "Microsoft": "outlook.com", "other": "charity.example"}
REGIONS = ("North", "South")  # every seventh person has none, but a team
HOUR = 3600


def told(campaign: Sent, *events: dict[str, Any]) -> None:
    """Take in these events."""
    with campaign.database.engine.begin() as connection:
        now = datetime.now(UTC)
        ingest(connection, to_events(events, campaign.keys, now), now)


def over_days(database: Database, *, people: tuple[int, ...] = (40, 30, 10), **tracking: str) -> Sent:
    """Make a campaign of four days ago: of each provider's people half read, hour by hour, and every fifth clicked."""
    began = datetime.now(UTC) - timedelta(days=4)
    campaign = sent(
        database, sum(people), **{"opens": "provider", "clicks": "provider", **tracking}, frozen_at=began
    )  # type: ignore[arg-type]  # fmt: skip
    campaign.began = int(began.timestamp())
    domains = [domain for domain, count in zip(DOMAINS.values(), people, strict=False) for _ in range(count)]
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(frozen_at=began))
        connection.execute(update(Attempt).values(started_at=began, ended_at=began))
        for number, domain in enumerate(domains):
            region = REGIONS[number % len(REGIONS)] if number % 7 else ""
            values = {"address": f"person{number}@{domain}", "attempt_id": campaign.attempt_id,
                      "dimensions": {"region": region} if region else {"team": "Red"}}  # fmt: skip
            connection.execute(update(Delivery).where(Delivery.id == campaign.deliveries[number]).values(values))
    events = []

    def happened(kind: str, number: int, at: int, **fields: Any) -> None:
        address = f"person{number}@{domains[number]}"
        events.append(campaign.event(kind, number, at=at, email=address, **fields))

    for number, _ in enumerate(domains):
        if number % 19 == 18:
            happened("bounce", number, 5, type="bounce")
            continue
        happened("delivered", number, 5)
        if number % 2 == 0:
            happened("open", number, (number % 48) * HOUR + 60, useragent=FIREFOX)
        if number % 5 == 0:
            where = TOOLKIT if number % 10 else JOIN
            happened("click", number, (number % 48) * HOUR + 90, useragent=FIREFOX, **where)
    told(campaign, *events)
    return campaign
