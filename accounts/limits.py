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
# Who knows the password and tries codes for weeks would find one, at ten in each quarter of an hour.
CODES_A_DAY = Limit("codes of a day", 50, timedelta(days=1))
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


def network_of(address: str) -> str:
    """Return the network of an address: /24, or /48 as one customer has it in IPv6; "" if it is no address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    # A socket for both versions says ::ffff:203.0.113.7, and all of IPv4 would be one network.
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))
