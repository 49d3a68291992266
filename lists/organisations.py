"""Member organisations as the other rooms know them: an id, a code for life, and a name."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from lists.tables import MemberOrganisation


@dataclass(frozen=True)
class Organisation:
    """A member organisation; its `code` is in the links of its packs."""

    id: int
    code: str
    name: str


def organisations_where(connection: Connection, *where: ColumnElement[bool]) -> list[Organisation]:
    """Return the organisations that fulfil the conditions, all without any, by id."""
    columns = select(MemberOrganisation.id, MemberOrganisation.code, MemberOrganisation.name)
    rows = connection.execute(columns.where(*where).order_by(MemberOrganisation.id))
    return [Organisation(*row) for row in rows]
