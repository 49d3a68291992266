"""The sender's tables: campaigns and their ledger, delivery attempts, and events.

`deliveries` is the ledger: one row for each person and campaign. One INSERT … SELECT writes it at the freeze, and each
row changes once, by its outcome. So it has no index but its key, no foreign key (measured: 14.4 s for a million rows
instead of 5.4 s), and space in each page for that one change. The rows of a batch are consecutive.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Literal

from sqlalchemy import (
    CheckConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    UniqueConstraint,
    false,
    func,
    or_,
    text,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base
from lists.tables import AddressKey

# The values of `deliveries.state`, and of `campaigns.opens` and `clicks` (who counts them).
State = Literal["waiting", "excluded", "accepted", "failed", "uncertain"]
Tracking = Literal["off", "provider", "own"]


# Test sends have numbers of their own, so that they use up none of the campaigns'.
TEST_SEND_NUMBERS = Sequence("test_send_numbers", start=1_000_000_001, data_type=Integer, metadata=Base.metadata)


def key() -> Mapped[int]:
    return mapped_column(Identity(), primary_key=True)


def now() -> Mapped[datetime]:
    return mapped_column(server_default=func.now())


class Campaign(Base):
    """One newsletter to one frozen audience.

    `kind` "test" is a test send, not shown in lists and figures; "contacts" goes to people on no list, such as
    at member organisations (sender/delivery/contact_batches.py), and is in no figure about members.
    """

    __tablename__ = "campaigns"
    id: Mapped[int] = key()
    kind: Mapped[str] = mapped_column(server_default="campaign")
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="draft")
    pause_reason: Mapped[str] = mapped_column(server_default="")
    list_id: Mapped[int | None]
    document: Mapped[str]  # the path of the source, to see whether it has changed
    source: Mapped[str]  # the document itself, to start another newsletter from
    compiled_id: Mapped[int]  # in the default language, if there are several
    provider: Mapped[str]
    from_name: Mapped[str]
    from_address: Mapped[str]
    reply_to: Mapped[str] = mapped_column(server_default="")
    # Who counts, of the people whose reading is recorded per person; `tracking` is the list's mode at the freeze, empty
    # if it is from before there were modes: then everybody's reading is recorded so.
    opens: Mapped[str]
    clicks: Mapped[str]
    tracking: Mapped[str] = mapped_column(server_default="")
    tracking_decided_by: Mapped[str] = mapped_column(server_default="")
    tracking_because: Mapped[str] = mapped_column(server_default="")
    public_url: Mapped[str] = mapped_column(server_default="")
    list_header: Mapped[str] = mapped_column(server_default="")  # the List-Id of its mails
    created_at: Mapped[datetime] = now()
    frozen_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    intended: Mapped[int] = mapped_column(server_default="0")  # people in the ledger at the freeze
    first_delivery: Mapped[int | None]
    last_delivery: Mapped[int | None]
    # The earlier campaign that this one follows up (campaigns/follow_ups.py), and the correction that its pages show.
    of_campaign_id: Mapped[int | None]
    of_whom: Mapped[str] = mapped_column(server_default="")
    # The question that narrows its list (lists/segments/), and how many people fulfilled it at the freeze.
    segment: Mapped[str] = mapped_column(server_default="")
    segment_people: Mapped[int | None]
    correction: Mapped[str] = mapped_column(server_default="")
    not_in_archive: Mapped[bool] = mapped_column(server_default=false())  # although its list shows its bulletins
    one_key: Mapped[bool] = mapped_column(server_default=false())  # its mails are from before keys had purposes
    warnings: Mapped[dict[str, int] | None] = mapped_column(JSONB)  # the checks' at `create`, by code; NULL: unknown
    # The plan (sender/campaigns/plans.py): when, how fast, at which hours, and what pauses it.
    starts_at: Mapped[datetime | None]
    per_minute: Mapped[int | None] = mapped_column(Integer)
    opens_at: Mapped[time | None]  # of day, in `zone`
    closes_at: Mapped[time | None]
    zone: Mapped[str] = mapped_column(server_default="")
    canary: Mapped[int] = mapped_column(Integer, server_default="0")  # people
    canary_wait: Mapped[int] = mapped_column(Integer, server_default="0")  # seconds
    canary_until: Mapped[datetime | None]  # when to judge the canary, once it is sent
    rest_from: Mapped[int | None]  # first delivery after the canary, until it has passed
    most_bounces: Mapped[float] = mapped_column(server_default="5")  # hard bounces, in per cent
    most_complaints: Mapped[float] = mapped_column(server_default="0.3")  # in per cent
    resumed_at: Mapped[datetime | None]  # events before this no longer pause it
    emptied_at: Mapped[datetime | None]  # when addresses and values were taken out of its ledger, after their time

    __table_args__ = (
        CheckConstraint("state IN ('draft', 'scheduled', 'sending', 'paused', 'cancelled', 'finished')", name="state"),
        CheckConstraint("kind IN ('campaign', 'test', 'contacts')", name="kind"),
    )


class CampaignEmail(Base):
    """A campaign's newsletter in one language; `source` is the translation as written, empty for the first document."""

    __tablename__ = "campaign_emails"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    language: Mapped[str] = mapped_column(primary_key=True)
    compiled_id: Mapped[int]
    source: Mapped[str] = mapped_column(server_default="")


# The kinds of deliveries that roll-ups count: people on a list, and contacts. Seeds and test mails count nowhere.
COUNTED = ("member", "contact")


class Delivery(Base):
    """One person in the ledger of a campaign, with the address and merge inputs of the moment of the freeze.

    Both are empty if the freeze itself excluded the person.
    """

    __tablename__ = "deliveries"
    id: Mapped[int] = key()
    campaign_id: Mapped[int]
    member_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(server_default="member")
    state: Mapped[str] = mapped_column(server_default="waiting")
    reason: Mapped[str | None]
    address: Mapped[str]
    inputs: Mapped[dict[str, Any]]
    compiled_id: Mapped[int | None]  # NULL if the campaign has only one language
    dimensions: Mapped[dict[str, str] | None] = mapped_column(JSONB)  # NULL if the list names none, or if excluded
    # The attempt that decided the state; of a person excluded late, the newest at that time. NULL in older versions.
    attempt_id: Mapped[int | None]
    # Whether this person's own reading is recorded; NULL, which takes no space, for everybody else.
    per_person: Mapped[bool | None]

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'excluded', 'accepted', 'failed', 'uncertain')", name="state"),
        {"postgresql_with": {"fillfactor": 60}},
    )


# What was taken out of the ledger when the person was erased, or after its time; of an address at a large provider the
# domain stays (sender/upkeep/sender_holds.py).
without_address = or_(Delivery.address == "", Delivery.address.startswith("@"))


class ReaderGroup(Base):
    """People of a campaign who are counted without persons, and have in common what is stored of their reading.

    `mailbox` is a mailbox provider, `domain` an organisation's own with at least five of these people. A reader is a
    number that holds a group's and chance (sender/links/reader_groups.py), so the ids need few bits.
    """

    __tablename__ = "reader_groups"
    id: Mapped[int] = mapped_column(Integer, Identity(maxvalue=2**23 - 1), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(index=True)
    compiled_id: Mapped[int]
    mailbox: Mapped[str]
    domain: Mapped[str] = mapped_column(server_default="")
    dimensions: Mapped[dict[str, str] | None] = mapped_column(JSONB)  # NULL if they have several
    people: Mapped[int]


class LedgerMove(Base):
    """The people who came into a state or left it (then `people` is negative): a campaign's rows add up to its ledger.

    Each statement that moves deliveries adds its own rows, so no batch waits for another. A chore adds them up.
    """

    __tablename__ = "ledger_moves"
    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(index=True)
    compiled_id: Mapped[int | None]  # as in `deliveries`
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")  # why they are excluded or failed
    people: Mapped[int]


class Batch(Base):
    """The deliveries of one request, `first_id` to `last_id`: as many as the provider accepts at once."""

    __tablename__ = "batches"
    id: Mapped[int] = key()
    campaign_id: Mapped[int]
    compiled_id: Mapped[int]
    first_id: Mapped[int]
    last_id: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="waiting")
    sender_id: Mapped[int | None]
    attempt_id: Mapped[int | None]
    not_before: Mapped[datetime] = now()
    tries: Mapped[int] = mapped_column(Integer, server_default="0")  # how often its people were deferred (4xx)
    held: Mapped[bool] = mapped_column(server_default=false())  # until its plan releases it (sender/upkeep/pace.py)

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'sending', 'done', 'uncertain', 'split')", name="state"),
        Index("ix_batches_campaign_id_state", "campaign_id", "state"),
    )


class Decision(Base):
    """A person's decision about a running campaign: `what` is "pause", "retry" and so on."""

    __tablename__ = "campaign_decisions"
    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime] = now()
    what: Mapped[str]
    who: Mapped[str]
    because: Mapped[str] = mapped_column(server_default="")
    people: Mapped[int] = mapped_column(server_default="0")


class Override(Base):
    """A check's error that somebody accepted for a campaign; `findings` are its places and messages."""

    __tablename__ = "campaign_overrides"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = now()
    who: Mapped[str]
    because: Mapped[str]
    findings: Mapped[list[dict[str, str]]] = mapped_column(JSONB)


class Approval(Base):
    """A request for a second look at a draft, and its answer, with the content and the count that a yes is to.

    The numbers are of accounts, which may be removed; the names stay.
    """

    __tablename__ = "campaign_approvals"
    id: Mapped[int] = key()
    campaign_id: Mapped[int] = mapped_column(index=True)
    asked_by: Mapped[str]
    asked_by_id: Mapped[int]
    asked_at: Mapped[datetime] = now()
    answer: Mapped[str] = mapped_column(server_default="asked")
    answered_by: Mapped[str] = mapped_column(server_default="")
    answered_by_id: Mapped[int | None]
    answered_at: Mapped[datetime | None]
    because: Mapped[str] = mapped_column(server_default="")
    content: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    people: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (CheckConstraint("answer IN ('asked', 'yes', 'no')", name="answer"),)


class ContactUnsubscribe(Base):
    """An address that wants no more mail as a contact of an organisation; it outlives the contact."""

    __tablename__ = "contact_unsubscribes"
    address_key: Mapped[str] = mapped_column(AddressKey, primary_key=True)
    at: Mapped[datetime] = now()
    how: Mapped[str]


class Retried(Base):
    """Why a delivery failed or was uncertain, and in which attempt, before its retry clears that in the delivery."""

    __tablename__ = "retried_deliveries"
    decision_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str]
    attempt_id: Mapped[int | None]

    __table_args__ = (Index("ix_retried_deliveries_delivery_id", "delivery_id"),)


class WarmUp(Base):
    """A sending domain that is new to mailbox providers, and when its daily limits began to rise."""

    __tablename__ = "warm_ups"
    domain: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = now()
    started_by: Mapped[str]


class Inbox(Base):
    """One address of a set of test inboxes."""

    __tablename__ = "test_set_inboxes"
    set_name: Mapped[str] = mapped_column(primary_key=True)
    address_key: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]


class Place(Base):
    """A place from which this database may send; a copy restored elsewhere must be confirmed first."""

    __tablename__ = "confirmed_places"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    words: Mapped[str]
    confirmed_at: Mapped[datetime] = now()
    confirmed_by: Mapped[str]
    timeline: Mapped[int | None]  # the server's; NULL if confirmed before it was kept, until the next look
    withdrawn_because: Mapped[str] = mapped_column(server_default="")  # how we know that the database went back


class Attempt(Base):
    """One attempt at a batch, committed before its request is sent; `outcome` is NULL until it is known."""

    __tablename__ = "attempts"
    id: Mapped[int] = key()
    batch_id: Mapped[int] = mapped_column(index=True)
    campaign_id: Mapped[int] = mapped_column(index=True)
    sender_id: Mapped[int]
    people: Mapped[int] = mapped_column(Integer)
    # How many of them the ledger moved by the answer; the others waited, or are uncertain.
    accepted: Mapped[int] = mapped_column(Integer, server_default="0")
    refused: Mapped[int] = mapped_column(Integer, server_default="0")
    started_at: Mapped[datetime] = now()
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    status: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(server_default="")
    message_id: Mapped[str] = mapped_column(server_default="")
    settled_by: Mapped[str] = mapped_column(server_default="")  # "event", "log", or the person who decided
    settled_because: Mapped[str] = mapped_column(server_default="")
    settled_at: Mapped[datetime | None]
    looked_up_at: Mapped[datetime | None]  # in the provider's own log
    look_up: Mapped[str] = mapped_column(server_default="")  # what the last search found


class Sender(Base):
    """A process that delivers; it holds the advisory lock of its id while it lives."""

    __tablename__ = "senders"
    id: Mapped[int] = key()
    host: Mapped[str]
    pid: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = now()
    ended_at: Mapped[datetime | None]
    lacks: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # why it can't send, by provider


class SecretKey(Base):
    """The fingerprint of a secret key that mails were sent with, and the machine that used it first; the newest holds.

    A later one was accepted by a person.
    """

    __tablename__ = "secret_keys"
    id: Mapped[int] = key()
    fingerprint: Mapped[str]
    host: Mapped[str]
    since: Mapped[datetime] = now()


class WebhookBody(Base):
    """The body of a verified webhook request, kept for 90 to 180 days so that its events can be rebuilt (replay)."""

    __tablename__ = "webhook_bodies"
    id: Mapped[int] = key()
    provider: Mapped[str]
    received_at: Mapped[datetime] = now()
    processed_at: Mapped[datetime | None]
    body: Mapped[bytes]
    digest: Mapped[bytes] = mapped_column(unique=True)  # its SHA-256


class Event(Base):
    """One event from a provider or from our own pages; append-only, but for the class of an open or click.

    `natural_key` is a digest of delivery, attempt, kind, time, URL and offset, for opens and clicks also of program and
    machine flag, as SendGrid repeats events under other ids (sendgrid-nodejs#1435). `delivery_id` is NULL if none of
    our deliveries matches.
    """

    __tablename__ = "events"
    id: Mapped[int] = key()
    natural_key: Mapped[bytes] = mapped_column(unique=True)
    source: Mapped[str]  # "sendgrid", or "own" for our own pixel, redirect and forms
    kind: Mapped[str]  # django-anymail's names: sender.event.Kind
    at: Mapped[datetime]
    received_at: Mapped[datetime] = now()
    body_id: Mapped[int | None]  # its webhook body; NULL for our own pages
    delivery_id: Mapped[int | None]
    campaign_id: Mapped[int | None]
    attempt_id: Mapped[int | None]
    link: Mapped[int | None] = mapped_column(Integer)
    url: Mapped[str] = mapped_column(server_default="")
    bounce: Mapped[str] = mapped_column(server_default="")  # "hard" or "soft" if kind is "bounced"
    open_class: Mapped[str] = mapped_column(server_default="")  # human, machine or unknown
    rules: Mapped[str] = mapped_column(server_default="")  # the names of the rules that decided it (reader_rules.py)
    user_agent: Mapped[str] = mapped_column(server_default="")
    network: Mapped[str] = mapped_column(server_default="")
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))

    __table_args__ = (
        # Each index slows inserts; a campaign's events are found by its range of deliveries.
        Index("ix_events_delivery_id", "delivery_id", postgresql_where=text("delivery_id IS NOT NULL")),
        Index("ix_events_received_at", "received_at", postgresql_using="brin"),  # small, almost free to maintain
        Index("ix_events_address_hash", "received_at", postgresql_where=text("detail ? 'address_hash'")),
    )


class CampaignIntake(Base):
    """The number of events of a campaign, the newest one, and the rule set by which its hits are classified.

    Hits that came after `classified_to` events have not been compared with the others yet.
    """

    __tablename__ = "campaign_intake"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    events: Mapped[int] = mapped_column(server_default="0")
    newest_at: Mapped[datetime | None]  # when the newest event arrived
    classified_to: Mapped[int] = mapped_column(server_default="0")
    classified_at: Mapped[datetime | None]
    seconds: Mapped[float] = mapped_column(server_default="0")  # that the last classification took
    rule_set: Mapped[int | None] = mapped_column(Integer)
    earlier_rule_set: Mapped[int | None] = mapped_column(Integer)  # until `rules_changed_at`
    rules_changed_at: Mapped[datetime | None]
    summed_at: Mapped[datetime | None]  # when its old events were deleted: its sums can't be counted again


class Rollup(Base):
    """The events of one delivery, summed; updated in the transaction that inserts the events. Figures read this.

    `facts` has a bit for each of `sender.events.facts.FACTS` that is true; `new_facts` has the ones that the last
    update made true, to count people by.
    """

    __tablename__ = "delivery_rollups"
    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(index=True)
    delivered_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    hard_bounced_at: Mapped[datetime | None]
    soft_bounced_at: Mapped[datetime | None]
    complained_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]
    first_human_open_at: Mapped[datetime | None]
    human_opens: Mapped[int] = mapped_column(Integer, server_default="0")
    machine_opens: Mapped[int] = mapped_column(Integer, server_default="0")
    unknown_opens: Mapped[int] = mapped_column(Integer, server_default="0")
    first_click_at: Mapped[datetime | None]
    clicks: Mapped[int] = mapped_column(Integer, server_default="0")
    facts: Mapped[int] = mapped_column(Integer, server_default="0")
    new_facts: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = (
        Index("ix_delivery_rollups_soft", "soft_bounced_at", postgresql_where=text("soft_bounced_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 70}},
    )


class HourRollup(Base):
    """The number of events of a kind in an hour (UTC) of a campaign; only members' mails, as in all roll-ups."""

    __tablename__ = "hour_rollups"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    fact: Mapped[str] = mapped_column(primary_key=True)
    events: Mapped[int]

    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)


class MailboxRollup(Base):
    """For how many people at one mailbox provider a fact is true, and the number of its events."""

    __tablename__ = "mailbox_rollups"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mailbox: Mapped[str] = mapped_column(primary_key=True)
    fact: Mapped[str] = mapped_column(primary_key=True)
    people: Mapped[int]
    events: Mapped[int]

    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)


class FactsRollup(Base):
    """The number of people with exactly these facts about their mails (as in `delivery_rollups`); figures read this."""

    __tablename__ = "facts_rollups"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    compiled_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    facts: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    people: Mapped[int]

    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)


class EarlyPerson(Base):
    """A person of whose mail something was reported before the ledger had it as accepted.

    Nothing leads out of `accepted`. So all others whose mails have facts are accepted, and figures ask only of these.
    """

    __tablename__ = "early_people"
    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    campaign_id: Mapped[int] = mapped_column(index=True)


class LinkRollup(Base):
    """Clicks on one link of a campaign's email, machines' separately; `link` -1 is a click that matches no link."""

    __tablename__ = "link_rollups"
    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    compiled_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    link: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    clicks: Mapped[int]
    clickers: Mapped[int]  # people, without machines
    machine_clicks: Mapped[int]

    __table_args__ = ({"postgresql_with": {"fillfactor": 70}},)


class LinkClicker(Base):
    """A person who clicked a link (machines left out), so that `link_rollups` counts each person once."""

    __tablename__ = "link_clickers"
    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    link: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)


class Chore(Base):
    """A periodic job, run by one worker at a time; `since` is where the next run begins."""

    __tablename__ = "chores"
    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = now()
    ended_at: Mapped[datetime | None]
    since: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(server_default="")
    failures: Mapped[int] = mapped_column(Integer, server_default="0")  # in a row


class Flagged(Base):
    """A thing that can't be read, or needs a person; `reference` says where it is kept, and holds no address."""

    __tablename__ = "flagged"
    id: Mapped[int] = key()
    kind: Mapped[str]
    reference: Mapped[str]
    reason: Mapped[str]
    found_at: Mapped[datetime] = now()

    __table_args__ = (UniqueConstraint("kind", "reference"),)


class Alert(Base):
    """A condition that a person should know about, from `since` until `over_at`; one open for each `cause`."""

    __tablename__ = "alerts"
    id: Mapped[int] = key()
    cause: Mapped[str]
    subject: Mapped[str]
    words: Mapped[str]
    since: Mapped[datetime] = now()
    over_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    due_at: Mapped[datetime] = now()  # when to try to send it
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    problem: Mapped[str] = mapped_column(server_default="")  # why the last try failed

    __table_args__ = (Index("uq_alerts_cause", "cause", unique=True, postgresql_where=text("over_at IS NULL")),)


class SystemMail(Base):
    """A single mail such as an invitation; `content` is encrypted, and deleted once the mail is sent or has failed."""

    __tablename__ = "system_mails"
    id: Mapped[int] = key()
    kind: Mapped[str]
    address: Mapped[str]
    subject: Mapped[str]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(server_default="waiting")
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    problem: Mapped[str] = mapped_column(server_default="")  # why it was not accepted so far
    from_name: Mapped[str] = mapped_column(server_default="")  # of its own sender; without one it has the system's
    from_address: Mapped[str] = mapped_column(server_default="")
    reply_to: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="")
    made_at: Mapped[datetime] = now()
    due_at: Mapped[datetime] = now()
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_system_mails_due", "due_at", postgresql_where=text("state = 'waiting'")),)
