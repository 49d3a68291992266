"""The conditions that a person should know about, each with a key that stays the same while it lasts.

They contain no addresses: only names of campaigns, counts, and messages of providers, which are scrubbed.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, and_, func, select

from daisychain.clock import shown
from daisychain.settings import Settings
from sender.campaigns import brakes
from sender.campaigns.due_campaigns import DUE_AT
from sender.delivery import confirmed_places
from sender.events.flagged import count_flagged, describe_flagged
from sender.events.webhook_bodies import AT_MOST, WARN_AFTER
from sender.providers.provider import Verdict
from sender.tables import Attempt, Batch, Campaign, Chore, Delivery, MailboxRollup, Place, WebhookBody

# A body is processed within seconds, unless its job failed.
BODIES_FOR = timedelta(minutes=15)
# The webhook decides most uncertain deliveries within minutes.
UNCERTAIN_FOR = timedelta(minutes=15)
OVERDUE_FOR = timedelta(minutes=10)
# SendGrid posts events every 30 s. How long it may be silent after accepting mail, and how far back to look.
SILENT_FOR, SILENCE_WITHIN = timedelta(hours=1), timedelta(days=3)
# Per cent. Gmail asks for less than 0.1 and never 0.3. Most complaints come in the days after a campaign.
MANY_COMPLAINTS, COMPLAINTS_WITHIN = 0.1, timedelta(days=7)
# A chore that failed once may work an hour later.
FAILURES = 3
# With less, PostgreSQL may soon stop, and nothing can be recorded any more.
FEWEST_BYTES = 1024**3
DISK = "disk"


@dataclass(frozen=True)
class AlertCondition:
    """Something a person should know; `key` identifies it while it lasts."""

    key: str
    subject: str
    message: str


def active_conditions(connection: Connection, settings: Settings, now: datetime) -> Iterator[AlertCondition]:
    """Return every condition that holds now."""
    yield from _went_back(connection)
    yield from _paused(connection)
    yield from _uncertain(connection, now)
    yield from _overdue(connection, settings, now)
    yield from _silent_webhook(connection, settings, now)
    yield from _bodies(connection, now)
    yield from _ending_bodies(connection, now)
    yield from _flagged(connection)
    yield from _failing_chores(connection)
    yield from _complaints(connection, now)
    yield from _full_disk(settings.home)


def _went_back(connection: Connection) -> Iterator[AlertCondition]:
    """Report a database that has forgotten something, until a person confirms it from some place."""
    valid = select(Place).where(Place.withdrawn_because == "").exists()
    because = connection.scalar(select(func.max(Place.withdrawn_because)).where(~valid))
    if because:
        yield AlertCondition(
            "went back",
            "The database went back in time",
            f"{confirmed_places.WENT_BACK}: {because}.\n\nPeople may have been mailed that it does not know of. See "
            f"docs/operators.md. {confirmed_places.HINT}",
        )


def _paused(connection: Connection) -> Iterator[AlertCondition]:
    """Report campaigns paused automatically: a refused account, used-up credits, bounces, a missed schedule."""
    rows = connection.execute(
        select(Campaign.id, Campaign.name, Campaign.pause_reason, Campaign.provider)
        .where(Campaign.state == "paused", ~Campaign.pause_reason.startswith("paused by "))
        .order_by(Campaign.id)
    )
    for row in rows:
        # Another reason is another condition.
        digest = hashlib.sha256(row.pause_reason.encode()).hexdigest()[:16]
        no_credits = "credit" in row.pause_reason.lower()
        why = f"{row.provider}'s credits are used up" if no_credits else "it needs a person"
        yield AlertCondition(
            f"paused {row.id} {digest}",
            f"Campaign {row.id} is paused: {why}",
            f"{row.name}: {row.pause_reason}\n\nWhen that is fixed: daisychain campaign resume {row.id}",
        )


def _uncertain(connection: Connection, now: datetime) -> Iterator[AlertCondition]:
    people = func.count(Delivery.id).label("people")
    rows = connection.execute(
        select(Campaign.id, Campaign.name, people)
        .join(Batch, Batch.campaign_id == Campaign.id)
        .join(Attempt, Attempt.id == Batch.attempt_id)
        .join(Delivery, and_(Delivery.id.between(Batch.first_id, Batch.last_id), Delivery.state == "uncertain"))
        .where(Batch.state == "uncertain", func.coalesce(Attempt.ended_at, Attempt.started_at) < now - UNCERTAIN_FOR)
        .group_by(Campaign.id, Campaign.name)
        .order_by(Campaign.id)
    )
    for row in rows:
        yield AlertCondition(
            f"uncertain {row.id}",
            f"Campaign {row.id} has uncertain people",
            f"{row.name}: {row.people:,} people may or may not have been mailed. None of them is mailed again "
            f"automatically.\n\nSee daisychain campaign status {row.id}, and daisychain campaign resolve {row.id}",
        )


def _overdue(connection: Connection, settings: Settings, now: datetime) -> Iterator[AlertCondition]:
    """Report scheduled campaigns that did not start, and whether a restored database is the reason."""
    late = select(Campaign.id, Campaign.name, DUE_AT.label("due_at")).where(
        Campaign.state == "scheduled", now - OVERDUE_FOR > DUE_AT
    )
    rows = connection.execute(late.order_by(Campaign.id)).all()
    reason = confirmed_places.why_not(connection, settings) if rows else ""
    why = f"\n\n{reason} {confirmed_places.HINT}" if reason else ""
    for row in rows:
        yield AlertCondition(
            f"overdue {row.id}",
            f"Campaign {row.id} did not start",
            f"{row.name} should have started at {shown(row.due_at)}.{why}",
        )


def _silent_webhook(connection: Connection, settings: Settings, now: datetime) -> Iterator[AlertCondition]:
    """Report if SendGrid accepted mail and has sent no events since, though its webhook is set up."""
    if not settings.sendgrid_webhook_keys:
        return
    last_body = connection.scalar(select(WebhookBody.received_at).order_by(WebhookBody.id.desc()).limit(1))
    last_accepted = connection.scalar(
        select(func.max(Attempt.ended_at))
        .join(Campaign, Campaign.id == Attempt.campaign_id)
        .where(
            Campaign.provider == "sendgrid",
            Attempt.outcome == Verdict.ACCEPTED.value,
            Attempt.ended_at.between(now - SILENCE_WITHIN, now - SILENT_FOR),
        )
    )
    if last_accepted is None or (last_body is not None and last_body > last_accepted):
        return
    since = f"since {shown(last_body)}" if last_body else "so far"
    yield AlertCondition(
        "silent webhook",
        "SendGrid's webhook is silent",
        f"SendGrid accepted mail at {shown(last_accepted)}, and its webhook has sent no events {since}: bounces and "
        "complaints are missing.\n\nCheck the Event Webhook in SendGrid's settings, and the public URL.",
    )


def _bodies(connection: Connection, now: datetime) -> Iterator[AlertCondition]:
    """Report webhook bodies that were not processed: their job failed, or no worker runs."""
    count, oldest = connection.execute(
        select(func.count(), func.min(WebhookBody.received_at)).where(
            WebhookBody.processed_at.is_(None), WebhookBody.received_at < now - BODIES_FOR
        )
    ).one()
    if count:
        yield AlertCondition(
            "webhook bodies",
            "Webhook bodies are waiting",
            f"{count:,} of SendGrid's webhook bodies are waiting to be processed, the oldest since {shown(oldest)}: "
            "bounces and complaints in them are missing.\n\nIs a worker running? If so, its log says what went wrong; "
            "a failed job is retried after an hour. When that is fixed: daisychain events replay --yes",
        )


def _ending_bodies(connection: Connection, now: datetime) -> Iterator[AlertCondition]:
    """Report webhook bodies that will be deleted soon, though they were not processed or differ from the figures."""
    oldest = connection.scalar(
        select(func.min(WebhookBody.received_at)).where(WebhookBody.received_at < now - WARN_AFTER)
    )
    if oldest:
        yield AlertCondition(
            "ending bodies",
            "Webhook bodies will be deleted",
            f"SendGrid's webhook bodies are kept since {shown(oldest)}, because some were not processed or the figures "
            f"differ from the events. They are deleted after {AT_MOST.days} days, the first on "
            f"{shown(oldest + AT_MOST)}.\n\nTo correct the figures before: daisychain events replay --yes",
        )


def _flagged(connection: Connection) -> Iterator[AlertCondition]:
    """Report what can't be read or needs a person: mails, events, entries of lists."""
    if flagged := count_flagged(connection):
        yield AlertCondition("flagged", "Something needs a look", f"{describe_flagged(flagged)}.")


def _failing_chores(connection: Connection) -> Iterator[AlertCondition]:
    failing = select(Chore.name, Chore.failures, Chore.result).where(Chore.failures >= FAILURES).order_by(Chore.name)
    for chore in connection.execute(failing):
        yield AlertCondition(
            f"chore {chore.name}",
            f"The chore {chore.name} keeps failing",
            f"{chore.name} failed {chore.failures} times in a row: {chore.result.removeprefix('failed: ')}",
        )


def _complaints(connection: Connection, now: datetime) -> Iterator[AlertCondition]:
    accepted = (
        select(func.coalesce(func.sum(Attempt.accepted), 0)).where(Attempt.campaign_id == Campaign.id).scalar_subquery()
    )
    complained = func.sum(MailboxRollup.people).label("complained")
    rows = connection.execute(
        select(Campaign.id, Campaign.name, complained, accepted.label("people"))
        .join(MailboxRollup, MailboxRollup.campaign_id == Campaign.id)
        .where(MailboxRollup.fact == "complained", Campaign.frozen_at > now - COMPLAINTS_WITHIN)
        .group_by(Campaign.id, Campaign.name)
        .order_by(Campaign.id)
    )
    for row in rows:
        if row.complained >= brakes.FEWEST_COMPLAINTS and row.complained * 100 > MANY_COMPLAINTS * row.people:
            yield AlertCondition(
                f"complaints {row.id}",
                f"Campaign {row.id}: many complaints",
                f"{row.name}: {row.complained:,} of {row.people:,} people marked it as spam "
                f"({row.complained / max(row.people, 1):.2%}). "
                "Gmail asks for less than 0.1 %; from 0.3 % on, delivery to everybody suffers.",
            )


def _full_disk(folder: Path) -> Iterator[AlertCondition]:
    """Report if the disk of a folder of this machine is nearly full."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < FEWEST_BYTES:
        host = socket.gethostname()
        yield AlertCondition(
            f"{DISK} {host} {folder}",
            f"The disk of {host} is nearly full",
            f"{free / 1024**2:,.0f} MiB are left for {folder}. When it is full, nothing can be recorded "
            "and sending stops.",
        )
