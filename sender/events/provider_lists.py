"""Syncs the provider's suppression lists, and suppresses repeated soft bounces."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, text

from lists.addresses import address_key
from lists.suppression import NewSuppression, suppress_all
from lists.tables import Suppression
from sender.event import IncomingEvent, Kind, digest
from sender.events.flagged import ENTRY, do_each, flag
from sender.events.intake import ingest
from sender.providers.provider import ProviderSuppression
from sender.providers.sendgrid_account import Account

# Reading an entry twice is harmless; an entry that the provider adds late would be missed.
OVERLAP = timedelta(hours=1)

_KINDS: dict[str, Kind] = {"bounce": "bounced", "invalid": "bounced", "complaint": "complained"}


def sync_provider_lists(connection: Connection, provider: Account, since: datetime, until: datetime) -> str:
    """Suppress the addresses on a provider's suppression lists, and return a summary.

    A new one is a bounce or complaint whose webhook event we missed, so it becomes an event, matched to a mail if only
    one fits. Blocks are temporary, so they suppress nobody.
    """
    listed = list(provider.suppressions(since - OVERLAP if since.year > 1970 else since, until))
    keyed = [(address_key(each.address), each) for each in listed if each.kind != "block"]
    for _, each in (unreadable := [pair for pair in keyed if not pair[0]]):
        flag(connection, ENTRY, _reference(each), "it has no address that can be read")
    keyed = [pair for pair in keyed if pair[0]]
    known = set(
        connection.scalars(
            select(Suppression.address_key).where(Suppression.address_key.in_({key for key, _ in keyed}))
        )
    )
    missed = {key: each for key, each in reversed(keyed) if key not in known}
    events = {_reference(each): each for each in missed.values() if each.kind in _KINDS}
    do_each(
        connection, ENTRY, events,
        lambda some: ingest(connection, [_event(provider.name, each) for each in some], until),
    )  # fmt: skip
    reason = f"unsubscribed at {provider.name}"
    left = ((key, each.at) for key, each in missed.items() if each.kind == "unsubscribe")
    suppress_all(connection, (NewSuppression(key, reason, provider.name, at=at) for key, at in left))
    blocks = sum(each.kind == "block" for each in listed)
    summary = f"{len(listed)} listed, {blocks} blocks, {len(missed)} new"
    return f"{summary}, {len(unreadable)} can't be read" if unreadable else summary


def _reference(listed: ProviderSuppression) -> str:
    return f"{listed.kind} of {listed.at:%Y-%m-%d}, {digest(listed.address)}"


def _event(source: str, listed: ProviderSuppression) -> IncomingEvent:
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


# Published rules range from three in a row within two weeks to Mailchimp's seven, or fifteen for active readers.
# Newsletters are weekly or monthly, so five, over at least a month, and no mail delivered in between.
SOFT_BOUNCES, OVER, WITHIN = 5, timedelta(days=30), timedelta(days=365)

# Each campaign counts once, and not if the mail was delivered in the end. Bounces caused by the sender (content,
# reputation, too much mail at once) say nothing about the mailbox. A person who received any mail since the first of
# these bounces exists. Read from the roll-ups once a day; ledgers are read only for people with enough bounces.
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
