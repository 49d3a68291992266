"""The figures and the status of a large campaign, at rest and while it is sent, and its hits classified again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sqlalchemy import Connection, text

from benchmarks.sink import accepting
from benchmarks.stage import Figure, add_people, draft, house, measured, send_to_all, written
from daisychain.database import Database
from reports.figures import figures
from sender.campaigns.status import campaign_status
from sender.events.classify import classify_campaign
from sender.events.facts import BITS
from sender.events.sum_check import check_sums
from sender.upkeep import foreground

PEOPLE = 1_000_000
TIMES = 5
# Everybody's mail was delivered; every second person opened it, and every fifth clicked: with three hits each that is
# 3,000,000 events for a million people.
_HITS = text("""
    INSERT INTO events (natural_key, source, kind, at, delivery_id, campaign_id, link, open_class, user_agent)
    SELECT decode(md5(d.id || ' ' || n), 'hex'), 'sendgrid', CASE WHEN n < 2 THEN 'opened' ELSE 'clicked' END,
           now() + (d.id % 86400) * interval '1 second', d.id, d.campaign_id, CASE WHEN n = 2 THEN d.id % 3 END,
           'unknown', 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
    FROM deliveries d CROSS JOIN generate_series(0, 2) AS n WHERE d.campaign_id = :campaign
""")
_DELIVERED = text("""
    INSERT INTO delivery_rollups (delivery_id, campaign_id, delivered_at, facts)
    SELECT id, campaign_id, now(), :delivered FROM deliveries WHERE campaign_id = :campaign
""")
_INTAKE = text("""
    INSERT INTO campaign_intake (campaign_id, events, newest_at, rule_set) VALUES (:campaign, 3, now(), 1)
""")


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once; the figures are what docs/scaling.md quotes."""
    with (
        accepting() as host,
        house("figures", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database,
    ):
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
        send_to_all(database, "sendgrid", "send", people, "")
        with database.engine.connect() as connection:
            campaign_id: int = connection.execute(text("SELECT max(id) FROM campaigns")).scalar_one()
        _report_events(database, campaign_id)
        found = [_classified(database, campaign_id, people)]
        found += _read(database, campaign_id, "at rest")
        second = draft(database, "everybody", "sendgrid")
        foreground.start(database, second)
        sending = threading.Thread(target=foreground.work_until_over, args=(database, second), daemon=True)
        sending.start()
        time.sleep(2)
        found += _read(database, second, "while it is sent")
        sending.join()
    written("figures_speed", found)
    return found


def _report_events(database: Database, campaign_id: int) -> None:
    with database.engine.begin() as connection:
        connection.execute(_HITS, {"campaign": campaign_id})
        connection.execute(_DELIVERED, {"campaign": campaign_id, "delivered": BITS["delivered"]})
        connection.execute(_INTAKE, {"campaign": campaign_id})
    check_sums(database)  # as if the webhook had counted them
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE events, delivery_rollups, deliveries"))


def _classified(database: Database, campaign_id: int, people: int) -> Figure:
    with measured() as whole:
        changed = classify_campaign(database, campaign_id)
    assert changed == 3 * people, changed
    return Figure("classify hits again", changed, whole["seconds"], "60 s for 3,000,000", whole["cpu"])


def _read(database: Database, campaign_id: int, when: str) -> list[Figure]:
    """Return the usual time of each: the middle of several."""
    reads: dict[str, Callable[[Connection], object]] = {
        "figures": lambda connection: figures(connection, campaign_id),
        "status": lambda connection: campaign_status(connection, campaign_id),
    }
    found = []
    for name, read in reads.items():
        seconds = []
        for _ in range(TIMES):
            with database.engine.connect() as connection:
                began = time.perf_counter()
                read(connection)
                seconds.append(time.perf_counter() - began)
        found.append(Figure(f"{name} {when}", 1, sorted(seconds)[TIMES // 2], "0.05 s for 1,000,000"))
    return found
