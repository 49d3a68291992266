"""The blocks view: pieces as forms, moved, deleted and added by buttons, without script."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from daisychain.database import Database
from newsletters.stored.contents import Change, Contents
from newsletters.stored.newsletters import SavedNewsletter, create, load
from newsletters.stored.saving import save
from tests.desk.staff import Browser

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
"""


@pytest.fixture
def may(database: Database) -> SavedNewsletter:
    with database.engine.begin() as connection:
        return create(connection, "May", Contents({"": TEXT}), who="Sam", name="may")


@pytest.fixture
def editor(as_role: Callable[[str], Browser]) -> Browser:
    return as_role("editor")


def text_of(database: Database, newsletter: SavedNewsletter) -> str:
    with database.engine.connect() as connection:
        return load(connection, newsletter.id).contents.texts[""]


def test_a_field_writes_its_own_bytes_only_and_a_step_can_be_undone(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    path = f"/desk/newsletters/{may.id}/blocks"
    page = editor.get(path).text
    assert 'value="https://example.org/"' in page
    assert len(page) < 50_000
    name = next(each for each in ("field-label", "field-text", "field-title") if f'name="{each}" value="Join"' in page)
    answer = editor.post(path, at=2, base=may.version, what="save", language="", **{name: "Join us"})
    assert "Button changed." in answer.text
    assert text_of(database, may) == TEXT.replace('"Join"', '"Join us"')
    editor.post(f"/desk/newsletters/{may.id}/versions/undo", base=may.version + 1)
    assert text_of(database, may) == TEXT


def test_pieces_move_go_and_come_by_buttons_and_focus_returns_to_the_same_one(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    path = f"/desk/newsletters/{may.id}/blocks"
    page = editor.post(path, at=2, base=may.version, what="up", language="").text
    assert "Button moved up." in page
    assert text_of(database, may).index("button") < text_of(database, may).index("One")
    page = editor.post(path, at=1, base=may.version + 1, what="down", language="").text
    assert 'aria-label="Move Button down" autofocus' in page
    editor.post(path, at=2, base=may.version + 2, what="delete", language="")
    assert "button" not in text_of(database, may)
    editor.post(path, at=2, base=may.version + 3, what="add copy welcome", language="")
    assert "\n::: copy welcome\n" in text_of(database, may)
    assert editor.post(path, at=0, base=may.version + 4, what="delete", language="").status_code == 422


def test_what_can_t_be_written_comes_back_and_another_s_change_shows_both(
    editor: Browser, may: SavedNewsletter, database: Database
) -> None:
    path = f"/desk/newsletters/{may.id}/blocks"
    typed = {"field-href": "https://example.org/{{ member."}
    answer = editor.post(path, at=2, base=may.version, what="save", language="", **typed)
    assert answer.status_code == 422
    assert "https://example.org/{{ member." in answer.text
    with database.engine.begin() as connection:
        save(connection, may.id, may.version, Change({"": TEXT.replace("One", "THEIRS")}), who="Sam")
    answer = editor.post(path, at=1, base=may.version, what="save", language="", **{"field-body": "MINE"})
    assert answer.status_code == 409
    assert "THEIRS" in answer.text
    assert "MINE" in answer.text
    assert "THEIRS" in text_of(database, may)
