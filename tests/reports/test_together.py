"""A campaign with its follow-ups, and notes on days: in the figures, the chart, and every file."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from sqlalchemy import func, insert, select, update

from daisychain.database import Database
from daisychain.errors import InputError
from reports.charts.curve_chart import curve_data
from reports.charts.drawing import svg
from reports.document.file_formats import FORMATS
from reports.report import Report
from reports.small_cells import without_small_cells
from reports.staff_notes import add_note, read_notes, remove_note
from reports.together import _sums
from reports.whole_report import whole_report
from sender.events.facts import BITS
from sender.tables import Attempt, Batch, Campaign, Delivery, Rollup
from tests.reports.campaigns import over_days, told
from tests.sender.returns import FIREFOX, Sent


@pytest.fixture
def campaign(database: Database) -> Sent:
    return over_days(database)


def report_of(campaign: Sent) -> Report:
    return whole_report(campaign.database.engine, campaign.campaign_id)


def followed_up(campaign: Sent, numbers: range) -> tuple[Sent, list[str]]:
    """Mail some people of a campaign again, as a follow-up does."""
    columns = [column for column in Campaign.__table__.columns if column.name not in ("id", "of_campaign_id")]
    names = [*(column.name for column in columns), "of_campaign_id"]
    with campaign.database.engine.begin() as connection:
        copied = select(*columns, Campaign.id).where(Campaign.id == campaign.campaign_id)
        again = connection.scalar(insert(Campaign).from_select(names, copied).returning(Campaign.id))
        batch = connection.scalar(insert(Batch).values(
            campaign_id=again, compiled_id=1, first_id=0, last_id=0, state="done").returning(Batch.id))  # fmt: skip
        attempt = connection.scalar(insert(Attempt).values(
            batch_id=batch, campaign_id=again, sender_id=1, people=len(numbers), ended_at=datetime.now(UTC),
            outcome="accepted").returning(Attempt.id))  # fmt: skip
        people = select(Delivery.member_id, Delivery.address, Delivery.inputs)
        chosen = Delivery.id.in_([campaign.deliveries[number] for number in numbers])
        rows = connection.execute(people.where(chosen).order_by(Delivery.id)).all()
        ids = [
            connection.execute(insert(Delivery).values(
                campaign_id=again, member_id=row.member_id, address=row.address, inputs=row.inputs, state="accepted",
                attempt_id=attempt).returning(Delivery.id)).scalar_one()
            for row in rows
        ]  # fmt: skip
        ranges = {"first_delivery": ids[0], "last_delivery": ids[-1], "intended": len(ids)}
        connection.execute(update(Campaign).where(Campaign.id == again).values(ranges))
    assert again
    return replace(campaign, campaign_id=again, attempt_id=attempt, deliveries=ids), [row.address for row in rows]


def test_people_of_a_campaign_and_its_follow_up_count_once(campaign: Sent) -> None:
    before = report_of(campaign)
    again, addresses = followed_up(campaign, range(20, 60))
    assert report_of(campaign)["together_accepted"].numerator == before["accepted"].numerator, "the same people"
    for number in range(40):  # of them, every fifth had clicked before
        told(again, again.event("delivered", number, at=10, email=addresses[number]))
    clickers = [number for number in range(40) if number % 5 in (0, 1)]
    for number in clickers:
        link = {"url": "https://campaign.example/toolkit?a=1&b=2", "url_offset": {"index": 0, "type": "html"}}
        told(again, again.event("click", number, at=900 + 60 * number, useragent=FIREFOX,
                          email=addresses[number], **link))  # fmt: skip
    report = report_of(campaign)
    assert "together_clicked" not in before.figures
    assert report["clicked"] == replace(before["clicked"], as_of=report.as_of)
    clicked = select(func.count(), func.count(Delivery.member_id.distinct())).join(
        Rollup, Rollup.delivery_id == Delivery.id).where(Rollup.facts.op("&")(BITS["clicked_human"]) != 0)  # fmt: skip
    mails_clicked, people = again.one(clicked)
    assert report["together_clicked"].numerator == people
    assert (before["clicked"].numerator or 0) < people < mails_clicked, "some clicked in both"
    assert report["together_reached"].numerator == report["together_clicked"].denominator
    assert f"follow-up ({again.campaign_id})" in report["together_clicked"].definition
    follow_up = whole_report(campaign.database.engine, again.campaign_id)
    assert any(f"follows up campaign {campaign.campaign_id}" in note for note in follow_up.notes)


def mails(*facts: str) -> list[int]:
    return [(place << 32) + (BITS[fact] if fact else 0) for place, fact in enumerate(facts, 1)]


def test_a_second_mail_that_arrives_makes_up_for_a_first_that_bounced() -> None:
    people, _ = _sums([(mails("bounced_hard", "delivered"), 20), (mails("delivered"), 10)], reported=True)
    assert (people["accepted"], people["reached"]) == (30, 30)


@pytest.mark.parametrize("few", [mails("", "clicked_human"), mails("clicked_human", "clicked_human")])
def test_a_sum_that_would_show_a_few_people_is_hidden_with_small_cells(campaign: Sent, few: list[int]) -> None:
    rows = [(mails("clicked_human", ""), 20), (mails("", "clicked_human"), 20), (few, 2)]
    assert "clicked" in _sums(rows if few[0] >> 32 == 1 and few[0] & 0xFFFF else [rows[0], rows[2]], reported=True)[1]
    report = report_of(campaign)
    made = replace(report, figures={**report.figures, "together_clicked": replace(report["clicked"], name="x")})
    assert without_small_cells(made)["together_clicked"].numerator is not None
    assert without_small_cells(replace(made, few=frozenset({"together_clicked"})))["together_clicked"].standing == (
        "hidden"
    )


def test_a_note_is_in_the_report_its_curve_and_every_file(campaign: Sent) -> None:
    engine = campaign.database.engine
    plain = svg(curve_data(report_of(campaign)), 640)
    day = (datetime.now(UTC) - timedelta(days=3)).date()
    with engine.begin() as connection:
        add_note(connection, campaign.campaign_id, "Story in <the> press", "Priya", day)
    report = report_of(campaign)
    drawing = svg(curve_data(report), 640)
    assert "Story in &lt;the&gt; press" in drawing
    assert "Story" not in plain
    for kind in ("html", "csv", "json"):
        assert "Story in " in FORMATS[kind].make(engine, report).decode(), kind
    sheets = pd.read_excel(io.BytesIO(FORMATS["xlsx"].make(engine, report)), sheet_name=None, engine="calamine")
    assert "Story in <the> press" in sheets["Summary"].to_csv()
    rows = pd.read_parquet(io.BytesIO(FORMATS["parquet"].make(engine, report)))
    assert list(rows[rows["figure"] == "staff_note"]["part"]) == [f"{day}"]
    assert json.loads(FORMATS["json"].make(engine, report))["staff_notes"][0]["day"] == f"{day}"
    assert curve_data(report).key("wide") != curve_data(replace(report, staff_notes=[])).key("wide")


def test_notes_are_listed_by_day_and_removed_by_number(campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        add_note(connection, campaign.campaign_id, "second", "Sam", date(2026, 12, 2))
        first = add_note(connection, campaign.campaign_id, " first \n day ", "Sam", date(2026, 12, 1))
        assert [note.content for note in read_notes(connection, campaign.campaign_id)] == ["first day", "second"]
        remove_note(connection, campaign.campaign_id, first)
        assert [note.content for note in read_notes(connection, campaign.campaign_id)] == ["second"]
        with pytest.raises(InputError, match="no note"):
            remove_note(connection, campaign.campaign_id, first)


@pytest.mark.parametrize("content", ["", "  ", "x" * 201, "Ann (ann@charity.org) forwarded it"])
def test_a_note_that_says_nothing_or_names_an_address_is_refused(campaign: Sent, content: str) -> None:
    with campaign.database.engine.begin() as connection, pytest.raises(InputError):
        add_note(connection, campaign.campaign_id, content, "Sam")
