"""Matches events with what our tables know: the mail and the person, the clicked link, an attempt that was repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select, text

from daisychain.scrub import scrub
from lists.addresses import address_key
from lists.tables import Member
from sender.event import IncomingEvent
from sender.events.clicked_links import match_clicked_links
from sender.mailbox_providers import mailbox_provider
from sender.tables import COUNTED, Campaign, Delivery

# An asynchronous bounce has lost our key; it is matched by address to a mail no older than this.
BOUNCE_WITHIN = timedelta(days=7)
# Clocks differ, and SendGrid reports whole seconds.
SLACK = timedelta(minutes=1)

# The people that mails were for, as `_PEOPLE` reads them, by delivery.
People = Mapping[int | None, Row[Any]]


def match_events(connection: Connection, events: Sequence[IncomingEvent]) -> People:
    """Fill in the delivery of each event and what our tables know about it; returns the people by delivery."""
    _match_bounces_by_address(connection, events)
    people = _fill_in(connection, events)
    _mark_doubles(connection, events)
    match_clicked_links(connection, events)
    return people


_PEOPLE = text("""
    SELECT d.id, d.campaign_id, d.member_id, c.list_id, d.address, d.kind, c.one_key
    FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id
    WHERE d.id = ANY (CAST(:ids AS bigint[]))
""")


def _fill_in(connection: Connection, events: Sequence[IncomingEvent]) -> People:
    """Fill in each event's campaign and mailbox; returns the people by delivery.

    An event of a delivery that is unknown, or of another address than its delivery's, or with a kind of key that its
    mail never had, loses both of its ids: they are of a mail that the database has forgotten, or of another
    installation.
    """
    ids = {each.delivery_id for each in events if each.delivery_id is not None}
    people = {row.id: row for row in connection.execute(_PEOPLE, {"ids": _array(ids)})}
    for each in events:
        person = people.get(each.delivery_id)
        if person and _is_about(each, person.address) and (person.one_key or not each.one_key):
            each.campaign_id = person.campaign_id
            each.mailbox = mailbox_provider(person.address) if person.kind in COUNTED else ""
            continue
        if each.keyed:
            each.detail["misdirected" if person else "foreign"] = True
            each.forgotten = person is None and each.delivery_id is not None
            each.attempt_id = None
        each.delivery_id = None
        # Another application's reader, who is none of ours to know. A link's query may say who it is for.
        each.url = scrub(each.url.partition("?")[0])
        if each.address:
            each.detail["address_hash"] = hashlib.sha256(each.address.lower().encode()).hexdigest()
    return people


def _is_about(each: IncomingEvent, address: str) -> bool:
    """Whether an event may be about the mail to this address; reports by mail name no address here."""
    said, known = each.address.lower(), address.lower()
    if not known.partition("@")[0]:  # its address is gone, after its time
        return True
    return not said or said == known or address_key(said) == address_key(known)


def _array(numbers: Collection[int]) -> str:
    """Format a PostgreSQL array, which is faster than the driver's way."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _match_bounces_by_address(connection: Connection, events: Sequence[IncomingEvent]) -> None:
    """Match bounces without our key by address, if exactly one mail of the last days fits.

    SendGrid's asynchronous bounces have neither our custom arguments nor a message id. Deliveries have no index on
    members, so this reads the ledgers of those days, once for each body; such bounces are rare.
    """
    bounces = [each for each in events if each.kind == "bounced" and not each.keyed]
    keyless = [(each, key) for each in bounces if (key := address_key(each.address))]
    if not keyless:
        return
    rows = connection.execute(
        select(Member.address_key, Delivery.id, Campaign.frozen_at)
        .join(Delivery, Delivery.member_id == Member.id)
        .join(Campaign, Campaign.id == Delivery.campaign_id)
        .where(
            Member.address_key == func.any([key for _, key in keyless]),
            Delivery.id.between(Campaign.first_delivery, Campaign.last_delivery),
            Delivery.kind == "member",
            Delivery.state.in_(["accepted", "uncertain"]),
            Campaign.frozen_at >= min(each.at for each, _ in keyless) - BOUNCE_WITHIN,
        )
    ).all()
    for each, key in keyless:
        fitting = [
            row.id
            for row in rows
            if row.address_key == key and row.frozen_at - SLACK <= each.at <= row.frozen_at + BOUNCE_WITHIN
        ]
        if len(fitting) == 1:
            each.delivery_id = fitting[0]
            each.detail["matched_by"] = "address"


# A later attempt at the same batch is right after an attempt that was accepted at once (it was for deferred people), or
# that was settled before the later one began (it was for people who had failed or waited). Otherwise it is a double.
_AGAIN = text("""
    SELECT a.id, a.first_id, a.last_id, NOT (a.accepted AND a.settled_at IS NULL) AND (
        (a.state = 'split' AND NOT a.closed) OR EXISTS (
            SELECT 1 FROM attempts l
            WHERE l.batch_id = a.batch_id AND l.id > a.id AND (NOT a.closed OR l.started_at < a.settled_at))) AS again
    FROM (
        SELECT a.id, a.batch_id, a.settled_at, b.state, b.first_id, b.last_id,
               coalesce(a.outcome, '') = 'accepted' AS accepted,
               a.settled_at IS NOT NULL
               AND (a.outcome = 'accepted' OR a.settled_because LIKE 'count-as-accepted%') AS closed
        FROM attempts a JOIN batches b ON b.id = a.batch_id
        WHERE a.id = ANY (CAST(:ids AS bigint[]))) a
""")


def _mark_doubles(connection: Connection, events: Sequence[IncomingEvent]) -> None:
    """Mark events of attempts whose people were mailed again: each proves that a mail was sent twice.

    An attempt that is unknown, or was for other people, is cleared: its event proves nothing.
    """
    ids = {each.attempt_id for each in events if each.attempt_id is not None}
    rows = connection.execute(_AGAIN, {"ids": _array(ids)}) if ids else ()
    known = {row.id: row for row in rows}
    for each in events:
        attempt = known.get(each.attempt_id)
        if attempt is None or not attempt.first_id <= (each.delivery_id or attempt.first_id) <= attempt.last_id:
            each.attempt_id = None  # forgotten, or its number is of an attempt at other people now
        elif attempt.again:
            each.detail["double"] = True
