"""Unsubscribes through a link in a mail: from its list or from everything. Repeating it is harmless."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, or_, select

from lists.addresses import address_key, require_address
from lists.members import unsubscribe, unsubscribe_everywhere
from lists.resubscribe import find_undoable, undo_unsubscribe
from lists.suppression import is_suppressed, suppress
from lists.tables import BY_PAGE, ONE_CLICK, Membership
from sender.delivery.contact_batches import CONTACT
from sender.delivery.contact_refusals import (
    has_unsubscribed,
    resubscribe_contact,
    undoable_contact,
    unsubscribe_contact,
)
from sender.events.page_hits import record_lost_unsubscribe, record_unsubscribe
from sender.events.rollups import update_rollups
from sender.links.sent_mail import SentMail
from sender.tables import Rollup

Scope = Literal["list", "all"]
_UNDOABLE = (BY_PAGE, ONE_CLICK)
SCOPES: dict[str, Scope] = {"list": "list", "all": "all"}


def unsubscribe_by_mail(connection: Connection, mailed: SentMail, scope: Scope, *, how: str) -> None:
    """Unsubscribe the mail's recipient from its list, or from everything, in the caller's transaction.

    A test mail changes nothing. Somebody who is no longer a member is suppressed if they unsubscribe from everything.
    """
    if not mailed.counts:
        return
    stored = record_unsubscribe(connection, mailed, scope)
    if mailed.kind == CONTACT and scope == "list":
        unsubscribe_contact(connection, mailed.address, how)
    elif scope == "all":
        if mailed.member_id is None:
            suppress(connection, mailed.address, "unsubscribed from everything", source=how)
        else:
            unsubscribe_everywhere(connection, mailed.member_id, how)
    elif mailed.member_id is not None and mailed.list_id is not None:
        unsubscribe(connection, mailed.list_id, mailed.member_id, how)
    update_rollups(connection, stored)


def unsubscribe_by_lost_mail(connection: Connection, delivery_id: int, address: str, *, how: str) -> bool:
    """Suppress the address that the reader of a forgotten mail enters; False if its link was used too often.

    The link proves only that they hold one of our mails, so it counts for a few addresses. Raises InputError.
    """
    key = require_address(address).key
    if not record_lost_unsubscribe(connection, delivery_id, key):
        return False
    suppress(connection, key, "unsubscribed from everything", source=how)
    return True


def is_to(mailed: SentMail, address: str) -> bool:
    """Whether a mail went to this address, however it is written."""
    return address_key(address) == address_key(mailed.address) != ""


def unsubscribed_from(connection: Connection, mailed: SentMail) -> Scope | None:
    """Return what the mail's recipient has left by now: all, its list, or nothing."""
    if mailed.counts and is_suppressed(connection, mailed.address):
        return "all"
    if mailed.kind == CONTACT:
        return "list" if has_unsubscribed(connection, mailed.address) else None
    state = select(Membership.state).where(
        Membership.member_id == mailed.member_id, Membership.list_id == mailed.list_id
    )
    return "list" if mailed.counts and connection.scalar(state) == "unsubscribed" else None


def undoable_by_mail(connection: Connection, mailed: SentMail) -> datetime | None:
    """Return when the mail's recipient last unsubscribed, on the page or by one click, if that can still be undone."""
    if mailed.kind == CONTACT and (at := undoable_contact(connection, mailed.address, _UNDOABLE)):
        return at
    ways = _UNDOABLE if mailed.counts else ()
    found = [find_undoable(connection, mailed.member_id, mailed.address, how) for how in ways]
    return max((at for at in found if at), default=None)


def undo_by_mail(connection: Connection, mailed: SentMail, at: datetime) -> bool:
    """Restore what the mail's recipient left at this time, on the page or by one click; False if too late, or done.

    Nothing is restored if the mail has bounced, or they complained of it. A complaint of another mail, or what staff
    did since, has taken the place of what they changed.
    """
    bad = or_(Rollup.complained_at.is_not(None), Rollup.hard_bounced_at.is_not(None))
    if connection.scalar(select(Rollup.delivery_id).where(Rollup.delivery_id == mailed.delivery_id, bad)):
        return False
    if mailed.kind == CONTACT and resubscribe_contact(
        connection, mailed.address, how=f"undone on the {BY_PAGE}", at=at
    ):  # fmt: skip
        return True
    ways = _UNDOABLE if mailed.counts else ()
    return any(undo_unsubscribe(connection, mailed.member_id, mailed.address, how, at) for how in ways)


def masked(address: str) -> str:
    """Mask an address so that only its owner recognises it: the first letter and the domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
