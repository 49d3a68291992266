"""The way back onto a list, for people who unsubscribed and want to return, or who unsubscribed by mistake."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from daisychain.errors import StateError
from lists.addresses import require_address
from lists.consent.consent_ledger import record_consent
from lists.members import end_memberships, find_membership
from lists.restorations import record_restoration, require_given
from lists.suppression import is_suppressed, lift_suppression, stronger_than_a_wish
from lists.tables import BY_PAGE, ONE_CLICK, Member, Membership, Suppression

UNDO_WITHIN = timedelta(hours=1)


def resubscribe(
    connection: Connection, list_id: int, email: str, *,
    because: str, evidence: str, how: str = "by staff", collected_by: str = "", by: str = "",
    agreed: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Subscribe a person again who asked for it; `evidence` becomes their consent. Raises InputError, StateError.

    `agreed` has what the ledger keeps beside, such as the wording.
    """
    because = require_given(because, "--because", "asked by phone, 3 May")
    evidence = require_given(evidence, "--evidence", "her email of 3 May, in the shared mailbox")
    membership = find_membership(connection, list_id, email)
    if membership["state"] == "subscribed":
        raise StateError(f"{email} is subscribed to this list.")
    if is_suppressed(connection, email):
        raise StateError(
            f"{email} is suppressed, so no list may mail this address.",
            hint=f'First: daisychain list unsuppress {email} --because "…"',
        )
    consent: dict[str, Any] = {"basis": "consent", "source": evidence, "collected_by": collected_by}
    consent |= {"consented_at": func.now(), "paused_until": None}  # somebody who comes back wants mail
    member_id: int = membership["member_id"]
    this = (Membership.list_id == list_id, Membership.member_id == member_id)
    _subscribe(connection, this, consent, how=how, because=because, evidence=evidence)
    terms = {"basis": "consent", "source": how, "evidence": evidence, "collected_by": collected_by, "by": by}
    record_consent(connection, member_id, list_id, "returned", **{**terms, **(agreed or {})})


def lift_for_one_list(connection: Connection, list_id: int, email: str, *, because: str, how: str) -> bool:
    """Lift the suppression of a person who came back to one list; False if there is one that their wish can't lift.

    What else they are on had no mail for them, and has none from now on either: they asked for this list only.
    """
    key = require_address(email).key
    reason = connection.scalar(select(Suppression.reason).where(Suppression.address_key == key).with_for_update())
    if reason is None:
        return True
    if stronger_than_a_wish(reason):
        return False
    lift_suppression(connection, key, how=how, because=because)
    others = "member_id = (SELECT id FROM members WHERE address_key = :key) AND list_id <> :list_id"
    how = f"was suppressed: {reason}"
    end_memberships(connection, how, f"{others} AND state = 'subscribed'", key=key, list_id=list_id)
    return True


def find_undoable(connection: Connection, member_id: int | None, address: str, how: str) -> datetime | None:
    """Return when a person last unsubscribed in the way `how`, if that can still be undone."""
    left = select(func.max(Membership.left_at)).where(
        Membership.member_id == member_id, Membership.left_how == how, Membership.state == "unsubscribed"
    )
    key = _key(connection, member_id, address)
    suppressed = select(func.max(Suppression.at)).where(Suppression.address_key == key, Suppression.source == how)
    last = func.greatest(left.scalar_subquery(), suppressed.scalar_subquery())
    return connection.scalar(select(last).where(last > func.now() - UNDO_WITHIN))


def undo_unsubscribe(connection: Connection, member_id: int | None, address: str, how: str, at: datetime) -> bool:
    """Restore just what was changed at `at` in the way `how`; return whether there was something to restore.

    Nothing is restored after an hour.
    """
    if not connection.scalar(select(func.now() - UNDO_WITHIN < at)):
        return False
    undone = f"undone on the {BY_PAGE if how == ONE_CLICK else how}"
    these = (Membership.member_id == member_id, Membership.left_at == at, Membership.left_how == how)
    subscribed = _subscribe(connection, these, {}, how=undone)
    for list_id in subscribed:
        record_consent(connection, member_id or 0, list_id, "restored", source=undone)
    key = _key(connection, member_id, address)
    # A note says that an imported file had suppressed the address before, which then stays so.
    own = (Suppression.at == at, Suppression.source == how, Suppression.note == "")
    return lift_suppression(connection, key, *own, how=undone) or bool(subscribed)


def _subscribe(
    connection: Connection, which: tuple[ColumnElement[bool], ...], consent: dict[str, Any], **history: str
) -> list[int]:
    """Subscribe a person again to the lists where they left as `which` says; return their numbers."""
    found = (
        select(Membership.__table__, Member.address_key)
        .join(Member, Member.id == Membership.member_id)
        .where(*which, Membership.state == "unsubscribed")
        .with_for_update()
    )
    rows = connection.execute(found).mappings().all()
    for row in rows:
        before = {
            name: row[name] for name in ("left_at", "left_how", "basis", "source", "consented_at", "collected_by")
        }
        record_restoration(connection, row["address_key"], before, list_id=row["list_id"], **history)
        connection.execute(
            update(Membership)
            .where(Membership.list_id == row["list_id"], Membership.member_id == row["member_id"])
            .values(state="subscribed", left_at=None, left_how="", **consent)
        )
    return [row["list_id"] for row in rows]


def _key(connection: Connection, member_id: int | None, address: str) -> str:
    key: str | None = connection.scalar(select(Member.address_key).where(Member.id == member_id))
    return key or require_address(address).key
