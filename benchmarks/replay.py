"""Replaying the events of 100,000 people while readers come: how long it takes, and the longest a reader waits."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from benchmarks.stage import Figure, house, measured, written
from benchmarks.webhook_intake import SLOTS, bodies, stage, take
from daisychain.database import Database
from daisychain.secret import installation_secret
from pages.app import create_app
from sender.events.replay import replay
from sender.links.keys import KeyKind, Keys
from tests.fakes.sendgrid_events import Signer

PEOPLE = 100_000


def main(people: int = PEOPLE) -> list[Figure]:
    """Replay twice, as a dry run and in earnest, beside one reader after another."""
    figures = []
    with house("replay", provider="sendgrid") as database:
        keys = Keys(installation_secret(database.settings))
        attempts = stage(database, people)
        signer = Signer()
        signed = [(body, signer.headers(body)) for body in bodies(keys, attempts)]
        with ThreadPoolExecutor(SLOTS) as slots:
            list(slots.map(lambda one: take(database, keys, signer.public_key, *one), signed))
        for write in (False, True):
            with _Readers(database, keys, list(attempts)) as readers, measured() as whole:
                done = replay(database, keys, datetime(2026, 1, 1, tzinfo=UTC), write=write)
            sys.stderr.write(f"{done}\n")
            step = f"replay{'' if write else ', dry run'}; the longest that one of {readers.came} readers waited"
            figures += [
                Figure(step, 1, readers.longest, "1 s"),
                Figure("  the replay itself", len(signed) * 1_000, whole["seconds"], "", cpu_seconds=whole["cpu"]),
            ]
    written("replay", figures)
    return figures


class _Readers:
    """Fetch a pixel and a link and unsubscribe, again and again, until the block ends."""

    def __init__(self, database: Database, keys: Keys, deliveries: list[int]) -> None:
        self._client = create_app(database).test_client()
        some = deliveries[:: max(1, len(deliveries) // 5_000)]
        self._keys = zip(*(keys.make(kind, some) for kind in (KeyKind.PIXEL, KeyKind.UNSUBSCRIBE)), strict=True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._come)
        self.came, self.longest = 0, 0.0

    def __enter__(self) -> _Readers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _come(self) -> None:
        for pixel, leave in self._keys:
            if self._over.is_set():
                return
            began = time.perf_counter()
            seen = self._client.get(f"/o/{pixel}.gif")
            left = self._client.post(f"/u/{leave}", data={"List-Unsubscribe": "One-Click"})
            assert (seen.status_code, left.status_code) == (200, 200)
            self.longest = max(self.longest, time.perf_counter() - began)
            self.came += 1


if __name__ == "__main__":
    for figure in main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE):
        sys.stdout.write(f"{figure}\n")
