"""Webhook bodies of 1,000 events, one process: signature, keeping, reading, duplicates, ledger and roll-ups."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from benchmarks.stage import Figure, add_people, draft, house, measured, written
from daisychain.database import Database
from daisychain.secret import installation_secret
from sender.campaigns.freeze import freeze
from sender.events.sendgrid_webhook import SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed
from sender.events.webhook_jobs import process_body, store_body
from sender.links.keys import KeyKind, Keys
from tests.fakes.sendgrid_events import BROWSER, Signer, encoded

PEOPLE = 50_000
EVENTS = 1_000
REPEATED = 0.03
ROUND = 10  # bodies a round; the figure is the median round
SLOTS = 2  # of the four that a worker has: while the database works for one, another reads
START = 1_800_000_000

# What each person's mail brings, in a hundred.
LIFE = {"processed": 100, "delivered": 97, "deferred": 3, "bounce": 1, "open": 45, "click": 6}
# As a provider tells them: 391 bytes an event is what was measured of SendGrid's.
MORE: dict[str, dict[str, Any]] = {
    "processed": {"send_at": 0, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>"},
    "delivered": {"response": "250 2.0.0 OK", "ip": "149.72.1.1", "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>"},
    "deferred": {"response": "451 4.7.1 try again later", "attempt": "1"},
    "bounce": {"type": "blocked", "status": "5.7.1", "reason": "554 5.7.1 refused by policy"},
    "open": dict(BROWSER),
    "click": {**BROWSER, "url": "https://campaign.example/toolkit", "url_offset": {"index": 0, "type": "html"}},
}


def main(people: int = PEOPLE) -> list[Figure]:
    """Take in all that one campaign brings back."""
    with house("intake", provider="sendgrid") as database:
        keys = Keys(installation_secret(database.settings))
        attempts = stage(database, people)
        signer, events = Signer(), list(bodies(keys, attempts))
        signed = [(body, signer.headers(body)) for body in events]
        times: list[float] = []
        with measured() as whole, ThreadPoolExecutor(SLOTS) as slots:
            for start in range(0, len(signed) - ROUND + 1, ROUND):
                began, batch = time.perf_counter(), signed[start : start + ROUND]
                list(slots.map(lambda one: take(database, keys, signer.public_key, *one), batch))
                times.append(time.perf_counter() - began)
        check(database, people)
    figure = Figure(
        "webhook intake, bodies of 1,000 events, one process", EVENTS * ROUND, statistics.median(times),
        "10,000 events/s", cpu_seconds=whole["cpu"] / len(times), peak_megabytes=whole["peak_megabytes"],
    )  # fmt: skip
    written("webhook_intake", [figure])
    return [figure]


def stage(database: Database, people: int) -> dict[int, int]:
    """A campaign that was sent; delivery id → attempt id."""
    with database.engine.begin() as connection:
        add_people(connection, "everybody", people)
    campaign_id = draft(database, "everybody", "sendgrid")
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=1000)
        connection.execute(text("UPDATE deliveries SET state = 'accepted'"))
        connection.execute(
            text("""
                INSERT INTO attempts (batch_id, campaign_id, sender_id, people, outcome)
                SELECT id, campaign_id, 1, 1000, 'accepted' FROM batches
            """)
        )
        connection.execute(text("UPDATE batches b SET state = 'done', attempt_id = a.id FROM attempts a "
                                "WHERE a.batch_id = b.id"))  # fmt: skip
        rows = connection.execute(
            text("SELECT d.id, b.attempt_id FROM deliveries d JOIN batches b ON d.id BETWEEN b.first_id AND b.last_id")
        ).all()
    # The first VACUUM of a fresh table is not what is measured here.
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return {row.id: row.attempt_id for row in rows}


def bodies(keys: Keys, attempts: dict[int, int]) -> Iterator[bytes]:
    """Everything events about all mails, in roughly the order of its happening, some of it twice."""
    chance = random.Random(7)
    names = dict(zip(attempts, keys.make(KeyKind.HEADER, attempts), strict=True))
    tries = {attempt: keys.attempt(attempt) for attempt in set(attempts.values())}
    events: list[tuple[float, dict[str, Any]]] = []
    for number, (delivery, attempt) in enumerate(attempts.items(), 1):  # reader1 has the first mail
        at = number / 2_000
        for kind, share in LIFE.items():
            if chance.random() * 100 >= share:
                continue
            at += chance.expovariate(1 / 60) if kind in ("open", "click") else 0.5
            events.append((at, {
                "email": f"reader{number}@people.org", "timestamp": START + int(at), "event": kind,
                "sg_event_id": f"{chance.getrandbits(160):040x}",
                "sg_message_id": f"14c5d75ce93.dfd.64b469.filter0001.16648.{number:08X}.0",
                "daisychain_delivery": names[delivery], "daisychain_attempt": tries[attempt], **MORE[kind],
            }))  # fmt: skip
    events += [
        (at + 30, {**each, "sg_event_id": "again"}) for at, each in chance.sample(events, int(len(events) * REPEATED))
    ]
    events.sort(key=lambda pair: pair[0])
    for start in range(0, len(events) - EVENTS + 1, EVENTS):
        yield encoded([each for _, each in events[start : start + EVENTS]])


def take(database: Database, keys: Keys, public_key: str, body: bytes, headers: dict[str, str]) -> None:
    """Do what the page and then the job do with one body."""
    assert is_signed([public_key], headers[SIGNATURE_HEADER], headers[TIMESTAMP_HEADER], body)
    with database.engine.begin() as connection:
        body_id = store_body(connection, body)
    with database.engine.begin() as connection:
        process_body(connection, body_id, keys)


def check(database: Database, people: int) -> None:
    """Nothing counted twice: the events without their repetitions, and what the roll-ups say of them."""
    with database.engine.connect() as connection:
        events, delivered = connection.execute(
            text("SELECT count(*), count(*) FILTER (WHERE kind = 'delivered') FROM events")
        ).one()
        rolled = connection.scalar(text("SELECT count(*) FROM delivery_rollups WHERE delivered_at IS NOT NULL"))
    assert events >= people
    assert delivered == rolled


def show(figures: Sequence[Figure]) -> None:
    """One line a figure."""
    for figure in figures:
        sys.stdout.write(f"{figure.step}: {figure.rate:,.0f}/s (to reach: {figure.to_reach})\n")


if __name__ == "__main__":
    show(main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE))
