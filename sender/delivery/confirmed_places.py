"""Places that this database may send from. A copy restored elsewhere sends nothing until a person confirms it there.

A backup is out of date: people who wait in it may have been mailed since. So a place is identified by the server's
system identifier, by the OID of a table in it (a restore creates new tables), and by how it is reached: the machine's
name and the home for an embedded database, the address for a server.
"""

from __future__ import annotations

import hashlib
import socket
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, make_url, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.errors import StateError
from daisychain.settings import Settings
from sender.delivery.campaign_states import pause
from sender.tables import Campaign, Decision, Place

UNCONFIRMED = "This database was restored or moved here, and sends nothing until a person confirms it."
HINT = "Make sure that no other copy of it is sending. Then: daisychain confirm-here"

_IDENTITY = text("""
    SELECT (SELECT system_identifier FROM pg_control_system()) AS server, current_database() AS database,
           'confirmed_places'::regclass::oid AS place
""")


@dataclass(frozen=True)
class Here:
    """The place where this process runs: its fingerprint, and a description for people."""

    fingerprint: str
    description: str


def here(connection: Connection, settings: Settings) -> Here:
    """Return the place where this process uses this database."""
    row = connection.execute(_IDENTITY).one()
    if settings.database_url:
        url = make_url(settings.database_url)
        hosts = url.query.get("host") or url.host or "localhost"
        description = f"the database {row.database} at {hosts}:{url.port or 5432}"
    else:
        description = f"the home {settings.home} on {socket.gethostname()}"
    digest = hashlib.sha256(f"{row.server} {row.place} {description}".encode()).hexdigest()
    return Here(digest, description)


def is_confirmed(connection: Connection, settings: Settings) -> bool:
    """Return whether mail may be sent from here; the first place that asks confirms itself."""
    place = here(connection, settings)
    known = connection.execute(select(func.count(), func.count().filter(Place.fingerprint == place.fingerprint))).one()
    if known[0] == 0:
        _keep(connection, place, "the first to send")
        return True
    return bool(known[1])


def require_confirmed(connection: Connection, settings: Settings) -> None:
    """Raise StateError if no mail may be sent from here."""
    if not is_confirmed(connection, settings):
        raise StateError(UNCONFIRMED, hint=HINT)


def confirm(connection: Connection, settings: Settings, *, who: str) -> list[int]:
    """Allow sending from here, in the caller's transaction; returns the campaigns that this pauses.

    They wait for a person, because nobody here knows how far the other copy got after the backup.
    """
    place = here(connection, settings)
    if is_confirmed(connection, settings):
        return []
    _keep(connection, place, who)
    under_way = connection.scalars(
        select(Campaign.id).where(Campaign.state.in_(["sending", "scheduled"])).order_by(Campaign.id).with_for_update()
    ).all()
    for campaign_id in under_way:
        pause(connection, campaign_id, "the database was restored here; people who wait may have been mailed since")
        connection.execute(
            insert(Decision).values(campaign_id=campaign_id, what="confirm-here", who=who, because=place.description)
        )
    return list(under_way)


def _keep(connection: Connection, place: Here, who: str) -> None:
    row = {"fingerprint": place.fingerprint, "words": place.description, "confirmed_by": who}
    connection.execute(upsert(Place).values(row).on_conflict_do_nothing())
