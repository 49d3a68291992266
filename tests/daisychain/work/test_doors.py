"""The public pages under pressure: every unsubscribe is taken, whatever else comes in, and each port has one server."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from select import POLLIN, poll
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest
from sqlalchemy import delete, func, make_url, select, text, update

from accounts.invitations import invite, take_link
from accounts.tables import StaffAccount
from daisychain.embedded import EmbeddedServer
from lists.tables import Member, Membership
from sender.links.keys import KeyKind
from tests.command import Daisychain
from tests.daisychain.work.serving import FORM, PROCESSES, Served, serving, status, web_processes
from tests.desk.staff import PASSWORD
from tests.sender.returns import Sent
from tests.waiting import until

PEOPLE = 200
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
ONE_CLICK = "List-Unsubscribe=One-Click"
pytestmark = pytest.mark.processes


def connected(url: str) -> socket.socket:
    return socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=60)


def asked(url: str, method: str, path: str, body: str = "") -> int:
    """Send one request over a connection of its own; returns the status."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    with contextlib.closing(connection):
        connection.request(method, path, body or None, {"Content-Type": FORM} if body else {})
        return connection.getresponse().status


def all_at_once(url: str, campaign: Sent) -> Counter[int]:
    """Post everybody's one-click at the same moment; returns how often each status was answered."""
    ready = threading.Barrier(PEOPLE)

    def leave(number: int) -> int:
        ready.wait()
        return asked(url, "POST", f"/u/{campaign.unsubscribe(number)}", ONE_CLICK)

    with ThreadPoolExecutor(PEOPLE) as pool:
        return Counter(pool.map(leave, range(PEOPLE)))


def left(campaign: Sent) -> int:
    with campaign.database.engine.connect() as connection:
        of_list = Membership.list_id == campaign.list_id
        return connection.scalars(select(func.count()).where(of_list, Membership.state == "unsubscribed")).one()


def test_two_hundred_one_clicks_at_once_are_all_taken_and_the_database_is_asked_over_few_connections(
    served: Served, server: EmbeddedServer
) -> None:
    campaign = served.sent(PEOPLE)
    assert all_at_once(served.url, campaign) == {200: PEOPLE}
    assert left(campaign) == PEOPLE
    with psycopg.connect(server.conninfo(role="postgres", database="postgres")) as connection:
        name = make_url(served.command.settings.database_url).database
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name]).fetchone()
    assert row is not None
    assert row[0] <= PROCESSES * 19 + 20  # those of the threads, and those of the one process that delivers


def tried(url: str, _: object = None) -> int:
    """Try to sign in to the desk with a wrong password, as a browser would; returns the status."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"{url}/desk/sign-in", timeout=120) as page:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token is not None
    form = urlencode({"csrf_token": token[1], "email": "nobody@coalition.example", "password": "wrong"})
    try:
        return int(opener.open(f"{url}/desk/sign-in", form.encode(), timeout=120).status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_people_who_sign_in_to_the_desk_keep_no_reader_waiting(served: Served) -> None:
    url, campaign = served.url, served.sent(PEOPLE)
    with ThreadPoolExecutor(20) as pool:
        tries = pool.map(partial(tried, url), range(20))
        assert all_at_once(url, campaign) == {200: PEOPLE}
        assert set(tries) <= {422, 503}
    with urllib.request.urlopen(f"{url}/u/{campaign.unsubscribe()}") as page:
        assert page.headers["Set-Cookie"] is None
    with urllib.request.urlopen(f"{url}/desk/") as page:
        assert page.url.startswith(f"{url}/desk/sign-in?to=")
        assert "Path=/desk" in page.headers["Set-Cookie"]


Opener = urllib.request.OpenerDirector


@pytest.fixture
def staff(served: Served) -> Iterator[Callable[[], Opener]]:
    """Signs an analyst in, in a browser of their own."""

    def sign_in() -> Opener:
        name = f"person{next(served.numbers)}"
        with served.database.engine.begin() as connection:
            token = invite(connection, f"{name}@coalition.example", "analyst", "the test")
            take_link(connection, token, name, PASSWORD)
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        sent = posted(served.url, opener, "/desk/sign-in", email=f"{name}@coalition.example", password=PASSWORD)
        assert sent == 200
        return opener

    yield sign_in
    with served.database.engine.begin() as connection:
        connection.execute(delete(StaffAccount))


def posted(url: str, opener: Opener, path: str, **fields: str) -> int:
    """Send a form as a page of the desk has it; returns the status."""
    with opener.open(f"{url}/desk/sign-in", timeout=120) as page:
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token is not None
    with opener.open(f"{url}{path}", urlencode({"csrf_token": token[1], **fields}).encode(), timeout=120) as answer:
        return int(answer.status)


def test_forms_of_people_who_are_not_signed_in_never_arrive_and_staff_send_theirs(
    served: Served, staff: Callable[[], Opener]
) -> None:
    analyst = staff()
    cookie = "Cookie: desk=eyJ0b2tlbiI6Im1hZGUgdXAifQ.aaaaaa.bbbbbb"
    head = f"POST /desk/search HTTP/1.1\r\nHost: x\r\n{cookie}\r\nContent-Type: {FORM}\r\nContent-Length: 90\r\n\r\na"
    with ExitStack() as stack:
        for _ in range(PROCESSES * 60):
            stack.enter_context(connected(served.url)).sendall(head.encode())
        for _ in range(PROCESSES * 3):
            assert posted(served.url, analyst, "/desk/search", sought="bulletin") == 200
    with connected(served.url) as large:
        large.sendall(head.replace("90", "1000000").encode())
        assert large.recv(99).split()[1] == b"413"


def test_a_person_who_opens_a_slow_page_many_times_leaves_places_for_their_colleagues(
    served: Served, staff: Callable[[], Opener]
) -> None:
    impatient, colleague = staff(), staff()
    with served.database.engine.begin() as connection, ThreadPoolExecutor(20) as pool:
        connection.execute(text("LOCK TABLE campaigns IN ACCESS EXCLUSIVE MODE"))
        pages = [pool.submit(impatient.open, f"{served.url}/desk/reports", timeout=120) for _ in range(20)]
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        until(lambda: connection.scalar(waiting) >= PROCESSES)
        for _ in range(PROCESSES * 3):
            with colleague.open(f"{served.url}/desk/account", timeout=120) as answer:
                assert answer.status == 200
        assert not any(page.done() for page in pages)
        connection.rollback()
        for page in pages:
            with page.result() as answer:
                assert answer.status == 200


# The headers, a form, a one-click, a chunk, and a webhook.
SLOW = (
    "POST /u/{key} HTTP/1.1\r\nHost: x\r\nX-",
    "POST /u/{key}/leave HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM + "\r\nContent-Length: 90\r\n\r\na",
    "POST /u/{key} HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM + "\r\nContent-Length: 90\r\n\r\na",
    "POST /u/{key} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n",
    "POST /webhooks/sendgrid HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n"
    "X-Twilio-Email-Event-Webhook-Signature: a\r\nX-Twilio-Email-Event-Webhook-Timestamp: 1\r\n\r\n[",
)


def test_readers_who_save_their_choices_during_an_import_keep_nobody_from_a_page(served: Served) -> None:
    url, campaign = served.url, served.sent(PROCESSES * 20)

    def save(number: int) -> int:
        path = f"/preferences/{campaign.key(number, KeyKind.PREFERENCES)}"
        return asked(url, "POST", path, "first_name=Ann&last_name=N")

    def waiting() -> int:
        with served.database.engine.connect() as connection:
            return connection.scalars(WAITING).one()

    with ThreadPoolExecutor(PROCESSES * 20) as pool:
        with served.database.engine.begin() as held:
            held.execute(update(Member).where(Member.id.in_(campaign.members)).values(first_name="Imported"))
            saved = [pool.submit(save, number) for number in range(PROCESSES * 20)]
            until(lambda: waiting() >= PROCESSES * 2)
            assert [status(f"{url}/") for _ in range(PROCESSES * 5)] == [200] * PROCESSES * 5
        assert {each.result() for each in saved} <= {200, 503}


def test_connections_that_send_a_byte_every_two_seconds_change_nothing(served: Served) -> None:
    url, campaign, stop = served.url, served.sent(PEOPLE), threading.Event()

    def drip(slow: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not stop.wait(2):
                slow.sendall(b"a")

    with ExitStack() as stack:
        for beginning in SLOW * 8:
            slow = stack.enter_context(connected(url))
            slow.sendall(beginning.format(key=campaign.unsubscribe()).encode())
            threading.Thread(target=drip, args=[slow], daemon=True).start()
        stack.callback(stop.set)
        assert all_at_once(url, campaign) == {200: PEOPLE}
        assert status(f"{url}/healthz") == 200
        assert status(f"{url}/u/{campaign.unsubscribe()}") == 200


@pytest.mark.parametrize(("path", "most"), [("/webhooks/sendgrid", 20), ("/desk/sign-in", 100)])
def test_bodies_that_arrive_slowly_make_room_for_one_that_comes_whole(served: Served, path: str, most: int) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 90\r\n\r\na"
    with ExitStack() as stack:
        held = [stack.enter_context(connected(served.url)) for _ in range(PROCESSES * most * 2)]
        answered = poll()
        for each in held:
            each.sendall(head.encode())
            answered.register(each, POLLIN)
        until(lambda: len(answered.poll(0)) >= PROCESSES * most)
        assert {asked(served.url, "POST", path, "a=b") for _ in range(PROCESSES * 5)} <= {400, 403, 404}


def test_a_body_that_breaks_off_or_is_too_large_unsubscribes_nobody(served: Served) -> None:
    url, campaign = served.url, served.sent()
    key = campaign.unsubscribe()
    with connected(url) as broken:
        head = f"POST /u/{key} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(ONE_CLICK) + 9}"
        broken.sendall(f"{head}\r\n\r\n{ONE_CLICK}".encode())
        broken.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            assert b" 200 " not in broken.recv(999)
    half = ONE_CLICK[:-3]
    with connected(url) as broken:  # granian does not say that chunks broke off
        head = f"POST /u/{key} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked"
        broken.sendall(f"{head}\r\n\r\n{len(half):x}\r\n{half}\r\n".encode())
        broken.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            assert b" 200 " not in broken.recv(999)
    for path, length in (
        (f"/u/{key}", 70_000), ("/webhooks/sendgrid", 5_000_000), ("/desk/newsletters/1/blocks", 3_000_000),
        ("/desk/pictures/1", 17_000_000), ("/toolkits/fair/emails/may", 18_000_000), ("/join/bulletin", 70_000),
    ):  # fmt: skip
        with connected(url) as large:
            large.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
            assert large.recv(99).split()[1] == b"413"
    assert asked(url, "GET", f"/u/{key}") == 200
    assert left(campaign) == 0


@pytest.mark.parametrize("path", ["/toolkits/fair/emails/may", "/toolkits/fair/social", "/p/nobody/logo"])
def test_a_form_with_a_large_logo_reaches_its_page(served: Served, path: str) -> None:
    assert asked(served.url, "POST", path, "logo=" + "a" * 16_000_000) == 404  # the page's own answer


@pytest.mark.parametrize("path", ["/desk/partners/1/logos/logo", "/desk/pictures/1"])
def test_a_large_picture_of_staff_reaches_its_page(served: Served, staff: Callable[[], Opener], path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused, staff().open(f"{served.url}{path}", b"a" * 5_000_000):
        pass
    with refused.value as answer:
        assert answer.code in (400, 403)  # the page's own answer: no token is in this form


def test_logos_that_arrive_slowly_keep_no_others_out_and_together_take_little_memory(served: Served) -> None:
    head = "POST /toolkits/fair/emails/may HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(PROCESSES * 40):
            stack.enter_context(connected(served.url)).sendall(f"{head}a".encode())
        assert asked(served.url, "POST", "/toolkits/fair/emails/may", "name=Bees") == 404
        assert status(f"{served.url}/healthz") == 200
    answers = Counter[bytes]()
    with ExitStack() as stack:
        for _ in range(PROCESSES * 20):
            held = stack.enter_context(connected(served.url))
            held.sendall(head.encode())
            with contextlib.suppress(OSError):
                held.sendall(b"a" * 15_000_000)
            with contextlib.suppress(OSError):
                held.settimeout(0.1)
                answers[held.recv(99).split()[1]] += 1
        assert answers[b"503"] >= PROCESSES * 10, answers
        assert status(f"{served.url}/healthz") == 200


def test_a_second_server_on_the_same_port_is_refused_and_the_first_goes_on(served: Served) -> None:
    url, port = served.url, str(urlsplit(served.url).port)
    second = served.command.start("serve", "--port", port)
    output, errors = second.communicate(timeout=300)
    assert (second.returncode, output) == (1, "")
    assert f"127.0.0.1:{port} is in use" in errors
    assert "--port" in errors
    assert "Traceback" not in errors
    assert status(f"{url}/healthz") == 200


def test_an_address_of_another_machine_is_named_with_what_to_use_instead(daisychain: Daisychain) -> None:
    elsewhere = daisychain.start("serve", "--host", "203.0.113.5", "--port", "0")
    _, errors = elsewhere.communicate(timeout=300)
    assert elsewhere.returncode == 1
    assert "Can't listen at 203.0.113.5, port 0: Cannot assign requested address.\n" in errors
    assert "--host: 127.0.0.1 for itself only" in errors


def test_a_web_process_that_dies_is_replaced_and_sigterm_ends_them_all(daisychain: Daisychain) -> None:
    with serving(daisychain) as (url, process):
        until(lambda: len(web_processes(process.pid)) == PROCESSES)
        first = web_processes(process.pid)
        os.kill(first[0], signal.SIGKILL)
        until(lambda: len(set(web_processes(process.pid)) - {first[0]}) == PROCESSES)
        until(lambda: status(f"{url}/healthz") == 200)
        now = web_processes(process.pid)
        process.terminate()
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        assert errors.count("another one takes its place") == 1
        assert errors.count("stopping: ") == 1
        assert not any(Path(f"/proc/{each}").exists() for each in [*first, *now])
        assert status(f"{url}/healthz") == 0


def test_any_address_and_header_gets_an_answer_and_a_head_request_gets_no_body(served: Served) -> None:
    expected = {"/o/%FF.gif": 404, "/u/%00": 404, "/toolkits/%E9%C3%A9": 404, "/?a=%FF&b=\xfc": 200}
    for path, code in expected.items():
        with connected(served.url) as raw:
            lines = [f"GET {path} HTTP/1.1", "Host: \xff", "X_Forwarded_For: 1.2.3.4", "Cookie: \xe9=1"]
            raw.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
            assert int(raw.recv(99).split()[1]) in (code, 400), path
    with connected(served.url) as raw:
        raw.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(9999), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (head.split()[1], body) == (b"200", b"")
    assert head.lower().count(b"content-length") == 1
