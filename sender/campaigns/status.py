"""A campaign's status: its record with the ledger, the languages, the batches, the plan and what people decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from daisychain.database import database_now
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.overrides import KeptOverride, overrides_of
from sender.campaigns.waiting_reason import WaitingReason, find_waiting_reason
from sender.delivery.campaign_emails import Emails, emails_of
from sender.delivery.ledger import NOTHING, Ledger, read_ledger, read_ledgers
from sender.tables import Attempt, Batch, Decision, Delivery


@dataclass(frozen=True)
class PlanProgress:
    """The parts of a campaign's plan that still hold it back; `held` counts batches.

    `canary_people` are more than were asked for if the canary has its share, rounded up, of several kinds of mail.
    """

    begins_at: datetime | None
    canary_out: bool
    canary_until: datetime | None
    canary_people: int
    held: int


@dataclass(frozen=True)
class KeptDecision:
    """A person's decision about a campaign, and how many people it moved."""

    at: datetime
    what: str
    who: str
    because: str
    people: int


@dataclass(frozen=True)
class CampaignStatus:
    """Everything that a person or a script is shown about one campaign.

    `languages` is empty unless people get different emails; `batches` counts them by state.
    """

    campaign: CampaignRecord
    ledger: Ledger
    fallback: str
    languages: Mapping[str, Ledger]
    batches: Mapping[str, int]
    wait: WaitingReason | None
    plan: PlanProgress
    decisions: list[KeptDecision]
    overrides: list[KeptOverride]
    attempts: int


def campaign_status(connection: Connection, campaign_id: int) -> CampaignStatus:
    """Return a campaign's status; raises StateError if there is no such campaign."""
    campaign = find_campaign(connection, campaign_id)
    emails = emails_of(connection, campaign_id)
    attempts = select(func.count()).where(Attempt.campaign_id == campaign_id).scalar_subquery().label("attempts")
    counts = (func.count().label("batches"), func.count().filter(Batch.held).label("held"), attempts)
    rows = connection.execute(
        select(Batch.state, *counts).where(Batch.campaign_id == campaign_id).group_by(Batch.state)
    ).all()
    return CampaignStatus(
        campaign=campaign,
        ledger=read_ledger(connection, campaign_id),
        fallback=emails.language_of(emails.fallback),
        languages=_languages(connection, campaign_id, emails) if emails.several else {},
        batches={row.state: row.batches for row in rows},
        wait=find_waiting_reason(connection, campaign_id),
        plan=_plan(connection, campaign, sum(row.held for row in rows if row.state == "waiting")),
        decisions=_decisions(connection, campaign_id),
        overrides=overrides_of(connection, campaign_id),
        attempts=rows[0].attempts if rows else 0,
    )


def _languages(connection: Connection, campaign_id: int, emails: Emails) -> dict[str, Ledger]:
    """Return a ledger by language; excluded people count under the language that they would have got."""
    ledgers = read_ledgers(connection, campaign_id)
    return {language: ledgers.get(id_, NOTHING) for language, id_ in emails.ids.items()}


def _plan(connection: Connection, campaign: CampaignRecord, held: int) -> PlanProgress:
    under_way = campaign.state in ("scheduled", "sending", "paused")
    starts_at = campaign.starts_at
    canary_out = under_way and campaign.rest_from is not None
    return PlanProgress(
        begins_at=starts_at if under_way and starts_at and starts_at > database_now(connection) else None,
        canary_out=canary_out,
        canary_until=campaign.canary_until if canary_out else None,
        canary_people=_before_rest(connection, campaign) if canary_out else 0,
        held=held,
    )


def _before_rest(connection: Connection, campaign: CampaignRecord) -> int:
    assert campaign.first_delivery is not None
    assert campaign.rest_from is not None
    ids = Delivery.id.between(campaign.first_delivery, campaign.rest_from - 1)
    return connection.scalar(select(func.count()).where(Delivery.campaign_id == campaign.id, ids)) or 0


def _decisions(connection: Connection, campaign_id: int) -> list[KeptDecision]:
    columns = (Decision.at, Decision.what, Decision.who, Decision.because, Decision.people)
    rows = connection.execute(select(*columns).where(Decision.campaign_id == campaign_id).order_by(Decision.id))
    return [KeptDecision(*row) for row in rows]
