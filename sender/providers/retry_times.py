"""When to retry: after a 429, while the network is down, and after a relay's 4xx, with growing pauses.

SendGrid's 429 names the time in X-RateLimit-Reset (Unix seconds); no Retry-After is documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sender.providers.provider import Outcome, Verdict

# If the provider names no time. A relay or host that can't be reached is retried like this without limit.
DEFAULT_PAUSE = timedelta(seconds=30)
# Ignore a later reset time: it can only be a mistake, and would stop a campaign unnoticed.
LONGEST_PAUSE = timedelta(days=1)
# After each 4xx about a person. Greylisting lets mail through after minutes, most rate limits end within the hour; ten
# tries take a little over four hours.
DEFERRED_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32, 60, 60, 60))


def rate_limit_reset(headers: Mapping[str, str]) -> datetime | None:
    """Read when a 429 says to come back; None if it names no time, a past one, or one too far ahead."""
    now = datetime.now(UTC)
    try:
        at = datetime.fromtimestamp(int(headers.get("X-RateLimit-Reset") or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if now < at <= now + LONGEST_PAUSE else None


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
