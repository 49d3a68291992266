"""What somebody types before it is saved: its preview and checks, saves that a script makes, and what they leave."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import select, text, update
from werkzeug.test import TestResponse

from accounts.tables import AuditLine
from daisychain.database import Database
from desk.app import POLICY
from newsletters.preview import live_compile
from newsletters.stored.contents import Change
from newsletters.stored.newsletters import SavedNewsletter, find, load
from newsletters.stored.saving import save
from newsletters.stored.versions import versions
from newsletters.tables import NewsletterSave
from tests.desk.staff import Browser
from tests.desk.test_access import lines

HERE = "/desk/newsletters"


@pytest.fixture
def editor(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("editor")


@pytest.fixture
def may(editor: Browser, database: Database) -> SavedNewsletter:
    """A newsletter that the editor began from the shipped toolkit."""
    editor.post(f"{HERE}/new", toolkit="community-makes-us", begin="bulletin")
    with database.engine.connect() as connection:
        return find(connection, "community-makes-us")


def source(newsletter: SavedNewsletter) -> str:
    return newsletter.contents.texts[""]


def ask(browser: Browser, path: str, **fields: object) -> TestResponse:
    """Ask as the scripts do, which follow nowhere."""
    return browser.client.post(path, data={"csrf_token": browser.token(), "language": "", **fields})


def rows(database: Database, table: str) -> int:
    with database.engine.connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608 - a name of ours


def test_what_is_typed_is_shown_in_the_frame_at_its_piece_and_nothing_of_it_is_stored(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    typed = source(may).replace("Dear", "Only typed,")
    before = rows(database, "newsletter_saves"), lines(database)
    line = typed[: typed.index("Only typed,")].count("\n") + 1
    answer = ask(editor, f"{HERE}/{may.id}/unsaved/frame", text=typed.replace("\n", "\r\n"), line=line)
    assert "Only typed," in answer.text
    assert answer.text.count(' id="here"') == 1
    assert answer.text.index(' id="here"') < answer.text.index("Only typed,")
    for part in ("default-src 'none'", "sandbox", "frame-ancestors 'self'"):
        assert part in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    subject = ask(editor, f"{HERE}/{may.id}/unsaved/inbox", text=typed.replace("subject: ", "subject: New ", 1)).json
    assert subject["subject"].startswith("New ")
    found = ask(editor, f"{HERE}/{may.id}/unsaved/checks?at=blocks.index", text=f"{typed}\n[here](https://a.example)\n")
    assert "blocks#piece-" in found.text
    assert (rows(database, "newsletter_saves"), lines(database)) == before
    assert "Only typed" not in editor.get(f"{HERE}/{may.id}/source").text


@pytest.mark.parametrize(
    ("look", "part"),
    [("look=text", "<pre>"), ("dark=1", "@media all"), ("no-pictures=1", "html"), ("language=cy", "html")],
)
def test_what_is_typed_is_shown_in_each_way(editor: Browser, may: SavedNewsletter, look: str, part: str) -> None:
    editor.post(f"{HERE}/{may.id}/languages", code="cy")
    code = "cy" if look.startswith("language") else ""
    answer = ask(editor, f"{HERE}/{may.id}/unsaved/frame?{look}", text=source(may), language=code)
    assert answer.status_code == 200
    assert part in answer.text
    assert answer.headers["Content-Security-Policy"] != POLICY
    assert ("img-src 'none'" in answer.headers["Content-Security-Policy"]) == (look == "no-pictures=1")


def test_a_text_that_can_t_be_shown_says_so_and_its_checks_say_why(editor: Browser, may: SavedNewsletter) -> None:
    broken = "---\nsubject: [\n---\n"
    answer = ask(editor, f"{HERE}/{may.id}/unsaved/inbox", text=broken)
    assert answer.status_code == 422
    assert "see what to fix" in answer.json["error"]
    found = ask(editor, f"{HERE}/{may.id}/unsaved/checks", text=broken)
    assert found.status_code == 200
    assert "1 to fix" in found.text
    assert ">line 2</a>" in found.text


def test_what_takes_long_keeps_no_other_page_waiting(
    editor: Browser, as_role: Callable[[str], Browser], may: SavedNewsletter
) -> None:
    base = autosave(editor, may, source(may) + "not compiled yet", may.version).json["version"]
    assert base > may.version
    slow = threading.Event()
    making = threading.Thread(target=lambda: live_compile._LATELY.get("slow", lambda: slow.wait(60)))  # type: ignore[arg-type, return-value]
    making.start()
    try:
        answer = ask(editor, f"{HERE}/{may.id}/unsaved/inbox", text=source(may) + "new")
        assert answer.status_code == 503
        assert "busy" in answer.json["error"]
        assert "busy" in editor.get(f"{HERE}/{may.id}/source").text
        assert editor.get(HERE).status_code == 200
    finally:
        slow.set()
        making.join()
    assert ask(editor, f"{HERE}/{may.id}/unsaved/inbox", text=source(may) + "new").status_code == 200


def test_somebody_whose_texts_take_long_waits_and_nobody_else_does(
    editor: Browser, as_role: Callable[[str], Browser], may: SavedNewsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_compile, "SHARE", 100_000)
    monkeypatch.setattr(live_compile, "_TURNS", live_compile.Turns())
    assert ask(editor, f"{HERE}/{may.id}/unsaved/inbox", text=source(may) + "one").status_code == 200
    assert ask(editor, f"{HERE}/{may.id}/unsaved/inbox", text=source(may) + "two").status_code == 503
    assert ask(as_role("sender"), f"{HERE}/{may.id}/unsaved/inbox", text=source(may) + "three").status_code == 200


def test_the_words_that_can_be_completed_are_those_of_blocks_toolkit_and_list(
    editor: Browser, may: SavedNewsletter
) -> None:
    words = editor.client.get(f"{HERE}/{may.id}/unsaved/words").json
    blocks = {each["name"]: each for each in words["blocks"]}
    assert {each["name"] for each in blocks["button"]["attributes"]} >= {"label", "href", "style"}
    assert "first_name" in words["fields"]
    assert words["copy"]
    assert words["links"]["toolkit"] == "/toolkits/community-makes-us"
    assert "subject" in words["keys"]
    assert words["pictures"]


def autosave(browser: Browser, newsletter: SavedNewsletter, typed: str, base: int) -> TestResponse:
    return ask(browser, f"{HERE}/{newsletter.id}/source", text=typed, base=base, auto=1)


def test_saves_of_one_sitting_are_one_version_and_one_line_in_the_audit_log(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    base = may.version
    for number in range(5):
        answer = autosave(editor, may, source(may) + f"\nWord {number}.\n", base)
        assert answer.status_code == 200
        base = answer.json["version"]
        assert answer.json["at"]
        assert answer.json["undo"].startswith("changes since ")
    assert base == may.version + 5
    with database.engine.connect() as connection:
        kinds = [each.kind for each in versions(connection, may.id)]
        written = connection.scalars(select(AuditLine.action).where(AuditLine.action == "editor.write")).all()
    assert kinds == ["auto", "kept"]
    assert len(written) == 1
    assert autosave(editor, may, source(may) + "\nWord 4.\n", base).json["version"] == base


def test_after_ten_minutes_another_version_begins(editor: Browser, may: SavedNewsletter, database: Database) -> None:
    base = autosave(editor, may, source(may) + "\nFirst.\n", may.version).json["version"]
    with database.engine.begin() as connection:
        connection.execute(
            update(NewsletterSave).where(NewsletterSave.kind == "auto")
            .values(since=text("now() - interval '11 minutes'"))
        )  # fmt: skip
    autosave(editor, may, source(may) + "\nSecond.\n", base)
    with database.engine.connect() as connection:
        assert [each.kind for each in versions(connection, may.id)] == ["auto", "auto", "kept"]


def test_pressing_save_keeps_what_was_saved_by_itself(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    typed = source(may) + "\nMore.\n"
    base = autosave(editor, may, typed, may.version).json["version"]
    assert "Saved." in editor.post(f"{HERE}/{may.id}/source", text=typed, base=base, language="").text
    with database.engine.connect() as connection:
        assert [each.kind for each in versions(connection, may.id)] == ["kept", "kept"]
    assert "Nothing was changed." in editor.post(f"{HERE}/{may.id}/source", text=typed, base=base, language="").text


def test_a_save_on_another_s_change_names_them_and_leads_to_both_texts(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": source(may).replace("Dear", "THEIRS")}), who="Sam")
    answer = autosave(editor, may, source(may).replace("Dear", "MINE"), may.version)
    assert answer.status_code == 409
    assert answer.json["by"] == "Sam"
    page = editor.get(answer.json["both"])
    assert page.status_code == 200
    assert "MINE" in page.text
    assert "THEIRS" in page.text
    at = page.text.split('name="piece-')[1].split('"')[0]
    fields = {"base": editor.hidden("base"), "kept_as": editor.hidden("kept_as"), f"piece-{at}": "both"}
    assert "Both are saved as one text." in editor.post(f"{HERE}/{may.id}/join", language="", **fields).text
    assert editor.get(f"{HERE}/{may.id}/join?kept_as=999").status_code == 409


def test_a_save_that_is_refused_says_why_and_one_without_a_session_is_401(
    editor: Browser, browser: Browser, may: SavedNewsletter, database: Database
) -> None:
    answer = autosave(editor, may, "later", may.version + 9)
    assert answer.status_code == 422
    assert "There is no version" in answer.json["error"]
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM account_sessions"))
    assert autosave(editor, may, "lost", may.version).status_code == 401
    with database.engine.connect() as connection:
        assert load(connection, may.id).version == may.version


def test_the_head_says_what_an_undo_takes_back(editor: Browser, may: SavedNewsletter, database: Database) -> None:
    assert 'type="submit" aria-describedby="undo-what" hidden>Undo' in editor.get(f"{HERE}/{may.id}/source").text
    base = autosave(editor, may, source(may) + "\nMore.\n", may.version).json["version"]
    assert "changes since " in unescape(editor.get(f"{HERE}/{may.id}/source").text)
    page = editor.post(f"{HERE}/{may.id}/versions/undo", base=base, back="blocks.index", language="").text
    assert "Undone." in page
    assert ">Blocks</a>" in page
    with database.engine.connect() as connection:
        assert source(load(connection, may.id)) == source(may)
