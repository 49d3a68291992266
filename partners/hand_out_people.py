"""The people of a hand-out: which organisations are chosen, who gets its mail there, and who can't and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256

from sqlalchemy import Connection

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from lists.addresses import address_key
from lists.organisations import Organisation
from newsletters.packs.offers import offers
from newsletters.packs.partner_codes import name_key
from newsletters.toolkit_store.store import named_toolkit
from partners.changes import OrganisationChanges, find_changes
from partners.contacts import receiving_contacts
from partners.organisation_list import OrganisationFilter, find_organisations
from sender.delivery.contact_refusals import why_not

MOST_EXAMPLES = 3


@dataclass(frozen=True)
class OrganisationChoice:
    """Which organisations get a hand-out; each value that is given must fit. `named` are codes."""

    tool: str = ""
    language: str = ""
    region: str = ""
    not_taken: bool = False
    named: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    @property
    def text(self) -> str:
        """Return the choice for people."""
        parts = [f"{name} {value}" for name, value in asdict(self).items() if isinstance(value, str) and value]
        parts += ["has not taken it yet"] * self.not_taken + [f"{len(self.named)} by name"] * bool(self.named)
        return ", ".join(parts) or "all organisations"


@dataclass(frozen=True)
class HandOutContact:
    """One contact of a chosen organisation, with the values of their mail; `exclusion` says why they get none."""

    organisation: Organisation
    contact_id: int
    name: str
    address: str
    values: Mapping[str, str]
    exclusion: str
    changes: OrganisationChanges | None = None


@dataclass(frozen=True)
class HandOutPeople:
    """The contacts of the chosen organisations, and the organisations without one who gets mail."""

    contacts: list[HandOutContact]
    without_contact: list[Organisation] = field(default_factory=list)

    @property
    def mailable(self) -> list[HandOutContact]:
        """Return the contacts who get a mail."""
        return [each for each in self.contacts if not each.exclusion]

    @property
    def organisations(self) -> int:
        """Count the organisations that get at least one mail."""
        return len({each.organisation.id for each in self.mailable})

    @property
    def excluded(self) -> dict[str, int]:
        """Count the contacts who get no mail, by the reason."""
        return dict(Counter(each.exclusion for each in self.contacts if each.exclusion))

    @property
    def fingerprint(self) -> str:
        """Return a hash of who gets a mail, and at which address."""
        people = sorted((each.contact_id, each.address) for each in self.mailable)
        return sha256(repr(people).encode()).hexdigest()[:16]

    @property
    def examples(self) -> list[HandOutContact]:
        """Return up to three contacts of different organisations, as different as they are: a long name, no name."""
        people = self.mailable
        found: dict[int, HandOutContact] = {}
        longest = sorted(people, key=lambda each: -len(each.organisation.name))[:1]
        for each in (*people[:1], *longest, *[each for each in people if not each.name][:1], *people):
            found.setdefault(each.organisation.id, each)
        return list(found.values())[:MOST_EXAMPLES]


def people_of(
    connection: Connection, today: date, toolkit: str, newsletter: str, choice: OrganisationChoice
) -> HandOutPeople:
    """Return the contacts of the organisations that fit a choice. Raises InputError for a name that nobody has."""
    last = (newsletter or newest_email(connection, toolkit)) if choice.not_taken else ""
    wanted = OrganisationFilter(tool=choice.tool, language=choice.language, region=choice.region, has_not=last)
    entries = find_organisations(connection, today, wanted)
    chosen = [each.organisation for each in entries if not choice.named or each.organisation.code in choice.named]
    return _contacts(connection, chosen)


def people_to_tell(connection: Connection, today: date, toolkit: str) -> HandOutPeople:
    """Return the contacts of organisations to which no mail has reported a change in their packs yet."""
    untold = {each.organisation.id: each for each in find_changes(connection, today, toolkit) if each.untold}
    return _contacts(connection, [each.organisation for each in untold.values()], untold)


def codes_of(connection: Connection, today: date, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the codes of organisations given by name or code; raises InputError for one that is not known."""
    known = [each.organisation for each in find_organisations(connection, today)]
    codes = {name_key(each.name): each.code for each in known} | {name_key(each.code): each.code for each in known}
    for name in names:
        if name_key(name) not in codes:
            hint = nearest(name, [each.name for each in known])
            raise InputError(f"There is no organisation {name!r}.", hint=hint)
    return tuple(codes[name_key(name)] for name in names)


def newest_email(connection: Connection, toolkit: str) -> str:
    """Return the ready-made email that a toolkit offered last, without a language; empty if it offers none."""
    names = [each.name.partition(".")[0] for each in offers(connection, named_toolkit(toolkit, connection))]
    return names[0] if names else ""


def require_email(connection: Connection, toolkit: str, newsletter: str) -> None:
    """Raise InputError unless a toolkit offers this ready-made email."""
    names = {each.name.partition(".")[0] for each in offers(connection, named_toolkit(toolkit, connection))}
    if newsletter not in names:
        hint = nearest(newsletter, names) or "`daisychain pack offer` offers one."
        raise InputError(f"{toolkit} offers no email {newsletter!r}.", hint=hint)


def _contacts(
    connection: Connection, chosen: list[Organisation], changes: Mapping[int, OrganisationChanges] | None = None
) -> HandOutPeople:
    contacts = receiving_contacts(connection, [each.id for each in chosen])
    refused = why_not(connection, [each.email for found in contacts.values() for each in found])
    people = []
    for organisation in chosen:
        changed = changes[organisation.id] if changes else None
        for each in contacts[organisation.id]:
            values = {"organisation": organisation.name, "contact": each.name, **(changed.values() if changed else {})}
            exclusion = refused.get(address_key(each.email), "")
            people.append(
                HandOutContact(organisation, each.id, each.name, each.email, values, exclusion, changed)
            )  # fmt: skip
    return HandOutPeople(people, [each for each in chosen if not contacts[each.id]])
