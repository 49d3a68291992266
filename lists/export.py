"""Export: everybody who was ever on a list, with consent and state, row by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import Connection, func

from daisychain.csv_cells import guarded
from lists.audience import Audience, column_of, exclusion
from lists.tables import STANDARD_FIELDS, Member, Membership

_OF_MEMBERSHIP = ("basis", "source", "consented_at", "collected_by", "joined_at", "left_at")
# An import knows them by these names: list_state keeps unsubscribed people out, the others are not fields.
_LIST_COLUMNS = ("list_state", *(f"list_{name}" for name in _OF_MEMBERSHIP))


def export_csv(connection: Connection, list_id: int, out: TextIO, *, exact: bool = False) -> None:
    """Write the list as CSV; cells that a spreadsheet could run are guarded unless `exact`."""
    custom = _custom_fields(connection, list_id)
    writer = csv.writer(out, lineterminator="\n")
    write = (lambda row: row) if exact else guarded
    writer.writerow(write([*STANDARD_FIELDS, *custom, *_LIST_COLUMNS]))
    writer.writerows(write(_cells(person, custom)) for person in people(connection, list_id))


def export_json(connection: Connection, list_id: int, out: TextIO) -> None:
    """Write the list as a JSON array with an object per person."""
    mark = "["
    for person in people(connection, list_id):
        out.write(f"{mark}\n{json.dumps(person, ensure_ascii=False, default=datetime.isoformat)}")
        mark = ","
    out.write("\n]\n" if mark == "," else "[]\n")


def people(connection: Connection, list_id: int) -> Iterator[dict[str, Any]]:
    """Yield each person of the list by member id: standard fields, `fields`, and the columns list_…"""
    columns = (
        *(column_of(name) for name in STANDARD_FIELDS),
        Member.fields,
        func.coalesce(exclusion, "subscribed").label("list_state"),
        *(getattr(Membership, name).label(f"list_{name}") for name in _OF_MEMBERSHIP),
    )
    statement = Audience(list_id).everybody(*columns).order_by(Member.id)
    for row in connection.execute(statement, execution_options={"yield_per": 5_000}).mappings():
        yield dict(row)


def _custom_fields(connection: Connection, list_id: int) -> list[str]:
    key = func.jsonb_object_keys(Member.fields)
    keys = Audience(list_id).everybody(key).distinct()
    return sorted(connection.execute(keys).scalars())


def _cells(person: dict[str, Any], custom: Sequence[str]) -> list[str]:
    values = [person[name] for name in STANDARD_FIELDS]
    values += [person["fields"].get(name) for name in custom]
    values += [person[name] for name in _LIST_COLUMNS]
    return [_text(value) for value in values]


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return "" if value is None else str(value)
