"""Why a campaign is waiting: the provider rate-limited us, or can't be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from daisychain import clock
from sender.delivery.readiness import why_nobody_can
from sender.tables import Attempt, Batch, Campaign

RATE_LIMITED = 429  # "too many requests", of HTTP


@dataclass(frozen=True)
class WaitingReason:
    """When the first of a campaign's postponed batches is retried, and what the provider answered.

    `until` is None if no running process can send it, and `detail` says what each of them lacks.
    """

    until: datetime | None
    status: int | None
    detail: str

    @property
    def text(self) -> str:
        """One line for people."""
        if self.until is None:
            return self.detail
        today = self.until.astimezone(clock.home_zone()).date() == datetime.now(clock.home_zone()).date()
        time = clock.shown_time(self.until) if today else clock.shown(self.until)
        if self.status == RATE_LIMITED:
            return f"SendGrid asks us to wait until {time}"
        return f"{self.detail.rstrip('.')}; next try at {time}"


def find_waiting_reason(connection: Connection, campaign_id: int) -> WaitingReason | None:
    """Return why a campaign is waiting at this moment, or None; looking at it starts nothing."""
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
    if row:
        return WaitingReason(*row)
    due = select(Batch.id).where(
        Batch.campaign_id == campaign_id, Batch.state == "waiting", ~Batch.held, Batch.not_before <= func.now()
    )
    provider = connection.scalar(
        select(Campaign.provider).where(Campaign.id == campaign_id, Campaign.state == "sending", due.exists())
    )
    lacks = why_nobody_can(connection, provider) if provider else ""
    return WaitingReason(None, None, lacks) if lacks else None
