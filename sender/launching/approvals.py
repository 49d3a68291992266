"""Approvals: a second person's yes to a draft, bound to its content and to how many people get it.

Any change voids it, and `why_void` says what changed. `who` and `who_id` are a name and the number of an account.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Select, func, insert, select, update

from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from lists.list_people import ListPeople
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.campaigns.follow_ups import audience_of
from sender.campaigns.overrides import overrides_of
from sender.delivery.campaign_emails import emails_of
from sender.links.sent_mail import load_emails
from sender.tables import Approval, Campaign

# How far the number of people may move, as a share, before a yes to it is void.
TOLERANCE = 0.02

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


def is_needed(settings: Settings, people: int) -> bool:
    """Whether a send to so many people needs a second person, by DAISYCHAIN_APPROVAL: off, always, or over N."""
    if settings.approval == "always":
        return True
    return settings.approval != "off" and people > int(settings.approval.removeprefix("over "))


def content_of(connection: Connection, campaign: CampaignRecord) -> dict[str, str]:
    """Return what people would get, by what it is for a person: each email by its hash, sender, list, tracking."""
    emails = emails_of(connection, campaign.id)
    made = load_emails(connection, emails.all())
    accepted = (f"{each.code}: {each.because}" for each in overrides_of(connection, campaign.id))
    parts = {f"the text in {emails.language_of(id_)}": email.hash for id_, email in made.items()}
    return parts | {
        "the sender": f"{campaign.from_name} <{campaign.from_address}>",
        "where replies go": campaign.reply_to,
        "the list": campaign.list_name or "",
        "tracking": f"opens {campaign.opens}, clicks {campaign.clicks}",
        "the accepted errors": "; ".join(accepted),
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
    if asked.asked_by_id == who_id:
        raise StateError("A second person has to look at this: you asked for it yourself.")
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
    row = connection.execute(
        _KEPT.where(Approval.campaign_id == campaign_id).order_by(Approval.id.desc()).limit(1)
    ).one_or_none()
    return None if row is None else KeptApproval(*row)


def why_void(connection: Connection, campaign: CampaignRecord, kept: KeptApproval) -> list[str]:
    """Return what changed since a yes; nothing if it holds."""
    return differences(kept.content, content_of(connection, campaign), kept.people, count_people(connection, campaign))


def need_approval(
    connection: Connection, settings: Settings, campaign: CampaignRecord, approvers: Collection[int]
) -> str:
    """Return why a draft may not be sent yet, as a second person's yes is missing; empty if it may.

    `approvers` are the accounts that may approve now.
    """
    if not is_needed(settings, count_people(connection, campaign)):
        return ""
    kept = latest(connection, campaign.id)
    if kept is None or kept.answer != "yes":
        return "A second person has to approve this first."
    if kept.answered_by_id not in approvers:
        return f"{kept.answered_by} approved this, but has no account any more that may. Ask somebody else."
    if changes := why_void(connection, campaign, kept):
        return f"{kept.answered_by} approved this before it changed: {'; '.join(changes)}. Ask again."
    return ""


def carry_over(connection: Connection, old_id: int, new_id: int) -> None:
    """Give the requests and answers of a draft to the one that takes its place; a yes holds if nothing changed."""
    connection.execute(update(Approval).where(Approval.campaign_id == old_id).values(campaign_id=new_id))


def newest_requests() -> Select[int]:
    """Select the latest request of each campaign."""
    return select(func.max(Approval.id)).group_by(Approval.campaign_id)


def waiting_for(connection: Connection, account_id: int) -> list[tuple[CampaignRecord, KeptApproval]]:
    """Return the drafts that wait for a second look by somebody other than who asked, with the request."""
    drafts = select(Campaign.id).where(Campaign.state == "draft")
    rows = connection.execute(
        _KEPT.where(Approval.id.in_(newest_requests()), Approval.answer == "asked", Approval.asked_by_id != account_id,
                    Approval.campaign_id.in_(drafts)).order_by(Approval.id)
    )  # fmt: skip
    return [(find_campaign(connection, row.campaign_id), KeptApproval(*row)) for row in rows.all()]


_KEPT = select(*(getattr(Approval, each.name) for each in fields(KeptApproval)))


def count_people(connection: Connection, campaign: CampaignRecord) -> int:
    """Count the people who would get a draft now."""
    assert campaign.list_name is not None
    return ListPeople(connection, campaign.list_name, audience_of(connection, campaign)).count()
