"""Every page of the desk: who gets in, what an unsafe request needs, what is written down, and its headers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from flask import Flask, url_for
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from werkzeug.routing import AnyConverter, IntegerConverter

from accounts.rights import ANYBODY, RIGHTS, ROLES, SIGNED_IN, may
from accounts.tables import AccountSession, AuditLine
from daisychain.database import Database
from desk.access import access_of
from desk.app import create_desk
from tests.desk.staff import PASSWORD, Browser, app_code, make_account, sign_in

EVERYBODY = (*ROLES, "nobody")


class Asked(NamedTuple):
    """A page as it is asked for: ids in its address belong to nothing."""

    endpoint: str
    path: str
    method: str
    right: str


def pages(app: Flask, *methods: str) -> list[Asked]:
    """Each page of the desk, or only those with these methods."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            method = next(each for each in ("POST", "PUT", "GET") if each in (rule.methods or ()))
            if rule.endpoint != "static" and (not methods or method in methods):
                numbers = {name for name, each in rule._converters.items() if isinstance(each, IntegerConverter)}
                any_of = {name: each.regex for name, each in rule._converters.items() if isinstance(each, AnyConverter)}
                one = {name: regex.strip("(?:)").partition("|")[0] for name, regex in any_of.items()}
                values = {name: one.get(name, 999 if name in numbers else "x") for name in rule.arguments}
                path = url_for(rule.endpoint, **values)
                right, *_ = access_of(rule.endpoint) or ("",)
                found.append(Asked(rule.endpoint, urlsplit(path).path, method, right))
    return found


def test_every_page_names_a_right(app: Flask) -> None:
    with app.app_context():
        without = [endpoint for endpoint in app.view_functions if access_of(endpoint) is None]
    assert not without


def test_a_page_without_a_right_is_refused(app: Flask, admin: Browser) -> None:
    app.view_functions["home.show"] = lambda: "forgotten"
    assert admin.get("/desk/").status_code == 403


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_page_opens_for_the_roles_that_have_its_right_and_for_nobody_else(
    app: Flask, as_role: Callable[[str], Browser], browser: Browser, role: str
) -> None:
    client = browser if role == "nobody" else as_role(role)
    for page in pages(app):
        if page.endpoint == "session.sign_out":
            continue
        status = client.ask(page.path, page.method).status_code
        assert status < 500, page
        if page.right == ANYBODY:
            assert status not in (401, 403), page
        elif role == "nobody":
            assert status == (302 if page.method == "GET" else 401), page
        else:
            assert (status == 403) == (page.right != SIGNED_IN and not may(role, page.right)), (page, status)


def test_an_unsafe_request_without_the_form_s_token_is_refused_and_changes_nothing(app: Flask, admin: Browser) -> None:
    for page in pages(app, "POST", "PUT"):
        assert admin.client.open(page.path, method=page.method).status_code == 400, page


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_an_unsafe_request_from_another_website_is_refused_even_with_a_token(
    app: Flask, admin: Browser, site: str
) -> None:
    for page in pages(app, "POST"):
        data, headers = {"csrf_token": admin.token()}, {"Sec-Fetch-Site": site}
        assert admin.client.post(page.path, data=data, headers=headers).status_code == 400, page


def lines(database: Database) -> list[tuple[str, str, str]]:
    with database.engine.connect() as connection:
        columns = (AuditLine.who, AuditLine.action, AuditLine.outcome)
        return [tuple(row) for row in connection.execute(select(*columns).order_by(AuditLine.id))]


def test_each_unsafe_request_leaves_a_line_in_the_audit_log(app: Flask, admin: Browser, database: Database) -> None:
    for page in pages(app, "POST"):
        if page.endpoint != "session.sign_out":
            before = len(lines(database))
            admin.ask(page.path, "POST")
            assert [action for _, action, _ in lines(database)[before:]] == [page.endpoint], page


def test_what_somebody_may_not_do_is_in_the_audit_log_too(
    app: Flask, as_role: Callable[[str], Browser], database: Database
) -> None:
    analyst = as_role("analyst")
    for page in pages(app, "POST"):
        if page.right in RIGHTS and not may("analyst", page.right):
            assert analyst.ask(page.path, "POST").status_code == 403
            assert lines(database)[-1] == ("Analyst Example", page.endpoint, "refused")


@pytest.mark.parametrize("lacks", ["token", "own site", "proof", "second factor"])
def test_what_is_refused_before_a_page_is_in_the_audit_log_too(
    app: Flask, database: Database, admin: Browser, lacks: str
) -> None:
    data, headers = {"csrf_token": admin.token()}, {}
    if lacks == "token":
        data = {}
    elif lacks == "own site":
        headers = {"Sec-Fetch-Site": "cross-site"}
    elif lacks == "proof":
        with database.engine.begin() as connection:
            connection.execute(update(AccountSession).values(proved_at=text("now() - interval '11 minutes'")))
    else:
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE accounts SET totp_secret = NULL"))
    answer = admin.client.post("/desk/people/invite", data=data, headers=headers)
    assert answer.status_code in (302, 400, 401)
    assert lines(database)[-1] == ("Admin Example", "invitations.give", "refused")


def test_strangers_fill_neither_the_audit_log_nor_the_desk(browser: Browser, database: Database) -> None:
    browser.get("/desk/sign-in")
    fields = {"csrf_token": browser.token(), "email": "x", "password": "y"}
    statuses = [browser.client.post("/desk/welcome/nothing", data=fields).status_code for _ in range(120)]
    assert (statuses.count(409), statuses[-1]) == (100, 429)
    assert len(lines(database)) == 100
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert browser.client.post("/desk/welcome/nothing", data=fields, environ_overrides=elsewhere).status_code == 409


@pytest.mark.parametrize(("host", "opens"), [
    ("127.0.0.1:8000", True), ("localhost", True), ("[::1]:8000", True), ("news.lan", False),
    ("192.168.1.5:8000", False),
])  # fmt: skip
def test_a_password_is_asked_for_without_encryption_on_this_machine_only(app: Flask, host: str, opens: bool) -> None:
    answer = app.test_client().get("/desk/sign-in", headers={"Host": host})
    assert (answer.status_code == 200, "not encrypted" in answer.text) == (opens, not opens)


def test_a_sign_that_no_text_can_have_is_refused_and_is_no_fault_of_ours(app: Flask, admin: Browser) -> None:
    for page in pages(app):
        if page.endpoint != "session.sign_out":
            data = {"csrf_token": admin.token(), **dict.fromkeys(("email", "name", "who", "text", "password"), "a\0b")}
            ask = {"data": data} if page.method == "POST" else {"query_string": data}
            assert admin.client.open(page.path, method=page.method, **ask).status_code < 500, page  # type: ignore[arg-type]
            assert admin.client.get(page.path.replace("/x", "/%00")).status_code < 500, page


def test_a_page_that_asks_for_news_keeps_nobody_signed_in(database: Database) -> None:
    app = create_desk(database)  # the others' has no such page
    app.add_url_rule("/desk/news/live", "news.live", app.view_functions["home.show"])
    admin = Browser(app)
    sign_in(database, admin, *make_account(database, "admin"))
    for path, kept in (("/desk/news/live", False), ("/desk/", True)):
        with database.engine.begin() as connection:
            connection.execute(update(AccountSession).values(seen_at=text("now() - interval '5 minutes'")))
        assert admin.client.get(path).status_code == 200
        with database.engine.connect() as connection:
            seen = connection.scalar(select(AccountSession.seen_at > text("now() - interval '1 minute'")))
        assert seen == kept


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'somebody else'", "DELETE FROM audit", "TRUNCATE audit"])
def test_lines_of_the_audit_log_are_never_changed(browser: Browser, database: Database, change: str) -> None:
    sign_in(database, browser, *make_account(database, "admin"))
    with pytest.raises(DBAPIError, match="never changed"), database.engine.begin() as connection:
        connection.execute(text(change))
    assert lines(database)


@pytest.mark.parametrize("path", ["/desk/", "/desk/sign-in", "/desk/nowhere", "/desk/account"])
def test_every_answer_has_the_headers_that_protect_it(admin: Browser, path: str) -> None:
    headers = admin.client.get(path).headers
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_cookie_is_for_the_desk_only_and_out_of_reach_of_scripts_and_other_sites(database: Database) -> None:
    database.settings = replace(database.settings, public_url="https://daisies.org/letters")
    client = create_desk(database).test_client()
    answer = client.get("/desk/sign-in", base_url="https://daisies.org")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Secure-desk=")
    for part in ("Secure", "HttpOnly", "Path=/letters/desk", "SameSite=Lax"):
        assert part in cookie
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_pages_are_small_and_hold_no_inline_script_or_style(app: Flask, admin: Browser) -> None:
    for page in pages(app, "GET"):
        answer = admin.client.get(page.path)
        assert len(answer.data) < 50_000, page
        if answer.mimetype == "text/html":
            for inline in ("<style", " style=", "<script>", "javascript:", " onclick="):
                assert inline not in answer.text, page


def test_every_form_works_without_script(app: Flask, admin: Browser) -> None:
    """Each form has a method, an address of its own and a button, and each unsafe one its token."""
    for page in pages(app, "GET"):
        for form in HTMLParser(admin.client.get(page.path).text).css("form"):
            assert form.attributes.get("action"), page
            assert form.css("button[type=submit]"), page
            if form.attributes.get("method") == "post":
                assert form.css("input[name=csrf_token]"), page
            else:
                assert form.attributes.get("method") == "get", page


def test_nobody_sees_a_stack_trace(app: Flask, admin: Browser, database: Database) -> None:
    def fails() -> str:
        raise ZeroDivisionError("a secret detail")

    fails.access = (SIGNED_IN, False, False)  # type: ignore[attr-defined]
    app.view_functions["home.show"] = fails
    answer = admin.get("/desk/")
    assert answer.status_code == 500
    assert "our fault" in answer.text
    assert "secret detail" not in answer.text


def test_a_session_ends_by_itself_and_a_form_that_was_open_is_kept_over_the_sign_in(
    admin: Browser, database: Database
) -> None:
    admin.get("/desk/account")
    with database.engine.begin() as connection:
        connection.execute(update(AccountSession).values(seen_at=text("now() - interval '31 minutes'")))
    answer = admin.post("/desk/account/sessions/end", note="a long text\r\nthat took an hour")
    assert answer.status_code == 401
    assert "What you typed is kept" in answer.text
    kept = admin.hidden("kept")
    admin.post("/desk/sign-in", email="admin@coalition.example", password=PASSWORD, kept=kept)
    secret = admin.secret
    page = admin.post("/desk/sign-in/code", code=app_code(database, secret), kept=admin.hidden("kept")).text
    assert "a long text\r\nthat took an hour</textarea>" in page
    assert 'action="/desk/account/sessions/end"' in page
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(AccountSession)) == 1


def test_a_form_of_a_tab_that_was_open_before_the_last_sign_in_is_shown_again_to_be_sent(
    app: Flask, database: Database
) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    browser = Browser(app)
    sign_in(database, browser, account_id)
    old = browser.token()
    sign_in(database, browser, account_id)
    headers = {"Sec-Fetch-Site": "same-origin"}
    data = {"csrf_token": old, "note": "an hour's work"}
    answer = browser.client.post("/desk/account/sessions/end", data=data, headers=headers)
    assert answer.status_code == 400
    assert "an hour&#39;s work</textarea>" in answer.text
    assert old not in answer.text


def test_a_form_that_was_kept_is_shown_to_the_person_who_typed_it_only(
    app: Flask, as_role: Callable[[str], Browser], database: Database
) -> None:
    editor = as_role("editor")
    editor.get("/desk/account")
    with database.engine.begin() as connection:
        connection.execute(delete(AccountSession))
    kept = re.search(r'name="kept" value="([^"]+)"', editor.post("/desk/account/sessions/end", note="mine").text)
    make_account(database, "analyst", factor=False)
    assert kept is not None
    answer = editor.post("/desk/sign-in", email="analyst@coalition.example", password=PASSWORD, kept=kept[1])
    assert "mine" not in answer.text
    assert "<h1>Home</h1>" in answer.text


def test_a_frame_of_a_page_says_that_its_person_is_signed_out_as_no_frame_may_show_the_sign_in(
    admin: Browser, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(AccountSession))
    answer = admin.client.get("/desk/newsletters/1/frame", headers={"Sec-Fetch-Dest": "iframe"})
    assert (answer.status_code, answer.text) == (401, "You have been signed out.\n")
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_what_can_t_be_undone_asks_for_a_fresh_proof_and_goes_on_from_there(admin: Browser, database: Database) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    with database.engine.begin() as connection:
        connection.execute(update(AccountSession).values(proved_at=text("now() - interval '11 minutes'")))
    admin.get(f"/desk/people/{account_id}")
    answer = admin.post(f"/desk/people/{account_id}/remove")
    assert answer.status_code == 401
    assert "Show that it is you" in answer.text
    kept = admin.hidden("kept")
    assert admin.post("/desk/prove", proof="000000", kept=kept).status_code == 422
    assert admin.hidden("kept") == kept
    page = admin.post("/desk/prove", proof=app_code(database, admin.secret), kept=kept).text
    assert f'action="/desk/people/{account_id}/remove"' in page
    assert "account is removed" in admin.post(f"/desk/people/{account_id}/remove").text
