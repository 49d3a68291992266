"""What a provider tells, taken in: webhook bodies as they came, then their events.

The request only verifies and keeps the body; a job does the rest, a body in one transaction: events,
roll-ups, and what follows from those that are new. Doing it twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.clock import recorded
from daisychain.jobs import BEFORE_BATCHES, app, defer
from daisychain.secret import installation_secret
from lists.addresses import AddressError, parse_address
from lists.members import unsubscribe
from lists.suppression import NewSuppression, suppress_all
from lists.tables import Member
from sender.delivery.attempts import settle_by_event
from sender.event import PROOFS, IncomingEvent
from sender.events.clicked_links import match_clicked_links
from sender.events.mailbox_providers import mailbox_provider
from sender.events.rollups import store_events, update_rollups
from sender.events.sendgrid_webhook import SOURCE, parse_body, to_events
from sender.links.keys import Keys
from sender.tables import Campaign, Delivery, WebhookBody

log = logging.getLogger("daisychain.events")

QUEUE = "events"
# A bounce that lost our key is taken for that of a mail no older than this.
STRAY = timedelta(days=7)
# Clocks differ, and SendGrid tells whole seconds.
SLACK = timedelta(minutes=1)


@app.task(
    name="sender.process_webhook",
    queue=QUEUE,
    priority=BEFORE_BATCHES,
    pass_context=True,
    retry=RetryStrategy(max_attempts=5, exponential_wait=3),
)
def process_webhook(context: JobContext, body_id: int) -> None:
    """Take in the events of one kept body."""
    database = context.additional_context["database"]
    with database.engine.begin() as connection:
        fresh = process_body(connection, body_id, Keys(installation_secret(database.settings)))
    log.info("webhook body %s: %s new events", body_id, fresh)


def store_body(connection: Connection, body: bytes) -> int:
    """Keep a verified body and defer its job, in the caller's transaction; returns its id.

    One that is kept already, as it came again or somebody plays a caught one again, takes no room and no work.
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


# One that is being worked may be a dead worker's, and one job too many does no harm. After a job that failed for good
# the next one comes an hour later, after two of them two hours, and so on up to a day: what was wrong may be mended.
_WITHOUT_JOB = text("""
    SELECT b.id FROM webhook_bodies b
    WHERE b.processed_at IS NULL AND b.received_at < now() - interval '1 minute'
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j
        WHERE j.queue_name = :queue AND j.status = 'todo' AND (j.args ->> 'body_id')::bigint = b.id)
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'failed'
        WHERE j.queue_name = :queue AND j.status = 'failed' AND (j.args ->> 'body_id')::bigint = b.id
        HAVING max(e.at) > now() - least(count(*), 24) * interval '1 hour')
    ORDER BY b.id
""")


def defer_unprocessed(connection: Connection) -> int:
    """Defer a job for each body that has none, as a worker died or one failed; returns how many."""
    left = connection.scalars(_WITHOUT_JOB, {"queue": QUEUE}).all()
    defer(connection, process_webhook, [{"body_id": body_id} for body_id in left], queue=QUEUE)
    return len(left)


_NO_WAITING = text("SET LOCAL synchronous_commit = off")


def process_body(connection: Connection, body_id: int, keys: Keys) -> int:
    """Take in a kept body, unless that is done or being done; returns how many of its events are new."""
    # The body is kept: whatever a power cut undoes of this is done again. So nobody waits for the disk here.
    connection.execute(_NO_WAITING)
    return ingest_body(connection, body_id, keys)


def ingest_body(connection: Connection, body_id: int, keys: Keys) -> int:
    """The same, written for good when the caller commits."""
    row = connection.execute(
        select(WebhookBody.body, WebhookBody.received_at)
        .where(WebhookBody.id == body_id, WebhookBody.processed_at.is_(None))
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return 0
    happenings = to_events(parse_body(bytes(row.body)), keys, row.received_at)
    fresh = ingest(connection, happenings, row.received_at, body_id)
    connection.execute(update(WebhookBody).where(WebhookBody.id == body_id).values(processed_at=func.now()))
    return len(fresh)


def ingest(
    connection: Connection, happenings: Sequence[IncomingEvent], received_at: datetime, body_id: int | None = None
) -> Sequence[IncomingEvent]:
    """Keep what a provider told, and do what follows from what is new, in the caller's transaction; returns the new.

    The number of statements does not grow with the number of happenings, save for people who leave.
    """
    people = match_events(connection, happenings)
    stored = store_events(connection, happenings, received_at, body_id)
    settle_proven_attempts(connection, happenings)
    _suppress(connection, stored.fresh, people)
    _unsubscribe(connection, stored.fresh, people)
    update_rollups(connection, stored)
    return stored.fresh


def match_events(connection: Connection, happenings: Sequence[IncomingEvent]) -> Mapping[int | None, Person]:
    """Fill in whose mail each happening is about, and what else our tables know; returns the people by delivery."""
    _join_strays(connection, happenings)
    people = _join(connection, happenings)
    _note_doubles(connection, happenings)
    match_clicked_links(connection, happenings)
    return people


def settle_proven_attempts(connection: Connection, happenings: Sequence[IncomingEvent]) -> int:
    """Settle the uncertain attempts that these happenings prove; returns how many people that settled."""
    proofs: dict[int, str] = {}
    for each in happenings:
        if each.attempt_id and each.kind in PROOFS and each.attempt_id not in proofs:
            proofs[each.attempt_id] = f"{each.kind} at {recorded(each.at)}, told by {each.source}"
    return settle_by_event(connection, proofs, because=proofs) if proofs else 0


class Person(NamedTuple):
    """Whose mail an event is about, and what is to be known of them for what follows."""

    campaign_id: int
    member_id: int | None
    list_id: int | None
    address: str
    mailbox: str


_PEOPLE = text("""
    SELECT d.id, d.campaign_id, d.member_id, c.list_id, d.address, d.kind
    FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id
    WHERE d.id = ANY (CAST(:ids AS bigint[]))
""")


def _join(connection: Connection, happenings: Sequence[IncomingEvent]) -> dict[int | None, Person]:
    """Fill in each happening's campaign and mailbox, or leave it without a delivery; returns people by delivery."""
    ids = {each.delivery_id for each in happenings if each.delivery_id is not None}
    people: dict[int | None, Person] = {
        id_: Person(campaign_id, member_id, list_id, address, mailbox_provider(address) if kind == "member" else "")
        for id_, campaign_id, member_id, list_id, address, kind in connection.execute(
            _PEOPLE, {"ids": _array(ids)}
        ).all()
    }
    for each in happenings:
        if person := people.get(each.delivery_id):
            each.campaign_id, each.mailbox = person.campaign_id, person.mailbox
            each.detail.pop("email", None)
            continue
        each.delivery_id = None
        if each.address:
            each.detail["email"] = each.address
        if each.keyed:
            each.detail["foreign"] = True
    return people


def _array(numbers: Collection[int]) -> str:
    """Numbers as PostgreSQL writes an array, which is quicker than the driver's way."""
    return "{" + ",".join(map(str, numbers)) + "}"


def _join_strays(connection: Connection, happenings: Sequence[IncomingEvent]) -> None:
    """Join the bounces that lost our key to the one mail of the last days that each can be about, where there is one.

    Deliveries have no index on people, so this walks the ledgers of those days, once for a body; such bounces
    are rare.
    """
    strays = [(each, key) for each in happenings if _is_stray(each) and (key := _key(each.address))]
    if not strays:
        return
    rows = connection.execute(
        select(Member.address_key, Delivery.id, Campaign.frozen_at)
        .join(Delivery, Delivery.member_id == Member.id)
        .join(Campaign, Campaign.id == Delivery.campaign_id)
        .where(
            Member.address_key == func.any([key for _, key in strays]),
            Delivery.id.between(Campaign.first_delivery, Campaign.last_delivery),
            Delivery.kind == "member",
            Delivery.state.in_(["accepted", "uncertain"]),
            Campaign.frozen_at >= min(each.at for each, _ in strays) - STRAY,
        )
    ).all()
    for each, key in strays:
        fitting = [
            row.id
            for row in rows
            if row.address_key == key and row.frozen_at - SLACK <= each.at <= row.frozen_at + STRAY
        ]
        if len(fitting) == 1:
            each.delivery_id = fitting[0]
            each.detail["matched_by"] = "address"


def _is_stray(each: IncomingEvent) -> bool:
    return each.kind == "bounced" and not each.keyed and bool(each.address)


# An attempt that was taken at once, save for people who were told to wait, was rightly followed by another. So was one
# whose doubt had ended before the other began: that was for people who had failed, or waited.
_AGAIN = text("""
    SELECT a.id, NOT (a.accepted AND a.settled_at IS NULL) AND (
        (a.state = 'split' AND NOT a.closed) OR EXISTS (
            SELECT 1 FROM attempts l
            WHERE l.batch_id = a.batch_id AND l.id > a.id AND (NOT a.closed OR l.started_at < a.settled_at))) AS again
    FROM (
        SELECT a.id, a.batch_id, a.settled_at, b.state, coalesce(a.outcome, '') = 'accepted' AS accepted,
               a.settled_at IS NOT NULL
               AND (a.outcome = 'accepted' OR a.settled_because LIKE 'count-as-accepted%') AS closed
        FROM attempts a JOIN batches b ON b.id = a.batch_id
        WHERE a.id = ANY (CAST(:ids AS bigint[]))) a
""")


def _note_doubles(connection: Connection, happenings: Sequence[IncomingEvent]) -> None:
    """Mark the events of attempts whose people were mailed again: each is proof of a mail that went out twice."""
    ids = {each.attempt_id for each in happenings if each.attempt_id is not None}
    rows = connection.execute(_AGAIN, {"ids": _array(ids)}) if ids else ()
    again: dict[int | None, bool] = {row.id: row.again for row in rows}
    for each in happenings:
        if each.attempt_id not in again:
            each.attempt_id = None
        elif again[each.attempt_id]:
            each.detail["double"] = True


def _suppress(connection: Connection, fresh: Collection[IncomingEvent], people: Mapping[int | None, Person]) -> None:
    """Suppress the addresses that bounced hard or complained."""
    evidence = []
    for each in fresh:
        if each.bounce != "hard" and each.kind != "complained":
            continue
        key = _key(people[each.delivery_id].address if each.delivery_id is not None else each.address)
        if key:
            reason = "hard bounce" if each.kind == "bounced" else "complaint"
            evidence.append(NewSuppression(key, reason, each.source, str(each.detail.get("reason", ""))))
    suppress_all(connection, evidence)


def _unsubscribe(connection: Connection, fresh: Collection[IncomingEvent], people: Mapping[int | None, Person]) -> None:
    # One by one: it is rare, for SendGrid's own ways to leave are turned off in our mails.
    leavers = {
        (row.list_id, row.member_id)
        for each in fresh
        if each.kind == "unsubscribed" and each.delivery_id is not None
        for row in [people[each.delivery_id]]
        if row.list_id is not None and row.member_id is not None
    }
    for list_id, member_id in sorted(leavers):
        unsubscribe(connection, list_id, member_id, how=SOURCE)


def _key(address: str) -> str:
    try:
        return parse_address(address).key
    except AddressError:
        return ""
