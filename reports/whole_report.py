"""The whole report of a campaign, as pages and files show it: figures, also over time and by its parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from sqlalchemy import Connection, Engine

from daisychain import clock
from reports.breakdown import NOT_GIVEN, REST, Breakdown, keep_breakdown, read_breakdown, state_of
from reports.curve import duration, steps_of
from reports.figures import FigureMaker, named
from reports.link_clicks import count_links
from reports.notes import notes_on
from reports.people_counts import count_people, people_in
from reports.report import HOUR, LANGUAGE, LEDGER, CurveStep, Figure, Parts, Report, Standing
from reports.small_cells import without_small_cells
from reports.staff_notes import read_notes
from reports.tallies import Tallies, pooled_nets, tally
from reports.together import Together
from sender.mailbox_providers import OTHER

_LAST = (OTHER, NOT_GIVEN, REST)


def whole_report(engine: Engine, campaign_id: int, *, small_cells: bool = True, wait: bool = True) -> Report:
    """Return the whole report, from one snapshot; raises StateError if there is nothing to report.

    Without `small_cells`, what is about fewer than five people is hidden. With `wait` False, people over time and by
    mailbox provider may be of a little earlier, if the campaign is large.
    """
    with engine.connect() as snapshot:
        tallies = tally(snapshot, campaign_id)
        state = state_of(snapshot, tallies)
        breakdown, fresh = read_breakdown(snapshot, tallies, state, wait=wait)
        report = report_of(snapshot, tallies, breakdown)
    if fresh:
        keep_breakdown(engine, campaign_id, state, breakdown)
    return report if small_cells else without_small_cells(report)


def figures(connection: Connection, campaign_id: int) -> Report:
    """Return the figures of a campaign; raises StateError if there is nothing to report."""
    return report_of(connection, tally(connection, campaign_id))


def report_of(connection: Connection, tallies: Tallies, breakdown: Breakdown | None = None) -> Report:
    """Return the figures of a campaign, also over time and by its parts if its `breakdown` is given."""
    campaign, made = tallies.campaign, FigureMaker(tallies)
    together = breakdown.together if breakdown else Together()
    every = (*made.every(), *made.estimates(*pooled_nets(connection, tallies)), *_together(made, together))
    languages = {language: named(FigureMaker(part).every()) for language, part in tallies.languages.items()}
    return Report(
        campaign_id=campaign.id, campaign=campaign.name, state=campaign.state, as_of=tallies.as_of,
        last_event_at=tallies.intake.newest_at, rule_set=tallies.intake.rule_set, notes=list(notes_on(tallies)),
        figures=named(every), links=[made.link(each) for each in count_links(connection, campaign)],
        parts=(_parts(made, breakdown) if breakdown else {}) | ({LANGUAGE: languages} if languages else {}),
        curve=_curve(made, breakdown) if breakdown else [],
        broken_down_at=breakdown.counted_at if breakdown else None, sent_at=tallies.sent_at,
        staff_notes=read_notes(connection, campaign.id), few=frozenset(f"together_{name}" for name in together.few),
    )  # fmt: skip


def _parts(made: FigureMaker, breakdown: Breakdown) -> dict[str, Parts]:
    """Return the figures of each part of each dimension, the largest first and the rest last, and by hour of day."""
    found: dict[str, Parts] = {}
    for dimension, parts in breakdown.groups.items():
        by_size = sorted(parts.items(), key=lambda item: (item[0] in _LAST, -people_in(item[1])))
        found[dimension] = {part: _part(made.tallies, facts) for part, facts in by_size}
    return found | {HOUR: _hours(made, breakdown)}


def _part(tallies: Tallies, facts: Counter[int]) -> dict[str, Figure]:
    whole = people_in(facts)
    made = FigureMaker(replace(tallies, people=count_people(whole, facts, reported=tallies.of_delivered)))
    accepted = made.figure("accepted", "Accepted", whole, None, "People whose mail the provider accepted.", LEDGER)
    return named((accepted, *made.back(), *made.reading()))


def _hours(made: FigureMaker, breakdown: Breakdown) -> Parts:
    whole, zone = named(made.reading()), clock.home_zone().key

    def figure(of: str, name: str, label: str, hour: int) -> Figure:
        known = whole[of].numerator
        words = f"{label} in this hour of the day ({zone}), of all people counted by “{whole[of].label}”."
        number = None if known is None else breakdown.hours[name][hour]
        return replace(whole[of], name=name, label=label, numerator=number, denominator=known, definition=words)

    return {
        f"{hour:02}:00": {
            "first_read": figure("seen_reading", "first_read", "People first seen reading", hour),
            "first_clicked": figure("clicked", "first_clicked", "People who clicked first", hour),
        }
        for hour in range(24)
    }


def _curve(made: FigureMaker, breakdown: Breakdown) -> list[CurveStep]:
    whole = named(made.reading())

    def figure(name: str, people: int, seconds: int | None) -> Figure:
        within = "so far" if seconds is None else f"within {duration(seconds)} of the sending of their own mail"
        definition = whole[name].definition.replace("People who", f"People who, {within},", 1)
        number = None if whole[name].numerator is None else people
        return replace(whole[name], name=f"curve_{name}", numerator=number, definition=definition)

    return [
        CurveStep(seconds, **{name: figure(name, people, seconds) for name, people in counts.items()})
        for seconds, counts in steps_of(breakdown)
    ]


def _together(made: FigureMaker, together: Together) -> list[Figure]:
    """Return what people did with this campaign or a follow-up, each person counted once."""
    if not together.follow_ups:
        return []
    whole = named((*made.back(), *made.reading()))
    which = f"this campaign or a follow-up ({', '.join(map(str, together.follow_ups))})"

    def figure(name: str, label: str, words: str, of: str, standing: Standing, source: str) -> Figure:
        return made.figure(f"together_{name}", f"{label}, with follow-ups", together.people[name],
                           together.people[of] if of else None, f"People {words} of {which}, each counted once.",
                           source, standing)  # fmt: skip

    def read(name: str, label: str, words: str) -> Figure:
        own = whole[name]
        if together.joined:
            return figure(name, label, words, "reached", own.standing, own.source)
        unknown = figure(name, label, words, "reached", "not known", own.source)
        return replace(unknown, note="reading is counted without persons, so who read both mails is unknown")

    return [
        figure("accepted", "Accepted", "whose mail the provider accepted", "", "known", LEDGER),
        figure("reached", "Reached", "taken to be reached by a mail", "accepted",
               whole["delivered"].standing if made.tallies.of_delivered else "known", made.provider),
        read("seen_reading", "Seen reading", "seen reading a mail"),
        read("clicked", "Clicked", "who followed a link"),
        figure("unsubscribed", "Unsubscribed", "who unsubscribed by a mail", "reached", "known",
               whole["unsubscribed"].source),
    ]  # fmt: skip
