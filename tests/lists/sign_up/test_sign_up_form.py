"""The form of a list: its wordings are kept by version, its phrases are whole in each language, its chore forgets."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from daisychain.database import Database
from daisychain.errors import InputError
from daisychain.web.translated_phrases import phrases_for, phrases_of
from lists.lists import create_list
from lists.sign_up.asking import keep_sign_up
from lists.sign_up.confirming import confirm_sign_up
from lists.sign_up.sign_up_form import PHRASES, add_wording, change_form, set_welcome, sign_up_counts
from lists.sign_up.tables import SignUp, SignUpWording
from lists.sign_up.typed_sign_up import read_typed
from sender.upkeep.chores import run_chore
from tests.command import Daisychain


@pytest.fixture(autouse=True)
def a_list(database: Database) -> None:
    with database.engine.begin() as connection:
        create_list(connection, "supporters", sender="Connection Coalition <news@coalition.example>")


def test_a_form_that_is_opened_has_a_wording_and_each_change_of_it_is_a_version(database: Database) -> None:
    with database.engine.begin() as connection:
        form = change_form(connection, "supporters", by="Priya", is_open=True)
        first = form.wording("en")
        assert (first.version, first.text[:31]) == (1, "I would like to get emails from")
        assert add_wording(connection, "supporters", f"{first.text}\r\n", by="Sam").wording("en").version == 1
        assert add_wording(connection, "supporters", "Other words.", by="Sam").wording("en").version == 2
        welsh = add_wording(connection, "supporters", "Geiriau.", by="Sam", language="cy")
        assert (welsh.wording("cy").version, welsh.wording("en").version, welsh.wording("fr").version) == (1, 2, 2)
        rows = connection.execute(select(SignUpWording.version, SignUpWording.created_by, SignUpWording.hash)).all()
    assert [(row.version, row.created_by) for row in rows] == [(1, "Priya"), (2, "Sam"), (1, "Sam")]
    assert len({row.hash for row in rows}) == 3


@pytest.mark.parametrize("change", [
    update(SignUpWording).values(text="x"), delete(SignUpWording), text("TRUNCATE sign_up_wordings CASCADE"),
])  # fmt: skip
def test_nobody_changes_a_wording_that_somebody_agreed_to(database: Database, change: Any) -> None:
    with database.engine.begin() as connection:
        change_form(connection, "supporters", by="Priya", is_open=True)
    with pytest.raises(DBAPIError, match="never changed"), database.engine.begin() as connection:
        connection.execute(change)


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 4_001, "Dear {{ member.first_name }}", "*|FNAME|*", "a\0b"])
def test_words_that_can_t_be_shown_as_they_are_get_refused(database: Database, words: str) -> None:
    with database.engine.begin() as connection:
        with pytest.raises(InputError):
            add_wording(connection, "supporters", words, by="Priya")
        with pytest.raises(InputError):
            set_welcome(connection, "supporters", f"Subject: Welcome\n\n{words}", by="Priya")


@pytest.mark.parametrize("mail", ["Welcome", "Subject:\n\nHello", "Re: you\n\nHello", f"Subject: {'x' * 151}\n\nHello"])
def test_a_welcome_mail_has_a_subject(database: Database, mail: str) -> None:
    with database.engine.begin() as connection, pytest.raises(InputError, match="subject"):
        set_welcome(connection, "supporters", mail, by="Priya")


def asked(database: Database, address: str, days: int) -> str:
    """Ask for a sign-up some days ago; returns its token."""
    typed = read_typed({"email": address}, for_organisations=False)
    with database.engine.begin() as connection:
        form = change_form(connection, "supporters", by="Priya", is_open=True)
        token = keep_sign_up(
            connection, database.settings, form, typed, form.wording("en"), language="en", network="203.0.113.0/24"
        )
        when = text("now() - CAST(:days AS int) * interval '1 day'").bindparams(days=days)
        connection.execute(update(SignUp).where(SignUp.address == address).values(asked_at=when))
    return token


def test_sign_ups_that_nobody_confirmed_are_deleted_after_a_month_and_the_others_stay(database: Database) -> None:
    for address, days in (("old@people.example", 31), ("late@people.example", 29), ("new@people.example", 0)):
        asked(database, address, days)
    token = asked(database, "ann@people.example", 3)
    with database.engine.begin() as connection:
        confirm_sign_up(connection, token)
        connection.execute(update(SignUp).where(SignUp.confirmed_at.is_not(None)).values(asked_at=text("'2020-01-01'")))
    assert run_chore(database, "unconfirmed sign-ups") == "1 unconfirmed sign-ups deleted"
    with database.engine.connect() as connection:
        kept = set(connection.scalars(select(SignUp.address)))
        counts = sign_up_counts(connection, connection.scalar(select(SignUp.list_id).limit(1)) or 0)
    assert kept == {"late@people.example", "new@people.example", "ann@people.example"}
    assert counts == {"asked": 3, "confirmed": 1, "waiting": 1}
    assert run_chore(database, "unconfirmed sign-ups") == ""


@pytest.mark.parametrize("language", [code for code in phrases_of(PHRASES) if code != "en"])
def test_every_phrase_is_translated_and_names_the_same(language: str) -> None:
    english, other = phrases_for(PHRASES, "en").words, phrases_for(PHRASES, f"{language}-XX").words
    assert [key for key in english if other[key] == english[key]] == []
    for key, words in english.items():
        assert set(re.findall(r"{\w+}", other[key])) == set(re.findall(r"{\w+}", words)), key


def test_the_command_shows_and_changes_the_form(daisychain: Daisychain) -> None:
    closed = daisychain.json("list", "sign-up", "supporters", "--format", "json")
    assert (closed["open"], closed["wordings"]) == (False, [])
    (daisychain.folder / "words.txt").write_text("Words of a file.\n", encoding="utf-8")
    (daisychain.folder / "welcome.txt").write_text("Subject: Hello\n\nGood to have you.\n", encoding="utf-8")
    found = daisychain.json(
        "list", "sign-up", "supporters", "--on", "--toolkit", "community-makes-us",
        "--wording", str(daisychain.folder / "words.txt"), "--welcome", str(daisychain.folder / "welcome.txt"),
        "--format", "json",
    )  # fmt: skip
    assert found["open"]
    assert found["url"] == "http://127.0.0.1:8000/join/supporters"
    assert [(each["version"], each["text"]) for each in found["wordings"]] == [(2, "Words of a file.")]
    assert found["welcome"] == {"en": {"subject": "Hello", "text": "Good to have you."}}
    shown = daisychain("list", "sign-up", "supporters").output
    assert "Words of a file." in shown
    assert "closed" in daisychain("list", "sign-up", "supporters", "--off").output


def test_the_snippet_is_a_plain_form_that_names_its_wording_and_the_partner(daisychain: Daisychain) -> None:
    assert "--on" in daisychain("list", "sign-up", "supporters", "--snippet", code=1).stderr
    daisychain("list", "sign-up", "supporters", "--on", "--wording", 'My "words" <b>& more</b>.')
    snippet = daisychain("list", "sign-up", "supporters", "--snippet", "--partner", "bees-of-bath").output
    assert 'action="http://127.0.0.1:8000/join/supporters" method="post"' in snippet
    assert 'name="wording" value="2"' in snippet
    assert 'name="partner" value="bees-of-bath"' in snippet
    assert "My &quot;words&quot; &lt;b&gt;&amp; more&lt;/b&gt;." in snippet
    assert not re.search(r"<script|<link|<img|onclick|url\(", snippet)
