"""Ingests events from providers: stores them, and does what follows from the new ones.

Everything is in the caller's transaction: events, roll-ups, suppressions and unsubscribes. Doing it twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from daisychain.clock import recorded
from lists.addresses import address_key
from lists.members import unsubscribe
from lists.suppression import NewSuppression, suppress_all
from sender.delivery.attempts import settle_by_event
from sender.delivery.confirmed_places import notice_forgotten
from sender.event import PROOFS, IncomingEvent
from sender.events.flagged import MISDIRECTED, flag
from sender.events.matching import People, match_events
from sender.events.rollups import store_events, update_rollups
from sender.events.sendgrid_webhook import SOURCE
from sender.system_mail.mail_queue import note_bounces


def ingest(
    connection: Connection, events: Sequence[IncomingEvent], received_at: datetime, body_id: int | None = None
) -> Sequence[IncomingEvent]:
    """Store events and act on the new ones, in the caller's transaction; returns the new ones.

    The number of statements does not depend on the number of events, except for unsubscribes.
    """
    read = [(each.delivery_id or 0, each.attempt_id or 0) for each in events]
    people = match_events(connection, events)
    stored = store_events(connection, events, received_at, body_id)
    settle_proven_attempts(connection, events)
    heard = [each for each in stored.new if not _flag_misdirected(connection, each)]
    _suppress(connection, heard, people)
    _unsubscribe(connection, heard, people)
    update_rollups(connection, stored)
    # Last, as it locks campaigns.
    notice_forgotten(
        connection,
        delivery=max((ids[0] for ids, each in zip(read, events, strict=True) if each.delivery_id is None), default=0),
        attempt=max((ids[1] for ids, each in zip(read, events, strict=True) if each.attempt_id is None), default=0),
    )
    return stored.new


def settle_proven_attempts(connection: Connection, events: Sequence[IncomingEvent]) -> int:
    """Settle uncertain attempts that these events prove accepted; returns how many people that settled."""
    proofs: dict[int, str] = {}
    for each in events:
        if each.attempt_id and each.kind in PROOFS and each.attempt_id not in proofs:
            proofs[each.attempt_id] = f"{each.kind} at {recorded(each.at)}, reported by {each.source}"
    return settle_by_event(connection, proofs, because=proofs) if proofs else 0


def _flag_misdirected(connection: Connection, each: IncomingEvent) -> bool:
    """Flag an event of another address than its delivery's; returns whether it is one."""
    misdirected = "misdirected" in each.detail
    if misdirected:
        flag(connection, MISDIRECTED, f"event {each.natural_key}", "its key is of a mail to somebody else")
    return misdirected


# SendGrid drops mail to addresses on its own lists, with one of these reasons; we may have missed why they are there.
_DROPPED = {
    "Bounced Address": "hard bounce",
    "Spam Reporting Address": "complaint",
    "Unsubscribed Address": f"unsubscribed at {SOURCE}",
}


def _suppress(connection: Connection, new: Collection[IncomingEvent], people: People) -> None:
    """Suppress the addresses that bounced hard or complained, or that the provider does not mail for such a reason."""
    evidence = []
    for each in new:
        said = str(each.detail.get("reason", ""))
        if each.bounce == "hard":
            reason = "hard bounce"
        elif each.kind == "complained":
            reason = "complaint"
        elif each.kind == "unsubscribed" and each.forgotten:
            reason = _DROPPED["Unsubscribed Address"]  # from which list, nobody knows any more
        else:
            reason = _dropped_for(each)
        known = people[each.delivery_id].address if each.delivery_id is not None else ""
        key = reason and (address_key(known) or address_key(each.address))
        if key:
            evidence.append(NewSuppression(key, reason, each.source, said))
    suppress_all(connection, evidence)
    # A mail of ours that is no delivery, such as an invitation.
    note_bounces(connection, {
        each.address.lower(): str(each.detail.get("reason", "")) or "bounced"
        for each in new if each.delivery_id is None and each.address and (each.bounce or each.kind == "rejected")
    })  # fmt: skip


def _dropped_for(each: IncomingEvent) -> str:
    # A group (`asm_group_id`) is another application's: our mails have none.
    if each.kind != "rejected" or (each.delivery_id is None and each.detail.get("asm_group_id")):
        return ""
    said = str(each.detail.get("reason", "")).lower()
    return next((reason for words, reason in _DROPPED.items() if words.lower() in said), "")


def _unsubscribe(connection: Connection, new: Collection[IncomingEvent], people: People) -> None:
    # One by one: it is rare, as SendGrid's own unsubscribe links are turned off in our mails.
    unsubscribed = {
        (row.list_id, row.member_id, each.source)
        for each in new
        if (each.kind == "unsubscribed" or _dropped_for(each).startswith("unsubscribed"))
        and each.delivery_id is not None
        for row in [people[each.delivery_id]]
        if row.list_id is not None and row.member_id is not None
    }
    for list_id, member_id, source in sorted(unsubscribed):
        unsubscribe(connection, list_id, member_id, how=source)
