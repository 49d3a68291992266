"""A campaign's history, in sentences: made, decided, written down, sent, answered, ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from daisychain.database import database_now
from sender.campaigns.approvals import requests_of
from sender.campaigns.person_outcome import PROVED
from sender.campaigns.status import CampaignStatus, KeptDecision
from sender.providers.provider import Verdict
from sender.tables import Attempt

# How far back the pace is measured, and how many lost answers are named one by one.
LATELY = timedelta(minutes=1)
LOST_SHOWN = 10

_DECIDED = {
    "send": "{who} sent it",
    "pause": "{who} paused it",
    "resume": "{who} resumed it",
    "cancel": "{who} cancelled it: {people:,} people were not mailed",
    "retry": "{who} retried {people:,} failed people",
    "schedule": "{who} scheduled it",
    "unschedule": "{who} made it a draft again",
    "send-again": "{who} decided to mail {people:,} uncertain people again",
    "count-as-accepted": "{who} counted {people:,} uncertain people as accepted",
}


@dataclass(frozen=True)
class HistoryEntry:
    """Something that happened to a whole campaign."""

    at: datetime
    text: str


def read_history(connection: Connection, found: CampaignStatus) -> list[HistoryEntry]:
    """Return what happened to a campaign, the first first."""
    return sorted(_entries(connection, found), key=lambda entry: entry.at)


def _entries(connection: Connection, found: CampaignStatus) -> Iterator[HistoryEntry]:
    campaign, ledger = found.campaign, found.ledger
    if not campaign.is_to_contacts:  # which are sent as soon as they are written down
        yield HistoryEntry(campaign.created_at, "It was made, as a draft.")
    for decision in found.decisions:
        yield HistoryEntry(decision.at, _decided(decision))
    for kept in requests_of(connection, campaign.id):
        if not kept.is_override:
            yield HistoryEntry(kept.asked_at, f"{kept.asked_by} asked for a second look.")
        if kept.answered_at:
            yield HistoryEntry(kept.answered_at, f"{kept.text}.")
    if campaign.frozen_at:
        yield HistoryEntry(campaign.frozen_at, f"{ledger.intended:,} people were written down.")
    if campaign.finished_at and campaign.state == "finished":
        yield HistoryEntry(campaign.finished_at, "It was finished.")
    of_this = Attempt.campaign_id == campaign.id
    first = connection.execute(select(func.min(Attempt.started_at)).where(of_this)).scalar()
    if first:
        yield HistoryEntry(first, "The first mail left.")
    lost = select(Attempt.__table__).where(of_this, Attempt.outcome == Verdict.UNCERTAIN, Attempt.ended_at.isnot(None))
    for row in connection.execute(lost.order_by(Attempt.id).limit(LOST_SHOWN)):
        yield HistoryEntry(row.ended_at, f"The answer about {row.people:,} people was lost: {row.detail or 'no word'}.")
    proved = select(Attempt.settled_at, Attempt.people).where(of_this, Attempt.settled_by.in_(PROVED))
    for row in connection.execute(proved.order_by(Attempt.id).limit(LOST_SHOWN)):
        yield HistoryEntry(
            row.settled_at, f"It became known what happened to {row.people:,} people whose answer was lost."
        )


def _decided(decision: KeptDecision) -> str:
    text = _DECIDED.get(decision.what, "{who}: {what}").format(**vars(decision))
    return (
        f"{text}{' ' if decision.what == 'schedule' else ': '}{decision.because}." if decision.because else f"{text}."
    )


def minutes_left(connection: Connection, found: CampaignStatus) -> int | None:
    """Return how long the people who wait will take at the pace of the last minute; None if that is not known.

    While the first few are watched, the rest waits for them, whatever the pace was.
    """
    since = database_now(connection) - LATELY
    lately = select(func.sum(Attempt.accepted + Attempt.refused)).where(
        Attempt.campaign_id == found.campaign.id, Attempt.ended_at > since
    )
    runs = found.campaign.state == "sending" and not found.wait and not found.plan.canary_out
    done = connection.scalar(lately) if runs else 0
    return max(1, round(found.ledger.waiting / done)) if done else None
