"""A campaign's people over time, by hour of day, mailbox provider and the dimensions of its list, counted and kept.

Counting reads a row for each person (seconds for a million), so pages show what is kept, and a worker counts again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.postgresql import insert

from daisychain import clock
from reports.people_counts import people_in
from reports.report import MAILBOX_PROVIDER
from reports.tables import KeptBreakdown
from reports.tallies import Tallies
from reports.together import Together, count_together, find_follow_ups
from sender.delivery.ledger import read_ledger
from sender.links.reader_groups import GROUP_OF
from sender.mailbox_providers import mailbox_provider
from sender.tables import CampaignIntake

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# The ends of the steps in which people are counted, in seconds since their own mail was sent.
EDGES = (
    *(5, 10, 15, 20, 30, 40, 50), *(_MINUTE * each for each in (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45)),
    *(_HOUR * each for each in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 24, 30, 36, 42, 48, 60, 72)),
    *(_DAY * each for each in (4, 5, 6, 7, 8, 10, 12, 14, 17, 21, 25, 30, 45, 60)),
)  # fmt: skip
_VERSION = 3  # of what is kept: another one is counted again
# Counting is quick for so many people: a page waits for it.
QUICK = 20_000
NOT_GIVEN, REST = "not given", "all others"
MOST_PARTS = 200  # of a dimension that are counted; smaller ones are together in `REST`

_OF_CAMPAIGN = "d.campaign_id = c.id AND d.state = 'accepted'"
# An older version did not record the attempt of each person. Of a reader without a person it is unknown, so they have
# the middle of the sending. At the very end of a step still counts for it, as in comparisons at equal age.
_CURVE = text(f"""
    WITH firsts AS (
        SELECT coalesce(a.ended_at, :sent_at) AS sent_at, r.first_click_at AS clicked,
               LEAST(r.first_human_open_at, r.first_click_at) AS seen
        FROM campaigns c JOIN delivery_rollups r ON r.campaign_id = c.id
        JOIN deliveries d ON d.id = r.delivery_id AND {_OF_CAMPAIGN} LEFT JOIN attempts a ON a.id = d.attempt_id
        WHERE c.id = :campaign AND (r.first_human_open_at IS NOT NULL OR r.first_click_at IS NOT NULL)
        UNION ALL
        SELECT CAST(:middle AS timestamptz), first_click_at, LEAST(first_human_open_at, first_click_at)
        FROM delivery_rollups WHERE campaign_id = :campaign AND delivery_id < 0
          AND (first_human_open_at IS NOT NULL OR first_click_at IS NOT NULL)
    ), steps AS (
        SELECT width_bucket(extract(epoch FROM seen - sent_at) - 0.000001, CAST(:edges AS numeric[])) AS seen,
               width_bucket(extract(epoch FROM clicked - sent_at) - 0.000001, CAST(:edges AS numeric[])) AS clicked,
               CAST(extract(hour FROM seen AT TIME ZONE :zone) AS int) AS seen_hour,
               CAST(extract(hour FROM clicked AT TIME ZONE :zone) AS int) AS clicked_hour
        FROM firsts)
    SELECT 'seen_reading' AS name, seen AS step, count(*) AS people FROM steps GROUP BY 2
    UNION ALL SELECT 'clicked', clicked, count(*) FROM steps WHERE clicked IS NOT NULL GROUP BY 2
    UNION ALL SELECT 'first_read', seen_hour, count(*) FROM steps GROUP BY 2
    UNION ALL SELECT 'first_clicked', clicked_hour, count(*) FROM steps WHERE clicked IS NOT NULL GROUP BY 2
""")  # noqa: S608 - its SQL is built from our constants only
_GROUPS = text(f"""
    SELECT lower(substring(d.address FROM '[^@]*$')) AS domain, d.dimensions, coalesce(r.facts, 0) AS facts,
           count(*) AS people
    FROM campaigns c JOIN deliveries d ON {_OF_CAMPAIGN} AND d.id BETWEEN c.first_delivery AND c.last_delivery
    LEFT JOIN delivery_rollups r ON r.delivery_id = d.id
    WHERE c.id = :campaign GROUP BY GROUPING SETS ((1, 3), (2, 3))
""")  # noqa: S608 - as above
_READERS = text(f"""
    SELECT g.mailbox, g.dimensions, r.facts, count(*) AS people
    FROM delivery_rollups r JOIN reader_groups g ON g.id = {GROUP_OF.format("r.delivery_id")}
    WHERE r.campaign_id = :campaign AND r.delivery_id < 0 GROUP BY 1, 2, 3
""")  # noqa: S608 - as above
_MIDDLE = text("""
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY ended_at) FROM attempts
    WHERE campaign_id = :campaign AND accepted > 0
""")


@dataclass(frozen=True)
class Breakdown:
    """People by their first reading and first click: for each step of `EDGES` and later, and for each hour of the day.

    `groups` counts the people accepted by dimension (mailbox provider, and those that the list named at the freeze),
    part and facts, and readers without a person. `followed` is for how many seconds everybody's mail has been out.
    """

    counted_at: datetime
    followed: float
    steps: dict[str, list[int]]
    hours: dict[str, list[int]]
    groups: dict[str, dict[str, Counter[int]]]
    together: Together = field(default_factory=Together)


def state_of(connection: Connection, tallies: Tallies) -> str:
    """Return what a breakdown depends on, as text."""
    columns = CampaignIntake.events, CampaignIntake.classified_to, CampaignIntake.rule_set
    follow_ups = find_follow_ups(connection, tallies.campaign.id)
    which = select(*columns).where(CampaignIntake.campaign_id.in_([tallies.campaign.id, *follow_ups]))
    rows = [part for row in connection.execute(which.order_by(CampaignIntake.campaign_id)) for part in row]
    accepted = [tallies.ledger.accepted, *(read_ledger(connection, each).accepted for each in follow_ups)]
    return "-".join(map(str, (_VERSION, *rows, *accepted)))


def read_breakdown(connection: Connection, tallies: Tallies, state: str, *, wait: bool) -> tuple[Breakdown, bool]:
    """Return the breakdown, and whether it was counted just now, to be kept for `state`.

    Unless asked to `wait`, a large campaign's last one is returned, even if events have arrived since.
    """
    campaign_id = tallies.campaign.id
    kept = connection.execute(
        select(KeptBreakdown.__table__).where(KeptBreakdown.campaign_id == campaign_id)
    ).one_or_none()
    if kept is not None and "together" not in kept.content:
        kept = None  # by an older version
    if kept is not None and kept.state == state:
        # Nothing has happened since, so it is known for longer that nothing did.
        return _from_json(kept.content | {"followed": _followed(tallies)}, kept.counted_at), False
    if kept is not None and not wait and tallies.ledger.accepted > QUICK:
        return _from_json(kept.content, kept.counted_at), False
    return count_breakdown(connection, tallies), True


def count_breakdown(connection: Connection, tallies: Tallies) -> Breakdown:
    """Count the people of a campaign over time, by hour of day, and by dimension."""
    campaign = {"campaign": tallies.campaign.id}
    middle = connection.scalar(_MIDDLE, campaign) or tallies.sent_at
    of = {**campaign, "sent_at": tallies.sent_at, "middle": middle, "edges": list(EDGES),
          "zone": clock.home_zone().key}  # fmt: skip
    steps = {name: [0] * (len(EDGES) + 1) for name in ("seen_reading", "clicked")}
    hours = {name: [0] * 24 for name in ("first_read", "first_clicked")}
    for name, step, people in connection.execute(_CURVE, of):
        (steps | hours)[name][step] = people
    groups = _groups(connection.execute(_GROUPS, of), connection.execute(_READERS, campaign))
    together = count_together(connection, tallies.campaign.id, reported=tallies.of_delivered)
    return Breakdown(tallies.counted_at, _followed(tallies), steps, hours, groups, together)


def _groups(rows: Iterable[Sequence[Any]], readers: Iterable[Sequence[Any]] = ()) -> dict[str, dict[str, Counter[int]]]:
    """Sum rows of (domain or None, dimensions, facts, people) by dimension and part.

    `readers` without a person are rows of (mailbox provider, dimensions, facts, people).
    """
    mailboxes: defaultdict[str, Counter[int]] = defaultdict(Counter)
    others = []
    for mailbox, dimensions, facts, people in readers:
        mailboxes[mailbox][facts] += people
        if dimensions is not None:  # not of a group whose people have several
            others.append((dimensions, facts, people))
    for domain, dimensions, facts, people in rows:
        if domain is None:
            others.append((dimensions or {}, facts, people))
        else:
            mailboxes[mailbox_provider(f"@{domain}")][facts] += people
    found = {}
    for name in sorted({name for dimensions, *_ in others for name in dimensions}):
        parts: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for dimensions, facts, people in others:
            parts[dimensions.get(name) or NOT_GIVEN][facts] += people
        found[name] = _largest(parts)
    return {**found, MAILBOX_PROVIDER: dict(mailboxes)}


def _largest(parts: Mapping[str, Counter[int]]) -> dict[str, Counter[int]]:
    by_size = sorted(parts, key=lambda part: (-people_in(parts[part]), part))
    kept = {part: parts[part] for part in by_size[:MOST_PARTS]}
    for part in by_size[MOST_PARTS:]:
        kept[REST] = kept.get(REST, Counter()) + parts[part]
    return kept


def _followed(tallies: Tallies) -> float:
    return max((tallies.counted_at - tallies.sent_at).total_seconds(), 0)


def keep_breakdown(engine: Engine, campaign_id: int, state: str, breakdown: Breakdown) -> None:
    """Keep a breakdown for the pages that come next, in a transaction of its own."""
    values = {"state": state, "content": _to_json(breakdown), "counted_at": breakdown.counted_at}
    new = insert(KeptBreakdown).values(campaign_id=campaign_id, **values)
    with engine.begin() as connection:
        connection.execute(new.on_conflict_do_update(index_elements=[KeptBreakdown.campaign_id], set_=values))


def _to_json(breakdown: Breakdown) -> dict[str, Any]:
    return {
        "followed": breakdown.followed, "steps": breakdown.steps, "hours": breakdown.hours, "groups": breakdown.groups,
        "together": asdict(breakdown.together),
    }  # fmt: skip


def _from_json(content: dict[str, Any], counted_at: datetime) -> Breakdown:
    groups = {
        name: {part: Counter({int(facts): people for facts, people in counts.items()}) for part, counts in each.items()}
        for name, each in content["groups"].items()
    }
    together = Together(**content["together"])
    return Breakdown(counted_at, content["followed"], content["steps"], content["hours"], groups, together)
