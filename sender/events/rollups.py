"""Stores events, and updates the roll-ups for the new ones.

A roll-up changes in the transaction that inserts events, and only for rows really inserted, so a repeated event never
counts twice, and the order of events does not matter. `delivery_rollups` has first times and counts of each delivery;
small tables have sums by hour, link and mailbox provider.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

import orjson
from sqlalchemy import Connection, TextClause, text

from sender.event import IncomingEvent
from sender.events.facts import BITS, FACT_BIT, SECOND_BIT, WITHOUT_PERSON, facts_in
from sender.links.reader_groups import GROUP_OF

NO_LINK = -1  # in `link_rollups`: a click that matches none of the mail's links

# The small tables of sums, in the order in which every transaction locks their rows: keys and counts. A row whose
# counts are all 0 means the same as none.
SMALL = {
    "hour_rollups": ("campaign_id, hour, fact", ["events"]),
    "mailbox_rollups": ("campaign_id, mailbox, fact", ["people", "events"]),
    "facts_rollups": ("campaign_id, compiled_id, facts", ["people"]),
    "link_rollups": ("campaign_id, compiled_id, link", ["clicks", "clickers", "machine_clicks"]),
}
_INTAKE = "campaign_intake"  # the last of them

# The columns of `delivery_rollups` and the events that they sum: the first time of some, the number of others. A
# click that is no person's is only a fact, not a click.
_FIRST_TIMES = {
    "delivered_at": "kind = 'delivered'",
    "dropped_at": "kind = 'rejected'",
    "hard_bounced_at": "kind = 'bounced' AND bounce = 'hard'",
    "soft_bounced_at": "kind = 'bounced' AND bounce = 'soft'",
    "complained_at": "kind = 'complained'",
    "unsubscribed_at": "kind = 'unsubscribed'",
    "first_human_open_at": "kind = 'opened' AND open_class = 'human'",
    "first_click_at": "kind = 'clicked' AND open_class = 'human'",
}
_COUNTS = {
    "human_opens": "kind = 'opened' AND open_class = 'human'",
    "machine_opens": "kind = 'opened' AND open_class = 'machine'",
    "unknown_opens": "kind = 'opened' AND open_class = 'unknown'",
    "clicks": "kind = 'clicked' AND open_class = 'human'",
}
COLUMNS = [*_FIRST_TIMES, *_COUNTS, "facts"]
# The roll-up of each delivery, summed over rows like those of `events`.
SUMS = f"""
    SELECT
        delivery_id, min(campaign_id) AS campaign_id,
        {", ".join(f"min(at) FILTER (WHERE {events}) AS {column}" for column, events in _FIRST_TIMES.items())},
        {", ".join(f"count(*) FILTER (WHERE {events}) AS {column}" for column, events in _COUNTS.items())},
        coalesce(bit_or({FACT_BIT}), 0) | coalesce(bit_or({SECOND_BIT}), 0) | {WITHOUT_PERSON} AS facts
    FROM counted
    GROUP BY delivery_id
    ORDER BY delivery_id
"""

# All events come as one JSON text, which costs a tenth of one array for each column. Events are sorted by key, and
# roll-ups by theirs, so two transactions wait for each other instead of deadlocking. LEAST ignores NULL. Test mails
# have events, but no mailbox here and no roll-up: they count nowhere. RETURNING shows only the updated row, so
# the facts that became true are stored in it, as `new_facts`. An open or click that was stored under an old key, which
# did not have its program, is the same event if the program is the same.
_STORE = text(f"""
    WITH incoming AS MATERIALIZED (
        SELECT *, decode(natural_key, 'hex') AS key
        FROM json_to_recordset(CAST(:events AS json)) AS incoming (
            natural_key text, source text, kind text, at timestamptz, delivery_id bigint, campaign_id bigint,
            attempt_id bigint, link integer, url text, bounce text, open_class text, rules text, user_agent text,
            network text, detail jsonb, mailbox text, old_key text)
    ), fresh AS (
        INSERT INTO events (natural_key, source, kind, at, received_at, body_id, delivery_id, campaign_id, attempt_id,
                            link, url, bounce, open_class, rules, user_agent, network, detail)
        SELECT key, source, kind, at, :received_at, :body_id, delivery_id, campaign_id, attempt_id, link, url,
               bounce, open_class, rules, user_agent, network, detail
        FROM incoming
        WHERE old_key = '' OR NOT EXISTS (
            SELECT 1 FROM events stored
            WHERE stored.natural_key = decode(incoming.old_key, 'hex') AND stored.user_agent = incoming.user_agent)
        ON CONFLICT DO NOTHING
        RETURNING natural_key AS key
    ), counted AS (
        SELECT incoming.* FROM fresh JOIN incoming USING (key) WHERE mailbox <> ''
    ), sums AS ({SUMS}), moved AS (
        INSERT INTO delivery_rollups AS r (
            delivery_id, campaign_id, {", ".join(COLUMNS)}, new_facts)
        SELECT *, facts FROM sums
        ON CONFLICT (delivery_id) DO UPDATE SET
            {", ".join(f"{column} = LEAST(r.{column}, excluded.{column})" for column in _FIRST_TIMES)},
            {", ".join(f"{column} = r.{column} + excluded.{column}" for column in _COUNTS)},
            facts = r.facts | excluded.facts,
            new_facts = excluded.facts & ~r.facts
        RETURNING delivery_id, new_facts, facts
    ), people AS (
        SELECT moved.*, d.campaign_id, coalesce(d.compiled_id, c.compiled_id) AS compiled_id, d.state
        FROM moved JOIN deliveries d ON d.id = moved.delivery_id JOIN campaigns c ON c.id = d.campaign_id
        WHERE new_facts <> 0
        UNION ALL
        SELECT moved.*, g.campaign_id, g.compiled_id, 'accepted'
        FROM moved JOIN reader_groups g ON g.id = {GROUP_OF.format("moved.delivery_id")}
        WHERE new_facts <> 0 AND delivery_id < 0
    ), early AS (
        INSERT INTO early_people (delivery_id, campaign_id)
        SELECT delivery_id, campaign_id FROM people WHERE state <> 'accepted' ORDER BY 1 ON CONFLICT DO NOTHING
    )
    SELECT encode(key, 'hex') AS key, CAST(NULL AS bigint) AS delivery_id, 0 AS new_facts, 0 AS facts,
           CAST(NULL AS bigint) AS compiled_id FROM fresh
    UNION ALL
    SELECT NULL, delivery_id, new_facts, facts, compiled_id FROM people
""")

# A person who clicked this link before is a conflict (also if not committed yet), so each counts once.
_CLICKERS = text("""
    INSERT INTO link_clickers (delivery_id, link)
    SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS rows (delivery_id bigint, link integer)
    ON CONFLICT DO NOTHING
    RETURNING delivery_id, link
""")


@dataclass(frozen=True)
class StoredEvents:
    """The new events, and by delivery: the bits of the facts that became true, of all facts, and its email."""

    new: Sequence[IncomingEvent] = ()
    new_facts: Mapping[int, int] = field(default_factory=dict)
    facts: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    received_at: datetime | None = None


def store_events(
    connection: Connection, events: Sequence[IncomingEvent], received_at: datetime, body_id: int | None = None
) -> StoredEvents:
    """Store events and update the deliveries' roll-ups, in the caller's transaction.

    `update_rollups` must follow as the last step of the same transaction.
    """
    if not events:
        return StoredEvents()
    # If an event is in a body twice, the first one counts.
    by_key = {event.natural_key: event for event in reversed(events)}
    rows = orjson.dumps([by_key[key] for key in sorted(by_key)]).decode()
    found = connection.execute(_STORE, {"events": rows, "received_at": received_at, "body_id": body_id}).all()
    return StoredEvents(
        new=[by_key[row.key] for row in found if row.key is not None],
        new_facts={row.delivery_id: row.new_facts for row in found if row.key is None},
        facts={row.delivery_id: (row.facts, row.compiled_id) for row in found if row.key is None},
        received_at=received_at,
    )


def update_rollups(connection: Connection, stored: StoredEvents) -> None:
    """Add the new events to the small roll-ups.

    Every transaction updates the same few rows, and locks them until its end: so this comes last.
    """
    counted = [each for each in stored.new if each.mailbox and each.fact in BITS]
    if not counted:
        return
    hours = Counter((each.campaign_id, int(each.at.timestamp()) // 3600, each.fact) for each in counted)
    events = Counter((each.campaign_id, each.mailbox, each.fact) for each in counted)
    people = _people(counted, stored.new_facts)
    intake = Counter(each.campaign_id for each in counted if each.campaign_id)
    sums = {
        "hour_rollups": [
            {"campaign_id": key[0], "hour": datetime.fromtimestamp(key[1] * 3600, UTC), "fact": key[2], "events": count}
            for key, count in sorted(hours.items())
        ],
        "mailbox_rollups": [
            {"campaign_id": key[0], "mailbox": key[1], "fact": key[2], "people": people[key], "events": count}
            for key, count in sorted(events.items())
        ],
        "facts_rollups": _facts(counted, stored),
        "link_rollups": _links(connection, [each for each in counted if each.kind == "clicked"]),
        _INTAKE: [
            {"campaign_id": key, "events": count, "newest_at": stored.received_at}
            for key, count in sorted(intake.items())
        ],
    }
    add_sums(connection, {table: orjson.dumps(rows).decode() for table, rows in sums.items() if rows})


def _facts(counted: Sequence[IncomingEvent], stored: StoredEvents) -> list[dict[str, int]]:
    """Count people from the facts that their mails had to those that they have now; without facts, not at all."""
    campaigns = {each.delivery_id: each.campaign_id for each in counted}
    people: Counter[tuple[int, int, int]] = Counter()
    for delivery_id, (facts, compiled_id) in stored.facts.items():
        campaign_id = campaigns[delivery_id] or 0
        people[campaign_id, compiled_id, facts] += 1
        if before := facts & ~stored.new_facts[delivery_id]:
            people[campaign_id, compiled_id, before] -= 1
    return [
        {"campaign_id": key[0], "compiled_id": key[1], "facts": key[2], "people": count}
        for key, count in sorted(people.items()) if count
    ]  # fmt: skip


def _people(counted: Sequence[IncomingEvent], new_facts: Mapping[int, int]) -> Counter[tuple[int | None, str, str]]:
    """Count how many people each fact became true for, by campaign and mailbox."""
    places = {each.delivery_id: (each.campaign_id, each.mailbox) for each in counted}
    return Counter((*places[delivery_id], fact) for delivery_id, bits in new_facts.items() for fact in facts_in(bits))


def _links(connection: Connection, clicks: Sequence[IncomingEvent]) -> list[dict[str, int | None]]:
    emails = {each.delivery_id: (each.campaign_id, each.compiled_id) for each in clicks}
    people = sorted({(each.delivery_id, _link(each)) for each in clicks if each.open_class == "human"})
    rows = orjson.dumps([{"delivery_id": delivery_id, "link": link} for delivery_id, link in people]).decode()
    first = connection.execute(_CLICKERS, {"rows": rows}).all() if people else []
    clickers = Counter((*emails[row.delivery_id], row.link) for row in first)
    counts = Counter((*emails[each.delivery_id], _link(each), each.open_class) for each in clicks)
    return [
        {
            "campaign_id": campaign_id, "compiled_id": compiled_id, "link": link,
            "clicks": counts[campaign_id, compiled_id, link, "human"],
            "clickers": clickers[campaign_id, compiled_id, link],
            "machine_clicks": counts[campaign_id, compiled_id, link, "machine"],
        }
        for campaign_id, compiled_id, link in sorted({(*emails[each.delivery_id], _link(each)) for each in clicks})
    ]  # fmt: skip


def _link(click: IncomingEvent) -> int:
    return NO_LINK if click.link is None else click.link


def add_sums(connection: Connection, sums: Mapping[str, str]) -> None:
    """Add to the counts of small tables, which come in the order of `SMALL`, as JSON in the order of their keys."""
    connection.execute(_adding(tuple(sums)), sums)


@cache
def _adding(tables: tuple[str, ...]) -> TextClause:
    """Return one statement for all tables; each step reads how many rows the one before it had, so it comes after."""
    steps, after = [], ""
    for table in tables:
        keys, counts = SMALL.get(table, ("campaign_id", ["events"]))
        changes = [f"{name} = r.{name} + excluded.{name}" for name in counts]
        names = [keys, *counts]
        if table == _INTAKE:
            names.append("newest_at")
            changes.append("newest_at = greatest(r.newest_at, excluded.newest_at)")
        steps.append(f"""in_{table} AS (
            INSERT INTO {table} AS r ({", ".join(names)})
            SELECT {", ".join(names)} FROM json_populate_recordset(CAST(NULL AS {table}), CAST(:{table} AS json))
            {after} ON CONFLICT ({keys}) DO UPDATE SET {", ".join(changes)} RETURNING 1)""")
        after = f"WHERE (SELECT count(*) FROM in_{table}) >= 0"
    return text(f"WITH {', '.join(steps)} SELECT count(*) FROM in_{tables[-1]}")
