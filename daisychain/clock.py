"""Times as people read and write them: in this installation's zone. What is kept, and what scripts read, is in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# DAISYCHAIN_TIME_ZONE, where the first coalition is unless told otherwise; the front doors set it from the settings.
_home = "Europe/London"


def settle(zone: str) -> None:
    """Let times be shown in `zone` by this process from now on; raises ValueError if there is no such zone."""
    global _home
    _home = find_zone(zone).key


def home_zone() -> ZoneInfo:
    """Return the zone in which people write and read times."""
    return ZoneInfo(_home)


def find_zone(name: str) -> ZoneInfo:
    """Return the time zone `name`; raises ValueError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"There is no time zone {name!r}.") from None


def told(moment: datetime, *, seconds: bool = False) -> str:
    """A moment for people, such as "2026-12-01 09:30 GMT"."""
    local = moment.astimezone(home_zone())
    return f"{local:%Y-%m-%d %H:%M:%S %Z}" if seconds else f"{local:%Y-%m-%d %H:%M %Z}"


def told_time(moment: datetime) -> str:
    """A moment of these days for people, such as "09:30:15 GMT"."""
    return f"{moment.astimezone(home_zone()):%H:%M:%S %Z}"


def recorded(moment: datetime) -> str:
    """A moment within words that are kept, and may be read in any zone: "2026-12-01 09:30:15 UTC"."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
