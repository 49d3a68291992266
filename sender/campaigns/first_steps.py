"""The first day: the steps from an empty installation to a test in one's own mailbox, and which are done."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from daisychain.settings import Settings
from lists.tables import MailingList, Membership
from newsletters.tables import StoredNewsletter, StoredToolkit
from sender.tables import Campaign, Delivery


@dataclass(frozen=True)
class FirstSteps:
    """Which of the first steps are done; `sent` says that the first day is over."""

    provider: bool
    people: bool
    toolkit: bool
    newsletter: bool
    test: bool
    sent: bool


def find_first_steps(connection: Connection, settings: Settings) -> FirstSteps:
    """Return how far a new installation has come."""

    def some(condition: object) -> bool:
        return connection.execute(select(1).where(condition).limit(1)).first() is not None  # type: ignore[arg-type]

    if some((Campaign.kind == "campaign") & Campaign.frozen_at.is_not(None)):
        return FirstSteps(*[True] * 6)
    tested = Delivery.id.between(Campaign.first_delivery, Campaign.last_delivery) & (Delivery.state == "accepted")
    return FirstSteps(
        provider=settings.provider != "outbox" and some(MailingList.from_address != ""),
        people=some(Membership.state == "subscribed"),
        toolkit=some(StoredToolkit.name != ""),
        newsletter=some(Campaign.kind == "campaign") or some(StoredNewsletter.deleted_at.is_(None)),
        test=some((Campaign.kind == "test") & tested),
        sent=False,
    )
