"""Repeats: other campaigns from which the same people get the same newsletter within a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, func, or_, select

from daisychain import clock
from lists.segments.question_error import QuestionError
from lists.tables import Member
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.follow_ups import audience_of
from sender.delivery.campaign_emails import emails_of
from sender.tables import Attempt, Campaign, CampaignEmail, Delivery

WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Repeat:
    """An earlier or planned campaign with the same content, or made from the same document, and who gets both."""

    campaign_id: int
    name: str
    starts_at: datetime | None  # if it is only planned
    same_content: bool
    people: int
    waiting: int  # of these people, those who are still to get it

    @property
    def text(self) -> str:
        """One line for people."""
        when = f", planned for {clock.shown(self.starts_at)}," if self.starts_at else ""
        what = "content" if self.same_content else "newsletter"
        whom = "1 of these people" if self.people == 1 else f"{self.people:,} of these people"
        had = self.people - self.waiting
        so_far = f" ({had:,} ha{'s' if had == 1 else 've'} it, {self.waiting:,} wait{'s' * (self.waiting == 1)} for it)"
        return (
            f"campaign {self.campaign_id} ({self.name}){when} has the same {what} for {whom}"
            f"{so_far if self.waiting else ''}, within a day"
        )


def find_repeats(connection: Connection, campaign: CampaignRecord, at: datetime) -> list[Repeat]:
    """Return the campaigns that a campaign sent at `at` repeats for somebody, newest first."""
    mine = audience_of(connection, campaign)
    found = []
    for other in _alike(connection, campaign, at):
        gets, mailable = _who_gets(connection, other.id, at), mine.mailable(func.count())
        if count := connection.scalar(mailable.where(Member.id.in_(gets))):
            planned, over = other.frozen_at is None, other.state in ("finished", "cancelled")
            to_come = mailable.where(Member.id.in_(gets.where(Delivery.state == "waiting")))
            waiting = 0 if planned or over else connection.scalar(to_come)
            starts_at = other.starts_at if planned else None
            found.append(Repeat(other.id, other.name, starts_at, other.same, int(count), int(waiting or 0)))
    return found


def _alike(connection: Connection, campaign: CampaignRecord, at: datetime) -> Iterator[Row[*tuple[object, ...]]]:
    content = emails_of(connection, campaign.id).all()
    translated = select(CampaignEmail.compiled_id).where(
        CampaignEmail.campaign_id == Campaign.id, CampaignEmail.compiled_id.in_(content)
    )
    same = or_(Campaign.compiled_id.in_(content), translated.exists())
    # One without a time is being prepared.
    begins = func.coalesce(Campaign.starts_at, at).between(at - WITHIN, at + WITHIN)
    planned = and_(Campaign.state.in_(["scheduled", "paused"]), Campaign.frozen_at.is_(None), begins)
    lately = and_(Campaign.frozen_at.is_not(None), func.coalesce(Campaign.finished_at, at) > at - WITHIN)
    columns = (Campaign.id, Campaign.name, Campaign.state, Campaign.frozen_at, Campaign.starts_at, same.label("same"))
    yield from connection.execute(
        select(*columns)
        .where(Campaign.kind == "campaign", Campaign.id != campaign.id, or_(planned, lately))
        .where(or_(same, Campaign.document == campaign.document))
        .order_by(Campaign.id.desc())
    )


def _who_gets(connection: Connection, campaign_id: int, at: datetime) -> Select[int | None]:
    """Select the members who got a campaign within a day of `at`, may have got it, or are still to get it."""
    campaign = find_campaign(connection, campaign_id)
    if campaign.frozen_at is None:
        try:
            return audience_of(connection, campaign).mailable(Member.id)
        except QuestionError:  # its segment can't be answered any more, so it goes to nobody
            return select(Member.id).where(false())
    then: ColumnElement[datetime] = func.coalesce(Attempt.started_at, campaign.finished_at or campaign.frozen_at)
    got = and_(Delivery.state.in_(["accepted", "uncertain"]), then > at - WITHIN)
    return (
        select(Delivery.member_id)
        .outerjoin(Attempt, Attempt.id == Delivery.attempt_id)
        .where(
            Delivery.campaign_id == campaign.id,
            Delivery.id.between(campaign.first_delivery, campaign.last_delivery),
            or_(got, Delivery.state == "waiting"),
        )
    )
