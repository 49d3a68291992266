"""The registry: find an organisation by its code or its private link, and see it as its packs do.

Codes are given by `newsletters/packs/partner_codes.py`, whose register is `pack_partners`; here each name of that
register is an organisation, so both are kept in step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, insert, select, text, update

from daisychain.settings import Settings
from lists.organisations import Organisation, organisations_where
from lists.tables import MemberOrganisation
from newsletters.packs.partner import Partner, with_breaks
from newsletters.packs.partner_codes import CODE, Row, claim_codes, known_codes, name_key
from newsletters.tables import PackPartner, StoredImage
from newsletters.toolkits.images import ToolkitImage
from partners.private_links import read_key
from partners.tables import OrganisationProfile


def organisation_by_link(connection: Connection, settings: Settings, key: str) -> Organisation | None:
    """Return whose private link has this key; None for any other text, and for a link that was replaced."""
    found = read_key(settings, key)
    if not found or link_number(connection, found.organisation_id) != found.link_number:
        return None
    return organisation_by_id(connection, found.organisation_id)


def is_replaced_link(connection: Connection, settings: Settings, key: str) -> bool:
    """Whether the key was an organisation's private link, which has another now."""
    found = read_key(settings, key)
    number = link_number(connection, found.organisation_id) if found else None
    return found is not None and number is not None and found.link_number < number


def link_number(connection: Connection, organisation_id: int) -> int | None:
    """Return the number of an organisation's private link; None if there is no such organisation."""
    number = select(OrganisationProfile.link_number)
    return connection.scalar(number.where(OrganisationProfile.organisation_id == organisation_id))


def organisation_by_id(connection: Connection, id_: int) -> Organisation | None:
    """Return the organisation with this id."""
    return next(iter(organisations_where(connection, MemberOrganisation.id == id_)), None)


def organisation_by_code(connection: Connection, code: str) -> Organisation | None:
    """Return the organisation that has this code, or had it: links with an older one of its codes go on."""
    if not CODE.fullmatch(code):  # anybody writes anything into an address
        return None
    if found := organisations_where(connection, MemberOrganisation.code == code):
        return found[0]
    name = connection.scalar(select(PackPartner.name).where(PackPartner.code == code))
    return organisation_named(connection, name) if name else None


def organisation_named(connection: Connection, name: str) -> Organisation | None:
    """Return the organisation of this name, however it is spelled."""
    if same := organisations_where(connection, MemberOrganisation.name == name):
        return same[0]
    key = name_key(name)
    return next((each for each in organisations_where(connection) if name_key(each.name) == key), None)


def partner_of_organisation(connection: Connection, organisation: Organisation) -> Partner:
    """Return the organisation as its packs show it."""
    profile = connection.execute(
        select(OrganisationProfile.__table__).where(OrganisationProfile.organisation_id == organisation.id)
    ).one()
    return Partner(
        name=organisation.name,
        code=organisation.code,
        dialects=profile.tool,
        languages=profile.languages,
        logo=_logo(connection, profile.logo, organisation),
        intro=with_breaks(profile.intro),
        accent=profile.colour,
        reply=profile.reply,
        website=profile.website,
        address=profile.address,
        charity_number=profile.charity_number,
    )


def _logo(connection: Connection, hash_: str, organisation: Organisation) -> ToolkitImage | None:
    row = connection.execute(select(StoredImage.__table__).where(StoredImage.hash == hash_)).one_or_none()
    if row is None:
        return None
    return ToolkitImage(
        f"{organisation.code}-logo", row.content, row.media_type, row.width, row.height, row.hash, organisation.name
    )


def lock_register(connection: Connection) -> None:
    """Hold off others who give codes or save profiles until this transaction ends; it is the first lock of all."""
    connection.execute(text("LOCK TABLE pack_partners IN SHARE ROW EXCLUSIVE MODE"))


class Register:
    """The codes and organisations, read once for many claims: they must be locked (`lock_register`) until the last."""

    def __init__(self, connection: Connection) -> None:
        self.codes = known_codes(connection)
        self._by_code: dict[str, Organisation] = {}
        self._by_name: dict[str, Organisation] = {}
        for each in organisations_where(connection):
            self.know(each)

    def know(self, organisation: Organisation) -> None:
        """Add an organisation, or its new name."""
        self._by_code[organisation.code] = self._by_name[name_key(organisation.name)] = organisation

    def find(self, name: str, code: str = "") -> Organisation | None:
        """Return the organisation with this code, or else of this name, however it is spelled."""
        return self._by_code.get(code) or self._by_name.get(name_key(name))


def claim(
    connection: Connection, rows: Sequence[Row], notes: Iterable[str] = (), register: Register | None = None
) -> list[tuple[str, str]]:
    """Assign codes as `claim_codes` does; each name that has one becomes an organisation, if it is none yet."""
    if register is None:
        lock_register(connection)
        register = Register(connection)
    answers = claim_codes(connection, rows, notes, register.codes)
    codes = [code for code, _ in answers if code]
    for row in connection.execute(select(PackPartner.__table__).where(PackPartner.code.in_(codes))).all():
        organisation = register.find(row.name, row.code)
        if organisation is None:
            register.know(_add(connection, row.code, row.name, row.reply, row.notes))
        elif organisation.name != row.name:
            renamed = update(MemberOrganisation).where(MemberOrganisation.id == organisation.id)
            connection.execute(renamed.values(name=row.name))
            register.know(replace(organisation, name=row.name))
            # Links with codes that it had before lead to it under its new name, too.
            older = update(PackPartner).where(PackPartner.name == organisation.name)
            connection.execute(older.values(name=row.name))
    return answers


def _add(connection: Connection, code: str, name: str, reply: str, notes: dict[str, str]) -> Organisation:
    added = insert(MemberOrganisation).values(code=code, name=name).returning(MemberOrganisation.id)
    id_ = connection.execute(added).scalar_one()
    kept = {key: value for key, value in notes.items() if value}
    connection.execute(insert(OrganisationProfile).values(organisation_id=id_, reply=reply, notes=kept))
    return Organisation(id_, code, name)
