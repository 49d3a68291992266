"""The plan of a send, as a person writes it: when, how fast, at what hours, and what pauses it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from daisychain.clock import find_zone, home_zone, shown_with_day
from daisychain.errors import InputError
from sender.campaigns.campaign_record import CampaignRecord

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# How long a canary is watched unless --wait says otherwise.
CANARY_WAIT = timedelta(minutes=30)
# The columns of a plan that says nothing.
NO_PLAN: dict[str, Any] = {
    "starts_at": None, "canary": 0, "canary_wait": 0, "per_minute": None, "opens_at": None, "closes_at": None,
    "zone": "",
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The options of `campaign send` as they were written; None if an option was not given."""

    at: str | None = None
    hold: str | None = None
    canary: int | None = None
    wait: str | None = None
    per_minute: int | None = None
    between: str | None = None
    most_bounces: float | None = None
    most_complaints: float | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in vars(self).values())

    def columns(self, now: datetime) -> dict[str, Any]:
        """Return the plan as columns of a campaign; raises InputError for bad values or options that exclude others."""
        if self.at and self.hold:
            raise InputError("--at and --hold do not go together.", hint="Until its time, a campaign can be cancelled.")
        if self.wait and not self.canary:
            raise InputError("--wait says how long a canary is watched.", hint="Add --canary 50.")
        values: dict[str, Any] = {}
        if self.at:
            values["starts_at"] = read_moment(self.at, now)
        if self.hold:
            values["starts_at"] = now + read_span(self.hold)
        if self.canary:
            wait = read_span(self.wait) if self.wait else CANARY_WAIT
            values |= {"canary": self.canary, "canary_wait": int(wait.total_seconds())}
        if self.between:
            values |= vars(read_hours(self.between))
        named = {name: getattr(self, name) for name in ("per_minute", "most_bounces", "most_complaints")}
        return values | {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Hours:
    """The hours of the day in which a campaign may send; they may go over midnight."""

    opens_at: time
    closes_at: time
    zone: str

    def include(self, now: datetime) -> bool:
        """Return whether `now` lies in these hours; raises InputError if their zone is not known here."""
        clock = now.astimezone(_zone(self.zone)).time()
        if self.opens_at < self.closes_at:
            return self.opens_at <= clock < self.closes_at
        return clock >= self.opens_at or clock < self.closes_at


def in_words(campaign: CampaignRecord) -> dict[str, str]:
    """Return a campaign's plan by what a person calls each part of it."""
    wait = timedelta(seconds=campaign.canary_wait)
    first = f"{campaign.canary:,} people first, the rest after {_span(wait)}" if campaign.canary else "all at once"
    hours = f"{campaign.opens_at:%H:%M} to {campaign.closes_at:%H:%M} {campaign.zone}" if campaign.opens_at else "any"
    return {
        "the time": _time_in_words(campaign.starts_at) if campaign.starts_at else "as soon as it is sent",
        "who gets it first": first,
        "the time of day": hours,
        "the pace": f"at most {campaign.per_minute:,} people a minute" if campaign.per_minute else "as fast as it can",
        "when it pauses": f"above {campaign.most_bounces:g} % bounces or {campaign.most_complaints:g} % complaints",
    }


def _span(span: timedelta) -> str:
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count, rest = divmod(int(span.total_seconds()), seconds)
        if count and not rest:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{int(span.total_seconds())} seconds"


def _time_in_words(at: datetime) -> str:
    """Return a planned time with the day's name, and which of two it is in the night in which the clocks go back."""
    local = at.astimezone(home_zone())
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return shown_with_day(at) + f", the {('first', 'second')[local.fold]} of two that night" * twice


def is_planned(campaign: CampaignRecord) -> bool:
    """Return whether a campaign is scheduled, or was paused before its time: nobody is frozen yet."""
    return campaign.state in ("scheduled", "paused") and campaign.frozen_at is None


def read_moment(text: str, now: datetime) -> datetime:
    """Parse a future time, such as "2026-12-01 09:30 Europe/London", into UTC; the default zone is the installation's.

    Raises InputError if it can't be read, is past, or does not exist because clocks go forward.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d?:\d\d)(?:\s+(\S+))?", text.strip())
    hint = 'Like this: --at "2026-12-01 09:30 Europe/London"'
    if not found:
        raise InputError(f"{text!r} is not a time.", hint=hint)
    zone = _zone(found[3] or home_zone().key)
    try:
        local = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    except ValueError:
        raise InputError(f"{text!r} is not a time.", hint=hint) from None
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise InputError(f"{text!r} does not exist: the clocks go forward there.", hint="Take another hour.")
    if moment <= now:
        raise InputError(f"{text!r} is past.", hint="Give a time to come.")
    return moment


def read_span(text: str) -> timedelta:
    """Parse a span of time such as "10m", "90s", "2h" or "1d"; raises InputError."""
    found = re.fullmatch(r"(\d+)\s*([smhd])", text.strip().lower())
    if not found:
        raise InputError(f"{text!r} is not a span of time.", hint="Like this: 90s, 10m, 2h, 1d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def read_hours(text: str) -> Hours:
    """Parse hours of the day such as "08:00-20:00" or "08:00-20:00 Europe/Paris"; raises InputError."""
    found = re.fullmatch(r"(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d)(?:\s+(\S+))?", text.strip())
    try:
        if not found:
            raise ValueError
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if opens == closes:
            raise ValueError
    except ValueError:
        raise InputError(f"{text!r} are not hours of the day.", hint="Like this: --between 08:00-20:00") from None
    return Hours(opens, closes, _zone(found[5] or home_zone().key).key)


def is_open(campaign: CampaignRecord, now: datetime) -> bool:
    """Return whether a campaign may send at `now`; raises InputError if the zone of its hours is not known here."""
    if campaign.opens_at is None:
        return True
    assert campaign.closes_at is not None
    return Hours(campaign.opens_at, campaign.closes_at, campaign.zone).include(now)


def _zone(name: str) -> ZoneInfo:
    try:
        return find_zone(name)
    except ValueError as error:
        raise InputError(str(error), hint="Like Europe/London or UTC.") from None
