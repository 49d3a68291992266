"""Deletes or empties what was kept for long enough: on by default, a chore of each day, and shown by a dry run before.

What a report shows does not depend on it: sums stay when their events go, and rows when their addresses do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection, text

from daisychain.database import Database, settings_of
from lists.import_log import forget_old_imports
from lists.sign_up.asking import forget_unconfirmed
from lists.uploads.import_drafts import forget_old_drafts
from lists.uploads.upload_slices import forget_old_uploads
from newsletters.stored.versions import thin_versions
from sender.events.recount import correct_rollups
from sender.events.webhook_bodies import drop_old_bodies, old_bodies
from sender.providers.outbox import FOLDER
from sender.system_mail.mail_queue import forget_old_mails
from sender.upkeep.sender_holds import NO_ADDRESS, PUBLIC

AT_ONCE = 5_000  # rows of a transaction, so that nobody waits for them
Watch = Callable[[str, int], None]
"""Called after each step with its kind and how many more rows it has done."""

_OLD_EVENTS = "received_at < now() - make_interval(months => :months)"
_SUMMED = text(f"""
    SELECT DISTINCT e.campaign_id FROM events e LEFT JOIN campaign_intake i USING (campaign_id)
    WHERE {_OLD_EVENTS} AND e.campaign_id IS NOT NULL AND i.summed_at IS NULL
""")  # noqa: S608 - of constants, as all statements here
_MARK_SUMMED = text("""
    INSERT INTO campaign_intake (campaign_id, summed_at) VALUES (:campaign, now())
    ON CONFLICT (campaign_id) DO UPDATE SET summed_at = now()
""")
_DELETE_EVENTS = text(f"""
    DELETE FROM events WHERE id = ANY (ARRAY(SELECT id FROM events WHERE {_OLD_EVENTS} LIMIT :most))
""")  # noqa: S608
_COUNT_EVENTS = text(f"SELECT count(*) FROM events WHERE {_OLD_EVENTS}")  # noqa: S608

_OLD_CAMPAIGNS = text("""
    SELECT id, first_delivery, last_delivery FROM campaigns
    WHERE frozen_at < now() - make_interval(months => :months) AND emptied_at IS NULL
      AND state IN ('finished', 'cancelled') AND first_delivery IS NOT NULL
    ORDER BY id
""")
_FULL = "id BETWEEN :first AND :last AND campaign_id = :campaign AND (address NOT IN ('') OR inputs <> '{}')"
_COUNT_FULL = text(f"SELECT count(*) FROM deliveries WHERE {_FULL}")  # noqa: S608
_EMPTY = text(f"UPDATE deliveries SET address = {NO_ADDRESS}, inputs = '{{}}' WHERE {_FULL}")  # noqa: S608
_EMPTIED = text("UPDATE campaigns SET emptied_at = now() WHERE id = :campaign")
# A freeze that was under way during an erasure could not be seen by it.
_LATE = """
    d.campaign_id = c.id AND d.id BETWEEN c.first_delivery AND c.last_delivery
    AND c.frozen_at > now() - interval '3 days'
    AND d.member_id IN (SELECT member_id FROM erasures WHERE at > now() - interval '3 days')
    AND NOT EXISTS (SELECT FROM members m WHERE m.id = d.member_id)
"""
_ERASE_LATE = text(f"""
    UPDATE deliveries d SET address = {NO_ADDRESS}, inputs = '{{}}', dimensions = NULL, member_id = NULL
    FROM campaigns c WHERE {_LATE}
""")  # noqa: S608
_EMPTY_CONTACTS = text("""
    UPDATE complaints SET contact = '' WHERE contact <> '' AND closed_at < now() - make_interval(months => :months)
""")


def apply_retention(database: Database, *, write: bool, watch: Watch = lambda kind, done: None) -> dict[str, int]:
    """Delete or empty what is old enough, or with `write` false only count it; returns how much of each kind.

    Raises LockedError if others change the same rows; what was done by then stays done.
    """
    counts = dict.fromkeys(_STEPS, 0)
    for kind, step in _STEPS.items():
        for done in step(database, write):
            watch(kind, done)
            counts[kind] += done
    return counts


def _events(database: Database, write: bool) -> Iterator[int]:
    old = {"months": database.settings.kept_for("events"), "most": AT_ONCE}
    with database.engine.connect() as connection:
        campaigns = connection.scalars(_SUMMED, old).all() if write else ()
        if not write:
            yield connection.scalar(_COUNT_EVENTS, old) or 0
            return
    for campaign_id in campaigns:
        # The last time that the sums can be held against their events.
        correct_rollups(database.engine, [campaign_id])
        with database.brief_engine.begin() as connection:
            connection.execute(_MARK_SUMMED, {"campaign": campaign_id})
    done = AT_ONCE
    while done:
        with database.brief_engine.begin() as connection:
            done = connection.execute(_DELETE_EVENTS, old).rowcount
        yield done


def _deliveries(database: Database, write: bool) -> Iterator[int]:
    with database.engine.connect() as connection:
        rows = connection.execute(_OLD_CAMPAIGNS, {"months": database.settings.kept_for("deliveries")}).all()
    for campaign_id, first_id, last_id in rows:
        for first in range(first_id, last_id + 1, AT_ONCE):
            span = {"campaign": campaign_id, "first": first, "last": min(first + AT_ONCE - 1, last_id)}
            with database.brief_engine.begin() as connection:
                if write:
                    yield connection.execute(_EMPTY, {**span, **PUBLIC}).rowcount
                else:
                    yield connection.scalar(_COUNT_FULL, span) or 0
        if write:
            with database.brief_engine.begin() as connection:
                connection.execute(_EMPTIED, {"campaign": campaign_id})


def _bodies(database: Database, write: bool) -> Iterator[int]:
    with database.engine.connect() as connection:
        before = old_bodies(connection)
    if write and before:
        drop_old_bodies(database)
        with database.engine.connect() as connection:
            before -= old_bodies(connection)
    yield before


def _files(database: Database, write: bool) -> Iterator[int]:
    before = time.time() - timedelta(days=database.settings.kept_for("files")).total_seconds()
    for path in (database.settings.home / FOLDER).rglob("*.eml"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                if write:
                    path.unlink()
                yield 1


def _forgets(*forget: Callable[[Connection], int]) -> Callable[[Database, bool], Iterator[int]]:
    """Return a step of one transaction, which a dry run rolls back: so it counts what would go, in the same order."""

    def step(database: Database, write: bool) -> Iterator[int]:
        with database.brief_engine.begin() as connection, connection.begin_nested() as savepoint:
            done = sum(each(connection) for each in forget)
            if not write:
                savepoint.rollback()
        yield done

    return step


def _erased(connection: Connection) -> int:
    return connection.execute(_ERASE_LATE, PUBLIC).rowcount


def _complaints(connection: Connection) -> int:
    # The words stay, as the record of how complaints are met.
    old = {"months": settings_of(connection).kept_for("deliveries")}
    return connection.execute(_EMPTY_CONTACTS, old).rowcount


_STEPS: dict[str, Callable[[Database, bool], Iterator[int]]] = {
    "events of mails": _events,
    "addresses and values of mails": _deliveries,
    "mails of erased people": _forgets(_erased),
    "webhook bodies": _bodies,
    "mails in the outbox": _files,
    "unconfirmed sign-ups": _forgets(forget_unconfirmed),
    "contacts of closed complaints": _forgets(_complaints),
    "values from before imports": _forgets(forget_old_imports),
    "files and refused rows of imports": _forgets(forget_old_uploads, forget_old_drafts),
    "single mails such as invitations": _forgets(forget_old_mails),
    "old versions of newsletters": _forgets(thin_versions),
}
