"""Corrects what is recorded of a member, or restricts its use, and keeps what it was before.

A new address takes the person's "no" along. Restricted data is kept and used for nothing until that is lifted: no mail
is sent, and nobody looks at what the person read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update

from daisychain.errors import InputError, StateError
from lists.addresses import require_address
from lists.cells import LONGEST_VALUE, language_code
from lists.members import find_member
from lists.privacy.coming_back import require_not_forgotten
from lists.privacy.tables import MemberChange
from lists.restorations import require_given
from lists.suppression import NewSuppression, stronger_than_a_wish, suppress_all
from lists.tables import FIELD, STANDARD_FIELDS, Member, Suppression

# What an address alone had said no to moves with its person.
_TAKE_ALONG = text("""
    INSERT INTO contact_unsubscribes (address_key, at, how)
    SELECT :new, at, how FROM contact_unsubscribes WHERE address_key = :old ON CONFLICT DO NOTHING
""")

Changes = dict[str, tuple[str, str]]
"""What a correction changes: field → before and after."""


def correct_member(
    connection: Connection, email: str, values: Mapping[str, str], *, because: str, by: str, dry_run: bool = False
) -> Changes:
    """Set fields of a member, empty ones to nothing, and return what changed. Raises InputError, StateError."""
    because = require_given(because, "--because", "asked by phone, 3 May")
    member = find_member(connection, email)
    values = {name: _checked(name, value) for name, value in values.items()}
    known = {**member["fields"], **{name: member[name] for name in STANDARD_FIELDS}}
    changes = {name: (known.get(name, ""), value) for name, value in values.items() if known.get(name, "") != value}
    if not changes:
        return {}
    new = {name: after for name, (_, after) in changes.items()}
    if "email" in new:
        _check_address(connection, member, new["email"])
    if dry_run:
        return changes
    before: dict[str, Any] = {name: old for name, (old, _) in changes.items()}
    columns: dict[str, Any] = {name: new.pop(name) for name in STANDARD_FIELDS if name in new}
    if "email" in columns:
        columns["address_key"] = require_address(columns["email"]).key
        before["address_key"] = member["address_key"]
        _move_address(connection, member["address_key"], columns["address_key"])
    fields = {name: value for name, value in {**member["fields"], **new}.items() if value}
    changed = update(Member).where(Member.id == member["id"])
    connection.execute(changed.values(**columns, fields=fields, updated_at=func.now()))
    _record(connection, member["id"], "corrected", by=by, because=because, before=before, after={**columns, **new})
    return changes


def restrict_member(connection: Connection, email: str, restricted: bool, *, because: str, by: str) -> None:
    """Restrict a person, or use their data again; raises InputError, and StateError if nothing would change."""
    because = require_given(because, "--because", "disputes the consent, letter of 3 May")
    member = find_member(connection, email)
    if (member["restricted_at"] is not None) is restricted:
        raise StateError(f"{email} is {'restricted already' if restricted else 'not restricted'}.")
    now = func.now() if restricted else None
    connection.execute(update(Member).where(Member.id == member["id"]).values(restricted_at=now))
    what = "restricted" if restricted else "restriction lifted"
    _record(connection, member["id"], what, by=by, because=because)


def _record(connection: Connection, member_id: int, what: str, **record: Any) -> None:
    connection.execute(insert(MemberChange).values(member_id=member_id, what=what, **record))


def _checked(name: str, value: str) -> str:
    value = " ".join(value.split())
    if not FIELD.fullmatch(name):
        raise InputError(f"There can be no field {name!r}.", hint="Small letters, digits and _: town, joined_in.")
    if len(value) > LONGEST_VALUE or not value.isprintable():
        raise InputError(f"The value of {name} can't be used: too long, or with characters that nobody sees.")
    if name == "email":
        return require_address(value).written
    if name == "language":
        code = language_code(value)
        if code is None:
            raise InputError(f"There is no language {value!r}.", hint="Write a code or an English name: cy, Welsh.")
        return code
    return value


def _check_address(connection: Connection, member: Mapping[Any, Any], email: str) -> None:
    """Raise unless a member can have this address."""
    address = require_address(email)
    require_not_forgotten(connection, address)
    if address.key == member["address_key"]:
        return
    if connection.scalar(select(Member.id).where(Member.address_key == address.key)):
        raise StateError(
            f"{address.written} is another member's.", hint=f"See who: daisychain member show {address.written}"
        )
    if reason := connection.scalar(select(Suppression.reason).where(Suppression.address_key == address.key)):
        raise StateError(f"{address.written} is suppressed: {reason}.", hint="Lift that first, if the person wants it.")


def _move_address(connection: Connection, old: str, new: str) -> None:
    """Take along what the person said no to, and let no old file bring the old address back."""
    if old == new:
        return
    reason = connection.scalar(select(Suppression.reason).where(Suppression.address_key == old))
    # A bounce was the old mailbox's; a complaint was the person's.
    moves = reason and (not stronger_than_a_wish(reason) or "bounc" not in reason.lower())
    evidence = [NewSuppression(old, "the person has another address now", "correction")] if not reason else []
    suppress_all(connection, [*evidence, *([NewSuppression(new, str(reason), "correction")] if moves else [])])
    connection.execute(_TAKE_ALONG, {"old": old, "new": new})
