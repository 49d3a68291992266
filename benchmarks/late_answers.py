"""A campaign to a provider that answers after 0.3 s, as SendGrid does: what a charity waits for."""

from __future__ import annotations

import sys

from benchmarks.sink import accepting
from benchmarks.stage import Figure, add_people, house, send_to_all, written

PEOPLE = 200_000
ANSWERS_AFTER = 0.3


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once."""
    with (
        accepting(ANSWERS_AFTER) as host,
        house("late", provider="sendgrid", sendgrid_api_key="SG.sink", sendgrid_api_host=host) as database,
    ):
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
        step = f"SendGrid path, answers after {ANSWERS_AFTER} s"
        figures = [send_to_all(database, "sendgrid", step, people, "4 s for 200,000")]
    written("late_answers", figures)
    return figures


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
