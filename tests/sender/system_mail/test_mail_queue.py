"""System mail: sent through whatever provider is set, retried, never tracked, and nowhere to be read afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest
from sqlalchemy import func, select, update

from daisychain.database import Database
from daisychain.errors import ConfigurationError
from sender.system_mail.mail_queue import (
    RETRIES,
    SIGN_UP,
    OwnSender,
    note_bounces,
    post_mail,
    provider_is_set,
    send_due_mails,
    unsent_mails,
)
from sender.tables import Delivery, SystemMail
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.fakes.smtp import FakeRelay

LINK = "https://news.coalition.org/desk/welcome/a-secret-token"
SENDER = "Connection Coalition <news@connectioncoalition.org>"


@pytest.fixture
def by_sendgrid(database: Database, sendgrid: FakeSendGrid) -> Database:
    database.settings = replace(
        database.settings, provider="sendgrid", sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url,
        public_url="https://news.coalition.org", system_sender=SENDER,
    )  # fmt: skip
    return database


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


def post(database: Database, to: str = "sam@coalition.org") -> None:
    with database.engine.begin() as connection:
        post_mail(
            connection, database.settings, to, "Priya invites you", ["Hello <Sam> & all,"], kind="invitation", link=LINK
        )


def row(database: Database) -> Any:
    with database.engine.connect() as connection:
        columns = (SystemMail.state, SystemMail.tries, SystemMail.content, SystemMail.problem)
        return tuple(connection.execute(select(*columns)).one())


def make_due(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(SystemMail).values(due_at=func.now()))


def test_it_goes_through_sendgrid_without_tracking_or_unsubscribe_and_is_deleted_then(
    by_sendgrid: Database, sendgrid: FakeSendGrid
) -> None:
    post(by_sendgrid)
    content = row(by_sendgrid)[2]
    assert content is not None
    assert b"a-secret-token" not in content
    assert send_due_mails(by_sendgrid) == "1 accepted"
    body = sendgrid.requests[0].body
    assert body["from"] == {"email": "news@connectioncoalition.org", "name": "Connection Coalition"}
    assert body["subject"] == "Priya invites you"
    assert body["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}
    assert body["tracking_settings"]["open_tracking"] == {"enable": False}
    assert list(body["personalizations"][0]["headers"]) == ["Auto-Submitted"]
    text, page = (part["value"] for part in body["content"])
    assert text == f"Hello <Sam> & all,\n\n{LINK}\n"
    assert f'<a href="{LINK}">{LINK}</a>' in page
    assert "Hello &lt;Sam&gt; &amp; all," in page
    assert "<img" not in page
    assert row(by_sendgrid) == ("accepted", 1, None, "")


def test_it_goes_through_a_relay_too_with_the_sender_as_return_path(database: Database, relay: FakeRelay) -> None:
    database.settings = replace(
        database.settings, provider="smtp", smtp_url=relay.url, system_sender=SENDER,
        smtp_bounce_address="bounce@connectioncoalition.org",
    )  # fmt: skip
    post(database)
    assert send_due_mails(database) == "1 accepted"
    [(_, message)] = relay.mails()
    assert relay.senders == ["news@connectioncoalition.org"]
    assert message["List-Unsubscribe"] is None
    assert message["Auto-Submitted"] == "auto-generated"


def test_it_is_written_to_the_outbox_if_no_provider_is_set(database: Database) -> None:
    database.settings = replace(database.settings, system_sender=SENDER)
    assert not provider_is_set(database.settings)
    post(database)
    send_due_mails(database)
    [file] = database.settings.home.rglob("*.eml")
    assert LINK in message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_it_is_no_delivery_so_it_has_no_web_view(by_sendgrid: Database) -> None:
    post(by_sendgrid)
    send_due_mails(by_sendgrid)
    with by_sendgrid.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Delivery)) == 0


@pytest.mark.parametrize("fault", [
    Fault(status=503), Fault(answer="reset"), Fault(status=429, headers={"Retry-After": "1"}),
    Fault(answer="reset", taken=True),
])  # fmt: skip
def test_what_was_not_accepted_is_sent_again_later(by_sendgrid: Database, sendgrid: FakeSendGrid, fault: Fault) -> None:
    post(by_sendgrid)
    sendgrid.script(fault)
    assert send_due_mails(by_sendgrid) == ""
    state, tries, content, problem = row(by_sendgrid)
    assert (state, tries, bool(content), bool(problem)) == ("waiting", 1, True, True)
    assert send_due_mails(by_sendgrid) == ""  # it is not due yet
    make_due(by_sendgrid)
    assert send_due_mails(by_sendgrid) == "1 accepted"


def test_it_fails_after_the_last_try_and_the_doctor_says_so(
    by_sendgrid: Database, sendgrid: FakeSendGrid, daisychain: Daisychain
) -> None:
    post(by_sendgrid)
    for _ in range(len(RETRIES) + 1):
        sendgrid.script(Fault(status=500))
        make_due(by_sendgrid)
        send_due_mails(by_sendgrid)
    state, _, content, _ = row(by_sendgrid)
    assert (state, content) == ("failed", None)
    with by_sendgrid.engine.connect() as connection:
        [found] = unsent_mails(connection)
    assert (found.kind, found.mails) == ("invitation", 1)
    doctor = replace(daisychain, settings=by_sendgrid.settings).json("doctor", "--format", "json", code=None)
    assert [each["state"] for each in doctor if each["subject"] == "system mail: invitation"] == ["wrong"]


def test_one_that_is_refused_holds_up_no_other(by_sendgrid: Database, sendgrid: FakeSendGrid) -> None:
    post(by_sendgrid, "not an address")
    post(by_sendgrid)
    assert send_due_mails(by_sendgrid) == "1 accepted"
    assert sendgrid.copies == {"sam@coalition.org": 1}


def test_a_process_without_the_settings_uses_up_no_tries_and_another_one_sends(
    by_sendgrid: Database, sendgrid: FakeSendGrid
) -> None:
    post(by_sendgrid)
    settings = by_sendgrid.settings
    for lacking in ({"sendgrid_api_key": ""}, {"system_sender": ""}):
        by_sendgrid.settings = replace(settings, **lacking)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError):
            send_due_mails(by_sendgrid)
        state, tries, _, problem = row(by_sendgrid)
        assert (state, tries) == ("waiting", 0)
        assert "is not set" in problem
    by_sendgrid.settings = settings
    assert send_due_mails(by_sendgrid) == "1 accepted"


def test_without_a_setting_it_comes_from_the_first_list(
    by_sendgrid: Database, sendgrid: FakeSendGrid, daisychain: Daisychain
) -> None:
    by_sendgrid.settings = replace(by_sendgrid.settings, system_sender="")
    daisychain("list", "create", "supporters", "--from", "Community Makes Us <hello@cmu.org>")
    post(by_sendgrid)
    assert send_due_mails(by_sendgrid) == "1 accepted"
    assert sendgrid.requests[0].body["from"] == {"email": "hello@cmu.org", "name": "Community Makes Us"}


def test_a_worker_sends_it_at_once(by_sendgrid: Database, sendgrid: FakeSendGrid, daisychain: Daisychain) -> None:
    post(by_sendgrid)
    replace(daisychain, settings=by_sendgrid.settings)("worker", "--until-idle")
    assert sendgrid.copies == {"sam@coalition.org": 1}


def test_a_mail_of_a_list_has_its_sender_its_language_and_where_replies_go(
    database: Database, relay: FakeRelay
) -> None:
    database.settings = replace(database.settings, provider="smtp", smtp_url=relay.url, system_sender=SENDER)
    own = OwnSender("Bees of Bath", "news@bees.org", "hello@bees.org", "ar")
    with database.engine.begin() as connection:
        post_mail(connection, database.settings, "ann@people.org", "مرحبا", ["سطر\nسطر"], kind=SIGN_UP, sender=own)
    post(database)
    assert send_due_mails(database) == "2 accepted"
    mails = {str(message["To"]): message for _, message in relay.mails()}
    mail, other = mails["ann@people.org"], mails["sam@coalition.org"]
    assert (mail["From"], mail["Reply-To"]) == ("Bees of Bath <news@bees.org>", "hello@bees.org")
    assert (other["From"], other["Reply-To"]) == (SENDER, None)
    page = message_from_bytes(mail.as_bytes(), policy=policy.default).get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert '<html lang="ar" dir="rtl">' in page
    assert "<p>سطر<br>سطر</p>" in page


@pytest.mark.parametrize(("kind", "problems"), [(SIGN_UP, 0), ("invitation", 1)])
def test_an_address_that_a_stranger_typed_and_no_mailbox_has_is_no_problem_of_the_installation(
    by_sendgrid: Database, kind: str, problems: int
) -> None:
    for address in ("not an address", "nobody@people.org"):
        with by_sendgrid.engine.begin() as connection:
            post_mail(connection, by_sendgrid.settings, address, "Please confirm", ["Hello"], kind=kind)
    send_due_mails(by_sendgrid)
    with by_sendgrid.engine.begin() as connection:
        note_bounces(connection, {"nobody@people.org": "550 no such user"})
        assert sum(each.mails for each in unsent_mails(connection)) == 2 * problems


def test_many_sign_ups_hold_up_no_invitation(by_sendgrid: Database, sendgrid: FakeSendGrid) -> None:
    for number in range(3):
        with by_sendgrid.engine.begin() as connection:
            post_mail(connection, by_sendgrid.settings, f"n{number}@people.org", "Confirm", ["Hello"], kind=SIGN_UP)
    post(by_sendgrid)
    send_due_mails(by_sendgrid)
    assert sendgrid.requests[0].body["subject"] == "Priya invites you"


def test_a_sign_up_that_the_provider_does_not_take_is_reported(by_sendgrid: Database, sendgrid: FakeSendGrid) -> None:
    with by_sendgrid.engine.begin() as connection:
        post_mail(connection, by_sendgrid.settings, "ann@people.org", "Please confirm", ["Hello"], kind=SIGN_UP)
    sendgrid.script(Fault(status=503))
    send_due_mails(by_sendgrid)
    with by_sendgrid.engine.connect() as connection:
        assert [each.kind for each in unsent_mails(connection)] == [SIGN_UP]
