"""Notes, links and mails of a report at the desk: who may, what is said, and what the audit log keeps."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from accounts.tables import AuditLine
from daisychain.database import Database
from reports.tables import ReportLink, ReportMail, StaffNote
from tests.desk.staff import Browser
from tests.reports.campaigns import over_days
from tests.sender.returns import Sent

As = Callable[[str], Browser]


@pytest.fixture
def campaign(database: Database) -> Sent:
    return over_days(database)


def count(database: Database, table: type) -> int:
    with database.engine.connect() as connection:
        return len(connection.execute(select(table.__table__)).all())  # type: ignore[attr-defined]


def test_staff_add_and_remove_notes_that_analysts_read(campaign: Sent, as_role: As) -> None:
    report = f"/desk/reports/{campaign.campaign_id}"
    editor, analyst = as_role("editor"), as_role("analyst")
    editor.get(f"{report}/share")
    page = editor.post(f"{report}/share/notes", content="Story in the press", day="2026-11-30").text
    assert "Story in the press" in page
    shown = analyst.get(report).text
    assert "Mon 30 Nov 2026: Story in the press" in shown
    assert "/share" not in shown
    assert analyst.get(f"{report}/share").status_code == 403
    assert analyst.post(f"{report}/share/notes", content="x").status_code == 403
    number = re.search(r"/share/notes/(\d+)/remove", page)
    assert number
    editor.post(number[0] and f"{report}/share/notes/{number[1]}/remove")
    assert count(campaign.database, StaffNote) == 0


@pytest.mark.parametrize(("form", "fields", "said"), [
    ("notes", {"content": ""}, "A note has 1 to 200 letters"),
    ("notes", {"content": "x", "day": "30.11."}, "not written as"),
    ("links", {"days": "0"}, "lasts 1 to 366 days"),
    ("links", {"days": "many"}, "lasts 1 to 366 days"),
    ("mails", {"addresses": "trustees@charity.org.uk", "hours": "48"}, "only written to files"),
])  # fmt: skip
def test_what_can_not_be_done_is_said_beside_the_form(
    campaign: Sent, as_role: As, form: str, fields: dict[str, str], said: str
) -> None:
    editor = as_role("editor")
    page = editor.get(f"/desk/reports/{campaign.campaign_id}/share")
    page = editor.post(f"/desk/reports/{campaign.campaign_id}/share/{form}", **fields)
    assert page.status_code == 422
    assert said in html.unescape(page.text)
    assert count(campaign.database, StaffNote) == count(campaign.database, ReportLink) == 0


def test_a_link_is_made_and_revoked_and_both_are_in_the_audit_log(campaign: Sent, as_role: As) -> None:
    sender = as_role("sender")
    share = f"/desk/reports/{campaign.campaign_id}/share"
    sender.get(share)
    page = sender.post(f"{share}/links", for_whom="trustees", days="30").text
    link = re.search(r"<code>([^<]+/report/[\w-]{22})</code>", page)
    assert link
    assert "for trustees" in page
    number = re.search(r"/share/links/(\d+)/revoke", page)
    assert number
    page = sender.post(f"{share}/links/{number[1]}/revoke").text
    assert "Revoked" in page
    assert link[1] not in page
    with campaign.database.engine.connect() as connection:
        lines = connection.execute(select(AuditLine.action, AuditLine.object).order_by(AuditLine.id)).all()
    assert [tuple(line) for line in lines][-2:] == [
        ("report_sharing.link", str(campaign.campaign_id)), ("report_sharing.revoke", str(campaign.campaign_id)),
    ]  # fmt: skip


def test_a_mail_is_scheduled_and_cancelled(campaign: Sent, as_role: As) -> None:
    settings = campaign.database.settings
    campaign.database.settings = replace(
        settings, provider="smtp", smtp_url="smtp://127.0.0.1:9", system_sender="C <news@coalition.example>"
    )
    sender, share = as_role("sender"), f"/desk/reports/{campaign.campaign_id}/share"
    sender.get(share)
    page = sender.post(f"{share}/mails", addresses="a@charity.org.uk, b@charity.org.uk", hours="72").text
    assert "a@charity.org.uk, b@charity.org.uk" in page
    number = re.search(r"/share/mails/(\d+)/cancel", page)
    assert number
    assert "It will not be mailed" in sender.post(f"{share}/mails/{number[1]}/cancel").text
    with campaign.database.engine.connect() as connection:
        assert connection.scalar(select(ReportMail.state)) == "cancelled"
