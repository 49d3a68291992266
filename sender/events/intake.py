"""Ingests events from providers: stores webhook bodies as they come, then processes their events.

The request only verifies and stores the body. A job does the rest, one body in a transaction: events, roll-ups,
suppressions and unsubscribes. Doing it twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import Connection, Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.clock import recorded
from daisychain.jobs import BEFORE_BATCHES, IN_HAND, app, defer
from daisychain.scrub import scrub
from daisychain.secret import installation_secret
from lists.addresses import AddressError, parse_address
from lists.members import unsubscribe
from lists.suppression import NewSuppression, suppress_all
from lists.tables import Member
from sender.delivery.attempts import settle_by_event
from sender.delivery.confirmed_places import notice_forgotten
from sender.event import PROOFS, IncomingEvent
from sender.events.clicked_links import match_clicked_links
from sender.events.flagged import BODY, EVENT, MISDIRECTED, do_each, flag, reason_of
from sender.events.mailbox_providers import mailbox_provider
from sender.events.rollups import store_events, update_rollups
from sender.events.sendgrid_webhook import SOURCE, parse_body, to_events
from sender.links.keys import Keys
from sender.tables import Campaign, Delivery, WebhookBody

log = logging.getLogger("daisychain.events")

QUEUE = "events"
# An asynchronous bounce has lost our key; it is matched by address to a mail no older than this.
BOUNCE_WITHIN = timedelta(days=7)
# Clocks differ, and SendGrid reports whole seconds.
SLACK = timedelta(minutes=1)

# The people that mails were for, as `_PEOPLE` reads them, by delivery.
People = Mapping[int | None, Row[Any]]


@app.task(
    name="sender.process_webhook",
    queue=QUEUE,
    priority=BEFORE_BATCHES,
    pass_context=True,
    retry=RetryStrategy(max_attempts=5, exponential_wait=3),
)
def process_webhook(context: JobContext, body_id: int) -> None:
    """Process the events of one stored body."""
    database = context.additional_context["database"]
    with database.engine.begin() as connection:
        new = process_body(connection, body_id, Keys(installation_secret(database.settings)))
    log.info("webhook body %s: %s new events", body_id, new)


def store_body(connection: Connection, body: bytes) -> int:
    """Store a verified body and defer its job, in the caller's transaction; returns its id.

    A body that is stored already (a retry, or a replay attack) costs no space and no work.
    """
    fingerprint = hashlib.sha256(body).digest()
    body_id: int | None = connection.scalar(
        upsert(WebhookBody)
        .values(provider=SOURCE, body=body, digest=fingerprint)
        .on_conflict_do_nothing(index_elements=[WebhookBody.digest])
        .returning(WebhookBody.id)
    )
    if body_id is None:
        return connection.scalars(select(WebhookBody.id).where(WebhookBody.digest == fingerprint)).one()
    defer(connection, process_webhook, [{"body_id": body_id}], queue=QUEUE)
    return body_id


# A job counts if it waits, or if a living worker has it in hand; a surplus job is harmless. After a job that failed
# permanently the next one comes an hour later, after two of them two hours, and so on up to a day: the cause may be
# fixed by then.
_WITHOUT_JOB = text(f"""
    SELECT b.id FROM webhook_bodies b
    WHERE b.processed_at IS NULL AND b.received_at < now() - interval '1 minute'
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j
        WHERE j.queue_name = :queue AND (j.status = 'todo' OR {IN_HAND}) AND (j.args ->> 'body_id')::bigint = b.id)
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'failed'
        WHERE j.queue_name = :queue AND j.status = 'failed' AND (j.args ->> 'body_id')::bigint = b.id
        HAVING max(e.at) > now() - least(count(*), 24) * interval '1 hour')
    ORDER BY b.id
""")  # noqa: S608 - of constants


def defer_unprocessed(connection: Connection) -> int:
    """Defer a job for each unprocessed body without one (a worker died, or its job failed); returns how many."""
    bodies = connection.scalars(_WITHOUT_JOB, {"queue": QUEUE}).all()
    defer(connection, process_webhook, [{"body_id": body_id} for body_id in bodies], queue=QUEUE)
    return len(bodies)


def process_body(connection: Connection, body_id: int, keys: Keys) -> int:
    """Process a stored body unless that is done or under way; returns how many of its events are new."""
    # The body is stored: after a power cut this is simply done again. So don't wait for the disk.
    connection.execute(text("SET LOCAL synchronous_commit = off"))
    return ingest_body(connection, body_id, keys)


def ingest_body(connection: Connection, body_id: int, keys: Keys) -> int:
    """Do the same, but durable once the caller commits."""
    row = connection.execute(
        select(WebhookBody.body, WebhookBody.received_at)
        .where(WebhookBody.id == body_id, WebhookBody.processed_at.is_(None))
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return 0
    new = do_each(
        connection,
        EVENT,
        named_events(connection, body_id, row.body) or {},
        lambda some: ingest(connection, to_events(some, keys, row.received_at), row.received_at, body_id),
    )
    connection.execute(update(WebhookBody).where(WebhookBody.id == body_id).values(processed_at=func.now()))
    return len(new)


def named_events(connection: Connection, body_id: int, body: bytes) -> Mapping[str, dict[str, Any]] | None:
    """Return the raw events of a body, by what to flag them as; None, and flag the body, if it can't be read."""
    try:
        return {f"body {body_id}, event {number}": each for number, each in enumerate(parse_body(bytes(body)), 1)}
    except ValueError as error:
        flag(connection, BODY, f"body {body_id}", reason_of(error))
        return None


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


def match_events(connection: Connection, events: Sequence[IncomingEvent]) -> People:
    """Fill in the delivery of each event and what our tables know about it; returns the people by delivery."""
    _match_bounces_by_address(connection, events)
    people = _fill_in(connection, events)
    _mark_doubles(connection, events)
    match_clicked_links(connection, events)
    return people


def settle_proven_attempts(connection: Connection, events: Sequence[IncomingEvent]) -> int:
    """Settle uncertain attempts that these events prove accepted; returns how many people that settled."""
    proofs: dict[int, str] = {}
    for each in events:
        if each.attempt_id and each.kind in PROOFS and each.attempt_id not in proofs:
            proofs[each.attempt_id] = f"{each.kind} at {recorded(each.at)}, reported by {each.source}"
    return settle_by_event(connection, proofs, because=proofs) if proofs else 0


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
            each.mailbox = mailbox_provider(person.address) if person.kind == "member" else ""
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
    return not said or said == known or address_key(said) == address_key(known)


def _flag_misdirected(connection: Connection, each: IncomingEvent) -> bool:
    """Flag an event of another address than its delivery's; returns whether it is one."""
    misdirected = "misdirected" in each.detail
    if misdirected:
        flag(connection, MISDIRECTED, f"event {each.natural_key}", "its key is of a mail to somebody else")
    return misdirected


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
        key = reason and address_key(people[each.delivery_id].address if each.delivery_id is not None else each.address)
        if key:
            evidence.append(NewSuppression(key, reason, each.source, said))
    suppress_all(connection, evidence)


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


def address_key(address: str) -> str:
    """Return the key of an address, as members and suppressions have it; "" if it is not an address."""
    try:
        return parse_address(address).key
    except AddressError:
        return ""
