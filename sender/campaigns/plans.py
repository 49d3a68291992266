"""How a campaign is to be sent, as a person writes it: when, how fast, at what hours, and what stops it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, update

from daisychain.clock import find_zone, home_zone
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from sender.delivery import confirmed_places
from sender.delivery.campaign_states import turn
from sender.tables import Campaign

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# A handful is watched for this long where nobody says.
CANARY_WAIT = timedelta(minutes=30)


@dataclass(frozen=True)
class Plan:
    """What `campaign send` was told; each field is text as written, and None where nothing was said."""

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
        """The plan as columns of a campaign; raises InputError for what can't be read or does not go together."""
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
            values |= dict(zip(("opens_at", "closes_at", "zone"), read_hours(self.between), strict=True))
        named = {name: getattr(self, name) for name in ("per_minute", "most_bounces", "most_complaints")}
        return values | {name: value for name, value in named.items() if value is not None}


def set_plan(connection: Connection, settings: Settings, campaign: RowMapping, plan: Plan) -> bool:
    """Write the plan of a draft down, in the caller's transaction; True if it is scheduled by that, and not to go now.

    Raises InputError, and StateError for a campaign that is under way, or where no mail may leave from here. What is
    scheduled confirms the place: a copy made before its time, and restored elsewhere, does not send it as well.
    """
    if not plan:
        return False
    if campaign["state"] != "draft":
        raise StateError(
            f"Campaign {campaign['id']} is {campaign['state']} already.",
            hint="How it is sent is settled while it is a draft; leave those options out.",
        )
    columns = plan.columns(datetime.now(UTC))
    connection.execute(update(Campaign).where(Campaign.id == campaign["id"]).values(columns))
    if not plan.at:
        return False
    confirmed_places.require_confirmed(connection, settings)
    return turn(connection, campaign["id"], "scheduled", from_states=["draft"])


def read_moment(text: str, now: datetime) -> datetime:
    """A time to come, such as "2026-12-01 09:30 Europe/London", in UTC; without a zone it is this installation's.

    Raises InputError for what can't be read, is past, or does not exist as clocks go forward.
    """
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d?:\d\d)(?:\s+(\S+))?", text.strip())
    hint = 'Like this: --at "2026-12-01 09:30 Europe/London"'
    if not found:
        raise InputError(f"{text!r} is no time.", hint=hint)
    zone = _zone(found[3] or home_zone().key)
    try:
        local = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M").replace(tzinfo=zone)
    except ValueError:
        raise InputError(f"{text!r} is no time.", hint=hint) from None
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise InputError(f"{text!r} does not exist: the clocks go forward there.", hint="Take another hour.")
    if moment <= now:
        raise InputError(f"{text!r} is past.", hint="Without --at it is sent now.")
    return moment


def read_span(text: str) -> timedelta:
    """A span of time such as "10m", "90s", "2h" or "1d"; raises InputError."""
    found = re.fullmatch(r"(\d+)\s*([smhd])", text.strip().lower())
    if not found:
        raise InputError(f"{text!r} is no span of time.", hint="Like this: 90s, 10m, 2h, 1d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def read_hours(text: str) -> tuple[time, time, str]:
    """Hours of the day such as "08:00-20:00" or "08:00-20:00 Europe/Paris": from, until, zone; raises InputError."""
    found = re.fullmatch(r"(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d)(?:\s+(\S+))?", text.strip())
    try:
        if not found:
            raise ValueError
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
        if opens == closes:
            raise ValueError
    except ValueError:
        raise InputError(f"{text!r} are no hours.", hint="Like this: --between 08:00-20:00") from None
    return opens, closes, _zone(found[5] or home_zone().key).key


def is_open(campaign: Any, now: datetime) -> bool:
    """Whether `now` lies in a campaign's hours; they may go over midnight. Without hours it always does.

    Raises InputError where their zone is not known here.
    """
    if campaign.opens_at is None:
        return True
    clock = now.astimezone(_zone(campaign.zone)).time()
    if campaign.opens_at < campaign.closes_at:
        return bool(campaign.opens_at <= clock < campaign.closes_at)
    return bool(clock >= campaign.opens_at or clock < campaign.closes_at)


def _zone(name: str) -> ZoneInfo:
    try:
        return find_zone(name)
    except ValueError as error:
        raise InputError(str(error), hint="Like Europe/London or UTC.") from None
