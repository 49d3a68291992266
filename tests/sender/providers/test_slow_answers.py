"""A provider that answers a byte at a time, or not to the end: the whole answer has a deadline, and a 202 counts."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from daisychain.errors import ProviderError
from daisychain.settings import Settings
from sender.providers.provider import Outcome, Verdict
from sender.providers.retry_times import when_to_return
from sender.providers.sendgrid import SendGrid
from tests.sender.letters import PUBLIC, email, mailing, people

TIMEOUT, PAUSE = 0.4, 0.1
# A machine with other work may be late; the answers below would take minutes, or for ever.
AT_MOST = 90
OK = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m1\r\n"
Answer = Callable[[socket.socket], None]


@contextmanager
def answering(answer: Answer, *, read: bool = True) -> Iterator[str]:
    """A server that answers each request by `answer`; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=[connection], daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if read:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65_536)
                head, _, body = request.partition(b"\r\n\r\n")
                length = int(dict(line.split(b": ") for line in head.split(b"\r\n")[1:]).get(b"Content-Length", 0))
                while len(body) < length:
                    body += connection.recv(65_536)
            answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def dripping(beginning: bytes, rest: bytes) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.sendall(beginning)
        for byte in rest * 1_000:
            time.sleep(PAUSE)
            connection.sendall(bytes([byte]))

    return answer


def breaking_off(answer: bytes, *, reset: bool = False) -> Answer:
    def say(connection: socket.socket) -> None:
        connection.sendall(answer)
        if reset:  # after the answer was read, so that it is not lost with the connection
            time.sleep(PAUSE)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return say


def settings(url: str, folder: Path) -> Settings:
    return Settings(home=folder, public_url=PUBLIC, sendgrid_api_key="SG.x", sendgrid_api_host=url, test_mode=True)


def sent(url: str, folder: Path, *, filler: str = "") -> Outcome:
    begun = time.monotonic()
    outcome = SendGrid(settings(url, folder), timeout=TIMEOUT).send(mailing(email(filler=filler)), people(3), "attempt")
    assert time.monotonic() - begun < AT_MOST
    return outcome


DRIPS = {
    "the status line": (dripping(b"", b"HTTP/1.1 202 Accepted"), Verdict.UNCERTAIN),
    "the headers": (dripping(OK + b"X-A: ", b"a"), Verdict.UNCERTAIN),
    "one header after the other": (dripping(OK, b"X-A: a\r\n"), Verdict.UNCERTAIN),
    "interim answers": (dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), Verdict.UNCERTAIN),
    "the body of a yes": (dripping(OK + b"Content-Length: 9000\r\n\r\n", b"a"), Verdict.ACCEPTED),
    "a body without an end": (dripping(OK + b"\r\n", b"a"), Verdict.ACCEPTED),
    "chunks without an end": (dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"), Verdict.ACCEPTED),
    "the body of an error": (dripping(b"HTTP/1.1 500 Oh\r\nContent-Length: 9000\r\n\r\n", b"a"), Verdict.UNCERTAIN),
    "the body of a no": (dripping(b"HTTP/1.1 401 No\r\nContent-Length: 9000\r\n\r\n", b"a"), Verdict.REFUSED_ACCOUNT),
}


@pytest.mark.parametrize("what", DRIPS)
def test_an_answer_of_one_byte_at_a_time_ends_at_the_deadline(what: str, tmp_path: Path) -> None:
    answer, verdict = DRIPS[what]
    with answering(answer) as url:
        assert sent(url, tmp_path).verdict is verdict


def test_a_provider_that_does_not_read_the_request_is_given_up(tmp_path: Path) -> None:
    with answering(lambda _: time.sleep(AT_MOST), read=False) as url:
        assert sent(url, tmp_path, filler="word " * 4_000_000).verdict is Verdict.UNCERTAIN


def test_a_tls_handshake_of_one_byte_at_a_time_took_nothing(tmp_path: Path) -> None:
    with answering(dripping(b"\x16\x03\x03\x40\x00", b"\x02"), read=False) as url:
        assert sent(url.replace("http:", "https:"), tmp_path).verdict is Verdict.RETRY


CUT = b"Content-Length: 900\r\n\r\n{"
ENDS = {
    "a yes": (OK + CUT, Verdict.ACCEPTED),
    "a yes in chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", Verdict.ACCEPTED),
    "a yes in no chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", Verdict.ACCEPTED),
    "a no": (b"HTTP/1.1 401 No\r\n" + CUT, Verdict.REFUSED_ACCOUNT),
    "a refusal": (b"HTTP/1.1 400 No\r\n" + CUT, Verdict.REFUSED_REQUEST),
    "a rate limit": (b"HTTP/1.1 429 Slow\r\n" + CUT, Verdict.RETRY),
    "an error": (b"HTTP/1.1 503 Oh\r\n" + CUT, Verdict.UNCERTAIN),
    "a status line": (b"HTTP/1.1 20", Verdict.UNCERTAIN),
    "nothing": (b"", Verdict.UNCERTAIN),
}


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("what", ENDS)
def test_an_answer_that_breaks_off_means_what_its_status_means(what: str, reset: bool, tmp_path: Path) -> None:
    answer, verdict = ENDS[what]
    with answering(breaking_off(answer, reset=reset)) as url:
        assert sent(url, tmp_path).verdict is verdict


def test_an_account_that_answers_one_byte_at_a_time_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sender.providers.sendgrid_account.TIMEOUT", TIMEOUT)
    with answering(dripping(b"HTTP/1.1 200 OK\r\n\r\n[", b" ")) as url, pytest.raises(ProviderError):
        SendGrid(replace(settings(url, tmp_path))).reach()


def in_seconds(headers: dict[str, str]) -> int | None:
    """Return in how many seconds to come back, to the nearest."""
    at = when_to_return(headers)
    return None if at is None else round((at - datetime.now(UTC)).total_seconds())


def date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("90", 90), (" 90 ", 90), ("86399", 86_399), ("0", None), ("-5", None), ("86401", None), ("9" * 11, None),
        ("9" * 5_000, None), ("1.5", None), ("1e3", None), ("٩٠", None), ("soon", None), ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("Fri, 31 Dec 9999 23:59:59 GMT", None), ("Fri, 99 Dec 2026", None),
    ],
)  # fmt: skip
def test_retry_after_in_seconds_is_followed_if_it_can_be_meant(value: str, seconds: int | None) -> None:
    assert in_seconds({"Retry-After": value}) == seconds


def test_retry_after_may_be_a_date_and_the_later_of_two_times_counts() -> None:
    for value in (date(100), date(100).replace("GMT", "-0000")):
        assert in_seconds({"Retry-After": value}) in (99, 100)
    reset = str(int(time.time()) + 500)
    assert in_seconds({"Retry-After": "90", "X-RateLimit-Reset": reset}) in (499, 500)
    assert in_seconds({"Retry-After": "900", "X-RateLimit-Reset": reset}) == 900
    assert in_seconds({"Retry-After": "900", "X-RateLimit-Reset": "nonsense"}) == 900
