"""The SendGrid provider against the strict stand-in: what it sends, and what each kind of answer means."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from daisychain.errors import ConfigurationError
from daisychain.settings import Settings
from newsletters.compiled import CompiledEmail, Slot
from newsletters.tokens import Mint
from sender.providers import sendgrid
from sender.providers.open_provider import open_provider
from sender.providers.provider import Verdict
from sender.providers.sendgrid import MAX_SUBSTITUTION_BYTES, MAX_SUBSTITUTIONS, SendGrid
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.letters import PUBLIC, SENDER, TOOLKIT_URL, email, mailing, people, person
from tests.waiting import until

KEY = "SG.test"
MINT = Mint("0c0d0e0f")


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid(key=KEY) as fake:
        yield fake


@pytest.fixture
def settings(fake: FakeSendGrid, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, public_url=PUBLIC, sendgrid_api_key=KEY, sendgrid_api_host=fake.url, test_mode=True)


@pytest.fixture
def provider(settings: Settings) -> SendGrid:
    return SendGrid(settings)


def test_it_is_found_by_its_name(settings: Settings) -> None:
    assert isinstance(open_provider("sendgrid", settings), SendGrid)


def test_2500_people_go_out_in_3_valid_requests(fake: FakeSendGrid, provider: SendGrid) -> None:
    everybody, letter = people(2500), mailing()
    size = provider.batch_size
    outcomes = [
        provider.send(letter, everybody[start : start + size], f"attempt{start}") for start in range(0, 2500, size)
    ]
    assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED] * 3
    assert [request.status for request in fake.requests] == [202] * 3
    assert [outcome.message_id for outcome in outcomes] == [request.message_id for request in fake.requests]
    assert fake.copies == {one.address: 1 for one in everybody}


@pytest.mark.parametrize("number", [0, 1])
def test_what_arrives_is_what_the_plan_renders(fake: FakeSendGrid, provider: SendGrid, number: int) -> None:
    letter = mailing(subject_prefix="[TEST] ")
    provider.send(letter, people(2), "attempt")
    someone = person(number)
    mail, merged = fake.mail(someone.address), letter.plan.render(someone.inputs, someone.keys)
    assert (mail.subject, mail.html, mail.text) == (f"[TEST] {merged.subject}", merged.html, merged.text)


def test_each_mail_has_its_own_way_to_leave_and_the_lists_id(fake: FakeSendGrid, provider: SendGrid) -> None:
    provider.send(mailing(), people(2), "attempt")
    message = fake.mail(person(1).address).message
    assert message["List-Unsubscribe"] == f"<{PUBLIC}/u/{person(1).keys.unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Id"] == "Friends <friends.lists.news.daisies.org>"
    assert message["Reply-To"] == "replies@daisies.org"
    assert len(message["List-Unsubscribe"]) <= 77


def test_arguments_that_the_provider_keeps_hold_keys_and_nothing_of_the_person(
    fake: FakeSendGrid, provider: SendGrid
) -> None:
    provider.send(mailing(), people(1), "attempt9")
    assert fake.mails[0].custom_args == {
        "daisychain_attempt": "attempt9",
        "daisychain_delivery": person(0).header_key,
    }
    body = fake.requests[0].body
    assert body["custom_args"] == {"daisychain_attempt": "attempt9"}
    assert "categories" not in body


@pytest.mark.parametrize(("opens", "clicks"), [("off", "off"), ("provider", "own"), ("own", "provider")])
def test_tracking_is_always_spelt_out(fake: FakeSendGrid, provider: SendGrid, opens: str, clicks: str) -> None:
    provider.send(mailing(opens=opens, clicks=clicks), people(1), "attempt")
    assert fake.requests[0].body["tracking_settings"] == {
        "click_tracking": {"enable": clicks == "provider", "enable_text": False},
        "open_tracking": {"enable": opens == "provider"},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }
    assert (f"{fake.url}/ls/click" in fake.mails[0].html) == (clicks == "provider")
    assert (f"{fake.url}/wf/open" in fake.mails[0].html) == (opens == "provider")
    assert fake.mails[0].links == ([TOOLKIT_URL] if clicks == "provider" else [])


ANSWERS = {
    "400": (Fault(status=400), Verdict.REFUSED_REQUEST),
    "401": (Fault(status=401), Verdict.REFUSED_ACCOUNT),
    "403": (Fault(status=403), Verdict.REFUSED_ACCOUNT),
    "404": (Fault(status=404), Verdict.REFUSED_ACCOUNT),
    "413": (Fault(status=413), Verdict.REFUSED_REQUEST),
    "429": (Fault(status=429), Verdict.RETRY),
    "200": (Fault(status=200), Verdict.UNCERTAIN),
    "302": (Fault(status=302), Verdict.UNCERTAIN),
    "408": (Fault(status=408), Verdict.UNCERTAIN),
    "500": (Fault(status=500), Verdict.UNCERTAIN),
    "502": (Fault(status=502), Verdict.UNCERTAIN),
    "503 though taken": (Fault(status=503, taken=True), Verdict.UNCERTAIN),
    "reset before it was read": (Fault("reset"), Verdict.UNCERTAIN),
    "reset though taken": (Fault("reset", taken=True), Verdict.UNCERTAIN),
    "silence": (Fault("hold"), Verdict.UNCERTAIN),
    "silence though taken": (Fault("hold", taken=True), Verdict.UNCERTAIN),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_every_kind_of_answer_has_one_meaning(fake: FakeSendGrid, settings: Settings, case: str) -> None:
    fault, verdict = ANSWERS[case]
    provider = SendGrid(settings, timeout=0.5 if fault.answer == "hold" else 30)
    fake.script(fault)
    outcome = provider.send(mailing(), people(3), "attempt")
    assert outcome.verdict is verdict
    assert outcome.status == (fault.status if fault.answer == "status" else None)
    until(lambda: fake.requests)
    assert len(fake.requests) == 1, "nothing is tried twice by itself"


def test_a_large_request_that_is_cut_off_on_its_way_is_uncertain(fake: FakeSendGrid, provider: SendGrid) -> None:
    fake.script(Fault("reset"))
    letter = mailing(email(filler="<p>" + "word " * 2_000_000 + "</p>"))
    assert provider.send(letter, people(3), "attempt").verdict is Verdict.UNCERTAIN


def test_a_redirect_is_not_followed_and_shows_nobody_the_key(fake: FakeSendGrid, provider: SendGrid) -> None:
    with FakeSendGrid() as other:
        fake.script(Fault(status=302, headers={"Location": f"{other.url}/v3/mail/send"}))
        assert provider.send(mailing(), people(1), "attempt").status == 302
        assert not other.requests


def test_a_server_that_cannot_be_reached_took_nothing(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    provider = SendGrid(replace(settings, sendgrid_api_host=f"http://127.0.0.1:{port}"))
    outcome = provider.send(mailing(), people(2), "attempt")
    assert outcome.verdict is Verdict.RETRY
    assert "could not be reached" in outcome.detail


def test_a_tls_handshake_that_fails_took_nothing(fake: FakeSendGrid, settings: Settings) -> None:
    host = fake.url.replace("http:", "https:")
    provider = SendGrid(replace(settings, sendgrid_api_host=host))
    assert provider.send(mailing(), people(2), "attempt").verdict is Verdict.RETRY


@pytest.mark.parametrize(
    ("reset", "kept"), [("+90", True), ("-90", False), ("+99999999", False), ("soon", False), (None, False)]
)
def test_429_waits_until_the_time_that_sendgrid_names_if_it_is_a_sane_one(
    fake: FakeSendGrid, provider: SendGrid, reset: str | None, kept: bool
) -> None:
    at = int(time.time()) + int(reset) if reset and reset != "soon" else 0
    fake.script(Fault(status=429, headers={"X-RateLimit-Reset": str(at or reset)} if reset else {}))
    outcome = provider.send(mailing(), people(2), "attempt")
    assert outcome.verdict is Verdict.RETRY
    assert (outcome.retry_at is not None) == kept
    if outcome.retry_at is not None:  # the answer's Date has whole seconds
        assert abs(outcome.retry_at - datetime.fromtimestamp(at, UTC)) < timedelta(seconds=5)


def test_a_person_whom_the_error_names_is_refused_and_nobody_else(fake: FakeSendGrid, provider: SendGrid) -> None:
    some = people(3)
    some[1] = some[1]._replace(address="not an address")
    outcome = provider.send(mailing(), some, "attempt")
    assert outcome.verdict is Verdict.REFUSED_PERSON
    assert outcome.refused == {1001: "Does not contain a valid address."}


@pytest.mark.parametrize("place", [None, "from.email", "personalizations", "personalizations.3.to"])
def test_an_error_that_names_no_person_of_the_batch_blames_nobody(
    fake: FakeSendGrid, provider: SendGrid, place: str | None
) -> None:
    fake.script(Fault(status=400, place=place))
    outcome = provider.send(mailing(), people(3), "attempt")
    assert (outcome.verdict, outcome.refused) == (Verdict.REFUSED_REQUEST, {})


def test_the_providers_words_are_kept_without_addresses_and_key(fake: FakeSendGrid, provider: SendGrid) -> None:
    fake.script(Fault(status=400, message=f"duplicate [{person(0).address}], key {KEY}", place="personalizations.0"))
    outcome = provider.send(mailing(), people(1), "attempt")
    assert outcome.detail == ("SendGrid answered 400: personalizations.0: duplicate [[address]], key [secret]")
    assert outcome.refused == {1000: "duplicate [[address]], key [secret]"}


def test_used_up_credits_stop_the_account(fake: FakeSendGrid, provider: SendGrid) -> None:
    fake.suspended = True
    outcome = provider.send(mailing(), people(1), "attempt")
    assert (outcome.verdict, "credits" in outcome.detail) == (Verdict.REFUSED_ACCOUNT, True)


LONG = "é" * 3000


def test_who_has_values_over_sendgrids_limits_is_named_before_anything_is_sent(
    fake: FakeSendGrid, provider: SendGrid
) -> None:
    outcome = provider.send(mailing(), [person(0), person(1, first_name=LONG), person(2)], "attempt")
    assert (outcome.verdict, outcome.over_limits) == (Verdict.OVER_LIMITS, {1001})
    assert not fake.requests


def test_who_is_over_the_limits_and_alone_gets_the_same_mail_rendered(fake: FakeSendGrid, provider: SendGrid) -> None:
    letter, someone = mailing(opens="provider", clicks="provider"), person(1, first_name=LONG)
    assert provider.send(letter, [someone], "attempt").verdict is Verdict.ACCEPTED
    body, mail = fake.requests[0].body, fake.mail(someone.address)
    merged = letter.plan.render(someone.inputs, someone.keys)
    assert (body["subject"], [part["value"] for part in body["content"]]) == (
        merged.subject,
        [merged.text, merged.html],
    )
    assert "substitutions" not in body["personalizations"][0]
    provider.send(letter, [person(0)], "attempt")
    usual = fake.requests[1].body
    assert [body[name] for name in ("tracking_settings", "custom_args", "from", "reply_to")] == [
        usual[name] for name in ("tracking_settings", "custom_args", "from", "reply_to")
    ]
    assert body["personalizations"][0].keys() == usual["personalizations"][0].keys() - {"substitutions"}
    assert mail.message["List-Unsubscribe"] == f"<{PUBLIC}/u/{someone.keys.unsubscribe}>"
    assert mail.custom_args == {"daisychain_attempt": "attempt", "daisychain_delivery": someone.header_key}


def test_more_merge_values_than_sendgrid_takes_are_rendered_too(fake: FakeSendGrid, provider: SendGrid) -> None:
    many = "".join(MINT.write("S", index) for index in range(MAX_SUBSTITUTIONS + 1))
    letter = mailing(
        CompiledEmail(
            nonce=MINT.nonce, subject="News", preheader="", html=f"<html><body>{many}</body></html>", text="News\n",
            slots=tuple(Slot(index, ["field", f"f{index}"], "html", (f"f{index}",)) for index in range(151)),
            fields=tuple(f"f{index}" for index in range(151)),
        )
    )  # fmt: skip
    someone = person(0)._replace(inputs={f"f{index}": f"v{index} " for index in range(151)})
    assert provider.send(letter, [someone], "attempt").verdict is Verdict.ACCEPTED
    assert fake.mails[0].html == letter.plan.render(someone.inputs, someone.keys).html


@pytest.mark.parametrize("number", [2, 1])
def test_a_request_larger_than_sendgrid_takes_never_leaves(fake: FakeSendGrid, provider: SendGrid, number: int) -> None:
    letter = mailing(email(filler="<p>" + "word " * 6_300_000 + "</p>"))
    outcome = provider.send(letter, people(number), "attempt")
    assert outcome.verdict is Verdict.REFUSED_REQUEST
    assert "SendGrid takes less than 31,457,280" in outcome.detail
    assert not fake.requests


@pytest.mark.parametrize(("more", "substituted"), [(0, True), (1, False)])
def test_the_limit_is_met_to_the_byte(fake: FakeSendGrid, provider: SendGrid, more: int, substituted: bool) -> None:
    letter = mailing()
    values = letter.plan.for_people([{"town": "t"}]).values(person(0, town="t").inputs, person(0).keys)
    used = sum(len(text.encode()) for pair in values.items() for text in pair)
    someone = person(0, town="t" * (1 + MAX_SUBSTITUTION_BYTES - used + more))
    assert provider.send(letter, [someone], "attempt").verdict is Verdict.ACCEPTED
    assert ("substitutions" in fake.requests[0].body["personalizations"][0]) == substituted


def test_several_threads_may_send_at_once(fake: FakeSendGrid, provider: SendGrid) -> None:
    letter, everybody = mailing(), people(80)
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(lambda n: provider.send(letter, everybody[n * 10 : n * 10 + 10], f"attempt{n}"), range(8))
        assert {outcome.verdict for outcome in sent} == {Verdict.ACCEPTED}
    assert fake.copies == {one.address: 1 for one in everybody}


def test_requests_are_prepared_one_after_the_other_so_that_the_first_is_soon_on_its_way(
    provider: SendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter, everybody, prepare = mailing(), people(500), sendgrid._body
    under_way, side_by_side = threading.Semaphore(1), []

    def prepared(*given: Any) -> Any:
        alone = under_way.acquire(blocking=False)
        side_by_side.append(not alone)
        body = prepare(*given)
        if alone:
            under_way.release()
        return body

    monkeypatch.setattr(sendgrid, "_body", prepared)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: provider.send(letter, everybody, f"attempt{n}"), range(8)))
    finally:
        sys.setswitchinterval(before)
    assert side_by_side == [False] * 8


def test_loopback_requests_pass_by_the_environments_proxy(
    fake: FakeSendGrid, provider: SendGrid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert provider.send(mailing(), people(1), "attempt").verdict is Verdict.ACCEPTED


def test_debug_logging_shows_neither_key_nor_address(
    fake: FakeSendGrid, provider: SendGrid, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        provider.send(mailing(), people(1), "attempt")
    assert KEY not in caplog.text
    assert person(0).address not in caplog.text


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sendgrid_api_key": ""}, "SENDGRID_API_KEY"),
        ({"sendgrid_api_key": "SG. x"}, "SENDGRID_API_KEY"),
        ({"sendgrid_api_host": "api.sendgrid.com"}, "SENDGRID_API_HOST"),
        ({"sendgrid_api_host": "http://api.sendgrid.com"}, "SENDGRID_API_HOST"),
        ({"public_url": "http://127.0.0.1:1", "test_mode": False}, "DAISYCHAIN_PUBLIC_URL"),
    ],
)
def test_what_is_not_fit_for_sending_is_named_and_nothing_leaves(
    fake: FakeSendGrid, settings: Settings, changes: dict[str, object], named: str
) -> None:
    provider = SendGrid(replace(settings, **changes))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=named):
        provider.check(SENDER)
    outcome = provider.send(mailing(), people(1), "attempt")
    assert (outcome.verdict, named in outcome.detail) == (Verdict.REFUSED_ACCOUNT, True)
    assert not fake.requests


def test_a_reserved_sender_is_refused_outside_test_mode(fake: FakeSendGrid, settings: Settings) -> None:
    letter = mailing(from_address="news@coalition.example")
    assert SendGrid(settings).send(letter, people(1), "attempt").verdict is Verdict.ACCEPTED
    real = SendGrid(replace(settings, test_mode=False))
    assert real.send(letter, people(1), "attempt").verdict is Verdict.REFUSED_ACCOUNT


class _Page(BaseHTTPRequestHandler):
    """Return a proxy's error page instead of SendGrid's JSON."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.end_headers()
        self.wfile.write(json.dumps(["<html>no</html>"]).encode())

    def log_message(self, *_: object) -> None: ...


def test_an_answer_in_another_shape_is_survived(settings: Settings) -> None:
    with HTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        outcome = SendGrid(replace(settings, sendgrid_api_host=host)).send(mailing(), people(1), "attempt")
    assert (outcome.verdict, outcome.detail) == (Verdict.REFUSED_REQUEST, "SendGrid answered 400")
