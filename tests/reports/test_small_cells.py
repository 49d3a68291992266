"""What analysts see: no cell about fewer than five people, and none that can be computed from the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.in_words import in_words
from reports.report import Figure, LinkFigures, Report
from reports.small_cells import LEAST, hide, without_small_cells, without_small_figures

NOW = datetime(2026, 12, 1, tzinfo=UTC)
FATES = ("delivered", "bounced_hard", "bounced_soft", "dropped", "no_word")


def figure(name: str, people: int, of: int | None = None) -> Figure:
    return Figure(name, name, people, of, "", "", NOW)


def made(accepted: int, fates: dict[str, int], **more: int) -> dict[str, Figure]:
    """Figures of a campaign: `fates` and, of those reached, `more`; who is in no fate was delivered."""
    fates = {"delivered": accepted - sum(fates.values()), **fates}
    reached = fates["delivered"]
    ledger = {"excluded": 0, "waiting": 0, "accepted": accepted, "failed": 0, "uncertain": 0}
    shares = {"complained": 0, "unsubscribed": 0, "seen_reading": 0, "clicked": 0, "clicked_machine": 0, **more}
    return {
        "intended": figure("intended", accepted),
        **{name: figure(name, people, accepted) for name, people in ledger.items()},
        **{name: figure(name, fates.get(name, 0), accepted) for name in FATES},
        **{name: figure(name, people, reached) for name, people in shares.items()},
    }


def report(every: dict[str, Figure], languages: dict[str, dict[str, Figure]] | None = None, *links: int) -> Report:
    reached = every["clicked"].denominator
    lines = [
        LinkFigures(at, "", "", figure("link_clicks", people), figure("link_clickers", people, reached))
        for at, people in enumerate(links)
    ]
    return Report(1, "May", "finished", NOW, NOW, 1, [], every, lines, {"language": languages} if languages else {})


def numbers(figures: dict[str, Figure]) -> dict[str, int | None]:
    return {name: each.numerator for name, each in figures.items()}


def test_a_small_cell_and_the_one_that_would_reveal_it_are_hidden() -> None:
    shown = without_small_figures(
        made(900, {"bounced_hard": 3, "no_word": 20}, complained=2, clicked=80, seen_reading=200)
    )
    found = numbers(shown)
    assert found["bounced_hard"] is found["complained"] is None
    assert [name for name in FATES if found[name] is None] == ["bounced_hard", "bounced_soft"], "nobody is hidden too"
    assert (found["delivered"], found["clicked"], found["accepted"]) == (877, 80, 900)
    assert shown["complained"].standing == "hidden"
    assert shown["complained"].rate is shown["complained"].interval is None


def test_a_figure_that_nearly_all_of_a_larger_one_have_is_hidden() -> None:
    found = numbers(without_small_figures(made(900, {}, clicked=80, seen_reading=82)))
    assert found["clicked"] is None, "two opened it and clicked nothing"
    assert found["seen_reading"] == 82


def test_a_small_language_is_hidden_with_the_one_that_would_reveal_it() -> None:
    languages = {"en": made(900, {}, clicked=80, seen_reading=90), "cy": made(3, {}, clicked=1, seen_reading=1)}
    shown = without_small_cells(report(made(903, {}, clicked=81, seen_reading=91), languages))
    for name in ("accepted", "delivered", "clicked", "seen_reading"):
        assert [each[name].numerator for each in shown.languages.values()] == [None, None], name
        assert [each[name].denominator in (3, 900) for each in shown.languages.values()] == [False, False]
    assert shown["accepted"].numerator == 903
    assert "903 mails" in in_words(shown) or "903" in in_words(shown)


def test_links_that_few_followed_are_hidden_and_those_that_all_but_few_followed() -> None:
    shown = without_small_cells(report(made(900, {}, clicked=80, seen_reading=90), None, 78, 2, 40))
    assert [link.clickers.numerator for link in shown.links] == [None, None, 40]
    assert [link.clicks.numerator for link in shown.links] == [None, None, 40]


def test_a_note_of_an_estimate_that_counts_people_is_left_out() -> None:
    few = replace(figure("read_estimated", 0, 900), numerator=None, standing="not known", note="needs 50; 2 did")
    assert without_small_figures({**made(900, {}), "read_estimated": few})["read_estimated"].note != few.note


def test_a_note_that_counts_few_people_is_left_out() -> None:
    noted = replace(report(made(900, {})), notes=["2 people read the mail although …", "New opens …"])
    assert without_small_cells(noted).notes == ["New opens …"]


@pytest.mark.parametrize("accepted", [0, 1, 4, 6])
def test_a_small_campaign_says_something_in_words(accepted: int) -> None:
    in_words(without_small_cells(report(made(accepted, {"bounced_hard": accepted // 2}, clicked=accepted // 3))))


@given(st.data())
def test_no_sum_has_a_single_unknown(data: st.DataObject) -> None:
    people = st.integers(0, 40)
    scopes = ["en", "cy", "fr"][: data.draw(st.integers(0, 3))]
    counts = {(scope, name): data.draw(people) for scope in scopes or [""] for name in FATES}
    if scopes:
        counts |= {("", name): sum(counts[scope, name] for scope in scopes) for name in FATES}
    for scope in ["", *scopes]:
        counts[scope, "accepted"] = sum(counts[scope, name] for name in FATES)
    sums = [((scope, "accepted"), [(scope, name) for name in FATES]) for scope in ["", *scopes]]
    if scopes:
        sums += [(("", name), [(scope, name) for scope in scopes]) for name in (*FATES, "accepted")]
    hidden = hide(counts, sums)
    assert all(cell in hidden for cell, count in counts.items() if 0 < count < LEAST)
    for whole, parts in sums:
        assert sum(cell in hidden for cell in (whole, *parts)) != 1
