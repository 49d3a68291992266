from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, select

from lists.suppression import NewSuppression, suppress_all, suppress_file
from lists.tables import Suppression
from tests.daisychain.sheets.workbooks import write_ods

ROOT = Path(__file__).parents[2]
WRITES = re.compile(
    r"(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE|COPY)\s+suppressions\b|(?:insert|upsert|update|delete)\(Suppression\b",
    re.IGNORECASE,
)


def test_one_module_writes_the_table() -> None:
    files = [
        path
        for folder in ("daisychain", "newsletters", "lists", "sender", "partners", "reports", "commands", "pages")
        for path in (ROOT / folder).rglob("*.py")
    ]
    writing = [
        (path.relative_to(ROOT).as_posix(), found) for path in files for found in WRITES.findall(path.read_text())
    ]
    assert writing == [
        ("lists/suppression.py", statement)
        for statement in ("INSERT INTO suppressions", "DELETE FROM suppressions", "delete(Suppression")
    ]


def test_addresses_are_read_from_a_workbook_too(connection: Connection, tmp_path: Path) -> None:
    path = write_ods(tmp_path / "never.ods", [["Name", "Email"], ["Ann", "ann@x.org"], [], ["Bob", "bob"]])
    summary = suppress_file(connection, path, "old list")
    assert (summary.read, summary.added, summary.refused) == (2, 1, [(4, "has no @")])


def test_many_addresses_are_suppressed_at_once_and_the_first_reason_is_kept(connection: Connection) -> None:
    heard = datetime(2026, 5, 31, 12, tzinfo=UTC)
    assert suppress_all(connection, []) == 0
    assert suppress_all(connection, [NewSuppression("bob@x.org", "complaint", "sendgrid", "it's spam", heard)]) == 1
    added = suppress_all(
        connection,
        [
            NewSuppression(f"{name}@x.org", reason)
            for name, reason in (("eve", "first"), ("bob", "b"), ("eve", "later"))
        ],
    )
    assert added == 1
    rows = connection.execute(select(Suppression.__table__).order_by(Suppression.address_key)).all()
    assert [(row.address_key, row.reason, row.source, row.note) for row in rows] == [
        ("bob@x.org", "complaint", "sendgrid", "it's spam"), ("eve@x.org", "first", "", ""),
    ]  # fmt: skip
    assert rows[0].at == heard
    assert rows[1].at > heard
