"""Links that must be there, and those that lead readers astray."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from newsletters.checks import reachable, run_checks
from newsletters.checks.finding import Finding
from newsletters.checks.reachable import AT_ONCE, Reach
from newsletters.compose.compiler import Compilation
from newsletters.tokens import Kind
from tests.fakes.smtp import certificate
from tests.newsletters.checks.planting import Look, Planted, newsletter
from tests.newsletters.compiling import compiled

KEY = "aVeryOpaqueKeyOf22Sigg"


def without(kind: Kind) -> Callable[[Compilation], Compilation]:
    """A compilation whose text has lost its token of `kind`."""

    def change(compilation: Compilation) -> Compilation:
        email = compilation.email
        return replace(compilation, email=replace(email, text=email.text.replace(email.mint.write(kind), "")))

    return change


def linked(url: str, **options: str) -> Look:
    """A newsletter with one link, on line 8."""
    return newsletter(f"a\n\nSee [the page]({url}) there.", **options)


class Site(BaseHTTPRequestHandler):
    """A site whose pages answer as their path says: /200, /404, /moved-200, /head-405."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    busy = 0
    busiest = 0
    turn = threading.Lock()

    def do_HEAD(self) -> None:
        """Answer."""
        self.answer()

    def do_GET(self) -> None:
        """Answer."""
        self.answer()

    def answer(self) -> None:
        """The status that the path asks for."""
        site = type(self)
        with site.turn:
            site.asked.append(f"{self.command} {self.path}")
            site.busy += 1
            site.busiest = max(site.busiest, site.busy)
        word, _, number = self.path.strip("/").split("?")[0].rpartition("-")
        status = int(number)
        if word == "head":
            status = status if self.command == "HEAD" else 200
        self.send_response(302 if word == "moved" else status)
        if word == "moved":
            self.send_header("Location", f"/{number}")
        if word == "inside":
            self.send_header("Location", "http://10.0.0.1/")
        self.send_header("Content-Length", "0")
        self.end_headers()
        with site.turn:
            site.busy -= 1

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server to which it is nothing that somebody hangs up."""

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def site(tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, type[Site]]]:
    """A site on this machine, and what it was asked."""

    class Mine(Site):
        asked: list[str] = []  # noqa: RUF012 - each site has its own

    server = Server(("127.0.0.1", 0), Mine)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}", Mine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answered(path: str) -> Look:
    """A newsletter whose link leads to a page of a real site."""

    def look(code: str) -> list[Finding]:
        with site() as (url, _):
            return newsletter(f"[b]({url}{path})", online=Reach(loopback=True))(code)

    return look


PLANTED = [
    Planted("links-unsubscribe", newsletter(change=without(Kind.UNSUBSCRIBE)), newsletter(), says="plain text has no"),
    Planted("links-view", newsletter(change=without(Kind.VIEW)), newsletter(), says="plain text has no"),
    Planted("links-no-scheme", linked("page.html"), linked("https://a.org/page.html"), 8, "page.html"),
    Planted("links-no-target", linked("#part2"), linked("https://a.org/#part2"), 8, "'part2'"),
    Planted("links-user-name", linked("https://ann:pw@a.org/"), linked("https://a.org/@ann"), 8, "'a.org'"),
    Planted(
        "links-rewritten",
        linked("https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.org%2F"),
        linked("https://a.org/?url=x"),
        8,
    ),
    Planted("links-bad-address", linked("mailto:ann"), linked("mailto:ann@a.org?subject=Hi"), 8, "mailto:ann"),
    Planted(
        "links-bad-address", linked("mailto:?subject=Hi"), linked("mailto:?subject=Hi&body=Look"), 8, "mailto:?sub"
    ),
    Planted("links-not-public", linked("http://localhost:8000/x"), linked("https://a.org/x"), 8, "localhost"),
    Planted("links-example", linked("https://example.org/"), linked("https://example.co.uk/"), 8),
    Planted("links-not-secure", linked("http://a.org/"), linked("https://a.org/"), 8, "http"),
    Planted(
        "links-personal",
        linked("https://a.us1.list-manage.com/track/click?u=1"),
        linked("https://a.org/c/a-page-about-something"),
        8,
        "list-manage.com/track",
    ),
    Planted(
        "links-tracked-twice",
        linked("https://a.org/?utm_source=a&x=1&UTM_source=b"),
        linked("https://a.org/?utm_source=a&utm_medium=b&x=1&x=2"),
        8,
        "utm_source twice",
    ),
    Planted(
        "links-partner-code",
        linked("https://fairs.org.uk/x?partner=bees"),
        linked("https://a.org/x?partner=bees"),
        8,
        "'partner'",
    ),
    Planted(
        "links-same-words",
        newsletter("[Read on](https://a.org/1)\n\n[read  on](https://a.org/2)"),
        newsletter("[Read on](https://a.org/1)\n\n[Read on](https://a.org/1)"),
        8,
        "https://a.org/1 and to https://a.org/2",
    ),
    Planted(
        "links-same-place",
        newsletter("[a](https://a.org/) [b](https://a.org/)\n[c](https://a.org/) and\n[d](https://a.org/)"),
        newsletter("[a](https://a.org/) [b](https://a.org/) [c](https://a.org/) [a](https://a.org/)"),
        says="'d'",
    ),
    Planted("links-dead", answered("/404"), answered("/moved-200"), 6, "404 Not Found"),
    Planted("links-unsure", answered("/503"), answered("/head-405"), 6, "503"),
]


@pytest.mark.parametrize(
    "url",
    [
        "https://staging.a.org/x", "https://a-dev.a.org/", "https://192.168.0.1/", "https://[::1]/", "https://intranet/",
        "https://a.local/", "https://shop.test/",
    ],
)  # fmt: skip
def test_a_site_that_only_insiders_reach_is_told(url: str) -> None:
    assert [found.code for found in linked(url)("links-not-public")] == ["links-not-public"]


@pytest.mark.parametrize(
    "url",
    [
        f"https://news.a.org/c/{KEY}/3", f"https://news.a.org/u/{KEY}", "https://u1.ct.sendgrid.net/ls/click?upn=x",
        "https://a.org/?mc_eid=12&b", "https://a.org/?x&mkt_tok=ab",
    ],
)  # fmt: skip
def test_a_link_that_carries_one_readers_key_is_told(url: str) -> None:
    assert [found.code for found in linked(url)("links-personal")] == ["links-personal"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("/donate", "links-no-scheme"), ("", "links-no-scheme"), ("https://a.org:0/", "links-no-scheme"),
        ("https://256.1.1.1/", "links-no-scheme"), ("tel:", "links-bad-address"), ("sms:", "links-bad-address"),
        ("https://statics.teams.cdn.office.net/safelinks/1/x.html?url=https%3A%2F%2Fa.org", "links-rewritten"),
        ("https://protect.checkpoint.com/v2/___https://a.org___.x", "links-rewritten"),
        ("https://scanmail.trustwave.com/?c=1&u=https%3a%2f%2fa.org", "links-rewritten"),
    ],
)  # fmt: skip
def test_a_link_that_leads_nowhere_or_through_a_security_program_is_told(url: str, code: str) -> None:
    assert [found.code for found in linked(url)(code)] == [code]


@pytest.mark.parametrize("body", ["[b]({{ member.city }})", "[b](https://a.org/{{ member.city }})", "[b](/toolkits/x)"])
def test_addresses_that_are_filled_in_and_pages_of_our_own_are_left_in_peace(body: str) -> None:
    assert newsletter(body)("links-no-scheme") == []


def test_a_link_is_found_in_the_line_that_holds_it_also_in_a_copy_block() -> None:
    block = (
        "---\nid: b\ntitle: B\nversion: 1\napproved by: A\nchannels: email\nlength: short\n---\na\n[x](http://b.org)\n"
    )
    look = newsletter("one\nand [two](http://a.org)\nthree\n\n::: copy b", copy={"b": block})
    assert [found.place for found in look("links-not-secure")] == ["may.md:7", "kit/copy/b.md:10"]


def test_no_site_is_asked_unless_somebody_says_so() -> None:
    with site() as (url, asked):
        newsletter(f"[b]({url}/404)")("links-dead")
        assert asked.asked == []


def test_a_page_is_asked_for_once_by_head_and_again_by_get_where_that_is_refused() -> None:
    with site() as (url, asked):
        reach = Reach(loopback=True)
        assert not reach.answers([f"{url}/200", f"{url}/200"])[f"{url}/200"].words
        assert reach.answers([f"{url}/head-404"])[f"{url}/head-404"].words == ""
    assert asked.asked == ["HEAD /200", "HEAD /head-404", "GET /head-404"]


def test_an_address_with_signs_of_its_own_arrives_as_it_was_written() -> None:
    with site() as (url, asked):
        assert not Reach(loopback=True).answers([f"{url}/200?name=Siân&a=b/c?d"])[f"{url}/200?name=Siân&a=b/c?d"].words
    assert asked.asked == ["HEAD /200?name=Si%C3%A2n&a=b/c?d"]


def test_a_certificate_is_looked_at_for_the_name_in_the_link(tmp_path: Path) -> None:
    server, client = certificate(tmp_path)
    with site(server) as (url, asked):
        assert not Reach(loopback=True, tls=client).answers([f"{url}/200"])[f"{url}/200"].words
        assert asked.asked == ["HEAD /200"]
        other = f"{url.replace('127.0.0.1', 'localhost')}/200"
        refused = [Reach(loopback=True).answers([f"{url}/200"]), Reach(loopback=True, tls=client).answers([other])]
    for answers in refused:
        assert [answer.words.partition(" (")[0] for answer in answers.values()] == ["its certificate is not valid"]
    assert asked.asked == ["HEAD /200"]


def test_only_a_few_sites_are_asked_at_once() -> None:
    with site() as (url, asked):
        Reach(loopback=True).answers([f"{url}/200?{number}" for number in range(40)])
        assert len(asked.asked) == 40
        assert asked.busiest <= AT_ONCE


@pytest.mark.parametrize("path", ["/200", "/inside-302"])
def test_what_is_not_public_is_never_asked_not_even_by_a_redirect(path: str) -> None:
    with site() as (url, asked):
        strict = path == "/200"
        answer = Reach(loopback=not strict).answers([url + path])[url + path]
        assert answer.words == "its address is not public"
        assert not answer.dead
        assert asked.asked == ([] if strict else ["HEAD /inside-302"])


@contextmanager
def talking(*parts: bytes) -> Iterator[tuple[str, list[str]]]:
    """A site that says the first part, and then the last for some seconds more, and whether it was heard to the end."""
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server, suppress(OSError):
        server.settimeout(0.2)

        def talk(caller: socket.socket) -> None:
            with caller, suppress(OSError):
                caller.recv(2000)
                caller.sendall(parts[0])
                for part in parts[1:] * 300:
                    caller.sendall(part)
                    time.sleep(0.02)
                heard.append("to the end")

        def serve() -> None:
            while server.fileno() >= 0:
                with suppress(OSError):
                    threading.Thread(target=talk, args=server.accept()[:1]).start()

        threading.Thread(target=serve).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", heard


@pytest.mark.parametrize(
    "parts",
    [(b"HTTP/1.1 200 OK\r\n", b"X"), (b"", b"HTTP/1.1 100 Continue\r\n\r\n")],
    ids=["drips bytes", "says to go on"],
)
def test_a_site_that_never_ends_its_answer_is_left_after_a_while(
    parts: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachable, "DEADLINE", 0.4)
    with talking(*parts) as (url, heard):
        assert Reach(loopback=True).answers([url])[url].words == "it did not answer within 0 seconds"
        assert not heard


def test_an_address_whose_time_is_over_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachable, "DEADLINE", 0.0)
    with site() as (url, asked):
        assert "did not answer within" in Reach(loopback=True).answers([f"{url}/200"])[f"{url}/200"].words
        assert asked.asked == []


def test_what_a_site_says_of_itself_cannot_steer_a_terminal() -> None:
    with talking(b"\x1b]0;owned\x07\x1b[2J" + b"A" * 3000 + b"\r\n\r\n") as (url, _):
        words = Reach(loopback=True).answers([url])[url].words
    assert words.startswith("the connection failed (")
    assert "]0;owned" in words
    assert (words.isprintable(), len(words) < 200) == (True, True)


def test_a_link_of_somebodys_own_is_told_and_never_asked() -> None:
    with site() as (url, asked):
        trail, plain = f"{url}/ls/click?upn=404", f"{url}/404"
        look = newsletter(f"[b]({trail}) [c]({url}/u/{KEY}) [d]({plain})", online=Reach(loopback=True))
        found = [finding.code for finding in look("links-personal")]
        assert (found.count("links-personal"), found.count("links-dead")) == (2, 1)
        assert set(asked.asked) == {"HEAD /404", "GET /404"}


def test_a_site_that_does_not_answer_is_told_and_may_come_back() -> None:
    with site() as (url, _):
        pass
    answer = Reach(loopback=True).answers([url])[url]
    assert answer.words.startswith("the connection failed")
    assert not answer.dead


@pytest.mark.parametrize(("error", "dead"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
def test_a_name_that_nobody_has_is_dead_and_one_that_could_not_be_looked_up_is_not(
    error: int, dead: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(error, "as a name server would say")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = Reach().answers(["https://a.org/"])["https://a.org/"]
    assert (answer.words, answer.dead) == ("its name was not found", dead)


@pytest.mark.parametrize("written", ["- [Page {}](https://a.org/{})", '::: button "Page {}" href="https://a.org/{}"'])
def test_a_check_of_many_links_takes_time_in_proportion(written: str) -> None:
    def cpu(links: int) -> float:
        body = "\n".join(written.format(number, number) for number in range(links))
        compilation = compiled(body)
        start = time.process_time()
        run_checks(compilation)
        return time.process_time() - start

    cpu(10)  # what is loaded once
    assert cpu(1_600) < 10 * cpu(200) + 1
