"""One campaign shared by several machines: how the rate grows with them, and what each thousand people costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Select, func, select

from benchmarks.sink import accepting
from benchmarks.stage import Figure, add_people, draft, house, written
from daisychain.database import Database
from daisychain.secret import installation_secret
from daisychain.settings import VARIABLES
from sender.campaigns.freeze import freeze
from sender.delivery.ledger import read_ledger
from sender.tables import Batch, Campaign, Sender

PEOPLE = 200_000
MACHINES = (1, 2)
ROOT = Path(__file__).parent.parent


def main(people: int = PEOPLE) -> list[Figure]:
    """Each number of machines sends a campaign of its own; a machine is a worker of one process, with its own home."""
    with (
        accepting() as host,
        house("machines", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database,
    ):
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
        figures = [_shared(database, people, number) for number in MACHINES]
    written("machines", figures)
    return figures


def _shared(database: Database, people: int, machines: int) -> Figure:
    campaign_id = draft(database, "everybody", "sendgrid")
    with tempfile.TemporaryDirectory() as folder:
        processes = [_started(database, Path(folder) / str(number)) for number in range(machines)]
        try:
            _until(database, select(func.count()).where(Sender.ended_at.is_(None)), machines)
            with database.engine.begin() as connection:
                freeze(connection, campaign_id, batch_size=1000)
            began, used = time.perf_counter(), _cpu_seconds(processes)
            unfinished = select(func.count()).where(Batch.campaign_id == campaign_id, Batch.state != "done")
            _until(database, unfinished, 0)
            seconds, cpu = time.perf_counter() - began, _cpu_seconds(processes) - used
            # The slot that finds nothing more to do sees it.
            finished = select(func.count()).where(Campaign.id == campaign_id, Campaign.state == "finished")
            _until(database, finished, 1)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.communicate()
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
    assert (ledger.balances, ledger.accepted) == (True, people), ledger
    words = "one machine" if machines == 1 else f"{machines} machines"
    return Figure(f"SendGrid path, freeze left out, {words}", people, seconds, "grows with them", cpu_seconds=cpu)


def _started(database: Database, home: Path) -> subprocess.Popen[str]:
    """Start a worker that knows only what another machine would: the database, the secret, and the provider."""
    home.mkdir()
    assert database.server is not None
    settings = database.settings
    values = {
        "home": str(home),
        "database_url": f"postgresql+psycopg://daisychain@/daisychain?host={database.server.socket}",
        "secret_key": installation_secret(settings),
        "public_url": settings.public_url,
        "sendgrid_api_key": settings.sendgrid_api_key,
        "sendgrid_api_host": settings.sendgrid_api_host,
        "test_mode": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "daisychain", "worker", "--processes", "1"],
        cwd=home, env={**os.environ, "PYTHONPATH": str(ROOT), **{VARIABLES[name]: values[name] for name in values}},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _until(database: Database, counted: Select[tuple[int]], wanted: int) -> None:
    while True:
        with database.engine.connect() as connection:
            if connection.scalar(counted) == wanted:
                return
        time.sleep(0.05)


def _cpu_seconds(processes: Sequence[subprocess.Popen[str]]) -> float:
    """Return the CPU time of these processes so far (proc(5): fields 14 and 15, in ticks)."""
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
