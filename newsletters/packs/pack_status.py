"""Pack status: which packs were made, and whether each is current, superseded, expired or withdrawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from daisychain.errors import InputError
from newsletters.packs.partner_codes import name_key
from newsletters.packs.provenance import beside_notes, copy_changes, copy_rows
from newsletters.tables import MadePack, OfferedNewsletter, PackPartner
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from newsletters.toolkits.toolkit import Toolkit

if TYPE_CHECKING:
    from newsletters.packs.dialects.dialect import Dialect
    from newsletters.packs.edition import Edition
    from newsletters.packs.partner import Partner

State = Literal["current", "superseded", "expired", "withdrawn"]
_GRAVITY: tuple[State, ...] = ("current", "superseded", "expired", "withdrawn")
_SHOWN = ("key", "newsletter", "title", "toolkit", "coalition", "partner", "dialect", "made_at", "expires")


@dataclass(frozen=True)
class Standing:
    """The state of one pack today, and why in sentences; `partner` is empty for packs without branding."""

    key: str
    state: State
    why: tuple[str, ...]
    newsletter: str
    title: str
    toolkit: str
    coalition: str
    partner: str
    dialect: str
    made_at: datetime
    expires: date | None


def row_of(
    key: str, edition: Edition, partner: Partner | None, dialect: Dialect, sheet_hash: str = ""
) -> dict[str, Any]:
    """Return the row to keep of a pack; without the hash of a sheet if none was handed out yet."""
    return {
        "key": key, "newsletter": edition.name, "title": edition.title, "edition": edition.hash,
        "toolkit": edition.toolkit.name, "coalition": edition.toolkit.coalition,
        "partner": partner.name if partner else "", "dialect": dialect.key, "expires": edition.expires,
        "copy_blocks": copy_rows(edition), "sheets": [sheet_hash] if sheet_hash else [],
    }  # fmt: skip


def keep_packs(connection: Connection, rows: Iterable[dict[str, Any]]) -> set[str]:
    """Keep that these packs were made, one made again as made now.

    What was withdrawn stays so, for more partners too; return the reasons.
    """
    kept = list({row["key"]: row for row in rows}.values())
    if not kept:
        return set()
    added = insert(MadePack)
    again = {"made_at": func.now(), **_again(added)}
    connection.execute(added.on_conflict_do_update(index_elements=["key"], set_=again), kept)
    reasons = set()
    for toolkit, newsletter, edition in {(row["toolkit"], row["newsletter"], row["edition"]) for row in kept}:
        if (why := withdrawn_why(connection, toolkit, newsletter, edition)) is not None:
            ours = (MadePack.toolkit == toolkit, MadePack.newsletter == newsletter, MadePack.edition == edition)
            _withdraw(connection, why, *ours)
            reasons.add(why)
    return reasons


def withdrawn_why(connection: Connection, toolkit: str, newsletter: str, edition: str) -> str | None:
    """Return why this state of a newsletter's text was withdrawn; None if it was not."""
    return connection.scalar(
        select(MadePack.withdrawn_why)
        .where(MadePack.toolkit == toolkit, MadePack.newsletter == newsletter, MadePack.edition == edition)
        .where(MadePack.withdrawn_at.is_not(None))
        .limit(1)
    )


def keep_download(connection: Connection, row: dict[str, Any]) -> None:
    """Keep that a pack was taken; one that is known stays as it is, but for what a later day changes in it.

    What was made for an organisation is not touched by somebody who only typed its name: that row has no partner.
    """
    added = insert(MadePack)
    new = added.excluded
    fresh = or_(~MadePack.sheets.contains(new.sheets), MadePack.partner != new.partner)
    mine = MadePack.partner.in_(("", new.partner))
    connection.execute(
        added.on_conflict_do_update(index_elements=["key"], set_=_again(added), where=and_(mine, fresh)), row
    )


def _again(added: Insert) -> dict[str, Any]:
    new = added.excluded
    return {
        "partner": new.partner,
        "sheets": _both_sheets(added),
        "expires": new.expires,
        "copy_blocks": _WITH_OLD_POSTS,
    }


# A post that has expired is in no pack made after that day, but in those that were handed out before.
_WITH_OLD_POSTS = text("""
    excluded.copy_blocks || coalesce((
        SELECT jsonb_agg(old) FROM jsonb_array_elements(made_packs.copy_blocks) AS old
        WHERE (old->>'beside')::boolean AND (old->>'expires')::date < current_date AND NOT EXISTS (
            SELECT FROM jsonb_array_elements(excluded.copy_blocks) AS new WHERE new->>'id' = old->>'id')
    ), '[]')
""")


def _both_sheets(added: Insert) -> ColumnElement[list[str]]:
    """Return the sheets that are kept of a pack and that which comes, once: made on other days, it has others."""
    new = added.excluded.sheets
    return case((MadePack.sheets.contains(new), MadePack.sheets), else_=MadePack.sheets.concat(new))


def kept_sheets(connection: Connection, key: str) -> Sequence[str] | None:
    """Return the hashes of the sheets that were handed out with the pack `key`; None for one that was not made here."""
    return connection.scalar(select(MadePack.sheets).where(MadePack.key == key))


def was_made(connection: Connection, toolkit: str, newsletter: str) -> bool:
    """Return whether there was ever a pack of this newsletter, so that its addresses may be known."""
    found = select(MadePack.key).where(MadePack.toolkit == toolkit, MadePack.newsletter == newsletter).limit(1)
    return connection.scalar(found) is not None


def pack_standing(connection: Connection, key: str, today: date) -> Standing | None:
    """Return the state of the pack `key`; None for one that was not made here."""
    rows = _rows(connection, MadePack.key == key)
    return _standings(connection, rows, today)[0] if rows else None


def all_standings(connection: Connection, today: date) -> list[Standing]:
    """Return the state of every pack, by newsletter and partner."""
    return _standings(connection, _rows(connection), today)


def to_tell(standings: Iterable[Standing]) -> list[Standing]:
    """Return those that somebody should hear of: not current, and their partner has no newer one for the same tool."""
    found = list(standings)
    newest = {_whose(each): each.key for each in sorted(found, key=lambda each: each.made_at)}
    return [each for each in found if each.state != "current" and newest[_whose(each)] == each.key]


@dataclass(frozen=True)
class StalePartner:
    """A partner whose packs are not current: `reply` is its address, `notes` the other columns of its row."""

    partner: str
    contact: str
    reply: str
    notes: dict[str, str]
    state: State
    why: tuple[str, ...]
    packs: tuple[Standing, ...]


def stale_partners(connection: Connection, standings: Iterable[Standing]) -> list[StalePartner]:
    """Return one row for each partner of the `standings` that somebody should hear of; packs without branding last."""
    known = {name_key(row.name): row for row in connection.execute(select(PackPartner.__table__).order_by("given_at"))}
    packs: dict[str, list[Standing]] = {}
    for pack in to_tell(standings):
        packs.setdefault(name_key(pack.partner), []).append(pack)
    return [_stale(known.get(name), packs[name]) for name in sorted(packs, key=lambda name: (not name, name))]


def _stale(known: Row[Any] | None, packs: list[Standing]) -> StalePartner:
    reply = known.reply if known else ""
    notes = {key: value for key, value in known.notes.items() if value} if known else {}
    contact = ", ".join(filter(None, (reply, *(f"{key}: {value}" for key, value in notes.items()))))
    worst = max(packs, key=lambda pack: _GRAVITY.index(pack.state))
    why = tuple(dict.fromkeys(line for pack in packs for line in pack.why))
    return StalePartner(packs[-1].partner, contact, reply, notes, worst.state, why, tuple(packs))


def _whose(pack: Standing) -> tuple[str, str, str, str]:
    return pack.toolkit, pack.newsletter, name_key(pack.partner), pack.dialect


def withdraw(connection: Connection, newsletter: str, why: str) -> int:
    """Withdraw every pack of the newsletter of that name and its translations, and say how many; nobody is offered it.

    Raises InputError if none was made.
    """
    changed = _withdraw(connection, why, _named(MadePack.newsletter, newsletter))
    connection.execute(delete(OfferedNewsletter).where(_named(OfferedNewsletter.name, newsletter)))
    if not changed:
        _require_packs(connection, newsletter)
    return changed


def restore(connection: Connection, newsletter: str) -> int:
    """Undo the withdrawal of the newsletter's packs, and say of how many; raises InputError if none was made."""
    named = (_named(MadePack.newsletter, newsletter), MadePack.withdrawn_at.is_not(None))
    changed = connection.execute(update(MadePack).where(*named).values(withdrawn_at=None, withdrawn_why="")).rowcount
    if not changed:
        _require_packs(connection, newsletter)
    return changed


def _withdraw(connection: Connection, why: str, *where: ColumnElement[bool]) -> int:
    change = update(MadePack).where(*where, MadePack.withdrawn_at.is_(None))
    return connection.execute(change.values(withdrawn_at=func.now(), withdrawn_why=why)).rowcount


def _named(column: Any, newsletter: str) -> ColumnElement[bool]:
    # Its translations are named for it: may.cy beside may.
    return cast(
        "ColumnElement[bool]", column.regexp_match(rf"^{re.escape(newsletter)}(\.[a-z]{{2}}(-[A-Za-z0-9]+)*)?$")
    )


def _require_packs(connection: Connection, newsletter: str) -> None:
    if not _rows(connection, _named(MadePack.newsletter, newsletter)):
        raise InputError(
            f"No packs were made of a newsletter {newsletter!r}.", hint="`daisychain pack list` shows them."
        )


def _rows(connection: Connection, *where: Any) -> Sequence[RowMapping]:
    query = select(*(each for each in MadePack.__table__.columns if each.name != "sheets")).where(*where)
    return connection.execute(query.order_by(MadePack.newsletter, MadePack.partner, MadePack.made_at)).mappings().all()


def _standings(connection: Connection, rows: Sequence[RowMapping], today: date) -> list[Standing]:
    newest = _newest(connection)
    toolkits = {name: added_toolkit(connection, name) for name in {row["toolkit"] for row in rows}}
    return [_standing(row, newest, toolkits[row["toolkit"]], today) for row in rows]


def _standing(row: RowMapping, newest: dict[tuple[str, str], str], toolkit: Toolkit | None, today: date) -> Standing:
    state, why = _judged(row, newest, toolkit, today)
    plain = {name: row[name] for name in _SHOWN}
    return Standing(state=state, why=why, **plain)


def _judged(
    row: RowMapping, newest: dict[tuple[str, str], str], toolkit: Toolkit | None, today: date
) -> tuple[State, tuple[str, ...]]:
    if row["withdrawn_at"] is not None:
        return "withdrawn", (row["withdrawn_why"],) if row["withdrawn_why"] else ()
    if row["expires"] and today > row["expires"]:
        return "expired", (f"It was to be sent by {row['expires']:%d %B %Y}.",)
    changes = tuple(copy_changes(row["copy_blocks"], toolkit, today)) if toolkit else ()
    if newest[row["toolkit"], row["newsletter"]] != row["edition"]:
        changes = ("There is a newer version of this email.", *changes)
    return ("superseded", changes) if changes else ("current", tuple(beside_notes(row["copy_blocks"], today)))


def _newest(connection: Connection) -> dict[tuple[str, str], str]:
    """Return the edition made last of each newsletter of each toolkit."""
    last = (
        select(MadePack.toolkit, MadePack.newsletter, func.max(MadePack.made_at))
        .group_by(MadePack.toolkit, MadePack.newsletter)
    )  # fmt: skip
    found = connection.execute(
        select(MadePack.toolkit, MadePack.newsletter, MadePack.edition)
        .where(tuple_(MadePack.toolkit, MadePack.newsletter, MadePack.made_at).in_(last))
        .distinct()
    )
    return {(row.toolkit, row.newsletter): row.edition for row in found}


def added_toolkit(connection: Connection, name: str) -> Toolkit | None:
    """Return a pack's toolkit as it is today; None if it is only a folder, which can't be found from here."""
    try:
        return named_toolkit(name, connection)
    except UnknownToolkit:
        return None
