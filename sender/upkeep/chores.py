"""Chores: periodic jobs such as alerts, log look-ups, syncing suppression lists, and deleting old webhook bodies.

A row in `chores` says when each is due. A worker's sweep advances that time and defers the job in one transaction, so
each chore runs once, however many workers there are. If a worker dies, the chore runs at its next time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
from procrastinate import JobContext
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import Database, database_now, may_wait
from daisychain.errors import ConfigurationError, DaisychainError
from daisychain.jobs import BEFORE_BATCHES, app, defer
from daisychain.settings import Settings
from lists.import_log import forget_old_imports
from lists.sign_up.asking import forget_unconfirmed
from lists.uploads.import_drafts import forget_old_drafts
from lists.uploads.upload_slices import forget_old_uploads
from newsletters.preview.offer_pictures import draw_offers
from newsletters.preview.thumbnails import draw_thumbnails
from newsletters.stored.versions import thin_versions
from sender.alerts.notify import check_and_notify
from sender.events.bounce_mailbox import read_mailbox
from sender.events.classify import classify_due
from sender.events.flagged import reason_of
from sender.events.provider_lists import suppress_soft_bouncers, sync_provider_lists
from sender.events.provider_log import look_up
from sender.events.sum_check import check_sums
from sender.events.webhook_bodies import drop_old_bodies
from sender.providers.sendgrid_account import Account
from sender.system_mail.mail_queue import send_due_mails
from sender.tables import Chore
from sender.upkeep.retention import apply_retention

log = logging.getLogger("daisychain.chores")

QUEUE = "chores"
RETRY_AFTER = timedelta(hours=1)


def _look_ups(database: Database) -> str:
    people = look_up(database)
    return f"{people} people settled" if people else ""


def _provider_lists(database: Database) -> str:
    """Sync SendGrid's suppression lists; no other provider has any."""
    if not database.settings.sendgrid_api_key:
        return "no provider that keeps lists is set up"
    with database.brief_engine.begin() as connection:
        may_wait(connection)
        until = database_now(connection)
        row = select(Chore.since).where(Chore.name == "provider lists")
        since = connection.scalar(row) or datetime.fromtimestamp(0, UTC)
        summary = sync_provider_lists(connection, Account(database.settings), since, until)
        connection.execute(update(Chore).where(Chore.name == "provider lists").values(since=until))
    return summary


def _bounce_mailbox(database: Database) -> str:
    if not database.settings.imap_url:
        return "no mailbox for bounces is set up"
    return ", ".join(f"{count} {name}" for name, count in read_mailbox(database).items() if count)


def _soft_bounces(database: Database) -> str:
    with database.brief_engine.begin() as connection:
        return f"{suppress_soft_bouncers(connection)} suppressed"


def _deletes(forget: Callable[[Connection], int], what: str) -> Callable[[Database], str]:
    """Return a chore that deletes what is old enough, and says how many of `what`."""

    def chore(database: Database) -> str:
        with database.brief_engine.begin() as connection:
            forgotten = forget(connection)
        return f"{forgotten} {what} deleted" if forgotten else ""

    return chore


def _old_uploads(database: Database) -> str:
    with database.brief_engine.begin() as connection:
        forgotten = forget_old_uploads(connection), forget_old_drafts(connection)
    return "{} old uploads, {} old imports deleted".format(*forgotten) if any(forgotten) else ""


def _retention(database: Database) -> str:
    counts = apply_retention(database, write=True)
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)


def _thumbnails(database: Database) -> str:
    drawn = draw_thumbnails(database.engine) + draw_offers(database.engine, database.settings.pages_url)
    return f"{drawn} newsletters drawn" if drawn else ""


CHORES: dict[str, tuple[timedelta, Callable[[Database], str]]] = {
    "alerts": (timedelta(minutes=1), check_and_notify),
    "system mail": (timedelta(minutes=1), send_due_mails),
    "look-ups": (timedelta(minutes=1), _look_ups),
    "classify hits": (timedelta(minutes=1), classify_due),
    "thumbnails": (timedelta(minutes=1), _thumbnails),
    "bounce mailbox": (timedelta(minutes=5), _bounce_mailbox),
    "provider lists": (timedelta(days=1), _provider_lists),
    "sums": (timedelta(days=1), check_sums),
    "soft bounces": (timedelta(days=1), _soft_bounces),
    "old imports": (timedelta(days=1), _deletes(forget_old_imports, "values from before imports")),
    "old uploads": (timedelta(hours=1), _old_uploads),
    "old versions": (timedelta(days=1), _deletes(thin_versions, "old versions of newsletters")),
    "unconfirmed sign-ups": (timedelta(days=1), _deletes(forget_unconfirmed, "unconfirmed sign-ups")),
    "old bodies": (timedelta(days=1), drop_old_bodies),
    "retention": (timedelta(days=1), _retention),
}

# The setting without which a chore is left to another process, which may have it.
NEEDS = {"look-ups": "sendgrid_api_key", "provider lists": "sendgrid_api_key", "bounce mailbox": "imap_url"}

# A row that another sweep has locked is being deferred by it.
_DUE = text("""
    WITH known AS (SELECT * FROM json_to_recordset(CAST(:chores AS json)) AS rows (name text, every double precision)),
    new AS (
        INSERT INTO chores (name, due_at) SELECT name, now() + every * interval '1 second' FROM known
        WHERE NOT EXISTS (SELECT 1 FROM chores c WHERE c.name = known.name) ORDER BY name
        ON CONFLICT DO NOTHING RETURNING name),
    due AS (
        SELECT c.name FROM chores c JOIN known USING (name) WHERE c.due_at <= now()
        ORDER BY c.name FOR UPDATE OF c SKIP LOCKED),
    moved AS (
        UPDATE chores c SET due_at = now() + every * interval '1 second' FROM known
        WHERE c.name = known.name AND c.name IN (SELECT name FROM due) RETURNING c.name)
    SELECT name FROM new UNION ALL SELECT name FROM moved
""")
_HAND_BACK = update(Chore).values(due_at=func.now())


@app.task(name="sender.do_chore", queue=QUEUE, priority=BEFORE_BATCHES, pass_context=True)
def do_chore(context: JobContext, name: str) -> None:
    """Run one chore and record its result; hand it back to a process that is set up for it if this one is not."""
    database = context.additional_context["database"]
    if name in _ours(database.settings):
        run_chore(database, name)
        return
    with database.engine.begin() as connection:
        connection.execute(_HAND_BACK.where(Chore.name == name))


def _ours(settings: Settings) -> list[str]:
    return [name for name in CHORES if name not in NEEDS or getattr(settings, NEEDS[name])]


def defer_due_chores(connection: Connection, settings: Settings) -> list[str]:
    """Defer a job for each due chore that this process is set up for, in the caller's transaction; returns names."""
    rows = [{"name": name, "every": CHORES[name][0].total_seconds()} for name in _ours(settings)]
    names = sorted(connection.scalars(_DUE, {"chores": orjson.dumps(rows).decode()}))
    defer(connection, do_chore, [{"name": name} for name in names], queue=QUEUE)
    return names


def run_chore(database: Database, name: str) -> str:
    """Run a chore now, record its result, and return it. A failed chore is retried within the hour."""
    values: dict[str, object] = {"failures": 0}
    try:
        result = CHORES[name][1](database)
    except Exception as error:  # a chore that fails is recorded, whatever it is
        told = isinstance(error, DaisychainError | ConfigurationError)
        result = f"failed: {error if told else reason_of(error)}"
        values = {"failures": Chore.failures + 1, "due_at": func.least(Chore.due_at, func.now() + RETRY_AFTER)}
    log.info("%s: %s", name, result or "nothing to do")
    with database.engine.begin() as connection:
        connection.execute(update(Chore).where(Chore.name == name).values(ended_at=func.now(), result=result, **values))
    return result
