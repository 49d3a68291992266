"""Keeps a person's data and uses it for nothing: not mailed, not looked at by what they read, until it is lifted."""

from __future__ import annotations

from sqlalchemy import Connection, func, update

from daisychain.errors import StateError
from lists.members import find_member
from lists.privacy.corrections import record_change
from lists.restorations import require_given
from lists.tables import Member


def restrict_member(connection: Connection, email: str, restricted: bool, *, because: str, by: str) -> None:
    """Restrict a person from now on, or use their data again; raises InputError, and StateError if that is so."""
    because = require_given(because, "--because", "disputes the consent, letter of 3 May")
    member = find_member(connection, email)
    if (member["restricted_at"] is not None) is restricted:
        raise StateError(f"{email} is {'restricted already' if restricted else 'not restricted'}.")
    now = func.now() if restricted else None
    connection.execute(update(Member).where(Member.id == member["id"]).values(restricted_at=now))
    what = "restricted" if restricted else "restriction lifted"
    record_change(connection, member["id"], what, by=by, because=because)
