"""One member at the desk, what they may ask for, and addresses that must not be mailed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select, update

from accounts.tables import AuditLine
from daisychain import database as frame
from daisychain.database import Database
from desk.lists.member_page import EVENTS
from lists.consent.consent_ledger import record_consent
from lists.suppression import is_suppressed, suppress
from lists.tables import Member, Membership
from tests.desk.staff import Browser
from tests.desk.test_campaigns import words

As = Callable[[str], Browser]
ANN = "person0@people.example"
HERE = "/desk/members/1"

pytestmark = pytest.mark.usefixtures("under_way")


def told(database: Database) -> list[tuple[str, str, Any]]:
    """What the audit log says of members and addresses."""
    with database.engine.connect() as connection:
        these = AuditLine.action.like("member%") | AuditLine.action.like("suppressions%")
        columns = select(AuditLine.action, AuditLine.object, AuditLine.details)
        return [tuple(row) for row in connection.execute(columns.where(these).order_by(AuditLine.id))]


def outcomes(database: Database) -> Any:
    with database.engine.connect() as connection:
        these = select(AuditLine.outcome).where(AuditLine.action == "members.leave")
        return connection.execute(these.order_by(AuditLine.id)).all()


def test_a_member_is_found_by_a_form_and_shown_with_lists_consent_and_campaigns(as_role: As) -> None:
    sender = as_role("sender")
    answer = sender.post("/desk/members/find", email=f" {ANN.upper()}")
    assert answer.request.path == HERE
    page = words(answer.text)
    assert "friends subscribed" in page
    assert "Basis: consent" in page
    assert "News" in page
    assert "Nobody here has the address" in sender.post("/desk/members/find", email="nobody@x.org").text
    assert f'href="{HERE}"' in sender.post("/desk/search", sought=ANN).text


def test_a_member_shows_what_they_agreed_to_with_the_exact_words_and_who_collected_it(
    database: Database, as_role: As
) -> None:
    sender = as_role("sender")
    assert "What they agreed to Nothing is recorded." in words(sender.get(HERE).text)
    with database.engine.begin() as connection:
        for number in range(EVENTS):
            record_consent(connection, 1, 1, "given", basis="consent", source="an older form", evidence=f"row {number}")
        record_consent(
            connection, 1, 1, "given", basis="consent", source="stall", wording="Yes, <email> me!", language="en",
            collected_by="Bees of Bath", at=datetime(2026, 5, 3, tzinfo=UTC), by="Priya",
        )  # fmt: skip
        record_consent(connection, 1, 1, "withdrawn", source="one-click")
    page = sender.get(HERE).text
    shown = words(page)
    assert shown.index("friends: unsubscribed") < shown.index("friends: added")
    given = shown[shown.index("friends: added") :]
    for said in ("3 May 2026", "basis: consent", "source: stall", "collected by: Bees of Bath", "recorded by: Priya"):
        assert said in given.split("friends: added")[1]
    assert '<blockquote lang="en" dir="auto">Yes, &lt;email&gt; me!</blockquote></details>' in page
    assert page.count("friends: added") == EVENTS - 1
    assert "2 earlier events" in page


def test_unsubscribing_can_be_undone_and_is_in_the_audit_log_by_number(database: Database, as_role: As) -> None:
    sender = as_role("sender")

    def state() -> str:
        with database.engine.connect() as connection:
            return connection.execute(select(Membership.state).where(Membership.member_id == 1)).scalar_one()

    assert "Unsubscribed by staff" in sender.post(f"{HERE}/unsubscribe", list="friends").text
    assert state() == "unsubscribed"
    assert "Subscribed again, as before." in sender.post(f"{HERE}/undo").text
    assert state() == "subscribed"
    assert sender.post(f"{HERE}/undo").status_code == 409
    assert [(action, object_) for action, object_, _ in told(database)] == [
        ("members.leave", "member 1"), ("members.undo", "member 1"), ("members.undo", "member 1"),
    ]  # fmt: skip


def test_a_page_that_waits_for_an_import_says_so_and_works_later(
    database: Database, as_role: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "LOCK_BRIEF", "50ms")
    sender = as_role("sender")
    with database.engine.begin() as importing:
        importing.execute(update(Membership).where(Membership.member_id == 1).values(source="a file"))
        answer = sender.post(f"{HERE}/unsubscribe", list="friends")
    assert (answer.status_code, "such as an import, is changing the same people" in answer.text) == (409, True)
    assert "Unsubscribed by staff" in sender.post(f"{HERE}/unsubscribe", list="friends").text
    assert [outcome for (outcome,) in outcomes(database)] == ["refused", "done"]


def test_a_correction_needs_a_reason_and_shows_what_is_wrong(database: Database, as_role: As) -> None:
    sender = as_role("sender")
    answer = sender.post(f"{HERE}/correct", **{"field-first_name": "Anna"})
    assert answer.status_code == 422
    assert "Say why" in answer.text
    answer = sender.post(f"{HERE}/correct", because="asked", **{"field-email": "person2@people.example"})
    assert "is another member" in answer.text
    assert "Corrected." in sender.post(f"{HERE}/correct", because="asked", **{"field-first_name": "Anna"}).text
    with database.engine.connect() as connection:
        assert connection.scalar(select(Member.first_name).where(Member.id == 1)) == "Anna"
    assert told(database)[-1] == ("member_rights.correct", "member 1", {"corrected": ["first_name"]})


def test_what_a_person_may_ask_for_is_for_admins_with_a_fresh_proof(database: Database, as_role: As) -> None:
    sender, admin = as_role("sender"), as_role("admin")
    assert "Erase…" not in sender.get(HERE).text
    for path in ("data", "restrict", "erase"):
        assert sender.post(f"{HERE}/{path}", because="x", why="x").status_code == 403
    answer = admin.post(f"{HERE}/data")
    assert answer.mimetype == "text/html"
    assert ANN in answer.text
    assert admin.post(f"{HERE}/data", kind="json").get_json()["email"] == ANN
    assert "their data is kept, and used for nothing" in admin.post(f"{HERE}/restrict", why="disputes it").text
    assert "restricted" in words(admin.get(HERE).text)
    assert "is used again" in admin.post(f"{HERE}/restrict", why="settled", lift="yes").text
    page = words(admin.get(f"{HERE}/erase").text)
    assert "What goes" in page
    assert "What stays, and why" in page
    assert admin.post(f"{HERE}/erase").status_code == 422
    assert ANN not in admin.post(f"{HERE}/erase", because="asked by email, 3 May").text
    assert admin.get(HERE).status_code == 404
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Member).where(Member.id == 1)) == 0
    assert ANN not in str(told(database))


def test_an_address_is_looked_up_suppressed_and_lifted_with_reasons(database: Database, as_role: As) -> None:
    admin, sender = as_role("admin"), as_role("sender")
    assert "Not suppressed. On friends." in words(sender.post("/desk/suppressions/find", email=ANN).text)
    page = sender.post("/desk/suppressions/find", email="ann@nowhere").text  # a slip is not offered to be suppressed
    assert 'href="#email"' in page
    assert "Suppress it" not in page
    assert "Say why" in sender.post("/desk/suppressions/add", email=ANN).text
    sender.post("/desk/suppressions/add", email=ANN, reason="asked by phone")
    page = sender.post("/desk/suppressions/find", email=ANN).text
    assert "asked by phone" in page
    assert "Admin Example can lift it." in words(page)
    assert sender.post("/desk/suppressions/lift", email=ANN, because="x").status_code == 403
    assert "Say why" in admin.post("/desk/suppressions/lift", email=ANN).text
    assert "Lifted" in admin.post("/desk/suppressions/lift", email=ANN, because="a slip").text
    with database.engine.begin() as connection:
        assert not is_suppressed(connection, ANN)
        suppress(connection, ANN, "hard bounce")
    answer = admin.post("/desk/suppressions/lift", email=ANN, because="a slip")
    assert answer.status_code == 409 or "is suppressed because of: hard bounce" in answer.text
    assert "Lifted" in admin.post("/desk/suppressions/lift", email=ANN, because="works now", although="yes").text
    assert ANN not in str(told(database))


@pytest.mark.parametrize("role", ["editor", "analyst"])
def test_who_may_see_nobody_s_address_gets_no_page_that_has_one(as_role: As, role: str) -> None:
    browser = as_role(role)
    for path in (HERE, "/desk/suppressions"):
        assert browser.get(path).status_code == 403
    for path in ("/desk/members/find", "/desk/suppressions/find"):
        assert browser.post(path, email=ANN).status_code == 403


def test_a_number_that_is_nobody_s_is_not_found(as_role: As) -> None:
    admin = as_role("admin")
    assert admin.get("/desk/members/999").status_code == 404
    assert admin.post("/desk/members/999/erase", because="x").status_code == 404
