"""What somebody with an account may try at the desk: others' addresses, numbers that are none, changes unseen."""

from __future__ import annotations

import io
from collections.abc import Callable
from unittest.mock import patch

import pytest
from PIL import Image
from sqlalchemy import update

from daisychain.database import Database
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import SavedNewsletter, create, load
from newsletters.tables import NewsletterThumbnail
from sender.tables import Campaign
from tests.desk.staff import Browser
from tests.desk.test_access import lines

HERE = "/desk/newsletters"
TEXT = "---\nsubject: Hello\ntoolkit: community-makes-us\n---\nOne\n"
# Larger than a row's number, and longer than Python reads at all.
NO_NUMBERS = ("9" * 30, "-" + "9" * 30, "9" * 5_000)


@pytest.fixture
def may(database: Database) -> SavedNewsletter:
    with database.engine.begin() as connection:
        return create(connection, "May", Contents({"": TEXT}), who="Sam", name="may")


@pytest.fixture
def editor(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("editor")


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, "PNG")
    return file.getvalue()


def test_the_result_of_a_test_is_that_of_no_other_campaign(
    editor: Browser, may: SavedNewsletter, under_way: int, database: Database
) -> None:
    for kind in ("campaign", "test"):  # somebody's campaign, and the test of another newsletter
        with database.engine.begin() as connection:
            connection.execute(update(Campaign).where(Campaign.id == under_way).values(kind=kind))
        answer = editor.get(f"{HERE}/{may.id}/test?sent={under_way}")
        assert "mailbox full" not in answer.text
        assert "example.org" not in answer.text


@pytest.mark.parametrize("number", NO_NUMBERS, ids=("large", "negative", "endless"))
def test_a_number_that_no_row_has_is_no_fault_of_the_desk(editor: Browser, may: SavedNewsletter, number: str) -> None:
    one = f"{HERE}/{may.id}"
    for path in (f"{HERE}?skip={number}", f"{HERE}?deleted={number}", f"{one}/test?sent={number}"):
        assert editor.get(path).status_code < 500, path
    for path, fields in {
        f"{one}/blocks": {"base": number, "what": "save"},
        f"{one}/source": {"base": number, "text": "x"},
        f"{one}/join": {"base": number, "kept_as": number},
        f"{one}/versions/undo": {"base": number},
        f"{one}/unsaved/frame": {"base": number, "line": number},
        f"{one}/unsaved/inbox": {"base": number, "here": number},
        f"{HERE}/new": {"toolkit": "community-makes-us", "begin": f"newsletter {number}"},
        f"/desk/pictures/{may.id}": {"base": number, "what": "upload new"},
    }.items():
        assert editor.post(path, language="", **fields).status_code < 500, (path, fields)


@pytest.mark.parametrize("number", NO_NUMBERS, ids=("large", "negative", "endless"))
def test_a_sender_s_number_that_no_row_has_is_no_fault_of_the_desk(
    as_role: Callable[[str], Browser], may: SavedNewsletter, number: str
) -> None:
    assert as_role("sender").post(f"{HERE}/{may.id}/send/go", campaign=number, seen="").status_code < 500


def test_a_zero_character_in_a_form_is_refused_even_if_the_address_has_that_field(
    editor: Browser, may: SavedNewsletter
) -> None:
    for fields in ({"title": "\0"}, {"title": ["x", "\0"]}, {"title": "x", "other\0": "x"}):
        assert editor.post(f"{HERE}/{may.id}/rename?title=x", **fields).status_code == 400


def test_a_picture_comes_and_goes_with_a_line_in_the_audit_log_whoever_asks_for_an_autosave(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    fields = {"what": "upload 9", "9:file": (io.BytesIO(png()), "../a/Straße.png"), "auto": "1", "language": ""}
    editor.post(f"/desk/pictures/{may.id}", base=1, **fields)
    with database.engine.connect() as connection:
        assert [*load(connection, may.id).contents.images] == ["strasse.png"]
    assert ("Editor Example", "pictures.upload", "done") in lines(database)
    editor.post(f"/desk/pictures/{may.id}/remove", base=2, what="remove strasse.png", auto="1", language="")
    assert ("Editor Example", "pictures.remove", "done") in lines(database)


def test_the_small_picture_of_a_deleted_newsletter_is_gone(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    row = {"newsletter_id": may.id, "version": 1, "content": b"JPEG"}
    with database.engine.begin() as connection:
        connection.execute(NewsletterThumbnail.__table__.insert().values(row))
    assert editor.get(f"{HERE}/{may.id}/thumbnail").data == b"JPEG"
    editor.post(f"{HERE}/{may.id}/delete")
    assert editor.get(f"{HERE}/{may.id}/thumbnail").status_code == 404


def test_no_note_tells_an_analyst_of_a_few_people(as_role: Callable[[str], Browser], under_way: int) -> None:
    notes = ["A final report on 897 of 900 accepted mails (99.7%), 24 hours or more", "2 people read the mail although"]
    analyst = as_role("analyst")
    with (
        patch("reports.report_list.notes_on", return_value=notes),
        patch("reports.whole_report.notes_on", return_value=notes),
    ):
        for path in ("", f"/{under_way}", f"/{under_way}/figures.csv"):
            page = analyst.get(f"/desk/reports{path}").text
            assert "report on only some of the accepted mails, 24 hours" in page or path.endswith("csv")
            assert "897" not in page
            assert notes[1] not in page
