"""Figures of reading that is counted without persons: as good as those of a campaign that is counted per person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import ARRAY, Text, bindparam, text

from daisychain.database import Database
from reports.breakdown import count_breakdown
from reports.compare import compare
from reports.report import Report
from reports.tallies import tally
from reports.whole_report import report_of
from sender.events.recount import correct_rollups, recount_rollups
from sender.events.sum_check import check_facts
from tests.reports.simulated_readers import CONSUMERS, MIXED, ORGANISATIONS, STYLES, World, simulate
from tests.reports.simulation import Staged, stage, store, without_persons

READING = (
    "seen_reading", "opened_human", "clicked", "opened_any", "opened_machine", "opened_unknown", "clicked_machine",
    "clicked_unknown", "read_estimated",
)  # fmt: skip


def both(database: Database, world: World, seed: int, *regions: str) -> tuple[Staged, Staged, int]:
    """Report one simulated campaign per person and without; returns both, and how many people clicked in truth."""
    truth = simulate(world, seed)
    known, counted = stage(database, truth.addresses), stage(database, truth.addresses)
    if regions:
        for each in (known, counted):
            live_in(each, regions)
    counted = without_persons(counted)
    for each in (known, counted):
        store(each, truth.hits)
        each.classify()
    return known, counted, len(truth.clickers)


def live_in(staged: Staged, regions: Sequence[str]) -> None:
    """Let a campaign's people, in turn, live in these regions."""
    in_turn = text("""
        UPDATE deliveries SET dimensions = jsonb_build_object('region', (:regions)[1 + (id - :first) % :several])
        WHERE id >= :first
    """).bindparams(bindparam("regions", type_=ARRAY(Text)))
    with staged.database.engine.begin() as connection:
        connection.execute(in_turn, {"regions": list(regions), "first": staged.first, "several": len(regions)})


def broken_down(staged: Staged) -> Report:
    with staged.database.engine.connect() as connection:
        tallies = tally(connection, staged.campaign_id)
        return report_of(connection, tallies, count_breakdown(connection, tallies))


def test_without_scanners_the_figures_are_the_same(database: Database) -> None:
    known, counted, _ = both(database, replace(CONSUMERS, people=2_500, click=0.2), 3)
    one, other = broken_down(known), broken_down(counted)
    for name in READING:
        of = other[name].numerator or 0
        # A prefetch or an odd hit of mail that bounced counts, as nobody knows whose it is.
        assert abs((one[name].numerator or 0) - of) <= 0.01 * of + 2, name
    assert one["clicked"].numerator == other["clicked"].numerator
    assert one["clicked"].denominator == pytest.approx(other["clicked"].denominator, abs=3)
    assert [link.clickers.numerator for link in one.links] == [link.clickers.numerator for link in other.links]
    assert {name: at["clicked"].numerator for name, at in one.mailboxes.items()} == {
        name: at["clicked"].numerator for name, at in other.mailboxes.items()
    }
    assert one.curve[-1].clicked.numerator == other.curve[-1].clicked.numerator
    assert any("2,500 of 2,500 people are counted without persons" in note for note in other.notes)


@pytest.mark.parametrize("regions", [("North", "South"), ("North", "North", "South", "East")])
def test_each_dimension_has_the_same_figures(database: Database, regions: tuple[str, ...]) -> None:
    known, counted, _ = both(database, replace(CONSUMERS, people=2_000, click=0.2), 5, *regions)
    one, other = (broken_down(each).parts["region"] for each in (known, counted))
    assert set(one) == set(other) == set(regions)
    for region in regions:
        for name in set(READING) & set(one[region]):
            of = other[region][name].numerator or 0
            assert abs((one[region][name].numerator or 0) - of) <= 0.01 * of + 2, (region, name)
        assert one[region]["clicked"].denominator == pytest.approx(other[region]["clicked"].denominator, abs=3)


@pytest.mark.parametrize("hours", [1, 6, 24, 72])
def test_at_equal_age_the_figures_are_the_same(database: Database, hours: int) -> None:
    known, counted, _ = both(database, replace(CONSUMERS, people=1_000, click=0.2), 7)
    with database.engine.connect() as connection:
        comparison = compare(connection, [known.campaign_id, counted.campaign_id], timedelta(hours=hours))
    one, other = (each.figures for each in comparison.campaigns)
    for name in ("clicked", "seen_reading"):
        of = other[name].numerator or 0
        assert abs((one[name].numerator or 0) - of) <= 0.01 * of + 2, name
        assert one[name].denominator == pytest.approx(other[name].denominator, abs=3)


@pytest.mark.parametrize("style", STYLES)
def test_scanners_hardly_change_the_click_rate(database: Database, style: str) -> None:
    _, counted, clickers = both(database, replace(MIXED, people=1_200, style=style), 3)
    assert abs((counted.report()["clicked"].numerator or 0) - clickers) <= 0.02 * 1_200


def test_scanners_of_most_organisations_hardly_change_it(database: Database) -> None:
    known, counted, clickers = both(database, replace(ORGANISATIONS, people=1_200, style="over 10 s"), 3)
    one, other = known.report()["clicked"].numerator or 0, counted.report()["clicked"].numerator or 0
    assert abs(other - clickers) <= abs(one - clickers) + 0.01 * 1_200


def test_the_sums_equal_a_recount_and_are_corrected_by_one(database: Database) -> None:
    _, counted, _ = both(database, replace(MIXED, people=400), 1)
    before = {name: figure.numerator for name, figure in counted.report().figures.items()}
    with database.engine.begin() as connection:
        assert not any(recount_rollups(connection, [counted.campaign_id]).values())
        assert check_facts(connection, counted.campaign_id)
        connection.execute(text("DELETE FROM delivery_rollups WHERE delivery_id < 0"))
        connection.execute(text("DELETE FROM link_clickers WHERE delivery_id < 0"))
        connection.execute(text("DELETE FROM facts_rollups WHERE campaign_id = :id"), {"id": counted.campaign_id})
    correct_rollups(database.engine, [counted.campaign_id])
    assert {name: figure.numerator for name, figure in counted.report().figures.items()} == before
