"""People, audit, settings and home, as an admin uses them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import insert, select, text, update

from accounts.tables import StaffAccount
from daisychain.database import Database, database_now
from daisychain.secret import installation_secret
from newsletters.stored.beginnings import from_starter
from newsletters.stored.newsletters import create
from newsletters.toolkit_store.store import add_toolkit
from newsletters.toolkits.toolkit import current_day
from sender.events.intake import ingest
from sender.events.sendgrid_webhook import to_events
from sender.links.keys import Keys
from sender.system_mail.mail_queue import send_due_mails, unsent_mails
from sender.tables import Alert, Batch, Campaign, LedgerMove, SystemMail
from tests.command import Daisychain
from tests.desk.staff import PASSWORD, Browser, make_account, sign_in
from tests.fakes.sendgrid import FakeSendGrid
from tests.newsletters.sample_toolkits import BLOCK, files, folder
from tests.sender.returns import sent

WELCOME = re.compile(r"http://127\.0\.0\.1:8000(/desk/welcome/[\w-]+)")


@pytest.fixture
def by_sendgrid(database: Database, sendgrid: FakeSendGrid) -> FakeSendGrid:
    database.settings = replace(
        database.settings, provider="sendgrid", sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url,
        system_sender="Connection Coalition <news@connectioncoalition.org>",
    )  # fmt: skip
    return sendgrid


def test_an_invitation_is_on_screen_as_long_as_no_provider_is_set_and_opens_an_account(
    admin: Browser, app: Flask, database: Database
) -> None:
    page = admin.post("/desk/people/invite", email="Sam@Coalition.example", role="editor").text
    link = WELCOME.search(page)
    assert link is not None
    assert link[1] not in admin.get("/desk/people").text
    assert "sam@coalition.example" in admin.page
    sam = Browser(app)
    assert "You will be an <b>editor</b>" in sam.get(link[1]).text
    assert "<h1>Home</h1>" in sam.post(link[1], name="Sam Example", password=PASSWORD).text
    assert "can do this" in sam.get("/desk/people").text
    assert "Admin Example can do this" in sam.page


def test_an_invitation_is_mailed_if_a_provider_is_set_and_is_not_on_screen(
    admin: Browser, app: Flask, database: Database, by_sendgrid: FakeSendGrid
) -> None:
    page = admin.post("/desk/people/invite", email="sam@coalition.org", role="sender").text
    assert WELCOME.search(page) is None
    send_due_mails(database)
    body = by_sendgrid.requests[0].body
    link = WELCOME.search(body["content"][0]["value"])
    assert link is not None
    assert "Admin Example invites you" in body["subject"]
    assert "Set up a second factor" in Browser(app).post(link[1], name="Sam", password=PASSWORD).text


def test_an_invitation_that_came_back_is_seen_beside_it_and_by_the_doctor(
    admin: Browser, database: Database, by_sendgrid: FakeSendGrid
) -> None:
    for _ in range(2):
        admin.post("/desk/people/invite", email="Sam@coalition.org", role="sender")
        send_due_mails(database)
        assert "did not arrive" not in admin.get("/desk/people").text
    event = {"event": "bounce", "type": "bounce", "email": "sam@coalition.org", "reason": "550 no such user",
             "timestamp": 1, "daisychain_delivery": "system-2"}  # fmt: skip
    with database.engine.begin() as connection:
        now = database_now(connection)
        ingest(connection, to_events([event], Keys(installation_secret(database.settings)), now), now)
    assert "The mail did not arrive: it came back: 550 no such user" in admin.get("/desk/people").text
    with database.engine.connect() as connection:
        assert [each.mails for each in unsent_mails(connection)] == [1]


def test_an_admin_gives_out_a_new_password_however_often_somebody_asked_for_one(
    admin: Browser, browser: Browser, database: Database
) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    for _ in range(7):
        browser.post("/desk/forgotten", email="editor@coalition.example")
        assert WELCOME.search(admin.post(f"/desk/people/{account_id}/password").text)


def test_who_asks_for_a_new_password_learns_nothing_and_an_unknown_address_gets_no_mail(
    browser: Browser, database: Database, by_sendgrid: FakeSendGrid
) -> None:
    make_account(database, "editor", factor=False)
    texts = {browser.post("/desk/forgotten", email=f"{who}@coalition.example").text for who in ("editor", "nobody")}
    assert len(texts) == 1
    with database.engine.connect() as connection:
        assert connection.scalars(select(SystemMail.address)).all() == ["editor@coalition.example"]


@pytest.mark.parametrize(("email", "role", "said"), [
    ("no address", "editor", "email"), ("sam@coalition.example", "owner", "Choose a role"),
    ("admin@coalition.example", "editor", "has an account already"),
])  # fmt: skip
def test_what_was_typed_comes_back_with_the_error_beside_it(admin: Browser, email: str, role: str, said: str) -> None:
    answer = admin.post("/desk/people/invite", email=email, role=role)
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{email}"' in answer.text
    assert 'aria-describedby="email-hint email-error" aria-invalid="true"' in answer.text
    assert '<a href="#email">' in answer.text


def test_a_withdrawn_invitation_opens_nothing(admin: Browser, app: Flask) -> None:
    page = admin.post("/desk/people/invite", email="sam@coalition.example", role="editor").text
    link = WELCOME.search(page)
    assert link is not None
    path = re.search(r'action="(/desk/people/invite/\d+/withdraw)"', admin.get("/desk/people").text)
    assert path is not None
    admin.post(path[1])
    assert Browser(app).get(link[1]).status_code == 409


def test_a_changed_role_signs_the_person_out_and_holds_from_then_on(
    admin: Browser, app: Flask, database: Database
) -> None:
    account_id, _ = make_account(database, "editor", factor=False)
    sam = Browser(app)
    sign_in(database, sam, account_id)
    assert "signs in again" in admin.post(f"/desk/people/{account_id}/role", role="analyst").text
    assert "<h1>Sign in</h1>" in sam.get("/desk/").text
    with database.engine.connect() as connection:
        role = select(StaffAccount.role).where(StaffAccount.id == account_id)
        assert connection.execute(role).scalar_one() == "analyst"


def test_the_last_admin_can_t_be_removed_by_the_pages(admin: Browser, database: Database) -> None:
    with database.engine.connect() as connection:
        [admin_id] = connection.scalars(select(StaffAccount.id))
    answer = admin.post(f"/desk/people/{admin_id}/remove")
    assert answer.status_code == 409
    assert "This is the last admin" in answer.text
    assert admin.post(f"/desk/people/{admin_id}/role", role="editor").status_code == 422
    assert "Your account" in admin.get("/desk/account").text


def test_a_lost_factor_is_reset_and_all_admins_get_a_mail(
    admin: Browser, database: Database, by_sendgrid: FakeSendGrid
) -> None:
    account_id, _ = make_account(database, "sender")
    admin.post(f"/desk/people/{account_id}/factor/reset")
    with database.engine.connect() as connection:
        assert connection.scalars(select(SystemMail.address)).all() == ["admin@coalition.example"]
        row = connection.execute(select(StaffAccount.totp_secret).where(StaffAccount.id == account_id)).scalar_one()
    assert row is None


def test_a_forgotten_password_is_answered_alike_for_every_address_and_never_skips_the_factor(
    browser: Browser, app: Flask, database: Database, by_sendgrid: FakeSendGrid
) -> None:
    make_account(database, "sender")
    browser.get("/desk/forgotten")
    known = browser.post("/desk/forgotten", email="sender@coalition.example").text
    assert browser.post("/desk/forgotten", email="nobody@coalition.example").text == known
    send_due_mails(database)
    [request] = by_sendgrid.requests
    link = WELCOME.search(request.body["content"][0]["value"])
    assert link is not None
    page = browser.post(link[1], password="walnut harbour violin dusk").text
    assert "Enter the code" in page
    assert "Enter the code" in browser.get("/desk/").text


def test_more_than_five_links_an_hour_are_not_mailed(
    browser: Browser, database: Database, by_sendgrid: FakeSendGrid
) -> None:
    make_account(database, "editor", factor=False)
    for _ in range(8):
        browser.post("/desk/forgotten", email="editor@coalition.example")
    with database.engine.connect() as connection:
        assert len(connection.scalars(select(SystemMail.id)).all()) == 5


def test_the_audit_log_is_filtered_and_downloaded(admin: Browser, database: Database) -> None:
    account_id, _ = make_account(database, "editor", factor=False, name='=HYPERLINK("x")')
    admin.post(f"/desk/people/{account_id}/role", role="analyst")
    admin.post(f"/desk/people/{account_id}/remove")
    page = admin.get("/desk/audit").text
    assert "people: role" in page
    assert "before: editor" in page
    assert "· Change a role<" in page  # what the page does, in its own words
    assert "people: role" not in admin.get("/desk/audit?action=remove").text
    assert "No line fits" in admin.get("/desk/audit?who=nobody+like+this&since=2026-01-01").text
    answer = admin.client.get("/desk/audit/audit.csv?object=editor@coalition.example")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["action"] for row in rows] == ["people.remove", "people.role"]
    assert {row["who"] for row in rows} == {"Admin Example"}


def test_the_audit_log_goes_on_over_pages(admin: Browser, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO audit (who, role, network, "right", action, object, outcome)
            SELECT 'Bo', '', '', '', 'a.line', 'n' || n, 'done' FROM generate_series(1, 150) n
        """)
        )
    first = admin.get("/desk/audit?who=bo").text
    older = re.search(r'href="(/desk/audit\?before=[^"]+)">Older', first)
    assert older is not None
    second = admin.get(older[1].replace("&amp;", "&")).text
    assert "n150" in first
    assert "n50<" in second
    assert "n51<" not in second


def test_a_search_of_the_audit_log_looks_through_so_many_lines_at_once_and_leads_to_older_ones(
    admin: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.audit.LOOKED_THROUGH", 20)
    with database.engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO audit (who, role, network, "right", action, object, outcome)
            SELECT CASE n WHEN 1 THEN 'Cy' ELSE 'Bo' END, '', '', '', 'a.line', 'n' || n, 'done'
            FROM generate_series(1, 50) n
        """)
        )
    page, turns = admin.get("/desk/audit?who=cy").text, 0
    while "n1<" not in page:
        assert "older ones may" in page
        older = re.search(r'href="(/desk/audit\?before=[^"]+)">Older', page)
        assert older is not None
        page, turns = admin.get(older[1].replace("&amp;", "&")).text, turns + 1
    assert turns == 2


def test_settings_show_the_doctor_s_findings_and_no_secrets(
    admin: Browser, database: Database, daisychain: Daisychain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.a-secret-key")
    monkeypatch.setenv("DAISYCHAIN_PROVIDER", "outbox")
    page = admin.get("/desk/settings").text
    assert "SG.a-secret-key" not in page
    assert "set, not shown" in page
    assert "Nobody has asked yet" in page
    assert "Looking since" in admin.post("/desk/settings/examine").text
    # In a process of its own, which knows no task but those that a worker imports.
    worker = daisychain.start("worker", "--until-idle")
    assert worker.wait(120) == 0, worker.communicate()
    worker.communicate()
    page = admin.get("/desk/settings").text
    assert "As of" in page
    assert "DAISYCHAIN_TEST_MODE is on" in page
    assert "Looking since" not in page


def test_home_shows_what_needs_somebody_in_order(
    admin: Browser, database: Database, as_role: Callable[[str], Browser]
) -> None:
    sent(database)
    with database.engine.begin() as connection:
        campaign_id = connection.execute(select(Campaign.id)).scalar_one()
        connection.execute(update(Campaign).values(state="paused", pause_reason="many complaints"))
        alerts = [
            ("silent webhook", "The webhook is silent", "No events.\n\ncommand"),
            (f"paused {campaign_id} x", "Twice", ""),
        ]
        connection.execute(insert(Alert), [{"cause": each[0], "subject": each[1], "words": each[2]} for each in alerts])
    page = admin.get("/desk/").text.partition("What needs you")[2].partition("</section>")[0]
    assert page.index("many complaints") < page.index("The webhook is silent")
    assert "command" not in page
    assert "Twice" not in page
    with database.engine.begin() as connection:
        connection.execute(update(Batch).values(state="uncertain"))
        compiled = select(Campaign.compiled_id).scalar_subquery()
        connection.execute(
            insert(LedgerMove).values(campaign_id=campaign_id, compiled_id=compiled, state="uncertain", people=2)
        )
    assert "2 people are uncertain" in admin.get("/desk/").text
    assert "What needs you" not in as_role("analyst").get("/desk/").text


def test_home_leads_to_copy_that_ends_soon_to_the_campaign_of_an_alert_and_to_what_one_wrote_last(
    as_role: Callable[[str], Browser], database: Database, tmp_path: Path
) -> None:
    sent(database)
    ends = {"gone": -1, "last-day": 0, "soon": 14, "later": 15, "lasting": None}
    blocks = {
        name: BLOCK.replace("id: welcome", f"id: {name}").replace("title: Welcome", f"title: {name.title()} words")
        for name in ends
    }
    for name, days in ends.items():
        if days is not None:
            blocks[name] = blocks[name].replace("length:", f"expires: {current_day() + timedelta(days=days)}\nlength:")
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path, files(**blocks)))
        campaign_id = connection.execute(select(Campaign.id)).scalar_one()
        alert = {"cause": f"complaints {campaign_id}", "subject": "Many complaints", "words": "5 of 967"}
        connection.execute(insert(Alert), [alert])
        for title, who in (("Mine", "Sender Example"), ("Of another", "Sam")):
            create(connection, title, from_starter(connection, "spring-fair", "letter"), who=who)
    page = as_role("sender").get("/desk/").text
    assert re.findall(r"<b>(\S+) words</b>", page) == ["Last-Day", "Soon"]
    assert "ends today" in page
    assert "14 days left" in page
    assert f'<a href="/desk/campaigns/{campaign_id}"><b>Many complaints</b></a>' in page
    assert "Mine" in page
    assert "Of another" not in page
    assert "words</b>" not in as_role("analyst").get("/desk/").text


def test_the_first_day_has_five_steps_with_ticks(
    admin: Browser, daisychain: Daisychain, sheet: Callable[..., object]
) -> None:
    assert "0 of 5 steps" in admin.get("/desk/").text
    daisychain("list", "create", "supporters", "--from", "Community Makes Us <hello@cmu.org>")
    daisychain(
        "member", "add", "ann@people.example", "--list", "supporters", "--basis", "consent", "--source", "a form"
    )
    assert "1 of 5 steps" in admin.get("/desk/").text
