"""Reports of simulated readers whose reading is known: how far they are from the truth."""

from __future__ import annotations

import random
import statistics
from dataclasses import replace

import pytest

from daisychain.database import Database
from sender.events.reader_rules import RULE_SET
from sender.events.recount import recount_rollups
from tests.reports.simulated_readers import (
    CONSUMERS,
    ICLOUD,
    MIXED,
    MOST_LINKS_STYLES,
    OFFICES,
    ORGANISATIONS,
    STYLES,
    World,
    simulate,
)  # fmt: skip
from tests.reports.simulation import (
    PAGE,
    compared,
    coverage,
    estimate_alone,
    report_by_webhook,
    rules_table,
    run,
    stage,
    store,
    written,
)  # fmt: skip

# A third of all people click, many of them at once.
EAGER = replace(ORGANISATIONS, name="eager organisations", guarded=0.0, read=0.9, click=0.4)
WITHOUT_SCANNERS = (CONSUMERS, ICLOUD, OFFICES, EAGER)


@pytest.mark.parametrize("world", WITHOUT_SCANNERS, ids=lambda world: world.name)
def test_without_scanners_the_click_rate_is_exact(database: Database, world: World) -> None:
    found = run(database, replace(world, people=800), 1)
    assert found.clicked == found.clicked_alone == found.clicked_true > 0
    assert found.seen <= found.read


@pytest.mark.parametrize("style", STYLES)
def test_scanners_hardly_change_the_click_rate(database: Database, style: str) -> None:
    found = run(database, replace(MIXED, people=1_200, style=style), 3)
    assert found.clicked_alone - found.clicked_true > 0.05
    assert abs(found.clicked - found.clicked_true) <= (0.005 if style in MOST_LINKS_STYLES else 0.02)
    assert found.seen <= found.read


def test_signed_bodies_in_any_order_give_what_is_stored_directly(database: Database) -> None:
    world = replace(ORGANISATIONS, people=250, style="over 10 s")
    truth = simulate(world, 5)
    direct, told = stage(database, truth.addresses), stage(database, truth.addresses)
    store(direct, truth.hits)
    hits = random.Random(9).sample(truth.hits, len(truth.hits))
    report_by_webhook(told, hits[: len(hits) // 2])
    told.classify()  # half of them: late events change what was decided
    report_by_webhook(told, hits[len(hits) // 3 :])
    for each in (direct, told):
        each.classify()
    numbers = [{name: figure.numerator for name, figure in each.report().figures.items()} for each in (direct, told)]
    assert numbers[0] == numbers[1]
    assert abs(compared(truth, told.report(), 0).clicked - len(truth.clickers) / len(truth.delivered)) <= 0.005
    with database.engine.begin() as connection:
        assert not any(recount_rollups(connection, [direct.campaign_id, told.campaign_id]).values())


def test_the_estimate_writes_its_sum_and_holds_the_truth(database: Database) -> None:
    truth = simulate(replace(CONSUMERS, forwards=0), 2)
    staged, alone = stage(database, truth.addresses), estimate_alone(truth)
    store(staged, truth.hits)
    staged.classify()
    figure = staged.report()["read_estimated"]
    assert alone is not None
    assert (figure.numerator, figure.note) == (alone.readers, alone.words)
    assert figure.sampling is not None
    assert figure.wide is not None
    assert figure.wide[0] <= figure.sampling[0] <= len(truth.readers) / len(truth.delivered) <= figure.sampling[1]
    assert figure.sampling[1] <= figure.wide[1]


def test_small_campaigns_are_estimated_by_the_clickers_of_several(database: Database) -> None:
    reports = []
    for seed in range(3):
        truth = simulate(replace(CONSUMERS, people=1_000, click=0.2), seed)
        staged = stage(database, truth.addresses)
        store(staged, truth.hits)
        staged.classify()
        reports.append(staged.report())
    first, last = reports[0].figures, reports[-1].figures
    assert "read_estimated_pooled" not in first
    assert first["read_estimated"].standing == last["read_estimated"].standing == "not known"
    assert "needs 50 people" in last["read_estimated"].note
    assert "last 3 campaigns" in last["read_estimated_pooled"].note
    low, high = last["read_estimated_pooled"].wide or (0, 0)
    assert low < len(truth.readers) / len(truth.delivered) < high


def test_the_page_for_analysts_has_the_tables_of_this_rule_set() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert written(page, "rules", rules_table()) == page, "python -m tests.reports.simulation"
    assert f"\nRule set {RULE_SET}; " in page, "python -m tests.reports.simulation"


# -- what takes long


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_scanners_over_many_runs(database: Database, style: str) -> None:
    found = [run(database, replace(MIXED, style=style), seed) for seed in range(20)]
    bias = statistics.fmean(each.clicked - each.clicked_true for each in found)
    assert abs(bias) <= (0.005 if style in MOST_LINKS_STYLES else 0.02)
    assert all(each.seen <= each.read for each in found)


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_scanners_of_more_than_half_of_the_people(database: Database, style: str) -> None:
    found = [run(database, replace(ORGANISATIONS, style=style), seed) for seed in range(10)]
    bias = statistics.fmean(each.clicked - each.clicked_true for each in found)
    assert abs(bias) <= (0.005 if style in MOST_LINKS_STYLES else 0.02)
    assert all(each.seen <= each.read for each in found)


@pytest.mark.slow
@pytest.mark.parametrize("guarded", [0.03, 0.06, 0.1, 0.25, 0.9])
def test_one_link_scanners_however_many_there_are(database: Database, guarded: float) -> None:
    found = [run(database, replace(ORGANISATIONS, guarded=guarded, style="one link"), seed) for seed in range(5)]
    assert abs(statistics.fmean(each.clicked - each.clicked_true for each in found)) <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("world", WITHOUT_SCANNERS, ids=lambda world: world.name)
def test_many_runs_without_scanners(database: Database, world: World) -> None:
    for seed in range(20):
        found = run(database, world, seed)
        assert found.clicked == found.clicked_true
        assert found.seen <= found.read


@pytest.mark.slow
def test_estimates_without_forwards_cover_what_they_claim() -> None:
    found = coverage(replace(CONSUMERS, forwards=0), 1_000)
    assert found.runs > 900
    assert 0.93 <= found.holds <= 0.97
    assert abs(found.bias) < 0.005
