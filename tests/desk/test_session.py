"""Sign in, prove, sign out; invitations and the first admin, by the pages and the command."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from accounts.tables import AccountSession, StaffAccount
from daisychain.database import Database
from tests.command import Daisychain
from tests.desk.staff import PASSWORD, Browser, app_code, make_account, sign_in


def test_the_first_admin_comes_in_by_a_link_from_the_command_line_and_sets_up_a_second_factor(
    daisychain: Daisychain, browser: Browser, database: Database
) -> None:
    link = daisychain("account", "first-admin", "Priya@Coalition.example").stdout.strip()
    assert link.startswith("http://127.0.0.1:8000/desk/welcome/")
    path = link.removeprefix("http://127.0.0.1:8000")
    assert "priya@coalition.example" in browser.get(path).text
    assert browser.post(path, name="Priya", password="short").status_code == 422
    assert browser.post(path, name="Priya", password="Passwordpassword").status_code == 422
    assert "Set up a second factor" in browser.post(path, name="Priya Example", password=PASSWORD).text
    assert "Set up a second factor" in browser.get("/desk/").text
    offered = browser.hidden("offered")
    assert browser.post("/desk/account/second-factor", offered=offered, code="000000").status_code == 422
    from accounts.credentials import unsealed

    secret = unsealed(database.settings, bytes.fromhex(offered)) or b""
    answer = browser.post("/desk/account/second-factor", offered=offered, code=app_code(database, secret))
    assert answer.text.count("<li><code>") == 10
    assert "<h1>Home</h1>" in browser.get("/desk/").text
    assert browser.get(path).status_code == 409
    assert "There is an admin already" in daisychain("account", "first-admin", "bo@coalition.example", code=1).stderr


def test_the_demo_s_link_signs_in_once_and_opens_every_page_without_a_phone(
    browser: Browser, database: Database
) -> None:
    from accounts.invitations import demo_link, list_invitations

    with database.engine.begin() as connection:
        demo_link(connection, database.settings, "admin@coalition.example")
        path = f"/desk/welcome/{demo_link(connection, database.settings, 'admin@coalition.example')}"
        assert list_invitations(connection) == []
    assert "password" not in browser.get(path).text.partition("<form")[2]
    assert "<h1>Home</h1>" in browser.post(path).text
    assert browser.get("/desk/people").status_code == 200
    # Nobody has a phone that could prove it again: whatever asks for a fresh proof works as long as the session.
    with database.engine.begin() as connection:
        earlier = AccountSession.proved_at - text("interval '11 hours'")
        connection.execute(update(AccountSession).values(proved_at=earlier, seen_at=text("now()")))
    assert browser.post("/desk/people/invite", email="sam@coalition.example", role="editor").status_code == 200
    assert browser.post(path).status_code == 409
    assert "where you got it" in browser.get(path).text


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(browser: Browser, database: Database) -> None:
    make_account(database, "editor", factor=False)
    browser.get("/desk/sign-in")
    known = browser.post("/desk/sign-in", email="editor@coalition.example", password="wrong")
    unknown = browser.post("/desk/sign-in", email="nobody@coalition.example", password="wrong")
    assert known.status_code == unknown.status_code == 422
    assert "The address or the password is wrong" in known.text
    assert 'value="editor@coalition.example"' in known.text
    assert known.text.replace("editor@", "nobody@").split("csrf_token")[0] == unknown.text.split("csrf_token")[0]


def test_after_ten_wrong_passwords_even_the_right_one_waits(browser: Browser, database: Database, app: Flask) -> None:
    make_account(database, "editor", factor=False)
    for _ in range(10):
        browser.post("/desk/sign-in", email="editor@coalition.example", password="wrong")
    assert "Too many tries" in browser.post("/desk/sign-in", email="Editor@coalition.example", password=PASSWORD).text
    elsewhere = Browser(app)
    elsewhere.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert "<h1>Home</h1>" in elsewhere.post("/desk/sign-in", email="editor@coalition.example", password=PASSWORD).text
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE try_counters SET since = now() - interval '16 minutes'"))
    assert "<h1>Home</h1>" in browser.post("/desk/sign-in", email="editor@coalition.example", password=PASSWORD).text


def test_a_password_alone_opens_nothing_if_a_second_factor_is_set_up(browser: Browser, database: Database) -> None:
    make_account(database, "sender")
    browser.post("/desk/sign-in", email="sender@coalition.example", password=PASSWORD)
    for path in ("/desk/", "/desk/account", "/desk/account/second-factor"):
        assert "Enter the code" in browser.get(path).text
    assert browser.post("/desk/account/second-factor", offered="00", code="1").status_code == 401


def test_a_code_is_taken_once_and_a_recovery_code_too(app: Flask, database: Database) -> None:
    account_id, secret = make_account(database, "sender")
    with database.engine.begin() as connection:
        from accounts.second_factor import renew_recovery_codes

        [recovery, *_] = renew_recovery_codes(connection, account_id)
    code = app_code(database, secret)
    for typed, taken in ((code, True), (code, False), (recovery.upper(), True), (recovery, False)):
        browser = Browser(app)
        browser.post("/desk/sign-in", email="sender@coalition.example", password=PASSWORD)
        assert ("<h1>Home</h1>" in browser.post("/desk/sign-in/code", code=typed).text) == taken


def test_a_session_gets_another_token_at_sign_in_and_at_each_proof(browser: Browser, database: Database) -> None:
    _, secret = make_account(database, "sender")
    tokens = []
    browser.get("/desk/sign-in")
    for path, fields in (("/desk/sign-in", {"email": "sender@coalition.example", "password": PASSWORD}),
                         ("/desk/sign-in/code", {"code": app_code(database, secret)})):  # fmt: skip
        browser.post(path, **fields)
        with database.engine.connect() as connection:
            tokens.append(connection.execute(select(AccountSession.token_hash)).scalar_one())
    assert len(set(tokens)) == 2


def test_signing_out_ends_the_session_for_everybody_who_has_the_cookie(browser: Browser, database: Database) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    sign_in(database, browser, account_id)
    stolen = browser.client.get_cookie("desk", path="/desk")
    assert stolen is not None
    assert "You are signed out" in browser.post("/desk/sign-out").text
    browser.client.set_cookie("desk", stolen.value, path="/desk")
    assert "<h1>Sign in</h1>" in browser.get("/desk/").text


@pytest.mark.parametrize(("role", "minutes", "ended"), [
    ("sender", 29, False), ("sender", 31, True), ("editor", 31, False), ("editor", 60 * 12 + 1, True),
])  # fmt: skip
def test_a_session_without_requests_ends_after_half_an_hour_for_those_who_can_mail_people(
    browser: Browser, database: Database, role: str, minutes: int, ended: bool
) -> None:
    account_id, secret = make_account(database, role, factor=role == "sender")
    sign_in(database, browser, account_id, secret)
    with database.engine.begin() as connection:
        connection.execute(update(AccountSession).values(seen_at=text(f"now() - interval '{minutes} minutes'")))
    assert ("<h1>Sign in</h1>" in browser.get("/desk/").text) == ended


def test_no_session_lasts_longer_than_twelve_hours(browser: Browser, database: Database) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    sign_in(database, browser, account_id)
    with database.engine.begin() as connection:
        connection.execute(update(AccountSession).values(started_at=text("now() - interval '12 hours'")))
    assert "<h1>Sign in</h1>" in browser.get("/desk/").text


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/desk/", "//evil.example/desk/", "/desk/\\evil.example", "/u/x", "/desk/lists\r\nX: y",
        "/desk/\tlists", "/desk/../../x", "/desk/%2e%2E/x", "/desk/..",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere_after_the_sign_in(browser: Browser, database: Database, to: str) -> None:
    make_account(database, "editor", factor=False)
    browser.get("/desk/sign-in")
    data = {"csrf_token": browser.token(), "email": "editor@coalition.example", "password": PASSWORD, "to": to}
    assert browser.client.post("/desk/sign-in", data=data).headers["Location"] == "/desk/"


def test_who_asked_for_a_page_is_led_to_it_after_the_sign_in(browser: Browser, database: Database) -> None:
    make_account(database, "editor", factor=False)
    browser.get("/desk/account")
    answer = browser.post("/desk/sign-in", email="editor@coalition.example", password=PASSWORD, to=browser.hidden("to"))
    assert "<h1>Your account</h1>" in answer.text


def test_who_signs_in_again_leaves_no_session_behind(browser: Browser, database: Database) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    for _ in range(3):
        sign_in(database, browser, account_id)
    with database.engine.connect() as connection:
        assert len(connection.execute(select(AccountSession.id)).all()) == 1


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "x", "", "-1"])
def test_a_session_that_there_can_t_be_ends_nothing(browser: Browser, database: Database, number: str) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    sign_in(database, browser, account_id)
    assert browser.post("/desk/account/sessions/end", session=number).status_code == 200
    assert "<h1>Home</h1>" in browser.get("/desk/").text


def test_a_name_that_is_taken_is_said_beside_the_name(browser: Browser, admin: Browser) -> None:
    link = re.search(r"/desk/welcome/[\w-]+", admin.post("/desk/people/invite", email="b@c.org", role="editor").text)
    assert link is not None
    answer = browser.post(link[0], name="admin example", password=PASSWORD)
    assert answer.status_code == 422
    assert '<a href="#name">A colleague is called' in answer.text
    assert "<h1>Home</h1>" in browser.post(link[0], name="Bo Example", password=PASSWORD).text


def test_the_only_admin_who_has_forgotten_the_password_gets_a_link_on_the_machine(
    daisychain: Daisychain, browser: Browser, database: Database
) -> None:
    make_account(database, "admin")
    link = daisychain("account", "new-password", "Admin@coalition.example").stdout.strip()
    path = link.removeprefix("http://127.0.0.1:8000")
    browser.get(path)
    assert "Enter the code" in browser.post(path, password="walnut harbour violin dusk").text
    assert "no account" in daisychain("account", "new-password", "bo@coalition.example", code=1).stderr


def test_a_changed_password_signs_all_other_browsers_out(app: Flask, database: Database) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    first, second = Browser(app), Browser(app)
    for browser in (first, second):
        sign_in(database, browser, account_id)
    first.get("/desk/account")
    assert first.post("/desk/account/password", old="wrong", password=PASSWORD + " two").status_code == 422
    assert (
        "Your password is changed"
        in first.post("/desk/account/password", old=PASSWORD, password="walnut harbour violin dusk").text
    )
    assert "<h1>Sign in</h1>" in second.get("/desk/").text
    assert "<h1>Home</h1>" in first.get("/desk/").text


def test_a_password_is_guessed_no_more_often_when_it_is_changed_than_at_sign_in(app: Flask, database: Database) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    browser = Browser(app)
    sign_in(database, browser, account_id)
    browser.get("/desk/account")
    for _ in range(10):
        browser.post("/desk/account/password", old="wrong", password="walnut harbour violin dusk")
    answer = browser.post("/desk/account/password", old=PASSWORD, password="walnut harbour violin dusk")
    assert "Too many tries" in answer.text


def test_a_changed_password_is_no_fresh_proof_for_who_has_a_second_factor(app: Flask, database: Database) -> None:
    account_id, secret = make_account(database, "admin")
    browser = Browser(app)
    sign_in(database, browser, account_id, secret)
    with database.engine.begin() as connection:
        connection.execute(update(AccountSession).values(proved_at=text("now() - interval '11 minutes'")))
    browser.get("/desk/account")
    answer = browser.post("/desk/account/password", old=PASSWORD, password="walnut harbour violin dusk")
    assert "Your password is changed" in answer.text
    with database.engine.connect() as connection:
        proved = select(AccountSession.proved_at < text("now() - interval '10 minutes'"))
        assert connection.scalars(proved).all() == [True]


def test_a_lost_factor_is_reset_on_the_machine_and_set_up_again(
    daisychain: Daisychain, browser: Browser, database: Database
) -> None:
    make_account(database, "sender")
    daisychain("account", "reset-factor", "sender@coalition.example")
    assert (
        "Set up a second factor"
        in browser.post("/desk/sign-in", email="sender@coalition.example", password=PASSWORD).text
    )
    assert "sender@coalition.example" in daisychain("account", "list").stdout
    with database.engine.connect() as connection:
        assert connection.execute(select(StaffAccount.totp_secret)).scalar_one() is None
