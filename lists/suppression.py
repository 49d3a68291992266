"""Suppression: addresses that must not be mailed, and why; it outlives the member."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, select, text
from sqlalchemy.sql.elements import ColumnElement

from daisychain.errors import InputError, StateError
from daisychain.sheets.open_sheet import open_sheet
from lists.address_files import AddressesRead, find_addresses
from lists.addresses import require_address
from lists.privacy.address_hash import forgotten_among
from lists.restorations import record_restoration, require_given
from lists.tables import BY_PAGE, Suppression

_AT_ONCE = 5_000
# Option → the reasons that need it before a suppression is lifted, whoever wrote them.
STRONG_REASONS = {
    "--although-they-complained": re.compile("complain|spam|junk|abuse", re.IGNORECASE),
    "--although-it-bounced": re.compile("bounc|cleaned|invalid|unreachable|undeliver|no such", re.IGNORECASE),
}


class NewSuppression(NamedTuple):
    """An address that must not be mailed, by its key, with who or what said so; `at` is now, unless it is given."""

    address_key: str
    reason: str
    source: str = ""
    note: str = ""
    at: datetime | None = None


_SUPPRESS = text("""
    INSERT INTO suppressions (address_key, reason, source, note, at)
    SELECT DISTINCT ON (address_key) address_key, reason, source, note, coalesce(at, now())
    FROM unnest(
        CAST(:address_key AS text[]), CAST(:reason AS text[]), CAST(:source AS text[]), CAST(:note AS text[]),
        CAST(:at AS timestamptz[])) WITH ORDINALITY AS evidence (address_key, reason, source, note, at, place)
    ORDER BY address_key, place
    ON CONFLICT (address_key) DO UPDATE
    SET reason = excluded.reason, source = excluded.source, at = excluded.at,
        note = trim(excluded.note || ' (before: ' || concat_ws(', ', suppressions.reason, nullif(suppressions.note, ''))
            || ')')
    WHERE excluded.note NOT LIKE 'import into %' AND (suppressions.note LIKE 'import into %'
        OR suppressions.source = :by_page AND excluded.source <> suppressions.source)
""")
# Somebody who has unsubscribed since stays suppressed.
_TAKE_BACK = text("""
    DELETE FROM suppressions WHERE at = :at AND note = :note AND NOT EXISTS (
        SELECT FROM members JOIN memberships ON memberships.member_id = members.id
        WHERE members.address_key = suppressions.address_key AND memberships.left_at > :at)
""")


def suppress_all(connection: Connection, evidence: Iterable[NewSuppression]) -> int:
    """Suppress all these addresses and return how many are new; the first reason for an address is kept.

    What a person or a provider says replaces what only an imported file or a click on the unsubscribe page said, so
    that undoing the import or the click leaves it.
    An address that was forgotten is suppressed by its hash already. Nothing else writes the table, except to take an
    import back.
    """
    rows = list(evidence)
    forgotten = forgotten_among(connection, {each.address_key for each in rows})
    # Sorted, so that two that run at once wait for each other rather than deadlock.
    rows = sorted((each for each in rows if each.address_key not in forgotten), key=lambda each: each.address_key)
    columns = dict(zip(NewSuppression._fields, map(list, zip(*rows, strict=True)), strict=False))
    return connection.execute(_SUPPRESS, {**columns, "by_page": BY_PAGE}).rowcount if rows else 0


def take_back_suppressions(connection: Connection, at: datetime, note: str) -> int:
    """Remove the suppressions that an import made at this moment; return how many."""
    return connection.execute(_TAKE_BACK, {"at": at, "note": note}).rowcount


@dataclass
class SuppressionSummary(AddressesRead):
    """The addresses of a file that were new, and that were known."""

    added: int = 0
    unchanged: int = 0


def is_suppressed(connection: Connection, address: str) -> bool:
    """Report whether `address` must not be mailed; raises InputError if it is not an address."""
    key = require_address(address).key
    return bool(connection.execute(select(exists().where(Suppression.address_key == key))).scalar())


def suppress(connection: Connection, address: str, reason: str, source: str = "", note: str = "") -> bool:
    """Suppress one `address`, as a person wrote it; return whether that is new. Raises InputError."""
    key = require_address(address).key
    return suppress_all(connection, [NewSuppression(key, _require_reason(reason), source, note)]) == 1


def unsuppress(connection: Connection, address: str, *, because: str, although: Collection[str] = ()) -> str:
    """Lift the suppression of one `address`, and return its reason; the change is kept as history.

    A complaint and a hard bounce need their option in `although`. Raises InputError, StateError.
    """
    because = require_given(because, "--because", "suppressed by mistake: a typing error in the file of 3 May")
    key = require_address(address).key
    reason: str | None = connection.scalar(select(Suppression.reason).where(Suppression.address_key == key))
    if reason is None:
        raise InputError(f"{address} is not suppressed.")
    for option, reasons in STRONG_REASONS.items():
        if reasons.search(reason) and option not in although:
            raise StateError(
                f"{address} is suppressed because of: {reason}. Mailing it again harms your reputation.",
                hint=f"If you are sure that the person wants it and the address works, add {option}.",
            )
    lift_suppression(connection, key, how="by staff", because=because)
    return reason


def stronger_than_a_wish(reason: str) -> bool:
    """Report whether a suppression is for a complaint or a bounce, which signing up again does not lift."""
    return any(reasons.search(reason) for reasons in STRONG_REASONS.values())


def lift_suppression(
    connection: Connection, address_key: str, *which: ColumnElement[bool], how: str, because: str = ""
) -> bool:
    """Delete the suppression of an address if it is as `which` says, and keep it as history; False if there is none.

    Nothing else deletes from the table, except to take an import back.
    """
    statement = delete(Suppression).where(Suppression.address_key == address_key, *which)
    row = connection.execute(statement.returning(Suppression.__table__)).mappings().first()
    if row:
        before = {name: row[name] for name in ("reason", "source", "note", "at")}
        record_restoration(connection, address_key, before, how=how, because=because)
    return row is not None


def suppress_file(
    connection: Connection, path: Path, reason: str, *,
    source: str = "", encoding: str | None = None, sheet: str | None = None,
) -> SuppressionSummary:  # fmt: skip
    """Suppress every address that can be found in a file; raises InputError."""
    reason = _require_reason(reason)
    summary = SuppressionSummary()
    with open_sheet(path, encoding, sheet) as opened:
        summary.note = opened.note
        addresses = find_addresses(opened, summary.refuse)
        while chunk := [NewSuppression(each.key, reason, source or path.name) for each in islice(addresses, _AT_ONCE)]:
            added = suppress_all(connection, chunk)
            summary.added += added
            summary.unchanged += len(chunk) - added
    return summary


def _require_reason(reason: str) -> str:
    if not reason.strip():
        raise InputError("A suppression needs a reason.", hint='For instance: --reason "asked by phone"')
    return reason.strip()
