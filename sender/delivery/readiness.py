"""Readiness: the providers that this process is set up for, and whether its secret key is the others'.

A process claims only batches that it can send. What it lacks is kept with its row in `senders`, so that a campaign's
status can name the process and the setting, if nobody else can send it either.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from sqlalchemy import Connection, func, insert, select, text

from daisychain.errors import ConfigurationError, DaisychainError
from daisychain.secret import derive, installation_secret
from daisychain.settings import Settings
from sender.providers.open_provider import PROVIDERS, open_provider
from sender.tables import Campaign, SecretKey, Sender

# Which address mail comes from is each campaign's own matter: one of a domain that anybody may own will do here.
ANY_SENDER = "somebody@daisychain.org"
# Of two processes that are the first, one waits; an arbitrary number.
LOCK = 0x0DA15EC2
LOCK_CLASS = 0x5E9D  # of the senders' own locks


def fingerprint(settings: Settings) -> str:
    """Return a hash that tells secret keys apart, and from which nothing else follows; raises ConfigurationError."""
    return derive(installation_secret(settings), "fingerprint").hex()[:32]


def check_key(connection: Connection, settings: Settings) -> None:
    """Raise ConfigurationError if mail of this database is sent with another secret key."""
    newest = select(SecretKey.fingerprint, SecretKey.host).order_by(SecretKey.id.desc()).limit(1)
    known = connection.execute(newest).one_or_none()
    if known and known.fingerprint != fingerprint(settings):
        raise ConfigurationError(
            "DAISYCHAIN_SECRET_KEY",
            f"is not the key that mail of this database is sent with, as on {known.host}.",
            hint="Links in sent mail work with that key only: set it here too. If the old key is lost or was given "
            "away, accept this one: daisychain confirm-here --new-key",
        )


def keep_key(connection: Connection, settings: Settings, *, new: bool = False) -> None:
    """Store this process's key as the one to send with, if it is the first, or a person decided so (`new`)."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    if new or connection.scalar(select(func.count()).select_from(SecretKey)) == 0:
        row = {"fingerprint": fingerprint(settings), "host": socket.gethostname()}
        connection.execute(insert(SecretKey).values(row))


def lacking(connection: Connection, settings: Settings) -> dict[str, str]:
    """Return why this process can't send, for each provider that it can't send through; its key becomes known."""
    keep_key(connection, settings)
    reasons = {}
    for name in PROVIDERS:
        try:
            require_ready(connection, settings, name)
        except (ConfigurationError, DaisychainError) as error:
            reasons[name] = str(error).splitlines()[0]
    return reasons


def wanted(connection: Connection, settings: Settings) -> set[str]:
    """Return the providers that somebody waits for: the one that is set, and the providers of campaigns under way."""
    under_way = Campaign.state.in_(["scheduled", "sending", "paused"])
    return {settings.provider, *connection.scalars(select(Campaign.provider).where(under_way).distinct())}


def require_ready(connection: Connection, settings: Settings, provider: str) -> None:
    """Raise ConfigurationError or DaisychainError if this process can't send through a provider; asks no network."""
    check_key(connection, settings)
    open_provider(provider, settings).check(ANY_SENDER)


def why_nobody_can(connection: Connection, provider: str) -> str:
    """Return what each living sender lacks for a provider; "" if one of them can send, or none lives."""
    alive = (
        select(text("1"))
        .select_from(text("pg_locks"))
        .where(
            text("locktype = 'advisory' AND granted AND classid = :class AND objid::bigint = senders.id"),
            text("database = (SELECT oid FROM pg_database WHERE datname = current_database())"),
        )
        .params({"class": LOCK_CLASS})
    )
    rows = connection.execute(
        select(Sender.host, Sender.pid, Sender.lacks).where(Sender.ended_at.is_(None), alive.exists())
    ).all()
    lacks: list[Mapping[str, str]] = [row.lacks for row in rows]
    if not rows or any(provider not in each for each in lacks):
        return ""
    named = {f"process {row.pid} on {row.host}: {row.lacks[provider]}" for row in rows}
    return f"no running process can send through {provider}: {'; '.join(sorted(named))}"
