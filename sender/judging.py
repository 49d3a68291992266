"""Whether what came back speaks against going on: after a canary, and while a campaign runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select

from sender.mailing import Verdict
from sender.tables import Attempt, Delivery, Event

# In per cent, hard bounces and complaints of the people accepted. Amazon SES puts an account under review from 5 %
# hard bounces on, and pauses it at 10 %. Gmail and Yahoo want less than 0.3 % complaints, better less than 0.1 %.
MOST_BOUNCES, MOST_COMPLAINTS = 5.0, 0.3
# A rate of one or two people says nothing.
FEWEST_BOUNCES, FEWEST_COMPLAINTS = 5, 3


@dataclass(frozen=True)
class Signs:
    """What became of some people so far; `bounced` for good, in people each."""

    people: int
    failed: int
    uncertain: int
    bounced: int
    complained: int


def against_going_on(connection: Connection, campaign: Any) -> str:
    """Why a campaign (its row) should pause, in words, or nothing.

    What was told before a person last resumed it was seen by that person, and counts no more.
    """
    taken = select(func.coalesce(func.sum(Attempt.people), 0)).where(
        Attempt.campaign_id == campaign.id, Attempt.outcome == Verdict.ACCEPTED.value
    )
    people = int(connection.scalar(taken) or 0)
    if not people:
        return ""
    bounced, complained = _told(connection, campaign.id, since=campaign.resumed_at)
    if complained >= FEWEST_COMPLAINTS and complained * 100 > campaign.most_complaints * people:
        return f"{_rate(complained, people)} complained, more than {campaign.most_complaints:g} %"
    if bounced >= FEWEST_BOUNCES and bounced * 100 > campaign.most_bounces * people:
        return f"{_rate(bounced, people)} bounced for good, more than {campaign.most_bounces:g} %"
    return ""


def against_the_rest(connection: Connection, campaign: Any) -> str:
    """Why the rest of a campaign (its row) should not follow its canary, in words, or nothing.

    Of a handful one complaint is far too many; failures, lost answers and bounces together have the bounces' limit.
    """
    signs = _of_canary(connection, campaign)
    if signs.complained:
        return f"{_rate(signs.complained, signs.people)} of the canary complained"
    bad = signs.failed + signs.uncertain + signs.bounced
    if bad * 100 > campaign.most_bounces * signs.people:
        parts = {"failed": signs.failed, "are uncertain": signs.uncertain, "bounced": signs.bounced}
        told = ", ".join(f"{count} {words}" for words, count in parts.items() if count)
        return f"of the canary's {signs.people} people, {told}"
    return ""


def _of_canary(connection: Connection, campaign: Any) -> Signs:
    mine = and_(
        Delivery.campaign_id == campaign.id,
        Delivery.id >= campaign.first_delivery,
        Delivery.id < campaign.rest_from,
        Delivery.state != "excluded",
    )
    row = connection.execute(
        select(
            func.count().label("people"),
            func.count().filter(Delivery.state == "failed").label("failed"),
            func.count().filter(Delivery.state == "uncertain").label("uncertain"),
        ).where(mine)
    ).one()
    bounced, complained = _told(connection, campaign.id, before_delivery=campaign.rest_from)
    return Signs(row.people, row.failed, row.uncertain, bounced, complained)


def _told(
    connection: Connection, campaign_id: int, *, since: datetime | None = None, before_delivery: int | None = None
) -> tuple[int, int]:
    """How many people bounced for good, and complained; two short ranges of an index, however large the campaign."""
    people = func.count(Event.delivery_id.distinct())
    statement = select(
        people.filter(and_(Event.kind == "bounced", Event.bounce == "hard")), people.filter(Event.kind == "complained")
    ).where(Event.campaign_id == campaign_id, Event.kind.in_(["bounced", "complained"]))
    if since is not None:
        statement = statement.where(Event.received_at > since)
    if before_delivery is not None:
        statement = statement.where(Event.delivery_id < before_delivery)
    bounced, complained = connection.execute(statement).one()
    return int(bounced), int(complained)


def _rate(count: int, people: int) -> str:
    return f"{count:,} of {people:,} people ({count / people:.1%})"
