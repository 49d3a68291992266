"""The progress of a campaign as somebody follows it: its status, its history, and what came back, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import Connection

from daisychain.database import database_now
from reports.figures import returned
from reports.report import Figure
from sender.campaigns.campaign_history import HistoryEntry, minutes_left, read_history
from sender.campaigns.status import CampaignStatus, campaign_status

# Seconds until a page that shows it may ask again. Webhooks report most deliveries within ten minutes.
SENDING, SLOW = 1, 5
SLOW_AFTER_END = timedelta(minutes=10)


@dataclass(frozen=True)
class CampaignProgress:
    """The progress of a campaign at one moment; `left` is in minutes, None if it is not known.

    `ask_again` is the number of seconds after which it may have changed, None if it does not move by itself.
    """

    status: CampaignStatus
    history: list[HistoryEntry]
    left: int | None
    returned: list[Figure]
    ask_again: int | None

    @property
    def version(self) -> str:
        """Return a hash of all that is shown: the same as long as nothing has changed."""
        figures = [(each.name, each.numerator, each.denominator, each.standing) for each in self.returned]
        return sha256(repr((self.status, self.history, self.left, figures)).encode()).hexdigest()[:16]


def read_progress(connection: Connection, campaign_id: int) -> CampaignProgress:
    """Return a campaign's progress; raises UnknownCampaign if there is none."""
    status = campaign_status(connection, campaign_id)
    return CampaignProgress(
        status, read_history(connection, status), minutes_left(connection, status),
        returned(connection, campaign_id) if status.campaign.frozen_at else [], _ask_again(connection, status),
    )  # fmt: skip


def _ask_again(connection: Connection, status: CampaignStatus) -> int | None:
    campaign = status.campaign
    # A scheduled one without a time is being prepared, which takes seconds.
    if campaign.state == "sending" or (campaign.state == "scheduled" and not campaign.starts_at):
        return SENDING
    ended = database_now(connection) - campaign.finished_at if campaign.finished_at else None
    moves = campaign.state in ("scheduled", "paused") or status.ledger.in_flight
    return SLOW if moves or (ended is not None and ended < SLOW_AFTER_END) else None
