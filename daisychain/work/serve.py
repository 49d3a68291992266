"""The front door for readers: granian serves the pages in a process of its own, and this process does the work."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from flask import Flask

from daisychain.installation import Installation
from daisychain.processes import StopFlag, ending_in_time

if TYPE_CHECKING:
    from granian.server.mp import MPServer

    from daisychain.jobs import Workers

THREADS, GLANCE = 8, 0.2
log = logging.getLogger("daisychain.serve")


def serve(installation: Installation, host: str, port: int, concurrency: int, announce: Callable[[str], None]) -> None:
    """Serve the pages and work the queues until stopped; `announce` is given the URL once it is known.

    It ends when the job slots end, as after the database was away.
    """
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from daisychain.logs import log_to_stderr
    from daisychain.secret import installation_secret
    from daisychain.work.worker import at_work
    from sender.events.sendgrid_webhook import verification_key

    installation_secret(installation.settings)  # a missing one is named here, not in a child's traceback
    for key in installation.settings.sendgrid_webhook_keys:
        verification_key(key)
    installation.database.engine.connect().close()
    port = port or free_port(host)
    announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")
    log_to_stderr(installation.settings.log_format)
    logging.getLogger("_granian").setLevel(logging.WARNING)
    server = Granian(
        "daisychain.work.serve:application", address=host, port=port, interface=Interfaces.WSGI, factory=True,
        workers=1, blocking_threads=THREADS, websockets=False, log_enabled=True,
        # Paths hold members' keys, so the requests are not logged; and stdout is only for the URL.
        log_access=False, log_level=LogLevels.error, log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
    )  # fmt: skip
    stop = StopFlag()
    with ending_in_time(stop), at_work(installation.database, concurrency=concurrency, stop=stop) as workers:
        threading.Thread(target=_end_with_slots, args=(workers, server), daemon=True).start()
        try:
            server.serve()
        finally:
            stop.set()


def application() -> Flask:
    """The pages, in granian's own process: settings and database are this process's own."""
    from daisychain import clock
    from daisychain.database import Database
    from daisychain.logs import log_to_stderr
    from daisychain.settings import load_settings
    from pages.app import create_app

    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    settings = load_settings()
    clock.use_zone(settings.time_zone)
    log_to_stderr(settings.log_format)
    database = Database(settings)
    database.for_work()
    return create_app(database)


def _end_with_slots(workers: Workers, server: MPServer) -> None:
    """Stop the pages when the slots have ended, so that a service manager sees it and restarts this process."""
    while workers.running:
        time.sleep(GLANCE)
    if workers.error is not None:
        log.error("nothing is delivered any more (%s), so the pages stop too", type(workers.error).__name__)
    server.signal_handler_interrupt()  # type: ignore[no-untyped-call]


def _end_with_parent(parent: int) -> None:
    """End this process when the one that delivers is killed: otherwise it would keep the port from the next start."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def free_port(host: str, wanted: int = 0) -> int:
    """A port of `host` that nobody listens at right now: the one that is wanted, if it is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        # As the server itself will ask for it: connections that are closing down do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError:
            return free_port(host)
        return int(probe.getsockname()[1])
