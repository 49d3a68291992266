"""Campaigns as they stand: found by their id, listed, and told about."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, RowMapping, func, select

from daisychain.errors import StateError
from daisychain.settings import Settings
from lists.lists import slug
from lists.tables import MailingList
from newsletters.tables import StoredEmail
from sender.ledger import Ledger, read_ledger
from sender.tables import Attempt, Batch, Campaign


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


def source_of(connection: Connection, campaign_id: int) -> str:
    """The document that a campaign was made from, as it was then; raises StateError."""
    return str(find_campaign(connection, campaign_id)["source"])


def status(connection: Connection, campaign_id: int) -> dict[str, Any]:
    """A campaign's state and ledger, as scripts get it."""
    campaign = find_campaign(connection, campaign_id)
    kind = "test" if campaign["kind"] == "test" else "member"
    ledger: Ledger = read_ledger(connection, campaign_id, kind=kind)
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
        "batches": {row[0]: row[1] for row in batches},
        "attempts": connection.scalar(select(func.count()).where(Attempt.campaign_id == campaign_id)),
        "created_at": campaign["created_at"],
        "frozen_at": campaign["frozen_at"],
        "finished_at": campaign["finished_at"],
    }


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
