"""Toolkits in the desk: begun, edited, approved, published, used; and what was typed is never lost."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select
from werkzeug.test import TestResponse

from accounts.tables import AuditLine
from daisychain.database import Database
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import create
from newsletters.toolkit_drafts.toolkit_archive import files_in_zip, zip_of
from newsletters.toolkit_store.store import add_toolkit, named_toolkit
from tests.desk.staff import Browser, signed_in
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder, picture

As = Callable[[str], Browser]
KIT = "/desk/toolkits/spring-fair"
UP = "/desk/pictures/toolkits"
WORDS = {
    "title": "Welcome", "words": "Come to the *big* fair.", "channels": ["email", "web"], "length": "short",
    "approved_by": "A. Trustee",
}  # fmt: skip


@pytest.fixture
def kit(database: Database, tmp_path: Path) -> Database:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit"))
    return database


@pytest.fixture
def editor(kit: Database, as_role: As) -> Browser:
    return as_role("editor")


@pytest.fixture
def second(kit: Database, app: Flask) -> Browser:
    """Another editor."""
    return signed_in(app, kit, "admin", name="Sam Second")


def post(browser: Browser, path: str, **fields: object) -> TestResponse:
    """Send a form with the token of a page, and follow where it leads."""
    browser.get("/desk/toolkits")
    return browser.client.post(path, data={"csrf_token": browser.token(), **fields}, follow_redirects=True)


def file(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def value(answer: TestResponse, name: str) -> str | None:
    """What is in a field of a page."""
    node = HTMLParser(answer.text).css_first(f"[name='{name}']")
    assert node is not None, name
    return node.text().removeprefix("\n") if node.tag == "textarea" else node.attributes.get("value")


def published(database: Database, name: str = "spring-fair") -> str:
    with database.engine.connect() as connection:
        return named_toolkit(name, connection).copy["welcome"].body


def test_from_a_pasted_text_to_a_newsletter_that_uses_it(database: Database, as_role: As) -> None:
    browser = as_role("editor")
    answer = post(
        browser, f"{UP}/new", title="Winter Fair", coalition="Friends", primary="#1d5c53", accent="#f2b632",
        alt="A tent.", picture=file(picture(), "tent.png"),
        pasted="Come.\n\n# Welcome\n\nHello all.\n\n# Social\n\nNow!",
    )  # fmt: skip
    assert answer.status_code == 200
    assert "Nobody else sees it" in answer.text
    assert "Nobody has approved the copy yet" in answer.text
    assert "not published yet" in browser.get("/desk/toolkits").text
    kit = "/desk/toolkits/winter-fair"
    answer = post(browser, f"{kit}/copy/welcome", **{**WORDS, "words": "Hello *everybody*."}, base="1")
    assert "Saved." in answer.text
    assert "Publish" in browser.get(f"{kit}/publish").text
    assert "Published." in post(browser, f"{kit}/publish", base="2").text
    assert published(database, "winter-fair") == "Hello *everybody*.\n"
    answer = post(browser, "/desk/newsletters/new", toolkit="winter-fair", begin="letter")
    assert answer.status_code == 200
    assert "Hello" in answer.text


def test_a_second_person_approves_before_it_is_published(kit: Database, editor: Browser, second: Browser) -> None:
    about = {"title": "Spring Fair", "coalition": "Friends of Fairs", "summary": "A fair.", "approval": "second person",
             "link_join": "https://fairs.org.uk/join"}  # fmt: skip
    assert "Saved." in post(editor, f"{KIT}/campaign", **about, base="1").text
    assert "Saved." in post(editor, f"{KIT}/copy/welcome", **WORDS, base="2").text
    page = editor.get(f"{KIT}/copy/welcome").text
    assert "not approved" in page
    assert "Approve these words" not in page
    assert "Sam Second" in page
    assert post(editor, f"{KIT}/copy/welcome/approve", base="3").status_code == 409
    assert post(editor, f"{KIT}/publish", base="3").status_code == 422
    assert "Approve these words" in second.get(f"{KIT}/copy/welcome").text
    assert "Approved." in post(second, f"{KIT}/copy/welcome/approve", base="3").text
    assert "Published." in post(editor, f"{KIT}/publish", base="4").text
    with kit.engine.connect() as connection:
        block = named_toolkit("spring-fair", connection).copy["welcome"]
        done = connection.scalars(select(AuditLine.action).where(AuditLine.outcome == "done")).all()
    assert (block.approved_by, block.version) == ("Sam Second", "3")
    assert {"toolkit_copy.save", "toolkit_copy.approve_block", "toolkit_publish.put_out"} <= set(done)


def test_the_version_rises_once_when_the_words_change(kit: Database, editor: Browser) -> None:
    post(editor, f"{KIT}/copy/welcome", **{**WORDS, "title": "Hi", "words": "Come to the *fair*."}, base="1")
    assert "version 2" in editor.get(KIT).text
    post(editor, f"{KIT}/copy/welcome", **WORDS, base="2")
    post(editor, f"{KIT}/copy/welcome", **{**WORDS, "words": "Come to the *huge* fair."}, base="3")
    assert "version 3" in editor.get(KIT).text
    post(editor, f"{KIT}/copy/welcome", **{**WORDS, "words": "Come to the *fair*."}, base="4")
    assert "version 2" in editor.get(KIT).text


def test_who_saves_second_sees_both_texts_and_keeps_their_own(editor: Browser, second: Browser) -> None:
    post(editor, f"{KIT}/copy/welcome", **{**WORDS, "words": "Editor’s words", "length": "long"}, base="1")
    answer = post(second, f"{KIT}/copy/welcome", **{**WORDS, "words": "Sam’s words", "title": "Sam’s title"}, base="1")
    assert answer.status_code == 409
    assert "Editor’s words" in answer.text
    assert (value(answer, "words"), value(answer, "title"), value(answer, "base")) == (
        "Sam’s words",
        "Sam’s title",
        "2",
    )
    form = HTMLParser(answer.text)
    assert form.css_first("[name='length'][checked]").attributes["value"] == "long"  # what only the other one changed
    answer = post(
        second,
        f"{KIT}/copy/welcome",
        **{**WORDS, "words": "Both words", "title": "Sam’s title", "length": "long"},
        base="2",
    )
    assert "Saved." in answer.text


@pytest.mark.parametrize(
    ("path", "typed", "field", "said"),
    [
        ("copy/welcome", {**WORDS, "title": ""}, "title", "can’t be empty"),
        ("copy/welcome", {**WORDS, "words": " "}, "words", "can’t be empty"),
        ("copy/welcome", {**WORDS, "words": "Hi {{ member.first_name"}, "words", "Line 1"),
        ("copy/welcome", {**WORDS, "words": "One\n\n::: nonsense\nx\n:::"}, "words", "Line 3"),
        ("copy/welcome", {**WORDS, "channels": []}, "channels", "can’t be empty"),
        ("copy/welcome", {**WORDS, "embargo": "soon"}, "embargo", "no date"),
        ("copy/welcome", {**WORDS, "embargo": "2026-06-01", "expires": "2026-05-01"}, "expires", "before its embargo"),
        ("copy/welcome", {**WORDS, "length": "medium"}, "length", "can't be 'medium'"),
        ("copy/welcome", {**WORDS, "approved_by": ""}, "approved_by", "can’t be empty"),
        ("copy/_/new", {**WORDS, "title": "", "words": "x"}, "title", "can’t be empty"),
        ("copy/_/new", {**WORDS, "words": "{% if %}"}, "words", "Line 1"),
        ("campaign", {"title": "T", "coalition": "", "summary": "Kept"}, "coalition", "can’t be empty"),
        ("campaign", {"title": "T", "coalition": "C", "summary": "S", "new_link": "a", "new_address": "javascript:x"},
         "new_address", "no web address"),
        ("campaign", {"title": "T", "coalition": "C", "summary": "S", "new_link": "two words", "new_address": "/x"},
         "new_address", "one word"),
        ("campaign", {"title": "T", "coalition": "C", "summary": "S", "new_address": "/x"},
         "new_link", "Give the link a name"),
        ("campaign", {"title": "T", "coalition": "C", "summary": "S", "link_join": "nowhere"},
         "link_join", "no web address"),
        ("brand", {"primary": "greenish", "name": "Kept"}, "primary", "not a colour"),
        ("brand", {"text": "#dddddd"}, "text", "The nearest that passes"),
        ("brand", {"radius": "9000"}, "radius", "whole number"),
        ("brand", {"font": "x{}"}, "font", "names with commas"),
        ("brand", {"logo": "nothing"}, "logo", "not among the images"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_all_that_was_typed_stays(
    kit: Database, editor: Browser, path: str, typed: dict[str, str], field: str, said: str
) -> None:
    answer = post(editor, f"{KIT}/{path}", base="1", **typed)
    assert answer.status_code == 422
    node = HTMLParser(answer.text).css_first(f"#{field}-error")
    assert node is not None, HTMLParser(answer.text).css_first(".errors")
    assert said in node.text()
    for name, text in typed.items():
        if name not in ("channels", "length", "logo"):
            assert (value(answer, name) or "") == text.strip()
    assert published(kit) == "Come to the *fair*.\n"
    assert "changes are not published" not in editor.get(KIT).text


def test_pictures_come_with_an_alt_text_and_go_only_if_nothing_uses_them(editor: Browser) -> None:
    up = f"{UP}/of/spring-fair"
    assert "Say what the picture shows" in post(editor, up, file=file(picture(), "Fête.png")).text
    assert "not a whole PNG" in post(editor, up, alt="x", file=file(b"<svg/>", "a.png")).text
    assert post(editor, up, alt="x").status_code == 422
    assert "Saved." in post(editor, up, alt="A fête.", file=file(picture(20, 10), "Fête.png")).text
    page = editor.get(f"{KIT}/pictures").text
    assert "A fête." in page
    assert "20 × 10" in page
    assert editor.client.get(f"{KIT}/pictures/fete/file").data == picture(20, 10)
    answer = post(editor, up, picture="fete", alt="", file=file(picture(30, 10, "JPEG"), "x.jpg"))
    assert answer.status_code == 422
    assert (
        "Saved." in post(editor, up, picture="fete", adds_nothing="1", file=file(picture(30, 10, "JPEG"), "x.jpg")).text
    )
    page = editor.get(f"{KIT}/pictures").text
    assert "30 × 10" in page
    assert "adds nothing" in page
    post(editor, f"{KIT}/brand", logo="fete", base="3")
    answer = post(editor, f"{KIT}/pictures/fete/remove")
    assert (answer.status_code, "used by the brand, as its logo" in answer.text) == (422, True)
    assert "at the top" in post(editor, f"{KIT}/pictures/tent/top").text
    post(editor, f"{KIT}/brand", logo="", base="5")
    assert "Removed." in post(editor, f"{KIT}/pictures/fete/remove").text
    assert "30 × 10" not in editor.get(f"{KIT}/pictures").text


def test_a_picture_of_a_newsletter_is_not_removed(kit: Database, editor: Browser) -> None:
    with kit.engine.begin() as connection:
        text = '---\nsubject: x\ntoolkit: spring-fair\n---\n::: picture tent alt="A tent"\n\n![A tent](tent)\n'
        create(connection, "May", Contents({"": text}), who="Ann")
        create(connection, "June", Contents({"": text.replace("tent", "tents") + "In the tent we meet.\n"}), who="Ann")
    answer = post(editor, f"{KIT}/pictures/tent/remove")
    assert (answer.status_code, "used by the newsletter “May”." in answer.text) == (422, True)


def test_hidden_data_of_an_uploaded_picture_is_removed(editor: Browser) -> None:
    content = picture(20, 10).replace(b"IDAT", b"IDAT")
    noted = content[:-12] + b"\x00\x00\x00\x0ftEXtPlace\0At home\x1b\x1b\x1b\x1b" + content[-12:]
    post(editor, f"{UP}/of/spring-fair", alt="x", file=file(noted, "noted.png"))
    assert b"At home" not in editor.client.get(f"{KIT}/pictures/noted/file").data
    assert b"At home" not in b"".join(files_in_zip(editor.client.get(f"{KIT}/zip").data).values())


def test_six_colours_follow_from_two_and_the_nearest_readable_is_taken(editor: Browser) -> None:
    assert "Saved." in post(editor, f"{KIT}/brand", primary="#f2e632", accent="#884400", derive="1", base="1").text
    assert value(editor.get(f"{KIT}/brand"), "border")
    answer = post(editor, f"{KIT}/brand", text="#dddddd", base="2")
    take = HTMLParser(answer.text).css_first("button[name='take']").attributes["value"]
    assert (take or "").startswith("text #")
    assert "Saved." in post(editor, f"{KIT}/brand", text="#dddddd", take=take, base="2").text


def test_previews_show_what_is_typed_in_each_channel_and_store_nothing(kit: Database, editor: Browser) -> None:
    for channel, wanted in (("email", "<table"), ("web", "<em>tall</em>"), ("social", "<em>tall</em>")):
        answer = post(
            editor, f"{KIT}/copy/_/frame?channel={channel}", block="welcome", title="T", words="A *tall* tent."
        )
        assert "tall" in answer.text
        assert wanted in answer.text
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "tall" not in editor.get(f"{KIT}/copy/welcome/frame?channel={channel}").text
    answer = post(editor, f"{KIT}/copy/_/look?channel=email", words="Hi {{ nobody }}")
    assert (answer.status_code, "error" in answer.json) == (422, True)  # type: ignore[operator]
    assert "#123456" in post(editor, f"{KIT}/brand/frame", primary="#123456").text
    assert "#123456" not in editor.get(f"{KIT}/brand/frame").text
    assert not editor.get(f"{KIT}/versions").text.count("Go back")


def test_the_zip_of_a_draft_is_uploaded_again_and_changes_nothing(kit: Database, editor: Browser) -> None:
    post(editor, f"{KIT}/copy/welcome", **WORDS, base="1")
    content = editor.client.get(f"{KIT}/zip").data
    assert "big" in files_in_zip(content)["copy/welcome.md"].decode()
    post(editor, f"{UP}/zip", zip=file(content, "kit.zip"))
    assert editor.client.get(f"{KIT}/zip").data == content
    other = zip_of("x", files(SHEET.replace("spring-fair", "other-fair")))
    assert "The zip is the draft now" in post(editor, f"{UP}/zip", zip=file(other, "o.zip")).text
    assert editor.get("/desk/toolkits/other-fair").status_code == 200


@pytest.mark.parametrize(
    "content", [b"", b"no zip", zip_of("x", {"a": b"b"}), zip_of("x", files(SHEET.replace("title", "titel")))]
)
def test_a_zip_that_is_no_toolkit_is_refused_with_its_reason(editor: Browser, content: bytes) -> None:
    answer = post(editor, f"{UP}/zip", zip=file(content, "kit.zip"))
    assert answer.status_code == 422
    assert HTMLParser(answer.text).css_first("#zip-error") is not None


def test_a_zip_that_leads_outside_is_refused(editor: Browser) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../toolkit.yml", SHEET)
    assert "outside" in post(editor, f"{UP}/zip", zip=file(content.getvalue(), "kit.zip")).text


def test_a_folder_that_was_added_meanwhile_is_shown_and_nothing_is_lost(
    kit: Database, editor: Browser, tmp_path: Path
) -> None:
    post(editor, f"{KIT}/copy/welcome", **WORDS, base="1")
    with kit.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "two", files(SHEET.replace("A fair", "Two fairs"))))
    assert "A folder was added meanwhile" in editor.get(KIT).text
    assert post(editor, f"{KIT}/publish", base="2").status_code == 422
    assert "among the versions" in post(editor, f"{KIT}/settle", base="2", **{"with": "draft"}).text
    assert "Published." in post(editor, f"{KIT}/publish", base="4").text
    assert published(kit) == "Come to the *big* fair.\n"
    assert "Two fairs" in editor.get(f"{KIT}/versions/3").text


def test_an_earlier_version_comes_back_and_changes_are_dropped(kit: Database, editor: Browser) -> None:
    post(editor, f"{KIT}/copy/welcome", **WORDS, base="1")
    post(editor, f"{KIT}/publish", base="2")
    page = editor.get(f"{KIT}/versions").text
    assert "published" in page
    assert "It is the draft now" in post(editor, f"{KIT}/versions/1/again", base="3").text
    post(editor, f"{KIT}/publish", base="4")
    assert published(kit) == "Come to the *fair*.\n"
    post(editor, f"{KIT}/copy/welcome", **WORDS, base="5")
    assert "dropped" in post(editor, f"{KIT}/discard", base="6").text
    assert "changes are not published" not in editor.get(KIT).text


def test_blocks_and_translations_are_added_and_removed(kit: Database, editor: Browser) -> None:
    new = {**WORDS, "title": "Thank you", "words": "Thanks."}
    assert "Added." in post(editor, f"{KIT}/copy/_/new", **new).text
    answer = post(editor, f"{KIT}/copy/_/new", **{**new, "words": "Diolch."}, translates="welcome", language="cy")
    assert "Added." in answer.text
    assert post(editor, f"{KIT}/copy/_/new", **new, translates="welcome", language="cy").status_code == 422
    assert set(files_in_zip(editor.client.get(f"{KIT}/zip").data)) >= {"copy/thank-you.md", "copy/welcome.cy.md"}
    assert "Removed." in post(editor, f"{KIT}/copy/thank-you/remove").text
    assert editor.get(f"{KIT}/copy/thank-you").status_code == 404


def test_a_block_says_where_it_is_used(kit: Database, editor: Browser) -> None:
    assert "Nowhere yet." in editor.get(f"{KIT}/copy/welcome").text
    post(editor, "/desk/newsletters/new", toolkit="spring-fair", begin="bulletin")
    assert "a newsletter in the desk" in editor.get(f"{KIT}/copy/welcome").text


def test_other_lines_of_the_folder_stay_as_they_were(database: Database, as_role: As, tmp_path: Path) -> None:
    sheet = SHEET.replace("links:", "# agreed in March\ncontact: hello@fairs.org.uk  # the office\nlinks:")
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit", files(sheet)))
    editor = as_role("editor")
    about = {"title": "Spring Fair", "coalition": "Friends of Fairs", "summary": "A fair in every town.",
             "link_join": "https://fairs.org.uk/new"}  # fmt: skip
    assert "Saved." in post(editor, f"{KIT}/campaign", **about, base="1").text
    found = files_in_zip(editor.client.get(f"{KIT}/zip").data)
    assert found["toolkit.yml"].decode() == sheet.replace("fairs.org.uk/join", "fairs.org.uk/new")
    assert found["copy/welcome.md"].decode() == BLOCK
