"""The audience of a list: each person once, what a newsletter needs of them, and whether they may be mailed.

Mailable means: subscribed to the list, and the address not suppressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from lists.tables import STANDARD_FIELDS, Member, Membership, Suppression

UNSUBSCRIBED = "unsubscribed"
SUPPRESSED = "suppressed"
# PostgreSQL takes 100 arguments a call, two a field.
_FIELDS_A_CALL = 50

# Why a person is not mailed, NULL for those who are; for selects made by `everybody`.
exclusion: ColumnElement[str | None] = case(
    (Membership.state != "subscribed", literal(UNSUBSCRIBED)),
    (Suppression.address_key.is_not(None), literal(SUPPRESSED)),
)


def audience(list_id: int, fields: Iterable[str] = ()) -> Select[*tuple[Any, ...]]:
    """A select over everybody who ever was on the list: one row per person, and so per address.

    Columns: member_id, address (as written), address_key, language, inputs (jsonb of `fields`; null where a
    member has none) and exclusion: NULL where mailable, else UNSUBSCRIBED or SUPPRESSED. Mailable people
    come first, by member id.
    """
    columns = (
        Member.id.label("member_id"),
        Member.email.label("address"),
        Member.address_key,
        Member.language,
        _inputs(sorted(set(fields))).label("inputs"),
        exclusion.label("exclusion"),
    )
    people = everybody(*columns).where(Membership.list_id == list_id)
    return people.order_by(exclusion.is_not(None), Member.id)


def everybody(*columns: Any) -> Select[*tuple[Any, ...]]:
    """`columns` of memberships, members and their suppressions, for all who ever were on any list."""
    return (
        select(*columns)
        .select_from(Membership)
        .join(Member, Member.id == Membership.member_id)
        .outerjoin(Suppression, Suppression.address_key == Member.address_key)
    )


def mailable(*columns: Any, list_id: int) -> Select[*tuple[Any, ...]]:
    """`columns` of memberships and members, for those people of a list who may be mailed."""
    return everybody(*columns).where(
        Membership.list_id == list_id, Membership.state == "subscribed", Suppression.address_key.is_(None)
    )


def column_of(field: str) -> ColumnElement[Any]:
    """A member's field as text, standard or custom; NULL where they have no such custom field."""
    return Member.__table__.c[field] if field in STANDARD_FIELDS else Member.fields[field].astext


def _inputs(fields: Sequence[str]) -> ColumnElement[Any]:
    starts = range(0, max(len(fields), 1), _FIELDS_A_CALL)
    whole, *others = (_object(fields[start : start + _FIELDS_A_CALL]) for start in starts)
    for part in others:
        whole = whole.op("||", return_type=JSONB())(part)
    return whole


def _object(fields: Sequence[str]) -> ColumnElement[Any]:
    pairs = [part for name in fields for part in (cast(name, Text), column_of(name))]
    return func.jsonb_build_object(*pairs, type_=JSONB())
