"""The wizard's work in jobs: the command's counts, questions, breaks, two imports at once, and a freeze meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from daisychain.database import Database
from daisychain.errors import DaisychainError, StateError
from daisychain.jobs import Workers
from daisychain.settings import Settings
from lists.consent.consent_tables import ConsentEvent, ConsentTerms, ConsentWording
from lists.imports import ImportOptions, import_members
from lists.lists import create_list
from lists.suppression import suppress
from lists.tables import Import, Member, Membership
from lists.uploads.import_drafts import (
    Draft,
    choose,
    draft_of_import,
    find_draft,
    forget_old_drafts,
    require_true_check,
    start_draft,
    throw_away,
    waiting_drafts,
)
from lists.uploads.recognition import ASKED, read_mapping
from lists.uploads.upload_slices import forget_old_uploads, slices_of, store_whole
from lists.uploads.upload_tables import ImportDraft, Upload
from sender.campaigns.freeze import LOCK
from sender.upkeep import import_jobs
from sender.upkeep.import_jobs import begin_step
from tests.sender.mortal import employed
from tests.waiting import until

PEOPLE = (
    "E-mail;Vorname;PLZ;Notes\n"
    "ann@x.org;Ann;BA1;\n"
    'bob@x.org;Bob;SW1;"called\nin March"\n'
    "ann@@gmail;Ann;;\n"
    "cat@x.org;Cat;;\n"
    "cat@x.org;Cat;;\n"
    "sus@x.org;Sus;;\n"
    "old@x.org;Olive;;\n"
)


@pytest.fixture
def list_id(database: Database) -> int:
    """A list with somebody whose name will change, and a suppressed address."""
    with database.engine.begin() as connection:
        list_id = create_list(connection, "friends", sender="Friends <news@friends.example>")
        connection.execute(
            text("INSERT INTO members (email, address_key, first_name) VALUES ('old@x.org', 'old@x.org', 'O')")
        )
        connection.execute(
            text("INSERT INTO memberships (list_id, member_id) SELECT :list, id FROM members"), {"list": list_id}
        )
        suppress(connection, "sus@x.org", "asked by phone")
    return list_id


@pytest.fixture
def sent(database: Database, list_id: int) -> Callable[..., int]:
    """Brings a file as a person would, and returns the import's id, when it has been read."""

    def bring(content: str | bytes = PEOPLE, name: str = "people.csv", *, by: str = "Sam") -> int:
        raw = content.encode() if isinstance(content, str) else content
        with database.engine.begin() as connection:
            draft_id = start_draft(connection, list_id, store_whole(connection, name, raw, by=by), by=by)
            import_jobs.defer_lost_imports(connection)
        worked(database)
        return draft_id

    return bring


def worked(database: Database) -> None:
    """Let a worker do what there is to do."""
    with Workers(database, queues=[import_jobs.QUEUE], until_idle=True) as workers:
        workers.wait()


def draft_now(database: Database, draft_id: int) -> Draft:
    with database.engine.connect() as connection:
        return find_draft(connection, draft_id)


def chosen(database: Database, draft_id: int, becomes: dict[str, str] | None = None, **consent: str) -> None:
    with database.engine.begin() as connection:
        draft = find_draft(connection, draft_id)
        choose(connection, draft, mapping=read_mapping(draft.found, becomes or {}))
        choose(connection, find_draft(connection, draft_id), **{"basis": "unknown", "source": "", **consent})


def stepped(database: Database, draft_id: int, state: str, **values: Any) -> Draft:
    """Take the step to `state`, and let a worker do it."""
    from_ = {"checking": ("columns", "checked"), "importing": ("checked",), "undoing": ("done",)}[state]
    with database.engine.begin() as connection:
        begin_step(connection, find_draft(connection, draft_id), from_, state, **values)
    worked(database)
    return draft_now(database, draft_id)


def members(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(connection.scalars(select(Member.email)))


def test_a_file_is_recognised_before_anybody_says_anything(database: Database, sent: Callable[..., int]) -> None:
    draft = draft_now(database, sent())
    assert (draft.state, draft.problem) == ("columns", [])
    assert {name: draft.found[name] for name in ("rows", "separator", "encoding")} == {
        "rows": 7, "separator": "semicolons", "encoding": "utf-8",
    }  # fmt: skip
    assert [(each["heading"], each["sample"][:2], each["becomes"]) for each in draft.found["columns"]] == [
        ("E-mail", ["ann@x.org", "bob@x.org"], "email"), ("Vorname", ["Ann", "Bob"], "first_name"),
        ("PLZ", ["BA1", "SW1"], "plz"), ("Notes", ["called in March"], "notes"),
    ]  # fmt: skip


def test_a_check_changes_nothing_and_shows_rows_as_the_spreadsheet_numbers_them(
    database: Database, sent: Callable[..., int]
) -> None:
    draft_id = sent()
    chosen(database, draft_id, {"1": "first_name"})
    draft = stepped(database, draft_id, "checking")
    assert draft.state == "checked", draft.problem
    assert {name: draft.result[name] for name in ("read", "added", "updated", "unchanged", "refused")} == {
        "read": 7, "added": 3, "updated": 1, "unchanged": 0, "refused": 3,
    }  # fmt: skip
    # The cell with a line break takes two lines of the file, and one row of a spreadsheet.
    [[row, _]] = draft.result["examples"].pop("address")
    assert row == 4
    assert draft.result["examples"] == {"duplicate": [[6, "duplicate of row 5"]], "suppressed": [[7, "suppressed"]]}
    assert draft.result["changed"] == [{"email": "old@x.org", "changes": [["first_name", "O", "Olive"]]}]
    assert members(database) == {"old@x.org"}
    with database.engine.connect() as connection:
        refused = b"".join(slices_of(connection, draft.refused_id)).decode("utf-8-sig")
    assert "ann@@gmail" in refused


@pytest.mark.parametrize(
    ("becomes", "options"),
    [
        ({}, {}),
        ({"1": "first_name"}, {"mapping": {"Vorname": "first_name"}}),
        ({"1": "first_name", "3": ""}, {"mapping": {"Vorname": "first_name", "Notes": ""}}),
    ],
)  # fmt: skip
def test_command_and_wizard_say_the_same(
    database: Database, sent: Callable[..., int], list_id: int, tmp_path: Path, becomes: dict[str, str],
    options: dict[str, Any],
) -> None:  # fmt: skip
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    consent = {"basis": "consent", "source": "join form", "collected_by": "Friends"}
    with database.engine.connect() as connection:
        command = asdict(import_members(connection, list_id, path, ImportOptions(**options, **consent)))
    draft_id = sent()
    chosen(database, draft_id, becomes, **consent)
    checked, done = (stepped(database, draft_id, state).result for state in ("checking", "importing"))
    same = ("read", "added", "updated", "unchanged", "refused", "refused_because", "warnings", "custom_fields")
    assert [checked[name] for name in same] == [done[name] for name in same] == [command[name] for name in same]


def test_an_import_can_be_undone_and_leaves_no_file_but_the_refused_rows(
    database: Database, sent: Callable[..., int]
) -> None:
    draft_id = sent()
    chosen(database, draft_id)
    stepped(database, draft_id, "checking")
    done = stepped(database, draft_id, "importing")
    assert (done.state, done.found, done.upload_id) == ("done", {}, None)
    assert members(database) == {"old@x.org", "ann@x.org", "bob@x.org", "cat@x.org"}
    with database.engine.connect() as connection:
        assert connection.scalars(select(Upload.id)).all() == [done.refused_id]
        assert draft_of_import(connection, done.import_id, by="Sam") == draft_id
    undone = stepped(database, draft_id, "undoing", choices={"undone_by": "Priya"})
    assert (undone.state, undone.result["undone"]["taken_off"]) == ("undone", 3)
    assert members(database) == {"old@x.org"}


def test_the_ledger_has_the_words_and_the_proof_that_somebody_gave(
    database: Database, sent: Callable[..., int]
) -> None:
    draft_id = sent("email\nann@x.org\nbob@x.org\n")
    chosen(database, draft_id, basis="consent", source="join form", wording="Yes, send me news.", evidence="the folder")
    stepped(database, draft_id, "checking")
    stepped(database, draft_id, "importing")
    with database.engine.connect() as connection:
        terms = select(ConsentTerms.source, ConsentWording.text).join(
            ConsentWording, ConsentWording.id == ConsentTerms.wording_id
        )
        of_people = terms.join(ConsentEvent, ConsentEvent.terms_id == ConsentTerms.id)
        kept = [tuple(row) for row in connection.execute(of_people)]
    assert kept == [("join form (proof: the folder)", "Yes, send me news.")] * 2


def test_a_column_that_may_say_no_asks_and_the_answer_is_followed(database: Database, sent: Callable[..., int]) -> None:
    draft_id = sent("email,status\nann@x.org,maybe\nbob@x.org,unsubscribed\n")
    column = draft_now(database, draft_id).found["columns"][1]
    assert column["becomes"] == ASKED
    assert "maybe (1)" in column["values"]
    assert ["opt-in", "no means: do not mail"] in column["answers"]
    with pytest.raises(DaisychainError, match="Say what the column “status” means"):
        chosen(database, draft_id)
    chosen(database, draft_id, {"1": ":words"})
    draft = stepped(database, draft_id, "checking")
    assert (draft.state, draft.result["added"], draft.result["refused"]) == ("checked", 1, 1)


def test_a_question_that_comes_up_in_the_check_leads_back_to_the_columns(
    database: Database, sent: Callable[..., int]
) -> None:
    draft_id = sent("email,status\nann@x.org,subscribed\nbob@x.org,unsubscribed\ncat@x.org,maybe\n")
    with database.engine.begin() as connection:
        # As if the column had been plain when it was recognised.
        choose(connection, find_draft(connection, draft_id), mapping={}, basis="unknown", source="")
    draft = stepped(database, draft_id, "checking")
    assert (draft.state, draft.problem[0]) == ("columns", "This file may say who must not be mailed.")
    assert draft.found["columns"][1]["becomes"] == ASKED


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("letter.pdf", b"%PDF-1.7\n", "a PDF"),
        ("people.xlsx", b"PK\x03\x04 broken", "can't be read as a workbook"),
        ("empty.csv", b"\n\n", "The file is empty"),
    ],
)
def test_a_file_that_is_no_sheet_says_so_and_can_be_thrown_away(
    database: Database, sent: Callable[..., int], name: str, content: bytes, said: str
) -> None:
    draft_id = sent(content, name)
    draft = draft_now(database, draft_id)
    assert (draft.state, draft.found) == ("columns", {})
    assert said in draft.problem[0]
    with database.engine.begin() as connection:
        throw_away(connection, draft)
        assert connection.scalar(select(func.count()).select_from(Upload)) == 0


def test_without_an_address_column_somebody_can_say_which_it_is(database: Database, sent: Callable[..., int]) -> None:
    draft_id = sent("who,name\nann@x.org,Ann\n")
    assert draft_now(database, draft_id).found["problem"] == "No column holds the email address."
    with pytest.raises(DaisychainError, match="No column holds the email address"):
        chosen(database, draft_id)
    chosen(database, draft_id, {"0": "email"})
    assert stepped(database, draft_id, "checking").result["added"] == 1


def test_a_second_import_into_the_same_list_waits_and_a_check_that_is_not_true_any_more_is_refused(
    database: Database, sent: Callable[..., int]
) -> None:
    first, second = sent(), sent("email\ndan@x.org\n", by="Priya")
    for draft_id in (first, second):
        chosen(database, draft_id)
        stepped(database, draft_id, "checking")
    with database.engine.begin() as connection:
        begin_step(connection, find_draft(connection, first), ("checked",), "importing")
        with pytest.raises(StateError, match="being brought onto this list right now"):
            begin_step(connection, find_draft(connection, second), ("checked",), "importing")
    worked(database)
    with database.engine.connect() as connection, pytest.raises(StateError, match="since this check"):
        require_true_check(connection, find_draft(connection, second))
    stepped(database, second, "checking")
    with database.engine.connect() as connection:
        require_true_check(connection, find_draft(connection, second))
    assert stepped(database, second, "importing").result["added"] == 1


def test_an_import_is_not_committed_in_the_middle_of_a_freeze(database: Database, sent: Callable[..., int]) -> None:
    draft_id = sent()
    chosen(database, draft_id)
    stepped(database, draft_id, "checking")
    with database.engine.connect() as freezing:
        freezing.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        with database.engine.begin() as connection:
            begin_step(connection, find_draft(connection, draft_id), ("checked",), "importing")
        with Workers(database, queues=[import_jobs.QUEUE], until_idle=True) as workers:
            until(lambda: draft_now(database, draft_id).doing == "Waiting for a campaign that is being prepared")
            assert members(database) == {"old@x.org"}
            freezing.rollback()
            workers.wait()
    assert draft_now(database, draft_id).state == "done"


def test_an_import_whose_worker_is_killed_is_done_by_another_once(
    database: Database, settings: Settings, sent: Callable[..., int]
) -> None:
    draft_id = sent()
    chosen(database, draft_id)
    stepped(database, draft_id, "checking")
    with database.engine.begin() as connection:
        begin_step(connection, find_draft(connection, draft_id), ("checked",), "importing")
    with database.engine.connect() as freezing:
        freezing.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        victim = employed(settings)
        # Everybody is on the list by now, in a transaction that can't end.
        until(lambda: draft_now(database, draft_id).doing.startswith("Waiting for a campaign"))
        victim.kill()
        victim.join()
    assert (draft_now(database, draft_id).state, members(database)) == ("importing", {"old@x.org"})
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"))
    other = employed(settings)
    try:
        until(lambda: draft_now(database, draft_id).state == "done")
    finally:
        other.kill()
        other.join()
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Import)) == 1
        assert connection.scalar(select(func.count()).select_from(Membership)) == 4


def test_what_breaks_off_again_and_again_stops_and_says_so(database: Database, sent: Callable[..., int]) -> None:
    draft_id = sent()
    chosen(database, draft_id)
    with database.engine.begin() as connection:
        begin_step(connection, find_draft(connection, draft_id), ("columns",), "checking")
        connection.execute(update(ImportDraft).values(tries=import_jobs.MOST_TRIES))
    worked(database)
    draft = draft_now(database, draft_id)
    assert (draft.state, draft.problem[0]) == ("columns", "This broke off several times.")


def test_an_import_waits_for_its_person_until_its_file_is_gone(database: Database, sent: Callable[..., int]) -> None:
    draft_id = sent()
    with database.engine.begin() as connection:
        assert [each.id for each in waiting_drafts(connection, by="Sam")] == [draft_id]
        assert not waiting_drafts(connection, by="Priya")
        connection.execute(text("UPDATE uploads SET keep_until = now() - interval '1 minute'"))
        assert (forget_old_uploads(connection), forget_old_drafts(connection)) == (1, 1)
        assert not waiting_drafts(connection, by="Sam")
