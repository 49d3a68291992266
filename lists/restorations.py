"""The history of memberships and suppressions that were taken back: who wanted it, and what was there before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select

from daisychain.errors import InputError
from lists.tables import MailingList, Restoration


def record_restoration(
    connection: Connection, address_key: str, before: dict[str, Any], *,
    how: str, because: str = "", evidence: str = "", list_id: int | None = None,
) -> None:  # fmt: skip
    """Keep that a membership, or without a list a suppression, was taken back; rows are never changed."""
    connection.execute(
        insert(Restoration).values(
            address_key=address_key, list_id=list_id, how=how, because=because, evidence=evidence,
            before={name: value if value is None else str(value) for name, value in before.items()},
        )
    )  # fmt: skip


def list_restorations(connection: Connection, address_key: str) -> list[dict[str, Any]]:
    """Return what was taken back for an address, the oldest first."""
    kept = (Restoration.at, Restoration.how, Restoration.because, Restoration.evidence, Restoration.before)
    rows = connection.execute(
        select(MailingList.name.label("list"), *kept)
        .join(MailingList, MailingList.id == Restoration.list_id, isouter=True)
        .where(Restoration.address_key == address_key)
        .order_by(Restoration.id)
    )
    return [dict(row) for row in rows.mappings()]


def require_given(text: str, option: str, example: str) -> str:
    """Return a reason or evidence without spaces around it; raises InputError if it is empty."""
    if not text.strip():
        raise InputError(f"{option} is empty.", hint=f'For instance: {option} "{example}"')
    return text.strip()
