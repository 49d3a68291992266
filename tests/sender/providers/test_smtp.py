"""The SMTP provider against a real relay: one answer for each person, and doubt only where there is any."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from daisychain.errors import ConfigurationError
from daisychain.settings import Settings
from sender.providers import smtp
from sender.providers.mail_servers import MailServer, parse_url
from sender.providers.provider import Outcome, Verdict
from sender.providers.return_paths import ReturnPaths
from sender.providers.smtp import Smtp
from tests.fakes.smtp import CUT, FakeRelay, Moment, certificate
from tests.sender.letters import PUBLIC, SENDER, email, mailing, people, person
from tests.waiting import until

SECOND = person(1).address


@pytest.fixture(params=["turn by turn", "pipelining", "eager"])
def relay(request: pytest.FixtureRequest) -> Iterator[FakeRelay]:
    """Run each test with relays without pipelining, with it, and with one that accepts DATA too early."""
    with FakeRelay(pipelining=request.param != "turn by turn", eager=request.param == "eager") as relay:
        yield relay


@pytest.fixture
def settings(relay: FakeRelay, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, public_url=PUBLIC, smtp_url=relay.url)


@pytest.fixture
def provider(settings: Settings) -> Iterator[Smtp]:
    provider = Smtp(settings)
    yield provider
    provider.close()


@pytest.fixture(autouse=True)
def unpaused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No relay here gets better by being left alone for a moment; those of test_relays are given their pauses."""
    monkeypatch.setattr(smtp, "BREAK_PAUSES", (0.0,))


def fates(outcome: Outcome) -> list[str]:
    """Return the state of each of the first three people."""
    said = []
    for number in range(1000, 1003):
        where = [name for name in ("refused", "waiting", "uncertain") if number in getattr(outcome, name)]
        said.append(where[0] if where else "taken")
    return said


def test_everybody_gets_one_mail_over_one_connection(relay: FakeRelay, provider: Smtp) -> None:
    outcome = provider.send(mailing(), people(50), "attempt")
    assert (outcome.verdict, outcome.detail) == (Verdict.ACCEPTED, "")
    assert relay.copies == {one.address: 1 for one in people(50)}
    assert relay.connections == 1


def test_a_connection_stays_open_from_batch_to_batch_and_closes_when_idle(relay: FakeRelay, settings: Settings) -> None:
    provider = Smtp(settings, idle=0.3)
    for _ in range(3):
        provider.send(mailing(), people(2), "attempt")
    assert (relay.connections, relay.open) == (1, 1)
    until(lambda: relay.open == 0)
    assert provider.send(mailing(), people(2), "attempt").verdict is Verdict.ACCEPTED
    assert relay.connections == 2
    provider.close()


def test_threads_do_not_share_a_conversation(relay: FakeRelay, provider: Smtp) -> None:
    with ThreadPoolExecutor(4) as threads:
        batches = [people(40)[start : start + 5] for start in range(0, 40, 5)]
        outcomes = list(threads.map(lambda batch: provider.send(mailing(), batch, "attempt"), batches))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}
    assert relay.copies == {one.address: 1 for one in people(40)}
    assert relay.connections <= 4


def test_a_relay_that_ends_each_connection_after_some_mails_still_gets_all(relay: FakeRelay, provider: Smtp) -> None:
    relay.most_mails = 3
    outcome = provider.send(mailing(), people(10), "attempt")
    assert (outcome.verdict, outcome.waiting) == (Verdict.ACCEPTED, frozenset())
    assert relay.copies == {one.address: 1 for one in people(10)}
    assert relay.connections == 4


def test_a_connection_that_the_relay_ended_between_batches_costs_nobody_anything(
    relay: FakeRelay, provider: Smtp
) -> None:
    provider.send(mailing(), people(1), "attempt")
    relay.hang_up()
    outcome = provider.send(mailing(), people(3)[1:], "attempt")
    assert (outcome.verdict, outcome.waiting) == (Verdict.ACCEPTED, frozenset())
    assert relay.copies == {one.address: 1 for one in people(3)}


def test_who_was_put_off_is_told_with_the_reason_only_where_all_were_served(relay: FakeRelay, provider: Smtp) -> None:
    relay.script["RCPT", SECOND] = "451 4.7.1 greylisted"
    assert provider.send(mailing(), people(3), "attempt").deferred == {1001: "451 4.7.1 greylisted"}
    relay.script["MAIL", SENDER] = "421 busy"
    assert provider.send(mailing(), people(3), "attempt").deferred == {}


def test_the_envelope_sender_tells_whose_mail_it_was(relay: FakeRelay, settings: Settings) -> None:
    told = replace(settings, smtp_bounce_address="bounce@daisies.org", secret_key="s" * 40)
    provider = Smtp(told)
    provider.send(mailing(), people(2), "attempt")
    provider.close()
    found = [ReturnPaths(told).delivery(sender) for sender in relay.senders]
    assert found == [1000, 1001]
    assert all(sender.startswith("bounce+") and sender.endswith("@daisies.org") for sender in relay.senders)


def test_a_bounce_address_that_can_hold_no_key_stops_the_account(settings: Settings) -> None:
    provider = Smtp(replace(settings, smtp_bounce_address="bounce"))
    outcome = provider.send(mailing(), people(1), "attempt")
    assert outcome.verdict is Verdict.REFUSED_ACCOUNT
    assert "SMTP_BOUNCE_ADDRESS" in outcome.detail


def test_lines_that_begin_with_a_dot_arrive_as_they_were(relay: FakeRelay, provider: Smtp) -> None:
    letter = mailing(email(filler="\n.\n..\n.x\n"))
    provider.send(letter, people(1), "attempt")
    part = relay.mails()[0][1].get_body(("html",))
    assert part is not None
    merged = letter.plan.render(person(0).inputs, person(0).keys)
    assert part.get_content().replace("\r\n", "\n") == merged.html


# moment, who or what it is about → the relay's reply, and what became of three people
REPLIES: dict[str, tuple[Moment, str, str, list[str]]] = {
    "5xx for a person": ("RCPT", SECOND, "550 5.1.1 no such user", ["taken", "refused", "taken"]),
    "4xx for a person": ("RCPT", SECOND, "451 4.7.1 greylisted", ["taken", "waiting", "taken"]),
    "5xx to DATA": ("DATA", SECOND, "554 no", ["taken", "refused", "taken"]),
    "5xx to the mail": ("end", SECOND, "554 5.7.1 content", ["taken", "refused", "taken"]),
    "4xx to the mail": ("end", SECOND, "452 full", ["taken", "waiting", "taken"]),
    "going away before": ("RCPT", SECOND, "421 closing", ["taken", "waiting", "taken"]),
    "going away after": ("end", SECOND, "421 closing", ["taken", "waiting", "taken"]),
    "login wanted": ("RCPT", SECOND, "530 authentication required", ["taken", "waiting", "waiting"]),
    "cut at RCPT": ("RCPT", SECOND, CUT, ["taken", "waiting", "taken"]),
    "cut at DATA": ("DATA", SECOND, CUT, ["taken", "waiting", "taken"]),
    "cut in the data": ("body", SECOND, CUT, ["taken", "waiting", "taken"]),
    "cut before the reply to the data": ("end", SECOND, CUT, ["taken", "uncertain", "taken"]),
}


@pytest.mark.parametrize("case", REPLIES)
def test_each_persons_fate_is_told_apart(relay: FakeRelay, provider: Smtp, case: str) -> None:
    moment, about, reply, expected = REPLIES[case]
    relay.script[moment, about] = reply
    # More than what a socket takes at once, so that a cut in the data meets us while we still send.
    letter = mailing(email(filler="<p>" + "word " * 1_500_000 + "</p>") if moment == "body" else None)
    outcome = provider.send(letter, people(3), "attempt")
    assert (outcome.verdict, fates(outcome)) == (Verdict.ACCEPTED, expected)
    assert SECOND not in outcome.detail


@pytest.mark.parametrize(
    ("moment", "about", "reply", "verdict"),
    [
        ("MAIL", SENDER, "550 not your address", Verdict.REFUSED_ACCOUNT),
        ("MAIL", SENDER, "421 busy", Verdict.RETRY),
        ("MAIL", SENDER, CUT, Verdict.RETRY),
        ("RCPT", person(0).address, "530 authentication required", Verdict.REFUSED_ACCOUNT),
    ],
)
def test_where_nobody_was_served_the_whole_batch_waits_or_stops(
    relay: FakeRelay, provider: Smtp, moment: Moment, about: str, reply: str, verdict: Verdict
) -> None:
    relay.script[moment, about] = reply
    outcome = provider.send(mailing(), people(3), "attempt")
    assert (outcome.verdict, outcome.uncertain, outcome.refused) == (verdict, frozenset(), {})
    assert not relay.mails()


def test_an_address_that_smtp_cannot_carry_is_refused_alone(relay: FakeRelay, provider: Smtp) -> None:
    some = people(3)
    some[1] = some[1]._replace(address="zoë@mail.org")
    assert fates(provider.send(mailing(), some, "attempt")) == ["taken", "refused", "taken"]


def test_a_relay_that_cannot_be_reached_took_nothing(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    outcome = Smtp(replace(settings, smtp_url=f"smtp://127.0.0.1:{port}")).send(mailing(), people(2), "attempt")
    assert outcome.verdict is Verdict.RETRY


def test_a_relay_that_never_greets_took_nothing(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        outcome = Smtp(replace(settings, smtp_url=url), timeout=0.2).send(mailing(), people(2), "attempt")
    assert outcome.verdict is Verdict.RETRY


@pytest.mark.parametrize("starttls", [True, False])
def test_mail_goes_out_encrypted_and_signed_in(tmp_path: Path, settings: Settings, starttls: bool) -> None:
    server, client = certificate(tmp_path)
    with FakeRelay(user="ann", password="p@ss", starttls=starttls, tls=server) as relay:
        url = relay.url.replace("p@ss", "p%40ss")
        outcome = Smtp(replace(settings, smtp_url=url), tls=client).send(mailing(), people(2), "attempt")
        assert (outcome.verdict, len(relay.mails()), relay.logins) == (Verdict.ACCEPTED, 2, 1)


def test_a_certificate_that_nobody_vouches_for_stops_the_account(tmp_path: Path, settings: Settings) -> None:
    server, _ = certificate(tmp_path)
    with FakeRelay(starttls=True, tls=server) as relay:
        outcome = Smtp(replace(settings, smtp_url=relay.url)).send(mailing(), people(2), "attempt")
    assert outcome.verdict is Verdict.REFUSED_ACCOUNT


def test_a_wrong_password_stops_the_account_and_is_not_told(settings: Settings) -> None:
    with FakeRelay(user="ann", password="right") as relay:
        url = relay.url.replace("right", "wrongsecret")
        outcome = Smtp(replace(settings, smtp_url=url)).send(mailing(), people(2), "attempt")
        assert (outcome.verdict, relay.mails()) == (Verdict.REFUSED_ACCOUNT, [])
    assert "wrongsecret" not in outcome.detail


def test_a_relay_without_starttls_gets_no_password(relay: FakeRelay, settings: Settings) -> None:
    url = relay.url.replace("smtp://", "smtp+starttls://ann:secret@")
    outcome = Smtp(replace(settings, smtp_url=url)).send(mailing(), people(2), "attempt")
    assert (outcome.verdict, relay.mails()) == (Verdict.REFUSED_ACCOUNT, [])


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://localhost", MailServer("localhost", 25, "none")),
        ("smtp+starttls://a%40b:p%3Ax@mail.org", MailServer("mail.org", 587, "starttls", "a@b", "p:x")),
        ("smtps://u:p@mail.org:2465/", MailServer("mail.org", 2465, "tls", "u", "p")),
    ],
)
def test_urls_of_relays(url: str, relay: MailServer) -> None:
    assert parse_url("SMTP", url) == relay


@pytest.mark.parametrize(
    "url", ["mail.org", "http://mail.org", "smtp://", "smtp://u:secret@mail.org:x", "smtp://m/path"]
)
def test_what_is_no_url_of_a_relay_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SMTP_URL is not a valid SMTP URL") as caught:
        parse_url("SMTP", url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"smtp_url": ""}, "SMTP_URL is not set"),
        ({"smtp_url": "smtp://u:p@mail.daisies.org"}, "without encryption"),
        ({"public_url": "http://127.0.0.1:1"}, "DAISYCHAIN_PUBLIC_URL"),
    ],
)
def test_what_is_not_fit_for_sending_is_named(settings: Settings, changes: dict[str, str], named: str) -> None:
    provider = Smtp(replace(settings, **changes))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=named):
        provider.check(SENDER)
    assert provider.send(mailing(), people(1), "attempt").verdict is Verdict.REFUSED_ACCOUNT


@pytest.mark.parametrize("most", [200, 2_000])
def test_a_mail_larger_than_the_relay_takes_is_refused_for_its_person_and_not_transferred(
    settings: Settings, most: int
) -> None:
    with FakeRelay(most_bytes=most) as relay:
        provider = Smtp(replace(settings, smtp_url=relay.url))
        letter = mailing(email(filler="x" * 2_000))
        outcome = provider.send(letter, people(3), "attempt")
        provider.close()
        assert (outcome.verdict, sorted(outcome.refused)) == (Verdict.ACCEPTED, [1000, 1001, 1002])
        assert set(outcome.refused.values()) == {
            f"552 5.3.4 the mail is larger than the {most:,} bytes that the relay takes"
        }
        assert (relay.raw, relay.connections) == ([], 1)


def test_a_relay_that_names_no_limit_gets_mails_of_any_size(settings: Settings) -> None:
    with FakeRelay(most_bytes=0) as relay:
        provider = Smtp(replace(settings, smtp_url=relay.url))
        assert fates(provider.send(mailing(), people(3), "attempt")) == ["taken"] * 3
        provider.close()


def test_a_relay_that_finds_the_size_too_large_refuses_mails_and_not_the_sender(
    relay: FakeRelay, provider: Smtp
) -> None:
    relay.script["MAIL", SENDER] = "552 5.2.3 too large for this sender"
    assert fates(provider.send(mailing(), people(3), "attempt")) == ["refused"] * 3


DRIPS = {
    "its greeting": [b""],
    "its name": [b"220 relay\r\n", b""],
    "the reply to a mail's sender": [b"220 relay\r\n", b"250 relay\r\n", b""],
    "the reply to a mail": [b"220 relay\r\n", b"250 relay\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n", b""],
}


@pytest.mark.parametrize("what", DRIPS)
def test_a_relay_that_says_something_one_byte_at_a_time_is_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Each step is a reply to one line from us; after the last one the relay drips a reply without an end."""
    monkeypatch.setattr("sender.providers.smtp.QUICK_BREAK", 0.1)

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            for place, reply in enumerate(DRIPS[what]):
                if place:
                    lines.readline()
                connection.sendall(reply)
            while True:
                connection.sendall(b"2")
                time.sleep(0.05)

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=[listener.accept()[0]], daemon=True).start()

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        url = f"smtp://127.0.0.1:{listener.getsockname()[1]}"
        begun = time.monotonic()
        outcome = Smtp(replace(settings, smtp_url=url), timeout=0.3).send(mailing(), people(2), "attempt")
    assert time.monotonic() - begun < 120
    assert not outcome.refused
    # A break that took as long as a timeout is not tried again at once, so the second person waits.
    assert (outcome.verdict, len(outcome.uncertain)) == (
        (Verdict.ACCEPTED, 1) if what == "the reply to a mail" else (Verdict.RETRY, 0)
    )
