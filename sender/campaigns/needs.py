"""Find what needs a person: campaigns with uncertain people, paused ones, others under way, and open alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from sender.campaigns.campaign_record import CampaignRow, list_campaigns
from sender.delivery.campaign_states import CampaignState
from sender.tables import Alert, Batch, Campaign, LedgerMove


@dataclass(frozen=True)
class CampaignNeed:
    """A campaign that waits for somebody: `uncertain` people, or the reason why it is paused."""

    id: int
    name: str
    state: CampaignState
    pause_reason: str
    uncertain: int


@dataclass(frozen=True)
class OpenAlert:
    """A condition that somebody should know about, since when it lasts; `campaign_id` if it is about one."""

    subject: str
    message: str
    since: datetime
    campaign_id: int | None


@dataclass(frozen=True)
class Needs:
    """Campaigns and alerts that need a person now; nothing is in two of these."""

    uncertain: list[CampaignNeed]
    paused: list[CampaignNeed]
    under_way: list[CampaignRow]
    alerts: list[OpenAlert]


# Alerts about single campaigns repeat what is listed before them.
_REPEATED = ("paused %", "uncertain %")


def find_needs(connection: Connection) -> Needs:
    """Return what needs a person."""
    waiting = _waiting_for_somebody(connection)
    named = {each.id for each in waiting}
    under_way = list_campaigns(connection, states=("sending", "scheduled"))
    return Needs(
        uncertain=[each for each in waiting if each.uncertain],
        paused=[each for each in waiting if not each.uncertain],
        under_way=[row for row in under_way if row.id not in named],
        alerts=_open_alerts(connection),
    )


def _waiting_for_somebody(connection: Connection) -> list[CampaignNeed]:
    """Only a campaign with an uncertain batch can have uncertain people, and there is an index on that."""
    has_uncertain = select(Batch.id).where(Batch.campaign_id == Campaign.id, Batch.state == "uncertain").exists()
    people = (
        select(func.coalesce(func.sum(LedgerMove.people), 0))
        .where(LedgerMove.campaign_id == Campaign.id, LedgerMove.state == "uncertain", has_uncertain)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(Campaign.id, Campaign.name, Campaign.state, Campaign.pause_reason, people)
        .where(Campaign.kind != "test", or_(Campaign.state == "paused", has_uncertain))
        .order_by(Campaign.id.desc())
    )
    return [need for row in rows if (need := CampaignNeed(*row)).uncertain or need.state == "paused"]


def _open_alerts(connection: Connection) -> list[OpenAlert]:
    rows = connection.execute(
        select(Alert.subject, Alert.words, Alert.since, Alert.cause)
        .where(Alert.over_at.is_(None), *(Alert.cause.not_like(each) for each in _REPEATED))
        .order_by(Alert.id)
    )
    # What follows the first paragraph is a command to type.
    return [OpenAlert(row.subject, row.words.partition("\n\n")[0], row.since, _campaign_of(row.cause)) for row in rows]


def _campaign_of(cause: str) -> int | None:
    about, _, number = cause.partition(" ")
    return int(number) if about in ("complaints", "overdue") else None
