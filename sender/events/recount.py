"""Recounts the roll-ups from the events, to check or correct them, and moves them when hits change their class.

Correcting holds up no reader: rows of deliveries that differ are locked a few at a time, and sums are corrected by what
is missing or too much, which does not depend on the events that come meanwhile.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson
from sqlalchemy import Connection, Engine, text

from sender.events.facts import FACT, FACT_BIT
from sender.events.mailbox_providers import OTHER, PROVIDER_OF
from sender.events.rollups import NO_LINK, SUMS

# Members' events of some campaigns, found by each campaign's range of delivery ids, or of some deliveries.
_COUNTED = """
    CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
    SELECT e.delivery_id, e.campaign_id, coalesce(d.compiled_id, c.compiled_id) AS compiled_id, e.kind, e.at, e.bounce,
           e.open_class, e.rules, coalesce(e.link, :no_link) AS link, coalesce(m.mailbox, :other) AS mailbox
    FROM campaigns c
    JOIN deliveries d ON d.id BETWEEN c.first_delivery AND c.last_delivery AND d.kind = 'member'
    JOIN events e ON e.delivery_id = d.id
    LEFT JOIN json_each_text(CAST(:mailboxes AS json)) AS m (domain, mailbox)
           ON m.domain = lower(substring(d.address FROM '[^@]*$'))
    WHERE {of}
"""

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
_COUNTS = {
    "hour_rollups": ["events"],
    "mailbox_rollups": ["people", "events"],
    "facts_rollups": ["people"],
    "link_rollups": ["clicks", "clickers", "machine_clicks"],
}

_OF_CAMPAIGNS = "campaign_id = ANY (:ids)"
_OF_THEIR_DELIVERIES = """
    EXISTS (SELECT 1 FROM campaigns c WHERE c.id = ANY (:ids)
            AND link_clickers.delivery_id BETWEEN c.first_delivery AND c.last_delivery)
"""
_WHICH = {"link_clickers": _OF_THEIR_DELIVERIES, "facts_rollups": f"{_OF_CAMPAIGNS} AND people <> 0"}
AT_ONCE = 500  # deliveries to correct in one transaction


def recount_rollups(connection: Connection, campaign_ids: Collection[int]) -> dict[str, int]:
    """Count the rows of each roll-up that differ from the events of these campaigns.

    The caller's transaction must see one state of the events.
    """
    _count(connection, "c.id = ANY (:ids)", campaign_ids)
    ids, differences = {"ids": sorted(campaign_ids)}, {}
    for table, right in (_OF_DELIVERIES | _SUMS).items():
        _create(connection, f"right_{table}", right)
        where = _WHICH.get(table, _OF_CAMPAIGNS)
        names = ", ".join(_columns(connection, table))
        old, new = f"SELECT {names} FROM {table} WHERE {where}", f"SELECT {names} FROM right_{table}"
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
            old = {table: f"{table} WHERE {_OF_CAMPAIGNS}" for table in _SUMS}
            missing = {table: _missing(connection, table, old[table], campaign_ids) for table in _SUMS}
        for table, rows in missing.items():
            with engine.begin() as connection:
                _add(connection, table, rows)
    return differences


def _count(connection: Connection, of: str, ids: Collection[int]) -> None:
    known = orjson.dumps(PROVIDER_OF).decode()
    values = {"ids": sorted(ids), "no_link": NO_LINK, "other": OTHER, "mailboxes": known}
    connection.execute(text("DROP TABLE IF EXISTS counted"))
    connection.execute(text(_COUNTED.format(of=of)), values)


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
    connection.execute(text("""
        INSERT INTO delivery_rollups (delivery_id, campaign_id)
        SELECT id, campaign_id FROM deliveries WHERE id = ANY (:ids) ORDER BY id ON CONFLICT DO NOTHING
    """), some)  # fmt: skip
    lock = "SELECT 1 FROM delivery_rollups WHERE delivery_id = ANY (:ids) ORDER BY delivery_id FOR UPDATE"
    connection.execute(text(lock), some)
    _count(connection, "d.id = ANY (:ids)", ids)
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


def _missing(connection: Connection, table: str, old: str, ids: Collection[int] = ()) -> list[dict[str, object]]:
    """Return what each sum in `old` lacks, or has too much, and whether it is `right` that its row exists."""
    counts = _COUNTS[table]
    keys = ", ".join(name for name in _columns(connection, table) if name not in counts)
    sums = ", ".join(f"sum({name}) AS {name}" for name in counts)
    different = " OR ".join(f"sum({name}) <> 0" for name in counts)
    negative = ", ".join(f"-{name}" for name in counts)
    query = f"""
        SELECT coalesce(json_agg(x), '[]') FROM (
            SELECT {keys}, {sums}, bool_or("right") AS "right" FROM (
                SELECT {keys}, {", ".join(counts)}, true AS "right" FROM right_{table}
                UNION ALL SELECT {keys}, {negative}, false FROM {old}) AS both_of_them
            GROUP BY {keys} HAVING count(*) = 1 OR {different} ORDER BY {keys}) AS x
    """
    return list(connection.scalar(text(query), {"ids": sorted(ids)}) or [])


def _add(connection: Connection, table: str, rows: Sequence[dict[str, object]]) -> None:
    counts = _COUNTS[table]
    names = [*connection.execute(text(f"SELECT * FROM {table} LIMIT 0")).keys()]
    keys = [name for name in names if name not in counts]
    given = f"json_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS json)) AS given"
    connection.execute(
        text(f"""
            INSERT INTO {table} AS r ({", ".join(names)}) SELECT {", ".join(names)} FROM {given}
            ON CONFLICT ({", ".join(keys)}) DO UPDATE SET
                {", ".join(f"{name} = r.{name} + excluded.{name}" for name in counts)}
        """),
        {"rows": orjson.dumps(rows).decode()},
    )
    same, empty = (" AND ".join(each) for each in (
        [f"r.{name} = given.{name}" for name in keys], [f"r.{name} = 0" for name in counts],
    ))  # fmt: skip
    connection.execute(
        text(f"DELETE FROM {table} r USING {given} WHERE {same} AND {empty}"),
        {"rows": orjson.dumps([row for row in rows if not row["right"]]).decode()},
    )


# -- hits that change their class

# A new event of one of these mails needs the mail's roll-up, so it waits until the class has moved.
_LOCK_EVENTS = text("LOCK TABLE events IN ROW EXCLUSIVE MODE")
_LOCK_ROLLUPS = text("""
    SELECT count(*) FROM (
        SELECT 1 FROM delivery_rollups
        WHERE delivery_id IN (SELECT delivery_id FROM pg_temp.changes WHERE part = :part)
        ORDER BY delivery_id FOR UPDATE) AS locked
""")
# Somebody else may have classified these hits meanwhile.
_DONE_ALREADY = text("""
    DELETE FROM pg_temp.changes c
    WHERE part = :part AND NOT EXISTS (
        SELECT 1 FROM events e WHERE e.id = c.id AND (e.open_class, e.rules) = (c.old_class, c.old_rules))
""")
_CHANGE = text("""
    UPDATE events e SET open_class = c.open_class, rules = c.rules FROM pg_temp.changes c
    WHERE c.part = :part AND e.id = c.id
""")


def move_rollups(connection: Connection, part: int) -> int:
    """Give the hits in a part of the temporary table `changes` their new class, and move the roll-ups with them.

    Everything is in the caller's transaction; returns how many hits changed. Sums change by these mails' part of them
    as it is, minus as it was, in the order in which intake updates these tables.
    """
    of_part = {"part": part}
    connection.execute(_LOCK_EVENTS)
    connection.execute(_LOCK_ROLLUPS, of_part)
    connection.execute(_DONE_ALREADY, of_part)
    ids = connection.scalars(text("SELECT DISTINCT delivery_id FROM pg_temp.changes WHERE part = :part"), of_part).all()
    _count(connection, "d.id = ANY (:ids)", ids)
    for table, was in _SUMS.items():
        _create(connection, f"old_{table}", was)
    changed = connection.execute(_CHANGE, of_part).rowcount
    _correct_deliveries(connection, ids)
    for table, right in _SUMS.items():
        _create(connection, f"right_{table}", right)
        _add(connection, table, _missing(connection, table, f"old_{table}"))
    return changed
