"""A campaign through a relay that cuts the connection at 2 % of all stages, beside the same relay without faults."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from benchmarks.smtp_path import sink
from benchmarks.stage import Figure, add_people, draft, house, measured, written
from sender.delivery.ledger import read_ledger
from sender.upkeep import foreground

PEOPLE = 20_000


def main(people: int = PEOPLE) -> list[Figure]:
    """Run it once without faults and once with, on lists of the same people."""
    figures = [_sent(people, failing) for failing in (0.0, 0.02)]
    written("failing_relay", figures)
    return figures


def _sent(people: int, failing: float) -> Figure:
    with (
        sink() as port,
        _cutting(port, failing) as cut_port,
        house("failing", provider="smtp", smtp_url=f"smtp://127.0.0.1:{cut_port}") as database,
    ):
        with database.engine.begin() as connection:
            add_people(connection, "everybody", people)
        campaign_id = draft(database, "everybody", "smtp")
        with measured() as whole:
            foreground.start(database, campaign_id)
            state = foreground.work_until_over(database, campaign_id)
        with database.engine.connect() as connection:
            ledger = read_ledger(connection, campaign_id)
        assert (state, ledger.balances, ledger.accepted + ledger.uncertain) == ("finished", True, people), ledger
        step = f"a relay that cuts {failing:.0%} of all stages, {ledger.uncertain} uncertain"
        return Figure(step, people, whole["seconds"], "100 mails/s", cpu_seconds=whole["cpu"])


@contextmanager
def _cutting(port: int, share: float) -> Iterator[int]:
    """A way to `port` that breaks off instead of passing on a `share` of the replies, the greeting included."""
    chance = random.Random(0)
    loop = asyncio.new_event_loop()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if replies and any(chance.random() < share for _ in range(data.count(b"\n"))):
                    break
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(passed_on(reader, back, False), passed_on(there, writer, True))

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
