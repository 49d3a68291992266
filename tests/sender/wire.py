"""A TCP connection to the database that a test can cut."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Self

LONGEST = 1 << 16


class Wire:
    """Forwards a loopback port to PostgreSQL's Unix socket; use as a context manager."""

    def __init__(self, database_socket: Path) -> None:
        self._target = str(database_socket / ".s.PGSQL.5432")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._is_cut = False
        self._guard = threading.Lock()

    def url(self, database: str) -> str:
        """Return the DAISYCHAIN_DATABASE_URL of this end."""
        return f"postgresql+psycopg://daisychain@127.0.0.1:{self._listener.getsockname()[1]}/{database}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listener.close()

    def cut(self) -> None:
        """Cut all connections, and refuse new ones."""
        with self._guard:
            self._is_cut = True
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def mend(self) -> None:
        """Let new connections through again."""
        self._is_cut = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # until it is closed
            while True:
                near, _ = self._listener.accept()
                with self._guard:
                    if self._is_cut:
                        near.close()
                        continue
                    far = socket.socket(socket.AF_UNIX)
                    far.connect(self._target)
                    self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_forward, args=pair, daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(LONGEST):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
