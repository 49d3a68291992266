"""A campaign through the SMTP provider to Postfix's own sink: freeze, merge, MIME, one connection a slot, ledger."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from benchmarks.stage import Figure, add_people, house, send_to_all, written
from daisychain.work.serve import free_port

PEOPLE = 100_000


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once; raises SystemExit if there is no smtp-sink (Debian: it is in the package postfix)."""
    with sink() as port, house("smtp", provider="smtp", smtp_url=f"smtp://127.0.0.1:{port}") as database:
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
        figures = [send_to_all(database, "smtp", "SMTP path, freeze included", people, "3,000 mails/s")]
    written("smtp_path", figures)
    return figures


@contextmanager
def sink() -> Iterator[int]:
    """Start Postfix's sink; yields its port."""
    program = os.environ.get("SMTP_SINK") or shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise SystemExit("smtp-sink is not installed: install postfix, or name it in SMTP_SINK.")
    port = free_port("127.0.0.1")
    # As root it must be given another user to run as.
    who = ["-u", "nobody"] if os.geteuid() == 0 else []
    sink = subprocess.Popen([program, *who, f"inet:127.0.0.1:{port}", "1000"])
    try:
        while True:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=5)):
                break
            time.sleep(0.05)
        yield port
    finally:
        sink.kill()
        sink.wait()


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
