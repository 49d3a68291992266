"""People by dimension: the parts add up to the campaign, everywhere alike, and tell nothing of a few people."""

from __future__ import annotations

from collections import Counter

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from commands.reports.report import report as report_group
from daisychain.database import Database
from daisychain.errors import InputError
from daisychain.installation import Installation
from reports.breakdown import MOST_PARTS, REST, _groups
from reports.part_tables import part_table
from reports.report import Parts, Report
from reports.small_cells import LEAST, hide, without_small_cells
from reports.whole_report import whole_report
from tests.reports.campaigns import over_days
from tests.sender.returns import Sent

ADDED = ("accepted", "delivered", "bounced_hard", "no_word", "seen_reading", "clicked", "unsubscribed")


@pytest.fixture
def campaign(database: Database) -> Sent:
    return over_days(database)


@pytest.fixture
def report(campaign: Sent) -> Report:
    return whole_report(campaign.database.engine, campaign.campaign_id)


def summed(parts: Parts, name: str) -> int:
    return sum(figures[name].numerator or 0 for figures in parts.values())


def run(database: Database, *arguments: str) -> str:
    installation = Installation()
    installation.database = database
    found = CliRunner().invoke(report_group, ["show", *arguments], obj=installation)
    return found.output if found.exception is None or isinstance(found.exception, SystemExit) else str(found.exception)


def test_the_parts_of_each_dimension_add_up_to_the_campaign(report: Report) -> None:
    assert set(report.parts) == {"region", "team", "mailbox", "hour"}
    assert list(report.parts["region"]) == ["North", "South", "not given"]
    for dimension in ("region", "team", "mailbox"):
        for name in ADDED:
            assert summed(report.parts[dimension], name) == report[name].numerator, (dimension, name)


def test_hours_count_each_reader_once_by_the_clock_at_home(report: Report) -> None:
    hours = report.parts["hour"]
    assert [*hours][:2] == ["00:00", "01:00"]
    assert len(hours) == 24
    assert summed(hours, "first_read") == report["seen_reading"].numerator == hours["00:00"]["first_read"].denominator
    assert summed(hours, "first_clicked") == report["clicked"].numerator
    assert "Europe/London" in hours["00:00"]["first_read"].definition


def test_a_dimension_is_shown_by_the_command(campaign: Sent, report: Report) -> None:
    number = str(campaign.campaign_id)
    shown = run(campaign.database, number, "--by", "region", "--by", "hour")
    south = report.parts["region"]["South"]
    assert f"{south['clicked'].numerator} of {south['clicked'].denominator}" in shown
    assert "09:00" in shown
    assert "Microsoft" not in shown
    assert "table" in run(campaign.database, number, "--by", "region", "--format", "csv")


def test_an_unknown_dimension_names_those_that_are_known(campaign: Sent, report: Report) -> None:
    with pytest.raises(InputError) as problem:
        part_table(report, "shoe_size")
    assert "shoe_size" in problem.value.message
    for name in report.parts:
        assert name in (problem.value.hint or "")
    assert "shoe_size" in run(campaign.database, str(campaign.campaign_id), "--by", "shoe_size")


def test_a_dimension_of_very_many_parts_keeps_the_largest_and_sums_the_rest() -> None:
    rows = [(None, {"place": f"p{number}"}, 0, number) for number in range(1, MOST_PARTS + 11)]
    parts = _groups(rows)["place"]
    assert len(parts) == MOST_PARTS + 1
    assert parts[REST] == Counter({0: sum(range(1, 11))})


def test_small_parts_are_hidden_with_what_would_reveal_them(report: Report) -> None:
    shown = without_small_cells(report)
    for dimension, parts in shown.parts.items():
        for part, figures in parts.items():
            for figure in figures.values():
                assert not 0 < (figure.numerator or 0) < LEAST, (dimension, part, figure)
    for name in ("first_read", "first_clicked"):
        assert sum(each[name].numerator is None for each in shown.parts["hour"].values()) != 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=9))
def test_the_rest_of_a_dimension_tells_of_five_people_or_nobody(people: list[int]) -> None:
    counts = {("", "clicked"): sum(people), **{(f"part {at}", "clicked"): each for at, each in enumerate(people)}}
    parts = [cell for cell in counts if cell[0]]
    hidden = hide(counts, [(("", "clicked"), parts)])
    if ("", "clicked") not in hidden:
        rest = sum(counts[cell] for cell in parts if cell in hidden)
        assert rest == 0 or rest >= LEAST
        assert len([cell for cell in parts if cell in hidden]) != 1
