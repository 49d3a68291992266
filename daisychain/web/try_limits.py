"""Limits on tries: of each account, address or network, counted in the database for all processes and machines."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, Integer, LargeBinary, delete, func, text
from sqlalchemy.orm import Mapped, mapped_column

from daisychain.database import Base


class Limit(NamedTuple):
    """At most so many tries within a time, a day at most."""

    name: str
    most: int
    within: timedelta = timedelta(minutes=15)


class TryCounter(Base):
    """A count of tries since `since`; `subject_hash` is of what is limited, such as an account or a network."""

    __tablename__ = "try_counters"
    subject_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    since: Mapped[datetime] = mapped_column(server_default=func.now())
    tries: Mapped[int] = mapped_column(Integer, server_default="1")


_COUNT = text("""
    INSERT INTO try_counters (subject_hash) VALUES (:subject)
    ON CONFLICT (subject_hash) DO UPDATE SET
        tries = CASE WHEN try_counters.since < now() - :within THEN 1 ELSE try_counters.tries + 1 END,
        since = CASE WHEN try_counters.since < now() - :within THEN now() ELSE try_counters.since END
    RETURNING tries
""")
# What another try has locked is in use.
_OLD = text("""
    DELETE FROM try_counters WHERE subject_hash IN (
        SELECT subject_hash FROM try_counters WHERE since < now() - interval '1 day' FOR UPDATE SKIP LOCKED)
""")


def within_limits(engine: Engine, *tries: tuple[Limit, str]) -> bool:
    """Count one more try of each subject; False if one of them is too many.

    The narrowest limit is counted first, and the others only if it allows it: one network can't lock an account out
    everywhere. In a transaction of its own: the try counts whatever the caller's comes to, and holds no lock.
    """
    with engine.begin() as connection:
        connection.execute(_OLD)
        return all(
            connection.execute(_COUNT, {"subject": _hash(limit, subject), "within": limit.within}).scalar_one()
            <= limit.most
            for limit, subject in sorted(tries, key=lambda each: (each[0].most, each))
        )


def forget_tries(connection: Connection, *tries: tuple[Limit, str]) -> None:
    """Count from 0 again after a success."""
    for each in tries:
        connection.execute(delete(TryCounter).where(TryCounter.subject_hash == _hash(*each)))


def _hash(limit: Limit, subject: str) -> bytes:
    return hashlib.sha256(f"{limit.name} {subject}".encode()).digest()
