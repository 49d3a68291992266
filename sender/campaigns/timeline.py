"""One person's story in one campaign: frozen, batch, attempts, the provider's words, decisions, events, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, or_, select

from daisychain.errors import InputError
from lists.addresses import require_address
from lists.tables import Member, Membership, Suppression
from sender.campaigns.status import find_campaign
from sender.delivery.campaign_emails import emails_of
from sender.tables import Attempt, Batch, Decision, Delivery, Event, Retried

Happened = dict[str, Any]  # {"at", "what", "words"}, with further facts beside them


def story(connection: Connection, campaign_id: int, email: str) -> dict[str, Any]:
    """What became of one person: the delivery as it stands, and `story`, each thing with time and words.

    Raises InputError where the address is not in the campaign's audience.
    """
    campaign = find_campaign(connection, campaign_id)
    delivery = _find(connection, campaign, email)
    emails = emails_of(connection, campaign_id)
    language = emails.language_of(delivery["compiled_id"])
    happened = [
        *_frozen(campaign, delivery, language if emails.several else ""),
        *_attempts(connection, delivery),
        *_decisions(connection, delivery),
        *_events(connection, delivery),
        *_left(connection, campaign, delivery),
    ]
    return {
        "campaign": campaign_id,
        "campaign_state": campaign["state"],
        "address": delivery["address"],
        "state": delivery["state"],
        "reason": delivery["reason"],
        "values": delivery["inputs"],
        "language": language,
        "story": sorted(happened, key=lambda each: each["at"]),
    }


def _find(connection: Connection, campaign: RowMapping, email: str) -> RowMapping:
    key = require_address(email).key
    if campaign["frozen_at"] is not None:
        member = select(Member.id).where(Member.address_key == key).scalar_subquery()
        found = connection.execute(
            select(Delivery.__table__)
            .where(
                Delivery.campaign_id == campaign["id"],
                Delivery.id.between(campaign["first_delivery"], campaign["last_delivery"]),
                # By the address at the freeze; or by the member, who may have another one by now.
                or_(func.lower(Delivery.address) == email.strip().lower(), Delivery.member_id == member),
            )
            .order_by(func.lower(Delivery.address) != email.strip().lower(), Delivery.id)
            .limit(1)
        )
        if row := found.mappings().one_or_none():
            return row
    raise InputError(
        f"{email.strip()} is not in the audience of campaign {campaign['id']}.",
        hint="Who joins a list after the freeze is not in it." if campaign["frozen_at"] else "It is not frozen yet.",
    )


def _frozen(campaign: RowMapping, delivery: RowMapping, language: str) -> Iterator[Happened]:
    words = f"written down as {delivery['address']}" + (f", to get it in {language}" if language else "")
    if delivery["state"] == "excluded" and delivery["reason"] in ("unsubscribed", "suppressed"):
        words += f", excluded: {delivery['reason']}"
    yield _happened(campaign["frozen_at"], "frozen", words)


def _attempts(connection: Connection, delivery: RowMapping) -> Iterator[Happened]:
    """The tries at each batch that this person was ever in; a batch that was split has its own."""
    rows = connection.execute(
        select(Attempt.__table__, Batch.first_id, Batch.last_id)
        .join(Batch, Batch.id == Attempt.batch_id)
        .where(
            Batch.campaign_id == delivery["campaign_id"],
            Batch.first_id <= delivery["id"],
            Batch.last_id >= delivery["id"],
        )
        .order_by(Attempt.id)
    ).mappings()
    for row in rows:
        facts = {"batch": row["batch_id"], "attempt": row["id"]}
        yield _happened(
            row["started_at"], "attempt", f"batch {row['batch_id']} goes out with {row['people']:,} people", **facts
        )
        if row["ended_at"]:
            answer = {"status": row["status"], "message_id": row["message_id"] or None}
            # The settled outcome is the last word; what the answer was then is in the words.
            words = " ".join(part for part in (row["outcome"], row["detail"] and f"({row['detail']})") if part)
            yield _happened(row["ended_at"], "answer", words, **facts, **answer)
        if row["settled_at"]:
            why = f": {row['settled_because']}" if row["settled_because"] else ""
            yield _happened(row["settled_at"], "settled", f"by {row['settled_by']}{why}", **facts)


def _decisions(connection: Connection, delivery: RowMapping) -> Iterator[Happened]:
    retried = connection.execute(
        select(Decision.__table__, Retried.reason.label("was"))
        .outerjoin(Retried, (Retried.decision_id == Decision.id) & (Retried.delivery_id == delivery["id"]))
        .where(Decision.campaign_id == delivery["campaign_id"])
    ).mappings()
    for row in retried:
        if row["what"] == "retry" and row["was"] is None:
            continue
        why = f": {row['because']}" if row["because"] else ""
        failed = f"; had failed: {row['was']}" if row["was"] else ""
        yield _happened(row["at"], row["what"], f"by {row['who']}{why}{failed}")


def _events(connection: Connection, delivery: RowMapping) -> Iterator[Happened]:
    rows = connection.execute(select(Event.__table__).where(Event.delivery_id == delivery["id"])).mappings()
    for row in rows:
        words = [row["bounce"], row["open_class"], row["url"], str(row["detail"].get("reason") or "")]
        yield _happened(
            row["at"], row["kind"], " ".join(word for word in words if word), source=row["source"],
            attempt=row["attempt_id"], told_at=row["received_at"],
        )  # fmt: skip


def _left(connection: Connection, campaign: RowMapping, delivery: RowMapping) -> Iterator[Happened]:
    """That they left the list, or are suppressed, whichever campaign that came from."""
    left = connection.execute(
        select(Membership.left_at, Membership.left_how).where(
            Membership.list_id == campaign["list_id"],
            Membership.member_id == delivery["member_id"],
            Membership.left_at.isnot(None),
        )
    ).one_or_none()
    if left:
        yield _happened(left.left_at, "left the list", left.left_how)
    key = require_address(delivery["address"]).key
    row = connection.execute(select(Suppression.__table__).where(Suppression.address_key == key)).one_or_none()
    if row:
        yield _happened(row.at, "suppressed", row.reason)


def _happened(at: datetime, what: str, words: str, **facts: Any) -> Happened:
    return {"at": at, "what": what, "words": words, **{name: fact for name, fact in facts.items() if fact is not None}}
