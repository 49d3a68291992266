"""CPU of commands that people wait for, each in a process of its own, with the embedded database already running."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.stage import Figure, add_people, house, measured, send_to_all, written
from daisychain.database import Database
from newsletters.compose.starter import start_newsletter
from newsletters.toolkit_store.store import shipped_toolkit

TOOLKIT = "community-makes-us"
PEOPLE = 1_000
LINKS = 3_000
HEAD = f"---\nsubject: Links\npreheader: Many\ntoolkit: {TOOLKIT}\n---\n"
RUNS = 3  # the quickest counts: other programs on the machine only ever add to it
COMMANDS = {
    "campaign status 1": "0.5 s of CPU",
    "campaign list": "0.5 s of CPU",
    "list show everybody": "0.5 s of CPU",
    "report show 1": "0.6 s of CPU",
    "newsletter check may.md": "",
    "newsletter check links.md": "5 s of CPU",  # exit code 1: so many links make a mail too large
    "doctor": "0.5 s of CPU",
}


def main() -> list[Figure]:
    """Run each command on a campaign that was sent."""
    with house("commands") as database:
        with database.engine.begin() as connection:
            add_people(connection, "everybody", PEOPLE)
        send_to_all(database, "outbox", "send", PEOPLE, "")
        document = database.settings.home / "may.md"
        start_newsletter(document, shipped_toolkit(TOOLKIT), TOOLKIT, "bulletin")
        links = "\n".join(f"- [Page {number}](https://charity.org.uk/page/{number})" for number in range(LINKS))
        document.with_name("links.md").write_text(f"{HEAD}{links}\n", encoding="utf-8")
        figures = [_quickest(database, command, aim) for command, aim in COMMANDS.items()]
    written("commands", figures)
    return figures


def _quickest(database: Database, command: str, aim: str) -> Figure:
    home = database.settings.home
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAISYCHAIN_")}
    environment |= {
        "DAISYCHAIN_HOME": str(home), "DAISYCHAIN_TEST_MODE": "1", "PYTHONPATH": str(Path(__file__).parent.parent),
    }  # fmt: skip
    runs = []
    for _ in range(RUNS):
        with measured() as found:
            done = subprocess.run(
                [sys.executable, "-m", "daisychain", *command.split()],
                cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        assert done.returncode in (0, 1), f"{command}: {done.returncode}"
        runs.append(found)
    best = min(runs, key=lambda run: run["cpu"])
    return Figure(command, 1, best["seconds"], aim, cpu_seconds=best["cpu"])


if __name__ == "__main__":
    main()
