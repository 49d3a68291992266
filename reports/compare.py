"""Compares campaigns at equal age: the same figures, as they were when each person's mail was so old."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daisychain import clock
from daisychain.errors import InputError
from reports.figure_cells import percent
from reports.figures import main_figures
from reports.intervals import difference
from reports.report import Figure, Interval
from reports.small_cells import LEAST, NOTE, without_small_figures
from reports.tallies import Tallies, tally

AGE = timedelta(hours=72)
_AGE = re.compile(r"(\d+)\s*([hd])")
COMPARED = ("delivered", "seen_reading", "clicked", "click_to_open", "unsubscribed", "complained")
SAME_PEOPLE = (
    "The intervals take the two audiences as different people. If mostly the same people got both campaigns, the true "
    "intervals are a little narrower."
)


@dataclass(frozen=True)
class ComparedCampaign:
    """One campaign at the common age; without figures if it is too young, with `not_yet` saying until when."""

    campaign_id: int
    campaign: str
    sent_at: datetime
    rule_set: int
    opens: str
    clicks: str
    figures: Mapping[str, Figure]
    not_yet: str = ""


@dataclass(frozen=True)
class Difference:
    """One figure of two campaigns: the first's rate less the second's, in shares of 1, and in words."""

    figure: str
    campaign_id: int
    other_id: int
    rate: float
    interval: Interval
    words: str

    @property
    def is_clear(self) -> bool:
        """Return whether the interval leaves no doubt which rate is higher."""
        return not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Comparison:
    """Campaigns at one age, the differences of each further one from the first, and what to know before reading."""

    age: timedelta
    campaigns: Sequence[ComparedCampaign]
    differences: Sequence[Difference]
    notes: Sequence[str]


def compare(
    connection: Connection, campaign_ids: Sequence[int], age: timedelta = AGE, *, small_cells: bool = True
) -> Comparison:
    """Return several campaigns at equal age, held against the first; raises InputError, StateError.

    Without `small_cells`, figures about fewer than five people are hidden, and those that fewer than five were added
    to later, as the report shows them by now.
    """
    ids = list(dict.fromkeys(campaign_ids))
    if len(ids) < 2:
        raise InputError("A comparison needs two campaigns.", hint="`daisychain report list` shows their numbers.")
    found = [_at_age(connection, each, age, small_cells) for each in ids]
    ready = [each for each in found if not each.not_yet]
    differences = [_difference(other, ready[0], name) for other in ready[1:] for name in COMPARED]
    return Comparison(age, found, [each for each in differences if each], [*_notes(ready)])


def _at_age(connection: Connection, campaign_id: int, age: timedelta, small_cells: bool) -> ComparedCampaign:
    now = tally(connection, campaign_id)
    campaign, not_yet = now.campaign, _not_yet(now, age)
    figures: Mapping[str, Figure] = {}
    if not not_yet:
        every = main_figures(tally(connection, campaign_id, age))
        if not small_cells:
            every = without_small_then(every, main_figures(now))
        figures = {name: every[name] for name in COMPARED}
    return ComparedCampaign(
        campaign.id, campaign.name, now.sent_at, now.intake.rule_set, campaign.opens, campaign.clicks, figures, not_yet
    )


def _not_yet(tallies: Tallies, age: timedelta) -> str:
    if tallies.campaign.state != "finished":
        return f"not yet: it is {tallies.campaign.state}"
    ready = tallies.sent_at + age
    return f"not yet: it is that old on {clock.shown(ready)}" if tallies.counted_at < ready else ""


def without_small_then(then: Mapping[str, Figure], now: Mapping[str, Figure]) -> dict[str, Figure]:
    """Return earlier figures for somebody who may see no small cells, but reads the newest report too."""
    shown = without_small_figures(then)
    for name, figure in shown.items():
        before, after = then[name].numerator, now[name].numerator
        if before is not None and after is not None and 0 < abs(after - before) < LEAST:
            shown[name] = replace(figure, numerator=None, standing="hidden", note=NOTE)
    return shown


def _difference(one: ComparedCampaign, other: ComparedCampaign, name: str) -> Difference | None:
    figure, against = one.figures[name], other.figures[name]
    if figure.rate is None or against.rate is None:
        return None
    rate, (low, high) = figure.rate - against.rate, difference(_counts(figure), _counts(against))
    both, rates = (one.campaign_id, other.campaign_id), f"{percent(figure.rate)} against {percent(against.rate)}"
    if low <= 0 <= high:
        words = "no clear difference between campaigns {} and {}".format(*both)
        rates += f"; the difference may be anything from {_points(low)} to {_points(high)} points"
    else:
        near, far = sorted((abs(low), abs(high)))
        more = "more" if rate > 0 else "less"
        words = f"campaign {both[0]} has {_points(abs(rate))} points {more} than campaign {both[1]}"
        rates += f"; 95 % interval {_points(near)} to {_points(far)} points"
    return Difference(name, *both, rate, (low, high), f"{figure.label}: {words} ({rates}).")


def _counts(figure: Figure) -> tuple[int, int]:
    assert figure.numerator is not None
    assert figure.denominator
    return figure.numerator, figure.denominator


def _notes(ready: Sequence[ComparedCampaign]) -> Iterator[str]:
    if len({each.rule_set for each in ready}) > 1:
        yield "These campaigns are classified by different rule sets: don't compare their opens and clicks."
    if len({(each.opens, each.clicks) for each in ready}) > 1:
        modes = "; ".join(f"campaign {each.campaign_id}: opens {each.opens}, clicks {each.clicks}" for each in ready)
        yield f"Reading was counted in different ways ({modes}): don't compare it."
    if len({each.figures["unsubscribed"].definition for each in ready}) > 1:
        yield "The rates of some are of people delivered, of others of people accepted: see the definitions."
    if len(ready) > 1:
        yield SAME_PEOPLE


def _points(share: float) -> str:
    return f"{share * 100:.1f}".replace("-", "−")


def read_age(age: str | timedelta) -> timedelta:
    """Return an age that is written as "72h" or "3d"; raises InputError."""
    if isinstance(age, timedelta):
        return age
    if not (found := _AGE.fullmatch(age.strip().lower())):
        raise InputError(f"{age!r} is no age.", hint='Write hours or days: "72h", "3d".')
    return timedelta(hours=int(found[1]) * (24 if found[2] == "d" else 1))
