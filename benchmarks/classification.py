"""Classifying the hits of 1,000,000 people again: 3,000,000 of them, of which a quarter changes its class."""

from __future__ import annotations

import sys

from sqlalchemy import text

from benchmarks.stage import Figure, add_people, draft, house, measured, written
from daisychain.database import Database
from sender.campaigns.freeze import freeze
from sender.events.classify import classify_campaign
from sender.events.recount import correct_rollups

PEOPLE = 1_000_000

# Deliveries, opens of seven in ten, a scanner's eight clicks within two seconds in one mail of ten, a person's in 7 %.
_EVENTS = text("""
    INSERT INTO events (natural_key, source, kind, at, delivery_id, campaign_id, link, open_class, user_agent)
    SELECT decode(md5(kind || id || '-' || coalesce(link, -1) || '-' || part), 'hex'), 'sendgrid', kind,
           timestamptz '2026-11-01 10:00Z' + later, id, campaign_id, link, open_class, program
    FROM (
        SELECT id, campaign_id, 'delivered' AS kind, interval '0' AS later, NULL::integer AS link, '' AS open_class,
               '' AS program, 0 AS part
        FROM deliveries
        UNION ALL
        SELECT id, campaign_id, 'opened', id % 9000 * interval '1 second' + part * interval '1 hour', NULL, 'human',
               'Mozilla/5.0 (X11; rv:' || id % 2000 || ') Firefox', part
        FROM deliveries, generate_series(0, 2) AS part WHERE id % 10 < 7
        UNION ALL
        SELECT id, campaign_id, 'clicked', interval '43 seconds' + link * interval '0.25 seconds', link, 'human',
               'Mozilla/5.0 (Windows NT 10.0) Chrome/' || id % 50, 0
        FROM deliveries, generate_series(0, 7) AS link WHERE id % 10 = 7
        UNION ALL
        SELECT id, campaign_id, 'clicked', interval '3 hours', 1, 'human', 'Mozilla/5.0 (X11) Firefox/140.0', 0
        FROM deliveries WHERE id % 100 BETWEEN 10 AND 16) AS events
""")


def main(people: int = PEOPLE) -> list[Figure]:
    """Classify them once, when a quarter changes, and once more, when nothing does."""
    with house("classification", provider="sendgrid") as database:
        campaign_id = stage(database, people)
        figures = []
        for step in ("classify 3 hits a person, scanners among them", "classify them again, no change"):
            with measured() as whole:
                changed = classify_campaign(database, campaign_id)
            figures.append(Figure(step, people * 3, whole["seconds"], "3,000,000 in 60 s", cpu_seconds=whole["cpu"]))
            sys.stderr.write(f"{changed:,} hits changed\n")
        check(database, campaign_id)
    written("classification", figures)
    return figures


def stage(database: Database, people: int) -> int:
    """Make a campaign with its events and roll-ups, as intake leaves them."""
    with database.engine.begin() as connection:
        add_people(connection, "everybody", people)
    campaign_id = draft(database, "everybody", "sendgrid")
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=1000)
        connection.execute(text("UPDATE deliveries SET state = 'accepted'"))
        connection.execute(text("UPDATE batches SET state = 'done'"))
        connection.execute(text("UPDATE campaigns SET state = 'finished', finished_at = now()"))
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        connection.execute(_EVENTS)
        connection.execute(
            text(
                "INSERT INTO campaign_intake (campaign_id, events, newest_at) SELECT :id, count(*), now() FROM events"
            ),
            {"id": campaign_id},
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    correct_rollups(database.engine, [campaign_id])
    return campaign_id


def check(database: Database, campaign_id: int) -> None:
    """The roll-ups are what the events make, and a scanner's clicks are nobody's."""
    assert not any(correct_rollups(database.engine, [campaign_id]).values())
    with database.engine.connect() as connection:
        human = connection.scalar(text("SELECT count(*) FROM events WHERE kind = 'clicked' AND open_class = 'human'"))
        clicked = connection.scalar(text("SELECT count(*) FROM delivery_rollups WHERE clicks > 0"))
    assert clicked == human


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
