"""Limits on tries, for each account and for each network, counted in the database for all processes and machines."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, text

from accounts.tables import TryCounter


class Limit(NamedTuple):
    """At most so many tries within a time."""

    name: str
    most: int
    within: timedelta = timedelta(minutes=15)


# A password is tried from one network at one account; from everywhere, so that many networks can't share the guesses.
HERE, EVERYWHERE = Limit("sign-in here", 10), Limit("sign-in", 100)
NETWORK = Limit("network", 100)
# Six digits, of which three are right at a time: ten tries find one in 33,000 times.
CODE = Limit("code", 10)
MAILS = Limit("mails", 5, timedelta(hours=1))

_COUNT = text("""
    INSERT INTO try_counters (subject_hash) VALUES (:subject)
    ON CONFLICT (subject_hash) DO UPDATE SET
        tries = CASE WHEN try_counters.since < now() - :within THEN 1 ELSE try_counters.tries + 1 END,
        since = CASE WHEN try_counters.since < now() - :within THEN now() ELSE try_counters.since END
    RETURNING tries
""")
# What another sign-in has locked is in use.
_OLD = text("""
    DELETE FROM try_counters WHERE subject_hash IN (
        SELECT subject_hash FROM try_counters WHERE since < now() - interval '1 day' FOR UPDATE SKIP LOCKED)
""")


def within_limits(engine: Engine, *tries: tuple[Limit, str]) -> bool:
    """Count one more try of each subject; False if one of them is too many.

    In a transaction of its own: the try counts whatever the caller's comes to, and holds no lock while it goes on.
    """
    with engine.begin() as connection:
        connection.execute(_OLD)
        counted = [
            connection.execute(_COUNT, {"subject": _hash(limit, subject), "within": limit.within}).scalar_one()
            <= limit.most
            for limit, subject in sorted(tries)
        ]
    return all(counted)


def forget_tries(connection: Connection, limit: Limit, subject: str) -> None:
    """Count from 0 again after a success."""
    connection.execute(delete(TryCounter).where(TryCounter.subject_hash == _hash(limit, subject)))


def _hash(limit: Limit, subject: str) -> bytes:
    return hashlib.sha256(f"{limit.name} {subject}".encode()).digest()


def network_of(address: str) -> str:
    """Return the network of an address: /24, or /48 as one customer has it in IPv6; "" if it is no address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))
