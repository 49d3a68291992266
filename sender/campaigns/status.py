"""Campaigns as they stand: found by their id, listed, and told about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, RowMapping, func, select

from daisychain.errors import StateError
from daisychain.settings import Settings
from daisychain.slug import slug
from lists.tables import MailingList
from newsletters.tables import StoredEmail
from sender.campaigns.overrides import overrides_of
from sender.campaigns.waiting_reason import upcoming
from sender.delivery.campaign_emails import Emails, emails_of
from sender.delivery.ledger import NOTHING, Ledger, read_ledger, read_ledgers
from sender.tables import Attempt, Batch, Campaign, CampaignEmail, Decision


def public_face(settings: Settings, list_name: str | None) -> dict[str, str]:
    """Where a campaign's mails point, and the List-Id they carry: "Name <slug.lists.host>" (RFC 2919)."""
    host = urlsplit(settings.pages_url).hostname
    header = f"{list_name} <{slug(list_name)}.lists.{host}>" if list_name else ""
    return {"public_url": settings.pages_url, "list_header": header}


def find_campaign(connection: Connection, campaign_id: int, *, lock: bool = False) -> RowMapping:
    """The campaign's row with its list's name as `list`; raises StateError that says how to find one.

    `lock` keeps others from moving its state until the caller's transaction ends.
    """
    found = (
        select(Campaign.__table__, MailingList.name.label("list"), StoredEmail.hash)
        .outerjoin(MailingList, MailingList.id == Campaign.list_id)
        .join(StoredEmail, StoredEmail.id == Campaign.compiled_id)
        .where(Campaign.id == campaign_id)
    )
    row = connection.execute(found.with_for_update(of=Campaign) if lock else found).mappings().one_or_none()
    if row is None:
        raise StateError(f"There is no campaign {campaign_id}.", hint="`daisychain campaign list` shows them.")
    return row


def sources_of(connection: Connection, campaign_id: int) -> dict[str, str]:
    """The document that a campaign was made from, as it was then, under "", and its translations by language."""
    rows = connection.execute(
        select(CampaignEmail.language, CampaignEmail.source)
        .where(CampaignEmail.campaign_id == campaign_id, CampaignEmail.source != "")
        .order_by(CampaignEmail.language)
    )
    return {"": find_campaign(connection, campaign_id)["source"], **{row.language: row.source for row in rows}}


def status(connection: Connection, campaign_id: int) -> dict[str, Any]:
    """A campaign's state and ledger, as scripts get it."""
    campaign = find_campaign(connection, campaign_id)
    kind = "test" if campaign["kind"] == "test" else "member"
    ledger: Ledger = read_ledger(connection, campaign_id, kind=kind)
    emails = emails_of(connection, campaign_id)
    batches = connection.execute(
        select(Batch.state, func.count()).where(Batch.campaign_id == campaign_id).group_by(Batch.state)
    ).all()
    return {
        "id": campaign_id,
        "name": campaign["name"],
        "state": campaign["state"],
        "ledger": ledger.sums(),
        "balances": ledger.balances,
        "excluded": ledger.excluded_by,
        "failed": ledger.failed_by,
        "pause_reason": campaign["pause_reason"],
        "list": campaign["list"],
        "provider": campaign["provider"],
        "opens": campaign["opens"],
        "clicks": campaign["clicks"],
        "hash": campaign["hash"],
        "fallback": emails.language_of(emails.fallback),
        "languages": _languages(connection, campaign_id, kind, emails) if emails.several else {},
        "batches": {row[0]: row[1] for row in batches},
        "wait": wait.told() if (wait := upcoming(connection, campaign_id)) else None,
        "plan": _plan(connection, campaign),
        "decisions": _decisions(connection, campaign_id),
        "overrides": overrides_of(connection, campaign_id),
        "attempts": connection.scalar(select(func.count()).where(Attempt.campaign_id == campaign_id)),
        "created_at": campaign["created_at"],
        "frozen_at": campaign["frozen_at"],
        "finished_at": campaign["finished_at"],
    }


def _languages(connection: Connection, campaign_id: int, kind: str, emails: Emails) -> dict[str, dict[str, int]]:
    """The ledger's sums by language, the excluded people under the one that they would have got."""
    ledgers = read_ledgers(connection, campaign_id, kind=kind)
    return {language: ledgers.get(id_, NOTHING).sums() for language, id_ in emails.ids.items()}


def _plan(connection: Connection, campaign: RowMapping) -> dict[str, Any]:
    """How a campaign is to be sent, as far as that was said, and what its plan holds back now."""
    names = ("per_minute", "opens_at", "closes_at", "zone", "canary", "canary_wait", "most_bounces", "most_complaints")
    begins_at = campaign["starts_at"]
    under_way = campaign["state"] in ("scheduled", "sending", "paused")
    canary_out = under_way and campaign["rest_from"] is not None
    held = select(func.count()).where(
        Batch.campaign_id == campaign["id"], Batch.state == "waiting", Batch.held.is_(True)
    )
    return {
        **{name: campaign[name] for name in names},
        "begins_at": begins_at if under_way and begins_at and begins_at > datetime.now(UTC) else None,
        "canary_out": canary_out,
        "canary_until": campaign["canary_until"] if canary_out else None,
        "held": connection.scalar(held),
    }


def _decisions(connection: Connection, campaign_id: int) -> list[dict[str, Any]]:
    columns = (Decision.at, Decision.what, Decision.who, Decision.because, Decision.people)
    rows = connection.execute(select(*columns).where(Decision.campaign_id == campaign_id).order_by(Decision.id))
    return [dict(row) for row in rows.mappings()]


def list_campaigns(connection: Connection) -> list[dict[str, Any]]:
    """All campaigns, newest first, without tests."""
    rows = connection.execute(
        select(
            Campaign.id, Campaign.name, Campaign.state, MailingList.name.label("list"), Campaign.provider,
            Campaign.intended, Campaign.created_at, Campaign.finished_at,
        )
        .outerjoin(MailingList, MailingList.id == Campaign.list_id)
        .where(Campaign.kind == "campaign")
        .order_by(Campaign.id.desc())
    ).mappings()  # fmt: skip
    return [dict(row) for row in rows]
