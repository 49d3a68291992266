"""The JSON that scripts get about campaigns. Its keys are promised: they stay, whatever our objects are called."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from sender.campaigns.campaign_record import CampaignRow
    from sender.campaigns.people_by_state import PersonRow
    from sender.campaigns.status import CampaignStatus
    from sender.campaigns.timeline import Timeline

Object = dict[str, object]

_PLAN = ("per_minute", "opens_at", "closes_at", "zone", "canary", "canary_wait", "most_bounces", "most_complaints")
_LISTED = ("id", "name", "state", "list_name", "provider", "intended", "created_at", "finished_at")


def status(found: CampaignStatus) -> Object:
    """Return a campaign's status."""
    campaign, wait = found.campaign, found.wait
    return {
        "id": campaign.id, "name": campaign.name, "state": campaign.state,
        "ledger": found.ledger.sums(), "balances": found.ledger.balances,
        "excluded": found.ledger.excluded_by, "failed": found.ledger.failed_by,
        "pause_reason": campaign.pause_reason, "list": campaign.list_name, "provider": campaign.provider,
        "tracking": campaign.tracking, "opens": campaign.opens, "clicks": campaign.clicks,
        "hash": campaign.hash, "fallback": found.fallback,
        "languages": {language: ledger.sums() for language, ledger in found.languages.items()},
        "batches": found.batches,
        "wait": {"until": wait.until, "status": wait.status, "words": wait.text} if wait else None,
        "plan": {**{name: getattr(campaign, name) for name in _PLAN}, **vars(found.plan)},
        "decisions": found.decisions, "overrides": found.overrides, "attempts": found.attempts,
        "created_at": campaign.created_at, "frozen_at": campaign.frozen_at, "finished_at": campaign.finished_at,
        "segment": campaign.segment, "segment_people": campaign.segment_people,
    }  # fmt: skip


def campaigns(rows: Iterable[CampaignRow]) -> list[Object]:
    """Return the list of campaigns."""
    return [{name.removesuffix("_name"): getattr(row, name) for name in _LISTED} for row in rows]


def timeline(found: Timeline) -> Object:
    """Return one person's timeline; entries have the keys that are known of them."""
    return {
        "campaign": found.campaign.id, "campaign_state": found.campaign.state, "address": found.address,
        "state": found.state, "reason": found.reason, "values": found.values, "language": found.language,
        "without_person": found.without_person,
        "story": [{key: value for key, value in vars(entry).items() if value is not None} for entry in found.entries],
    }  # fmt: skip


def write_people(rows: Iterable[PersonRow], out: TextIO) -> None:
    """Write people as an array with an object each, one by one: there may be a million."""
    mark = "["
    for row in rows:
        out.write(f"{mark}\n{json.dumps(row._asdict(), ensure_ascii=False, default=datetime.isoformat)}")
        mark = ","
    out.write("\n]\n" if mark == "," else "[]\n")
