"""What a person should know, as things stand: each cause by a key of its own, for as long as it lasts.

Nobody's address is in any of it: only names of campaigns, counts, and providers' words, which were scrubbed.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from daisychain.clock import told
from daisychain.settings import Settings
from sender.campaigns import brakes
from sender.delivery import confirmed_places
from sender.providers.provider import Verdict
from sender.tables import Attempt, Batch, Campaign, MailboxRollup, WebhookBody

# A body is taken in within seconds; one whose job failed waits.
BODIES_FOR = timedelta(minutes=15)
# Most uncertain people settle themselves within minutes, by the webhook.
UNCERTAIN_FOR = timedelta(minutes=15)
OVERDUE_FOR = timedelta(minutes=10)
# How long SendGrid may take to tell what became of a mail that it took, and how long its silence is looked for.
SILENT_FOR, SILENCE_WITHIN = timedelta(hours=1), timedelta(days=3)
# Gmail wants less than 0.1 %, and punishes 0.3 %; most complaints come in the days after a campaign is finished.
MANY_COMPLAINTS, COMPLAINTS_WITHIN = 0.1, timedelta(days=7)
# Below this PostgreSQL may soon stop, and nothing is written down any more.
FEWEST_BYTES = 1024**3
DISK = "disk"


@dataclass(frozen=True)
class Cause:
    """One thing to know; `key` stays the same for as long as it is the same thing."""

    key: str
    subject: str
    words: str


def causes(connection: Connection, settings: Settings, now: datetime) -> Iterator[Cause]:
    """Everything that a person should know at this moment."""
    yield from _paused(connection)
    yield from _uncertain(connection, now)
    yield from _overdue(connection, settings, now)
    yield from _silent_webhook(connection, settings, now)
    yield from _bodies(connection, now)
    yield from _complaints(connection, now)
    yield from full_disks([settings.home])


def _paused(connection: Connection) -> Iterator[Cause]:
    """Campaigns that were paused by no person: a refused account, used-up credits, bounces, a schedule long past."""
    rows = connection.execute(
        select(Campaign.id, Campaign.name, Campaign.pause_reason, Campaign.provider)
        .where(Campaign.state == "paused", ~Campaign.pause_reason.startswith("paused by "))
        .order_by(Campaign.id)
    )
    for row in rows:
        # Another reason is another cause.
        digest = hashlib.sha256(row.pause_reason.encode()).hexdigest()[:16]
        broke = "credit" in row.pause_reason.lower()
        why = f"{row.provider}'s credits are used up" if broke else "it needs a person"
        yield Cause(
            f"paused {row.id} {digest}",
            f"Campaign {row.id} is paused: {why}",
            f"{row.name}: {row.pause_reason}\n\nWhen that is mended: daisychain campaign resume {row.id}",
        )


def _uncertain(connection: Connection, now: datetime) -> Iterator[Cause]:
    people = func.sum(Batch.last_id - Batch.first_id + 1).label("people")
    rows = connection.execute(
        select(Campaign.id, Campaign.name, people)
        .join(Batch, Batch.campaign_id == Campaign.id)
        .join(Attempt, Attempt.id == Batch.attempt_id)
        .where(Batch.state == "uncertain", func.coalesce(Attempt.ended_at, Attempt.started_at) < now - UNCERTAIN_FOR)
        .group_by(Campaign.id, Campaign.name)
        .order_by(Campaign.id)
    )
    for row in rows:
        yield Cause(
            f"uncertain {row.id}",
            f"Campaign {row.id} has uncertain people",
            f"{row.name}: up to {row.people:,} people may or may not have been mailed. None of them is mailed again by "
            f"itself.\n\nSee daisychain campaign status {row.id}, and daisychain campaign resolve {row.id}",
        )


def _overdue(connection: Connection, settings: Settings, now: datetime) -> Iterator[Cause]:
    """Campaigns whose time has come and that did not begin; where a restored database is the reason, that is said."""
    late = select(Campaign.id, Campaign.name, Campaign.starts_at).where(
        Campaign.state == "scheduled", Campaign.starts_at < now - OVERDUE_FOR
    )
    rows = connection.execute(late.order_by(Campaign.id)).all()
    why = (
        ""
        if not rows or confirmed_places.is_confirmed(connection, settings)
        else f"\n\n{confirmed_places.UNCONFIRMED} {confirmed_places.HINT}"
    )
    for row in rows:
        yield Cause(
            f"overdue {row.id}",
            f"Campaign {row.id} did not begin",
            f"{row.name} should have begun at {told(row.starts_at)}.{why}",
        )


def _silent_webhook(connection: Connection, settings: Settings, now: datetime) -> Iterator[Cause]:
    """SendGrid took mail and told nothing since, though its webhook is set up."""
    if not settings.sendgrid_webhook_keys:
        return
    heard = connection.scalar(select(WebhookBody.received_at).order_by(WebhookBody.id.desc()).limit(1))
    taken = connection.scalar(
        select(func.max(Attempt.ended_at))
        .join(Campaign, Campaign.id == Attempt.campaign_id)
        .where(
            Campaign.provider == "sendgrid",
            Attempt.outcome == Verdict.ACCEPTED.value,
            Attempt.ended_at.between(now - SILENCE_WITHIN, now - SILENT_FOR),
        )
    )
    if taken is None or (heard is not None and heard > taken):
        return
    last = f"since {told(heard)}" if heard else "so far"
    yield Cause(
        "silent webhook",
        "SendGrid's webhook is silent",
        f"SendGrid took mail at {told(taken)}, and its webhook has told nothing {last}: bounces and "
        "complaints go unheard.\n\nLook at the Event Webhook in SendGrid's settings, and at the public URL.",
    )


def _bodies(connection: Connection, now: datetime) -> Iterator[Cause]:
    """Webhook bodies that were kept, and whose events nobody has worked out: their job failed, or no worker runs."""
    count, oldest = connection.execute(
        select(func.count(), func.min(WebhookBody.received_at)).where(
            WebhookBody.processed_at.is_(None), WebhookBody.received_at < now - BODIES_FOR
        )
    ).one()
    if count:
        yield Cause(
            "webhook bodies",
            "Webhook bodies wait",
            f"{count:,} of SendGrid's webhook bodies wait to be taken in, the oldest since {told(oldest)}: bounces and "
            "complaints in them go unheard.\n\nIs a worker running? If so, its log says what went wrong; a job that "
            "failed is tried again after an hour. When that is mended: daisychain events replay --yes",
        )


def _complaints(connection: Connection, now: datetime) -> Iterator[Cause]:
    taken = (
        select(func.coalesce(func.sum(Attempt.accepted), 0)).where(Attempt.campaign_id == Campaign.id).scalar_subquery()
    )
    complained = func.sum(MailboxRollup.people).label("complained")
    rows = connection.execute(
        select(Campaign.id, Campaign.name, complained, taken.label("people"))
        .join(MailboxRollup, MailboxRollup.campaign_id == Campaign.id)
        .where(MailboxRollup.fact == "complained", Campaign.frozen_at > now - COMPLAINTS_WITHIN)
        .group_by(Campaign.id, Campaign.name)
        .order_by(Campaign.id)
    )
    for row in rows:
        if row.complained >= brakes.FEWEST_COMPLAINTS and row.complained * 100 > MANY_COMPLAINTS * row.people:
            yield Cause(
                f"complaints {row.id}",
                f"Campaign {row.id}: many complaints",
                f"{row.name}: {row.complained:,} of {row.people:,} people said that it is spam "
                f"({row.complained / max(row.people, 1):.2%}). "
                "Gmail wants less than 0.1 %, and from 0.3 % on mail to everybody suffers.",
            )


def full_disks(folders: list[Path]) -> Iterator[Cause]:
    """The folders of this machine in whose file system hardly any room is left."""
    host = socket.gethostname()
    for folder in folders:
        there = next((path for path in (folder, *folder.parents) if path.exists()), None)
        if there is None:
            continue
        free = shutil.disk_usage(there).free
        if free < FEWEST_BYTES:
            yield Cause(
                f"{DISK} {host} {folder}",
                f"The disk of {host} is nearly full",
                f"{free / 1024**2:,.0f} MiB are left for {folder}. When there is none, nothing can be written "
                "down, and sending stops.",
            )
