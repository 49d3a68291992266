"""One person's timeline in one campaign: frozen, attempts, the provider's answers, decisions and events, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from sqlalchemy import Connection, Row, func, or_, select

from daisychain.errors import InputError
from lists.addresses import require_address
from lists.audience import PAUSED, RESTRICTED, SUPPRESSED, UNSUBSCRIBED
from lists.tables import Member, Membership, Suppression
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.people_by_state import address_shown
from sender.campaigns.person_outcome import DECIDED, PROVED, decided_outcome, is_double, passing_outcome
from sender.campaigns.resolve import Decision as Resolution
from sender.delivery.campaign_emails import emails_of
from sender.delivery.campaign_states import CANCELLED, LATE_ANSWER
from sender.links.reader_groups import MODES
from sender.providers.provider import Verdict
from sender.tables import Attempt, Batch, Decision, Delivery, Event, Retried


class NotInAudience(InputError):  # noqa: N818 - the name says it
    """The address is of nobody in the campaign's audience."""


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened to one person's mail, with a text for people; `what` names the kind."""

    at: datetime
    what: str
    words: str


@dataclass(frozen=True)
class AttemptEntry(TimelineEntry):
    """An attempt at the person's batch began, or was settled later."""

    batch: int
    attempt: int


@dataclass(frozen=True)
class AnswerEntry(AttemptEntry):
    """The provider answered an attempt."""

    status: int | None
    message_id: str | None


@dataclass(frozen=True)
class EventEntry(TimelineEntry):
    """The provider or our pages reported an event, which reached us at `told_at`."""

    source: str
    attempt: int | None
    told_at: datetime
    by_machine: bool


@dataclass(frozen=True)
class Timeline:
    """One person's state in a campaign, the values merged into the mail, and everything that happened, in order."""

    campaign: CampaignRecord
    address: str
    state: str
    reason: str | None
    values: Mapping[str, object]
    language: str
    entries: list[TimelineEntry]
    without_person: bool  # whether their opens and clicks are counted, and nothing leads to them


_PERSON = (
    Delivery.id, Delivery.member_id, address_shown, Delivery.state, Delivery.reason, Delivery.inputs,
    Delivery.compiled_id, Delivery.attempt_id, Delivery.per_person,
)  # fmt: skip
_Person = Row[int, int | None, str, str, str | None, dict[str, object], int | None, int | None, bool | None]


def read_timeline(connection: Connection, campaign_id: int, email: str) -> Timeline:
    """Return one person's timeline; raises InputError; NotInAudience for an address that is not in it."""
    campaign = find_campaign(connection, campaign_id)
    person = _find(connection, campaign, email)
    emails = emails_of(connection, campaign_id)
    language = emails.language_of(person.compiled_id)
    entries = [
        *_frozen(campaign, person, language if emails.several else ""),
        *_attempts(connection, campaign_id, person),
        *_decisions(connection, campaign_id, person),
        *_events(connection, person),
        *_left(connection, campaign, person),
    ]
    entries.sort(key=lambda entry: entry.at)
    unread = campaign.tracking in MODES and not person.per_person
    return Timeline(campaign, person.address, person.state, person.reason, person.inputs, language, entries, unread)


def _find(connection: Connection, campaign: CampaignRecord, email: str) -> _Person:
    key = require_address(email).key
    if campaign.frozen_at is not None:
        member = select(Member.id).where(Member.address_key == key).scalar_subquery()
        found = connection.execute(
            select(*_PERSON)
            .where(
                Delivery.campaign_id == campaign.id,
                Delivery.id.between(campaign.first_delivery, campaign.last_delivery),
                # By the address at the freeze; or by the member, who may have another one by now.
                or_(func.lower(Delivery.address) == email.strip().lower(), Delivery.member_id == member),
            )
            .order_by(func.lower(Delivery.address) != email.strip().lower(), Delivery.id)
            .limit(1)
        ).one_or_none()
        if found:
            return found
    raise NotInAudience(
        f"{email.strip()} is not in the audience of campaign {campaign.id}.",
        hint="People who joined after the freeze are not in it." if campaign.frozen_at else "It is not frozen yet.",
    )


def _frozen(campaign: CampaignRecord, person: _Person, language: str) -> Iterator[TimelineEntry]:
    if person.state == "excluded" and person.reason in (UNSUBSCRIBED, SUPPRESSED, RESTRICTED, PAUSED):
        text = f"excluded: {person.reason}; no address or values were kept"
    else:
        text = f"written down as {person.address}" + (f", to get it in {language}" if language else "")
    assert campaign.frozen_at is not None
    yield TimelineEntry(campaign.frozen_at, "frozen", text)


def _attempts(connection: Connection, campaign_id: int, person: _Person) -> Iterator[TimelineEntry]:
    """Yield the attempts that this person was in, with the outcome for them; a batch that was split has its own."""
    attempts = connection.execute(
        select(Attempt.__table__)
        .join(Batch, Batch.id == Attempt.batch_id)
        .where(Batch.campaign_id == campaign_id, Batch.first_id <= person.id, Batch.last_id >= person.id)
        .order_by(Attempt.id)
    ).all()
    retries = _retries(connection, person)
    for row in (row for row in attempts if _took_part(person, row, retries.values())):
        if row.id in retries and not is_double(row):
            was = "failed" if retries[row.id].what == "retry" else "uncertain"
            outcome, detail = decided_outcome(was, retries[row.id].reason)
        elif row.id == (person.attempt_id or attempts[-1].id) and person.state in DECIDED:
            outcome, detail = decided_outcome(person.state, person.reason)
        else:
            outcome, detail = passing_outcome(row)
        # A person's decision is about uncertain people; a proof also about people that its attempt accepted.
        theirs = outcome == Verdict.ACCEPTED and bool(detail or row.settled_by in PROVED)
        # The settled outcome is the last word; the answer at that time is in the text.
        detail = row.detail if theirs else detail
        of = (row.batch_id, row.id)
        yield AttemptEntry(row.started_at, "attempt", f"batch {row.batch_id} goes out with {row.people:,} people", *of)
        if row.ended_at:
            text = " ".join(part for part in (outcome, detail and f"({detail})") if part)
            yield AnswerEntry(row.ended_at, "answer", text, *of, row.status, row.message_id or None)
        if row.settled_at and (theirs or outcome == Verdict.UNCERTAIN or row.settled_by == LATE_ANSWER):
            yield AttemptEntry(row.settled_at, "settled", _by(row.settled_by, row.settled_because), *of)


def _retries(connection: Connection, person: _Person) -> dict[int | None, Any]:
    """Return the decisions that made this person wait, by the attempt that had failed or was uncertain."""
    rows = connection.execute(
        select(Retried.attempt_id, Retried.reason, Decision.what, Decision.at)
        .join(Decision, Decision.id == Retried.decision_id)
        .where(Retried.delivery_id == person.id)
    )
    return {row.attempt_id: row for row in rows}


def _took_part(person: _Person, attempt: Any, retries: Iterable[Any]) -> bool:
    """Whether a person was still waiting when an attempt at one of their batches left."""
    gaps = ((row.attempt_id or attempt.id, row.at) for row in retries)
    if attempt.id != person.attempt_id and any(failed < attempt.id and attempt.started_at < at for failed, at in gaps):
        return False
    if person.state == "waiting" or person.reason == CANCELLED:
        return True
    return person.state != "excluded" if person.attempt_id is None else bool(attempt.id <= person.attempt_id)


def _decisions(connection: Connection, campaign_id: int, person: _Person) -> Iterator[TimelineEntry]:
    decisions = connection.execute(
        select(Decision.__table__, Retried.reason.label("was"))
        .outerjoin(Retried, (Retried.decision_id == Decision.id) & (Retried.delivery_id == person.id))
        .where(Decision.campaign_id == campaign_id)
    )
    for row in decisions:
        if row.what in get_args(Resolution):
            continue  # with its attempt, as `settled`
        if row.what != "retry" or row.was is not None:
            failed = f"; had failed: {row.was}" if row.was else ""
            yield TimelineEntry(row.at, row.what, _by(row.who, row.because) + failed)


def _by(who: str, because: str) -> str:
    return f"by {who}" + (f": {because}" if because else "")


def _events(connection: Connection, person: _Person) -> Iterator[TimelineEntry]:
    for row in connection.execute(select(Event.__table__).where(Event.delivery_id == person.id)):
        parts = [row.bounce, row.open_class, row.url, str(row.detail.get("reason") or "")]
        text = " ".join(part for part in parts if part)
        yield EventEntry(
            row.at, row.kind, text, row.source, row.attempt_id, row.received_at, row.open_class == "machine"
        )


def _left(connection: Connection, campaign: CampaignRecord, person: _Person) -> Iterator[TimelineEntry]:
    """Yield that the person left the list or is suppressed, whichever campaign that came from."""
    left = connection.execute(
        select(Membership.left_at, Membership.left_how).where(
            Membership.list_id == campaign.list_id,
            Membership.member_id == person.member_id,
            Membership.left_at.isnot(None),
        )
    ).one_or_none()
    if left:
        yield TimelineEntry(left.left_at, "left the list", left.left_how)
    key = require_address(person.address).key
    row = connection.execute(select(Suppression.__table__).where(Suppression.address_key == key)).one_or_none()
    if row:
        yield TimelineEntry(row.at, "suppressed", row.reason)
