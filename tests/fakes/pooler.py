"""A connection pooler that lends its one session for a transaction at a time, as PgBouncer does in transaction mode."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path
from typing import Self

_ENCRYPTION = {80877103, 80877104}  # SSLRequest and GSSENCRequest
_ASKS = {b"Q", b"S"}  # a simple query, or Sync: then the server answers up to ReadyForQuery


class TransactionPooler:
    """Listens on loopback and shares one session on PostgreSQL's Unix socket; use as a context manager."""

    def __init__(self, database_socket: Path) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(str(database_socket / ".s.PGSQL.5432"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._session = threading.Lock()
        self._greeting = b""

    def url(self, database: str) -> str:
        """Return the DAISYCHAIN_DATABASE_URL of the pooler."""
        port = self._listener.getsockname()[1]
        return f"postgresql+psycopg://daisychain@127.0.0.1:{port}/{database}?sslmode=disable"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # until it is closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, EOFError):
            self._greet(client)
            while True:
                with self._session_of(client) as first:
                    self._relay(client, first)

    def _greet(self, client: socket.socket) -> None:
        """Answer a client's start-up like the server answered the first one's."""
        while True:
            length = _exactly(client, 4)
            startup = length + _exactly(client, struct.unpack(">I", length)[0] - 4)
            if struct.unpack(">I", startup[4:8])[0] not in _ENCRYPTION:
                break
            client.sendall(b"N")
        with self._session:
            if not self._greeting:
                self._server.sendall(startup)
                self._greeting = b"".join(self._answer())
        client.sendall(self._greeting)

    @contextlib.contextmanager
    def _session_of(self, client: socket.socket):  # type: ignore[no-untyped-def]
        first = _message(client)
        with self._session:
            yield first

    def _relay(self, client: socket.socket, message: bytes) -> None:
        """Pass on a client's messages until its transaction ends."""
        while True:
            if message[:1] == b"X":
                raise EOFError
            self._server.sendall(message)
            if message[:1] in _ASKS:
                answer = self._answer()
                client.sendall(b"".join(answer))
                if answer[-1][5:] == b"I":
                    return
            message = _message(client)

    def _answer(self) -> list[bytes]:
        messages = [_message(self._server)]
        while messages[-1][:1] not in (b"Z", b"E") or (messages[-1][:1] == b"E" and self._greeting):
            messages.append(_message(self._server))
        return messages


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack(">I", head[1:])[0] - 4)


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
