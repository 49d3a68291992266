"""Reports of campaigns with something wrong: a clear message, never a silent blank or a rate over one."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from daisychain.database import Database
from lists.tables import MailingList
from reports.document.exports import LIST_CSV_COLUMNS, as_csv
from reports.report import Report
from reports.whole_report import figures
from sender.delivery.ledger import Span, move
from sender.events.classify import classify_campaign
from sender.events.intake import ingest
from sender.events.reader_rules import RULE_SET
from sender.events.sendgrid_webhook import to_events
from sender.tables import Attempt, Batch, CampaignIntake
from tests.command import Daisychain
from tests.sender.returns import FIREFOX, Sent, resent, sent

LINK = {"url": "https://campaign.example/toolkit?a=1&b=2", "url_offset": {"index": 0, "type": "html"}}


def tell(campaign: Sent, *told: dict[str, Any]) -> None:
    """Take these events in."""
    with campaign.database.engine.begin() as connection:
        now = datetime.now(UTC)
        ingest(connection, to_events(told, campaign.keys, now), now)


def made(campaign: Sent) -> Report:
    """The report, of whose figures each numerator must be part of its denominator."""
    with campaign.database.engine.connect() as connection:
        report = figures(connection, campaign.campaign_id)
    every = [*report.figures.values(), *(link.clickers for link in report.links)]
    assert all(0 <= (each.numerator or 0) <= each.denominator for each in every if each.denominator is not None)
    names = ("delivered", "bounced_hard", "bounced_soft", "dropped", "no_word")
    if report["delivered"].numerator is not None:
        assert sum(report[name].numerator or 0 for name in names) == report["accepted"].numerator
    return report


def sent_before(campaign: Sent, hours: float) -> None:
    """Let the last request of a campaign have ended so many hours ago."""
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Attempt).values(ended_at=datetime.now(UTC) - timedelta(hours=hours)))


def notes(campaign: Sent) -> str:
    return " ".join(made(campaign).notes)


def test_complaints_of_people_without_a_reported_delivery_prove_it(database: Database) -> None:
    campaign = sent(database, people=30)
    tell(campaign, *(campaign.event("delivered", number) for number in range(5)),
         *(campaign.event("spamreport", number) for number in range(3, 23)))  # fmt: skip
    report = made(campaign)
    assert (report["delivered"].numerator, report["complained"].numerator) == (23, 20)
    assert report["complained"].rate is not None


@pytest.mark.parametrize(("hours", "told", "partly"), [(7, 97, True), (7, 98, False), (5, 97, False), (7, 5, True)])
def test_missing_reports_make_figures_partly_known(database: Database, hours: float, told: int, partly: bool) -> None:
    campaign = sent(database, people=100, opens="provider", clicks="own")
    tell(campaign, *(campaign.event("delivered", number) for number in range(told)))
    sent_before(campaign, hours)
    report = made(campaign)
    names = ("delivered", "no_word", "complained", "opened_human", "clicked")
    standings = {name: report[name].standing for name in names}
    assert set(standings.values()) == ({"partly known", "known"} if partly else {"known"})
    assert standings["clicked"] == "known"  # our own pages told us
    assert report["delivered"].numerator == told
    said = " ".join(report.notes)
    assert (f"a final report on {told} of 100 accepted mails" in said) == ("the last event arrived" in said) == partly


def test_few_delivered_people_are_no_denominator(database: Database) -> None:
    campaign = sent(database, people=100)
    tell(campaign, *(campaign.event("delivered", number) for number in range(10)),
         campaign.event("bounce", 99, type="bounce"),
         *(campaign.event("click", number, useragent=FIREFOX, **LINK) for number in range(40, 60)))  # fmt: skip
    report = made(campaign)
    assert (report["clicked"].numerator, report["clicked"].denominator) == (20, 99)
    assert "not all of them" in report["clicked"].definition


def test_as_of_is_when_the_newest_event_arrived(database: Database) -> None:
    campaign = sent(database)
    assert made(campaign).last_event_at is None
    before = datetime.now(UTC)
    tell(campaign, campaign.event("delivered", at=-9_999))
    report = made(campaign)
    assert before <= report.as_of <= datetime.now(UTC)
    assert report.last_event_at == report.as_of == report["clicked"].as_of


@pytest.mark.parametrize("told", ["bounce", "dropped"])
def test_nobody_delivered_is_said_and_divides_nothing(database: Database, daisychain: Daisychain, told: str) -> None:
    campaign = sent(database, people=2)
    tell(campaign, *(campaign.event(told, number, type="bounce") for number in range(2)))
    assert "No mail is known to have arrived, so there are no rates" in notes(campaign)
    assert made(campaign)["clicked"].note == "no rate, as it would be of nobody"
    assert "no rate" in daisychain("report", "show", "1").stdout


def test_nobody_accepted_is_said_and_divides_nothing(database: Database, daisychain: Daisychain) -> None:
    campaign = sent(database, people=2, outcome="refused")
    span = Span(campaign.campaign_id, campaign.deliveries[0], campaign.deliveries[-1])
    with database.engine.begin() as connection:
        assert move(connection, span, "waiting", "failed", reason="refused_person") == 2
        connection.execute(update(Batch).values(state="done"))
    assert "accepted nobody's mail" in notes(campaign)
    assert daisychain.json("report", "list", "--format", "json")["campaigns"][0]["notes"]


def test_readers_whom_the_ledger_does_not_have_as_accepted_are_in_no_rate(database: Database) -> None:
    campaign = sent(database, people=4, outcome="uncertain")
    tell(campaign, *({**campaign.event("click", number, useragent=FIREFOX, **LINK), "daisychain_attempt": ""}
                     for number in range(3)))  # fmt: skip
    with database.engine.begin() as connection:
        first = campaign.deliveries[0]
        assert move(connection, Span(campaign.campaign_id, first, first), "uncertain", "accepted") == 1
    report = made(campaign)
    assert (report["clicked"].numerator, report["clicked"].denominator) == (1, 1)
    assert (report.links[0].clickers.numerator, report.links[0].clickers.denominator) == (1, 1)
    assert any(note.startswith("2 people read the mail although") for note in report.notes)


def test_a_list_whose_tracking_changed_is_named(database: Database) -> None:
    campaign = sent(database, opens="own", clicks="own")
    tracking = update(MailingList)
    with database.engine.begin() as connection:
        connection.execute(tracking.values(opens="on", clicks="on"))
    assert "tracking" not in notes(campaign)
    with database.engine.begin() as connection:
        connection.execute(tracking.values(opens="off"))
    assert "by now it is off (opens off, clicks on). This campaign was sent with opens own, clicks own" in notes(
        campaign
    )


def test_two_exports_by_different_rules_say_so(database: Database) -> None:
    campaign = sent(database)
    tell(campaign, campaign.event("delivered"))
    with database.engine.begin() as connection:
        connection.execute(update(CampaignIntake).values(rule_set=1, classified_to=CampaignIntake.events))
    first = made(campaign)
    assert (first.rule_set, any("not been compared" in note for note in first.notes)) == (1, True)
    classify_campaign(database, campaign.campaign_id)
    second = made(campaign)
    assert second.rule_set == RULE_SET
    assert f"by rule set {RULE_SET}, before by 1. Don't compare with figures exported before." in " ".join(second.notes)
    exported = [{row["rule_set"] for row in csv.DictReader(io.StringIO(as_csv(each)))} for each in (first, second)]
    assert exported == [{"1"}, {str(RULE_SET)}]


def test_an_unknown_campaign_ends_with_a_hint(daisychain: Daisychain) -> None:
    answer = daisychain("report", "show", "99", code=1)
    assert "There is no campaign 99." in answer.stderr
    assert "There is no campaign 99." in daisychain("events", "classify", "99", code=1).stderr


def test_the_list_has_a_line_for_each_campaign(database: Database, daisychain: Daisychain) -> None:
    assert "No campaign has been sent yet." in daisychain("report", "list").stdout
    campaign = sent(database, people=10, frozen_at=datetime.now(UTC) - timedelta(days=3))
    with database.engine.begin() as connection:
        second = resent(database, connection, campaign.list_id, campaign.members[:5])
        resent(database, connection, campaign.list_id, campaign.members[:1], kind="test")
    for each in (campaign, second):
        tell(each, *(each.event("delivered", number) for number in range(5)),
             each.event("click", 1, useragent=FIREFOX, **LINK))  # fmt: skip
    daisychain("events", "classify")
    found = daisychain.json("report", "list", "--format", "json")
    assert found["schema"] == "daisychain.report-list/1"
    assert [line["campaign_id"] for line in found["campaigns"]] == [second.campaign_id, campaign.campaign_id]
    clicked = found["campaigns"][0]["figures"]["clicked"]
    assert (clicked["numerator"], clicked["denominator"]) == (1, 5)
    assert 71.9 < found["campaigns"][1]["age_hours"] < 72.2
    rows = list(csv.DictReader(io.StringIO(daisychain("report", "list", "--format", "csv", "--last", "1").stdout)))
    assert [tuple(row) for row in rows] == [LIST_CSV_COLUMNS]
    assert (rows[0]["clicked_numerator"], rows[0]["delivered_rate"]) == ("1", "1.0")
    table = daisychain("report", "list").stdout
    assert "3 days" in table
    assert "20.0 % (3.6 % to 62.4 %)" in table
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE campaign_intake SET rule_set = 1 WHERE campaign_id = 1"))
    assert "classified by different rule sets: don't compare" in daisychain("report", "list").stdout


def test_the_report_says_in_words_what_happened(database: Database, daisychain: Daisychain) -> None:
    campaign = sent(database, people=5)
    tell(campaign, *(campaign.event("delivered", number) for number in range(5)),
         campaign.event("click", 1, useragent=FIREFOX, **LINK), campaign.event("unsubscribe", 2))  # fmt: skip
    words = ("5 of 5 accepted mails were delivered (100.0 %). At least 1 person read it (20.0 %). "
             "1 person followed a link (20.0 %). 1 person unsubscribed and 0 people reported it as spam.")  # fmt: skip
    assert words in daisychain("report", "show", "1").stdout
    assert json.loads(daisychain("report", "show", "1", "--format", "json").stdout)["in_words"] == words
