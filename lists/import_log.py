"""The log of imports, and taking one back: what nobody has changed since is again as it was before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, exists, false, insert, select, text, update

from daisychain.errors import InputError, StateError
from lists import merging
from lists.consent.consent_ledger import find_terms, with_events
from lists.suppression import take_back_suppressions
from lists.tables import Import, Member, Membership

# fmt: off
UNDO_WITHIN = timedelta(days=7)
# Values of people are kept only for as long as they are needed.
_FORGET_OLD = """
    DELETE FROM import_changes USING imports
    WHERE imports.id = import_id AND (imports.undone_at IS NOT NULL OR imports.at < now() - interval '7 days')
"""
_FIND = """
    SELECT imports.*, lists.name, imports.at < now() - interval '7 days' AS late
    FROM imports JOIN lists ON lists.id = imports.list_id WHERE imports.id = :id
"""
# Each value on its own: one that is no longer what the import wrote was changed since, and stays.
_RESTORE_MEMBERS = """
    UPDATE members SET
        first_name = CASE WHEN first_name = after ->> 'first_name' THEN before ->> 'first_name' ELSE first_name END,
        last_name = CASE WHEN last_name = after ->> 'last_name' THEN before ->> 'last_name' ELSE last_name END,
        language = CASE WHEN language = after ->> 'language' THEN before ->> 'language' ELSE language END,
        fields = (
            SELECT coalesce(jsonb_object_agg(key, kept) FILTER (WHERE kept IS NOT NULL), '{}')
            FROM (
                SELECT key, CASE WHEN value = after -> 'fields' -> key THEN before -> 'fields' -> key ELSE value END
                FROM jsonb_each(members.fields)
            ) AS each (key, kept)),
        updated_at = now()
    FROM import_changes WHERE import_id = :id AND what = 'member' AND member_id = members.id
"""
_RESTORE_CONSENT = with_events("""
    UPDATE memberships SET basis = before ->> 'basis', source = before ->> 'source',
        consented_at = CAST(before ->> 'consented_at' AS timestamptz),
        collected_by = coalesce(before ->> 'collected_by', '')
    FROM import_changes
    WHERE import_id = :id AND what = 'consent' AND import_changes.member_id = memberships.member_id
      AND memberships.list_id = :list_id AND basis = after ->> 'basis' AND source = after ->> 'source'
      AND consented_at IS NOT DISTINCT FROM CAST(after ->> 'consented_at' AS timestamptz)
""", "corrected", "terms.id", "consented_at", """
    JOIN consent_terms AS terms
      ON (terms.basis, terms.source, terms.collected_by, terms.import_id, terms.by)
       = (changed.basis, changed.source, changed.collected_by, :id, :by)
""")
# As consents were before: the import and who undid it are with them.
_WRITE_TERMS = """
    INSERT INTO consent_terms (basis, source, collected_by, import_id, by)
    SELECT DISTINCT before ->> 'basis', before ->> 'source', coalesce(before ->> 'collected_by', ''),
        CAST(:id AS bigint), :by
    FROM import_changes WHERE import_id = :id AND what = 'consent'
"""
_RESTORE_MEMBERSHIPS = with_events("""
    UPDATE memberships SET state = 'subscribed', left_at = NULL, left_how = ''
    WHERE list_id = :list_id AND state = 'unsubscribed' AND left_at = :at AND left_how = 'import' AND joined_at < :at
""", "restored")
_FORGET_OBJECTIONS = with_events("""
    DELETE FROM memberships
    WHERE list_id = :list_id AND joined_at = :at AND state = 'unsubscribed' AND left_at = :at AND left_how = 'import'
""", "undone")
_TAKE_OFF = with_events("""
    DELETE FROM memberships WHERE list_id = :list_id AND joined_at = :at AND state = 'subscribed'
""", "undone")
# fmt: on


@dataclass(frozen=True)
class UndoCounts:
    """The people that an undo took back something of."""

    taken_off: int
    subscribed_again: int
    fields_restored: int
    consents_restored: int
    objections_forgotten: int
    suppressions_removed: int
    members_deleted: int


def start_import(connection: Connection, list_id: int, file: str, by: str) -> int:
    """Write an import to the log before it changes anything; return its number."""
    values = {"list_id": list_id, "file": file, "by": by, "counts": {}}
    return int(connection.execute(insert(Import).values(values).returning(Import.id)).scalar_one())


def finish_import(connection: Connection, number: int, counts: dict[str, Any]) -> None:
    """Write down what an import did."""
    connection.execute(update(Import).where(Import.id == number).values(counts=counts))


def imports_of(connection: Connection, list_id: int) -> list[dict[str, Any]]:
    """Return the imports into a list, the latest first."""
    columns = (Import.id.label("number"), Import.at, Import.by, Import.file, Import.counts, Import.undone_at)
    rows = connection.execute(
        select(*columns, Import.undone_by).where(Import.list_id == list_id).order_by(Import.id.desc())
    )
    return [dict(row) for row in rows.mappings()]


def find_import(connection: Connection, number: int) -> RowMapping:
    """Return an import that can be undone, with its list's name; raises InputError, StateError."""
    found = connection.execute(text(_FIND), {"id": number}).mappings().first()
    if found is None:
        raise InputError(f"There is no import {number}.", hint="See `daisychain list imports NAME`.")
    if found["undone_at"]:
        raise StateError(f"Import {number} was undone already.")
    if found["late"]:
        raise StateError(f"Import {number} is older than 7 days, so it can't be undone any more.")
    return found


def forget_old_imports(connection: Connection) -> int:
    """Delete the values from before imports that can't be undone any more; return how many there were."""
    return connection.execute(text(_FORGET_OLD)).rowcount


def undo_import(connection: Connection, number: int, *, by: str, kept: ColumnElement[bool] | None = None) -> UndoCounts:
    """Take an import back; an unsubscribe or a change made since stays. Raises InputError, StateError.

    Members that it made are deleted, unless they are on another list, or `kept` says so of their row.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": merging.LOCK})
    found = find_import(connection, number)
    these = {"id": number, "list_id": found["list_id"], "at": found["at"], "by": by}
    these["terms_id"] = find_terms(connection, source="undone import", import_id=number, by=by)

    def run(statement: str) -> int:
        return connection.execute(text(statement), these).rowcount

    run(_WRITE_TERMS)
    fields, consents = run(_RESTORE_MEMBERS), run(_RESTORE_CONSENT)
    subscribed, forgotten, taken_off = run(_RESTORE_MEMBERSHIPS), run(_FORGET_OBJECTIONS), run(_TAKE_OFF)
    removed = take_back_suppressions(connection, found["at"], merging.note_of(found["name"]))
    somewhere = exists().where(Membership.member_id == Member.id)
    new = delete(Member).where(Member.created_at == found["at"], ~somewhere, ~(false() if kept is None else kept))
    deleted = connection.execute(new).rowcount
    connection.execute(
        text("UPDATE imports SET undone_at = now(), undone_by = :by WHERE id = :id"), {"by": by, "id": number}
    )
    forget_old_imports(connection)
    return UndoCounts(taken_off, subscribed, fields, consents, forgotten, removed, deleted)
