"""A freeze with consent, counted tracking and a segment beside one without them, in turns in the same house."""

from __future__ import annotations

import statistics
import sys

from sqlalchemy import text

from benchmarks.stage import Figure, add_people, draft, house, measured, server_seconds, written
from daisychain.database import Database
from sender.campaigns.freeze import freeze

PEOPLE, PAIRS = 1_000_000, 3
# Everybody is in the segment, so that both freezes write as many rows.
SEGMENT = 'consent is "consent" and (region is "North" or region is "South")'
TO_REACH = "1.5 times the one without"
_AS_CONSENT_HAS_IT = """
    UPDATE memberships SET consented_at = now() - interval '1 day' * (member_id % 1000), collected_by = 'Coalition'
"""
_MODE = "UPDATE lists SET tracking = :tracking, opens = :how, clicks = :how"

_WRITTEN = text("""
    SELECT (SELECT count(*) FROM deliveries WHERE campaign_id = c.id AND state = 'waiting'),
           EXISTS (SELECT FROM reader_groups g WHERE g.campaign_id = c.id), segment_people
    FROM campaigns c WHERE id = :id
""")


def main(people: int = PEOPLE) -> list[Figure]:
    """Freeze a list with and without, in pairs; the figures are medians, the CPU is PostgreSQL's."""
    taken: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with house("freezes") as database:
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
            connection.execute(text(_AS_CONSENT_HAS_IT))
        with database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        for _ in range(PAIRS):
            for full in taken:
                taken[full].append(frozen(database, people, full=full))
    (plain, plain_cpu), (full, full_cpu) = ([statistics.median(each) for each in zip(*taken[is_full], strict=True)]
                                            for is_full in taken)  # fmt: skip
    step = f"freeze with both: {full / plain:.2f} times as long, {full_cpu / plain_cpu:.2f} times the CPU"
    figures = [
        Figure("freeze without tracking and segment", people, plain, "", cpu_seconds=plain_cpu),
        Figure(step, people, full, TO_REACH, cpu_seconds=full_cpu),
    ]
    written("freeze_pairs", figures)
    return figures


def frozen(database: Database, people: int, *, full: bool) -> tuple[float, float]:
    """Return the seconds and PostgreSQL's CPU of one freeze, rolled back so that each finds the same tables."""
    with database.engine.begin() as connection:
        how = {"tracking": "counted", "how": "on"} if full else {"tracking": "off", "how": "off"}
        connection.execute(text(_MODE), how)
    campaign_id = draft(database, "everybody", "outbox")
    with database.engine.connect() as connection:
        connection.execute(text("UPDATE campaigns SET segment = :segment WHERE id = :id"),
                           {"segment": SEGMENT if full else "", "id": campaign_id})  # fmt: skip
        used = server_seconds(database)
        with measured() as whole:
            freeze(connection, campaign_id, batch_size=1000)
        used = server_seconds(database) - used
        seen = connection.execute(_WRITTEN, {"id": campaign_id}).one()
        assert tuple(seen) == (people, full, people if full else None)
        connection.rollback()
    return whole["seconds"], used


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
