"""What a provider tells, taken in: webhook bodies as they came, then their events.

The request only verifies and keeps the body; a job does the rest, a body in one transaction: events,
roll-ups, and what follows from those that are new. Doing it twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from procrastinate import JobContext, RetryStrategy
from sqlalchemy import Connection, Row, exists, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import aliased

from daisychain.jobs import app, defer
from daisychain.secret import installation_secret
from lists.addresses import AddressError, parse_address
from lists.members import unsubscribe
from lists.tables import Member, Suppression
from sender.attempts import settle_by_event
from sender.clicked_links import name_links
from sender.keys import Keys
from sender.rollups import store
from sender.tables import Attempt, Batch, Campaign, Delivery, WebhookBody
from sender.vocabulary import PROOFS, Happening
from sender.webhooks import SOURCE, normalise_all, parse

log = logging.getLogger("daisychain.events")

QUEUE = "events"
# A bounce that lost our key is taken for that of a mail no older than this.
STRAY = timedelta(days=7)
# Clocks differ, and SendGrid tells whole seconds.
SLACK = timedelta(minutes=1)


@app.task(
    name="sender.process_webhook",
    queue=QUEUE,
    pass_context=True,
    retry=RetryStrategy(max_attempts=5, exponential_wait=3),
)
def process_webhook(context: JobContext, body_id: int) -> None:
    """Take in the events of one kept body."""
    database = context.additional_context["database"]
    with database.engine.begin() as connection:
        fresh = process_body(connection, body_id, Keys(installation_secret(database.settings)))
    log.info("webhook body %s: %s new events", body_id, fresh)


def keep_body(connection: Connection, body: bytes) -> int:
    """Keep a verified body and defer its job, in the caller's transaction; returns its id."""
    body_id = connection.execute(
        insert(WebhookBody).values(provider=SOURCE, body=body).returning(WebhookBody.id)
    ).scalar_one()
    defer(connection, process_webhook, [{"body_id": body_id}], queue=QUEUE)
    return body_id


# A job that failed is for a person to look at, not to be tried for ever; one that is being worked may be a
# dead worker's, and one job too many does no harm.
_WITHOUT_JOB = text("""
    SELECT b.id FROM webhook_bodies b WHERE b.processed_at IS NULL AND b.received_at < now() - interval '1
    minute' AND NOT EXISTS ( SELECT 1 FROM procrastinate_jobs j WHERE j.queue_name = :queue AND j.status IN
    ('todo', 'failed') AND (j.args ->> 'body_id')::bigint = b.id) ORDER BY b.id
""")


def defer_left_over(connection: Connection) -> int:
    """Defer a job for each body that a dead worker left, in the caller's transaction; returns how many."""
    left = connection.scalars(_WITHOUT_JOB, {"queue": QUEUE}).all()
    defer(connection, process_webhook, [{"body_id": body_id} for body_id in left], queue=QUEUE)
    return len(left)


def process_body(connection: Connection, body_id: int, keys: Keys) -> int:
    """Take in a kept body, unless that is done or being done; returns how many of its events are new."""
    row = connection.execute(
        select(WebhookBody.body, WebhookBody.received_at)
        .where(WebhookBody.id == body_id, WebhookBody.processed_at.is_(None))
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return 0
    happenings = normalise_all(parse(bytes(row.body)), keys, row.received_at)
    fresh = take_in(connection, happenings, row.received_at)
    connection.execute(update(WebhookBody).where(WebhookBody.id == body_id).values(processed_at=func.now()))
    return len(fresh)


def take_in(connection: Connection, happenings: Sequence[Happening], received_at: datetime) -> list[Happening]:
    """Keep what a provider told, and do what follows from what is new, in the caller's transaction; returns the new.

    The number of statements does not grow with the number of happenings, save for people who leave.
    """
    _join_strays(connection, happenings)
    people = _join(connection, happenings)
    _note_doubles(connection, happenings)
    name_links(connection, happenings)
    fresh = store(connection, happenings, received_at)
    settle_by_event(connection, {each.attempt_id for each in happenings if each.kind in PROOFS and each.attempt_id})
    _suppress(connection, fresh, people)
    _unsubscribe(connection, fresh, people)
    return fresh


def _join(connection: Connection, happenings: Sequence[Happening]) -> dict[int, Row[*tuple[Any, ...]]]:
    """Fill in each happening's campaign, or leave it without a delivery; returns the deliveries by id."""
    rows = connection.execute(
        select(Delivery.id, Delivery.campaign_id, Delivery.member_id, Delivery.address, Campaign.list_id)
        .join(Campaign, Campaign.id == Delivery.campaign_id)
        .where(Delivery.id == func.any([each.delivery_id for each in happenings if each.delivery_id is not None]))
    )
    people: dict[int, Row[*tuple[Any, ...]]] = {row.id: row for row in rows}
    for each in happenings:
        row = people.get(each.delivery_id) if each.delivery_id is not None else None
        each.delivery_id = row.id if row else None
        if row:
            each.campaign_id = row.campaign_id
            each.detail.pop("email", None)
            continue
        if each.address:
            each.detail["email"] = each.address
        if each.keyed:
            each.detail["foreign"] = True
    return people


def _join_strays(connection: Connection, happenings: Sequence[Happening]) -> None:
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


def _is_stray(each: Happening) -> bool:
    return each.kind == "bounced" and not each.keyed and bool(each.address)


def _note_doubles(connection: Connection, happenings: Sequence[Happening]) -> None:
    """Mark the events of attempts whose people were mailed again: each is proof of a mail that went out twice."""
    later = aliased(Attempt)
    again = exists().where(later.batch_id == Attempt.batch_id, later.id > Attempt.id)
    rows = connection.execute(
        select(Attempt.id, Attempt.outcome, Attempt.settled_at, Batch.state, again.label("again"))
        .join(Batch, Batch.id == Attempt.batch_id)
        .where(Attempt.id == func.any([each.attempt_id for each in happenings if each.attempt_id is not None]))
    )
    # An attempt that was taken at once, save for people who were told to wait, was rightly followed by
    # another.
    doubles = {
        row.id: (row.again or row.state == "split") and not (row.outcome == "accepted" and row.settled_at is None)
        for row in rows
    }
    for each in happenings:
        if each.attempt_id not in doubles:
            each.attempt_id = None
        elif doubles[each.attempt_id]:
            each.detail["double"] = True


def _suppress(connection: Connection, fresh: Collection[Happening], people: dict[int, Row[*tuple[Any, ...]]]) -> None:
    """Never mail again whoever bounced for good or complained; the first reason for an address stands."""
    rows: dict[str, dict[str, str]] = {}
    for each in fresh:
        if each.bounce != "hard" and each.kind != "complained":
            continue
        key = _key(people[each.delivery_id].address if each.delivery_id is not None else each.address)
        if key:
            reason = "hard bounce" if each.kind == "bounced" else "complaint"
            note = str(each.detail.get("reason", ""))
            rows.setdefault(key, {"address_key": key, "reason": reason, "source": each.source, "note": note})
    if rows:
        statement = upsert(Suppression).on_conflict_do_nothing().returning(Suppression.address_key)
        connection.execute(statement, [rows[key] for key in sorted(rows)])


def _unsubscribe(
    connection: Connection, fresh: Collection[Happening], people: dict[int, Row[*tuple[Any, ...]]]
) -> None:
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
