"""Writing to the consent ledger; in the transaction that changes a membership, so that the two always agree."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import BigInteger, Connection, DateTime, Select, Text, func, insert, literal, select, text, update

from lists.consent.consent_tables import ConsentEvent, ConsentTerms, ConsentWording
from lists.tables import Membership

# One transaction at a time adds a wording, so that versions count up. An arbitrary number that only has to be ours.
_LOCK = 0x0DA151C8
NOW = func.now()


def record_consent(
    connection: Connection, member_id: int, list_id: int, kind: str, *, at: Any = NOW, **terms: Any
) -> None:
    """Write one event about one person; an unknown time is None. For `terms`, see record_consents."""
    at = at if at is NOW else literal(at, DateTime(timezone=True))
    record_consents(connection, select(literal(member_id, BigInteger), at), list_id, kind, **terms)


def record_consents(
    connection: Connection, people: Select[Any], list_id: int, kind: str, *, purpose: str = "bulletins",
    basis: str = "", wording: str = "", version: int = 0, language: str = "", source: str = "", evidence: str = "",
    collected_by: str = "", import_id: int | None = None, by: str = "",
) -> int:  # fmt: skip
    """Write one event for each of `people`, a select of member_id and at; return how many.

    `source` is the way (a form, a file, the unsubscribe page), `evidence` the record of this one person, `by` who wrote
    it down. A `wording` without its `version` gets the next one of this source and language.
    """
    # A page may ask for bulletins in words that bring their version, and for reading in others: each counts its own.
    place = source if purpose == "bulletins" else f"{source}, {purpose}"
    wording_id = keep_wording(connection, list_id, place, language, wording, version) if wording else None
    terms_id = find_terms(
        connection, basis=basis, wording_id=wording_id, source=source, collected_by=collected_by, import_id=import_id,
        by=by,
    )  # fmt: skip
    same = (literal(value, type_) for value, type_ in (
        (list_id, BigInteger), (terms_id, BigInteger), (purpose, Text), (kind, Text), (evidence, Text)
    ))  # fmt: skip
    columns = ["member_id", "at", "list_id", "terms_id", "purpose", "kind", "evidence"]
    return connection.execute(insert(ConsentEvent).from_select(columns, people.add_columns(*same))).rowcount


def with_events(statement: str, kind: str, terms: str = ":terms_id", at: str = "now()", join: str = "") -> str:
    """Return an SQL statement that changes memberships of `:list_id`, and writes an event for each of them.

    `terms` and `at` are SQL over `changed`, the memberships as the statement leaves them, and what `join` adds.
    """
    columns = ", ".join(
        f"memberships.{name}" for name in ("list_id", "member_id", "basis", "source", "consented_at", "collected_by")
    )
    return f"""
        WITH changed AS ({statement} RETURNING {columns})
        INSERT INTO consent_events (member_id, list_id, kind, terms_id, at)
        SELECT member_id, list_id, '{kind}', {terms}, {at} FROM changed {join}
    """  # noqa: S608 - of constants


def record_reading(connection: Connection, member_id: int, list_id: int, agreed: bool, **terms: Any) -> None:
    """Keep whether a person agreed that their own reading of this list's mails is recorded."""
    this = (Membership.list_id == list_id, Membership.member_id == member_id)
    connection.execute(update(Membership).where(*this).values(reads_agreed=agreed))
    basis = {"basis": "consent"} if agreed else {}
    kind = "given" if agreed else "withdrawn"
    record_consent(connection, member_id, list_id, kind, purpose="reading", **basis, **terms)


def find_terms(connection: Connection, **terms: Any) -> int:
    """Return the id of the row with just these terms, made if there is none."""
    columns = ConsentTerms.__table__.columns
    same = select(ConsentTerms.id).where(*(columns[name].is_not_distinct_from(value) for name, value in terms.items()))
    found = connection.scalar(same.limit(1))
    return found or connection.scalar(insert(ConsentTerms).values(terms).returning(ConsentTerms.id)) or 0


def keep_wording(
    connection: Connection, list_id: int, source: str, language: str, wording: str, version: int = 0
) -> int:  # fmt: skip
    """Return the id of these words, kept from now on if they are new."""
    place = {"list_id": list_id, "source": source, "language": language}
    these = [ConsentWording.__table__.columns[name] == value for name, value in place.items()]
    same = select(ConsentWording.id).where(*these, ConsentWording.text == wording)
    same = same.where(ConsentWording.version == version) if version else same.order_by(ConsentWording.id.desc())
    if found := connection.scalar(same.limit(1)):
        return found
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if found := connection.scalar(same.limit(1)):
        return found
    latest = connection.scalar(select(func.max(ConsentWording.version)).where(*these)) or 0
    values = {"version": version or latest + 1, "text": wording, "hash": hashlib.sha256(wording.encode()).hexdigest()}
    return connection.scalar(insert(ConsentWording).values(**place, **values).returning(ConsentWording.id)) or 0
