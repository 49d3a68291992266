"""The quick ways of an import and their careful ways: they come to the same, whatever is in the file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, text

from daisychain.database import Database
from lists import merging
from lists.cells import RowError
from lists.columns import Columns, read_columns
from lists.consent.consent_tables import ConsentEvent, ConsentTerms
from lists.import_rows import RowReading, copy_line
from lists.imports import ImportOptions, import_members
from lists.lists import create_list
from lists.members import add_member, find_member, unsubscribe
from lists.tables import Member, Membership
from tests.waiting import until

HEADINGS = {
    "all": "Email,First name,Surname,Language,Consent date,Collected by,Town,Notes",
    "a whole name": "Notes,Name,Email,Consent date",
    "an opt-out": "Email,Town,Unsubscribed,Status",
    "nothing else": "Email",
}
CELLS = st.sampled_from([
    "", " ", "Leeds", " St  Ives ", "a\tb", "O'Brien", "'00123", "'=1+1", '="007"', '"quoted"', "back\\slash", "NULL",
    "n/a", "-", "en", "Cymraeg", "cy_GB.UTF-8", "klingon", "2026-05-31", "31/05/2026", "05/31/2026", "05/06/2026",
    "1 May 2026", "1969-01-01", "2199-01-01", "yes", "no", "unsubscribed", "please do not email", "Deceased", "bounced",
    "cleaned", "subscribed", "Dr Ann Smith", "Smith, Ann", "é" * 2_001, "a\0b", "\u200bx", "Wil\u00a0Li",
]) | st.text(max_size=8)  # fmt: skip
ADDRESSES = st.sampled_from([
    "ann@x.org", "Ann@X.org", " ann@x.org ", "ann@x.org\t", "ann@gmial.com", "o'brien@x.org", "'ann@x.org", "ann@x",
    "", "NULL", "Ann <ann@x.org>", "ann@bücher.example", "-ann@x.org", "ann@x.org, bob@x.org",
])  # fmt: skip


@st.composite
def sheets(draw: st.DrawFn) -> tuple[Columns, list[list[str]]]:
    header = HEADINGS[draw(st.sampled_from(sorted(HEADINGS)))].split(",")
    row = st.tuples(*(ADDRESSES if heading == "Email" else CELLS for heading in header)).map(list)
    # Cells of the same row come again beside others, as a cache may take one for what it was elsewhere.
    rows = draw(st.lists(row, min_size=1, max_size=4))
    mixed = [[draw(st.sampled_from(rows))[place] for place in range(len(header))] for _ in range(3)]
    return read_columns(header, {}, Path("people.csv")), rows + mixed


def outcomes(columns: Columns, rows: list[list[str]], way: Callable[[RowReading, int, list[str]], Any]) -> list[Any]:
    """Everything that reading comes to: each row or its refusal, and all that is reported afterwards."""
    reading = RowReading(columns)
    read: list[Any] = []
    for line, row in enumerate(rows):
        try:
            read.append(way(reading, line, list(row)))
        except RowError as problem:
            read.append(str(problem))
    asked = [(column.heading, column.objections, column.unclear) for column in reading.questions]
    for column in columns.opt_outs:
        column.objections = column.unclear = 0
    return [read, reading.warnings(), reading.doubtful_dates, reading.objections, asked]


@settings(max_examples=400, deadline=None)
@given(sheets())
def test_a_row_read_quickly_is_the_row_read_carefully(sheet: tuple[Columns, list[list[str]]]) -> None:
    quick = outcomes(*sheet, lambda reading, line, row: reading.read((line, row, "")))
    careful = outcomes(*sheet, lambda reading, line, row: copy_line(reading._read_carefully(line, row)))
    assert quick == careful


def test_plain_rows_are_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = RowReading(read_columns(HEADINGS["all"].split(","), {}, Path("people.csv")))
    monkeypatch.setattr(RowReading, "_read_carefully", None)
    row = ["ann@x.org", "Ann", "O'Brien", "Welsh", "2026-05-31", "Oxfam", "NULL", 'says "hello"']
    *_, language, time, collected_by, fields = reading.read((7, row, "")).split("\t")
    assert (language, time[:10], collected_by) == ("cy", "2026-05-31", "Oxfam")
    assert fields == '{"notes":"says \\\\"hello\\\\""}\n'


@pytest.mark.parametrize(
    "cell", [r"back\slash", r"a\N", r"\t", r"\.", 'C:\\new\\"x"', "a\tb", "two\r\nlines", "Siân\u2028W", "\\"]
)
@pytest.mark.parametrize("careful", [False, True])
def test_a_sign_that_the_database_would_take_for_its_own_is_stored_as_it_was_written(
    connection: Connection, list_id: int, sheet: Callable[..., Path], cell: str, careful: bool
) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    name = "bounced by us" if careful else "Ann"  # a word that needs a closer look
    rows = f"ann@x.org,{quoted},{quoted},{name}\nbob@x.org,,Bob,Bob\n"
    import_members(connection, list_id, sheet(f"email,town,first_name,last_name\n{rows}"))
    ann = find_member(connection, "ann@x.org")
    plain = " ".join(cell.split())
    assert (ann["first_name"], ann["fields"]) == (plain, {"town": plain})
    assert find_member(connection, "bob@x.org")["fields"] == {}


SHEET = "email,first_name,town,consent_date\n" + "".join(
    f"{name}@x.org,{name},Leeds,2026-05-{day:02d}\n"
    for day, name in enumerate(["zoe", "ann", "bob", "ann", "no address", "gone", "elsewhere", "cy", "never"], 1)
)


def imported(connection: Connection, list_id: int, path: Path) -> tuple[Any, ...]:
    summary = import_members(connection, list_id, path, ImportOptions(basis="consent", source="a form"))
    people = connection.execute(
        select(Member.email, Member.fields, Membership.list_id, Membership.state, Membership.basis, Membership.source)
        .add_columns(Membership.consented_at, Membership.collected_by)
        .join(Membership, Membership.member_id == Member.id)
        .order_by(Member.id, Membership.list_id)
    ).all()
    events = [ConsentEvent.kind, ConsentEvent.at, ConsentTerms.basis, ConsentTerms.collected_by]
    ledger = select(Member.email, *events).join(ConsentEvent, ConsentEvent.member_id == Member.id)
    told = connection.execute(
        ledger.join(ConsentTerms, ConsentTerms.id == ConsentEvent.terms_id).order_by(Member.id)
    ).all()
    return people, told, (summary.read, summary.added, summary.updated, summary.unchanged, summary.refused_because)


def test_people_added_quickly_are_the_people_added_carefully_in_the_order_of_the_file(
    connection: Connection, list_id: int, sheet: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = create_list(connection, "others", sender="Friends <news@friends.example>")
    for place, name in [(list_id, "gone"), (list_id, "cy"), (other, "elsewhere")]:
        add_member(connection, place, f"{name}@x.org", basis="unknown", source="")
    unsubscribe(connection, list_id, find_member(connection, "gone@x.org")["id"], "link")
    path = sheet(SHEET)
    found = []
    for quickly in (merging._ADD_QUICKLY, "DO $$ BEGIN RAISE unique_violation; END $$"):
        monkeypatch.setattr(merging, "_ADD_QUICKLY", quickly)
        with connection.begin_nested() as savepoint:
            found.append(imported(connection, list_id, path))
            savepoint.rollback()
    assert found[0] == found[1]
    people, told, counts = found[0]
    assert len(told) == 3 + 1 + counts[1] + counts[2]  # before, a withdrawal, and what the import wrote
    new = [row.email for row in people if row.email.split("@")[0] not in {"gone", "cy", "elsewhere"}]
    assert new == ["zoe@x.org", "ann@x.org", "bob@x.org", "never@x.org"]
    assert counts[:4] == (9, 5, 1, 0)


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"cy": "here"},
        {"ann": "here", "bob": "here", "zoe": "here"},
        {"ann": "here", "bob": "gone", "zoe": "here"},
        {"ann": "here", "bob": "elsewhere", "zoe": "gone"},
        {"ann": "elsewhere", "bob": "elsewhere", "zoe": "elsewhere"},
    ],
)
def test_an_import_that_looks_who_is_missing_does_what_one_does_that_does_not_look(
    connection: Connection, list_id: int, sheet: Callable[..., Path], monkeypatch: pytest.MonkeyPatch,
    before: dict[str, str],
) -> None:  # fmt: skip
    other = create_list(connection, "others", sender="Friends <news@friends.example>")
    for name, state in before.items():
        add_member(connection, other if state == "elsewhere" else list_id, f"{name}@x.org", basis="unknown", source="")
        if state == "gone":
            unsubscribe(connection, list_id, find_member(connection, f"{name}@x.org")["id"], "link")
    path = sheet(
        "email,town,collected_by\n" + "".join(f"{name}@x.org,Leeds,Friends\n" for name in ("zoe", "ann", "bob"))
    )
    found = []
    for looking in (merging._ANYBODY_MISSING, "SELECT true"):
        monkeypatch.setattr(merging, "_ANYBODY_MISSING", looking)
        with connection.begin_nested() as savepoint:
            found.append([imported(connection, list_id, path), imported(connection, list_id, path)])
            savepoint.rollback()
    assert found[0] == found[1]


def test_the_same_people_again_write_nothing_to_the_ledger(
    connection: Connection, list_id: int, sheet: Callable[..., Path]
) -> None:
    def written() -> list[int]:
        return [connection.scalar(select(func.count()).select_from(each)) or 0 for each in (ConsentTerms, ConsentEvent)]

    imported(connection, list_id, sheet(SHEET))
    before = written()
    *_, counts = imported(connection, list_id, sheet(SHEET))
    assert (counts[1:4], written()) == ((0, 0, 7), before)


def test_somebody_who_signs_up_while_their_row_is_imported_is_on_the_list_once(
    database: Database, sheet: Callable[..., Path]
) -> None:
    with database.engine.begin() as connection:
        list_id = create_list(connection, "friends", sender="Friends <news@friends.example>")
        other = create_list(connection, "others", sender="Friends <news@friends.example>")
    added: list[int] = []

    def take_in() -> None:
        with database.engine.begin() as connection:
            added.append(import_members(connection, list_id, sheet(SHEET)).added)

    def waits() -> int | None:
        waiting = "wait_event_type = 'Lock' AND query LIKE '%new_members%' AND datname = current_database()"
        with database.engine.connect() as watching:
            return watching.scalar(text(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}"))  # noqa: S608

    with database.engine.begin() as signing_up:
        add_member(signing_up, other, "ann@x.org", basis="unknown", source="")
        importing = threading.Thread(target=take_in)
        importing.start()
        until(waits)
    importing.join()
    with database.engine.connect() as connection:
        ann = find_member(connection, "ann@x.org")["id"]
        places = set(connection.scalars(select(Membership.list_id).where(Membership.member_id == ann)))
    assert (added, places) == ([7], {list_id, other})
