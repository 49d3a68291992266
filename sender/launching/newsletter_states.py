"""States of newsletters on their way to people: nothing yet, waiting for an approval, or sent to so many."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, cast, func, select

from sender.campaigns.approvals import newest_requests
from sender.tables import Approval, Campaign, LedgerMove


@dataclass(frozen=True)
class NewsletterState:
    """The newest campaign of a newsletter; `people` counts the accepted mails."""

    campaign_id: int
    state: str
    at: datetime | None
    people: int
    waits_for_approval: bool

    def said(self, day: str) -> str:
        """Return it in words, for a day in words: "sent 12 May to 945"; empty for a draft that waits for nobody."""
        if self.state == "draft":
            return "waits for approval" if self.waits_for_approval else ""
        if self.state == "finished":
            return f"sent {day} to {self.people:,}"
        return self.state if self.state in ("scheduled", "cancelled") else f"{self.state}, {self.people:,} so far"


def newsletter_states(connection: Connection, documents: Collection[str]) -> dict[str, NewsletterState]:
    """Return the newest campaign of each newsletter that has one, by its origin."""
    newest = select(func.max(Campaign.id)).where(Campaign.document.in_(documents), Campaign.kind == "campaign")
    accepted = select(func.sum(LedgerMove.people)).where(
        LedgerMove.campaign_id == Campaign.id, LedgerMove.state == "accepted"
    )
    asked = select(Approval.id).where(
        Approval.campaign_id == Campaign.id, Approval.id.in_(newest_requests()), Approval.answer == "asked"
    )
    rows = connection.execute(
        select(
            Campaign.document, Campaign.id, Campaign.state, func.coalesce(Campaign.frozen_at, Campaign.starts_at),
            cast(func.coalesce(accepted.scalar_subquery(), 0), BigInteger), asked.exists(),
        ).where(Campaign.id.in_(newest.group_by(Campaign.document)))
    )  # fmt: skip
    return {row[0]: NewsletterState(*row[1:]) for row in rows}
