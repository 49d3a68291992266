"""The counts behind the figures of one campaign: sums of its ledger and its roll-ups, also by language."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from sqlalchemy import Connection, Label, and_, exists, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from daisychain.errors import StateError
from reports.link_clicks import LinkClicks, count_links
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.delivery.campaign_emails import emails_of
from sender.delivery.ledger import Ledger, read_ledger, read_ledgers
from sender.tables import Delivery, HourRollup, Rollup

# Only a provider reports these; one of them shows that its webhook reaches us.
_REPORTED_BY_PROVIDERS = ("queued", "deferred", "delivered", "rejected", "bounced_hard", "bounced_soft", "complained")


@dataclass(frozen=True)
class PeopleCounts:
    """Counts of members in one campaign, a column each; one query over the roll-ups counts them.

    An open or a click proves that a mail arrived, even if the provider reported something else.
    """

    arrived: int  # reported delivered, or opened, or clicked; and no hard bounce
    reported_delivered: int
    dropped: int
    hard_bounced: int
    soft_bounced: int
    bounced: int  # hard or soft, and never opened or clicked
    complained: int
    unsubscribed: int
    opened: int  # by a person or a program
    opened_human: int
    opened_unknown: int  # and not by a human
    opened_machine: int  # and only by machines
    clicked: int
    clicked_and_opened: int


NOBODY = PeopleCounts(*(0 for _ in fields(PeopleCounts)))


@dataclass(frozen=True)
class Tallies:
    """Everything counted about one campaign, from one snapshot."""

    campaign: CampaignRecord
    ledger: Ledger
    people: PeopleCounts
    links: list[LinkClicks]
    provider_reported: bool
    delivery_reported: bool  # for the whole campaign: its languages must use one denominator
    as_of: datetime
    languages: dict[str, Tallies] = field(default_factory=dict)  # if there are several, each without its links


def tally(connection: Connection, campaign_id: int) -> Tallies:
    """Count one campaign; raises StateError if it does not exist, was not sent, or is a test."""
    campaign = find_campaign(connection, campaign_id)
    if campaign.is_test:
        raise StateError(f"Campaign {campaign_id} is a test send; test sends are never counted.")
    if campaign.state == "draft":
        raise StateError(
            f"Campaign {campaign_id} has not been sent, so there is nothing to report.",
            hint=f"`daisychain campaign send {campaign_id}` sends it.",
        )
    reported, as_of = connection.execute(select(_provider_reported(campaign_id), func.now())).one()
    people = _people(connection, campaign_id)
    whole = Tallies(
        campaign, read_ledger(connection, campaign_id), people, count_links(connection, campaign),
        provider_reported=reported, delivery_reported=people.reported_delivered > 0, as_of=as_of,
    )  # fmt: skip
    return replace(whole, languages=_by_language(connection, whole))


def _by_language(connection: Connection, whole: Tallies) -> dict[str, Tallies]:
    emails = emails_of(connection, whole.campaign.id)
    if not emails.several:
        return {}
    ledgers = read_ledgers(connection, whole.campaign.id)
    people = _people_by_email(connection, whole.campaign.id)
    return {
        language: replace(whole, ledger=ledgers[id_], people=people.get(id_, NOBODY), links=[])
        for language, id_ in emails.ids.items()
        if id_ in ledgers
    }


def _provider_reported(campaign_id: int) -> ColumnElement[bool]:
    return exists().where(HourRollup.campaign_id == campaign_id, HourRollup.fact.in_(_REPORTED_BY_PROVIDERS))


def _people(connection: Connection, campaign_id: int) -> PeopleCounts:
    counted = select(*_counts()).where(Rollup.campaign_id == campaign_id)
    return PeopleCounts(**connection.execute(counted).mappings().one())


def _people_by_email(connection: Connection, campaign_id: int) -> dict[int, PeopleCounts]:
    counted = (
        select(Delivery.compiled_id, *_counts())
        .join(Delivery, Delivery.id == Rollup.delivery_id)
        .where(Rollup.campaign_id == campaign_id)
        .group_by(Delivery.compiled_id)
    )
    rows = [dict(row) for row in connection.execute(counted).mappings()]
    return {row.pop("compiled_id"): PeopleCounts(**row) for row in rows}


def _counts() -> list[Label[int]]:
    """Return the columns of `PeopleCounts`, over the roll-ups."""
    human, unknown, machine = Rollup.human_opens > 0, Rollup.unknown_opens > 0, Rollup.machine_opens > 0
    opened, clicked = or_(human, unknown, machine), Rollup.clicks > 0
    seen = or_(opened, clicked)
    hard, soft = Rollup.hard_bounced_at.isnot(None), Rollup.soft_bounced_at.isnot(None)
    conditions = {
        "arrived": or_(seen, and_(Rollup.delivered_at.isnot(None), ~hard)),
        "reported_delivered": Rollup.delivered_at.isnot(None),
        "dropped": Rollup.dropped_at.isnot(None),
        "hard_bounced": hard,
        "soft_bounced": and_(soft, ~hard),
        "bounced": and_(or_(hard, soft), ~seen),
        "complained": Rollup.complained_at.isnot(None),
        "unsubscribed": Rollup.unsubscribed_at.isnot(None),
        "opened": opened,
        "opened_human": human,
        "opened_unknown": and_(unknown, ~human),
        "opened_machine": and_(machine, ~human, ~unknown),
        "clicked": clicked,
        "clicked_and_opened": and_(clicked, human),
    }
    return [func.count().filter(condition).label(name) for name, condition in conditions.items()]
