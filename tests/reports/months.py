"""A list whose people got campaigns in several months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from daisychain.database import Database
from tests.reports.test_notes import LINK, tell
from tests.sender.returns import FIREFOX, Sent, resent, sent

PEOPLE = 12
LEAVE = "UPDATE memberships SET state = 'unsubscribed', left_at = :at WHERE member_id = :id"


def the_list(database: Database) -> str:
    with database.engine.connect() as connection:
        return str(connection.scalar(text("SELECT name FROM lists")))


def change(database: Database, statement: str, **values: object) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(statement), values)


def months_ago(months: int) -> datetime:
    """The middle of an earlier month."""
    now = datetime.now(UTC)
    number = now.year * 12 + now.month - 1 - months
    return datetime(number // 12, number % 12 + 1, 15, 12, tzinfo=UTC)


def of_last_month(database: Database) -> Sent:
    """A campaign of last month; its people joined two months ago."""
    campaign = sent(database, people=PEOPLE, frozen_at=months_ago(1))
    change(database, "UPDATE memberships SET joined_at = :at", at=months_ago(2))
    tell(campaign, *(campaign.event("delivered", person) for person in range(PEOPLE)))
    settle(database, campaign, months_ago(1))
    return campaign


def settle(database: Database, campaign: Sent, sent_at: datetime) -> None:
    """Let a campaign have been sent, and its mails delivered, at a time."""
    values = {"id": campaign.campaign_id, "at": sent_at}
    change(database, "UPDATE campaigns SET state = 'finished', frozen_at = :at WHERE id = :id", **values)
    change(database, "UPDATE attempts SET ended_at = :at WHERE campaign_id = :id", **values)
    change(database, "UPDATE delivery_rollups SET delivered_at = :at WHERE campaign_id = :id", **values)


def more(database: Database, first: Sent, clickers: int, sent_at: datetime) -> Sent:
    """Another campaign to the same people, of whom some clicked."""
    with database.engine.begin() as connection:
        campaign = resent(database, connection, first.list_id, first.members)
    clicks = [campaign.event("click", person, useragent=FIREFOX, **LINK) for person in range(clickers)]
    tell(campaign, *(campaign.event("delivered", person) for person in range(PEOPLE)), *clicks)
    settle(database, campaign, sent_at)
    values = {"id": campaign.campaign_id, "at": sent_at + timedelta(hours=1)}
    change(database, "UPDATE delivery_rollups SET first_click_at = :at "
                     "WHERE campaign_id = :id AND first_click_at IS NOT NULL", **values)  # fmt: skip
    return campaign
