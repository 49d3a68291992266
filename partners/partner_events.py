"""Events of organisations: what they looked at, took and changed, and when their private page was opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select

from partners.tables import PartnerEvent

PartnerEventKind = Literal["opened", "looked", "taken", "pictures", "signed_up", "reached", "changed"]
KINDS: tuple[PartnerEventKind, ...] = get_args(PartnerEventKind)


def record_partner_event(
    connection: Connection,
    kind: PartnerEventKind,
    *,
    toolkit: str = "",
    newsletter: str = "",
    tool: str = "",
    language: str = "",
    organisation_id: int | None = None,
    **detail: Any,
) -> None:
    """Record one event; `detail` must hold nobody's personal data."""
    values = {"toolkit": toolkit, "newsletter": newsletter, "kind": kind, "tool": tool, "language": language}
    connection.execute(insert(PartnerEvent).values(organisation_id=organisation_id, detail=detail, **values))


def latest_events(connection: Connection, organisation_id: int, most: int) -> Sequence[Row[Any]]:
    """Return the latest events of an organisation, the newest first."""
    table = PartnerEvent.__table__
    newest = (
        select(table).where(table.c.organisation_id == organisation_id).order_by(table.c.at.desc(), table.c.id.desc())
    )
    return connection.execute(newest.limit(most)).all()
