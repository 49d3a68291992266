"""Approvals: a second person's yes to a draft, bound to its content, its plan and to how many people get it.

Any change voids it, and `why_void` says what changed. `who` and `who_id` are a name and the number of an account.
Every way to send asks `require_approved`: it is in `begin`, before the freeze, and in `schedule`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from lists.list_people import ListPeople
from newsletters.stored.manuscripts import name_of_origin
from newsletters.stored.newsletters import UnknownNewsletter, find
from sender.campaigns import plans
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.follow_ups import audience_of
from sender.campaigns.overrides import overrides_of
from sender.delivery.campaign_emails import emails_of
from sender.links.sent_mail import load_emails
from sender.tables import Approval, Campaign

# How far the number of people may move, as a share, before a yes to it is void.
TOLERANCE = 0.02

HOW = 'Ask for a second look at the desk; or, with your name and a reason: campaign send --without-approval "…"'

Answer = Literal["asked", "yes", "no"]


@dataclass(frozen=True)
class KeptApproval:
    """A request for a second look, and its answer; `content` and `people` are what the yes was to."""

    id: int
    campaign_id: int
    asked_by: str
    asked_by_id: int
    asked_at: datetime
    answer: Answer
    answered_by: str
    answered_by_id: int | None
    answered_at: datetime | None
    because: str
    content: dict[str, str]
    people: int

    @property
    def is_override(self) -> bool:
        """Whether somebody at the command line sent it without a second person."""
        return self.answer == "yes" and self.answered_by_id is None

    @property
    def text(self) -> str:
        """Say what was answered, for people."""
        if self.is_override:
            return f"{self.answered_by} sent it without a second person: {self.because}"
        return (
            f"{self.answered_by} approved it" if self.answer == "yes" else f"{self.answered_by} said no: {self.because}"
        )


def is_needed(settings: Settings, people: int) -> bool:
    """Whether a send to so many people needs a second person, by DAISYCHAIN_APPROVAL: off, always, or over N."""
    if settings.approval == "always":
        return True
    return settings.approval != "off" and people > int(settings.approval.removeprefix("over "))


def content_of(connection: Connection, campaign: CampaignRecord) -> dict[str, str]:
    """Return what a yes is to, by what it is for a person: each email by its hash, sender, people, tracking, plan."""
    emails = emails_of(connection, campaign.id)
    made = load_emails(connection, emails.all())
    accepted = (f"{each.code}: {each.because}" for each in overrides_of(connection, campaign.id))
    parts = {f"the text in {emails.language_of(id_)}": email.hash for id_, email in made.items()}
    return parts | {
        "the sender": f"{campaign.from_name} <{campaign.from_address}>",
        "where replies go": campaign.reply_to,
        "the list": campaign.list_name or "",
        "the choice of people": f"{campaign.of_whom} of campaign {campaign.of_campaign_id}" * bool(campaign.of_whom),
        "tracking": campaign.reading,
        "the list of accepted errors": "; ".join(accepted),
        "the provider": campaign.provider,
        **({"the segment": campaign.segment} if campaign.segment else {}),  # none is in the yes of an older version
        **plans.in_words(campaign),
    }


def differences(then: Mapping[str, str], now: Mapping[str, str], people: int, people_now: int) -> list[str]:
    """Return what is not as it was, for a person to read; nothing if all is, and the count moved by 2 % at most."""
    changed = [f"{name} has changed" for name in dict.fromkeys((*then, *now)) if then.get(name) != now.get(name)]
    if abs(people_now - people) > TOLERANCE * people:
        changed.append(f"it goes to {people_now:,} people now, not {people:,}")
    return changed


def ask(connection: Connection, campaign_id: int, *, who: str, who_id: int) -> None:
    """Ask for a second look at a draft; an earlier request is withdrawn."""
    campaign = find_campaign(connection, campaign_id, lock=True)
    if campaign.state != "draft":
        raise StateError(f"Campaign {campaign_id} is {campaign.state} already.")
    row = {"campaign_id": campaign_id, "asked_by": who, "asked_by_id": who_id}
    connection.execute(insert(Approval).values(row))


def answer(
    connection: Connection, campaign_id: int, *, yes: bool, who: str, who_id: int, because: str = "",
    seen: Mapping[str, str], people: int,
) -> KeptApproval:  # fmt: skip
    """Answer the latest request, by somebody who did not ask; raises InputError for a no without a reason.

    The yes is to what was `seen`, for so many people; raises StateError if that is not what is there now.
    """
    campaign = find_campaign(connection, campaign_id, lock=True)
    asked = latest(connection, campaign_id)
    if asked is None or asked.answer != "asked" or campaign.state != "draft":
        raise StateError("Nobody waits for this answer any more.")
    if reason := _no_second_person(connection, campaign, asked, who, who_id):
        raise StateError(f"A second person has to look at this: {reason}.")
    if not yes and not because.strip():
        raise InputError("Say why not: it goes to the person who asked.")
    now, now_people = content_of(connection, campaign), count_people(connection, campaign)
    if yes and (changes := differences(seen, now, people, now_people)):
        raise StateError(f"Meanwhile {'; '.join(changes)}.", hint="Look at it again.")
    values = {
        "answer": "yes" if yes else "no", "answered_by": who, "answered_by_id": who_id, "answered_at": func.now(),
        "because": because.strip(), "content": now, "people": now_people,
    }  # fmt: skip
    connection.execute(update(Approval).where(Approval.id == asked.id).values(values))
    kept = latest(connection, campaign_id)
    assert kept is not None
    return kept


def latest(connection: Connection, campaign_id: int) -> KeptApproval | None:
    """Return the latest request for a second look at a campaign, with its answer."""
    return next(iter(requests_of(connection, campaign_id)), None)


def requests_of(connection: Connection, campaign_id: int) -> list[KeptApproval]:
    """Return all requests for a second look at a campaign, the latest first."""
    rows = connection.execute(_KEPT.where(Approval.campaign_id == campaign_id).order_by(Approval.id.desc()))
    return [KeptApproval(*row) for row in rows]


def _no_second_person(
    connection: Connection, campaign: CampaignRecord, asked: KeptApproval, who: str, who_id: int
) -> str:
    """Return why somebody may not answer: they asked, or the last words are theirs. Newsletters keep names only."""
    if asked.asked_by_id == who_id:
        return "you asked for it yourself"
    with suppress(UnknownNewsletter):
        if find(connection, name_of_origin(campaign.document)).updated_by == who:
            return "you changed the newsletter last"
    return ""


def may_answer(connection: Connection, campaign: CampaignRecord, who: str, who_id: int) -> bool:
    """Whether a request waits for an answer that this person may give."""
    asked = latest(connection, campaign.id)
    if asked is None or asked.answer != "asked":
        return False
    return not _no_second_person(connection, campaign, asked, who, who_id)


def override(connection: Connection, campaign: CampaignRecord, *, who: str, because: str) -> None:
    """Allow a draft to be sent without a second person; who and why are kept. Raises InputError without a reason."""
    if not because.strip():
        raise InputError("Sending without an approval needs a reason.")
    values = {
        "campaign_id": campaign.id, "asked_by": who, "asked_by_id": 0, "answer": "yes", "answered_by": who,
        "answered_at": func.now(), "because": because.strip(), "content": content_of(connection, campaign),
        "people": count_people(connection, campaign),
    }  # fmt: skip
    connection.execute(insert(Approval).values(values))


def why_void(
    connection: Connection, campaign: CampaignRecord, kept: KeptApproval, people: int | None = None
) -> list[str]:
    """Return what changed since a yes; nothing if it holds. `people` is their count, if it is known already."""
    now = count_people(connection, campaign) if people is None else people
    return differences(kept.content, content_of(connection, campaign), kept.people, now)


def need_approval(
    connection: Connection, settings: Settings, campaign: CampaignRecord,
    approvers: Collection[int] | None = None, people: int | None = None,
) -> str:  # fmt: skip
    """Return why a campaign may not be sent yet, as a second person's yes is missing; empty if it may.

    `approvers` are the accounts that may approve now, if the caller knows them.
    """
    if settings.approval == "off":
        return ""
    people = count_people(connection, campaign) if people is None else people
    if not is_needed(settings, people):
        return ""
    kept = latest(connection, campaign.id)
    if kept is None or kept.answer != "yes":
        return "A second person has to approve this first."
    if approvers is not None and not kept.is_override and kept.answered_by_id not in approvers:
        return f"{kept.answered_by} approved this, but has no account any more that may. Ask somebody else."
    if changes := why_void(connection, campaign, kept, people):
        return f"{kept.answered_by} approved this before it changed: {'; '.join(changes)}. Ask again."
    return ""


def require_approved(
    connection: Connection, settings: Settings, campaign: CampaignRecord, approvers: Collection[int] | None = None
) -> None:
    """Raise StateError if a second person's yes is missing."""
    if missing := need_approval(connection, settings, campaign, approvers):
        raise StateError(missing, hint=HOW)


def carry_over(connection: Connection, old: CampaignRecord, new_id: int) -> None:
    """Give plan, requests and answers of a draft to the one that takes its place; a yes holds if nothing changed."""
    plan = {name: getattr(old, name) for name in (*plans.NO_PLAN, "most_bounces", "most_complaints")}
    connection.execute(update(Campaign).where(Campaign.id == new_id).values(plan))
    connection.execute(update(Approval).where(Approval.campaign_id == old.id).values(campaign_id=new_id))


def newest_requests() -> Select[int]:
    """Select the latest request of each campaign."""
    return select(func.max(Approval.id)).group_by(Approval.campaign_id)


def waiting_for(connection: Connection, who: str, who_id: int) -> list[tuple[CampaignRecord, KeptApproval]]:
    """Return the drafts that wait for a second look that this person may give, with the request."""
    found = _drafts_with(connection, Approval.answer == "asked")
    return [(draft, kept) for draft, kept in found if not _no_second_person(connection, draft, kept, who, who_id)]


def answered_for(connection: Connection, who_id: int) -> list[tuple[CampaignRecord, KeptApproval]]:
    """Return the drafts for which this person asked, and somebody has answered, with the answer."""
    return _drafts_with(connection, Approval.answer != "asked", Approval.asked_by_id == who_id)


def _drafts_with(connection: Connection, *such: ColumnElement[bool]) -> list[tuple[CampaignRecord, KeptApproval]]:
    drafts = select(Campaign.id).where(Campaign.state == "draft")
    rows = connection.execute(
        _KEPT.where(Approval.id.in_(newest_requests()), Approval.campaign_id.in_(drafts), *such).order_by(Approval.id)
    ).all()
    return [(find_campaign(connection, row.campaign_id), KeptApproval(*row)) for row in rows]


_KEPT = select(*(getattr(Approval, each.name) for each in fields(KeptApproval)))


def count_people(connection: Connection, campaign: CampaignRecord) -> int:
    """Count the people who would get a draft now; raises StateError if its list is gone."""
    if campaign.list_name is None:
        raise StateError("The list of this draft is gone.", hint="Choose another list.")
    return ListPeople(connection, campaign.list_name, audience_of(connection, campaign)).count()
