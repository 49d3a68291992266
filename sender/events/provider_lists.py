"""What the webhook may have missed: whom the provider lists and we don't know of; and who bounces again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection, select, text

from lists.addresses import AddressError, parse_address
from lists.suppression import NewSuppression, suppress_all
from lists.tables import Suppression
from sender.event import IncomingEvent, Kind, digest
from sender.events.intake import ingest
from sender.providers.provider import ProviderSuppression

# Entries that two pulls see do no harm; one that is written down late would be missed without it.
OVERLAP = timedelta(hours=1)

_KINDS: dict[str, Kind] = {"bounce": "bounced", "invalid": "bounced", "complaint": "complained"}


@runtime_checkable
class HasSuppressionLists(Protocol):
    """A provider with lists of addresses that it mails no more."""

    name: str

    def suppressions(self, since: datetime, until: datetime) -> Sequence[ProviderSuppression]:
        """Whom it put there between two times; raises ProviderError."""


def sync_provider_lists(
    connection: Connection, provider: HasSuppressionLists, since: datetime, until: datetime
) -> dict[str, int]:
    """Suppress whom the provider lists and we do not know of; returns how many it listed, and how many are new.

    Who is new bounced or complained without our hearing of it: that becomes an event, joined to a mail where only
    one fits. Blocks are for now, so they suppress nobody.
    """
    listed = list(provider.suppressions(since - OVERLAP if since.year > 1970 else since, until))
    keyed = [(key, each) for each in listed if each.kind != "block" and (key := _key(each.address))]
    known = set(
        connection.scalars(
            select(Suppression.address_key).where(Suppression.address_key.in_({key for key, _ in keyed}))
        )
    )
    missed = {key: each for key, each in reversed(keyed) if key not in known}
    ingest(connection, [_happening(provider.name, each) for each in missed.values() if each.kind in _KINDS], until)
    reason = f"unsubscribed at {provider.name}"
    left = ((key, each.at) for key, each in missed.items() if each.kind == "unsubscribe")
    suppress_all(connection, (NewSuppression(key, reason, provider.name, at=at) for key, at in left))
    return {"listed": len(listed), "blocks": sum(each.kind == "block" for each in listed), "new": len(missed)}


def _happening(source: str, listed: ProviderSuppression) -> IncomingEvent:
    kind = _KINDS[listed.kind]
    return IncomingEvent(
        source=source,
        kind=kind,
        at=listed.at,
        natural_key=digest(source, "list", listed.kind, listed.address, int(listed.at.timestamp())),
        bounce="hard" if kind == "bounced" else "",
        detail={"list": listed.kind, **({"reason": listed.reason} if listed.reason else {})},
        address=listed.address,
    )


def _key(address: str) -> str:
    try:
        return parse_address(address).key
    except AddressError:
        return ""


# Published rules reach from three in a row within two weeks to Mailchimp's seven, or fifteen for who was active
# before. Newsletters are weekly or monthly, so five, over a month at least, and nothing through between.
SOFT_BOUNCES, OVER, WITHIN = 5, timedelta(days=30), timedelta(days=365)

# Each campaign counts once, and not where the mail got through after all. What is the sender's own fault (content,
# reputation, too many at once) is no fault of the mailbox. Whoever had any mail of ours since the first of these
# bounces is there. Read from the roll-ups once a day: no event has to look for a person's others, and the ledgers are
# walked for those alone who bounced often enough.
_SOFT = text("""
    WITH bounced AS (
        SELECT d.member_id, count(DISTINCT r.campaign_id) AS times, min(r.soft_bounced_at) AS first
        FROM delivery_rollups r JOIN deliveries d ON d.id = r.delivery_id
        WHERE r.soft_bounced_at > now() - :within AND r.delivered_at IS NULL AND d.member_id IS NOT NULL AND EXISTS (
            SELECT 1 FROM events e
            WHERE e.delivery_id = r.delivery_id AND e.bounce = 'soft'
              AND coalesce(e.detail ->> 'bounce_classification', '') !~* 'content|reputation|frequency|volume')
        GROUP BY d.member_id
        HAVING count(DISTINCT r.campaign_id) >= :times AND max(r.soft_bounced_at) - min(r.soft_bounced_at) >= :over
    )
    SELECT m.address_key, b.times || ' mails bounced since ' || to_char(b.first, 'YYYY-MM-DD')
    FROM bounced b JOIN members m ON m.id = b.member_id
    WHERE NOT EXISTS (SELECT 1 FROM suppressions s WHERE s.address_key = m.address_key) AND NOT EXISTS (
        SELECT 1
        FROM deliveries d JOIN delivery_rollups r ON r.delivery_id = d.id
        WHERE d.member_id = b.member_id AND (
            r.delivered_at >= b.first OR r.first_human_open_at >= b.first OR r.first_click_at >= b.first)
          AND d.id >= (SELECT min(c.first_delivery) FROM campaigns c WHERE c.frozen_at > now() - :within))
""")


def suppress_soft_bouncers(connection: Connection) -> int:
    """Suppress people whose mail soft-bounced in five campaigns over thirty days and never arrived; return how many."""
    limits = {"times": SOFT_BOUNCES, "over": OVER, "within": WITHIN}
    found = connection.execute(_SOFT, limits)
    return suppress_all(connection, (NewSuppression(key, "soft bounces", "rule", note) for key, note in found))
