"""Contacts who must not be mailed: they unsubscribed from mail to contacts, or no list may mail their address."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from lists.addresses import address_key
from lists.restorations import record_restoration
from lists.resubscribe import UNDO_WITHIN
from lists.tables import Suppression
from sender.tables import ContactUnsubscribe

SUPPRESSED, UNSUBSCRIBED = "suppressed", "unsubscribed from mail to organisations"


def why_not(connection: Connection, addresses: Collection[str]) -> dict[str, str]:
    """Return why contacts with some of these addresses get no mail, by the key of the address."""
    keys = sorted({address_key(address) for address in addresses})
    left = select(ContactUnsubscribe.address_key).where(ContactUnsubscribe.address_key.in_(keys))
    suppressed = select(Suppression.address_key).where(Suppression.address_key.in_(keys))
    reasons = dict.fromkeys(connection.scalars(left), UNSUBSCRIBED)
    return reasons | dict.fromkeys(connection.scalars(suppressed), SUPPRESSED)


def unsubscribe_contact(connection: Connection, address: str, how: str) -> None:
    """Send no more such mail to an address, whichever organisation lists it; the first time is kept."""
    row = insert(ContactUnsubscribe).values(address_key=address_key(address), how=how)
    connection.execute(row.on_conflict_do_nothing())


def has_unsubscribed(connection: Connection, address: str) -> bool:
    """Whether an address wants no more mail as a contact."""
    return why_not(connection, [address]).get(address_key(address)) == UNSUBSCRIBED


def undoable_contact(connection: Connection, address: str, how: Collection[str]) -> datetime | None:
    """Return when a contact unsubscribed in one of the ways `how`, if that can still be undone."""
    of = (ContactUnsubscribe.address_key == address_key(address), ContactUnsubscribe.how.in_(how))
    recent = ContactUnsubscribe.at > func.now() - UNDO_WITHIN
    return connection.scalar(select(ContactUnsubscribe.at).where(*of, recent))


def resubscribe_contact(
    connection: Connection, address: str, *, how: str, because: str = "", evidence: str = "", at: datetime | None = None
) -> bool:
    """Let an address get mail as a contact again, by its own wish; `at` takes back just that one unsubscribe.

    What was there is kept as history. Returns whether there was something to take back.
    """
    key = address_key(address)
    these = delete(ContactUnsubscribe).where(ContactUnsubscribe.address_key == key)
    if at is not None:
        these = these.where(ContactUnsubscribe.at == at, at > func.now() - UNDO_WITHIN)
    row = connection.execute(these.returning(ContactUnsubscribe.at, ContactUnsubscribe.how)).one_or_none()
    if row is None:
        return False
    before = {"contact": "unsubscribed", "at": row.at, "how": row.how}
    record_restoration(connection, key, before, how=how, because=because, evidence=evidence)
    return True
