"""Profiles of organisations: read, and saved unless somebody else saved meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from lists.organisations import Organisation
from lists.tables import MemberOrganisation
from newsletters.packs.partner_codes import CODE
from newsletters.tables import PackPartner
from partners.partner_events import record_partner_event
from partners.private_links import LinkKey, private_url
from partners.profile_values import FIELDS, ProfileError, checked
from partners.registry import Register, claim, lock_register, organisation_by_code, organisation_named
from partners.tables import OrganisationProfile

# Who changed a profile through its private page.
BY_LINK = "private link"
_LOGOS = ("logo", "logo_white", "logo_square")


@dataclass(frozen=True)
class PartnerProfile:
    """The details of an organisation: `values` by field, `notes` by column of the coalition's file."""

    organisation: Organisation
    values: Mapping[str, str]
    notes: Mapping[str, str]
    logos: Mapping[str, str]
    link: LinkKey
    version: int
    updated_at: datetime
    updated_by: str

    def private_url(self, settings: Settings) -> str:
        """Return the address of its private page."""
        return private_url(settings, self.link)


class ProfileChangedError(StateError):
    """Somebody else saved the profile since it was opened: `theirs` is what they saved."""

    def __init__(self, theirs: PartnerProfile) -> None:
        super().__init__(f"{theirs.updated_by or 'Somebody'} has saved these details meanwhile.")
        self.theirs = theirs


def profile_of(connection: Connection, organisation_id: int) -> PartnerProfile | None:
    """Return an organisation's profile; None if there is no such organisation."""
    return next(iter(profiles(connection, [organisation_id])), None)


def profiles(connection: Connection, organisation_ids: Collection[int] | None = None) -> list[PartnerProfile]:
    """Return the profiles of some organisations, or of all."""
    table, known = OrganisationProfile, MemberOrganisation
    fields = [known.name, *(getattr(table, field) for field in FIELDS if field != "name")]
    rest = known.id, known.code, table.notes, *(getattr(table, form) for form in _LOGOS)
    query = select(*fields, *rest, table.link_number, table.version, table.updated_at, table.updated_by).join(
        table, table.organisation_id == known.id
    )
    if organisation_ids is not None:
        query = query.where(known.id.in_(organisation_ids))
    return [_profile(tuple(row)) for row in connection.execute(query)]


def _profile(row: tuple[Any, ...]) -> PartnerProfile:
    # By place and not by name: a list of a thousand is read for each page of it.
    values = dict(zip(FIELDS, row, strict=False))
    id_, code, notes, *logos, link_number, version, updated_at, updated_by = row[len(FIELDS) :]
    return PartnerProfile(
        Organisation(id_, code, values["name"]), values, dict(sorted(notes.items())),
        dict(zip(_LOGOS, logos, strict=True)), LinkKey(link_number, id_), version, updated_at, updated_by,
    )  # fmt: skip


def require_profile(connection: Connection, name: str) -> PartnerProfile:
    """Return the profile of the organisation with this name or code; raises InputError."""
    organisation = organisation_named(connection, name) or organisation_by_code(connection, name)
    profile = profile_of(connection, organisation.id) if organisation else None
    if profile is None:
        raise InputError(f"There is no organisation {name!r}.", hint="`daisychain partner list` shows them.")
    return profile


def add_organisation(
    connection: Connection, values: Mapping[str, str], who: str, *, code: str = "",
    notes: Mapping[str, str] | None = None, register: Register | None = None,
) -> PartnerProfile:  # fmt: skip
    """Add an organisation with a code for life; raises InputError for a name or a code that another one has.

    A caller that adds many has locked and read the `register`.
    """
    clean = checked({"name": "", **values})
    if code and not CODE.fullmatch(code):
        raise InputError(f"The code {code!r} can't be part of a link.", hint="Use a to z, digits and hyphens.")
    if register is None:
        lock_register(connection)
        register = Register(connection)
    _refuse_taken(register.find(clean["name"]))
    [(_, problem)] = claim(connection, [{"name": clean["name"], "code": code}], register=register)
    if problem:
        raise InputError(problem)
    organisation = register.find(clean["name"])
    assert organisation is not None
    return save_profile(connection, organisation.id, clean, who, notes=notes)


def save_profile(
    connection: Connection, organisation_id: int, values: Mapping[str, str], who: str, *, base: int | None = None,
    notes: Mapping[str, str] | None = None,
) -> PartnerProfile:  # fmt: skip
    """Save some values of a profile, and notes to replace or add; nothing changes if they are as they were.

    Raises ProfileError for values that can't be used, and ProfileChangedError if the profile is not any more of the
    version `base`.
    """
    lock_register(connection)
    [profile] = profiles(connection, [organisation_id])
    clean = checked({"name": profile.organisation.name, **values})
    kept = {name: value for name, value in {**profile.notes, **(notes or {})}.items() if value}
    changed = {field: text for field, text in clean.items() if text != profile.values[field]}
    if not changed and kept == profile.notes:
        return profile
    if base is not None and base != profile.version:
        raise ProfileChangedError(profile)
    if "name" in changed:
        _rename(connection, profile.organisation, changed["name"])
    columns = {field: text for field, text in changed.items() if field != "name"}
    mark = {"version": profile.version + 1, "updated_at": func.now(), "updated_by": who, "notes": kept}
    table = OrganisationProfile
    connection.execute(update(table).where(table.organisation_id == organisation_id).values(**columns, **mark))
    # The register of codes shows its own columns of it, as `pack list --stale` does.
    known = {"reply": clean.get("reply", profile.values["reply"]), "notes": kept}
    connection.execute(update(PackPartner).where(PackPartner.code == profile.organisation.code).values(known))
    changes = {field: [profile.values[field], text] for field, text in changed.items()}
    record_partner_event(connection, "changed", organisation_id=organisation_id, by=who, changes=changes)
    return profiles(connection, [organisation_id])[0]


def replace_link(connection: Connection, organisation_id: int) -> PartnerProfile:
    """Replace an organisation's private link: the old one opens nothing from now on."""
    table = OrganisationProfile
    again = update(table).where(table.organisation_id == organisation_id)
    connection.execute(again.values(link_number=table.link_number + 1))
    return profiles(connection, [organisation_id])[0]


def _rename(connection: Connection, organisation: Organisation, name: str) -> None:
    _refuse_taken(organisation_named(connection, name), but=organisation)
    row = {"name": name, "code": organisation.code, "formerly": organisation.name}
    [(_, problem)] = claim(connection, [row])
    if problem:
        raise InputError(problem)


def _refuse_taken(found: Organisation | None, but: Organisation | None = None) -> None:
    if found and found != but:
        raise ProfileError({"name": f"There is an organisation {found.name!r} already, with the code {found.code}."})
