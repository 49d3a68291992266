"""Contacts of organisations: who gets the coalition's mail there.

A private link may be passed on. So its page shows addresses masked, and a contact that it adds receives nothing until
staff accept it.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from daisychain.errors import InputError
from lists.addresses import require_address
from lists.privacy.coming_back import require_not_forgotten
from partners.tables import OrganisationContact

MOST = 20  # contacts of one organisation
# Changes of a contact, and what is then said of it.
CHANGES = {
    "accept": "is accepted, and gets the mail", "receive": "gets the mail again", "stop": "gets no mail any more",
    "remove": "is removed",
}  # fmt: skip
_LONGEST_NAME = 100
_UNSEEN, _JOINERS = ("Cc", "Cf"), "\u200c\u200d"  # names in some scripts need the joiners


@dataclass(frozen=True)
class Contact:
    """A person at an organisation; a `suggested` one waits for staff."""

    id: int
    organisation_id: int
    name: str
    email: str
    receives: bool
    suggested: bool

    @property
    def masked(self) -> str:
        """Return the address as its owner recognises it and nobody else can use it: m…@bees.org."""
        local, _, domain = self.email.rpartition("@")
        return f"{local[:1]}…@{domain}"


def contacts_of(connection: Connection, organisation_ids: Collection[int]) -> dict[int, list[Contact]]:
    """Return the contacts of each organisation, as they were added; suggested ones last."""
    table = OrganisationContact
    columns = table.id, table.organisation_id, table.name, table.email, table.receives, table.suggested_at.is_not(None)
    query = select(*columns).where(table.organisation_id.in_(organisation_ids)).order_by(columns[-1], table.id)
    found: defaultdict[int, list[Contact]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.organisation_id].append(Contact(*row))
    return found


def receiving_contacts(connection: Connection, organisation_ids: Collection[int]) -> dict[int, list[Contact]]:
    """Return for each organisation the contacts that get mail for it."""
    found = contacts_of(connection, organisation_ids)
    return {id_: [each for each in found[id_] if each.receives and not each.suggested] for id_ in organisation_ids}


def add_contact(
    connection: Connection, organisation_id: int, email: str, name: str = "", *, receives: bool = True,
    suggested: bool = False,
) -> bool:  # fmt: skip
    """Add a contact, or change the name of one that is there; whether it is new. Raises InputError.

    A suggestion changes nobody who is there, and nobody comes back so who was forgotten.
    """
    address, name = require_address(email), _visible(name)[:_LONGEST_NAME]
    require_not_forgotten(connection, address)
    table = OrganisationContact
    mine = table.organisation_id == organisation_id
    known = connection.scalar(select(table.id).where(mine, table.address_key == address.key))
    if known is not None and suggested:
        return False
    if known is None and (connection.scalar(select(func.count()).where(mine)) or 0) >= MOST:
        raise InputError(f"An organisation has {MOST} contacts at most.", hint="Remove one first.")
    row = {
        "organisation_id": organisation_id, "name": name, "email": address.written, "address_key": address.key,
        "receives": receives, "suggested_at": func.now() if suggested else None,
    }  # fmt: skip
    adding = insert(table).values(row)
    again = {"name": func.coalesce(func.nullif(adding.excluded.name, ""), table.name), "suggested_at": None}
    connection.execute(adding.on_conflict_do_update(index_elements=["organisation_id", "address_key"], set_=again))
    return known is None


def change_contact(connection: Connection, organisation_id: int, contact_id: int, change: str) -> Contact | None:
    """Apply one of CHANGES; return the contact as it was, None if it is gone."""
    found = contacts_of(connection, [organisation_id])[organisation_id]
    contact = next((each for each in found if each.id == contact_id), None)
    if contact:
        where = OrganisationContact.id == contact_id, OrganisationContact.organisation_id == organisation_id
        if change == "remove":
            connection.execute(delete(OrganisationContact).where(*where))
        else:
            connection.execute(update(OrganisationContact).where(*where).values(**_VALUES[change]))
    return contact


def remove_address(connection: Connection, organisation_id: int, email: str) -> None:
    """Remove the contact with an address; raises InputError if there is none."""
    key = require_address(email).key
    where = OrganisationContact.organisation_id == organisation_id, OrganisationContact.address_key == key
    if not connection.execute(delete(OrganisationContact).where(*where)).rowcount:
        raise InputError(f"There is no contact {email!r}.")


def _visible(name: str) -> str:
    """Return a name in one line, without signs that nobody sees: some can't be stored, others turn words round."""
    seen = (sign for sign in " ".join(name.split()) if unicodedata.category(sign) not in _UNSEEN or sign in _JOINERS)
    return "".join(seen)


_VALUES: dict[str, dict[str, object]] = {
    "accept": {"suggested_at": None}, "receive": {"receives": True}, "stop": {"receives": False},
}  # fmt: skip
