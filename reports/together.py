"""A campaign and its follow-ups together: people count once, however many of the mails they got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from reports.people_counts import describe
from sender.links.reader_groups import count_without_persons

COUNTED = ("accepted", "reached", "seen_reading", "clicked", "unsubscribed")
LEAST_SHOWN = 5  # people, as in small_cells
_FOLLOW_UPS = text("""
    WITH RECURSIVE found AS (
        SELECT id FROM campaigns WHERE id = :campaign
        UNION SELECT c.id FROM campaigns c JOIN found ON c.of_campaign_id = found.id
        WHERE c.kind = 'campaign' AND c.frozen_at IS NOT NULL AND c.state <> 'draft')
    SELECT id FROM found WHERE id <> :campaign ORDER BY id
""")
# Each person's mails as numbers, of which the upper half is the campaign and the lower half the facts. Somebody who was
# erased has no member any more, and counts for each mail.
_PEOPLE = text("""
    WITH mails AS (
        SELECT coalesce(d.member_id, -d.id) AS person, (c.id << 32) + coalesce(r.facts, 0) AS mail
        FROM campaigns c JOIN deliveries d ON d.campaign_id = c.id AND d.id BETWEEN c.first_delivery AND c.last_delivery
        LEFT JOIN delivery_rollups r ON r.delivery_id = d.id
        WHERE c.id = ANY(:ids) AND d.state = 'accepted'
    ), people AS (SELECT array_agg(mail ORDER BY mail) AS mails FROM mails GROUP BY person)
    SELECT mails, count(*) FROM people GROUP BY mails
""")


@dataclass(frozen=True)
class Together:
    """The follow-ups of a campaign, and people by what they did with any of the mails.

    `few` names counts that differ by a few people from the counts of single campaigns, which would show them.
    """

    follow_ups: list[int] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    few: list[str] = field(default_factory=list)
    joined: bool = True  # whether reading is known by person: if not, who read both is unknown


def find_follow_ups(connection: Connection, campaign_id: int) -> list[int]:
    """Return the campaigns that follow up this one, or one of its follow-ups, and were sent."""
    return [*connection.scalars(_FOLLOW_UPS, {"campaign": campaign_id})]


def count_together(connection: Connection, campaign_id: int, *, reported: bool) -> Together:
    """Count the people of a campaign and its follow-ups; nothing if it has none."""
    follow_ups = find_follow_ups(connection, campaign_id)
    if not follow_ups:
        return Together()
    rows = connection.execute(_PEOPLE, {"ids": [campaign_id, *follow_ups]})
    people, few = _sums(((row[0], row[1]) for row in rows), reported)
    return Together(follow_ups, people, few, not count_without_persons(connection, [campaign_id, *follow_ups]))


def _sums(rows: Iterable[tuple[list[int], int]], reported: bool) -> tuple[dict[str, int], list[str]]:
    together: Counter[str] = Counter()
    of_each: Counter[tuple[int, str]] = Counter()
    for mails, people in rows:
        did: set[str] = set()
        for mail in mails:
            of_mail = {"accepted", *describe(mail & 0xFFFFFFFF, reported=reported)}
            did |= of_mail
            of_each.update({(mail >> 32, name): people for name in of_mail})
        together.update(dict.fromkeys(did, people))
    few = []
    for name in COUNTED:
        parts = [count for (_, what), count in of_each.items() if what == name]
        # Who did it with another mail only, and with several of them.
        rest = [*(together[name] - part for part in parts), sum(parts) - together[name]]
        if any(0 < people < LEAST_SHOWN for people in rest):
            few.append(name)
    return {name: together[name] for name in COUNTED}, few
