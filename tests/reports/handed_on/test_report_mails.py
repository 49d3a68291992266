"""A report by mail: once, when it is due, with its charts in itself, and with nothing about single people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text, update

from commands.reports.report import report as report_group
from daisychain.database import Database
from daisychain.errors import ConfigurationError, InputError, StateError
from daisychain.installation import Installation
from reports.handed_on.report_mails import cancel_report, mail_due_reports, reports_by_mail, schedule_report
from reports.tables import ReportMail
from reports.whole_report import whole_report
from sender.system_mail.mail_queue import send_due_mails
from sender.tables import Campaign
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.smtp import FakeRelay
from tests.reports.campaigns import over_days
from tests.sender.returns import Sent

SENDER = "Connection Coalition <news@connectioncoalition.org>"
TRUSTEES = "trustees@charity.org.uk"


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


@pytest.fixture
def campaign(database: Database, relay: FakeRelay) -> Sent:
    database.settings = replace(database.settings, provider="smtp", smtp_url=relay.url, system_sender=SENDER)
    campaign = over_days(database, people=(40, 30, 3))
    finish(campaign, "4 days")
    return campaign


def finish(campaign: Sent, ago: str) -> None:
    with campaign.database.engine.begin() as connection:
        at = text(f"now() - interval '{ago}'")
        connection.execute(update(Campaign).values(state="finished", finished_at=at))


def schedule(campaign: Sent, *addresses: str, hours: int = 48) -> int:
    with campaign.database.engine.begin() as connection:
        return schedule_report(
            connection, campaign.database.settings, campaign.campaign_id, addresses or [TRUSTEES], "Priya", hours
        )


def state(campaign: Sent) -> Any:
    with campaign.database.engine.connect() as connection:
        return connection.execute(select(ReportMail.state, ReportMail.problem)).one()


def test_the_figures_and_charts_are_in_the_mail_and_no_person(campaign: Sent, relay: FakeRelay) -> None:
    schedule(campaign, TRUSTEES, "chair@charity.org.uk")
    assert mail_due_reports(campaign.database) == "1 reports mailed"
    assert mail_due_reports(campaign.database) == "", "once"
    assert send_due_mails(campaign.database) == "2 accepted"
    (address, mail), _ = relay.mails()
    assert address in (TRUSTEES, "chair@charity.org.uk")
    page = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    plain = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    report = whole_report(campaign.database.engine, campaign.campaign_id)
    seen = report["seen_reading"]
    for words in (page, plain):
        assert f"{seen.numerator} of {seen.denominator}" in words
        assert "person0" not in words
        assert (
            "person" not in re.sub(r"by a person|a person", "", words.replace("personal", "")) or "person0" not in words
        )
        assert "@gmail.com" not in words
        assert "@people.example" not in words
    assert "hidden" in page
    assert "hidden" in page
    shown = re.findall(r'src="cid:([^"]+)"', page)
    parts = {part["Content-ID"].strip("<>"): part for part in mail.walk() if part["Content-ID"]}
    assert shown == list(parts)
    assert len(shown) >= 3
    for part in parts.values():
        assert part.get_content_type() == "image/png"
        assert part.get_content()[:8] == b"\x89PNG\r\n\x1a\n"
    assert not re.findall(r'src="(?!cid:)', page), "nothing is loaded"


def test_sendgrid_gets_the_charts_as_inline_attachments(campaign: Sent, sendgrid: FakeSendGrid) -> None:
    campaign.database.settings = replace(
        campaign.database.settings, provider="sendgrid", sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url
    )
    schedule(campaign)
    mail_due_reports(campaign.database)
    assert send_due_mails(campaign.database) == "1 accepted"
    body = sendgrid.requests[0].body
    page = body["content"][1]["value"]
    assert {f"cid:{each['content_id']}" for each in body["attachments"]} == set(re.findall(r"cid:[^\"]+", page))
    assert {each["disposition"] for each in body["attachments"]} == {"inline"}


@pytest.mark.parametrize(("ago", "hours", "mailed"), [("47 hours", 48, False), ("49 hours", 48, True),
                                                       ("49 hours", 72, False), ("1 minute", 0, True)])  # fmt: skip
def test_it_is_mailed_so_long_after_the_last_mail_left(campaign: Sent, ago: str, hours: int, mailed: bool) -> None:
    finish(campaign, ago)
    schedule(campaign, hours=hours)
    assert bool(mail_due_reports(campaign.database)) == mailed


def test_a_campaign_that_is_not_finished_is_waited_for_and_the_list_says_so(campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="paused", finished_at=None))
    schedule(campaign)
    assert mail_due_reports(campaign.database) == ""
    with campaign.database.engine.connect() as connection:
        [listed] = reports_by_mail(connection, campaign.campaign_id)
    assert listed.when == "48 hours after the campaign has been sent; now it is paused"
    finish(campaign, "49 hours")
    assert mail_due_reports(campaign.database) == "1 reports mailed"


def test_one_that_was_cancelled_is_not_mailed(campaign: Sent) -> None:
    number = schedule(campaign)
    with campaign.database.engine.begin() as connection:
        assert cancel_report(connection, campaign.campaign_id, number)
        assert not cancel_report(connection, campaign.campaign_id, number)
    assert mail_due_reports(campaign.database) == ""


def test_a_campaign_that_was_never_sent_ends_the_wish_and_says_why(campaign: Sent) -> None:
    schedule(campaign)
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="cancelled", frozen_at=None))
    mail_due_reports(campaign.database)
    assert state(campaign).state == "cancelled"
    assert "has not been sent" in state(campaign).problem
    with campaign.database.engine.begin() as connection, pytest.raises(StateError, match="before it was sent"):
        schedule_report(connection, campaign.database.settings, campaign.campaign_id, [TRUSTEES], "Priya")


@pytest.mark.parametrize("addresses", [["nobody"], [], [f"a{number}@b.org" for number in range(21)]])
def test_what_is_no_address_or_too_many_is_refused(campaign: Sent, addresses: list[str]) -> None:
    with campaign.database.engine.begin() as connection, pytest.raises(InputError):
        schedule_report(connection, campaign.database.settings, campaign.campaign_id, addresses, "Priya")


def test_without_a_relay_or_a_sender_it_is_refused_with_what_to_do(campaign: Sent) -> None:
    settings = campaign.database.settings
    with campaign.database.engine.begin() as connection:
        outbox = replace(settings, provider="outbox")
        with pytest.raises(StateError, match="only written to files") as problem:
            schedule_report(connection, outbox, campaign.campaign_id, [TRUSTEES], "Priya")
        assert "DAISYCHAIN_PROVIDER" in (problem.value.hint or "")
        connection.execute(text("UPDATE lists SET from_address = ''"))
        with pytest.raises(ConfigurationError):
            schedule_report(connection, replace(settings, system_sender=""), campaign.campaign_id, [TRUSTEES], "P")


def test_the_command_schedules_lists_and_cancels(campaign: Sent) -> None:
    installation = Installation()
    installation.database = campaign.database

    def run(*arguments: str) -> str:
        call = ["schedule", str(campaign.campaign_id), *arguments]
        done = CliRunner().invoke(report_group, call, obj=installation)
        return done.output or str(done.exception)

    installation.__dict__["settings"] = campaign.database.settings
    assert TRUSTEES in run("--to", TRUSTEES, "--after", "3d")
    with campaign.database.engine.connect() as connection:
        assert connection.scalar(select(ReportMail.hours)) == 72
    assert "cancelled" in run("--cancel", "1")
    assert "no report 1" in run("--cancel", "1")
    assert "no age" in run("--to", TRUSTEES, "--after", "soon")
