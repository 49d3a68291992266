"""What a campaign waits for that is no plan of ours: a provider that asked for patience, or can't be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from daisychain import clock
from sender.tables import Attempt, Batch, Campaign

ASKED_TO_WAIT = 429  # "too many requests", of HTTP


@dataclass(frozen=True)
class Wait:
    """Until when the first of a campaign's batches that were put back waits, and what the provider said."""

    until: datetime
    status: int | None
    detail: str

    @property
    def words(self) -> str:
        """A line for people."""
        today = self.until.astimezone(clock.home_zone()).date() == datetime.now(clock.home_zone()).date()
        time = clock.shown_time(self.until) if today else clock.shown(self.until)
        if self.status == ASKED_TO_WAIT:
            return f"SendGrid asks us to wait until {time}"
        return f"{self.detail.rstrip('.')}; tried again at {time}"

    def told(self) -> dict[str, Any]:
        """As scripts get it."""
        return {"until": self.until, "status": self.status, "words": self.words}


def upcoming(connection: Connection, campaign_id: int) -> Wait | None:
    """What a campaign under way waits for at this moment; looking wakes nothing."""
    row = connection.execute(
        select(Batch.not_before, Attempt.status, Attempt.detail)
        .join(Attempt, Attempt.id == Batch.attempt_id)
        .join(Campaign, Campaign.id == Batch.campaign_id)
        .where(
            Batch.campaign_id == campaign_id,
            Batch.state == "waiting",
            Batch.held.is_(False),
            Batch.not_before > func.now(),
            Campaign.state == "sending",
        )
        .order_by(Batch.not_before)
        .limit(1)
    ).one_or_none()
    return Wait(row.not_before, row.status, row.detail) if row else None
