"""When to retry: after a 429, while the network is down, and after a relay's 4xx, with growing pauses.

SendGrid's 429 names the time in X-RateLimit-Reset (Unix seconds). It documents no Retry-After (RFC 9110, 10.2.3), but
a proxy before it may send one, in seconds or as a date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sender.providers.provider import Outcome, Verdict

# If the provider names no time. A relay or host that can't be reached is retried like this without limit.
DEFAULT_PAUSE = timedelta(seconds=30)
_SECONDS = re.compile(r"[0-9]{1,11}")
# Ignore a later time: it can only be a mistake, and would stop a campaign unnoticed.
LONGEST_PAUSE = timedelta(days=1)
# After each 4xx about a person. Greylisting lets mail through after minutes, most rate limits end within the hour; ten
# tries take a little over four hours.
DEFERRED_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32, 60, 60, 60))


def at_once() -> datetime:
    """Return the time for a retry that need not wait."""
    return datetime.now(UTC)


def when_to_return(headers: Mapping[str, str]) -> datetime | None:
    """Read when a 429 says to come back, the later of two times; None if it names none that can be meant.

    It is reckoned from the answer's own Date, so that a wrong clock here makes no difference.
    """
    here = datetime.now(UTC)
    now = _date(headers.get("Date") or "") or here
    named = (_unix_time(headers.get("X-RateLimit-Reset") or ""), _retry_after(headers.get("Retry-After") or "", now))
    at = max((at for at in named if at is not None and now < at <= now + LONGEST_PAUSE), default=None)
    return at and here + (at - now)


def _unix_time(value: str) -> datetime | None:
    return datetime.fromtimestamp(int(value), UTC) if _SECONDS.fullmatch(value.strip()) else None


def _retry_after(value: str, now: datetime) -> datetime | None:
    if _SECONDS.fullmatch(value.strip()):
        return now + timedelta(seconds=int(value))
    return _date(value)


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=at.tzinfo or UTC)


def with_retry(outcome: Outcome, tries: int) -> Outcome:
    """Add the time of the next try for deferred people; after the last try they are refused instead.

    `tries` counts how often their batch was deferred before this time.
    """
    if not outcome.deferred:
        return outcome
    if tries < len(DEFERRED_PAUSES):
        return replace(outcome, retry_at=outcome.retry_at or datetime.now(UTC) + DEFERRED_PAUSES[tries])
    given_up = {person: f"put off {tries + 1} times: {reply}" for person, reply in outcome.deferred.items()}
    refused = {**outcome.refused, **given_up}
    return replace(outcome, verdict=Verdict.ACCEPTED, refused=refused, waiting=frozenset(), deferred={})
