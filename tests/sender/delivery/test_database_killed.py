"""PostgreSQL itself is killed while a campaign is sent, on a database that is as durable as a real one."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from daisychain.database import Database
from daisychain.settings import Settings
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.kept_database import superuser
from tests.sender.delivery.test_kill import proven, started
from tests.sender.staging import staged
from tests.waiting import until

PEOPLE = 6_500
# A server that is never started again: the answers that can't be written down need not be tried for so long.
SOON = "from sender.delivery import deliver\ndeliver.PAUSES = (0.1, 0.2)"


@pytest.fixture
def embedded(tmp_path: Path, sendgrid: FakeSendGrid) -> Iterator[Database]:
    """Make a home with its own server."""
    database = Database(
        Settings(
            home=tmp_path / "home",
            test_mode=True,
            public_url="https://news.coalition.org",
            sendgrid_api_key=sendgrid.key,
            sendgrid_api_host=sendgrid.url,
        )
    )
    _ = database.engine
    assert database.server is not None
    folder = database.server.folder
    yield database
    database.close()
    shutil.rmtree(folder)


@pytest.mark.processes
@pytest.mark.parametrize("answered", [1, 4])
def test_a_killed_postgresql_costs_at_most_what_was_in_flight(
    answered: int, embedded: Database, sendgrid: FakeSendGrid, tmp_path: Path
) -> None:
    campaign_id = staged(embedded, PEOPLE, provider="sendgrid")
    send = Daisychain(embedded.settings, tmp_path)
    sendgrid.script(*[None] * answered, *[Fault("hold", taken=True, seconds=1.0)] * 2)
    process = started(send, campaign_id, before=SOON)
    until(lambda: len(sendgrid.requests) > answered)
    assert embedded.server is not None
    os.kill(int((embedded.server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "run the command again" in errors
    assert "Traceback" not in errors
    sendgrid.clear()  # a fault that no request met would strike the second run
    settings = embedded.settings
    embedded.close()  # its connections are gone; whoever comes next starts the server again
    _, errors = started(send, campaign_id).communicate(timeout=300)
    fresh = Database(settings)
    try:
        ledger = proven(fresh, campaign_id, sendgrid)
    finally:
        fresh.close()
    assert ledger.waiting == 0, errors
    assert ledger.uncertain <= 4 * 1_000  # the batches that four slots can have in flight


# The most that PostgreSQL allows: a commit that does not wait for the disk reaches it up to thirty seconds later.
CARELESS = ("synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'")


@pytest.mark.processes
def test_a_killed_server_that_does_not_wait_for_its_disk_mails_nobody_twice(
    embedded: Database, sendgrid: FakeSendGrid, tmp_path: Path
) -> None:
    campaign_id = staged(embedded, PEOPLE, provider="sendgrid")
    server, settings = embedded.server, embedded.settings
    assert server is not None
    with superuser(server) as connection:
        for setting in CARELESS:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("CHECKPOINT")
    embedded.close()  # the next process starts the server with these settings
    send = Daisychain(settings, tmp_path)
    sendgrid.script(None, None, *[Fault("hold", taken=True, seconds=1.0)] * 4)
    process = started(send, campaign_id, before=SOON)
    until(lambda: len(sendgrid.requests) > 5)  # four in flight
    postmaster = (server.data / "postmaster.pid").read_text().split()[0]
    family = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for each in (postmaster, *family):
        os.kill(int(each), signal.SIGKILL)
    process.communicate(timeout=300)
    sendgrid.clear()
    _, errors = started(send, campaign_id).communicate(timeout=300)
    fresh = Database(settings)
    try:
        ledger = proven(fresh, campaign_id, sendgrid)
    finally:
        fresh.close()
    assert ledger.waiting == 0, errors
    assert 0 < ledger.uncertain <= 4 * 1_000
