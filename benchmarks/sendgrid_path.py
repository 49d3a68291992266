"""A campaign through the SendGrid provider to a sink that answers 202: freeze, merge, requests, ledger."""

from __future__ import annotations

import sys

from benchmarks.sink import accepting
from benchmarks.stage import Figure, add_people, draft, house, measured, send_to_all, written
from sender.campaigns.freeze import freeze

PEOPLE = 1_000_000


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once; the figures are what the README quotes."""
    with (
        accepting() as host,
        house("sendgrid", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database,
    ):
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
        frozen = draft(database, "everybody", "sendgrid")
        with measured() as freezing, database.engine.begin() as connection:
            freeze(connection, frozen, batch_size=1000)
        figures = [
            Figure("freeze, values included", people, freezing["seconds"], "10 s a million"),
            send_to_all(
                database, "sendgrid", "SendGrid path, freeze included", people, "40 s a million, CPU under 60 s"
            ),
        ]
    written("sendgrid_path", figures)
    return figures


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
