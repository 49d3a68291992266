"""The database goes away between a request and its outcome: the provider's answer is kept until it can be written."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import make_url, select
from sqlalchemy.exc import OperationalError

from daisychain.database import Database
from daisychain.embedded import EmbeddedServer
from daisychain.processes import StopFlag
from daisychain.settings import Settings
from sender.delivery import deliver
from sender.delivery.deliver import Deliverer
from sender.delivery.ledger import Ledger, read_ledger
from sender.delivery.senders import LiveSender
from sender.tables import Batch
from sender.upkeep import foreground
from sender.upkeep.sweep import sweep
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.delivery.test_kill import proven, started
from tests.sender.staging import staged
from tests.sender.wire import Wire
from tests.waiting import until


@dataclass
class Cut:
    """A batch whose request was taken, and whose answer came when its process had lost the database."""

    database: Database
    settings: Settings  # of the far place
    campaign_id: int
    wire: Wire
    deliverer: Deliverer
    stop: StopFlag
    caplog: pytest.LogCaptureFixture
    pool: ThreadPoolExecutor
    sendgrid: FakeSendGrid

    def run(self) -> None:
        """Deliver the batch, and wait until its answer was tried to be written more often than PAUSES has entries."""
        with self.database.engine.connect() as connection:
            batch = connection.scalars(select(Batch.id)).one()
        self.sendgrid.script(Fault("late", taken=True))
        self.running = self.pool.submit(self.deliverer.deliver, batch)
        until(lambda: len(self.sendgrid.requests) == 1)
        self.wire.cut()
        self.sendgrid.released.set()
        until(lambda: self.said("is kept") > len(deliver.PAUSES) + 2)

    def said(self, words: str) -> int:
        return sum(words in record.getMessage() for record in list(self.caplog.records))

    def ledger(self) -> Ledger:
        with self.database.engine.connect() as connection:
            return read_ledger(connection, self.campaign_id)

    def swept(self) -> int:
        with self.database.engine.begin() as connection:
            return sweep(connection, self.settings)


@pytest.fixture
def cut(
    database: Database, through_sendgrid: Settings, sendgrid: FakeSendGrid, server: EmbeddedServer,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> Iterator[Cut]:  # fmt: skip
    monkeypatch.setattr(deliver, "PAUSES", (0.01, 0.01))
    caplog.set_level(logging.WARNING, "daisychain.delivery")
    campaign_id, stop = staged(database, 3, provider="sendgrid"), StopFlag()
    name = make_url(through_sendgrid.database_url).database or ""
    with Wire(server.socket) as wire, ThreadPoolExecutor(1) as pool:
        far = Database(replace(through_sendgrid, database_url=wire.url(name)))
        # The first place that asks may send: the wire's end, which is another place than the database itself.
        foreground.start(far, campaign_id)
        with LiveSender(far) as sender:
            deliverer = Deliverer(far, sender, stop)
            found = Cut(database, far.settings, campaign_id, wire, deliverer, stop, caplog, pool, sendgrid)
            found.run()
            yield found
        far.close()


def test_the_answer_is_written_when_the_database_is_back(cut: Cut) -> None:
    cut.wire.mend()
    cut.running.result(timeout=300)
    assert cut.ledger().accepted == 3


def test_the_answer_settles_what_another_machine_took_for_a_kill(cut: Cut) -> None:
    until(lambda: cut.swept() == 1)
    assert cut.ledger().uncertain == 3
    cut.wire.mend()
    cut.running.result(timeout=300)
    assert cut.ledger().accepted == 3


def test_a_process_that_must_stop_says_what_is_lost_and_it_is_uncertain_as_after_a_kill(
    cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "KEPT_WHEN_STOPPED", 0.1)
    cut.stop.set()
    with pytest.raises(OperationalError):
        cut.running.result(timeout=300)
    assert cut.said("its answer (accepted) about 3 people is lost") == 1
    until(lambda: cut.swept() == 1)
    assert cut.ledger().uncertain == 3


@pytest.mark.processes
def test_a_send_whose_embedded_server_is_killed_starts_it_again_and_writes_its_answers(
    tmp_path: Path, sendgrid: FakeSendGrid, through_sendgrid: Settings
) -> None:
    settings = replace(through_sendgrid, home=tmp_path / "own", database_url="")
    send = Daisychain(settings, tmp_path)
    setup = Database(settings)
    campaign_id = staged(setup, 3, provider="sendgrid")
    assert setup.server is not None
    postmaster = int((setup.server.data / "postmaster.pid").read_text().split()[0])
    sendgrid.script(Fault("late", taken=True))
    process = started(send, campaign_id)
    until(lambda: len(sendgrid.requests) == 1)
    os.kill(postmaster, signal.SIGKILL)
    sendgrid.released.set()
    _, errors = process.communicate(timeout=300)
    assert "is kept" in errors
    setup.close()
    fresh = Database(settings)
    assert proven(fresh, campaign_id, sendgrid).accepted == 3
    fresh.close()
