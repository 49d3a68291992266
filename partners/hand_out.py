"""Hand-outs: write a message, look at three mails, and send each chosen organisation its private link, once.

A hand-out is kept as a draft, so that what is looked at is what is sent. Sending writes its people into the ledger
(sender/launching/contact_sends.py); from there on it is a campaign. It needs no second person's yes: that rule is for
members' mail, and this goes to contacts that staff listed themselves; the desk asks for a fresh proof instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, distinct, func, insert, select, text, update

from daisychain.errors import StateError
from daisychain.settings import Settings
from newsletters.compose.languages import Languages
from newsletters.merge.merge import Merged, plan_merge
from partners.changes import keep_told
from partners.hand_out_links import link_values
from partners.hand_out_message import Message, WrittenMessage, compile_message
from partners.hand_out_people import (
    HandOutContact,
    HandOutPeople,
    OrganisationChoice,
    people_of,
    people_to_tell,
    require_email,
)
from partners.tables import HandOut, HandOutMail
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.launching.contact_sends import start_contact_send
from sender.links.tracking import sent_references
from sender.tables import Delivery

# The same toolkit to the same organisations within this time needs a person's word that it is meant.
WITHIN = timedelta(days=1)
# One at a time: two that are sent at once would tell the same organisation twice. The number is arbitrary.
LOCK = 0x0DA1A4D0
HIDDEN_LINK = "the-private-link"  # in examples: opening a real one would count as the organisation's visit


class UnknownHandOut(StateError):  # noqa: N818 - the name says it
    """No hand-out has that number."""


@dataclass(frozen=True)
class KeptHandOut:
    """A hand-out as it is kept; without a campaign it is a draft."""

    id: int
    kind: str
    toolkit: str
    newsletter: str
    choice: OrganisationChoice
    language: str
    sender: str
    subject: str
    message: str
    made_by: str
    made_at: datetime
    sent_at: datetime | None
    campaign_id: int | None

    @property
    def title(self) -> str:
        """Return the subject for a list, with a dot for each field."""
        return re.sub(r"\{\{.*?\}\}", "…", self.subject)

    @property
    def fingerprint(self) -> str:
        """Return a hash of the message and the choice, to notice that a colleague has changed them meanwhile."""
        return sha256(repr((self.written, self.choice)).encode()).hexdigest()[:16]

    @property
    def written(self) -> Message:
        """Return the message as it is compiled."""
        return Message(
            self.toolkit, self.subject, self.message, self.sender, self.newsletter, self.language,
            lists_changes=self.kind == "changes",
        )  # fmt: skip


@dataclass(frozen=True)
class StartedHandOut:
    """The campaign of a hand-out that was started now, or was before (`already`)."""

    campaign: CampaignRecord
    already: bool


def keep_hand_out(
    connection: Connection, message: Message, choice: OrganisationChoice, *, who: str, hand_out_id: int | None = None
) -> KeptHandOut:
    """Keep a draft, a new one or in place of the draft with this id, if its message can be used.

    Raises InputError with the line of the message; StateError if that one was sent.
    """
    if message.newsletter:
        require_email(connection, message.toolkit, message.newsletter)
    compile_message(connection, message)
    row = {
        "kind": "changes" if message.lists_changes else "hand-out", "toolkit": message.toolkit, "made_by": who,
        "newsletter": message.newsletter, "choice": {**asdict(choice), "named": list(choice.named)},
        "language": message.language, "sender": message.sender, "subject": message.subject.strip(),
        "message": message.text,
    }  # fmt: skip
    if hand_out_id is None:
        hand_out_id = connection.execute(insert(HandOut).values(row).returning(HandOut.id)).scalar_one()
    else:
        if find_hand_out(connection, hand_out_id, lock=True).campaign_id is not None:
            raise StateError("This hand-out was sent already.", hint="Write a new one.")
        connection.execute(update(HandOut).where(HandOut.id == hand_out_id).values(row))
    return find_hand_out(connection, hand_out_id)


def find_hand_out(connection: Connection, hand_out_id: int, *, lock: bool = False) -> KeptHandOut:
    """Return a hand-out; raises UnknownHandOut. `lock` keeps others from sending it meanwhile."""
    query = select(HandOut.__table__).where(HandOut.id == hand_out_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise UnknownHandOut(f"There is no hand-out {hand_out_id}.")
    return _kept(row)


def list_hand_outs(connection: Connection) -> list[KeptHandOut]:
    """Return the last twenty hand-outs, the newest first."""
    rows = connection.execute(select(HandOut.__table__).order_by(HandOut.id.desc()).limit(20)).mappings()
    return [_kept(row) for row in rows]


def hand_out_people(connection: Connection, today: date, kept: KeptHandOut) -> HandOutPeople:
    """Return the people who would get a hand-out now."""
    if kept.kind == "changes":
        return people_to_tell(connection, today, kept.toolkit)
    return people_of(connection, today, kept.toolkit, kept.newsletter, kept.choice)


def example(connection: Connection, settings: Settings, kept: KeptHandOut, contact: HandOutContact) -> Merged:
    """Return the mail as a contact will get it, but for the private link."""
    _, languages = compile_message(connection, kept.written)
    plan = plan_merge(
        languages.first.email, sent_references(settings.pages_url, opens="off", clicks="off", preferences=False)
    )
    links = link_values(f"{settings.pages_url}/p/{HIDDEN_LINK}", kept.toolkit, kept.newsletter)
    return plan.render({**contact.values, **links})


def repeated(connection: Connection, kept: KeptHandOut, people: HandOutPeople) -> int:
    """Count the organisations that got the same toolkit and email within a day; news of changes repeats nothing."""
    if kept.kind == "changes":
        return 0
    ids = {each.organisation.id for each in people.mailable}
    alike = (HandOut.kind == kept.kind, HandOut.toolkit == kept.toolkit, HandOut.newsletter == kept.newsletter)
    found = (
        select(func.count(distinct(HandOutMail.organisation_id)))
        .join(HandOut, HandOut.id == HandOutMail.hand_out_id)
        .join(Delivery, Delivery.id == HandOutMail.delivery_id)
        .where(*alike, HandOut.sent_at > func.now() - WITHIN, HandOutMail.organisation_id.in_(ids))
        .where(Delivery.state.in_(["waiting", "accepted", "uncertain"]))
    )
    return connection.scalar(found) or 0


def send_hand_out(
    connection: Connection, settings: Settings, hand_out_id: int, today: date, *,
    who: str, organisations: int, seen: str = "", repeat: bool = False,
) -> StartedHandOut:  # fmt: skip
    """Send a hand-out to as many `organisations` as the person saw, in the caller's transaction; a second call doesn't.

    Raises StateError if that number has changed, or the hand-out and its people have not the fingerprints that were
    `seen`; if nobody is left; or if they got the same within a day and that is not meant.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    kept = find_hand_out(connection, hand_out_id, lock=True)
    if kept.campaign_id is not None:
        return StartedHandOut(find_campaign(connection, kept.campaign_id), already=True)
    if seen and not seen.startswith(kept.fingerprint):
        raise StateError("A colleague has changed this since you looked at it.", hint="Look again, then send it.")
    people = hand_out_people(connection, today, kept)
    if not people.organisations:
        raise StateError("Nobody is left to send this to.", hint="Choose other organisations, or add contacts.")
    if people.organisations != organisations:
        now = _counted(people.organisations)
        raise StateError(f"It goes to {now} now, not {organisations:,}.", hint="Look again, then send it.")
    if seen and not seen.endswith(people.fingerprint):
        raise StateError("It goes to other people now than when you looked.", hint="Look again, then send it.")
    if not repeat and (again := repeated(connection, kept, people)):
        raise StateError(f"{_counted(again)} got this within the last day.", hint="Say that it is meant: --repeat")
    written, languages = compile_message(connection, kept.written)
    started = _start(connection, settings, kept, people, written, languages, who)
    return StartedHandOut(started, already=False)


def _start(
    connection: Connection, settings: Settings, kept: KeptHandOut, people: HandOutPeople, written: WrittenMessage,
    languages: Languages, who: str,
) -> CampaignRecord:  # fmt: skip
    what = "Changes" if kept.kind == "changes" else "Hand-out"
    title = languages.first.email.title
    started = start_contact_send(
        connection, settings, written, languages, [(each.address, each.values) for each in people.contacts],
        name=f"{what}: {title}" + (f", {kept.newsletter}" if kept.newsletter else ""), who=who,
    )  # fmt: skip
    mails = list(zip(started.deliveries, people.contacts, strict=True))
    rows = [
        {"delivery_id": id_, "hand_out_id": kept.id, "organisation_id": each.organisation.id,
         "contact_id": each.contact_id}
        for id_, each in mails
    ]  # fmt: skip
    connection.execute(insert(HandOutMail), rows)
    keep_told(connection, {id_: each.changes for id_, each in mails if each.changes and not each.exclusion})
    sent = {"campaign_id": started.campaign_id, "sent_at": func.now()}
    connection.execute(update(HandOut).where(HandOut.id == kept.id).values(sent))
    return find_campaign(connection, started.campaign_id)


def _counted(organisations: int) -> str:
    return "1 organisation" if organisations == 1 else f"{organisations:,} organisations"


def _kept(row: Mapping[Any, Any]) -> KeptHandOut:
    values = {each.name: row[each.name] for each in fields(KeptHandOut)}
    choice = row["choice"]
    values["choice"] = OrganisationChoice(**{**choice, "named": tuple(choice["named"])})
    return KeptHandOut(**values)
