"""A report that is shared by a link: what it shows, to whom, and for how long."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from accounts.tables import AuditLine
from daisychain.database import Database
from newsletters.browser import browser
from reports.handed_on.report_links import SharedReport, links_of, make_link, revoke_link
from reports.whole_report import whole_report
from sender.links.keys import KeyKind
from tests.reports.campaigns import over_days
from tests.sender.returns import Sent


@pytest.fixture
def campaign(database: Database, monkeypatch: pytest.MonkeyPatch) -> Sent:
    monkeypatch.setattr(browser, "chromium", lambda: "")
    return over_days(database, people=(40, 30, 3))


def made(campaign: Sent) -> SharedReport:
    with campaign.database.engine.begin() as connection:
        make_link(connection, campaign.campaign_id, "Priya", "trustees")
    return listed(campaign)


def listed(campaign: Sent) -> SharedReport:
    with campaign.database.engine.connect() as connection:
        return links_of(connection, campaign.database.settings, campaign.campaign_id)[0]


def path(link: SharedReport) -> str:
    return link.url[link.url.index("/report/") :]


def audit(database: Database) -> list[Any]:
    with database.engine.connect() as connection:
        columns = AuditLine.who, AuditLine.action, AuditLine.object, AuditLine.outcome
        return [tuple(row) for row in connection.execute(select(*columns).order_by(AuditLine.id))]


def test_it_shows_the_report_without_names_or_small_numbers_and_is_kept_nowhere(
    campaign: Sent, client: FlaskClient
) -> None:
    link = made(campaign)
    answer = client.get(path(link))
    report = whole_report(campaign.database.engine, campaign.campaign_id)
    seen = report["seen_reading"]
    assert f"{seen.numerator:,} of {seen.denominator:,}" in answer.text
    assert "hidden" in answer.text
    assert "@gmail.com" not in answer.text
    assert "person0" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "Set-Cookie" not in answer.headers
    assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script|style=", answer.text), "the policy allows neither"


def test_each_use_is_counted_and_the_first_of_a_day_is_in_the_audit_log(campaign: Sent, client: FlaskClient) -> None:
    link = made(campaign)
    for _ in range(3):
        assert client.get(path(link)).status_code == 200
    assert listed(campaign).uses == 3
    used = [f"link {link.number}", "shared_report.show", str(campaign.campaign_id), "done"]
    assert audit(campaign.database) == [tuple(used)]


@pytest.mark.parametrize("ended", ["expired", "revoked"])
def test_a_link_that_has_ended_says_so_and_shows_nothing(campaign: Sent, client: FlaskClient, ended: str) -> None:
    link = made(campaign)
    with campaign.database.engine.begin() as connection:
        if ended == "revoked":
            assert revoke_link(connection, campaign.campaign_id, link.number, "Sam")
        else:
            connection.execute(text("UPDATE report_links SET expires_at = now()"))
    answer = client.get(path(link))
    assert answer.status_code == 410
    assert ("was revoked" if ended == "revoked" else "has expired") in answer.text
    assert "delivered" not in answer.text.lower()
    assert answer.headers["Cache-Control"] == "no-store"
    assert audit(campaign.database)[-1][3] == "refused"
    assert listed(campaign).uses == 0


def test_only_its_own_key_opens_it(campaign: Sent, client: FlaskClient) -> None:
    link = made(campaign)
    others = [campaign.keys.make(kind, [link.number])[0] for kind in KeyKind if kind is not KeyKind.REPORT]
    for key in (*others, campaign.keys.make(KeyKind.REPORT, [999])[0], "x", path(link)[8:-1]):
        assert client.get(f"/report/{key}").status_code == 404, key
