"""Tables of the sender's room: campaigns and their ledger, attempts at delivery, and the events that came back.

`deliveries` is the ledger: one row a person and campaign. It is written by one INSERT … SELECT at the freeze and each
row is changed once, by its outcome; so it has no index but its key, no foreign key (tried: 14.4 s a million instead
of 5.4 s), and room in each page for that one change. The rows of a campaign are consecutive in its batches.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base

Time = DateTime(timezone=True)


def key() -> Mapped[int]:
    return mapped_column(BigInteger, Identity(), primary_key=True)


def now() -> Mapped[datetime]:
    return mapped_column(Time, server_default=func.now())


class Campaign(Base):
    """One newsletter to one frozen audience; `kind` "test" is a test send, left out of lists and figures."""

    __tablename__ = "campaigns"
    id: Mapped[int] = key()
    kind: Mapped[str] = mapped_column(Text, server_default="campaign")
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="draft")
    pause_reason: Mapped[str] = mapped_column(Text, server_default="")
    list_id: Mapped[int | None] = mapped_column(BigInteger)
    document: Mapped[str] = mapped_column(Text)  # where the source was, to tell whether it changed since
    source: Mapped[str] = mapped_column(Text)  # the document itself, to begin another newsletter with
    compiled_id: Mapped[int] = mapped_column(BigInteger)
    provider: Mapped[str] = mapped_column(Text)
    from_name: Mapped[str] = mapped_column(Text)
    from_address: Mapped[str] = mapped_column(Text)
    reply_to: Mapped[str] = mapped_column(Text, server_default="")
    opens: Mapped[str] = mapped_column(Text)
    clicks: Mapped[str] = mapped_column(Text)
    tracking_decided_by: Mapped[str] = mapped_column(Text, server_default="")
    tracking_because: Mapped[str] = mapped_column(Text, server_default="")
    public_url: Mapped[str] = mapped_column(Text, server_default="")
    list_header: Mapped[str] = mapped_column(Text, server_default="")  # the List-Id of its mails
    created_at: Mapped[datetime] = now()
    frozen_at: Mapped[datetime | None] = mapped_column(Time)
    finished_at: Mapped[datetime | None] = mapped_column(Time)
    intended: Mapped[int] = mapped_column(BigInteger, server_default="0")  # people written down by the freeze
    first_delivery: Mapped[int | None] = mapped_column(BigInteger)
    last_delivery: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("state IN ('draft', 'sending', 'paused', 'finished')", name="state"),
        CheckConstraint("kind IN ('campaign', 'test')", name="kind"),
    )


class Delivery(Base):
    """One person's line in the ledger of a campaign, with the address and merge inputs as they were at the freeze."""

    __tablename__ = "deliveries"
    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text, server_default="member")
    state: Mapped[str] = mapped_column(Text, server_default="waiting")
    reason: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'excluded', 'accepted', 'failed', 'uncertain')", name="state"),
        {"postgresql_with": {"fillfactor": 60}},
    )


class Batch(Base):
    """Up to a provider's fill of deliveries, `first_id` to `last_id`, that go in one request."""

    __tablename__ = "batches"
    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    compiled_id: Mapped[int] = mapped_column(BigInteger)
    first_id: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text, server_default="waiting")
    sender_id: Mapped[int | None] = mapped_column(BigInteger)
    attempt_id: Mapped[int | None] = mapped_column(BigInteger)
    not_before: Mapped[datetime] = now()

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'sending', 'done', 'uncertain', 'split')", name="state"),
        Index("ix_batches_campaign_id_state", "campaign_id", "state"),
    )


class Attempt(Base):
    """One try at one batch, committed before its request leaves; `outcome` stays empty until it is known."""

    __tablename__ = "attempts"
    id: Mapped[int] = key()
    batch_id: Mapped[int] = mapped_column(BigInteger, index=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    people: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = now()
    ended_at: Mapped[datetime | None] = mapped_column(Time)
    outcome: Mapped[str | None] = mapped_column(Text)
    status: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text, server_default="")
    message_id: Mapped[str] = mapped_column(Text, server_default="")
    settled_by: Mapped[str] = mapped_column(Text, server_default="")  # "event", or the person who decided
    settled_because: Mapped[str] = mapped_column(Text, server_default="")
    settled_at: Mapped[datetime | None] = mapped_column(Time)


class Sender(Base):
    """A process that delivers; it holds the advisory lock of its id for as long as it lives."""

    __tablename__ = "senders"
    id: Mapped[int] = key()
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = now()
    ended_at: Mapped[datetime | None] = mapped_column(Time)


class WebhookBody(Base):
    """A verified webhook request as it came, kept whole so that its events can be worked out again."""

    __tablename__ = "webhook_bodies"
    id: Mapped[int] = key()
    provider: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = now()
    processed_at: Mapped[datetime | None] = mapped_column(Time)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Event(Base):
    """One thing that a provider or a reader did, kept as it came; append-only.

    `natural_key` is a digest of delivery, attempt, kind, time, url and offset: providers send the same event
    again under other ids (facts: sendgrid-nodejs#1435). `delivery_id` is empty where no delivery of ours matches.
    """

    __tablename__ = "events"
    id: Mapped[int] = key()
    natural_key: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    source: Mapped[str] = mapped_column(Text)  # "sendgrid", or "own" for our own pixel, redirect and forms
    kind: Mapped[str] = mapped_column(Text)  # Anymail's vocabulary
    at: Mapped[datetime] = mapped_column(Time)
    received_at: Mapped[datetime] = now()
    delivery_id: Mapped[int | None] = mapped_column(BigInteger)
    campaign_id: Mapped[int | None] = mapped_column(BigInteger)
    attempt_id: Mapped[int | None] = mapped_column(BigInteger)
    link: Mapped[int | None] = mapped_column(Integer)
    url: Mapped[str] = mapped_column(Text, server_default="")
    bounce: Mapped[str] = mapped_column(Text, server_default="")  # "hard" or "soft" where kind is "bounced"
    open_class: Mapped[str] = mapped_column(Text, server_default="")  # human, machine or unknown
    user_agent: Mapped[str] = mapped_column(Text, server_default="")
    network: Mapped[str] = mapped_column(Text, server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))

    __table_args__ = (
        Index("ix_events_campaign_id_kind", "campaign_id", "kind", postgresql_where=text("campaign_id IS NOT NULL")),
        Index("ix_events_delivery_id", "delivery_id", postgresql_where=text("delivery_id IS NOT NULL")),
    )


class Rollup(Base):
    """What came back for one delivery, moved on in the transaction that inserts the events; figures read this."""

    __tablename__ = "delivery_rollups"
    delivery_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    delivered_at: Mapped[datetime | None] = mapped_column(Time)
    dropped_at: Mapped[datetime | None] = mapped_column(Time)
    hard_bounced_at: Mapped[datetime | None] = mapped_column(Time)
    soft_bounced_at: Mapped[datetime | None] = mapped_column(Time)
    complained_at: Mapped[datetime | None] = mapped_column(Time)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(Time)
    first_human_open_at: Mapped[datetime | None] = mapped_column(Time)
    human_opens: Mapped[int] = mapped_column(Integer, server_default="0")
    machine_opens: Mapped[int] = mapped_column(Integer, server_default="0")
    unknown_opens: Mapped[int] = mapped_column(Integer, server_default="0")
    first_click_at: Mapped[datetime | None] = mapped_column(Time)
    clicks: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)
