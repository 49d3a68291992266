"""The outcome of an attempt for one person: people of the same attempt fare differently."""

from __future__ import annotations

from typing import Any

from sender.delivery.campaign_states import LATE_ANSWER
from sender.providers.provider import Verdict

DECIDED: dict[str, Verdict] = {
    "accepted": Verdict.ACCEPTED,
    "failed": Verdict.REFUSED_PERSON,
    "uncertain": Verdict.UNCERTAIN,
}

# What settles an attempt, if it is no person.
PROVED = ("event", "log", LATE_ANSWER)


def decided_outcome(state: str, reason: str | None) -> tuple[str | None, str]:
    """Return the outcome, with its detail, for a person whose `state` the attempt decided."""
    return DECIDED[state].value, reason or ""


def passing_outcome(attempt: Any) -> tuple[str | None, str]:
    """Return the outcome of an attempt, with its detail, for a person who had to wait after it.

    If it accepted or refused others, this person was only deferred, and its detail is about them.
    """
    if attempt.outcome in (Verdict.ACCEPTED, Verdict.REFUSED_PERSON) and not is_double(attempt):
        return Verdict.RETRY.value, ""
    return attempt.outcome, attempt.detail


def is_double(attempt: Any) -> bool:
    """Whether an attempt was proved accepted when its people had already been sent to again, so it moved nobody."""
    return attempt.outcome == Verdict.ACCEPTED.value and attempt.settled_by in PROVED and attempt.accepted == 0
