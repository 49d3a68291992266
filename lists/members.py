"""Members: finding one, and taking one off a list. Who has left stays left; only the person can come back."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.elements import ColumnElement

from daisychain.errors import InputError
from lists.addresses import require_address
from lists.suppression import suppress
from lists.tables import MailingList, Member, Membership


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


def unsubscribe(connection: Connection, list_id: int, member_id: int, how: str) -> bool:
    """Take a member off one list; True if they were on it. `how` says by which way, such as "one-click".

    If there is no membership any more, because an import was undone, the wish is remembered.
    """
    if _leave(connection, how, Membership.list_id == list_id, Membership.member_id == member_id):
        return True
    values = {
        "list_id": list_id,
        "member_id": member_id,
        "state": "unsubscribed",
        "left_at": func.now(),
        "left_how": how,
    }
    connection.execute(upsert(Membership).values(values).on_conflict_do_nothing())
    return False


def unsubscribe_everywhere(connection: Connection, member_id: int, how: str) -> bool:
    """Take a member off every list and suppress their address; True if that changed anything."""
    email = connection.execute(select(Member.email).where(Member.id == member_id)).scalar()
    if email is None:
        raise InputError(f"There is no member {member_id}.")
    new = suppress(connection, email, "unsubscribed from everything", source=how)
    return _leave(connection, how, Membership.member_id == member_id) > 0 or new


def _leave(connection: Connection, how: str, *where: ColumnElement[bool]) -> int:
    left = {"left_at": func.now(), "left_how": how}
    # A person's own word stands if the import that had unsubscribed them is undone.
    connection.execute(
        update(Membership)
        .where(*where, Membership.state == "unsubscribed", Membership.left_how == "import")
        .values(left)
    )
    statement = update(Membership).where(*where, Membership.state == "subscribed").values(state="unsubscribed", **left)
    return connection.execute(statement).rowcount
