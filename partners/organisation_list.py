"""Organisations found by what is known of them, each with its contacts and its packs.

The desk, the commands and private pages all read this one list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, func, select

from lists.organisations import Organisation
from newsletters.packs.pack_status import StalePartner
from newsletters.packs.partner_codes import name_key
from newsletters.packs.partner_list import PartnerPacks, packs_by_partner
from partners.contacts import Contact, contacts_of
from partners.profiles import PartnerProfile, profiles
from partners.tables import PartnerEvent

_NOTHING = PartnerPacks()
_Found = tuple[PartnerProfile, PartnerPacks]


@dataclass(frozen=True)
class OrganisationFilter:
    """The organisations wanted: each value that is given must fit. `has` and `has_not` name a newsletter."""

    words: str = ""
    tool: str = ""
    language: str = ""
    region: str = ""
    has: str = ""
    has_not: str = ""
    stale: bool = False


@dataclass(frozen=True)
class OrganisationEntry:
    """An organisation with its contacts and packs."""

    profile: PartnerProfile
    contacts: tuple[Contact, ...]
    made: PartnerPacks

    @property
    def organisation(self) -> Organisation:
        """Return the bare organisation."""
        return self.profile.organisation

    @property
    def stale(self) -> StalePartner | None:
        """Return what it should hear of its packs, if anything."""
        return self.made.stale


@dataclass(frozen=True)
class OrganisationPage:
    """A page of the organisations that fit: `found` is how many do, `known` are the profiles of all."""

    entries: list[OrganisationEntry]
    found: int
    more: bool
    known: list[PartnerProfile]


def find_organisations(
    connection: Connection, today: date, wanted: OrganisationFilter | None = None
) -> list[OrganisationEntry]:
    """Return the organisations that fit, by name."""
    fitting = _fitting(connection, today, wanted or OrganisationFilter(), profiles(connection))
    return _with_contacts(connection, fitting)


def organisations_page(
    connection: Connection, today: date, wanted: OrganisationFilter, *, after: str, most: int
) -> OrganisationPage:
    """Return a page of the organisations that fit, by name, behind the one with the code `after`."""
    known = profiles(connection)
    fitting = _fitting(connection, today, wanted, known)
    codes = [profile.organisation.code for profile, _ in fitting]
    start = codes.index(after) + 1 if after in codes else 0
    shown = _with_contacts(connection, fitting[start : start + most])
    return OrganisationPage(shown, len(fitting), len(fitting) > start + most, known)


def _fitting(
    connection: Connection, today: date, wanted: OrganisationFilter, known: Sequence[PartnerProfile]
) -> list[_Found]:
    made, took = packs_by_partner(connection, today), _took(connection, wanted.has or wanted.has_not)
    words = wanted.words.casefold()
    of_contacts = contacts_of(connection, [each.organisation.id for each in known]) if words else {}
    keys = {each.organisation.id: name_key(each.organisation.name) for each in known}
    found = [
        (each, packs)
        for each in known
        if _fits(each, wanted)
        and _named(each, of_contacts.get(each.organisation.id, ()), words)
        and _has(each, packs := made.get(keys[each.organisation.id], _NOTHING), wanted, took)
    ]
    return sorted(found, key=lambda each: (keys[each[0].organisation.id], each[0].organisation.id))


def _with_contacts(connection: Connection, found: Sequence[_Found]) -> list[OrganisationEntry]:
    contacts = contacts_of(connection, [profile.organisation.id for profile, _ in found])
    return [OrganisationEntry(each, tuple(contacts[each.organisation.id]), packs) for each, packs in found]


def entry_of(connection: Connection, today: date, profile: PartnerProfile) -> OrganisationEntry:
    """Return one organisation with its contacts and packs."""
    organisation = profile.organisation
    contacts = contacts_of(connection, [organisation.id])[organisation.id]
    packs = packs_by_partner(connection, today).get(name_key(organisation.name), _NOTHING)
    return OrganisationEntry(profile, tuple(contacts), packs)


def choices(entries: Iterable[PartnerProfile], field: str) -> list[str]:
    """Return the values that a field has, each once: of tools and languages each of a list."""
    return sorted({word for each in entries for word in _words(each, field)}, key=str.casefold)


def _fits(profile: PartnerProfile, wanted: OrganisationFilter) -> bool:
    asked = (("tool", wanted.tool), ("languages", wanted.language), ("region", wanted.region))
    return all(not value or value in _words(profile, field) for field, value in asked)


def _named(profile: PartnerProfile, contacts: Iterable[Contact], words: str) -> bool:
    known = [profile.organisation.name, profile.organisation.code]
    known += [text for each in contacts for text in (each.name, each.email)]
    return not words or any(words in text.casefold() for text in known)


def _has(profile: PartnerProfile, packs: PartnerPacks, wanted: OrganisationFilter, took: frozenset[int]) -> bool:
    def has(newsletter: str) -> bool:
        return profile.organisation.id in took or packs.has(newsletter)

    if wanted.stale and not packs.stale:
        return False
    return not (wanted.has and not has(wanted.has)) and not (wanted.has_not and has(wanted.has_not))


def _took(connection: Connection, newsletter: str) -> frozenset[int]:
    """Return the ids of organisations that took a newsletter, even if the pack is not theirs by name."""
    table = PartnerEvent
    taken = select(table.organisation_id).where(table.kind == "taken", table.organisation_id.is_not(None))
    name = func.split_part(table.newsletter, ".", 1)
    return frozenset(connection.scalars(taken.where(name == newsletter)) if newsletter else ())


def newsletters_of(made: Mapping[str, PartnerPacks]) -> dict[str, str]:
    """Return the title of each newsletter that there are packs of, by its name without a language."""
    packs = sorted((pack for each in made.values() for pack in each.packs), key=lambda pack: pack.made_at)
    # A translation is named for its newsletter, may.cy for may, and must not give it its title.
    packs.sort(key=lambda pack: "." not in pack.newsletter)
    return {pack.newsletter.partition(".")[0]: pack.title or pack.newsletter for pack in packs}


def _words(profile: PartnerProfile, field: str) -> list[str]:
    text = profile.values[field]
    return [text] if field == "region" and text else [word.strip() for word in text.split(",") if word.strip()]
