"""Publishing: what stops it, a second person's approval, and the way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from newsletters.compose.compiler import compile_document
from newsletters.documents.document import parse_document
from newsletters.toolkit_drafts.file_fields import WORDS, about_fields, copy_fields
from newsletters.toolkit_drafts.publishing import (
    approve,
    discard,
    go_back,
    list_draft_versions,
    publish,
    settle,
    unapproved,
)
from newsletters.toolkit_drafts.working_copy import (
    FieldCollision,
    WorkingCopy,
    open_working_copy,
    save_fields,
    save_files,
)
from newsletters.toolkit_store.store import add_toolkit, named_toolkit
from newsletters.toolkits.toolkit import UNAPPROVED
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder

NAME = "spring-fair"
PATH = "copy/welcome.md"
APPROVED_SHEET = SHEET.replace("links:", "approval: second person\nlinks:")


@pytest.fixture
def connection(database: Database, tmp_path: Path) -> Connection:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit", files(APPROVED_SHEET)))
        yield connection  # type: ignore[misc]


def write(connection: Connection, words: str, who: str = "Ann") -> int:
    """Change the words of the block; returns the version."""
    now = open_working_copy(connection, NAME)
    made = save_fields(connection, NAME, now.version, copy_fields(PATH), {WORDS: words}, who=who)
    assert isinstance(made, WorkingCopy)
    return made.version


def test_changed_copy_is_published_after_somebody_else_approved_it(connection: Connection) -> None:
    version = write(connection, "Come to the *bigger* fair.")
    assert open_working_copy(connection, NAME).toolkit.copy["welcome"].approved_by == UNAPPROVED
    with pytest.raises(StateError, match="Not approved yet: Welcome"):
        publish(connection, NAME, version, who="Bob")
    with pytest.raises(StateError, match="You changed these words yourself"):
        approve(connection, NAME, version, "welcome", who="Ann")
    approved = approve(connection, NAME, version, "welcome", who="Bob")
    assert not unapproved(approved)
    made = publish(connection, NAME, approved.version, who="Ann")
    assert made.is_published
    found = named_toolkit(NAME, connection)
    assert (found.copy["welcome"].approved_by, found.copy["welcome"].body) == ("Bob", "Come to the *bigger* fair.\n")
    mail = compile_document(
        parse_document(f"---\nsubject: x\ntoolkit: {NAME}\n---\n::: copy welcome\n", "x", None), found
    )
    assert "bigger" in mail.email.html


def test_a_change_after_the_approval_needs_another_one(connection: Connection) -> None:
    approved = approve(connection, NAME, write(connection, "One"), "welcome", who="Bob")
    assert not unapproved(approved)
    version = write(connection, "Two", who="Bob")
    with pytest.raises(StateError, match="Not approved"):
        publish(connection, NAME, version, who="Bob")
    with pytest.raises(StateError, match="yourself"):
        approve(connection, NAME, version, "welcome", who="Bob")
    with pytest.raises(StateError, match="yourself"):  # some of the words are still hers
        approve(connection, NAME, version, "welcome", who="Ann")
    assert not unapproved(approve(connection, NAME, version, "welcome", who="Cid"))


def test_nobody_types_the_approval_or_uploads_it(connection: Connection) -> None:
    fields = copy_fields(PATH)
    made = save_fields(connection, NAME, 1, fields, {WORDS: "One", "approved by": "Bob"}, who="Ann")
    assert isinstance(made, WorkingCopy)
    assert len(unapproved(made)) == 1
    now = open_working_copy(connection, NAME, lock=True)
    made = save_files(connection, now, {PATH: BLOCK.replace("fair", "fete").encode()}, who="Ann")
    assert made.toolkit.copy["welcome"].approved_by == UNAPPROVED
    assert len(unapproved(made)) == 1


def test_approval_is_not_switched_off_by_who_wants_to_publish(connection: Connection) -> None:
    version = write(connection, "One")
    made = save_fields(connection, NAME, version, about_fields(), {"approval": ""}, who="Ann")
    assert isinstance(made, WorkingCopy)
    assert len(unapproved(made)) == 1
    approved = approve(connection, NAME, made.version, "welcome", who="Bob")
    with pytest.raises(StateError, match="no longer asks"):
        publish(connection, NAME, approved.version, who="Ann")
    assert publish(connection, NAME, approved.version, who="Root", may_lift=True).is_published


def test_switching_approval_on_asks_for_what_was_changed_before(database: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit"))
        version = write(connection, "One")
        made = save_fields(connection, NAME, version, about_fields(), {"approval": "second person"}, who="Ann")
        assert isinstance(made, WorkingCopy)
        assert [block.id for block in unapproved(made)] == ["welcome"]


def test_an_earlier_version_is_published_again(connection: Connection) -> None:
    approved = approve(connection, NAME, write(connection, "One"), "welcome", who="Bob")
    first = publish(connection, NAME, approved.version, who="Ann")
    again = approve(connection, NAME, write(connection, "Two"), "welcome", who="Bob")
    second = publish(connection, NAME, again.version, who="Ann")
    assert named_toolkit(NAME, connection).copy["welcome"].body == "Two\n"
    versions = list_draft_versions(connection, NAME)
    assert [each.version for each in versions if each.kind == "published"] == [second.version, first.version]
    row = next(each for each in versions if each.version == first.version)
    back = go_back(connection, NAME, second.version, row.id, who="Ann")
    publish(connection, NAME, back.version, who="Ann")  # what was published was approved then
    assert named_toolkit(NAME, connection).copy["welcome"].body == "One\n"


def test_going_back_to_a_draft_brings_no_approval_back(connection: Connection) -> None:
    version = write(connection, "One")
    row = next(each for each in list_draft_versions(connection, NAME) if each.version == version)
    write(connection, "Two")
    made = go_back(connection, NAME, version + 1, row.id, who="Ann")
    assert made.toolkit.copy["welcome"].body == "One\n"
    assert len(unapproved(made)) == 1


def test_copy_that_no_newsletter_can_hold_is_not_published(database: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit"))
        version = write(connection, "::: nonsense\nx\n:::")
        with pytest.raises(InputError, match="nonsense"):
            publish(connection, NAME, version, who="Ann")


def test_what_was_added_meanwhile_is_not_overwritten_unseen(database: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit"))
        version = write(connection, "One")
        add_toolkit(connection, folder(tmp_path / "two", files(SHEET.replace("A fair", "Two fairs"))))
        with pytest.raises(StateError, match="added from a folder"):
            publish(connection, NAME, version, who="Ann")
        made = settle(connection, NAME, version, keep_draft=True, who="Ann")
        assert publish(connection, NAME, made.version, who="Ann").is_published


def test_who_looked_at_another_version_is_asked_to_look_again(connection: Connection) -> None:
    version = write(connection, "One")
    write(connection, "Two")
    for act in (lambda: publish(connection, NAME, version, who="Bob"),
                lambda: approve(connection, NAME, version, "welcome", who="Bob")):  # fmt: skip
        with pytest.raises(StateError, match="meanwhile"):
            act()


@pytest.mark.parametrize("lost_by", ["dropped", "refused"])
def test_words_that_somebody_else_brought_back_are_not_approved_by_their_writer(
    connection: Connection, lost_by: str
) -> None:
    if lost_by == "dropped":
        write(connection, "Ann's words.")
        write(connection, "Ann's own words.")
        wanted = list_draft_versions(connection, NAME)[0].id
        discard(connection, NAME, open_working_copy(connection, NAME).version, who="Cem")
    else:
        base = write(connection, "Cem's words.", "Cem")
        write(connection, "Cem's other words.", "Cem")
        assert isinstance(
            save_fields(connection, NAME, base, copy_fields(PATH), {WORDS: "Ann's."}, who="Ann"), FieldCollision
        )
        wanted = list_draft_versions(connection, NAME)[0].id
    back = go_back(connection, NAME, open_working_copy(connection, NAME).version, wanted, who="Bo")
    assert "Ann" in back.toolkit.copy["welcome"].body
    for who in ("Ann", "Bo"):
        with pytest.raises(StateError, match="yourself"):
            approve(connection, NAME, back.version, "welcome", who=who)
    assert approve(connection, NAME, back.version, "welcome", who="Dee").is_approved(PATH)
