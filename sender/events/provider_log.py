"""Looks uncertain requests up in the provider's log: an entry proves acceptance, a missing one proves nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from sqlalchemy import Row, select, text, update

from daisychain.database import Database
from daisychain.errors import ConfigurationError, ProviderError
from daisychain.secret import installation_secret
from sender.delivery.attempts import settle_by_event
from sender.links.keys import Keys
from sender.providers.registry import open_provider
from sender.tables import Attempt, Delivery

log = logging.getLogger("daisychain.lookups")

# Clocks differ, and a request may have been queued before the provider gave it an id.
BEFORE, AFTER = timedelta(minutes=5), timedelta(hours=1)
# A log is not written at once, and mostly events settle an attempt before.
YOUNGEST = timedelta(minutes=5)
# SendGrid keeps email activity for 30 days; how long its log keeps entries is not documented.
OLDEST = timedelta(days=30)
NOTHING = "nothing found, which proves nothing"
AT_ONCE, PEOPLE = 20, 3


@runtime_checkable
class HasLog(Protocol):
    """A provider with a log that can be searched."""

    def look_up(self, attempt_key: str, addresses: Iterable[str], since: datetime, until: datetime) -> str:
        """Describe the log's entry of the attempt with this key; "" proves nothing. Raises ProviderError."""


# The UPDATE comes before the search, so that two workers don't search for the same attempt. Each pause is as long as
# the time since the attempt began.
_TAKE = text("""
    UPDATE attempts SET looked_up_at = now() WHERE id IN (
        SELECT a.id FROM attempts a JOIN batches b ON b.attempt_id = a.id
        WHERE a.outcome = 'uncertain' AND b.state = 'uncertain' AND a.started_at > now() - :oldest
          AND (:campaign = a.campaign_id OR :campaign = 0 AND a.started_at < now() - :youngest
               AND (a.looked_up_at IS NULL OR now() - a.looked_up_at > a.looked_up_at - a.started_at))
        ORDER BY a.id LIMIT :limit FOR UPDATE OF a SKIP LOCKED)
    RETURNING id
""")
_WHERE = text("""
    SELECT a.id, a.campaign_id, a.started_at, b.first_id, b.last_id, c.provider
    FROM attempts a JOIN batches b ON b.id = a.batch_id JOIN campaigns c ON c.id = a.campaign_id
    WHERE a.id = ANY (:ids) ORDER BY a.id
""")


def look_up(database: Database, campaign_id: int = 0) -> int:
    """Look up uncertain attempts that are due, or all of one campaign; returns how many people that settled."""
    with database.engine.begin() as connection:
        limits = {"oldest": OLDEST, "youngest": YOUNGEST, "limit": AT_ONCE}
        taken = connection.execute(_TAKE, {"campaign": campaign_id, **limits}).all()
        rows = connection.execute(_WHERE, {"ids": [row.id for row in taken]}).all() if taken else []
    keys = Keys(installation_secret(database.settings)) if rows else None
    return sum(_look_up(database, row, keys.attempt(row.id)) for row in rows if keys)


def _look_up(database: Database, attempt: Row[*tuple[object, ...]], key: str) -> int:
    provider = open_provider(attempt.provider, database.settings)
    if not isinstance(provider, HasLog):
        return 0
    with database.engine.connect() as connection:
        span = Delivery.id.between(attempt.first_id, attempt.last_id)
        people = (
            select(Delivery.address)
            .where(span, Delivery.campaign_id == attempt.campaign_id, Delivery.state == "uncertain")
            .order_by(Delivery.id)
            .limit(PEOPLE)
        )
        addresses = connection.scalars(people).all()
    try:
        found = provider.look_up(key, addresses, attempt.started_at - BEFORE, attempt.started_at + AFTER)
    except (ProviderError, ConfigurationError) as error:
        found, note = "", f"could not be looked up: {error}"
        log.warning("attempt %s %s", attempt.id, note)
    else:
        note = found or NOTHING
    with database.engine.begin() as connection:
        connection.execute(update(Attempt).where(Attempt.id == attempt.id).values(look_up=note))
        return settle_by_event(connection, [attempt.id], by="log", because={attempt.id: note}) if found else 0
