"""Events of organisations: what they looked at, took and changed, and when their private page was opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, select
from sqlalchemy.dialects.postgresql import insert

from partners.tables import PartnerEvent

PartnerEventKind = Literal["opened", "looked", "taken", "pictures", "signed_up", "reached", "changed"]
# Pages do these again and again, for everybody with a link or a code.
_BY_ANYBODY = ("looked", "reached")
_DAY = ("day", "organisation_id", "kind", "toolkit", "newsletter", "tool", "language")


def record_partner_event(
    connection: Connection, kind: PartnerEventKind, *, toolkit: str = "", newsletter: str = "", tool: str = "",
    language: str = "", organisation_id: int | None = None, **detail: Any,
) -> None:  # fmt: skip
    """Record one event; `detail` must hold nobody's personal data."""
    table = PartnerEvent
    values = {"toolkit": toolkit, "newsletter": newsletter, "kind": kind, "tool": tool, "language": language}
    new = insert(table).values(organisation_id=organisation_id, detail=detail, **values)
    if organisation_id is None or kind in _BY_ANYBODY:
        new = new.values(day=func.current_date()).on_conflict_do_update(
            index_elements=_DAY, index_where=table.day.is_not(None), set_={"times": table.times + 1, "at": func.now()}
        )
    connection.execute(new)


def latest_events(connection: Connection, organisation_id: int, most: int) -> Sequence[Row[Any]]:
    """Return the latest events of an organisation, the newest first."""
    table = PartnerEvent.__table__
    mine = select(table).where(table.c.organisation_id == organisation_id)
    return connection.execute(mine.order_by(table.c.at.desc(), table.c.id.desc()).limit(most)).all()
