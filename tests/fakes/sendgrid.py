"""A fake SendGrid: as strict as the documentation, fails in every way the real one can, and records everything.

In a test it is a context manager. For tests that kill processes it is a process of its own
(`python -m tests.fakes.sendgrid`), controlled over HTTP:

    POST /v3/mail/send          as SendGrid
    GET  /v3/scopes             the key's scopes
    POST /v3/logs               a search of the accepted mails, as in its log; GET /v3/logs/ID returns one of them
    GET  /v3/suppression/LIST   the addresses in `lists`
    GET  /v3/whitelabel/…       and the other paths of sendgrid_account: the setup in `account`
    GET  /ls/click, /wf/open    tracked links and pixel; each also makes an event
    GET  /_fake/state           {"requests": […], "copies": {address: n}, "public_key": …}
    GET  /_fake/mail?address=A  the MIME of the last copy for A
    POST /_fake/faults          [fault or null, …], one for each of the next requests
    POST /_fake/events          {"kinds": ["processed", "delivered"]} about every mail, posted to the webhook
"""

from __future__ import annotations

import argparse
import json
import secrets
import socket
import struct
import sys
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.sendgrid_account import WANTED, Account
from tests.fakes.sendgrid_events import Event, Signer, click, event
from tests.fakes.sendgrid_logs import LISTS, entry, page, search
from tests.fakes.sendgrid_mail import Mail, token_parts
from tests.fakes.sendgrid_rules import MAX_BODY, Problem, problems

GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
EVENTS_PER_POST = 500


@dataclass(frozen=True)
class Fault:
    """A failure of one request: whether its mails are accepted anyway (`taken`), and the answer.

    `reset` breaks the connection, before the body is read unless the mails are accepted. `hold` delays the answer for
    `seconds` or until the fake stops; `late` delays the normal answer until `released` is set.
    """

    answer: Literal["status", "reset", "hold", "late"] = "status"
    status: int = 500
    taken: bool = False
    message: str = "internal error"
    place: str | None = None  # the `field` of the error
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 60.0


@dataclass
class Request:
    """One request to /v3/mail/send, and its result."""

    raw: bytes
    headers: dict[str, str]
    status: int = 0
    taken: bool = False
    message_id: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def body(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.raw)
        return decoded


class FakeSendGrid:
    """The fake; use it as a context manager, with its `url` as SENDGRID_API_HOST."""

    def __init__(self, *, key: str = "SG.test", webhook: str = "", port: int = 0, suspended: bool = False) -> None:
        self.key, self.webhook, self.suspended = key, webhook, suspended
        self.signer = Signer()
        self.delay = 0.0  # seconds before each answer to a request, whose mails are accepted before it
        self.scopes = ["mail.send", "sender_verification_eligible"]
        self.account = Account()
        self.lists: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
        self.refusing: dict[str, int] = {}  # path prefix → status to answer with
        self.asked: list[str] = []  # the requested paths, except mail/send
        self.requests: list[Request] = []
        self.mails: list[Mail] = []
        self.pending: list[Event] = []
        self.stopping, self.released = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self._faults: deque[Fault | None] = deque()
        self._server = _Server(("127.0.0.1", port), self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def public_key(self) -> str:
        """Return the webhook's public key, base64 DER."""
        return self.signer.public_key

    @property
    def copies(self) -> Counter[str]:
        """Count the accepted mails by address."""
        with self.lock:
            return Counter(mail.address for mail in self.mails)

    def mail(self, address: str) -> Mail:
        """Return the last mail to `address`; raises LookupError."""
        with self.lock:
            found = [mail for mail in self.mails if mail.address == address]
        if not found:
            raise LookupError(address)
        return found[-1]

    def script(self, *faults: Fault | None) -> None:
        """Queue faults for the next requests, in order; None means a normal answer."""
        with self.lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Drop the faults that no request has met yet."""
        with self.lock:
            self._faults.clear()

    def post(self, events: Sequence[Event]) -> list[int]:
        """Post events to the webhook in signed batches; returns the statuses of the answers."""
        batches = [events[start : start + EVENTS_PER_POST] for start in range(0, len(events), EVENTS_PER_POST)]
        return [self.signer.post(self.webhook, batch) for batch in batches]

    def post_pending(self) -> list[int]:
        """Post the opens and clicks since the last call."""
        with self.lock:
            events, self.pending = self.pending, []
        return self.post(events)

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self._faults.popleft() if self._faults else None

    def record(self, request: Request) -> None:
        with self.lock:
            self.requests.append(request)

    def take(self, request: Request) -> None:
        """Accept a valid request's mails, unless it is for the sandbox."""
        body = request.body
        request.message_id, request.taken = secrets.token_urlsafe(16), True
        with self.lock:
            for personalization in body["personalizations"]:
                self.mails.append(Mail(len(self.mails), body, personalization, request.message_id, self.url))

    def state(self) -> dict[str, Any]:
        """Return the state for a test in another process."""
        requests = [
            {
                "status": request.status,
                "taken": request.taken,
                "message_id": request.message_id,
                "problems": [problem._asdict() for problem in request.problems],
            }
            for request in self.requests
        ]
        return {"requests": requests, "copies": dict(self.copies), "public_key": self.public_key}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], fake: FakeSendGrid) -> None:
        self.fake = fake
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        # Many tests let clients disappear; anything else is a bug.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    # As SendGrid does, it keeps a connection for the next request.
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        if self.path.startswith("/_fake/"):
            self._order(self.path.removeprefix("/_fake/"))
        elif self.path == "/v3/mail/send":
            self._send()
        elif self.path == "/v3/logs":
            self._search()
        else:
            self._refuse(404, [Problem("Not Found", None)])

    def do_GET(self) -> None:
        parts, fake = urlsplit(self.path), self.server.fake
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            if parts.path == "/_fake/state":
                self._json(fake.state())
            elif parts.path == "/_fake/mail":
                self._answer(200, fake.mail(query["address"]).message.as_bytes(), {"Content-Type": "message/rfc822"})
            elif parts.path in ("/ls/click", "/wf/open"):
                self._hit(parts.path, query["upn"])
            elif parts.path == "/v3/scopes":
                self._scopes()
            elif parts.path in WANTED:
                self._set_up(parts.path, query)
            elif parts.path.startswith(("/v3/logs/", "/v3/suppression/")):
                self._read_log_or_list(unquote(parts.path), query)
            elif parts.path == "/v3/mail/send":
                self._refuse(405, [Problem("method not allowed", None)])
            else:
                self._refuse(404, [Problem("Not Found", None)])
        except (LookupError, ValueError, StopIteration):
            self._refuse(404, [Problem("Not Found", None)])

    def _scopes(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.server.fake.key}":
            return self._refuse(401, [Problem("authorization required", None)])
        return self._json({"scopes": self.server.fake.scopes})

    def _set_up(self, path: str, query: dict[str, str]) -> None:
        fake = self.server.fake
        if not self._may_ask():
            return None
        if WANTED[path] and WANTED[path] not in fake.scopes:
            return self._refuse(403, [Problem("access forbidden", None)])
        return self._json(fake.account.answer(path, query))

    def _may_ask(self) -> bool:
        fake = self.server.fake
        fake.asked.append(urlsplit(self.path).path)
        status = next((status for path, status in fake.refusing.items() if self.path.startswith(path)), 0)
        if self.headers.get("Authorization") != f"Bearer {fake.key}":
            status = 401
        if status:
            self._refuse(status, [Problem("access forbidden", None)])
        return not status

    def _search(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if not self._may_ask():
            return
        try:
            self._json({"messages": search(self.server.fake.mails, order["query"], order.get("limit", 10))})
        except ValueError as error:
            self._refuse(400, [Problem(f"invalid query: {error}", "query")])

    def _read_log_or_list(self, path: str, query: dict[str, str]) -> None:
        fake, name = self.server.fake, path.rpartition("/")[2]
        if not self._may_ask():
            return None
        if path.startswith("/v3/suppression/"):
            return self._json(page(fake.lists[name], query))
        return self._json(next(entry(mail) for mail in fake.mails if mail.sg_message_id == name))

    def _send(self) -> None:
        fake, fault = self.server.fake, self.server.fake.next_fault()
        if fault and fault.answer == "reset" and not fault.taken:
            fake.record(Request(b"", dict(self.headers)))
            return self._reset()
        length = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(length)
        if len(raw) < length:  # the sender died while sending: nothing is accepted
            return None
        request = Request(raw, dict(self.headers))
        fake.record(request)
        if fault is None or fault.taken:
            request.status, request.problems = self._judge(request)
            if request.status == 202:
                fake.take(request)
        fake.stopping.wait(fake.delay)
        if fault and fault.answer == "late":
            fake.released.wait(fault.seconds)
        if fault is None or fault.answer == "late":
            return self._answer_normally(request)
        request.status = fault.status
        return self._fail(fault)

    def _judge(self, request: Request) -> tuple[int, list[Problem]]:
        fake = self.server.fake
        if self.headers.get("Authorization") != f"Bearer {fake.key}":
            return 401, [Problem("The provided authorization grant is invalid, expired, or revoked", None)]
        if fake.suspended:
            return 401, [Problem("Maximum credits exceeded", None)]
        if self.headers.get_content_type() != "application/json":
            return 415, [Problem("Content-Type should be application/json.", None)]
        if len(request.raw) >= MAX_BODY:
            return 413, [Problem("The size of the request is too large.", None)]
        try:
            body = request.body
        except ValueError:
            return 400, [Problem("Bad Request", None)]
        found = problems(body)
        sandbox = not found and body.get("mail_settings", {}).get("sandbox_mode", {}).get("enable")
        return (400, found) if found else (200 if sandbox else 202, [])

    def _answer_normally(self, request: Request) -> None:
        if request.status >= 400:
            self._refuse(request.status, request.problems)
        else:
            self._answer(request.status, b"", {"X-Message-Id": request.message_id} if request.taken else {})

    def _fail(self, fault: Fault) -> None:
        if fault.answer == "reset":
            return self._reset()
        if fault.answer == "hold":
            self.server.fake.stopping.wait(fault.seconds)
            return self._reset()
        return self._refuse(fault.status, [Problem(fault.message, fault.place)], fault.headers)

    def _hit(self, path: str, token: str) -> None:
        fake = self.server.fake
        number, place = token_parts(token)
        mail = fake.mails[number]
        reader: dict[str, Any] = {
            "ip": self.client_address[0],
            "useragent": self.headers.get("User-Agent", ""),
        }
        if path == "/ls/click":
            made, answer = click(mail, place, **reader), (302, b"", {"Location": mail.links[place]})
        else:
            made, answer = event(mail, "open", **reader), (200, GIF, {"Content-Type": "image/gif"})
        with fake.lock:
            fake.pending.append(made)
        self._answer(*answer)

    def _order(self, what: str) -> None:
        fake = self.server.fake
        order = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        if what == "faults":
            fake.script(*(Fault(**fault) if fault else None for fault in order))
            self._json({"faults": len(order)})
        elif what == "events":
            events = [event(mail, kind) for mail in fake.mails for kind in order["kinds"]]
            self._json({"events": len(events), "statuses": fake.post(events)})
        else:
            self._refuse(404, [Problem("Not Found", None)])

    def _reset(self) -> None:
        # With a linger time of zero, closing sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _refuse(self, status: int, found: Sequence[Problem], headers: dict[str, str] | None = None) -> None:
        errors = [{**problem._asdict(), "help": None} for problem in found[:20]]
        body = json.dumps({"errors": errors}).encode()
        self._answer(status, body, {"Content-Type": "application/json", **(headers or {})})

    def _json(self, value: object) -> None:
        self._answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: all requests are in `requests`."""


def fault_json(fault: Fault) -> dict[str, Any]:
    """Return a fault in the form that /_fake/faults accepts."""
    return asdict(fault)


def main() -> None:
    """Serve until killed; the first line of stdout is the URL."""
    parser = argparse.ArgumentParser(description="A fake SendGrid.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="SG.test")
    parser.add_argument("--webhook", default="")
    options = parser.parse_args()
    with FakeSendGrid(key=options.key, webhook=options.webhook, port=options.port) as fake:
        sys.stdout.write(f"{fake.url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
