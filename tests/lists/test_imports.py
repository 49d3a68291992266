from __future__ import annotations

import csv
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, func, select, text

from daisychain.database import Database
from daisychain.errors import InputError
from lists import merging
from lists.imports import ImportOptions, ImportSummary, import_members
from lists.lists import create_list
from lists.members import find_member, unsubscribe
from lists.suppression import suppress
from lists.tables import Member, Membership
from lists.uploads.recognition import recognise
from tests.daisychain.sheets.workbooks import write_xlsx

TakeIn = Callable[..., ImportSummary]


def counts(summary: ImportSummary) -> tuple[int, int, int, int, int]:
    assert summary.read == summary.added + summary.updated + summary.unchanged + summary.refused
    assert sum(summary.refused_because.values()) == summary.refused
    return summary.read, summary.added, summary.updated, summary.unchanged, summary.refused


def refused(summary: ImportSummary) -> dict[int, str]:
    assert summary.refused_file is not None
    with summary.refused_file.open(encoding="utf-8-sig", newline="") as file:
        return {int(row["refused_line"]): row["refused_reason"] for row in csv.DictReader(file)}


def test_new_people_are_added_with_their_fields(take_in: TakeIn, connection: Connection) -> None:
    summary = take_in("Town,Email,First name\nLeeds,Ann@x.org,  Ann \nYork,bob@x.org,\n")
    assert counts(summary) == (2, 2, 0, 0, 0)
    assert summary.columns == {"email": "Email", "first_name": "First name", "town": "Town"}
    assert summary.refused_file is None
    ann, bob = find_member(connection, "ann@X.org"), find_member(connection, "bob@x.org")
    assert (ann["email"], ann["first_name"], ann["fields"]) == ("Ann@x.org", "Ann", {"town": "Leeds"})
    assert (bob["first_name"], bob["language"], bob["fields"]) == ("", "", {"town": "York"})


def test_importing_again_changes_values_but_an_empty_cell_erases_nothing(
    take_in: TakeIn, connection: Connection
) -> None:
    take_in("email,first_name,last_name,town\nann@x.org,Ann,Smith,Leeds\nbob@x.org,Bob,,\n")
    before = find_member(connection, "bob@x.org")
    summary = take_in("email,first_name,last_name,town,pet\nANN@x.org,Anna,,,cat\nbob@x.org,Bob,,,\n")
    assert counts(summary) == (2, 0, 1, 1, 0)
    ann = find_member(connection, "ann@x.org")
    assert (ann["email"], ann["first_name"], ann["last_name"]) == ("ann@x.org", "Anna", "Smith")
    assert ann["fields"] == {"town": "Leeds", "pet": "cat"}
    assert find_member(connection, "bob@x.org") == before


def test_somebody_known_from_another_list_is_added_to_this_one(
    take_in: TakeIn, connection: Connection, sheet: Callable[..., Path]
) -> None:
    other = create_list(connection, "other", sender="Other <news@other.example>")
    path = sheet("email,first_name\nann@x.org,Ann\n", "other.csv")
    import_members(connection, other, path)
    assert counts(take_in("email,first_name\nann@x.org,Anna\nbob@x.org,Bob\n")) == (2, 2, 0, 0, 0)
    assert find_member(connection, "ann@x.org")["first_name"] == "Anna"
    assert connection.scalar(select(func.count()).select_from(Member)) == 2


def test_those_who_left_or_are_suppressed_are_never_brought_back(
    take_in: TakeIn, connection: Connection, list_id: int
) -> None:
    take_in("email,first_name\nann@x.org,Ann\nbob@x.org,Bob\n")
    unsubscribe(connection, list_id, find_member(connection, "ann@x.org")["id"], "by test")
    suppress(connection, "Cy@x.org", "asked by phone")
    summary = take_in("email,first_name\nANN@x.org,Annie\nbob@x.org,Bob\ncy@X.org,Cy\ncy@x.org,Cy\n")
    assert counts(summary) == (4, 0, 0, 1, 3)
    assert refused(summary) == {2: "left this list", 4: "suppressed", 5: "suppressed"}
    assert summary.refused_because == {"suppressed": 2, "left this list": 1}
    assert find_member(connection, "ann@x.org")["first_name"] == "Ann"
    assert connection.scalar(select(Membership.state).where(Membership.state != "subscribed")) == "unsubscribed"
    with pytest.raises(InputError, match="Nobody here"):
        find_member(connection, "cy@x.org")


def test_the_first_good_row_of_an_address_stands(take_in: TakeIn, connection: Connection) -> None:
    summary = take_in("email,consented_at\nann@x.org,soon\nann@x.org,2026-05-01\nAnn@X.org,\nann@x.org,\n")
    assert counts(summary) == (4, 1, 0, 0, 3)
    assert refused(summary) == {
        2: "consent date: soon is not written like 2026-05-31",
        4: "duplicate of line 3",
        5: "duplicate of line 3",
    }
    assert str(connection.scalar(select(Membership.consented_at)))[:10] == "2026-05-01"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Ann,,,", "address: no address"),
        ("ann@x,Ann,,,", "address: the part after the @ has no dot (x)"),
        ("ann@x.org,A\0nn,,,", "cells: a NUL byte"),
        ("ann@x.org,,,," + "x" * 2_001, "cells: one is longer than 2,000 characters"),
        ("ann@x.org,,,05/06/2026,", "consent date: 05/06/2026 could be two days; write it like 2026-05-31"),
        ("ann@x.org,,,9999-01-01,", "consent date: 9999-01-01 is in the future"),
        ('ann@x.org,"Ann" B,,,', "cells: a quotation mark inside a cell (it must be written twice)"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason_and_the_others_come_in(take_in: TakeIn, row: str, reason: str) -> None:
    summary = take_in(f"email,first_name,language,consented_at,notes\n{row}\nbob@x.org,Bob,,,\n")
    assert counts(summary) == (2, 1, 0, 0, 1)
    assert refused(summary) == {2: reason}


def test_the_refused_file_can_be_mended_and_imported(take_in: TakeIn, sheet: Callable[..., Path]) -> None:
    summary = take_in("email;town\nann@x,org;=1+1\n'=x;y;z\nbob@x.org;York\n")
    assert summary.refused_file == sheet("", "x").with_name("people.refused.csv")
    written = summary.refused_file.read_text(encoding="utf-8-sig")
    assert written.splitlines() == [
        "refused_line,refused_reason,email,town",
        '2,address: has a comma or semicolon where a dot belongs; ann@x.org?,"ann@x,org",\'=1+1',
        "3,cells: 3 where the heading has 2 (a cell with a comma or semicolon needs quotation marks),'=x,y,z",
    ]
    assert summary.refused_file.stat().st_mode & 0o077 == 0
    mended = "\n".join(written.replace("x,org", "x.org").splitlines()[:2])
    again = take_in(mended)
    assert counts(again) == (1, 1, 0, 0, 0)
    assert again.left_out == ["refused_line", "refused_reason"]
    assert again.custom_fields == ["town"]


def test_no_file_chooses_where_its_refused_rows_are_split(take_in: TakeIn) -> None:
    summary = take_in("sep=|\nemail|town\nnobody|York,=HYPERLINK(1)\n")
    assert summary.refused_file
    rows = list(csv.reader(summary.refused_file.read_text(encoding="utf-8-sig").splitlines()))
    assert [row[2:] for row in rows] == [["email", "town"], ["nobody", "York,=HYPERLINK(1)"]]


def test_a_guarded_cell_loses_its_guard_and_line_breaks_become_spaces(take_in: TakeIn, connection: Connection) -> None:
    take_in('email,first_name,phone,notes\nann@x.org,"An\nn",\'+44 20,"a\r\nb\tc"\n')
    ann = find_member(connection, "ann@x.org")
    assert ann["first_name"] == "An n"
    assert ann["fields"] == {"phone": "+44 20", "notes": "a b c"}


def test_what_would_steer_a_terminal_is_left_out_and_signs_that_words_need_are_kept(
    take_in: TakeIn, connection: Connection
) -> None:
    take_in("email,first_name,notes\n\u202aann@x.org\u202c,An\x1b[31mn,fdp\u202e.exe\x9b 👩\u200d🌾\n")
    ann = find_member(connection, "ann@x.org")
    assert (ann["first_name"], ann["fields"]["notes"]) == ("An [31mn", "fdp .exe 👩\u200d🌾")


def test_an_address_with_a_sign_inside_that_nobody_sees_is_refused(take_in: TakeIn) -> None:
    assert set(refused(take_in("email,first_name\nan\u202en@x.org,Ann\n"))) == {2}


def test_consent_is_unknown_unless_told_and_a_recorded_one_is_never_overwritten(
    take_in: TakeIn, connection: Connection
) -> None:
    def consent() -> list[tuple[object, ...]]:
        kept = select(Membership.basis, Membership.source, func.date(Membership.consented_at))
        return [tuple(map(str, row)) for row in connection.execute(kept.order_by(Membership.member_id))]

    take_in("email\nann@x.org\n")
    assert consent() == [("unknown", "", "None")]
    rows = "email,consented_at\nann@x.org,2025-05-01\nbob@x.org,2025-06-01T12:00\n"
    assert counts(take_in(rows, basis="consent", source=" form 3 ")) == (2, 1, 1, 0, 0)
    recorded = [("consent", "form 3", "2025-05-01"), ("consent", "form 3", "2025-06-01")]
    assert consent() == recorded
    assert counts(take_in(rows, basis="soft-opt-in-sale", source="shop")) == (2, 0, 0, 2, 0)
    assert consent() == recorded


@pytest.mark.parametrize(("basis", "source"), [("consent", ""), ("consent", "  "), ("hearsay", "pub")])
def test_a_basis_must_be_known_and_say_where_it_is_recorded(take_in: TakeIn, basis: str, source: str) -> None:
    with pytest.raises(InputError, match=r"needs a source|no basis named"):
        take_in("email\nann@x.org\n", basis=basis, source=source)


def test_a_file_that_says_somebody_left_does_not_bring_them(take_in: TakeIn) -> None:
    rows = "Email,Status\nann@x.org,subscribed\nbob@x.org,Unsubscribed\ncy@x.org,cleaned\n"
    summary = take_in(rows, mapping={"Status": "list_state"})
    assert counts(summary) == (3, 1, 0, 0, 2)
    assert refused(summary)[3] == "not subscribed: the file says Unsubscribed"


def test_a_dry_run_tells_the_same_and_keeps_nothing(take_in: TakeIn, connection: Connection) -> None:
    rows = "email\nann@x.org\nbob\n"
    dry = take_in(rows, dry_run=True)
    assert connection.scalar(select(func.count()).select_from(Member)) == 0
    assert refused(dry) == {3: "address: has no @"}
    assert counts(take_in(rows)) == counts(dry) == (2, 1, 0, 0, 1)


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("email\nann@x.org\nJosé@x.org\n".encode("cp1252"), {}, r"people\.csv:3: Byte 20 "),
        ("name\nann\n", {}, "No column holds the email address"),
        ("email\nann@x.org\nbob\n", {"refused": Path("/nowhere/x.csv")}, "no such folder"),
    ],
)
def test_a_file_that_can_not_be_used_changes_nothing(
    take_in: TakeIn, connection: Connection, content: str | bytes, options: dict[str, object], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        take_in(content, **options)
    assert connection.scalar(select(func.count()).select_from(Member)) == 0
    assert counts(take_in("email\nann@x.org\n")) == (1, 1, 0, 0, 0)


def test_refused_rows_that_can_not_be_written_stop_the_import(
    take_in: TakeIn, connection: Connection, tmp_path: Path, sheet: Callable[..., Path]
) -> None:
    (tmp_path / "people.refused.csv").mkdir()
    with pytest.raises(InputError, match="Nothing was imported"):
        take_in("email\nann@x.org\nbob\n")
    assert connection.scalar(select(func.count()).select_from(Member)) == 0
    assert {path.name for path in tmp_path.glob(".refused*")} == set()
    with pytest.raises(InputError, match="can't go into the file"):
        take_in("email\nbob\n", refused=sheet("", "people.csv"))


def test_imports_at_once_of_the_same_people_in_another_order_neither_deadlock_nor_double(
    database: Database, sheet: Callable[..., Path]
) -> None:
    rows = [f"p{number}@x.org,{number}\n" for number in range(3_000)]
    paths = [sheet("email,n\n" + "".join(order), f"{i}.csv") for i, order in enumerate([rows, rows[::-1], rows[1000:]])]
    with database.engine.begin() as connection:
        ids = [create_list(connection, name, sender="A <a@x.org>") for name in ("one", "two")]
    summaries: list[ImportSummary] = []

    def run(path: Path, list_id: int) -> None:
        with database.engine.begin() as connection:
            summaries.append(import_members(connection, list_id, path))

    threads = [threading.Thread(target=run, args=(path, id_)) for path in paths for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(summary.added for summary in summaries) == 6_000
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Member)) == 3_000
        assert connection.scalar(select(func.count()).select_from(Membership)) == 6_000


def test_somebody_who_leaves_while_the_import_merges_stays_away(database: Database, sheet: Callable[..., Path]) -> None:
    with database.engine.begin() as connection:
        list_id = create_list(connection, "friends", sender="A <a@x.org>")
        import_members(connection, list_id, sheet("email\nann@x.org\nbob@x.org\n"))
    with database.engine.begin() as importing, database.engine.begin() as leaving:
        importing.execute(text("SELECT 1"))
        member = find_member(leaving, "ann@x.org")["id"]
        unsubscribe(leaving, list_id, member, "one-click")
        leaving.commit()
        summary = import_members(importing, list_id, sheet("email\nann@x.org\nbob@x.org\n"))
    assert summary.refused_because == {"left this list": 1}


def test_memory_does_not_grow_with_the_file(take_in: TakeIn, connection: Connection) -> None:
    def peak(rows: int) -> int:
        content = "email,town\n" + "".join(f"p{number}@x{number % 2}.org,Leeds\n" for number in range(rows))
        content += "nobody,York\n" * (rows // 10)
        tracemalloc.start()
        base = tracemalloc.get_traced_memory()[0]
        take_in(content, dry_run=True)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top - base - len(content)

    peak(100)
    assert peak(20_000) < peak(2_000) + 1_000_000


def test_only_one_import_merges_at_a_time(connection: Connection, database: Database) -> None:
    merging.prepare(connection)
    merging.merge(connection, create_list(connection, "one", sender="A <a@x.org>"), basis="unknown", source="")
    with database.engine.connect() as other:
        assert other.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": merging.LOCK}) is False


@pytest.mark.parametrize("heading", ["Status", "Subscription status", "Email marketing status"])
@pytest.mark.parametrize("word", ["unsubscribed", "Cleaned", "Opted out"])
def test_who_is_plainly_gone_in_another_tools_file_is_not_brought_in(take_in: TakeIn, heading: str, word: str) -> None:
    summary = take_in(f"Email,{heading}\nann@people.example,{word}\nbob@people.example,active\n")
    assert counts(summary) == (2, 1, 0, 0, 1)


@pytest.mark.parametrize(("heading", "yes"), [
    ("Newsletter", "yes"), ("newsletter_signup", "Ja"), ("Mailing list", "x"), ("Active", "true"),
    ("Confirmed", "2026-05-31"), ("Has agreed", "1"), ("Opt out", "no"), ("Consent", "yes"), ("Status", "active"),
])  # fmt: skip
def test_a_column_that_says_who_may_be_mailed_is_no_field_and_a_field_of_before_stays(
    take_in: TakeIn, connection: Connection, heading: str, yes: str
) -> None:
    name = heading.lower().replace(" ", "_")
    take_in("Email,Kept\nann@people.example,yes\n", mapping={"Kept": name})
    summary = take_in(f"Email,{heading}\nann@people.example,{yes}\nbob@people.example,{yes}\n")
    assert (summary.custom_fields, list(summary.opt_out_columns)) == ([], [heading])
    fields = [find_member(connection, f"{who}@people.example")["fields"] for who in ("ann", "bob")]
    assert fields == [{name: "yes"}, {}]


@pytest.mark.parametrize(
    ("heading", "value"),
    [("Newsletter", "Monthly"), ("State", "OK"), ("State", "Kent"), ("Membership status", "active")],
)
def test_a_column_that_may_be_about_something_else_is_a_field_too(
    take_in: TakeIn, connection: Connection, heading: str, value: str
) -> None:
    take_in(f"Email,{heading}\nann@people.example,{value}\n")
    assert list(find_member(connection, "ann@people.example")["fields"].values()) == [value]


def test_a_heading_with_letters_to_spell_out_fills_the_field_that_people_have_of_it(
    take_in: TakeIn, connection: Connection, tmp_path: Path
) -> None:
    assert take_in("Email,Straße,Größe\nann@people.example,Ring,L\n").custom_fields == ["strasse", "grosse"]
    connection.execute(text('UPDATE members SET fields = \'{"strae": "Ring"}\''))
    assert take_in("Email,Straße,Größe\nann@people.example,Weg,M\n").custom_fields == ["strae", "grosse"]
    assert find_member(connection, "ann@people.example")["fields"] == {"strae": "Weg", "grosse": "M"}
    unknown = tmp_path / "kontakt.csv"
    unknown.write_text("Kontakt,Straße\nx,Ring\n", encoding="utf-8")
    assert [each["becomes"] for each in recognise(connection, unknown, "", lambda *_: None)["columns"]] == [
        "kontakt",
        "strae",
    ]


def test_members_are_read_once_for_their_fields_however_many_headings_have_letters_to_spell_out(
    connection: Connection, tmp_path: Path
) -> None:
    path, asked = tmp_path / "wide.csv", []
    path.write_text("Email," + ",".join(f"Größe {n}, Weiß {n}" for n in range(90)) + "\nann@x.org\n", encoding="utf-8")
    event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
    recognise(connection, path, "", lambda *_: None)
    assert len([each for each in asked if "members" in each]) == 1


def test_a_workbook_is_imported_like_a_csv(connection: Connection, list_id: int, tmp_path: Path) -> None:
    cells = {
        "A1": "Email", "B1": "First name", "C1": "Phone", "D1": "Consent date", "A2": "ann@x.org", "B2": "Ann",
        "C2": 447700900123.0, "D2": (46173.0, 1), "A4": "bob", "A5": "cy@x.org",
    }  # fmt: skip
    path = write_xlsx(tmp_path / "people.xlsx", {"Members": cells, "Old": {"A1": "Email"}})
    summary = import_members(connection, list_id, path, ImportOptions(basis="consent", source="form"))
    assert (summary.read, summary.added, summary.refused) == (3, 2, 1)
    assert summary.note == "Read the sheet “Members”, and not “Old”; --sheet names another."
    assert find_member(connection, "ann@x.org")["fields"] == {"phone": "447700900123"}
    consented = connection.scalars(select(Membership.consented_at)).all()
    assert {time and time.date().isoformat() for time in consented} == {"2026-05-31", None}
    refused = (tmp_path / "people.refused.csv").read_text(encoding="utf-8-sig").splitlines()
    assert refused[1] == "4,address: has no @,bob,,,"


def test_cells_that_a_program_wrote_as_formulas_to_keep_their_zeros_are_texts(
    connection: Connection, take_in: TakeIn
) -> None:
    take_in('email,member_no\n="ann@x.org",="00123"\n')
    assert find_member(connection, "ann@x.org")["fields"] == {"member_no": "00123"}
