"""The audience of a list: each person once, what a newsletter needs of them, and whether they may be mailed.

Mailable means: subscribed to the list, and the address not suppressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, array

from lists.tables import STANDARD_FIELDS, Member, Membership, Suppression

UNSUBSCRIBED = "unsubscribed"
SUPPRESSED = "suppressed"

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
    # jsonb_build_object takes its arguments one by one, and twice as long.
    names: array[Any] = array([literal(name) for name in fields], type_=Text)
    values: array[Any] = array([column_of(name) for name in fields], type_=Text)
    return func.jsonb_object(names, values, type_=JSONB())
