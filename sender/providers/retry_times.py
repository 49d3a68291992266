"""How often, and when, somebody whom a relay puts off (4xx) is tried again: with growing pauses, not for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sender.providers.provider import Outcome, Verdict

# Greylisting lets pass after minutes, most limits within the hour; ten tries take a good four hours. A relay that
# can't be reached at all is another thing: that is tried for as long as it takes.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32, 60, 60, 60))


def judged(outcome: Outcome, tries: int) -> Outcome:
    """The outcome with the time of the next try, where people were put off; after the last try they are refused.

    `tries` counts how often their batch was put off already, this time not included.
    """
    if not outcome.deferred:
        return outcome
    if tries < len(PAUSES):
        return replace(outcome, retry_at=outcome.retry_at or datetime.now(UTC) + PAUSES[tries])
    given_up = {person: f"put off {tries + 1} times: {words}" for person, words in outcome.deferred.items()}
    refused = {**outcome.refused, **given_up}
    return replace(outcome, verdict=Verdict.ACCEPTED, refused=refused, waiting=frozenset(), deferred={})
