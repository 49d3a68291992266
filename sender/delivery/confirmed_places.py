"""Places that this database may send from. A copy restored elsewhere sends nothing until a person confirms it there.

A backup is out of date: people who wait in it may have been mailed since. So a place is identified by the server's
system identifier, by the OID of a table in it (a restore creates new tables), and by how it is reached: the machine's
name and the home for an embedded database, the address for a server.

A database that went back in time by other means looks the same, and is found out by what it has forgotten: the latest
attempt from this home (high_water_mark.py), a mail whose key comes back, or its server's place in history: PostgreSQL
begins a new timeline with each recovery to a point in time and each promotion of a replica. Then every confirmation is
withdrawn. A whole machine that went back, home and all, can't be noticed before such a mail's key comes.
"""

from __future__ import annotations

import hashlib
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, make_url, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.clock import shown
from daisychain.database import Database
from daisychain.errors import StateError
from daisychain.settings import Settings
from sender.delivery.campaign_states import pause
from sender.delivery.fresh_numbers import move_numbers_ahead
from sender.delivery.high_water_mark import HighWaterMark, Mark
from sender.tables import Attempt, Campaign, Decision, Place

log = logging.getLogger("daisychain.places")

UNCONFIRMED = "This database was restored or moved here, and sends nothing until a person confirms it."
WENT_BACK = "This database went back in time, and sends nothing until a person confirms it"
HINT = "Make sure that no other copy of it is sending. Then: daisychain confirm-here"
FIRST = "the first to send"

# `pg_control_checkpoint()` has the new timeline only after the checkpoint that follows a promotion.
_IDENTITY = text("""
    SELECT (SELECT system_identifier FROM pg_control_system()) AS server, current_database() AS database,
           'confirmed_places'::regclass::oid AS place, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline
""")


@dataclass(frozen=True)
class Here:
    """The place where this process runs: its fingerprint, a description for people, and the server's timeline."""

    fingerprint: str
    description: str
    timeline: int

    def mark(self, settings: Settings) -> HighWaterMark:
        """Return this home's mark for this database, whatever its timeline."""
        return HighWaterMark(settings, self.fingerprint[:16])


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
    return Here(digest, description, int(row.timeline, 16))


def why_not(connection: Connection, settings: Settings) -> str:
    """Return why no mail may be sent from here, or nothing if it may; the first place that asks confirms itself.

    If the database turns out to have gone back, its confirmations are withdrawn, in the caller's transaction.
    """
    place = here(connection, settings)
    known = connection.execute(select(Place.__table__)).all()
    mine = next((row for row in known if row.fingerprint == place.fingerprint), None)
    because = _other_timeline(place, mine) or _forgotten(connection, known, place.mark(settings).read())
    if because:
        withdraw(connection, because)
    elif not known:
        _keep(connection, place, FIRST)
    elif mine is None:
        because = max(row.withdrawn_because for row in known)
        if not because:
            return UNCONFIRMED
    elif mine.timeline is None:
        connection.execute(update(Place).where(Place.fingerprint == place.fingerprint).values(timeline=place.timeline))
    because = because or (mine.withdrawn_because if mine else "")
    return f"{WENT_BACK}: {because}." if because else ""


def _other_timeline(place: Here, mine: Row[Any] | None) -> str:
    """Return that the server's history branched off after this place was confirmed, or nothing."""
    if mine is None or mine.withdrawn_because or mine.timeline in (None, place.timeline):
        return ""
    return (
        f"its server is on timeline {place.timeline}, and was on {mine.timeline} (it was recovered to a point in time, "
        "or a replica took over)"
    )


def _forgotten(connection: Connection, known: Sequence[Row[Any]], mark: Mark | None) -> str:
    """Return that the database has forgotten the latest attempt from here; nothing if a person confirmed since then."""
    confirmed = [row.confirmed_at for row in known if row.confirmed_by != FIRST and not row.withdrawn_because]
    if mark is None or any(at >= mark.at for at in confirmed):
        return ""
    same = select(Attempt.id).where(Attempt.id == mark.attempt_id, Attempt.started_at == mark.at)
    if connection.scalar(same):
        return ""
    return f"it does not know attempt {mark.attempt_id}, which was made from here at {shown(mark.at)}"


_LAST = text("""
    SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('deliveries', 'id')::regclass), 0) AS deliveries,
           coalesce(pg_sequence_last_value(pg_get_serial_sequence('attempts', 'id')::regclass), 0) AS attempts
""")


def notice_forgotten(connection: Connection, *, delivery: int = 0, attempt: int = 0) -> None:
    """Withdraw all confirmations if an id that was read from a key is higher than any that was given out here.

    It can't be a guess: a key that can be read holds 64 fixed bits under AES, so guessing one takes some 2^63 requests.
    So this installation gave the id out, and the database has forgotten that.
    """
    if not delivery and not attempt:
        return
    last = connection.execute(_LAST).one()
    if delivery > last.deliveries or attempt > last.attempts:
        withdraw(connection, "a link or an event came back for a mail that it does not know yet")


def withdraw(connection: Connection, because: str) -> None:
    """Withdraw all confirmations and pause what is under way, in the caller's transaction; repeating it is harmless."""
    valid = update(Place).where(Place.withdrawn_because == "").values(withdrawn_because=because)
    withdrawn = connection.execute(valid).rowcount
    if not withdrawn:
        # Without any place, the next one would confirm itself.
        row = {"fingerprint": "", "words": "", "confirmed_by": FIRST, "withdrawn_because": because}
        if not connection.scalar(select(func.count()).select_from(Place)):
            withdrawn = connection.execute(upsert(Place).values(row).on_conflict_do_nothing()).rowcount
    if withdrawn:
        log.error("%s: %s. %s", WENT_BACK, because, HINT)
        _pause_all(connection, f"the database went back in time: {because}")


def is_confirmed(connection: Connection, settings: Settings) -> bool:
    """Return whether mail may be sent from here."""
    return not why_not(connection, settings)


def require_confirmed(connection: Connection, settings: Settings) -> None:
    """Raise StateError if no mail may be sent from here."""
    if reason := why_not(connection, settings):
        raise StateError(reason, hint=HINT)


def require_here(database: Database) -> None:
    """Do the same in a transaction of its own, so that a withdrawal is kept, and stops other machines too."""
    with database.engine.begin() as connection:
        reason = why_not(connection, database.settings)
    if reason:
        raise StateError(reason, hint=HINT)


def confirm(connection: Connection, settings: Settings, *, who: str) -> list[int]:
    """Allow sending from here, in the caller's transaction; returns the campaigns that this pauses.

    They wait for a person, because nobody here knows how far the other copy got after the backup. No id that it may
    have given out is given out again.
    """
    if is_confirmed(connection, settings):
        return []
    place = here(connection, settings)
    _keep(connection, place, who)
    place.mark(settings).forget()
    move_numbers_ahead(connection)
    paused = _pause_all(connection, "the database was restored here; people who wait may have been mailed since")
    for campaign_id in paused:
        connection.execute(
            insert(Decision).values(campaign_id=campaign_id, what="confirm-here", who=who, because=place.description)
        )
    return paused


def _pause_all(connection: Connection, reason: str) -> list[int]:
    """Pause the campaigns that are under way, and return them."""
    under_way = select(Campaign.id).where(Campaign.state.in_(["sending", "scheduled"])).order_by(Campaign.id)
    return [each for each in connection.scalars(under_way.with_for_update()).all() if pause(connection, each, reason)]


def _keep(connection: Connection, place: Here, who: str) -> None:
    row = {
        "fingerprint": place.fingerprint, "words": place.description, "confirmed_by": who, "confirmed_at": func.now(),
        "timeline": place.timeline, "withdrawn_because": "",
    }  # fmt: skip
    connection.execute(upsert(Place).values(row).on_conflict_do_update(index_elements=["fingerprint"], set_=row))
