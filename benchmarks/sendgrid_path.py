"""A campaign through the SendGrid provider to a sink that answers 202: freeze, merge, requests, ledger."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.stage import Figure, add_people, draft, house, measured, written
from sender import sending
from sender.audience import freeze
from sender.ledger import read_ledger

PEOPLE = 1_000_000


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once; the figures are what the README quotes."""
    sink = subprocess.Popen([sys.executable, "-m", "benchmarks.sink"], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    host = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
    try:
        with house("sendgrid", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database:
            with database.engine.begin() as connection:
                add_people(connection, "everybody", people)
            frozen, campaign_id = draft(database, "everybody", "sendgrid"), draft(database, "everybody", "sendgrid")
            with measured() as freezing, database.engine.begin() as connection:
                freeze(connection, frozen, batch_size=1000)
            with measured() as whole:
                sending.start(database, campaign_id)
                state = sending.work_until_over(database, campaign_id)
            with database.engine.connect() as connection:
                ledger = read_ledger(connection, campaign_id)
            assert (state, ledger.balances, ledger.accepted) == ("finished", True, people), (state, ledger)
    finally:
        sink.kill()
        sink.communicate()
    figures = [
        Figure("freeze, values included", people, freezing["seconds"], "10 s a million"),
        Figure(
            "SendGrid path, freeze included", people, whole["seconds"], "40 s a million, CPU under 60 s",
            cpu_seconds=whole["cpu"], peak_megabytes=whole["peak_megabytes"],
        ),
    ]  # fmt: skip
    written("sendgrid_path", figures)
    return figures


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
