"""Members: finding one, and taking one off a list. Who has left stays left; only the person can come back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, RowMapping, TextClause, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.errors import InputError, StateError
from lists.addresses import require_address
from lists.bases import CHARITY, names_of_sender, require_basis, require_own_contacts, same_organisation
from lists.consent.consent_ledger import NOW, record_consent
from lists.privacy.coming_back import require_not_forgotten
from lists.restorations import list_restorations
from lists.suppression import is_suppressed, suppress
from lists.tables import BY_PAGE, BY_PREFERENCES, ONE_CLICK, MailingList, Member, Membership, Suppression


def find_member(connection: Connection, email: str) -> RowMapping:
    """The row of the member with this address, however it is written; raises InputError."""
    statement = select(Member.__table__).where(Member.address_key == require_address(email).key)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise InputError(
            f"Nobody here has the address {email.strip()!r}.",
            hint=f'So that it is never mailed: daisychain list suppress {email.strip()} --reason "…"',
        )
    return row


def email_of(connection: Connection, member_id: int) -> str | None:
    """Return the address of a member; None if there is none of this number."""
    return connection.scalar(select(Member.email).where(Member.id == member_id))


def find_membership(connection: Connection, list_id: int, email: str) -> RowMapping:
    """Return the membership of this address on this list; raises InputError that names the lists it is on."""
    member = find_member(connection, email)
    places = (
        select(Membership.__table__, MailingList.name)
        .join(MailingList, MailingList.id == Membership.list_id)
        .where(Membership.member_id == member["id"])
        .order_by(MailingList.name)
    )
    rows = connection.execute(places).mappings().all()
    for row in rows:
        if row["list_id"] == list_id:
            return row
    named = ", ".join(row["name"] for row in rows)
    raise InputError(f"{member['email']} was never on this list.", hint=f"On: {named}." if named else "")


def add_member(
    connection: Connection, list_id: int, email: str, *, basis: str, source: str, collected_by: str = "", by: str = "",
    agreed: Mapping[str, Any] | None = None, **fields: str,
) -> bool:  # fmt: skip
    """Add a person to a list, and fill in their fields; return whether they are new on it.

    `agreed` has what the ledger keeps beside, such as the wording. Raises InputError, and StateError if the address is
    suppressed or has left this list.
    """
    require_basis(basis, source)
    if basis == CHARITY:
        raise InputError(f"The basis {CHARITY} needs the date of each contact: use `daisychain list import`.")
    address = require_address(email)
    _require_own_contact(connection, list_id, address.key, collected_by)
    if is_suppressed(connection, email):
        raise StateError(f"{email} is suppressed.", hint=f"See why: daisychain member show {email}")
    require_not_forgotten(connection, address)
    given = {name: value.strip() for name, value in fields.items() if value.strip()}
    person = upsert(Member).values(email=address.written, address_key=address.key, **given)
    changed = {**given, "updated_at": func.now()}
    member_id = connection.scalar(
        person.on_conflict_do_update(index_elements=[Member.address_key], set_=changed).returning(Member.id)
    )
    # As merging.py does: a basis other than unknown comes with its source, and counts from now.
    terms = {"basis": basis, "source": source.strip(), "collected_by": collected_by}
    at = None if basis == "unknown" else NOW
    new = upsert(Membership).values(list_id=list_id, member_id=member_id, consented_at=at, **terms)
    if member_id is not None and connection.scalar(new.on_conflict_do_nothing().returning(Membership.member_id)):
        record_consent(connection, member_id, list_id, "given", at=at, by=by, **{**terms, **(agreed or {})})
        return True
    if find_membership(connection, list_id, email)["state"] == "unsubscribed":
        raise StateError(
            f"{email} has left this list.",
            hint=f"If they ask to come back: daisychain member resubscribe {email} --list …",
        )
    return False


def _require_own_contact(connection: Connection, list_id: int, key: str, collected_by: str) -> None:
    """Raise InputError or StateError if a contact belongs to another organisation than the list's sender."""
    names = names_of_sender(connection, list_id)
    require_own_contacts(collected_by, names)
    elsewhere = (
        select(Membership.collected_by)
        .join(Member, Member.id == Membership.member_id)
        .where(Member.address_key == key, Membership.list_id != list_id, Membership.collected_by != "")
    )
    for other in () if collected_by else connection.scalars(elsewhere):
        if not same_organisation(other, names):
            raise StateError(
                f"{other} collected this contact, so it belongs to {other}.",
                hint=f"If they agreed to mail from {names[0]} too: --collected-by {names[0]!r}, with --basis and\n"
                "  --source.",
            )


def describe_person(connection: Connection, email: str) -> dict[str, Any]:
    """Return what is known of an address: fields, lists, suppression and history; raises InputError."""
    key = require_address(email).key
    columns = (Suppression.reason, Suppression.source, Suppression.at, Suppression.note)
    suppressed = connection.execute(select(*columns).where(Suppression.address_key == key)).mappings().all()
    member = connection.execute(select(Member.__table__).where(Member.address_key == key)).mappings().first()
    if member is None and not suppressed:
        find_member(connection, email)
    known = ("email", "first_name", "last_name", "language", "fields", "restricted_at", "created_at", "updated_at")
    empty = {"email": email.strip(), "first_name": "", "last_name": "", "language": "", "fields": {}}
    return {
        **(empty if member is None else {name: member[name] for name in known}),
        "lists": [] if member is None else _lists_of(connection, member["id"]),
        "suppressed": [dict(row) for row in suppressed],
        "history": list_restorations(connection, key),
        "member_id": None if member is None else member["id"],
    }


def _lists_of(connection: Connection, member_id: int) -> list[dict[str, Any]]:
    columns = (
        "state", "basis", "source", "consented_at", "collected_by", "joined_at", "left_at", "left_how", "paused_until",
    )  # fmt: skip
    rows = connection.execute(
        select(MailingList.name.label("list"), *(getattr(Membership, name) for name in columns))
        .join(MailingList, MailingList.id == Membership.list_id)
        .where(Membership.member_id == member_id)
        .order_by(MailingList.name)
    )
    return [dict(row) for row in rows.mappings()]


def unsubscribe(connection: Connection, list_id: int, member_id: int, how: str, by: str = "") -> bool:
    """Take a member off one list; True if they were on it. `how` says by which way, such as "one-click".

    If there is no membership any more, because an import was undone, the wish is remembered.
    """
    place = {"list_id": list_id, "member_id": member_id}
    this = "list_id = :list_id AND member_id = :member_id"
    # Nearly always they are on it, and then there is nothing else to look for.
    if end_memberships(connection, how, f"{this} AND state = 'subscribed'", by=by, **place):
        return True
    _leave(connection, how, by, this, **place)
    values = {**place, "state": "unsubscribed", "left_at": func.now(), "left_how": how}
    new = upsert(Membership).values(values).on_conflict_do_nothing().returning(Membership.member_id)
    if connection.scalar(new) is not None:
        record_consent(connection, member_id, list_id, "withdrawn", source=how, by=by)
    return False


def unsubscribe_everywhere(connection: Connection, member_id: int, how: str) -> bool:
    """Take a member off every list and suppress their address; True if that changed anything."""
    email = connection.execute(select(Member.email).where(Member.id == member_id)).scalar()
    if email is None:
        raise InputError(f"There is no member {member_id}.")
    new = suppress(connection, email, "unsubscribed from everything", source=how)
    return _leave(connection, how, "", "member_id = :member_id", member_id=member_id) > 0 or new


def _leave(connection: Connection, how: str, by: str, where: str, **of: int) -> int:
    # A later word stays if the import, or the click on a page, by which they had left before is undone.
    undoable = sorted({"import", BY_PAGE, BY_PREFERENCES, ONE_CLICK} - {how})
    again = f"{where} AND state = 'unsubscribed' AND left_how = ANY(:undoable)"
    end_memberships(connection, how, again, by=by, undoable=undoable, **of)
    return end_memberships(connection, how, f"{where} AND state = 'subscribed'", by=by, **of)


def end_memberships(connection: Connection, how: str, where: str, *, by: str = "", **of: Any) -> int:
    """Unsubscribe a person from the lists where their membership is as `where` says, in SQL; return from how many."""
    return connection.execute(_ending(where), {"how": how, "by": by, **of}).rowcount


@cache
def _ending(where: str) -> TextClause:
    # One statement with what the consent ledger gets, as mail programs wait for it.
    return text(f"""
        WITH changed AS (
            UPDATE memberships SET state = 'unsubscribed', left_at = now(), left_how = :how
            WHERE {where} RETURNING member_id, list_id
        ), known AS (
            SELECT id FROM consent_terms WHERE source = :how AND by = :by AND (basis, collected_by) = ('', '')
            AND wording_id IS NULL AND import_id IS NULL LIMIT 1
        ), made AS (
            INSERT INTO consent_terms (source, by)
            SELECT :how, :by WHERE EXISTS (SELECT FROM changed) AND NOT EXISTS (SELECT FROM known) RETURNING id
        )
        INSERT INTO consent_events (member_id, list_id, kind, terms_id, at)
        SELECT member_id, list_id, 'withdrawn', (SELECT id FROM known UNION ALL SELECT id FROM made), now() FROM changed
    """)  # noqa: S608 - of constants
