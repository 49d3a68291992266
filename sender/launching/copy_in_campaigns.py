"""Campaigns whose emails have a toolkit's copy block in them."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from newsletters.stored.newsletters import TOOLKIT_KEY
from newsletters.tables import StoredEmail
from sender.tables import Campaign

MOST = 50


def campaigns_with_copy(connection: Connection, toolkit: str, block_id: str) -> list[tuple[int, str, str]]:
    """Return id, name and state of campaigns with a copy block, the newest first; only the newest fifty."""
    uses = StoredEmail.content["copy_blocks"].contains([{"id": block_id}])
    rows = connection.execute(
        select(Campaign.id, Campaign.name, Campaign.state)
        .join(StoredEmail, StoredEmail.id == Campaign.compiled_id)
        .where(Campaign.kind == "campaign", uses, func.substring(Campaign.source, TOOLKIT_KEY) == toolkit)
        .order_by(Campaign.id.desc())
        .limit(MOST)
    )
    return [(row.id, row.name, row.state) for row in rows]
