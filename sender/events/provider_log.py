"""Looks uncertain requests up in the provider's log: an entry proves acceptance, a missing one proves nothing."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, text, update

from daisychain.database import Database
from daisychain.errors import ConfigurationError, ProviderError
from daisychain.secret import installation_secret
from sender.delivery.attempts import settle_by_event
from sender.events.flagged import reason_of
from sender.links.keys import Keys
from sender.providers.sendgrid_account import Account
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


# The UPDATE comes before the search, so that two workers don't search for the same attempt. Each pause is as long as
# the time since the attempt began.
_TAKE = text("""
    UPDATE attempts a SET looked_up_at = now()
    FROM batches b, campaigns c
    WHERE b.id = a.batch_id AND c.id = a.campaign_id AND a.id = ANY (ARRAY(
        SELECT a.id FROM attempts a JOIN batches b ON b.attempt_id = a.id
        WHERE a.outcome = 'uncertain' AND b.state = 'uncertain' AND a.started_at > now() - :oldest
          AND (:campaign = a.campaign_id OR :campaign = 0 AND a.started_at < now() - :youngest
               AND (a.looked_up_at IS NULL OR now() - a.looked_up_at > a.looked_up_at - a.started_at))
        ORDER BY a.id LIMIT :limit FOR UPDATE OF a SKIP LOCKED))
    RETURNING a.id, a.campaign_id, a.started_at, b.first_id, b.last_id, c.provider
""")


def look_up(database: Database, campaign_id: int = 0) -> int:
    """Look up uncertain attempts that are due, or all of one campaign; returns how many people that settled."""
    with database.engine.begin() as connection:
        limits = {"oldest": OLDEST, "youngest": YOUNGEST, "limit": AT_ONCE}
        taken = connection.execute(_TAKE, {"campaign": campaign_id, **limits}).all()
    return sum(_look_up(database, row) for row in sorted(taken) if row.provider == Account.name)


def _look_up(database: Database, attempt: Row[*tuple[Any, ...]]) -> int:
    key = Keys(installation_secret(database.settings)).attempt(attempt.id)
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
        found = Account(database.settings).look_up(
            key, addresses, attempt.started_at - BEFORE, attempt.started_at + AFTER
        )
    except Exception as error:  # one attempt that can't be looked up must not stop the others
        told = isinstance(error, ProviderError | ConfigurationError)
        found, note = "", f"could not be looked up: {error if told else reason_of(error)}"
        log.warning("attempt %s %s", attempt.id, note)
    else:
        note = found or NOTHING
    with database.engine.begin() as connection:
        connection.execute(update(Attempt).where(Attempt.id == attempt.id).values(look_up=note))
        return settle_by_event(connection, [attempt.id], by="log", because={attempt.id: note}) if found else 0
