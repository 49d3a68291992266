"""Links that show one campaign's report without signing in, until they expire or are revoked.

The key is the number of the link, encrypted for this one purpose: it is stored nowhere, and opens nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from daisychain.database import database_now
from daisychain.errors import InputError
from daisychain.secret import installation_secret
from daisychain.settings import Settings
from reports.tables import ReportLink
from sender.links.keys import KeyKind, Keys

DAYS, MOST_DAYS = 30, 366


@dataclass(frozen=True)
class SharedReport:
    """One link; `state` is open, expired or revoked."""

    number: int
    campaign_id: int
    for_whom: str
    made_by: str
    expires_at: datetime
    revoked_at: datetime | None
    uses: int
    used_at: datetime | None
    state: str
    url: str


def make_link(connection: Connection, campaign_id: int, made_by: str, for_whom: str = "", days: int = DAYS) -> int:
    """Make a link to a campaign's report and return its number; raises InputError."""
    if not 1 <= days <= MOST_DAYS:
        raise InputError(f"A link lasts 1 to {MOST_DAYS} days.")
    expires = database_now(connection) + timedelta(days=days)
    values = {"campaign_id": campaign_id, "made_by": made_by, "for_whom": for_whom[:100], "expires_at": expires}
    return int(connection.execute(insert(ReportLink).values(values).returning(ReportLink.id)).scalar_one())


def links_of(connection: Connection, settings: Settings, campaign_id: int) -> list[SharedReport]:
    """Return the links to a campaign's report, the newest first."""
    return _found(connection, settings, ReportLink.campaign_id == campaign_id)


def revoke_link(connection: Connection, campaign_id: int, number: int, by: str) -> bool:
    """Let a link open nothing from now on; False if there is none of that number that is not revoked."""
    which = (ReportLink.id == number) & (ReportLink.campaign_id == campaign_id) & ReportLink.revoked_at.is_(None)
    return bool(
        connection.execute(update(ReportLink).where(which).values(revoked_at=func.now(), revoked_by=by)).rowcount
    )


def follow_link(connection: Connection, settings: Settings, key: str) -> tuple[SharedReport | None, bool]:
    """Return the link of a key, if it has one, and whether this is its first use today; an open one counts it."""
    number = Keys(installation_secret(settings)).read(KeyKind.REPORT, [key]).get(key)
    found = _found(connection, settings, ReportLink.id == number) if number else []
    if not found:
        return None, False
    link = found[0]
    if link.state == "open":
        used = update(ReportLink).where(ReportLink.id == link.number)
        connection.execute(used.values(uses=ReportLink.uses + 1, used_at=func.now()))
    return link, link.used_at is None or link.used_at.date() < database_now(connection).date()


def _found(connection: Connection, settings: Settings, which: ColumnElement[bool]) -> list[SharedReport]:
    rows = connection.execute(select(ReportLink.__table__, func.now().label("now")).where(which)
                              .order_by(ReportLink.id.desc())).all()  # fmt: skip
    keys = Keys(installation_secret(settings)).make(KeyKind.REPORT, [row.id for row in rows])
    return [
        SharedReport(
            row.id, row.campaign_id, row.for_whom, row.made_by, row.expires_at, row.revoked_at, row.uses, row.used_at,
            "revoked" if row.revoked_at else "expired" if row.expires_at <= row.now else "open",
            f"{settings.pages_url}/report/{key}",
        )
        for row, key in zip(rows, keys, strict=True)
    ]  # fmt: skip
