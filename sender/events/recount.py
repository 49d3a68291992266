"""Recounts the roll-ups from the events, to check or correct them, and moves them when hits change their class.

Correcting holds up no reader: rows of deliveries that differ are locked a few at a time, and sums are corrected by what
is missing or too much, which does not depend on the events that come meanwhile.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson
from sqlalchemy import Connection, Engine, text

from sender.events.facts import BITS, FACT, FACT_BIT
from sender.events.rollups import COLUMNS, NO_LINK, SMALL, SUMS, add_sums
from sender.links.reader_groups import FIRST_READER, GROUP_OF, IN_GROUP, LAST_READER
from sender.mailbox_providers import OTHER, PROVIDER_OF

# The events of some campaigns, found by each campaign's range of delivery ids and its groups of readers, or of some of
# these.
_COUNTED = """
    CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
    SELECT e.delivery_id, e.campaign_id, coalesce(d.compiled_id, c.compiled_id) AS compiled_id, e.kind, e.at, e.bounce,
           e.open_class, e.rules, coalesce(e.link, :no_link) AS link, coalesce(m.mailbox, :other) AS mailbox
    FROM campaigns c
    JOIN deliveries d ON d.id BETWEEN c.first_delivery AND c.last_delivery AND d.kind IN ('member', 'contact')
    JOIN events e ON e.delivery_id = d.id
    LEFT JOIN json_each_text(CAST(:mailboxes AS json)) AS m (domain, mailbox)
           ON m.domain = lower(split_part(d.address, '@', -1))
    WHERE {of}
    UNION ALL
    SELECT e.delivery_id, e.campaign_id, g.compiled_id, e.kind, e.at, e.bounce, e.open_class, e.rules,
           coalesce(e.link, :no_link), g.mailbox
    FROM campaigns c JOIN reader_groups g ON g.campaign_id = c.id JOIN events e ON {theirs}
    WHERE {read}
"""

_NAMES = {"no_link": NO_LINK, "other": OTHER, "mailboxes": orjson.dumps(PROVIDER_OF).decode()}
_HUMAN_CLICKS = "kind = 'clicked' AND open_class = 'human'"
_MACHINE_CLICKS = "kind = 'clicked' AND open_class = 'machine'"
# Each roll-up as it should be. `new_facts` is left out: it means something only within one update.
_OF_DELIVERIES = {
    "delivery_rollups": SUMS,
    "link_clickers": f"SELECT DISTINCT delivery_id, link FROM counted WHERE {_HUMAN_CLICKS}",
}
_KEYS = {"delivery_rollups": ["delivery_id"], "link_clickers": ["delivery_id", "link"]}
_SUMS = {
    "hour_rollups": f"""
        SELECT campaign_id, date_trunc('hour', at, 'UTC') AS hour, {FACT} AS fact, count(*) AS events
        FROM counted WHERE {FACT_BIT} IS NOT NULL GROUP BY 1, 2, 3""",
    "mailbox_rollups": f"""
        SELECT campaign_id, mailbox, {FACT} AS fact, count(DISTINCT delivery_id) AS people, count(*) AS events
        FROM counted WHERE {FACT_BIT} IS NOT NULL GROUP BY 1, 2, 3""",
    "facts_rollups": f"""
        SELECT campaign_id, compiled_id, facts, count(*) AS people
        FROM (SELECT delivery_id, min(compiled_id) AS compiled_id FROM counted GROUP BY 1) AS emails
        JOIN ({SUMS}) AS sums USING (delivery_id) WHERE facts <> 0 GROUP BY 1, 2, 3""",
    "link_rollups": f"""
        SELECT campaign_id, compiled_id, link, count(*) FILTER (WHERE {_HUMAN_CLICKS}) AS clicks,
               count(DISTINCT delivery_id) FILTER (WHERE {_HUMAN_CLICKS}) AS clickers,
               count(*) FILTER (WHERE {_MACHINE_CLICKS}) AS machine_clicks
        FROM counted WHERE kind = 'clicked' GROUP BY 1, 2, 3""",
}
_OF_CAMPAIGNS = "campaign_id = ANY (:ids)"
_OF_THEIR_DELIVERIES = f"""
    EXISTS (SELECT 1 FROM (
                SELECT first_delivery, last_delivery FROM campaigns WHERE id = ANY (:ids)
                UNION ALL SELECT {FIRST_READER}, {LAST_READER} FROM reader_groups g WHERE campaign_id = ANY (:ids)
            ) AS spans (first, last)
            WHERE link_clickers.delivery_id BETWEEN first AND last)
"""
_CAMPAIGN_OF = f"""
    SELECT id, campaign_id FROM deliveries WHERE id = ANY (:ids)
    UNION ALL SELECT reader, g.campaign_id FROM unnest(CAST(:ids AS bigint[])) AS reader
    JOIN reader_groups g ON g.id = {GROUP_OF.format("reader")} AND reader < 0
"""
# Of a campaign whose old events were deleted after their time, only the sums are left.
_RECOUNTABLE = text("""
    SELECT id FROM campaigns WHERE id = ANY (CAST(:ids AS bigint[]))
    AND NOT EXISTS (SELECT FROM campaign_intake i WHERE i.campaign_id = campaigns.id AND i.summed_at IS NOT NULL)
""")
AT_ONCE = 500  # deliveries to correct in one transaction


def recount_rollups(connection: Connection, campaign_ids: Collection[int]) -> dict[str, int]:
    """Count the rows of each roll-up that differ from the events of these campaigns, if all events are still there.

    The caller's transaction must see one state of the events.
    """
    campaign_ids = connection.scalars(_RECOUNTABLE, {"ids": list(campaign_ids)}).all()
    _count(connection, campaign_ids)
    ids, differences = {"ids": sorted(campaign_ids)}, {}
    for table, right in (_OF_DELIVERIES | _SUMS).items():
        _create(connection, f"right_{table}", right)
        which = _OF_THEIR_DELIVERIES if table == "link_clickers" else _OF_CAMPAIGNS
        any_counts = " OR ".join(f"{name} <> 0" for name in SMALL[table][1]) if table in SMALL else "true"
        names = ", ".join(_columns(connection, table))
        old = f"SELECT {names} FROM {table} WHERE {which} AND ({any_counts})"
        new = f"SELECT {names} FROM right_{table} WHERE {any_counts}"
        _create(connection, f"wrong_{table}", f"(({old}) EXCEPT ({new})) UNION ALL (({new}) EXCEPT ({old}))", ids)
        differences[table] = connection.scalar(text(f"SELECT count(*) FROM wrong_{table}")) or 0
    return differences


def correct_rollups(engine: Engine, campaign_ids: Collection[int]) -> dict[str, int]:
    """Correct the roll-ups of these campaigns, in short transactions; returns how many rows differed."""
    one_state = engine.execution_options(isolation_level="REPEATABLE READ")
    with one_state.begin() as connection:
        differences = recount_rollups(connection, campaign_ids)
        wrong = " UNION ".join(f"SELECT delivery_id FROM wrong_{table}" for table in _OF_DELIVERIES)
        deliveries = connection.scalars(text(f"{wrong} ORDER BY 1")).all()
    for start in range(0, len(deliveries), AT_ONCE):
        with engine.begin() as connection:
            _correct_deliveries(connection, deliveries[start : start + AT_ONCE])
    if any(differences.values()):
        with one_state.begin() as connection:
            recount_rollups(connection, campaign_ids)
            missing = {table: _missing(connection, table, campaign_ids) for table in _SUMS}
        for table, rows in missing.items():
            with engine.begin() as connection:
                add_sums(connection, {table: rows})
    return differences


def _count(connection: Connection, ids: Collection[int], *, of_deliveries: bool = False) -> None:
    connection.execute(text("DROP TABLE IF EXISTS counted"))
    theirs = GROUP_OF.format("e.delivery_id") + " = g.id" if of_deliveries else IN_GROUP.format("e.delivery_id")
    of, read = ("d.id", "e.delivery_id") if of_deliveries else ("c.id", "c.id")
    query = _COUNTED.format(of=f"{of} = ANY (:ids)", theirs=theirs, read=f"{read} = ANY (:ids)")
    connection.execute(text(query), {"ids": sorted(ids), **_NAMES})


def _create(connection: Connection, table: str, query: str, values: dict[str, list[int]] | None = None) -> None:
    connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    connection.execute(text(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {query}"), values)


def _columns(connection: Connection, table: str) -> list[str]:
    return list(connection.execute(text(f"SELECT * FROM right_{table} LIMIT 0")).keys())


def _correct_deliveries(connection: Connection, ids: Sequence[int]) -> None:
    """Count the roll-ups of some deliveries again; a new event of one of them is committed before, or waits.

    An event and its delivery's roll-up are written by one statement. So once the row is locked every event is either
    committed, and counted here, or will be added to the new row.
    """
    some = {"ids": list(ids)}
    connection.execute(text(f"""
        INSERT INTO delivery_rollups (delivery_id, campaign_id)
        {_CAMPAIGN_OF} ORDER BY id ON CONFLICT DO NOTHING
    """), some)  # fmt: skip
    lock = "SELECT 1 FROM delivery_rollups WHERE delivery_id = ANY (:ids) ORDER BY delivery_id FOR UPDATE"
    connection.execute(text(lock), some)
    _count(connection, ids, of_deliveries=True)
    for table, right in _OF_DELIVERIES.items():
        _create(connection, f"right_{table}", right)
        names, keys = _columns(connection, table), _KEYS[table]
        same = " AND ".join(f"r.{name} = t.{name}" for name in keys)
        gone = f"NOT EXISTS (SELECT 1 FROM right_{table} r WHERE {same})"
        connection.execute(text(f"DELETE FROM {table} t WHERE delivery_id = ANY (:ids) AND {gone}"), some)
        # A row that is right to exist is changed, not replaced: who waits for its lock would get none on a new one.
        changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
        connection.execute(text(f"""
            INSERT INTO {table} ({", ".join(names)}) SELECT {", ".join(names)} FROM right_{table}
            ON CONFLICT ({", ".join(keys)}) DO {"UPDATE SET " + changes if changes else "NOTHING"}
        """))  # fmt: skip
    connection.execute(text("""
        INSERT INTO early_people (delivery_id, campaign_id)
        SELECT id, campaign_id FROM deliveries WHERE id = ANY (:ids) AND state <> 'accepted' ORDER BY id
        ON CONFLICT DO NOTHING
    """), some)  # fmt: skip


def _missing(connection: Connection, table: str, ids: Collection[int]) -> str:
    """Return, as JSON, what each sum of a small table lacks, or has too much."""
    keys, counts = SMALL[table]
    negative = ", ".join(f"-{name}" for name in counts)
    rows = f"""
        SELECT {keys}, {", ".join(counts)} FROM right_{table}
        UNION ALL SELECT {keys}, {negative} FROM {table} WHERE {_OF_CAMPAIGNS}
    """
    return str(connection.scalar(text(f"SELECT {_summed(table, rows)}"), {"ids": sorted(ids)}))


def _summed(table: str, rows: str) -> str:
    """Return SQL for the sums of `rows` of a small table, as JSON, without those that are 0."""
    keys, counts = SMALL[table]
    sums = ", ".join(f"sum({name}) AS {name}" for name in counts)
    some = " OR ".join(f"sum({name}) <> 0" for name in counts)
    return f"""(
        SELECT CAST(coalesce(json_agg(x), '[]') AS text) FROM (
            SELECT {keys}, {sums} FROM ({rows}) AS rows GROUP BY {keys} HAVING {some} ORDER BY {keys}) AS x)
    """


# -- hits that change their class

# A new event of one of these mails needs the mail's roll-up, so it waits until the class has moved.
_LOCK_EVENTS = text("LOCK TABLE events IN ROW EXCLUSIVE MODE")
_LOCK_ROLLUPS = text("""
    SELECT count(*) FROM (
        SELECT 1 FROM delivery_rollups WHERE delivery_id = ANY (:ids) ORDER BY delivery_id FOR UPDATE) AS locked
""")
NO_EVENTS = ("clicked_not_told_apart", "without_person")
_MAILBOX_BITS = ", ".join(f"('{name}', {bit})" for name, bit in BITS.items() if name not in NO_EVENTS)
# What the small tables gain or lose: hits leave their old class (n is negative) for a new one, mails their old facts.
_MOVED = {
    "hour_rollups": f"""
        SELECT campaign_id, hour, {FACT} AS fact, n AS events FROM steps WHERE {FACT_BIT} IS NOT NULL""",
    "mailbox_rollups": f"""
        SELECT campaign_id, mailbox, {FACT} AS fact, 0 AS people, n AS events FROM steps WHERE {FACT_BIT} IS NOT NULL
        UNION ALL
        SELECT p.campaign_id, mailbox, fact, CASE WHEN s.facts & bit <> 0 THEN 1 ELSE -1 END, 0
        FROM people p JOIN sums s USING (delivery_id)
        JOIN (VALUES {_MAILBOX_BITS}) AS f (fact, bit) ON (old_facts # s.facts) & bit <> 0""",
    "facts_rollups": """
        SELECT p.campaign_id, compiled_id, f.facts, n AS people FROM people p JOIN sums s USING (delivery_id)
        CROSS JOIN LATERAL (VALUES (old_facts, -1), (s.facts, 1)) AS f (facts, n) WHERE f.facts <> 0""",
    "link_rollups": """
        SELECT campaign_id, compiled_id, link, CASE open_class WHEN 'human' THEN n ELSE 0 END AS clicks, 0 AS clickers,
               CASE open_class WHEN 'machine' THEN n ELSE 0 END AS machine_clicks
        FROM steps WHERE kind = 'clicked'
        UNION ALL
        SELECT campaign_id, compiled_id, link, 0, n, 0
        FROM (SELECT *, 1 AS n FROM came UNION ALL SELECT *, -1 FROM gone) AS c JOIN people USING (delivery_id)""",
}
# Hits that somebody else has classified meanwhile are left out. Each step sees the rows as they were before. The mails
# are a parameter, so that no plan reads a whole table for a part of it.
_MOVE = text(f"""
    WITH theirs AS MATERIALIZED (
        SELECT id, delivery_id, campaign_id, kind, at, bounce, coalesce(link, :no_link) AS link, open_class, rules
        FROM events WHERE delivery_id = ANY (:ids)
    ), part AS MATERIALIZED (
        SELECT e.*, c.open_class AS new_class, c.rules AS new_rules FROM pg_temp.changes c JOIN theirs e USING (id)
        WHERE c.part = :part AND (e.open_class, e.rules) = (c.old_class, c.old_rules)
    ), changed AS (
        UPDATE events e SET open_class = p.new_class, rules = p.new_rules FROM part p
        WHERE e.id = p.id AND e.delivery_id = ANY (:ids)
    ), people AS MATERIALIZED (
        SELECT r.delivery_id, d.campaign_id, r.facts AS old_facts, coalesce(m.mailbox, :other) AS mailbox,
               coalesce(d.compiled_id, (SELECT compiled_id FROM campaigns WHERE id = d.campaign_id)) AS compiled_id
        FROM delivery_rollups r JOIN deliveries d ON d.id = r.delivery_id
        LEFT JOIN json_each_text(CAST(:mailboxes AS json)) AS m (domain, mailbox)
               ON m.domain = lower(split_part(d.address, '@', -1))
        WHERE d.id = ANY (:ids) AND r.delivery_id = ANY (:ids)
        UNION ALL
        SELECT r.delivery_id, g.campaign_id, r.facts, g.mailbox, g.compiled_id
        FROM delivery_rollups r JOIN reader_groups g ON g.id = {GROUP_OF.format("r.delivery_id")}
        WHERE r.delivery_id = ANY (:ids) AND r.delivery_id < 0
    ), steps AS MATERIALIZED (
        SELECT p.campaign_id, compiled_id, mailbox, date_trunc('hour', at, 'UTC') AS hour, kind, bounce, link,
               c.open_class, sum(n) AS n
        FROM part JOIN people p USING (delivery_id)
        CROSS JOIN LATERAL (VALUES (part.open_class, -1), (new_class, 1)) AS c (open_class, n)
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ), counted AS MATERIALIZED (
        SELECT e.delivery_id, e.campaign_id, e.kind, e.at, e.bounce, e.link,
               coalesce(new_class, e.open_class) AS open_class, coalesce(new_rules, e.rules) AS rules
        FROM theirs e LEFT JOIN part USING (id)
    ), sums AS MATERIALIZED ({SUMS}), moved AS (
        UPDATE delivery_rollups r SET {", ".join(f"{name} = s.{name}" for name in COLUMNS)}
        FROM sums s WHERE s.delivery_id = r.delivery_id
    ), clickers AS MATERIALIZED (
        SELECT DISTINCT delivery_id, link FROM counted WHERE {_HUMAN_CLICKS}
    ), gone AS (
        DELETE FROM link_clickers l WHERE delivery_id = ANY (:ids)
          AND NOT EXISTS (SELECT 1 FROM clickers c WHERE (c.delivery_id, c.link) = (l.delivery_id, l.link))
        RETURNING delivery_id, link
    ), came AS (
        INSERT INTO link_clickers (delivery_id, link) SELECT delivery_id, link FROM clickers ORDER BY 1, 2
        ON CONFLICT DO NOTHING RETURNING delivery_id, link
    )
    SELECT (SELECT count(*) FROM part) AS changed,
           {", ".join(f"{_summed(table, rows)} AS {table}" for table, rows in _MOVED.items())}
""")


def move_rollups(connection: Connection, part: int) -> int:
    """Give the hits in a part of the temporary table `changes` their new class, and move the roll-ups with them.

    Everything is in the caller's transaction; returns how many hits changed.
    """
    connection.execute(_LOCK_EVENTS)
    mails = text("SELECT DISTINCT delivery_id FROM pg_temp.changes WHERE part = :part")
    ids = {"ids": connection.scalars(mails, {"part": part}).all()}
    connection.execute(_LOCK_ROLLUPS, ids)
    found = connection.execute(_MOVE, {"part": part, **ids, **_NAMES}).one()
    add_sums(connection, {table: getattr(found, table) for table in _MOVED})
    return int(found.changed)
