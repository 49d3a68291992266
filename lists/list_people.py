"""The people of a list, as the checks and previews of a newsletter look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from email.headerregistry import Address
from functools import cached_property
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, case, func, select

from lists.addresses import address_key
from lists.audience import Audience, column_of
from lists.bases import basis_problem, names_of_sender, other_collectors
from lists.kept_figures import COUNTS, figure
from lists.lists import find_list
from lists.tables import STANDARD_FIELDS, Member, Membership

# Enough to meet somebody whose fields are filled, and no walk over a million people.
_SAMPLE_FROM = 100


def open_people(connection: Connection, name: str) -> ListPeople:
    """Return the people of the list `name`; raises InputError."""
    return ListPeople(connection, name, Audience(find_list(connection, name)["id"]))


class ListPeople:
    """The mailable people of an audience on the list `name`; satisfies the Protocol that newsletters declare.

    Each figure is read from the database once, when first asked for.
    """

    def __init__(
        self, connection: Connection, name: str, audience: Audience, codes: Collection[str] | None = None
    ) -> None:
        self.name = name
        self._connection = connection
        self._audience = audience
        self._codes = codes
        self._counted: dict[tuple[str, ...], Any] = {}

    @property
    def list_id(self) -> int:
        """Return the list's id."""
        return self._audience.list_id

    def _figure(self, kind: str, *of: str) -> Any:
        """Return what the method `count_KIND` counts; of a whole list it may be kept (lists/kept_figures.py)."""
        name = (kind, *of)
        if name not in self._counted:
            if self._audience.is_whole:
                codes = orjson.dumps(None if self._codes is None else sorted(self._codes)).decode()
                self._counted[name] = figure(self._connection, self._audience.list_id, "people", codes, *name)
            else:
                self._counted[name] = getattr(self, f"count_{kind}")(*of)
        return self._counted[name]

    def sender(self) -> tuple[str, str]:
        """Return its sender, as in From, and the address for replies; empty if that is the same."""
        row = find_list(self._connection, self.name)
        return str(Address(row["from_name"], addr_spec=row["from_address"])), row["reply_to"]

    def count(self) -> int:
        """Count the people who may be mailed."""
        return sum(self.languages().values())

    def excluded(self) -> int:
        """Count the people who were on the list and may not be mailed: they left, or are suppressed."""
        return int(self._figure("everybody")) - self.count()

    def fields(self) -> set[str]:
        """The standard fields, and the custom ones that somebody on the list has a value for."""
        return {*STANDARD_FIELDS, *self._whole.filled}

    def empty(self, field: str) -> int:
        """Count the people who have no value for `field`."""
        return self.count() - self.filled.get(field, 0)

    def values(self, field: str, pattern: str) -> dict[str, int]:
        """Count the people by each value of `field` that a regular expression finds, the most first."""
        return dict(map(tuple, self._figure("values", field, pattern)))

    def basis(self) -> dict[str, int]:
        """Count the people who may be mailed on each ground, "unknown" if none was recorded; the most first."""
        return dict(map(tuple, self._whole._figure("basis")))

    def basis_problems(self) -> dict[str, int]:
        """Count the people whose basis can't hold by why, as `lists.bases.basis_problem` has it."""
        return dict(map(tuple, self._whole._figure("problems")))

    def longest(self, field: str) -> str:
        """Return the longest value of `field`; empty if nobody has one."""
        return str(self._figure("longest", field))

    @property
    def filled(self) -> dict[str, int]:
        """Field → how many people have a value for it."""
        return dict(self._figure("filled"))

    def languages(self) -> dict[str, int]:
        """Count the people by language code; an empty code if a person's language is unknown."""
        return dict(self._figure("languages"))

    # The counting itself, as JSON can keep it.

    def count_everybody(self) -> int:
        return int(self._connection.execute(self._audience.everybody(func.count())).scalar_one())

    def count_values(self, field: str, pattern: str) -> list[list[Any]]:
        value = column_of(field)
        found = self._mailable(value, func.count()).where(value.regexp_match(pattern)).group_by(value)
        return [list(row) for row in self._connection.execute(found.order_by(func.count().desc(), value))]

    def count_basis(self) -> list[list[Any]]:
        # Imports once recorded a soft opt-in without saying which of the two.
        basis = case((Membership.basis == "soft-opt-in", "soft-opt-in-unspecified"), else_=Membership.basis)
        statement = self._mailable(basis.label("basis"), func.count()).group_by("basis")
        return [list(row) for row in self._connection.execute(statement.order_by(func.count().desc()))]

    def count_problems(self) -> list[list[Any]]:
        list_id = self._audience.list_id
        others = other_collectors(self._connection, list_id, names_of_sender(self._connection, list_id))
        problem = basis_problem(others).label("problem")
        counted = self._mailable(problem, func.count()).where(problem.is_not(None)).group_by("problem")
        return [list(row) for row in self._connection.execute(counted.order_by("problem"))]

    def count_longest(self, field: str) -> str:
        value = column_of(field)
        statement = self._mailable(value).order_by(func.length(value).desc().nulls_last()).limit(1)
        return str(self._connection.scalar(statement) or "")

    def count_filled(self) -> dict[str, int]:
        standard = [func.count(func.nullif(column_of(name), "")).label(name) for name in STANDARD_FIELDS]
        counts = self._connection.execute(self._mailable(*standard)).mappings().one()
        keys = self._mailable(func.jsonb_object_keys(Member.fields).label("key")).subquery()
        custom = select(keys.c.key, func.count()).group_by(keys.c.key).order_by(keys.c.key)
        return {**counts, **dict(map(tuple, self._connection.execute(custom)))}

    def count_languages(self) -> dict[str, int]:
        rows = self._connection.execute(self._mailable(Member.language, func.count()).group_by(Member.language))
        return {language: int(people) for language, people in rows}

    def member(self, email: str) -> Mapping[str, str | None] | None:
        """Return the fields of the member with this address; None if they can't be mailed on this list."""
        row = self._connection.execute(self._members().where(Member.address_key == address_key(email))).first()
        return None if row is None else _as_mapping(row)

    def number_of(self, email: str) -> int | None:
        """Return the number of the member with this address; None if they can't be mailed on this list."""
        found = self._mailable(Member.id).where(Member.address_key == address_key(email))
        return self._connection.execute(found).scalar_one_or_none()

    def numbered(self, number: int) -> Mapping[str, str | None] | None:
        """Return the fields of the member with this number; None if they can't be mailed on this list."""
        row = self._connection.execute(self._members().where(Member.id == number)).first()
        return None if row is None else _as_mapping(row)

    def sample(self) -> Mapping[str, str | None] | None:
        """The fields of one of the first people, the one with most of them filled; None on an empty list."""
        early = self._connection.execute(self._members().order_by(Member.id).limit(_SAMPLE_FROM)).all()
        return max(map(_as_mapping, early), key=lambda member: sum(map(bool, member.values())), default=None)

    def differing(self, most: int) -> list[int]:
        """Return the numbers of some of the first people: from the one with most fields filled to the emptiest."""
        early = self._connection.execute(self._members().add_columns(Member.id).order_by(Member.id).limit(_SAMPLE_FROM))
        ranked = sorted(early, key=lambda row: -sum(map(bool, _as_mapping(row).values())))
        places = (at * (len(ranked) - 1) // max(most - 1, 1) for at in range(most))
        return list(dict.fromkeys(ranked[at].id for at in places)) if ranked else []

    def speaking(self, codes: Collection[str]) -> ListPeople:
        """Return only the people whose language is one of these codes; `fields` and `basis` stay the list's."""
        return ListPeople(self._connection, self.name, self._audience, codes)

    @cached_property
    def _whole(self) -> ListPeople:
        return self if self._codes is None else ListPeople(self._connection, self.name, self._audience)

    def _mailable(self, *columns: Any) -> Select[*tuple[Any, ...]]:
        found = self._audience.mailable(*columns)
        return found if self._codes is None else found.where(Member.language.in_(self._codes))

    def _members(self) -> Select[*tuple[Any, ...]]:
        return self._mailable(*(column_of(name) for name in STANDARD_FIELDS), Member.fields)


def _count_people(connection: Connection, list_id: int, codes: str, kind: str, *of: str) -> Any:
    people = ListPeople(connection, "", Audience(list_id), orjson.loads(codes))
    return getattr(people, f"count_{kind}")(*of)


COUNTS["people"] = _count_people


def _as_mapping(row: Row[*tuple[Any, ...]]) -> dict[str, str | None]:
    return {**dict(zip(STANDARD_FIELDS, row, strict=False)), **row.fields}
