"""Cuts an audience that was written down into batches, each a contiguous range of ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, case, cast, func, insert, literal, or_, select

from sender.delivery.same_parts import MOST_KINDS, Kinds
from sender.tables import Batch, Delivery


@dataclass(frozen=True)
class Cutting:
    """The cutting of batches: people in each, people in the canary (0: none), and whether a plan holds them back.

    `several` is set if people get different emails, which no batch may mix; nor may it mix people whose reading is
    recorded and others, which `per_person` says that there may be. `kinds` says which people are alike.
    """

    size: int
    canary: int = 0
    held: bool = False
    several: bool = False
    kinds: Kinds | None = None
    per_person: bool = False

    def alike(self, rows: Any) -> list[ColumnElement[int]]:
        """Return SQL for a number, if any, that people of one batch share, beside their email; `rows` have its columns.

        A number, as PostgreSQL takes far longer to sort by several columns.
        """
        if not self.kinds:
            return [cast(func.coalesce(rows.per_person, False), Integer)] if self.per_person else []
        kind = self.kinds.of(rows.inputs)
        return [kind + case((rows.per_person, MOST_KINDS + 1), else_=0)] if self.per_person else [kind]

    def place(self, excluded: ColumnElement[bool], rows: Any) -> ColumnElement[int]:
        """Return SQL for the order of people by what they share and their member id; excluded people come last."""
        last = 2 * (MOST_KINDS + 1)
        number = case((excluded, last), else_=[*self.alike(rows), literal(0)][0])
        place: ColumnElement[int] = cast(number, BigInteger) * literal(2**48, BigInteger) + rows.member_id
        return place

    def share(self, people: ColumnElement[int], everybody: ColumnElement[int]) -> ColumnElement[int]:
        """Return SQL for the number of `people` of one language in the canary: their share of it, rounded up."""
        if not self.canary:
            return literal(0)
        return (self.canary * people + everybody - 1) // everybody


def cut_by_place(
    connection: Connection, campaign_id: int, compiled_id: int, cutting: Cutting, spans: Sequence[tuple[int, int]]
) -> int | None:
    """Cut spans of ids, all waiting, one for each kind; returns where the rest begins after a canary."""
    placed: list[tuple[float, int, dict[str, Any]]] = []
    rest, last = spans[0][0] + cutting.canary, spans[-1][1]
    for first, end in spans:
        starts = [*range(first, min(rest, end + 1), cutting.size), *range(max(first, rest), end + 1, cutting.size)]
        for start in starts:
            row = {
                "campaign_id": campaign_id,
                "compiled_id": compiled_id,
                "first_id": start,
                "last_id": min(start + cutting.size - 1, rest - 1 if start < rest else end, end),
                "held": cutting.held or (start >= rest and cutting.canary > 0),
            }
            placed.append(((start - first) / (end + 1 - first), start, row))
    # In the order of their shares, so that no kind waits for another one.
    connection.execute(insert(Batch), [row for *_, row in sorted(placed, key=lambda each: each[:2])])
    return rest if cutting.canary and rest <= last else None


def cut_by_email(
    connection: Connection, campaign_id: int, compiled_id: int, cutting: Cutting, first: int, last: int
) -> int | None:
    """Cut batches of people who get the same email, as no batch may mix emails; returns as `cut_by_place`."""
    alike = [Delivery.compiled_id, *cutting.alike(Delivery)]
    place = func.row_number().over(partition_by=alike, order_by=Delivery.id) - 1
    canary = cutting.share(func.count().over(partition_by=alike), func.count().over())
    # Canary and rest are numbered separately, so no batch has both; the rest is held until the canary has passed.
    in_rest = place >= canary
    number = case((in_rest, (place - canary) // cutting.size), else_=place // cutting.size)
    compiled = func.coalesce(Delivery.compiled_id, compiled_id)
    numbered = (
        select(
            Delivery.id,
            number.label("batch"),
            in_rest.label("rest"),
            compiled.label("compiled_id"),
            *(each.label(f"common{at}") for at, each in enumerate(alike)),
        )
        .where(Delivery.id.between(first, last))
        .subquery()
    )
    held = or_(literal(cutting.held), numbered.c.rest & literal(cutting.canary > 0))
    start, end = func.min(numbered.c.id), func.max(numbered.c.id)
    connection.execute(
        insert(Batch).from_select(
            ["campaign_id", "compiled_id", "first_id", "last_id", "held"],
            select(literal(campaign_id), numbered.c.compiled_id, start, end, held)
            .group_by(*(column for column in numbered.c if column.name != "id"))
            .order_by(start),
        )
    )
    return connection.scalar(select(func.min(numbered.c.id)).where(numbered.c.rest)) if cutting.canary else None
