"""The audience: each person of a list once, what a newsletter needs of them, and whether they may be mailed.

Mailable means: subscribed, the address not suppressed, and neither a restriction nor a pause that the person
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, Text, case, cast, func, literal, null, or_, select
from sqlalchemy.dialects.postgresql import JSONB, array

from lists.tables import STANDARD_FIELDS, Member, Membership, Suppression

UNSUBSCRIBED = "unsubscribed"
SUPPRESSED = "suppressed"
RESTRICTED = "restricted"
PAUSED = "paused"

# Why a person is not mailed, NULL for those who are; for selects of `everybody`.
exclusion: ColumnElement[str | None] = case(
    (Membership.state != "subscribed", literal(UNSUBSCRIBED)),
    (Suppression.address_key.is_not(None), literal(SUPPRESSED)),
    (Member.restricted_at.is_not(None), literal(RESTRICTED)),
    (Membership.paused_until > func.now(), literal(PAUSED)),
)


def everybody(*columns: Any) -> Select[*tuple[Any, ...]]:
    """Select `columns` of everybody who was ever on a list, once for each of their lists."""
    return (
        select(*columns)
        .select_from(Membership)
        .join(Member, Member.id == Membership.member_id)
        .outerjoin(Suppression, Suppression.address_key == Member.address_key)
    )


@dataclass(frozen=True)
class Narrowing:
    """A condition on the people of a list, and the subqueries that it needs joined by their `member_id`.

    Joined, as a subquery within a condition is searched once for each person if its answer is large.
    """

    condition: ColumnElement[bool]
    joined: tuple[Subquery, ...] = ()


@dataclass(frozen=True)
class Audience:
    """Selects over the people of a list.

    If given, only people whose member ids are in `members`, a select, and who fulfil the condition of a segment.
    """

    list_id: int
    members: Select[int | None] | None = None
    segment: Narrowing | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has all people of the list."""
        return self.members is None and self.segment is None

    def everybody(self, *columns: Any) -> Select[*tuple[Any, ...]]:
        """Select `columns` of everybody who was ever on the list."""
        people = everybody(*columns).where(Membership.list_id == self.list_id)
        if self.segment:
            for each in self.segment.joined:
                people = people.outerjoin(each, each.c.member_id == Member.id)
            people = people.where(self.segment.condition)
        return people if self.members is None else people.where(Member.id.in_(self.members))

    def mailable(self, *columns: Any) -> Select[*tuple[Any, ...]]:
        """Select `columns` of the people who may be mailed."""
        awake = or_(Membership.paused_until.is_(None), Membership.paused_until <= func.now())
        return self.everybody(*columns).where(
            Membership.state == "subscribed", Suppression.address_key.is_(None), Member.restricted_at.is_(None), awake
        )

    def people(self, fields: Iterable[str] = (), dimensions: Sequence[str] = ()) -> Select[*tuple[Any, ...]]:
        """Select one row per person, and so per address, of everybody who was ever on the list.

        Columns: member_id, address (as written), address_key, language, inputs (jsonb of `fields`; null if a member
        has none), dimensions (jsonb of those that a member has; NULL if none are asked for), reads_agreed (whether
        their own reading may be recorded) and exclusion: NULL if mailable, else why not.
        """
        named = func.jsonb_strip_nulls(_inputs(dimensions), type_=JSONB()) if dimensions else cast(null(), JSONB)
        return self.everybody(
            Member.id.label("member_id"),
            Member.email.label("address"),
            Member.address_key,
            Member.language,
            _inputs(fields).label("inputs"),
            named.label("dimensions"),
            Membership.reads_agreed,
            exclusion.label("exclusion"),
        )


def column_of(field: str) -> ColumnElement[Any]:
    """A member's field as text, standard or custom; NULL if they have no such custom field."""
    return Member.__table__.c[field] if field in STANDARD_FIELDS else Member.fields[field].astext


def _inputs(fields: Iterable[str]) -> ColumnElement[Any]:
    # jsonb_build_object takes its arguments one by one, and twice as long. In the order that jsonb keeps its keys in,
    # nothing is left to sort, person by person.
    fields = sorted(set(fields), key=lambda name: (len(name), name))
    names: array[Any] = array([literal(name) for name in fields], type_=Text)
    values: array[Any] = array([column_of(name) for name in fields], type_=Text)
    return func.jsonb_object(names, values, type_=JSONB())
