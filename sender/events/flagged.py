"""Flags what can't be read, or needs a person; the thing itself stays in its mailbox, webhook body or list.

A reason is the kind of an error and its place in our code, never its message, which may hold addresses.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import InterfaceError, OperationalError

from daisychain.errors import LockedError
from sender.tables import Flagged

log = logging.getLogger("daisychain.flagged")

MAIL, EVENT, ENTRY = "mails in the mailbox for bounces", "events in webhook bodies", "entries of SendGrid's lists"
BODY = "webhook bodies"
SUMS = "sums that differed from their rows"
MISDIRECTED = "events about another address than their mail's"
# A mail is flagged until somebody takes its flag off in the mailbox; nobody can do that for the others.
KEPT_FOR = timedelta(days=30)

# The database is gone, asks for a retry, or others hold what this changes: that is not about the thing at hand.
DATABASE_ERRORS = (OperationalError, InterfaceError, LockedError)


# How many things of each kind are flagged.
FLAGGED = select(Flagged.kind, func.count().label("things")).group_by(Flagged.kind).order_by(Flagged.kind)


def flag(connection: Connection, kind: str, reference: str, reason: str) -> None:
    """Flag one thing, in the caller's transaction; once flagged, it stays as it is."""
    log.info("flagged %s: %s: %s", kind, reference, reason)
    row = {"kind": kind, "reference": reference, "reason": reason}
    connection.execute(upsert(Flagged).values(row).on_conflict_do_nothing())


def count_flagged(connection: Connection) -> Mapping[str, int]:
    """Count the flagged things, by kind."""
    return {row.kind: row.things for row in connection.execute(FLAGGED)}


def describe_flagged(flagged: Mapping[str, int]) -> str:
    """Say how many things are flagged, and what to do about it."""
    what = ", ".join(f"{count:,} {kind}" for kind, count in flagged.items())
    if MAIL not in flagged:
        return f"{what} could not be read or used; the log says why"
    return f"{what} could not be read or need a person. Look at the mails with a flag, and take the flag off"


def keep_flagged(connection: Connection, kind: str, references: Collection[str]) -> None:
    """Unflag all things of a kind but these."""
    connection.execute(delete(Flagged).where(Flagged.kind == kind, Flagged.reference.not_in(references)))


def drop_old_flags(connection: Connection) -> None:
    """Unflag things of long ago, except mails."""
    connection.execute(delete(Flagged).where(Flagged.kind != MAIL, Flagged.found_at < func.now() - KEPT_FOR))


def reason_of(error: Exception) -> str:
    """Return the kind of an error and its place in the code: no message, as that may hold personal data."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if "site-packages" not in each.filename]
    place = f" in {'/'.join(frames[-1].filename.split('/')[-2:])}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


Thing = TypeVar("Thing")
Result = TypeVar("Result")


def do_each(
    connection: Connection, kind: str, things: Mapping[str, Thing], do: Callable[[list[Thing]], Sequence[Result]]
) -> list[Result]:
    """Do all things at once, as that is quick; if that fails, each by itself, and flag the ones that fail.

    `things` are named by what to flag them as. Everything is in savepoints of the caller's transaction.
    """
    if not things:
        return []
    try:
        with connection.begin_nested():
            return list(do(list(things.values())))
    except DATABASE_ERRORS:
        raise
    except Exception as error:
        if len(things) == 1:
            flag(connection, kind, next(iter(things)), reason_of(error))
            return []
    return [
        result for reference, thing in things.items() for result in do_each(connection, kind, {reference: thing}, do)
    ]
