"""Batches of contacts: people on no list, such as at member organisations, who get a campaign by their address.

Some of their values are secrets that may be replaced any day, such as a private link. These are never stored with the
delivery: they are read when a batch is claimed, so each mail has the ones of that moment, and no page that shows a mail
again has any. Only `partners` knows them; the front door hands its function over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from daisychain.settings import Settings
from lists.addresses import address_key
from sender.delivery.contact_refusals import why_not
from sender.delivery.ledger import Span, exclude
from sender.tables import Delivery

# The kinds of such a campaign and of its deliveries, and the reason for an address that is no contact any more.
CONTACTS, CONTACT = "contacts", "contact"
GONE = "no longer a contact"


# Returns the values that mails get only when they are sent, by delivery; none for somebody to leave out.
LateValues = Callable[[Settings, Connection, Sequence[int]], Mapping[int, Mapping[str, str]]]
ReadLateValues = Callable[[Connection, Sequence[int]], Mapping[int, Mapping[str, str]]]


class PersonToMail(NamedTuple):
    """One person of a claim, with all values; `excluded` is why not to mail them any more."""

    id: int
    address: str
    inputs: Mapping[str, Any]
    excluded: str | None = None
    per_person: bool | None = None
    dimensions: Mapping[str, str] | None = None


def no_late_values(*_: object) -> Mapping[int, Mapping[str, str]]:
    """Refuse: this process was started without a function for them. The claim is undone, and the batch waits."""
    raise RuntimeError("this process can't send to contacts: it has no function for their values")


def contacts_to_mail(connection: Connection, span: Span, late_values: ReadLateValues) -> Sequence[PersonToMail]:
    """Return the waiting people of a span with all values; exclude the others."""
    waiting = connection.execute(
        select(Delivery.id, Delivery.address, Delivery.inputs)
        .where(span.where(), Delivery.state == "waiting")
        .order_by(Delivery.id)
    ).all()
    late = late_values(connection, [row.id for row in waiting])
    refused = why_not(connection, [row.address for row in waiting])
    excluded = {row.id: reason for row in waiting if (reason := refused.get(address_key(row.address)))}
    excluded |= {row.id: GONE for row in waiting if row.id not in late and row.id not in excluded}
    exclude(connection, span, excluded)
    mailed = (row for row in waiting if row.id not in excluded)
    return [PersonToMail(row.id, row.address, {**row.inputs, **late[row.id]}) for row in mailed]
