"""A toolkit's draft: what is saved, what two people save at once, and what comes by command meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from daisychain.database import Database
from daisychain.errors import InputError
from newsletters.pieces.values import FieldError
from newsletters.tables import ToolkitContent
from newsletters.toolkit_drafts.file_fields import (
    BRAND_FIELDS,
    WORDS,
    about_fields,
    brand_fields,
    copy_fields,
    picture_fields,
)
from newsletters.toolkit_drafts.publishing import discard, list_draft_versions, list_drafts, settle
from newsletters.toolkit_drafts.working_copy import (
    FieldCollision,
    WorkingCopy,
    create_working_copy,
    open_working_copy,
    save_fields,
)
from newsletters.toolkit_store.store import SHIPPED, UnknownToolkit, add_toolkit, named_toolkit
from newsletters.toolkits.toolkit import load_files, load_folder
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder

NAME = "spring-fair"
WELCOME = copy_fields("copy/welcome.md")


@pytest.fixture
def added(database: Database, tmp_path: Path) -> Database:
    """A database that has the toolkit."""
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit"))
    return database


def saved(
    connection: Connection, base: int, typed: dict[str, str], fields: object = WELCOME, who: str = "Ann"
) -> WorkingCopy:
    """Save what must not collide."""
    made = save_fields(connection, NAME, base, fields, typed, who=who)  # type: ignore[arg-type]
    assert isinstance(made, WorkingCopy)
    return made


def test_a_change_is_a_draft_that_nobody_else_sees(added: Database) -> None:
    with added.engine.begin() as connection:
        before = open_working_copy(connection, NAME)
        assert (before.version, before.is_published, before.stored) == (1, True, False)
        made = saved(connection, 1, {WORDS: "Come to the *big* fair."})
        assert (made.version, made.is_published, made.changed_files()) == (2, False, ["copy/welcome.md"])
        assert made.files["copy/welcome.md"].decode() == BLOCK.replace("the *fair*", "the *big* fair")
        assert named_toolkit(NAME, connection).copy["welcome"].body == "Come to the *fair*.\n"
        assert open_working_copy(connection, NAME) == made
        [entry] = [each for each in list_drafts(connection) if each.name == NAME]
        assert (entry.changed, entry.updated_by) == (True, "Ann")


def test_pictures_are_stored_once_in_however_many_versions(added: Database) -> None:
    with added.engine.begin() as connection:
        for version in range(1, 5):
            saved(connection, version, {WORDS: f"Words {version}"})
        stored = connection.scalar(select(func.count()).select_from(ToolkitContent))
    assert stored == 3 + 4  # the sheet, the picture, and five texts of one block


def test_what_changes_nothing_makes_no_version(added: Database) -> None:
    with added.engine.begin() as connection:
        assert saved(connection, 1, WELCOME.read(files())).version == 1


def test_two_people_change_different_fields_of_one_file(added: Database) -> None:
    with added.engine.begin() as connection:
        saved(connection, 1, {"title": "Ann's title"}, about_fields())
        made = saved(connection, 1, {"link join": "https://fairs.org.uk/new"}, about_fields(["join"]), who="Bob")
    assert (made.toolkit.title, made.toolkit.links["join"]) == ("Ann's title", "https://fairs.org.uk/new")


def test_the_second_save_of_one_field_is_refused_and_both_texts_are_there(added: Database) -> None:
    with added.engine.begin() as connection:
        saved(connection, 1, {WORDS: "Ann wrote this.", "title": "Welcome"})
        refused = save_fields(connection, NAME, 1, WELCOME, {WORDS: "Bob wrote that.", "title": "Hello"}, who="Bob")
        assert isinstance(refused, FieldCollision)
        assert refused.fields == {WORDS: ("Bob wrote that.", "Ann wrote this.")}
        assert refused.theirs.version == 2
        kept = next(each for each in list_draft_versions(connection, NAME) if each.id == refused.kept_as)
        assert (kept.kind, kept.by) == ("collided", "Bob")
        assert open_working_copy(connection, NAME).toolkit.copy["welcome"].body == "Ann wrote this.\n"
        # The one who was refused decides, and goes on from the newest version.
        made = saved(connection, 2, {WORDS: "Bob wrote that."}, who="Bob")
    assert made.toolkit.copy["welcome"].body == "Bob wrote that.\n"


@pytest.mark.parametrize(
    ("fields", "typed", "field"),
    [
        (WELCOME, {"embargo": "tomorrow"}, "embargo"),
        (WELCOME, {"title": ""}, "title"),
        (WELCOME, {"embargo": "2026-06-01", "expires": "2026-05-01"}, "expires"),
        (WELCOME, {"channels": "post"}, "channels"),
        (WELCOME, {WORDS: ""}, WORDS),
        (about_fields(), {"summary": ""}, "summary"),
        (about_fields(), {"approval": "third person"}, "approval"),
        (brand_fields({}), {"primary": "greenish"}, "primary"),
        (brand_fields({}), {"text": "#eeeeee"}, "text"),
        (brand_fields({}), {"radius": "999"}, "radius"),
        (brand_fields({}), {"logo": "nothing"}, "logo"),
        (about_fields(["join"]), {"link join": "javascript:alert(1)"}, "link join"),
    ],
)
def test_an_error_is_at_its_field_and_nothing_is_saved(
    added: Database, fields: object, typed: dict[str, str], field: str
) -> None:
    with added.engine.begin() as connection:
        with pytest.raises(FieldError) as caught:
            saved(connection, 1, typed, fields)
        assert caught.value.field == field
        assert open_working_copy(connection, NAME).is_published


def test_a_draft_without_changes_goes_along_with_what_is_added(added: Database, tmp_path: Path) -> None:
    with added.engine.begin() as connection:
        discard(connection, NAME, saved(connection, 1, {WORDS: "Ann's"}).version, who="Ann")
        add_toolkit(connection, folder(tmp_path / "two", files(SHEET.replace("A fair", "Two fairs"))))
        now = open_working_copy(connection, NAME)
        assert (now.toolkit.summary, now.added, now.version) == ("Two fairs in every town.", None, 4)
        assert saved(connection, 4, {WORDS: "Ann's again"}).toolkit.summary == "Two fairs in every town."


@pytest.mark.parametrize("keep_draft", [True, False])
def test_what_is_added_while_there_is_a_draft_is_seen_and_neither_is_lost(
    added: Database, tmp_path: Path, keep_draft: bool
) -> None:
    with added.engine.begin() as connection:
        saved(connection, 1, {WORDS: "Ann's words"})
        add_toolkit(connection, folder(tmp_path / "two", files(SHEET.replace("A fair", "Two fairs"))))
        now = open_working_copy(connection, NAME)
        assert now.added
        assert now.added.summary == "Two fairs in every town."
        assert now.toolkit.copy["welcome"].body == "Ann's words\n"
        made = settle(connection, NAME, 2, keep_draft=keep_draft, who="Ann")
        again = open_working_copy(connection, NAME)
        assert made.toolkit.content_hash == again.toolkit.content_hash
        assert again.added is None
        assert again.is_published is not keep_draft
        assert (again.toolkit.copy["welcome"].body == "Ann's words\n") is keep_draft
        kinds = [each.kind for each in list_draft_versions(connection, NAME)]
        assert kinds == [*(["saved"] if keep_draft else []), "added", "saved", "added"]


def test_a_new_toolkit_is_a_draft_of_its_own_and_can_go_again(database: Database) -> None:
    with database.engine.begin() as connection:
        made = create_working_copy(connection, files(), who="Ann")
        assert made.published is None
        assert not made.is_published
        with pytest.raises(UnknownToolkit):
            named_toolkit(NAME, connection)
        with pytest.raises(InputError, match="already"):
            create_working_copy(connection, files(), who="Bob")
        assert discard(connection, NAME, 1, who="Ann") is None
        with pytest.raises(UnknownToolkit):
            open_working_copy(connection, NAME)


SHIPPED_KIT = load_folder(SHIPPED / "community-makes-us")
KITS = {"sample": load_files(files(), "sample"), "shipped": SHIPPED_KIT}
LINES = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)


@settings(max_examples=60)
@given(st.sampled_from(sorted(KITS)), st.data())
def test_a_field_that_is_written_is_read_back_and_no_other_line_changes(kit: str, data: st.DataObject) -> None:
    toolkit = KITS[kit]
    copy = [copy_fields(path) for path in toolkit.files if path.startswith("copy/")]
    own = [*map(picture_fields, toolkit.images)]
    forms = [about_fields(toolkit.links), brand_fields(toolkit.files), *own, *copy]
    fields = data.draw(st.sampled_from(forms))
    assert fields.write(toolkit.files, fields.read(toolkit.files)) == toolkit.files[fields.file]
    name = data.draw(st.sampled_from(sorted(fields.read(toolkit.files))))
    value = data.draw(LINES)
    written = fields.write(toolkit.files, {name: value})
    assert fields.read({fields.file: written})[name] == value
    assert {key: each for key, each in fields.read({fields.file: written}).items() if key != name} == {
        key: each for key, each in fields.read(toolkit.files).items() if key != name
    }
    again = fields.write({fields.file: written}, {name: fields.read(toolkit.files)[name]})
    old, back = (content.decode().splitlines() for content in (toolkit.files[fields.file], again))
    if name not in (WORDS, "address", "summary"):  # texts of several lines may be wrapped otherwise
        changed = [line for line in written.decode().splitlines() if line not in old]
        assert len(changed) <= 3  # the line, and its parents if they were missing
        assert not [line for line in old if line not in back and ":" not in line]


def test_all_fields_of_a_brand_are_read_by_the_loader() -> None:
    assert not [name for name in BRAND_FIELDS if not brand_fields({}).paths[name]]


def test_an_alt_text_that_adds_nothing_is_written() -> None:
    written = picture_fields("tent").write(files(), {"alt": ""})
    assert written.decode() == SHEET.replace("alt: A striped tent.", 'alt: ""')
