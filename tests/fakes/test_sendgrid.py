"""The stand-in for SendGrid is as strict as the service's documented rules, and as faithful."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook

from tests.fakes import sendgrid_events as events
from tests.fakes.sendgrid import FakeSendGrid, Fault, fault_json

Body = dict[str, Any]
BODY: Body = {
    "personalizations": [
        {
            "to": [{"email": "ann@mail.org", "name": "Ann"}],
            "substitutions": {"d1H0z": "Ann & co"},
            "headers": {"List-Unsubscribe": "<https://news.daisies.org/u/abc>"},
            "custom_args": {"daisychain_delivery": "abc"},
        },
        {"to": [{"email": "bob@mail.org"}], "substitutions": {"d1H0z": "Bob"}},
    ],
    "from": {"email": "news@daisies.org", "name": "Daisies"},
    "subject": "For d1H0z",
    "content": [
        {"type": "text/plain", "value": "Dear d1H0z"},
        {"type": "text/html", "value": '<body>Dear d1H0z <a href="https://a.org/?x=1&amp;y=2">A</a></body>'},
    ],
    "custom_args": {"daisychain_attempt": "t1"},
    "tracking_settings": {"click_tracking": {"enable": False}, "open_tracking": {"enable": False}},
}


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as fake:
        yield fake


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer; redirects are not followed."""
    request = urllib.request.Request(url, data=body, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), events._NoRedirect)
    try:
        answer = opener.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, dict(answer.headers), answer.read()


def send(fake: FakeSendGrid, body: object, key: str = "SG.test", kind: str = "application/json") -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    status, _, answer = fetch(f"{fake.url}/v3/mail/send", raw, **headers)
    return status, json.loads(answer) if answer else None


def changed(change: Callable[[Body], object]) -> Body:
    body = copy.deepcopy(BODY)
    change(body)
    return body


def first(body: Body) -> Body:
    return body["personalizations"][0]  # type: ignore[no-any-return]


ANN = {"email": "ann@mail.org"}
REFUSED: dict[str, tuple[Callable[[Body], object], str | None]] = {
    "no personalizations": (lambda b: b.update(personalizations=[]), "personalizations"),
    "1,001 personalizations": (lambda b: b.update(personalizations=[first(b)] * 1001), "personalizations"),
    "1,001 recipients": (
        lambda b: first(b).update(to=[{"email": f"p{n}@mail.org"} for n in range(1000)]),
        "personalizations",
    ),
    "no recipient": (lambda b: first(b).update(to=[]), "personalizations.0.to"),
    "a bad address": (lambda b: first(b).update(to=[{"email": "ann@"}]), "personalizations.0.to.0.email"),
    "an address twice": (lambda b: first(b).update(cc=[ANN]), "personalizations.0"),
    "no from": (lambda b: b.pop("from"), "from.email"),
    "no subject": (lambda b: b.pop("subject"), "subject"),
    "no content": (lambda b: b.pop("content"), "content"),
    "an empty text": (lambda b: b["content"][0].update(value=""), "content.0.value"),
    "a charset in the type": (
        lambda b: b["content"][1].update(type="text/html; charset=x"),
        "content.1.type",
    ),
    "html before text": (lambda b: b["content"].reverse(), "content"),
    "a substitution of 1": (
        lambda b: first(b)["substitutions"].update(x=1),
        "personalizations.0.substitutions",
    ),
    "151 substitutions": (
        lambda b: first(b).update(substitutions={f"t{n}": "" for n in range(151)}),
        "personalizations.0.substitutions",
    ),
    "10,001 bytes of substitutions": (
        lambda b: first(b).update(substitutions={"t": "é" * 5000}),
        "personalizations.0.substitutions",
    ),
    "a tag with a space": (
        lambda b: first(b).update(substitutions={"a b": ""}),
        "personalizations.0.substitutions",
    ),
    "a custom argument of 1": (lambda b: b["custom_args"].update(x=1), None),
    "no custom argument": (lambda b: b.update(custom_args={}), "custom_args"),
    "custom arguments too long": (lambda b: b.update(custom_args={"x": "y" * 10_000}), "custom_args"),
    "a reserved header": (lambda b: b.update(headers={"Reply-to": "x"}), "headers.Reply-to"),
    "a header of two lines": (lambda b: b.update(headers={"X-A": "x\r\nB: y"}), "headers.X-A"),
    "11 categories": (lambda b: b.update(categories=[str(n) for n in range(11)]), "categories"),
    "a category twice": (lambda b: b.update(categories=["a", "a"]), "categories"),
    "a category that is not ASCII": (lambda b: b.update(categories=["é"]), "categories"),
    "a misspelt key": (lambda b: b.update(catgories=["a"]), "catgories"),
    "a misspelt inner key": (lambda b: first(b).update(subs={}), "personalizations.0.subs"),
    "a setting that is no boolean": (
        lambda b: b["tracking_settings"]["open_tracking"].update(enable="no"),
        "tracking_settings.open_tracking.enable",
    ),
    "four days ahead": (lambda b: b.update(send_at=2**33), "send_at"),
    "two ways to reply": (lambda b: b.update(reply_to=ANN, reply_to_list=[ANN]), "reply_to"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_documented_rules_forbid_is_refused_by_the_name_of_its_field(fake: FakeSendGrid, case: str) -> None:
    change, field = REFUSED[case]
    status, answer = send(fake, changed(change))
    assert status == 400
    assert field in [error["field"] for error in answer["errors"]]
    assert not fake.mails


@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (401, {"body": BODY, "key": "SG.wrong"}),
        (415, {"body": BODY, "kind": "text/plain"}),
        (400, {"body": b"{"}),
        (400, {"body": []}),
        (413, {"body": b" " * (30 * 1024 * 1024)}),
        (200, {"body": {**BODY, "mail_settings": {"sandbox_mode": {"enable": True}}}}),
    ],
)
def test_requests_that_mail_nobody_have_their_own_statuses(
    fake: FakeSendGrid, status: int, arguments: dict[str, Any]
) -> None:
    assert send(fake, **arguments)[0] == status
    assert not fake.mails


def test_an_accepted_request_becomes_one_real_mail_for_each_person(fake: FakeSendGrid) -> None:
    assert send(fake, BODY)[0] == 202
    assert fake.copies == {"ann@mail.org": 1, "bob@mail.org": 1}
    message = message_from_bytes(fake.mail("ann@mail.org").message.as_bytes(), policy=default)
    assert message["Subject"] == "For Ann & co"
    assert message["List-Unsubscribe"] == "<https://news.daisies.org/u/abc>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == "Dear Ann & co"


def test_tracked_links_and_the_pixel_lead_on_and_make_events(fake: FakeSendGrid) -> None:
    body = changed(lambda b: b.pop("tracking_settings"))
    body["content"][1]["value"] = (
        '<body><a clicktracking="off" href="https://a.org/u">U</a><a href="https://a.org/?x=1&amp;y=2">A</a></body>'
    )
    send(fake, body)
    mail = fake.mail("bob@mail.org")
    assert 'href="https://a.org/u"' in mail.html
    link = mail.html.split(f'href="{fake.url}')[1].split('"')[0]
    pixel = mail.html.split(f'src="{fake.url}')[1].split('"')[0]
    status, headers, _ = fetch(fake.url + link)
    assert (status, headers["Location"]) == (302, "https://a.org/?x=1&y=2")
    assert fetch(fake.url + pixel)[2].startswith(b"GIF8")
    click, opened = fake.pending
    assert (click["event"], click["url_offset"]) == ("click", {"index": 0, "type": "html"})
    assert (opened["event"], opened["daisychain_attempt"]) == ("open", "t1")


def test_batches_of_events_carry_a_signature_that_the_official_helper_verifies(fake: FakeSendGrid) -> None:
    received: list[tuple[bytes, dict[str, str]]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.rfile.read(int(self.headers["Content-Length"])), dict(self.headers)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        send(fake, BODY)
        fake.webhook = f"http://127.0.0.1:{server.server_port}/webhooks/sendgrid"
        assert fake.post([events.event(mail, "processed") for mail in fake.mails] * 300) == [204, 204]
        server.shutdown()
    body, headers = received[0]
    helper = EventWebhook(fake.public_key)
    assert helper.verify_signature(body.decode(), headers[events.SIGNATURE], headers[events.TIMESTAMP])
    assert not helper.verify_signature(body.decode().strip(), headers[events.SIGNATURE], headers[events.TIMESTAMP])
    assert len(json.loads(body)) == 500


@pytest.mark.parametrize("kind", events.EXTRA)
def test_events_carry_our_arguments_flat_beside_their_own_fields(fake: FakeSendGrid, kind: str) -> None:
    send(fake, {**BODY, "categories": ["bulletin"]})
    made = events.event(fake.mails[0], kind, at=1_700_000_000)
    assert made["daisychain_delivery"] == "abc"
    assert made["timestamp"] == 1_700_000_000
    assert made["category"] == "bulletin"
    assert made["sg_message_id"].startswith(fake.mails[0].message_id + ".")
    assert ("smtp-id" in made) == (kind in events.DELIVERY_KINDS)


def test_the_awkward_events_lack_or_repeat_what_real_ones_do(fake: FakeSendGrid) -> None:
    send(fake, {**BODY, "categories": ["bulletin"]})
    mail = fake.mails[0]
    bounce = events.asynchronous_bounce(mail)
    assert bounce["email"] == "ann@mail.org"
    assert not {"sg_message_id", "daisychain_delivery", "daisychain_attempt"} & bounce.keys()
    assert "email" not in events.account_status_change()
    assert events.machine_open(mail)["sg_machine_open"] is True
    assert events.blocked(mail)["type"] == "blocked"
    opened = events.event(mail, "open", category_as_list=True)
    assert opened["category"] == ["bulletin"]
    assert events.again(opened) == opened
    assert events.again(opened, same_id=False)["sg_event_id"] != opened["sg_event_id"]
    several = [events.event(mail, kind) for kind in events.EXTRA]
    assert events.shuffled(several, seed=1) == events.shuffled(several, seed=1) != several


@pytest.mark.processes
def test_as_a_process_it_is_scripted_and_asked_over_http() -> None:
    command = [sys.executable, "-m", "tests.fakes.sendgrid", "--key", "SG.other"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            fetch(f"{url}/_fake/faults", json.dumps([fault_json(Fault(status=503, taken=True))]).encode())
            headers = {"Authorization": "Bearer SG.other", "Content-Type": "application/json"}
            statuses = [fetch(f"{url}/v3/mail/send", json.dumps(BODY).encode(), **headers)[0] for _ in range(2)]
            state = json.loads(fetch(f"{url}/_fake/state")[2])
            mime = fetch(f"{url}/_fake/mail?address=bob@mail.org")[2]
        finally:
            process.kill()
    assert statuses == [503, 202]
    assert state["copies"] == {"ann@mail.org": 2, "bob@mail.org": 2}
    assert [request["taken"] for request in state["requests"]] == [True, True]
    assert b"Subject: For Bob" in mime
