"""The blocks view: pieces as forms, moved, deleted and added by buttons, without script."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from daisychain.database import Database
from newsletters.stored.beginnings import from_starter
from newsletters.stored.contents import Change, Contents
from newsletters.stored.newsletters import SavedNewsletter, create, load
from newsletters.stored.saving import save
from newsletters.toolkit_store.store import add_toolkit
from tests.desk.staff import Browser
from tests.newsletters.sample_toolkits import BLOCK, files, folder

TEXT = """---
subject: Hello
toolkit: community-makes-us
---
One

::: button "Join" href="https://example.org/"

{% if member.first_name %}
Known
{% endif %}

Two

::: dates "Soon"
::: date "Thu 7 May" title="Clap"
::: date "Fri 8 May" title="Sing"
:::
"""


@pytest.fixture
def may(database: Database) -> SavedNewsletter:
    with database.engine.begin() as connection:
        return create(connection, "May", Contents({"": TEXT}), who="Sam", name="may")


@pytest.fixture
def editor(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("editor")


@pytest.fixture
def press(editor: Browser, may: SavedNewsletter, database: Database) -> Callable[..., str]:
    """Press a button of the newest page, with what was typed into its fields; returns the page that follows."""

    def pressed(what: str, /, status: int = 200, **typed: object) -> str:
        base = typed.pop("base", None) or now(database, may).version
        path = f"/desk/pictures/{may.id}" if what.startswith("upload") else f"/desk/newsletters/{may.id}/blocks"
        answer = editor.post(path, what=what, base=base, language="", **typed)
        for each in (answer, *answer.history):
            each.request.environ["wsgi.input"].close()  # a large one is a file
        assert answer.status_code == status
        return answer.text

    return pressed


def now(database: Database, newsletter: SavedNewsletter) -> SavedNewsletter:
    with database.engine.connect() as connection:
        return load(connection, newsletter.id)


def text_of(database: Database, newsletter: SavedNewsletter) -> str:
    return now(database, newsletter).contents.texts[""]


def picture(width: int = 8, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, 8), "teal").save(file, kind)
    return file.getvalue()


def test_a_field_writes_its_own_bytes_only_and_a_step_can_be_undone(
    press: Callable[..., str], editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    page = press("save 2", **{"2:label": "Join us", "1:body": "One", "5.items.1:title": "Sing"})
    assert "Button changed." in page
    assert 'id="undo-what">Button changed</span>' in page
    assert text_of(database, may) == TEXT.replace('"Join"', '"Join us"')
    editor.post(f"/desk/newsletters/{may.id}/versions/undo", base=may.version + 1, back="blocks")
    assert text_of(database, may) == TEXT


def test_a_button_loses_nothing_that_was_typed_into_other_pieces(
    press: Callable[..., str], editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    page = press("up 2", **{"1:body": "One more", "5.items.0:when": "Thu 14 May"})
    assert "Button moved before Text, 1 of 5." in page
    text = text_of(database, may)
    assert text.index("button") < text.index("One more")
    assert '"Thu 14 May"' in text
    editor.post(f"/desk/newsletters/{may.id}/versions/undo", base=now(database, may).version, back="blocks")
    text = text_of(database, may)
    assert text.index("One more") < text.index("button")
    assert '"Thu 14 May"' in text


def test_pieces_move_go_and_come_by_buttons_and_focus_returns_to_the_same_one(
    press: Callable[..., str], may: SavedNewsletter, database: Database
) -> None:
    page = press("down 2")
    assert "Button moved before Text, 3 of 4." not in page
    assert 'id="down-3"' in page
    assert 'aria-label="Move Button down" autofocus' in page
    press("delete 3")
    assert "button" not in text_of(database, may)
    page = press("palette 2")
    assert "Add before" in page
    page = press("add 2 copy welcome")
    assert "\n::: copy welcome\n" in text_of(database, may)
    assert "Copy: welcome added." in page
    assert press("delete 0", 422)


def test_items_and_branches_are_pieces_with_the_same_buttons(
    press: Callable[..., str], may: SavedNewsletter, database: Database
) -> None:
    page = press("down 5.items.0")
    assert "Date moved to the end, 2 of 2." in page
    text = text_of(database, may)
    assert text.index("Fri 8") < text.index("Thu 7")
    page = press("move 2 to 3.then.1")
    assert "Button moved to the end, 2 of 2." in page
    page = press("else 2")
    assert "{% else %}\n[Add your text]\n{% endif %}" in text_of(database, may)
    page = press("save 2", **{"2:asked": "equals", "2:value": "Ann", "2.otherwise.0:body": "You"})
    assert '{% if member.first_name == "Ann" %}' in text_of(database, may)
    assert "{% else %}\nYou\n{% endif %}" in text_of(database, may)
    assert "Only for people whose first name is “Ann”" in page
    page = press("add 4.items.2 date")
    assert '::: date "[Add the when]" title="[Add the title]"\n:::' in text_of(database, may)
    page = press("pick 4.items.0")
    assert "More for Date" in page
    assert 'value="move 4.items.0 to 4.items.2"' in page
    assert 'value="move 4.items.0 to 1"' in page


def test_a_full_container_says_so_before_it_is_hit(press: Callable[..., str]) -> None:
    page = press("add 6 cards")
    assert 'Items <span class="meta">2 of 2</span>' in page
    assert "It has room for 2, and is full." in page
    assert "room for 2, not 3" in press("copy 6.items.0", 422)


def test_what_can_t_be_written_comes_back_beside_its_field(
    press: Callable[..., str], may: SavedNewsletter, database: Database
) -> None:
    page = press("up 3", 422, **{"2:href": "https://example.org/{{ member.", "1:body": "Kept"})
    assert 'id="2:href-error"' in page
    assert "https://example.org/{{ member." in page
    assert ">\nKept</textarea>" in page
    assert text_of(database, may) == TEXT


@pytest.mark.parametrize("what", ["save 1", "auto", "up 3", "delete 2", "add 2 words", "copy 2", "palette 2"])
def test_another_s_change_shows_both_texts_whatever_was_pressed(
    press: Callable[..., str], editor: Browser, may: SavedNewsletter, database: Database, what: str
) -> None:
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": TEXT.replace("One", "THEIRS")}), who="Sam")
    page = press(what, 409, base=may.version, **{"1:body": "MINE"})
    assert "THEIRS" in page
    assert "MINE" in page
    assert "THEIRS" in text_of(database, may)
    choices = dict.fromkeys(re.findall(r'name="(piece-\d+)"', page), "mine")
    kept = {name: editor.hidden(name) for name in ("base", "kept_as", "back")}
    page = editor.post(f"/desk/newsletters/{may.id}/join", language="", **kept, **choices).text
    assert "Both are saved as one text." in page
    assert 'id="pieces"' in page
    assert "MINE" in text_of(database, may)


def test_a_piece_that_can_t_be_read_is_source_with_its_error_and_others_stay_forms(
    press: Callable[..., str], may: SavedNewsletter, database: Database
) -> None:
    broken = TEXT.replace('"Join" href', '"Join" nonsense=1 href')
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": broken}), who="Sam")
    page = press("auto")
    assert 'name="2:source"' in page
    assert "has no attribute &#39;nonsense&#39;" in page
    assert 'name="5:title"' in page
    press("save 2", **{"2:source": '::: button "Go" href="https://example.org/"'})
    assert '::: button "Go" href="https://example.org/"\n\n{% if' in text_of(database, may)


@pytest.mark.parametrize("text", ["no front matter", "---\nsubject: x\n", "---\n---\n" + "::: divider\n" * 400])
def test_a_document_that_can_t_be_cut_or_is_too_large_is_shown_as_source(
    editor: Browser, may: SavedNewsletter, database: Database, text: str
) -> None:
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": text}), who="Sam")
    assert f"\n{text}</textarea>" in editor.get(f"/desk/newsletters/{may.id}/blocks").text


def test_a_picture_is_uploaded_into_its_field_or_as_a_piece(
    press: Callable[..., str], may: SavedNewsletter, database: Database
) -> None:
    page = press(
        "upload new 2", **{"new:file": (io.BytesIO(picture()), "Fête.png"), "new:alt": "A stall", "1:body": "1"}
    )
    assert '::: image "fete.png" alt="A stall"' in text_of(database, may)
    assert "\n1\n" in text_of(database, may)
    assert list(now(database, may).contents.images) == ["fete.png"]
    assert f"/i/{now(database, may).contents.images['fete.png']}.png" in page
    press("upload 2:src", **{"2:src:file": (io.BytesIO(picture(9)), "new.png"), "2:src": "fete.png", "2:alt": "Two"})
    assert '::: image "new.png" alt="Two"' in text_of(database, may)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"%PDF-1.7", "is not a whole PNG"), (b"", "is empty"), (picture()[:40], "is not a whole PNG"),
     (b"\x89PNG" + b"0" * 5_300_000, "is too large"), (picture(8_100), "is too large: 8100 × 8 pixels")],
)  # fmt: skip
def test_a_picture_that_is_refused_is_not_stored_and_what_was_typed_comes_back(
    press: Callable[..., str], may: SavedNewsletter, database: Database, content: bytes, why: str
) -> None:
    page = press("upload new 2", 422, **{"new:file": (io.BytesIO(content), "x.png"), "new:alt": "A", "1:body": "Kept"})
    assert why in page
    assert ">\nKept</textarea>" in page
    assert not now(database, may).contents.images
    assert text_of(database, may) == TEXT


def test_a_picture_is_kept_when_the_text_beside_it_is_refused_or_collides(
    press: Callable[..., str], may: SavedNewsletter, database: Database
) -> None:
    file = {"new:file": (io.BytesIO(picture()), "x.png")}
    press("upload new 2", 422, **file, **{"2:href": "{{ member."})
    assert list(now(database, may).contents.images) == ["x.png"]
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": TEXT.replace("One", "THEIRS")}), who="Sam")
    file = {"new:file": (io.BytesIO(picture(9)), "y.png")}
    assert "y.png" in press("upload new 2", 409, base=may.version, **file)
    assert list(now(database, may).contents.images) == ["x.png", "y.png"]


def test_a_starter_s_page_is_small(editor: Browser, database: Database) -> None:
    with database.engine.begin() as connection:
        made = create(connection, "June", from_starter(connection, "community-makes-us", "bulletin"), who="Sam")
    assert len(editor.get(f"/desk/newsletters/{made.id}/blocks").text) < 50_000


def test_a_page_that_saves_by_itself_gets_the_version_or_why_not(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    path, form = f"/desk/newsletters/{may.id}/blocks", {"base": may.version, "language": "", "auto": "1"}
    answer = editor.post(path, **form, **{"1:body": "One more"})
    assert answer.json is not None
    assert answer.json["version"] == may.version + 1
    assert "One more\n\n:::" in text_of(database, may)
    form["base"] = may.version + 1
    for wrong in ({"2:href": "{{ x"}, {"1:body": "One\n\n::: divider\n\nmore"}):
        answer = editor.post(path, **form, **wrong)
        assert answer.status_code == 422
        assert answer.json is not None
        assert answer.json["error"]
    assert now(database, may).version == may.version + 1
    with database.engine.begin() as connection:
        save(connection, may.id, may.version + 1, Change({"": TEXT.replace("One", "THEIRS")}), who="Sam")
    assert editor.post(path, **form, **{"1:body": "MINE"}).status_code == 409
    shown = editor.post(f"/desk/newsletters/{may.id}/unsaved/inbox", base=now(database, may).version, language="",
                        **{"0:subject": "Typed"})  # fmt: skip
    assert shown.json is not None
    assert shown.json["subject"] == "Typed"


def test_copy_is_shown_as_its_words(editor: Browser, database: Database, tmp_path: Path) -> None:
    marked = BLOCK.replace("Come to the *fair*.", "**You can help.** See [it](https://a.org/x).\n\n1. **Do** one.")
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path / "kit", files(welcome=marked)))
        text = "---\nsubject: Hi\ntoolkit: spring-fair\n---\n::: copy welcome\n"
        made = create(connection, "May", Contents({"": text}), who="Sam")
    page = editor.get(f"/desk/newsletters/{made.id}/blocks").text
    assert '<span class="first-words">You can help. See it . Do one.<br>' in page
    assert '<blockquote class="copy-text">You can help.' in page


def test_copy_has_its_version_and_dates_and_what_ended_or_waits_is_not_offered(
    editor: Browser, database: Database, tmp_path: Path
) -> None:
    ended = BLOCK.replace("welcome", "ended").replace("length:", "expires: 2020-05-01\nlength:")
    waits = BLOCK.replace("welcome", "waits").replace("length:", "embargo: 2999-05-01\nlength:")
    kit = folder(tmp_path / "kit", files(welcome=BLOCK, ended=ended, waits=waits))
    text = "---\nsubject: Hi\ntoolkit: spring-fair\n---\n::: copy ended\n\n::: copy welcome\n"
    with database.engine.begin() as connection:
        add_toolkit(connection, kit)
        made = create(connection, "May", Contents({"": text}), who="Sam")
    page = editor.get(f"/desk/newsletters/{made.id}/blocks?add=1").text
    assert "Version 2, approved by A. Trustee" in page
    assert "version 2, expired on 01 May 2020" in page
    assert "version 2, is under embargo until 01 May 2999" in page
    assert 'value="add 1 copy welcome"' in page
    assert 'value="add 1 copy ended"' not in page
    assert 'value="add 1 copy waits"' not in page
    assert page.count('<option value="ended"') == 1  # of the piece that has it
