"""The history of one person's consent: each event of the ledger, with the exact words that they agreed to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from lists.consent.consent_tables import ConsentEvent, ConsentTerms, ConsentWording
from lists.members import find_member
from lists.tables import Import, MailingList, Suppression

_EVENT = ("at", "recorded_at", "purpose", "kind", "evidence")
_WORDING = ("version", "language", "hash", "text")
_HAPPENED = {
    ("bulletins", "given"): "added",
    ("bulletins", "withdrawn"): "unsubscribed",
    ("bulletins", "returned"): "resubscribed",
    ("bulletins", "restored"): "subscribed again: the unsubscribe was a mistake",
    ("bulletins", "corrected"): "back to the basis from before an import",
    ("bulletins", "undone"): "taken off: the import was undone",
    ("reading", "given"): "agreed that their own reading is recorded",
    ("reading", "withdrawn"): "does not agree that their own reading is recorded",
}


def member_history(connection: Connection, email: str) -> dict[str, Any]:
    """Return what the ledger has of the person with this address, the oldest first; raises InputError.

    `suppressed` is why no list may mail the address now, or None.
    """
    member = find_member(connection, email)
    rows = connection.execute(
        select(
            *(getattr(ConsentEvent, name) for name in _EVENT), ConsentTerms.basis, ConsentTerms.source,
            ConsentTerms.collected_by, ConsentTerms.by, ConsentTerms.import_id, MailingList.name.label("list"),
            *(getattr(ConsentWording, name).label(f"wording_{name}") for name in _WORDING),
            Import.by.label("importer"), Import.file,
        )
        .join(ConsentTerms, ConsentTerms.id == ConsentEvent.terms_id)
        .outerjoin(MailingList, MailingList.id == ConsentEvent.list_id)
        .outerjoin(ConsentWording, ConsentWording.id == ConsentTerms.wording_id)
        .outerjoin(Import, Import.id == ConsentTerms.import_id)
        .where(ConsentEvent.member_id == member["id"])
        .order_by(ConsentEvent.recorded_at, ConsentEvent.id)
    )  # fmt: skip
    columns = (Suppression.reason, Suppression.source, Suppression.at, Suppression.note)
    suppressed = select(*columns).where(Suppression.address_key == member["address_key"])
    found = connection.execute(suppressed).mappings().first()
    events = [_event(dict(row)) for row in rows.mappings()]
    return {"email": member["email"], "events": events, "suppressed": dict(found) if found else None}


def what_happened(event: dict[str, Any]) -> str:
    """Say in words what an event of the history was."""
    return _HAPPENED.get((event["purpose"], event["kind"]), str(event["kind"]))


def _event(row: dict[str, Any]) -> dict[str, Any]:
    wording = {name: row.pop(f"wording_{name}") for name in _WORDING}
    importer, file, number = row.pop("importer"), row.pop("file"), row.pop("import_id")
    return {
        **row,
        "by": row["by"] or importer or "",
        "wording": wording if wording["hash"] else None,
        "import": {"number": number, "file": file} if number else None,
    }
