"""Figures for people who may see no small cells: fewer than five people are hidden, and what would reveal them.

That a few were not reached can be seen, but not how many of them bounced, and how many were dropped.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from reports.breakdown import NOT_GIVEN
from reports.curve import coarse
from reports.report import HOUR, LANGUAGE, MAILBOX_PROVIDER, CurveStep, Figure, LinkFigures, Report

LEAST = 5
NOTE = "hidden, as it is about fewer than five people or would show such a number"
NOT_NAMED = "Values of a field that fewer than five people have are not shown, as they may say who it is."
# Figures that add up to another one.
_SUMS = {
    "intended": ("excluded", "waiting", "accepted", "failed", "uncertain"),
    "accepted": ("delivered", "bounced_hard", "bounced_soft", "dropped", "no_word"),
    "opened_any": ("opened_human", "opened_machine", "opened_unknown"),
}
# A figure within a larger one, which must have nobody else, or five people more.
_WITHIN = {
    "clicked": "seen_reading", "click_to_open": "seen_reading", "opened_human": "seen_reading",
    "clicked_not_told_apart": "clicked_machine",
}  # fmt: skip
_FEW = re.compile(rf"(?<![\d,])[1-{LEAST - 1}] (of [\d,]+ )?people ")  # in a note
_PARTLY = re.compile(r"report on [\d,]+ of [\d,]+ accepted mails \([\d.]+%\)")
_REACHED = "reached"  # no figure, but the denominator of most
_THE_SAME = {"click_to_open": "clicked", "clicked": "click_to_open", "delivered": _REACHED, _REACHED: "delivered"}

# By hour of day: the names of the figures that their parts add up to.
_WHOLE = {"first_read": "seen_reading", "first_clicked": "clicked"}

Cell = tuple[str, str]  # the part, "" for the whole campaign, and the name of a figure


def without_small_cells(report: Report) -> Report:
    """Return a report for somebody who may see no small cells."""
    named = {
        dimension: {f"{dimension}: {part}": figures for part, figures in parts.items()}
        for dimension, parts in report.parts.items()
    }
    scopes = {"": report.figures, **{scope: each for parts in named.values() for scope, each in parts.items()}}
    counts = {cell: count for scope, figures in scopes.items() for cell, count in _counts(scope, figures)}
    sums = [((scope, whole), [(scope, part) for part in parts]) for scope in scopes for whole, parts in _SUMS.items()]
    names = {name for _, name in counts}
    sums += [
        (("", _WHOLE.get(name, name)), [(part, name) for part in parts]) for parts in named.values() for name in names
    ]
    hidden = hide(counts, sums) | {("", name) for name in report.few}
    shown = {scope: _shown(scope, figures, counts, hidden) for scope, figures in scopes.items()}
    clicked = counts.get(("", "clicked"), 0)
    links = [_link(link, clicked, ("", _REACHED) in hidden) for link in report.links]
    parts = {
        dim: {part: shown[f"{dim}: {part}"] for part, figures in parts.items() if _may_be_named(dim, part, figures)}
        for dim, parts in report.parts.items()
    }
    notes = notes_without_numbers(report.notes)
    if any(len(parts[dim]) < len(report.parts[dim]) for dim in parts):
        notes.append(NOT_NAMED)
    return replace(
        report, figures=shown[""], links=links, notes=notes, parts={dim: each for dim, each in parts.items() if each},
        curve=_curve(report, hidden),
    )  # fmt: skip


def _curve(report: Report, hidden: Collection[Cell]) -> list[CurveStep]:
    """Return the curve without series whose end is hidden, in steps that have nobody, or five people or more."""
    series = [name for name in ("seen_reading", "clicked") if ("", name) not in hidden]
    counts = [[getattr(step, name).numerator or 0 for name in series] for step in report.curve]
    return [
        CurveStep(report.curve[place].seconds, **{
            name: _figure(getattr(report.curve[place], name), name not in series, ("", _REACHED) in hidden)
            for name in ("seen_reading", "clicked")
        })
        for place in coarse(counts, LEAST)
    ]  # fmt: skip


def _may_be_named(dimension: str, part: str, figures: Mapping[str, Figure]) -> bool:
    """Whether everybody may see the name of a part: a value that few people have may say who they are."""
    if part == NOT_GIVEN or dimension in (LANGUAGE, MAILBOX_PROVIDER, HOUR):
        return True
    return (figures["accepted"].numerator or 0) >= LEAST


def notes_without_numbers(notes: Iterable[str]) -> list[str]:
    """Return the notes for somebody who may see no small cells: without numbers that may be, or give away, one."""
    return [_PARTLY.sub("report on only some of the accepted mails", each) for each in notes if not _FEW.search(each)]


def without_small_figures(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """Return the figures of a whole campaign for somebody who may see no small cells."""
    counts = dict(_counts("", figures))
    sums = [(("", whole), [("", part) for part in parts]) for whole, parts in _SUMS.items()]
    return _shown("", figures, counts, hide(counts, sums))


def hide(counts: Mapping[Cell, int], sums: Iterable[tuple[Cell, Collection[Cell]]]) -> set[Cell]:
    """Return the cells to hide: small ones, and as many more as leave no sum with a single unknown.

    The hidden parts of a dimension are five people or more together, as a rest of two shows one and one.
    """
    hidden = {cell for cell, count in counts.items() if 0 < count < LEAST or _differs_little(cell, counts)}
    known = [[cell for cell in (*parts, whole) if cell in counts] for whole, parts in sums if whole in counts]
    before = -1
    while len(hidden) != before:
        before = len(hidden)
        hidden |= {(scope, _THE_SAME[name]) for scope, name in hidden if name in _THE_SAME} & counts.keys()
        for cells in known:
            shown = [cell for cell in cells if cell not in hidden]
            if shown and len(shown) == len(cells) - 1:
                hidden.add(min(shown, key=lambda cell: counts[cell]))
            elif cells[-1] in shown and cells[0][0] != cells[-1][0]:
                rest = sum(counts[cell] for cell in cells[:-1] if cell in hidden)
                people = [cell for cell in shown[:-1] if counts[cell]]
                if people and 0 < rest < LEAST:
                    hidden.add(min(people, key=lambda cell: counts[cell]))
    return hidden


def _differs_little(cell: Cell, counts: Mapping[Cell, int]) -> bool:
    outer = counts.get((cell[0], _WITHIN.get(cell[1], "")))
    return outer is not None and 0 < outer - counts[cell] < LEAST


def _counts(scope: str, figures: Mapping[str, Figure]) -> Iterable[tuple[Cell, int]]:
    for name, figure in figures.items():
        if figure.numerator is not None:
            yield (scope, name), figure.numerator
    if "unsubscribed" in figures and (reached := figures["unsubscribed"].denominator) is not None:
        yield (scope, _REACHED), reached


def _shown(
    scope: str, figures: Mapping[str, Figure], counts: Mapping[Cell, int], hidden: Collection[Cell]
) -> dict[str, Figure]:
    # A denominator is some figure's number: that of a hidden one is hidden as well, and with it the rate.
    numbers = {counts[cell] for cell in hidden if cell[0] in (scope, "")}
    return {
        name: _figure(figure, (scope, name) in hidden, figure.denominator in numbers)
        for name, figure in figures.items()
    }


def _figure(figure: Figure, numerator: bool, denominator: bool) -> Figure:
    if figure.name.startswith("read_estimated") and figure.standing == "not known":
        figure = replace(figure, note="too few people for an estimate")  # the note counts them
    if numerator:
        figure = replace(figure, numerator=None, standing="hidden", note=NOTE, sampling=None, wide=None)
    return replace(figure, denominator=None, sampling=None, wide=None, note=NOTE) if denominator else figure


def _link(link: LinkFigures, clicked: int, whole: bool) -> LinkFigures:
    people = link.clickers.numerator
    few = people is not None and (0 < people < LEAST or 0 < clicked - people < LEAST)
    return replace(link, clicks=_figure(link.clicks, few, False), clickers=_figure(link.clickers, few, whole))
