"""The private page of an organisation: its emails and whether each is right, what it has not taken, who to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import Connection, select

from daisychain.clock import home_zone
from newsletters.packs.pack_status import Standing
from newsletters.preview.offer_cards import OfferCard, offer_cards
from newsletters.toolkit_store.store import ToolkitEntry, UnknownToolkit, list_toolkits, named_toolkit
from newsletters.toolkits.toolkit import Toolkit
from partners.contacts import Contact
from partners.organisation_list import entry_of
from partners.organisation_logos import logo_paths
from partners.partner_events import record_partner_event
from partners.profiles import PartnerProfile
from partners.tables import PartnerEvent

# What an organisation corrects by itself. Its name is tied to its packs, and its region is the coalition's.
OWN_FIELDS = ("tool", "languages", "website", "reply", "charity_number", "colour", "address", "intro")


@dataclass(frozen=True)
class HeldEmail:
    """An email that the organisation has, by its newest pack; `offered` is the name under which it may be taken again.

    `changed_at` is when its toolkit was last changed, if that is later.
    """

    pack: Standing
    tools: tuple[str, ...]
    offered: str
    changed_at: datetime | None


@dataclass(frozen=True)
class UntakenEmail:
    """An email that the organisation can take and has not."""

    toolkit: Toolkit
    card: OfferCard


@dataclass(frozen=True)
class Coalition:
    """The coalition to ask: its name, and an address or a page if a toolkit says one."""

    name: str
    contact: str


@dataclass(frozen=True)
class PrivatePage:
    """The content of an organisation's page."""

    profile: PartnerProfile
    contacts: tuple[Contact, ...]
    logo: str
    emails: Sequence[HeldEmail]
    untaken: Sequence[UntakenEmail]
    toolkits: Sequence[ToolkitEntry]
    coalition: Coalition

    @property
    def current(self) -> list[HeldEmail]:
        """The emails that it may send."""
        return [each for each in self.emails if each.pack.state == "current"]

    @property
    def outdated(self) -> list[HeldEmail]:
        """The emails that it should replace or not send."""
        return [each for each in self.emails if each.pack.state != "current"]


def private_page(connection: Connection, profile: PartnerProfile, public_url: str, today: date) -> PrivatePage:
    """Return the private page of an organisation."""
    entry, entries = entry_of(connection, today, profile), list_toolkits(connection)
    toolkits = [named_toolkit(each.name, connection) for each in entries]
    cards = {each.name: offer_cards(connection, each, public_url, today).cards for each in toolkits}
    offered = {(name, email) for name, found in cards.items() for email in _names(found)}
    held: dict[tuple[str, str], list[Standing]] = {}
    for pack in sorted(entry.made.packs, key=lambda pack: pack.made_at):
        held.setdefault((pack.toolkit, pack.newsletter), []).append(pack)
    changed = {each.name: each.added_at for each in entries}
    emails = [_held(packs, offered, changed.get(toolkit)) for (toolkit, _), packs in held.items()]
    stems = {(toolkit, _stem(newsletter)) for toolkit, newsletter in held}
    untaken = [
        UntakenEmail(toolkit, card)
        for toolkit in toolkits
        for card in cards[toolkit.name]
        if (toolkit.name, _stem(_names([card])[0])) not in stems
    ]
    logo = logo_paths(connection, profile).get("logo", "")
    emails.sort(key=lambda each: each.pack.made_at, reverse=True)
    return PrivatePage(profile, entry.contacts, logo, emails, untaken, entries, _coalition(toolkits))


def _held(packs: Sequence[Standing], offered: set[tuple[str, str]], changed_at: datetime | None) -> HeldEmail:
    newest = packs[-1]
    name = newest.newsletter if (newest.toolkit, newest.newsletter) in offered else ""
    later = changed_at if changed_at and changed_at > newest.made_at else None
    return HeldEmail(newest, tuple(dict.fromkeys(pack.dialect for pack in reversed(packs))), name, later)


def _names(cards: Sequence[OfferCard]) -> list[str]:
    return [email.name for card in cards for email in card.emails.values()]


def _stem(newsletter: str) -> str:
    return newsletter.partition(".")[0]


def coalition_of(connection: Connection) -> Coalition:
    """Return who to ask if nothing else is known of an organisation."""
    return _coalition([named_toolkit(each.name, connection) for each in list_toolkits(connection)])


def _coalition(toolkits: Sequence[Toolkit]) -> Coalition:
    reachable = sorted(toolkits, key=lambda each: not each.contact)
    if not reachable:
        raise UnknownToolkit("There is no toolkit.")
    return Coalition(reachable[0].coalition, reachable[0].contact)


def record_opening(connection: Connection, organisation_id: int, today: date) -> None:
    """Record that the private page was opened, once a day: programs that guard a mailbox open links again and again."""
    table = PartnerEvent
    began = datetime.combine(today, time.min, home_zone())
    since = select(table.id).where(table.organisation_id == organisation_id, table.kind == "opened", table.at >= began)
    if connection.scalar(since.limit(1)) is None:
        record_partner_event(connection, "opened", organisation_id=organisation_id)
