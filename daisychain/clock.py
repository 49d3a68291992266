"""Times as people read and write them: in this installation's zone. Tables and JSON are in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# DAISYCHAIN_TIME_ZONE, set when the settings are read; by default that of the first coalition.
_home = "Europe/London"


def use_zone(zone: str) -> None:
    """Show times in `zone` from now on; raises ValueError if the zone does not exist."""
    global _home
    _home = find_zone(zone).key


def home_zone() -> ZoneInfo:
    """Return the zone in which people read and write times."""
    return ZoneInfo(_home)


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone `name`; raises ValueError if it does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"There is no time zone {name!r}.") from None


def shown(moment: datetime, *, seconds: bool = False) -> str:
    """Return a moment for people, such as "2026-12-01 09:30 GMT"."""
    local = moment.astimezone(home_zone())
    return f"{local:%Y-%m-%d %H:%M:%S %Z}" if seconds else f"{local:%Y-%m-%d %H:%M %Z}"


def shown_with_day(moment: datetime) -> str:
    """Return a moment for people, with the day's name, such as "Tue 1 Dec 2026, 09:30 GMT"."""
    local = moment.astimezone(home_zone())
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"


def shown_day(moment: datetime) -> str:
    """Return a moment's day for people, such as "3 March 2027"."""
    local = moment.astimezone(home_zone())
    return f"{local.day} {local:%B %Y}"


def shown_time(moment: datetime) -> str:
    """Return the time of a recent moment for people, such as "09:30:15 GMT"."""
    return f"{moment.astimezone(home_zone()):%H:%M:%S %Z}"


def recorded(moment: datetime) -> str:
    """Return a moment for texts that are stored, and may be read in any zone: "2026-12-01 09:30:15 UTC"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
