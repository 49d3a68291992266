"""Forgets a person, in all rooms: what goes, what stays and why, and nothing that brings them back.

A keyed hash of each of their addresses stays, so that no import, webhook, replay or restored backup does.
"""

# ruff: noqa: S608 - its SQL is built from our constants only

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, select, text

from daisychain.errors import InputError
from daisychain.operations.erased_list import not_known_to, remember_erased
from daisychain.operations.person_data import HOLDS, WORDS, counts_held, find_subject, of_colleague, parameters
from daisychain.settings import Settings
from lists import merging
from lists.privacy.address_hash import hash_keys, hash_of, suppressed_as
from lists.privacy.held_data import DataSubject
from lists.restorations import require_given
from lists.suppression import NewSuppression, stronger_than_a_wish, suppress_all
from sender.events.forget_events import forget_in_bodies, without_forgotten
from sender.tables import WebhookBody
from sender.upkeep.sender_holds import files_of

STAYS_ALWAYS = (
    "a keyed hash of the address, so that no file, webhook or restored backup brings it back",
    "files on colleagues' machines, and what the email provider keeps: delete those there",
)
OF_COLLEAGUE = "their account at the desk, which is no membership: remove it under People"


@dataclass(frozen=True)
class ErasurePlan:
    """The rows that an erasure would delete or empty, by their title, and what stays, with the reason."""

    email: str
    goes: dict[str, int]
    stays: list[str]


def plan_erasure(connection: Connection, settings: Settings, email: str) -> ErasurePlan:
    """Show what erasing a person would do; raises InputError if nothing is held of this address."""
    subject = find_subject(connection, email)
    goes = counts_held(connection, subject)
    if files := len(files_of(connection, settings, subject)):
        goes["Mails in the outbox"] = files
    if not goes:
        raise InputError(f"Nothing is held of {email.strip()}.")
    left = [f"{each.title}: {each.why}" for each in HOLDS if each.why and goes.get(each.title)]
    account = [OF_COLLEAGUE] if of_colleague(connection, subject) else []
    return ErasurePlan(email.strip(), goes, [*left, *account, *STAYS_ALWAYS])


def erase_person(engine: Engine, settings: Settings, email: str, *, by: str, because: str) -> ErasurePlan:
    """Forget a person, and return what went and what stays. Raises InputError if nothing is held of this address."""
    because = require_given(because, "--because", "asked for it by email, 3 May")
    with engine.begin() as connection:
        # An import that is merging would add them again; it looks once it is its turn.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": merging.LOCK})
        plan = plan_erasure(connection, settings, email)
        subject = find_subject(connection, email)
        files = files_of(connection, settings, subject)
        erase_rows(connection, settings, subject, by=by, because=because, counts=plan.goes)
    for path in files:
        path.unlink(missing_ok=True)
    remember_erased(engine, settings.home)
    return plan


_REASON = text("SELECT reason FROM suppressions WHERE address_key = :key")
_WRITE_DOWN = text(f"""
    INSERT INTO erasures (member_id, address_hash, by, because, counts)
    VALUES (:member, {hash_of("CAST(:key AS text)")}, :by, :because, CAST(:counts AS jsonb))
    ON CONFLICT (address_hash) WHERE lifted_at IS NULL DO UPDATE
    SET member_id = coalesce(excluded.member_id, erasures.member_id)
""")

# What only this person's consents rested on, such as their own mail to the office.
_TERMS = text("SELECT DISTINCT terms_id FROM consent_events WHERE member_id = :member")
_DROP_TERMS = text("""
    DELETE FROM consent_terms WHERE id = ANY (CAST(:terms AS bigint[]))
    AND NOT EXISTS (SELECT FROM consent_events WHERE terms_id = consent_terms.id)
""")


def erase_rows(
    connection: Connection, settings: Settings, subject: DataSubject, *, by: str, because: str, counts: dict[str, int]
) -> None:
    """Erase what all tables hold of a person, in the caller's transaction; their deliveries were found before."""
    reasons = {key: connection.scalar(_REASON, {"key": key}) or "" for key in subject.keys}
    row = {"member": subject.member, "by": by, "because": because, "counts": orjson.dumps(counts).decode()}
    for key in subject.keys:
        connection.execute(_WRITE_DOWN, {**row, "key": key, **hash_keys(settings)})
    forget_in_bodies(connection, subject.keys)
    terms = connection.scalars(_TERMS, {"member": subject.member}).all()
    for each in HOLDS:
        if statement := each.erase():
            connection.execute(text(statement), parameters(subject))
    connection.execute(_DROP_TERMS, {"terms": terms})
    for key, reason in reasons.items():
        _without_address(connection, key)
        # A bounce or a complaint is remembered: their own wish does not lift it.
        kept = reason if stronger_than_a_wish(reason) else "asked to be forgotten"
        suppress_all(connection, [NewSuppression(suppressed_as(connection, key), kept, "erasure")])


_TYPES = {"notes": "jsonb", "findings": "jsonb", "before": "jsonb"}


def _without_address(connection: Connection, key: str) -> None:
    """Replace the address if colleagues named it in their own words."""
    pattern = "".join(sign if sign.isalnum() else f"\\{sign}" for sign in key)
    for table, columns in WORDS.items():
        for column in columns.split():
            connection.execute(text(f"""
                UPDATE {table} SET {column} = CAST(
                    regexp_replace({column}::text, :pattern, '[erased]', 'gi') AS {_TYPES.get(column, "text")})
                WHERE position(:key IN lower({column}::text)) > 0
            """), {"key": key, "pattern": pattern})  # fmt: skip


# Where a restored database may have addresses, as they are compared.
_KEYED = ("members", "suppressions", "sign_ups", "restorations", "contact_unsubscribes", "organisation_contacts",
          "test_set_inboxes")  # fmt: skip
_WRITTEN = {"deliveries": "address", "system_mails": "address", "complaints": "contact",
            "organisation_profiles": "reply"}  # fmt: skip
_NAMED = " UNION ".join([
    *(f"SELECT address_key AS key FROM {table}" for table in _KEYED),
    *(f"SELECT lower({column}) FROM {table}" for table, column in _WRITTEN.items()),
])  # fmt: skip
_FOUND = text(f"SELECT key FROM ({_NAMED}) AS named WHERE {hash_of('key')} = ANY (CAST(:hashes AS bytea[]))")
_KEEP_HASH = text("""
    INSERT INTO erasures (address_hash, by, because) VALUES (:hash, 'restore', 'erased since this backup was made')
    ON CONFLICT DO NOTHING
""")


def forget_again(engine: Engine, settings: Settings, rows: Iterable[dict[str, Any]]) -> int:
    """Forget in a restored database the people on the lists of erased people; returns how many were new to it."""
    with engine.begin() as connection:
        hashes = [bytes.fromhex(each["hash"]) for each in not_known_to(connection, rows)]
        for hash_ in hashes:
            connection.execute(_KEEP_HASH, {"hash": hash_})
        found = connection.scalars(_FOUND, {"hashes": hashes, **hash_keys(settings)}).all() if hashes else ()
        for key in found:
            subject = find_subject(connection, key)
            erase_rows(connection, settings, subject, by="restore", because="erased since this backup", counts={})
        for row in connection.execute(select(WebhookBody.id, WebhookBody.body)).all() if hashes else ():
            without_forgotten(connection, row.id, bytes(row.body))
    remember_erased(engine, settings.home)
    return len(hashes)
