"""The figures of a campaign: what they count, what they are a share of, and what they say when nobody knows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, update

from commands.reports.report import report as report_group
from daisychain.database import Database
from daisychain.errors import StateError
from daisychain.installation import Installation
from reports.document.exports import CSV_COLUMNS, as_csv
from reports.report import Report
from reports.whole_report import figures
from sender.events.intake import ingest
from sender.events.recount import correct_rollups
from sender.events.sendgrid_webhook import to_events
from sender.tables import Campaign, Delivery, Event
from tests.sender.returns import FIREFOX, Sent, sent

LINK = {"url": "https://campaign.example/toolkit?a=1&b=2", "url_offset": {"index": 0, "type": "html"}}
JOIN = {"url_offset": {"index": 1, "type": "html"}}


def tell(campaign: Sent, *told: dict[str, Any]) -> None:
    """Take these events in."""
    with campaign.database.engine.begin() as connection:
        now = datetime.now(UTC)
        ingest(connection, to_events(told, campaign.keys, now), now)


def made(campaign: Sent) -> Report:
    """The report as it stands."""
    with campaign.database.engine.connect() as connection:
        return figures(connection, campaign.campaign_id)


def counts(report: Report, *names: str) -> dict[str, tuple[int | None, int | None]]:
    """Figure → (numerator, denominator)."""
    return {name: (report[name].numerator, report[name].denominator) for name in names or report.figures}


@pytest.fixture
def campaign(database: Database) -> Sent:
    """Ten people: eight delivered, one bounced, one dropped; opens and clicks of every class."""
    campaign = sent(database, people=10, opens="provider", clicks="provider")
    tell(
        campaign,
        *(campaign.event("delivered", number) for number in range(8)),
        campaign.event("bounce", 8, type="bounce"),
        campaign.event("dropped", 9),
        campaign.event("open", 0, useragent=FIREFOX),
        campaign.event("open", 0, at=5, useragent=FIREFOX),
        campaign.event("open", 0, sg_machine_open=True),
        campaign.event("open", 1, useragent=FIREFOX),
        campaign.event("open", 2, sg_machine_open=True),
        campaign.event("open", 3),
        campaign.event("click", 0, useragent=FIREFOX, **LINK),
        campaign.event("click", 0, at=9, useragent=FIREFOX, **LINK),
        campaign.event("click", 4, useragent=FIREFOX, **LINK),
        campaign.event("click", 4, useragent=FIREFOX, **JOIN),
        campaign.event("spamreport", 5),
        campaign.event("group_unsubscribe", 6),
    )
    return campaign


def test_each_figure_has_its_numerator_and_denominator(campaign: Sent) -> None:
    assert counts(made(campaign)) == {
        "intended": (10, None),
        "excluded": (0, 10),
        "waiting": (0, 10),
        "accepted": (10, 10),
        "failed": (0, 10),
        "uncertain": (0, 10),
        "delivered": (8, 10),
        "bounced_hard": (1, 10),
        "bounced_soft": (0, 10),
        "dropped": (1, 10),
        "no_word": (0, 10),
        "complained": (1, 8),
        "unsubscribed": (1, 8),
        "seen_reading": (3, 8),
        "opened_human": (2, 8),
        "clicked": (2, 8),
        "click_to_open": (2, 3),
        "opened_any": (4, 8),
        "opened_machine": (1, 8),
        "opened_unknown": (1, 8),
        "clicked_machine": (0, 8),
        "clicked_not_told_apart": (0, 8),
        "clicked_unknown": (0, 8),
        "read_estimated": (None, 8),
    }


def test_each_figure_says_what_it_is_where_from_and_when(campaign: Sent) -> None:
    report = made(campaign)
    for figure in report.figures.values():
        assert figure.definition.endswith(".")
        assert figure.source
        assert figure.as_of == report.as_of
        assert figure.standing == ("not known" if figure.name == "read_estimated" else "known")
    assert report["clicked"].rate == 0.25
    low, high = report["clicked"].interval or (0, 0)
    assert 0 < low < 0.25 < high < 1


def test_links_are_counted_by_their_place_in_the_email(campaign: Sent) -> None:
    links = made(campaign).links
    assert [(link.number, link.text, link.clicks.numerator, link.clickers.numerator) for link in links] == [
        (0, "Toolkit", 3, 2), (1, "Near you", 0, 0), (2, "Join", 1, 1),
    ]  # fmt: skip
    assert links[2].url == "https://campaign.example/join?name={first_name}"
    assert links[0].clickers.denominator == 8


@pytest.mark.parametrize("offset", [{}, {"url_offset": {"index": 1, "type": "html"}}])
@pytest.mark.parametrize(
    "url",
    ["https://elsewhere.example", "http://127.0.0.1:8000/u/unsubscribe", "https://campaign.example/", "http://[broken"],
)
def test_a_click_on_what_is_no_link_of_the_mail_does_not_count(
    campaign: Sent, url: str, offset: dict[str, Any]
) -> None:
    before = counts(made(campaign), "clicked", "seen_reading", "delivered")
    tell(campaign, campaign.event("click", 7, url=url, useragent=FIREFOX, **offset))
    report = made(campaign)
    assert counts(report, "clicked", "seen_reading", "delivered") == before
    assert report["clicked_unknown"].numerator == 1
    assert [link.clicks.numerator for link in report.links] == [3, 0, 1]


@pytest.mark.parametrize(
    "url",
    ["https://Campaign.Example/toolkit?a=1&amp;b=2", "https://campaign.example/toolkit/?a=1&b=2",
     "https://campaign.example/toolkit?b=2&a=1&utm_source=news", "https://campaign.example/%74oolkit?a=1&b=2#top"],
)  # fmt: skip
def test_a_link_is_the_same_however_the_provider_writes_it(campaign: Sent, url: str) -> None:
    tell(campaign, campaign.event("click", 7, url=url, useragent=FIREFOX))
    assert [link.clicks.numerator for link in made(campaign).links] == [4, 0, 1]


def test_an_open_proves_a_delivery_that_nobody_told_of(campaign: Sent) -> None:
    tell(campaign, campaign.event("open", 9, useragent=FIREFOX))
    assert counts(made(campaign), "delivered", "opened_human") == {"delivered": (9, 10), "opened_human": (3, 9)}


def test_a_mail_that_came_back_later_was_not_delivered(campaign: Sent) -> None:
    tell(campaign, campaign.event("bounce", 7, at=60, type="bounce"))
    assert counts(made(campaign), "delivered", "bounced_hard") == {"delivered": (7, 10), "bounced_hard": (2, 10)}


def test_where_delivery_is_never_told_rates_are_of_accepted_less_bounced(database: Database) -> None:
    campaign = sent(database, people=10, provider="smtp")
    tell(
        campaign,
        campaign.event("bounce", 0, type="bounce"),
        campaign.event("bounce", 1, type="blocked"),
        campaign.event("open", 2, useragent=FIREFOX),
    )
    report = made(campaign)
    assert report["delivered"].standing == "not known"
    assert report["delivered"].rate is None
    assert counts(report, "opened_human", "bounced_soft") == {"opened_human": (1, 8), "bounced_soft": (1, 10)}
    assert "accepted less those bounced" in report["opened_human"].definition


def test_a_provider_whose_reports_were_all_taken_back_leaves_its_figures_unknown(campaign: Sent) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(delete(Event).where(Event.source == "sendgrid"))
    correct_rollups(campaign.database.engine, [campaign.campaign_id])
    report = made(campaign)
    assert {report[name].standing for name in ("delivered", "bounced_hard", "opened_human")} == {"not known"}


def test_a_provider_that_never_spoke_leaves_its_figures_unknown(database: Database) -> None:
    report = made(sent(database, opens="provider", clicks="own"))
    standings = {name: figure.standing for name, figure in report.figures.items()}
    unknown = {"delivered", "dropped", "bounced_hard", "bounced_soft", "complained", "opened_human", "opened_any",
               "no_word", "opened_machine", "opened_unknown", "click_to_open", "read_estimated"}  # fmt: skip
    assert {name for name, standing in standings.items() if standing != "known"} == unknown
    assert {standings[name] for name in unknown} == {"not known"}
    # Our own redirect would have told, so nobody clicked.
    assert counts(report, "clicked") == {"clicked": (0, 3)}


@pytest.mark.parametrize(
    ("opens", "clicks", "untracked"),
    [
        ("off", "own", {"opened_human", "opened_any", "opened_machine", "opened_unknown", "click_to_open"}),
        ("own", "off", {"clicked", "click_to_open", "clicked_machine", "clicked_not_told_apart", "clicked_unknown"}),
    ],
)
def test_what_was_not_tracked_says_so_and_is_never_nought(
    database: Database, opens: str, clicks: str, untracked: set[str]
) -> None:
    campaign = sent(database, opens=opens, clicks=clicks)
    tell(campaign, campaign.event("delivered"))
    report = made(campaign)
    assert {name for name, each in report.figures.items() if each.standing == "not tracked"} == untracked | {
        "read_estimated"
    }
    assert all(report[name].numerator is None and report[name].rate is None for name in untracked)
    assert {link.clicks.standing for link in report.links} == {"not tracked" if clicks == "off" else "known"}


def test_only_members_are_counted(campaign: Sent, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).where(Delivery.id == campaign.deliveries[7]).values(kind="seed"))
    tell(campaign, campaign.event("click", 7, useragent=FIREFOX, **LINK))
    report = made(campaign)
    assert report["clicked"].numerator == 2
    assert report.links[0].clicks.numerator == 3


def test_each_link_has_a_row_of_clicks_and_one_of_clickers(campaign: Sent) -> None:
    assert [row["link"] for row in made(campaign).link_rows()] == [0, 0, 1, 1, 2, 2]


def _draft(database: Database) -> int:
    campaign = sent(database)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="draft"))
    return campaign.campaign_id


NOTHING: dict[str, tuple[Callable[[Database], int], str]] = {
    "one that is not there": (lambda database: 10**6, "no campaign"),
    "a test": (lambda database: sent(database, kind="test").campaign_id, "test send"),
    "a draft": (_draft, "has not been sent"),
}


@pytest.mark.parametrize("case", NOTHING)
def test_there_is_no_report_on(database: Database, case: str) -> None:
    make, words = NOTHING[case]
    campaign_id = make(database)
    with database.engine.connect() as connection, pytest.raises(StateError, match=words):
        figures(connection, campaign_id)


def run(database: Database, *arguments: str) -> str:
    """What the command prints."""
    installation = Installation()
    installation.database = database
    result = CliRunner().invoke(report_group, ["show", *arguments], obj=installation, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_json_has_figures_by_name(campaign: Sent) -> None:
    content = json.loads(run(campaign.database, str(campaign.campaign_id), "--format", "json"))
    assert content["schema"] == "daisychain.report/2"
    clicked = content["figures"]["clicked"]
    assert (clicked["numerator"], clicked["denominator"], clicked["rate"]) == (2, 8, 0.25)
    assert content["links"][0]["clicks"]["numerator"] == 3


def test_csv_has_versioned_columns_and_whole_numbers(campaign: Sent) -> None:
    rows = list(csv.DictReader(io.StringIO(run(campaign.database, str(campaign.campaign_id), "--format", "csv"))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert {row["schema"] for row in rows} == {"daisychain.report/2"}
    clicked = next(row for row in rows if row["figure"] == "clicked")
    assert (clicked["numerator"], clicked["denominator"], clicked["rate"]) == ("2", "8", "0.25")
    assert next(row for row in rows if row["figure"] == "bounced_hard")["rate_high"] == "0.40415"
    assert next(row for row in rows if row["figure"] == "accepted")["rate_high"] == ""
    link = next(row for row in rows if row["figure"] == "link_clickers")
    assert (link["link"], link["link_text"], link["numerator"]) == ("0", "Toolkit", "2")


def test_what_is_not_known_is_an_empty_cell(database: Database) -> None:
    campaign = sent(database, opens="off")
    rows = csv.DictReader(io.StringIO(as_csv(made(campaign))))
    opened = next(row for row in rows if row["figure"] == "opened_human")
    assert (opened["standing"], opened["numerator"], opened["rate"]) == ("not tracked", "", "")


@pytest.mark.parametrize(("exact", "cell"), [([], "'=HYPERLINK(1)"), (["--exact"], "=HYPERLINK(1)")])
def test_csv_runs_nothing_in_a_spreadsheet(campaign: Sent, exact: list[str], cell: str) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Campaign).values(name="=HYPERLINK(1)"))
    text = run(campaign.database, str(campaign.campaign_id), "--format", "csv", *exact)
    assert next(csv.DictReader(io.StringIO(text)))["campaign"] == cell


def test_the_table_reads_with_its_definitions_below(campaign: Sent, database: Database) -> None:
    printed = run(database, str(campaign.campaign_id))
    assert "Clicked (click rate)" in printed
    assert "25.0 %" in printed
    assert "[1] People in the audience when it was frozen." in printed
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(opens="off"))
    printed = run(database, str(campaign.campaign_id))
    assert "not tracked" in printed
