"""A machine whose clock is wrong keeps the pace, the pauses and the times that the database's clock says."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select, text

from daisychain.database import Database
from sender.delivery.ledger import read_ledger
from sender.tables import Attempt, Batch
from tests.command import ROOT, Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.staging import staged
from tests.waiting import until

# A process with a wrong clock that sweeps often, and says when it has.
SKEWED = """
from tests.wrong_clock import run_ahead
run_ahead({seconds})
from sender.upkeep import foreground
foreground.SWEEP = 0.1
real = foreground._look_after
def look_after(*arguments):
    real(*arguments)
    print("swept", flush=True)
foreground._look_after = look_after
"""
CLOCKS = pytest.mark.parametrize("seconds", [600, -600], ids=["ahead", "behind"])
# Where this machine's own clock may be read, and why nothing there is compared with rows.
OWN_CLOCK = {
    "sender/providers/mime.py": "the Date of a mail",
    "sender/alerts/channels.py": "the Date of an alert",
    "sender/providers/outbox.py": "the age of a file of this machine",
    "sender/upkeep/retention.py": "the same",
    "sender/providers/provider.py": "the way from this clock to a span of time",
    "sender/providers/retry_times.py": "times by this clock; provider.py makes spans of them",
    "sender/upkeep/sweep.py": "the same",
    "sender/campaigns/waiting_reason.py": "whether a time is shown with its date",
    "lists/import_rows.py": "dates in a file, with a day of tolerance",
    "sender/events/hit_spool.py": "when hits came that wait for the next start, as the database is away",
    "sender/events/sendgrid_webhook.py": "the age of a request, with days of tolerance",
}


@pytest.mark.processes
@CLOCKS
def test_a_process_with_a_wrong_clock_keeps_the_pace(seconds: int, database: Database, daisychain: Daisychain) -> None:
    campaign_id = staged(database, 2_000)
    arguments = (
        "campaign",
        "send",
        str(campaign_id),
        "--as-created",
        "--yes",
        "--per-minute",
        "300",
        "--processes",
        "1",
    )
    process = daisychain.start(*arguments, before=SKEWED.format(seconds=seconds))
    try:
        assert process.stdout is not None
        for _ in range(20):
            assert process.stdout.readline() == "swept\n"
        with database.engine.connect() as connection:
            past_a_minute = connection.scalar(
                select(func.min(Attempt.started_at) < func.now() - text("interval '50 s'"))
            )
            accepted = read_ledger(connection, campaign_id).accepted
        assert 0 < accepted <= 300 or past_a_minute
    finally:
        process.kill()
        process.communicate()


@pytest.mark.processes
@CLOCKS
def test_a_process_with_a_wrong_clock_waits_as_long_as_the_provider_says(
    seconds: int, database: Database, send: Daisychain, sendgrid: FakeSendGrid
) -> None:
    campaign_id = staged(database, 5, provider="sendgrid")
    sendgrid.script(Fault("status", 429, headers={"X-RateLimit-Reset": "in 90 s"}))
    process = send.start(
        "campaign", "send", str(campaign_id), "--as-created", "--yes", before=SKEWED.format(seconds=seconds)
    )
    try:
        again = select(func.extract("epoch", Batch.not_before - func.now())).where(
            Batch.tries == 0, Batch.attempt_id > 0
        )
        found: list[float] = []
        until(lambda: found or found.extend(_floats(database, again)))
        assert 0 < found[0] <= 31  # no time that can be read was named: half a minute
    finally:
        process.kill()
        process.communicate()


def _floats(database: Database, statement: object) -> list[float]:
    with database.engine.connect() as connection:
        waiting = statement.where(Batch.state == "waiting")  # type: ignore[attr-defined]
        return [float(each) for each in connection.scalars(waiting)]


def test_nothing_else_reads_this_machines_clock() -> None:
    reads = re.compile(r"datetime\.now\(|time\.time\(|utcnow|\.today\(")
    folders = ("sender", "lists", "pages", "commands")
    found = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if reads.search(path.read_text(encoding="utf-8"))
    }
    assert found <= set(OWN_CLOCK)
