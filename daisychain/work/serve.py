"""The front door for readers: granian serves the pages in processes of their own, and this process does the work.

All web processes take connections from one socket, which this process opens. So no connection is stuck with a process
that is busy or dead, and a second `serve` can't share the port, as it could with granian's own SO_REUSEPORT.
"""

from __future__ import annotations

import atexit
import errno
import logging
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from daisychain.errors import DaisychainError, DatabaseError
from daisychain.installation import Installation
from daisychain.processes import STOP_WITHIN, StopFlag, cores, ending_in_time

if TYPE_CHECKING:
    from granian.server.mp import MPServer

    from daisychain.jobs import Workers
    from daisychain.work.web_process import WebProcess

GLANCE = 0.2
BACKLOG = 1024  # connections that wait to be taken
# Seconds that a web process may take to finish its answers; then it is killed.
ENDS_WITHIN = 20
log = logging.getLogger("daisychain.serve")


def serve(
    installation: Installation,
    host: str,
    port: int,
    concurrency: int,
    processes: int | None,
    announce: Callable[[str], None],
) -> None:
    """Serve the pages and work the queues until stopped; `announce` is given the URL once it is known.

    It ends when the job slots end, as after the database was away. Raises DaisychainError if the port is in use.
    """
    from daisychain.logs import log_to_stderr
    from daisychain.secret import installation_secret
    from daisychain.work.worker import at_work
    from sender.events.hit_spool import HitSpool
    from sender.events.sendgrid_webhook import verification_key

    installation_secret(installation.settings)  # a missing one is named here, not in a child's traceback
    for key in installation.settings.sendgrid_webhook_keys:
        verification_key(key)
    with _listener(host, port) as listener:
        installation.database.engine.connect().close()
        announce(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}")
        log_to_stderr(installation.settings.log_format)
        logging.getLogger("_granian").setLevel(logging.WARNING)
        stop = StopFlag()
        server = _server(listener, processes or cores(), stop)
        with ending_in_time(stop), at_work(installation.database, concurrency=concurrency, stop=stop) as workers:
            threading.Thread(target=_end_with_slots, args=(workers, server), daemon=True).start()
            left = HitSpool(lambda: installation.database.engine, installation.settings.home)
            threading.Thread(target=left.take_up, daemon=True).start()
            try:
                # granian's own loader puts the current folder, which may hold anything, first on the path of modules.
                server.serve(target_loader=application, wrap_loader=False)  # type: ignore[arg-type]
            finally:
                stop.set()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            reason = str(error.strerror or error).partition(" (while")[0]  # Python repeats the address there
            raise DaisychainError(
                f"Can't listen at {host}, port {port}: {reason}.",
                hint="Use an address of this machine with --host: 127.0.0.1 for itself only, 0.0.0.0 for all networks.",
            ) from None
        raise DaisychainError(
            f"{host}:{port} is in use already.",
            hint="Another `daisychain serve` may be running: stop it, or choose another port with --port.",
        ) from None


def _server(listener: socket.socket, processes: int, stop: StopFlag) -> MPServer:
    """Return granian with so many web processes, all at one socket; a process that dies is replaced."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.net import SocketHolder  # type: ignore[attr-defined]
    from granian.server.mp import MPServer

    class OneSocket(MPServer):
        def _init_shared_socket(self) -> None:
            self._sso: Any = listener
            self._shd: Any = SocketHolder(listener.fileno(), False, BACKLOG)  # type: ignore[call-arg]

        def _respawn_workers(self, *arguments: Any, **options: Any) -> None:
            log.warning("a web process ended unexpectedly; another one takes its place")
            super()._respawn_workers(*arguments, **options)

        def signal_handler_interrupt(self, *arguments: Any) -> None:
            if not self.interrupt_signal:
                log.info("stopping: requests get at most %d s, mails %d s", ENDS_WITHIN, STOP_WITHIN)
                # No further batch is claimed meanwhile. A signal handler must not set it itself.
                threading.Thread(target=stop.set, daemon=True).start()
            super().signal_handler_interrupt(*arguments)  # type: ignore[no-untyped-call]

    # A process started later must not be a copy of this one, whose threads may hold any lock at that moment.
    multiprocessing.set_start_method("spawn", force=True)
    listener.setblocking(False)
    return OneSocket(
        "daisychain.work.serve:application", interface=Interfaces.RSGI, factory=True, websockets=False,
        workers=processes, respawn_failed_workers=True, respawn_interval=0.0, workers_kill_timeout=ENDS_WITHIN,
        # Paths hold members' keys, so the requests are not logged; and stdout is only for the URL.
        log_enabled=True, log_access=False, log_level=LogLevels.error,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},
    )  # fmt: skip


def application() -> WebProcess:
    """Return the pages in a web process, with settings and a database of its own."""
    from daisychain import clock
    from daisychain.database import Database
    from daisychain.logs import log_to_stderr
    from daisychain.settings import load_settings
    from daisychain.work.web_process import WebProcess
    from desk.admission import token_in
    from desk.app import create_desk
    from pages.app import create_app

    closers: list[Callable[[], None]] = []
    threading.Thread(target=_end_with_parent, args=(closers,), daemon=True).start()
    settings = load_settings()
    clock.use_zone(settings.time_zone)
    log_to_stderr(settings.log_format)
    database = Database(settings)
    database.for_work()
    desk, pages = create_desk(database), create_app(database)
    closers.append(pages.extensions["daisychain.hits"].close)
    with suppress(DatabaseError):
        _ = database.url  # joins the embedded server now: at the end, storing hits would start one that has died
    atexit.register(closers[0])  # called after the threads that answer have ended
    return WebProcess(pages, desk, partial(token_in, desk))


def _end_with_slots(workers: Workers, server: MPServer) -> None:
    """Stop the pages when the slots have ended, so that a service manager sees it and restarts this process."""
    while workers.running:
        time.sleep(GLANCE)
    if workers.error is not None:
        log.error("nothing is delivered any more (%s), so the pages stop too", type(workers.error).__name__)
    server.signal_handler_interrupt()  # type: ignore[no-untyped-call]


def _end_with_parent(closers: list[Callable[[], None]]) -> None:
    """End this process when the one that delivers is killed: otherwise it would keep the port from the next start."""
    if parent := multiprocessing.parent_process():
        parent.join()  # also if it died while this one was starting, as its end of a pipe is closed then
        for close in closers:
            close()
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
