"""Newsletters at the desk: begin, write, collide, look, check, test, restore; all without script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.tables import AuditLine
from daisychain.database import Database
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter, find, load
from newsletters.stored.saving import save
from tests.command import Daisychain
from tests.desk.staff import Browser
from tests.desk.test_access import lines

HERE = "/desk/newsletters"


@pytest.fixture
def editor(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("editor")


@pytest.fixture
def may(editor: Browser, database: Database) -> SavedNewsletter:
    """A newsletter that the editor began from the shipped toolkit."""
    editor.get(HERE)
    assert editor.post(f"{HERE}/new", toolkit="community-makes-us", begin="bulletin").status_code == 200
    with database.engine.connect() as connection:
        return find(connection, "community-makes-us")


def text_of(database: Database, newsletter: SavedNewsletter, language: str = "") -> str:
    with database.engine.connect() as connection:
        return load(connection, newsletter.id).contents.texts[language]


def test_an_empty_list_is_the_form_that_begins_the_first_newsletter(editor: Browser) -> None:
    page = editor.get(HERE).text
    assert "Your first newsletter" in page
    assert "community-makes-us" in page
    page = editor.post(f"{HERE}/new", toolkit="community-makes-us", begin="letter").text
    assert '<option value="letter" selected>' in page


def test_the_list_has_toolkit_languages_last_change_and_state(editor: Browser, may: SavedNewsletter) -> None:
    editor.post(f"{HERE}/{may.id}/languages", code="cy")
    page = editor.get(HERE).text
    for part in ("Community Makes Us", "also in Welsh", "by Editor Example", ">draft<"):
        assert part in page
    assert "No newsletter has" in editor.get(f"{HERE}?words=nothing").text


def test_a_newsletter_begins_as_a_copy_of_an_earlier_one_with_its_translations(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    editor.post(f"{HERE}/{may.id}/languages", code="cy")
    page = editor.post(f"{HERE}/new", toolkit="community-makes-us", begin=f"newsletter {may.id}").text
    assert "(copy)" in page
    assert "Welsh" in page


def test_a_wrong_beginning_is_refused_beside_its_field(editor: Browser) -> None:
    editor.get(HERE)
    answer = editor.post(f"{HERE}/new", toolkit="community-makes-us", begin="nothing")
    assert answer.status_code == 422
    assert "Choose what it begins with." in answer.text


def test_what_is_written_is_saved_with_the_line_ends_that_it_had(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    text = may.contents.texts[""].replace("Dear ", "Hello ")
    page = editor.post(f"{HERE}/{may.id}/source", text=text.replace("\n", "\r\n"), base=may.version, language="").text
    assert "Saved." in page
    assert text_of(database, may) == text
    page = editor.post(f"{HERE}/{may.id}/source", text=text, base=may.version + 1, language="").text
    assert "Nothing was changed." in page


def test_a_text_that_does_not_compile_is_saved_and_its_lines_are_named_at_the_top(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    text = may.contents.texts[""] + "\n::: nonsense\n"
    page = editor.post(f"{HERE}/{may.id}/source", text=text, base=may.version, language="").text
    line = text.count("\n")
    assert f">line {line}</a>" in page
    assert 'Fix<span class="count"> (1)' in page
    assert text_of(database, may) == text
    broken = "---\nsubject: [\n---\n"
    page = editor.post(f"{HERE}/{may.id}/source", text=broken, base=may.version + 1, language="").text
    assert "to fix" in page
    assert "subject: [" in page
    assert "see what to fix" in editor.get(f"{HERE}/{may.id}/preview").text


def test_what_can_t_be_stored_comes_back_with_its_error(editor: Browser, may: SavedNewsletter) -> None:
    answer = editor.post(
        f"{HERE}/{may.id}/source", text="kept words " + "x" * 1024 * 1024, base=may.version, language=""
    )
    assert answer.status_code == 422
    assert "kept words" in answer.text
    assert "This text is too large" in answer.text


@pytest.mark.parametrize("choice", ["mine", "theirs", "both"])
def test_a_save_on_another_s_change_shows_both_texts_and_loses_nothing(
    editor: Browser, may: SavedNewsletter, database: Database, choice: str
) -> None:
    text = may.contents.texts[""]
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": text.replace("Dear", "THEIRS")}), who="Sam")
    answer = editor.post(f"{HERE}/{may.id}/source", text=text.replace("Dear", "MINE"), base=may.version, language="")
    assert answer.status_code == 409
    assert "Sam saved version" in answer.text
    at = answer.text.split('name="piece-')[1].split('"')[0]
    kept_as = editor.hidden("kept_as")
    assert "MINE" in editor.get(f"{HERE}/{may.id}/versions/{kept_as}").text
    fields = {"base": may.version + 1, "kept_as": kept_as, "language": ""}
    assert editor.post(f"{HERE}/{may.id}/join", **fields).status_code == 422
    page = editor.post(f"{HERE}/{may.id}/join", **fields, **{f"piece-{at}": choice}).text
    assert "Both are saved as one text." in page
    joined = text_of(database, may)
    assert ("MINE" in joined, "THEIRS" in joined) == (choice != "theirs", choice != "mine")
    assert joined.count("::: copy") == text.count("::: copy")


def test_if_the_other_saves_once_more_both_texts_are_shown_again(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    text = may.contents.texts[""]

    def theirs(words: str, base: int) -> None:
        with database.engine.begin() as connection:
            save(connection, may.id, base, Change({"": text.replace("Dear", words)}), who="Sam")

    theirs("FIRST", may.version)
    editor.post(f"{HERE}/{may.id}/source", text=text.replace("Dear", "MINE"), base=may.version, language="")
    kept_as = editor.hidden("kept_as")
    theirs("SECOND", may.version + 1)
    fields = {"base": may.version + 1, "kept_as": kept_as, "language": "", "piece-2": "mine"}
    answer = editor.post(f"{HERE}/{may.id}/join", **fields)
    assert answer.status_code == 409
    assert "SECOND" in answer.text
    assert "MINE" in answer.text
    assert "SECOND" in text_of(database, may)


def test_a_save_that_comes_between_reading_and_writing_is_not_reported_as_joined(
    editor: Browser, may: SavedNewsletter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = may.contents.texts[""]
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": text.replace("Dear", "FIRST")}), who="Sam")
    answer = editor.post(f"{HERE}/{may.id}/source", text=text.replace("Dear", "MINE"), base=may.version, language="")
    at, kept_as = answer.text.split('name="piece-')[1].split('"')[0], editor.hidden("kept_as")
    with database.engine.begin() as connection:
        read = load(connection, may.id)
        save(connection, may.id, read.version, Change({"": text.replace("Dear", "SECOND")}), who="Sam")
    monkeypatch.setattr("desk.newsletters.editor.opened", lambda _: read)
    fields = {"base": read.version, "kept_as": kept_as, "language": "", f"piece-{at}": "mine"}
    answer = editor.post(f"{HERE}/{may.id}/join", **fields)
    assert answer.status_code == 422
    assert "Sam saved meanwhile" in answer.text
    assert "SECOND" in text_of(database, may)


def test_two_people_write_two_languages_at_once_and_both_are_saved(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    page = editor.post(f"{HERE}/{may.id}/languages", code="cy").text
    assert "Text in Welsh" in page
    text = may.contents.texts[""]
    base = may.version + 1
    with database.engine.begin() as connection:
        save(connection, may.id, base, Change({"": text.replace("Dear", "THEIRS")}), who="Sam")
    page = editor.post(f"{HERE}/{may.id}/source", text=text.replace("Dear", "Annwyl"), base=base, language="cy").text
    assert "Saved." in page
    assert "Annwyl" in text_of(database, may, "cy")
    assert "THEIRS" in text_of(database, may)
    editor.post(f"{HERE}/{may.id}/languages/remove", language="cy")
    assert editor.get(f"{HERE}/{may.id}/source?language=cy").status_code == 404
    assert "Undone." in editor.post(f"{HERE}/{may.id}/versions/undo", base=base + 3).text
    assert editor.get(f"{HERE}/{may.id}/source?language=cy").status_code == 200


def test_undo_and_restore_make_new_versions_and_refuse_to_go_over_another_s_change(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    text = may.contents.texts[""]
    editor.post(f"{HERE}/{may.id}/source", text=text + "\nMore.\n", base=may.version, language="")
    assert "Undone." in editor.post(f"{HERE}/{may.id}/versions/undo", base=may.version + 1).text
    assert text_of(database, may) == text
    stale = editor.post(f"{HERE}/{may.id}/versions/undo", base=may.version + 1)
    assert stale.status_code == 409
    assert "meanwhile" in stale.text
    page = editor.get(f"{HERE}/{may.id}/versions").text
    path = re.findall(r'action="([^"]+/restore)"', page)[-1]
    answer = editor.post(path, base=may.version + 2)
    assert answer.status_code == 200
    assert "Restored" in answer.text


def test_delete_offers_to_undo_it(editor: Browser, may: SavedNewsletter) -> None:
    page = editor.post(f"{HERE}/{may.id}/delete").text
    assert "The newsletter is deleted." in page
    assert editor.get(f"{HERE}/{may.id}/source").status_code == 404
    assert "is back." in editor.post(f"{HERE}/{may.id}/undelete").text
    assert editor.get(f"{HERE}/{may.id}/source").status_code == 200


def test_a_new_title_is_shown_everywhere(editor: Browser, may: SavedNewsletter) -> None:
    editor.post(f"{HERE}/{may.id}/rename", title="June bulletin")
    assert "June bulletin" in editor.get(HERE).text
    assert editor.post(f"{HERE}/{may.id}/rename", title=" ").status_code == 422


@pytest.fixture
def supporters(daisychain: Daisychain, may: SavedNewsletter) -> str:
    """A list with one member."""
    daisychain("list", "create", "supporters", "--from", "Coalition <news@coalition.example>")
    (daisychain.folder / "ann.csv").write_text("email,first_name\nann@gmail.example,Siân\n")
    daisychain("list", "import", "supporters", "ann.csv", "--basis", "consent", "--source", "paper")
    return "supporters"


def test_the_frame_holds_the_mail_under_a_policy_of_its_own(editor: Browser, may: SavedNewsletter) -> None:
    page = editor.get(f"{HERE}/{may.id}/preview").text
    assert '<iframe class="mail phone" sandbox ' in page
    answer = editor.client.get(f"{HERE}/{may.id}/frame")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "img-src 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert 'src="/i/' in answer.text
    none = editor.client.get(f"{HERE}/{may.id}/frame?no-pictures=1")
    assert "img-src 'none'" in none.headers["Content-Security-Policy"]
    assert editor.client.get(f"{HERE}/{may.id}/frame?dark=1").text != answer.text
    assert "<pre>" in editor.client.get(f"{HERE}/{may.id}/frame?look=text").text


def test_a_member_is_chosen_by_a_form_and_no_address_is_in_an_address_line_or_cookie(
    as_role: Callable[[str], Browser], may: SavedNewsletter, supporters: str
) -> None:
    sender = as_role("sender")
    page = sender.get(f"{HERE}/{may.id}/preview").text
    assert "As the member with the address" in page
    refused = sender.post(f"{HERE}/{may.id}/preview/as?list=supporters", reader="bob@gmail.example")
    assert refused.status_code == 422
    assert "not on the list" in refused.text
    answer = sender.post(f"{HERE}/{may.id}/preview/as?list=supporters", reader="Ann@gmail.example")
    assert "ann" not in answer.request.url
    assert "Siân, " in answer.text
    assert "Siân" in sender.get(f"{HERE}/{may.id}/frame?list=supporters").text
    assert "ann@" not in str(sender.client.get_cookie("desk", path="/desk"))


def test_editors_see_no_member_s_values_in_a_preview(editor: Browser, may: SavedNewsletter, supporters: str) -> None:
    assert "As the member" not in editor.get(f"{HERE}/{may.id}/preview?list=supporters").text
    assert editor.post(f"{HERE}/{may.id}/preview/as?list=supporters", reader="ann@gmail.example").status_code == 403
    assert "Siân" not in editor.get(f"{HERE}/{may.id}/frame?list=supporters").text


def test_checks_are_grouped_and_name_line_and_piece(editor: Browser, may: SavedNewsletter) -> None:
    text = (
        may.contents.texts[""] + '\n::: button "Join" href="https://example.org"\n\n[Click here](https://example.org)\n'
    )
    editor.post(f"{HERE}/{may.id}/source", text=text, base=may.version, language="")
    page = editor.get(f"{HERE}/{may.id}/checks").text
    assert "to fix</h2>" in page
    assert "to look at</h2>" in page
    assert "piece " in page


def test_a_test_goes_to_oneself_with_one_press_and_marks_the_version(
    editor: Browser, may: SavedNewsletter, supporters: str, database: Database
) -> None:
    assert "editor@coalition.example" in editor.get(f"{HERE}/{may.id}/test").text
    answer = editor.post(f"{HERE}/{may.id}/test", list="supporters")
    assert answer.status_code == 200, answer.text
    assert "The test is on its way." in answer.text
    assert ">waiting<" in answer.text
    assert "tested" in editor.get(f"{HERE}/{may.id}/versions").text
    with database.engine.connect() as connection:
        details = connection.scalars(select(AuditLine.details).where(AuditLine.action == "test_mail.send")).one()
    assert details["people"] == 1
    assert "coalition.example" not in str(details)


def test_a_test_without_a_sender_says_what_is_missing(editor: Browser, may: SavedNewsletter) -> None:
    answer = editor.post(f"{HERE}/{may.id}/test", list="")
    assert answer.status_code == 422
    assert "The newsletter has no sender." in answer.text
    answer = editor.post(f"{HERE}/{may.id}/test", list="", person="999")
    assert "has no account any more" in answer.text


def test_pages_of_a_newsletter_are_small_and_without_inline_script(
    editor: Browser, may: SavedNewsletter, supporters: str
) -> None:
    for path in ("", "/new", *(f"/{may.id}/{each}" for each in ("source", "preview", "checks", "versions", "test"))):
        answer = editor.get(f"{HERE}{path}")
        assert answer.status_code == 200, path
        assert len(answer.data) < 50_000, path
        for inline in ("<style", " style=", "<script>", " onclick="):
            assert inline not in answer.text, path


def test_each_change_is_in_the_audit_log_with_the_newsletter_s_name(
    app: Flask, editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    editor.post(f"{HERE}/{may.id}/source", text=may.contents.texts[""] + "x\n", base=may.version, language="")
    with database.engine.connect() as connection:
        line = connection.execute(select(AuditLine).where(AuditLine.action == "editor.write")).mappings().one()
    assert line["object"] == "community-makes-us"
    assert line["details"] == {"version": may.version + 1}
    assert ("Editor Example", "newsletters.make", "done") in lines(database)
