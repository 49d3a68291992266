"""Automatic pauses: too many bounces, complaints or refusals, after a canary and while a campaign is sending."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, and_, func, select

from sender.campaigns.campaign_record import CampaignRecord
from sender.tables import Attempt, Delivery, Event, MailboxRollup

# In per cent, hard bounces and complaints of the people accepted. Amazon SES puts an account under review from 5 %
# hard bounces on, and pauses it at 10 %. Gmail and Yahoo want less than 0.3 % complaints, better less than 0.1 %.
MOST_BOUNCES, MOST_COMPLAINTS = 5.0, 0.3
# A rate of one or two people means nothing. Refusals have the bounces' limit, but come in lumps.
FEWEST_BOUNCES, FEWEST_COMPLAINTS, FEWEST_REFUSED = 5, 3, 20


def against_going_on(connection: Connection, campaign: CampaignRecord) -> str:
    """Return why a campaign should pause, for people, or nothing.

    Events from before a person last resumed it no longer count: that person has seen them.
    """
    people, refused, answered = _answered(connection, campaign)
    if refused >= FEWEST_REFUSED and refused * 100 > campaign.most_bounces * answered:
        return f"{_rate(refused, answered)} were refused, more than {campaign.most_bounces:g} %"
    if not people:
        return ""
    counts = _told_of_all(connection, campaign.id)
    if _too_many(campaign, people, *counts) and campaign.resumed_at is not None:
        counts = _told(connection, campaign, campaign.last_delivery, since=campaign.resumed_at)
    return _too_many(campaign, people, *counts)


def _too_many(campaign: CampaignRecord, people: int, bounced: int, complained: int) -> str:
    """Return why these are too many of the `people` accepted, for people, or nothing."""
    if complained >= FEWEST_COMPLAINTS and complained * 100 > campaign.most_complaints * people:
        return f"{_rate(complained, people)} complained, more than {campaign.most_complaints:g} %"
    if bounced >= FEWEST_BOUNCES and bounced * 100 > campaign.most_bounces * people:
        return f"{_rate(bounced, people)} bounced permanently, more than {campaign.most_bounces:g} %"
    return ""


def against_the_rest(connection: Connection, campaign: CampaignRecord) -> str:
    """Return why the rest of a campaign should not follow its canary, for people, or nothing.

    One complaint of a handful is too many; failures, lost answers and bounces together have the bounces' limit.
    """
    assert campaign.rest_from is not None
    failed, uncertain = (func.count().filter(Delivery.state == state) for state in ("failed", "uncertain"))
    counts = connection.execute(
        select(func.count().label("people"), failed.label("failed"), uncertain.label("uncertain")).where(
            Delivery.campaign_id == campaign.id,
            Delivery.id >= campaign.first_delivery,
            Delivery.id < campaign.rest_from,
            Delivery.state != "excluded",
        )
    ).one()
    bounced, complained = _told(connection, campaign, campaign.rest_from - 1)
    if complained:
        return f"{_rate(complained, counts.people)} of the canary complained"
    if (counts.failed + counts.uncertain + bounced) * 100 > campaign.most_bounces * counts.people:
        parts = {"failed": counts.failed, "are uncertain": counts.uncertain, "bounced": bounced}
        signs = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
        return f"of the canary's {counts.people} people, {signs}"
    return ""


def _answered(connection: Connection, campaign: CampaignRecord) -> tuple[int, int, int]:
    """Count people accepted so far, people refused since a person last resumed it, and both since then.

    Each attempt knows how many people the ledger moved by it, so nobody counts twice.
    """
    accepted, refused = func.sum(Attempt.accepted), func.sum(Attempt.refused)
    since = Attempt.ended_at > (campaign.resumed_at or datetime.min.replace(tzinfo=UTC))
    row = connection.execute(
        select(accepted, refused.filter(since), accepted.filter(since)).where(Attempt.campaign_id == campaign.id)
    ).one()
    people, lately_refused, lately_accepted = (int(value or 0) for value in row)
    return people, lately_refused, lately_refused + lately_accepted


def _told_of_all(connection: Connection, campaign_id: int) -> tuple[int, int]:
    """Count hard bounces and complaints of a campaign in people, from the roll-ups: a few rows at any size."""
    people = func.sum(MailboxRollup.people)
    row = connection.execute(
        select(
            people.filter(MailboxRollup.fact == "bounced_hard"), people.filter(MailboxRollup.fact == "complained")
        ).where(MailboxRollup.campaign_id == campaign_id)
    ).one()
    bounced, complained = (int(value or 0) for value in row)
    return bounced, complained


def _told(
    connection: Connection, campaign: CampaignRecord, last_delivery: int | None, *, since: datetime | None = None
) -> tuple[int, int]:
    """Count hard bounces and complaints among deliveries up to `last_delivery`, in people.

    Reads the index of events by delivery over that range: no other campaign's events, but all of these people's.
    """
    people = func.count(Event.delivery_id.distinct())
    statement = select(
        people.filter(and_(Event.kind == "bounced", Event.bounce == "hard")), people.filter(Event.kind == "complained")
    ).where(
        Event.delivery_id.between(campaign.first_delivery, last_delivery),
        Event.campaign_id == campaign.id,
        Event.kind.in_(["bounced", "complained"]),
    )
    if since is not None:
        statement = statement.where(Event.received_at > since)
    bounced, complained = connection.execute(statement).one()
    return int(bounced), int(complained)


def _rate(count: int, people: int) -> str:
    return f"{count:,} of {people:,} people ({count / people:.1%})"
