"""One connection serves one request after the other, and a request that its end meets is judged by what had left."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sender.providers import http
from sender.providers.provider import Outcome, Verdict
from sender.providers.sendgrid import SendGrid
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.fakes.smtp import certificate
from tests.sender.letters import email, mailing, people
from tests.sender.providers.test_slow_answers import settings
from tests.waiting import until

YES = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m1\r\nContent-Length: 0\r\n\r\n"


def read_request(connection: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        if not (piece := connection.recv(65_536)):
            raise ConnectionError
        request += piece
    head, _, body = request.partition(b"\r\n\r\n")
    length = int(dict(line.split(b": ") for line in head.split(b"\r\n")[1:])[b"Content-Length"])
    while len(body) < length:
        body += connection.recv(65_536)


def reset(connection: socket.socket) -> None:
    """Close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Server:
    """A server that says yes to the first request of each connection, and then does `then`."""

    def __init__(self, then: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._then, self._context = then, context
        self.connections = self.done = 0
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            stack.enter_context(connection)
            self.connections += 1
            read_request(connection)
            connection.sendall(YES)
            self._then(connection)
            self.done += 1


def again_and_again(connection: socket.socket) -> None:
    while True:
        read_request(connection)
        connection.sendall(YES)


def send(provider: SendGrid, *, filler: str = "") -> Outcome:
    return provider.send(mailing(email(filler=filler)), people(3), "attempt")


@contextmanager
def blind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a connection's end pass unnoticed, as if it came just after we looked."""
    with monkeypatch.context() as patch:
        patch.setattr(http._PlainConnection, "has_more", lambda _: False)
        yield


def idle(provider: SendGrid) -> list[http._PlainConnection]:
    (handler,) = {id(each): each for each in provider.opener.handlers if isinstance(each, http._Handler)}.values()
    return [connection for _, connection in handler._idle._waiting]


def ended(provider: SendGrid) -> bool:
    (connection,) = idle(provider)
    return bool(select.select([connection.sock], [], [], 0)[0])


@pytest.mark.parametrize("encrypted", [False, True])
def test_requests_one_after_the_other_share_a_connection(
    encrypted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusting = certificate(tmp_path)
    monkeypatch.setattr(http.ssl, "create_default_context", lambda: trusting)
    with Server(again_and_again, context if encrypted else None) as server:
        provider = SendGrid(settings(server.url, tmp_path))
        assert [send(provider).verdict for _ in range(5)] == [Verdict.ACCEPTED] * 5
        assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_replaced_unnoticed(tmp_path: Path) -> None:
    with Server(lambda connection: connection.close()) as server:
        provider = SendGrid(settings(server.url, tmp_path))
        for number in range(3):
            assert send(provider).verdict is Verdict.ACCEPTED
            until(lambda: ended(provider))
            assert server.connections == number + 1


def test_a_connection_that_idled_for_long_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "KEPT_FOR", 0.0)
    with Server(again_and_again) as server:
        provider = SendGrid(settings(server.url, tmp_path))
        assert [send(provider).verdict for _ in range(3)] == [Verdict.ACCEPTED] * 3
        assert server.connections == 3


def test_a_kept_connection_that_fails_before_the_body_is_retried_at_once_on_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(reset) as server:
        provider = SendGrid(settings(server.url, tmp_path))
        assert send(provider).verdict is Verdict.ACCEPTED
        until(lambda: ended(provider))
        with blind(monkeypatch):
            outcome = send(provider)
        assert outcome.verdict is Verdict.RETRY
        assert outcome.pause is not None
        assert outcome.pause.total_seconds() <= 0
        assert send(provider).verdict is Verdict.ACCEPTED
        assert server.connections == 2


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
def test_a_kept_connection_that_fails_later_leaves_its_people_uncertain(answer: bytes, tmp_path: Path) -> None:
    def end_in_the_middle(connection: socket.socket) -> None:
        read = 0
        while read < 1_000_000:
            read += len(connection.recv(65_536))
        connection.sendall(answer)
        reset(connection)

    with Server(end_in_the_middle) as server:
        provider = SendGrid(settings(server.url, tmp_path))
        assert send(provider).verdict is Verdict.ACCEPTED
        assert send(provider, filler="word " * 4_000_000).verdict is Verdict.UNCERTAIN
        assert server.connections == 1


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(status=429), Fault(status=400), Fault("reset"), Fault("reset", taken=True)]
)
def test_a_fault_does_not_spoil_the_request_after_it(fault: Fault, tmp_path: Path) -> None:
    with FakeSendGrid(key="SG.x") as sendgrid:
        provider = SendGrid(settings(sendgrid.url, tmp_path))
        sendgrid.script(None, fault)
        verdicts = [send(provider).verdict for _ in range(3)]
    assert (verdicts[0], verdicts[2]) == (Verdict.ACCEPTED, Verdict.ACCEPTED)
    assert verdicts[1] is not Verdict.ACCEPTED
