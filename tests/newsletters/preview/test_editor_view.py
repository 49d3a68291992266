"""The editor's view of a text that is being written: errors by piece, findings in two groups, and the mail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from daisychain.database import Database
from daisychain.errors import InputError
from newsletters.compose.blocks import registry
from newsletters.compose.starter import starter
from newsletters.pieces.forms import form_of
from newsletters.preview import live_compile
from newsletters.preview.editor_view import MAX_LIVE_BYTES, EditorView, ShownMail, look_at, show
from newsletters.stored.contents import Contents
from newsletters.stored.manuscripts import StoredManuscript
from newsletters.stored.newsletters import create
from newsletters.stored.uploads import add_picture
from newsletters.toolkit_store.store import add_toolkit, shipped_toolkit
from tests.newsletters import sample_toolkits
from tests.newsletters.crowd import Crowd

HEAD = "---\nsubject: Hello {{ member.first_name | default('you') }}\npreheader: More\ntoolkit: spring-fair\n---\n"


@pytest.fixture
def connection(database: Database, tmp_path: Path) -> Iterator[Connection]:
    """A connection to a database that has the toolkit."""
    with database.engine.connect() as connection:
        add_toolkit(connection, sample_toolkits.folder(tmp_path / "kit"))
        yield connection


def written(connection: Connection, body: str, **others: str) -> StoredManuscript:
    """A text that nobody has saved."""
    return StoredManuscript("may", Contents({"": HEAD + body, **others}), connection)


def mail(connection: Connection, manuscript: StoredManuscript, *, language: str = "", **options: Any) -> ShownMail:
    shown = show(connection, manuscript, language, **options)
    assert shown is not None
    return shown


def errors(view: EditorView) -> dict[int, list[str]]:
    return {at: [each.message for each in view.errors_of(at)] for at in range(len(view.pieces)) if view.errors_of(at)}


def test_errors_stand_at_their_pieces_and_the_others_are_shown(connection: Connection) -> None:
    manuscript = written(
        connection,
        "One\n\n::: button Go\n\nTwo {{ member.nme }}\n\n::: buton Go\n\n::: note\nThree\n:::\n\n::: copy nothing\n",
    )
    view = look_at(connection, manuscript)
    assert [*errors(view)] == [2, 3, 4, 6]
    assert 'needs href="…"' in errors(view)[2][0]
    assert not view.compiles
    assert [form_of(piece) is not None for piece in view.pieces] == [True, True, True, True, False, True, True]
    shown = mail(connection, manuscript)
    assert "One" in shown.html
    assert "Three" in shown.text
    assert "nothing" not in shown.html


def test_findings_are_grouped_and_have_line_and_piece(connection: Connection) -> None:
    view = look_at(connection, written(connection, "Dear {{ member.first_name }},\n\n[here](https://a.example/x)\n"))
    for each in [*view.to_fix, *view.to_look_at]:
        assert each.line is None or view.pieces[each.piece or 0].line <= each.line
    placed = {each.finding.code: (each.piece, each.line) for each in [*view.to_fix, *view.to_look_at]}
    assert (1, 8) in placed.values()
    assert all(each.finding.severity == "error" for each in view.to_fix)
    assert all(each.finding.severity != "error" for each in view.to_look_at)
    assert view.compiles


@pytest.mark.parametrize(
    ("source", "message", "piece"),
    [
        ("no front matter", "no front matter", 0), ("---\nsubject: x\n", "not closed", 0),
        ("---\ntoolkit: nowhere\n---\n", "no toolkit 'nowhere'", 0), ("---\nsubjet: x\n---\n", "no key 'subjet'", 0),
        ("---\nsubject: [x\n---\n", "", 0), ("---\nsubject: x\n---\nx\n", "'toolkit' is missing", 0),
        ("---\ntoolkit: spring-fair\nlayout: lettr\n---\nx\n", "no layout", 0),
        ("---\ntoolkit: spring-fair\nbrand: b.yml\n---\nx\n", "no brand", 0), ("\x00", "control", 0),
    ],
)  # fmt: skip
def test_a_text_that_can_not_be_parsed_has_its_error_at_its_piece(
    connection: Connection, source: str, message: str, piece: int
) -> None:
    manuscript = StoredManuscript("may", Contents({"": source}), connection)
    view = look_at(connection, manuscript)
    assert not view.compiles
    (error, *_) = view.to_fix
    assert message in error.finding.message
    assert error.piece == piece
    assert show(connection, manuscript) is None


@pytest.mark.parametrize("layout", registry().layouts)
def test_the_preview_can_stand_at_each_piece(connection: Connection, layout: str) -> None:
    toolkit = shipped_toolkit("community-makes-us")
    manuscript = StoredManuscript("may", Contents({"": starter(toolkit, toolkit.name, layout)}), connection)
    view = look_at(connection, manuscript)
    shown = mail(connection, manuscript)
    ids = re.findall(r' id="p(\d+)"', shown.html)
    # The front matter's id, if there is one, is where the layout's own end begins.
    assert [number for number in map(int, ids) if number] == list(range(1, len(view.pieces)))


def test_one_member_sees_their_values_in_their_language(connection: Connection) -> None:
    welsh = "---\nsubject: Helo\n---\nHelo {{ member.first_name | default('ti') }}\n"
    manuscript = written(connection, "{% if member.town %}\nFrom {{ member.town }}\n{% endif %}\nHi", cy=welsh)
    crowd = Crowd({"first_name": "Ann", "town": "Bath"})
    shown = mail(connection, manuscript, member={"first_name": "Ann", "town": "Bath"}, people=crowd)
    assert shown.subject == "Hello Ann"
    assert "From Bath" in shown.html
    assert "From" not in mail(connection, manuscript, people=crowd).text
    assert mail(connection, manuscript, people=crowd).preheader == "More"
    assert "Helo Ann" in mail(connection, manuscript, language="cy", member={"first_name": "Ann"}).text
    assert look_at(connection, manuscript, "cy").pieces[0].source == "---\nsubject: Helo\n---\n"


def test_checks_count_only_the_people_who_get_that_language(connection: Connection) -> None:
    manuscript = written(connection, "Dear {{ member.town }}\n", cy="---\nsubject: Helo\n---\n{{ member.town }}\n")
    crowd = Crowd({"town": "Bath", "language": "en"}, {"town": "", "language": "cy"})

    def empty(language: str) -> bool:
        view = look_at(connection, manuscript, language, crowd)
        return any(each.finding.code == "merge-empty-field" for each in [*view.to_fix, *view.to_look_at])

    assert (empty(""), empty("cy")) == (False, True)


def test_dark_and_light_do_not_depend_on_the_readers_own_screen(connection: Connection) -> None:
    manuscript = written(connection, "Hi\n")
    dark, light = mail(connection, manuscript, dark=True), mail(connection, manuscript)
    assert "prefers-color-scheme" not in dark.html + light.html
    assert "@media all" in dark.html
    assert "@media not all" in light.html
    assert re.search(r"color-scheme: dark;", dark.html)
    assert re.search(r"color-scheme: light;", light.html)


def test_images_are_served_from_this_host_and_can_be_switched_off(connection: Connection) -> None:
    made = create(connection, "May", Contents({"": HEAD + "::: image hero.png alt=Hero\n"}), who="Ann")
    saved, image = add_picture(connection, made.id, "hero.png", sample_toolkits.picture(20), who="Ann")
    manuscript = StoredManuscript("may", saved.contents, connection)
    shown = mail(connection, manuscript)
    (src,) = re.findall(r'src="(/i/[^"]*)"', shown.html)
    assert connection.scalar(text("SELECT count(*) FROM images WHERE hash = :h"), {"h": src[3:67]}) == 1
    assert image.hash in src
    assert "img-src 'self'" in shown.policy
    assert "img-src 'none'" in mail(connection, manuscript, images=False).policy
    assert "sandbox" in shown.policy


@pytest.mark.parametrize("source", ["", "x" * (MAX_LIVE_BYTES + 1), "é" * MAX_LIVE_BYTES, HEAD + "::: divider\n" * 500])
def test_a_text_that_is_too_large_is_not_looked_at(connection: Connection, source: str) -> None:
    manuscript = StoredManuscript("may", Contents({"": source}), connection)
    for shown in (look_at, show):
        with pytest.raises(InputError, match="too large"):
            shown(connection, manuscript)


@pytest.mark.parametrize(
    "sign",
    ["::: note\n", "{% if member.first_name %}\n", "> ", "- a\n  ", "[a](", "**a", "<b>", "{{ ((((", "((((", "<!--",
     "{#", "<table>", "`", "{% if member.first_name %}x"],
)  # fmt: skip
def test_hostile_text_is_answered_with_errors_and_no_crash(connection: Connection, sign: str) -> None:
    manuscript = written(connection, sign * (20_000 // len(sign)))
    look_at(connection, manuscript)
    show(connection, manuscript)


@pytest.mark.parametrize(
    "body",
    [":: button\n" * 3_000, "{% fi x %}\n" * 3_000, "{{ member.frst_name }}\n\n" * 1_500, "::: copy nothing\n" * 290,
     "::: note\n" + "{% if member.first_name %}\n1. a\n{% endif %}\n" * 900 + ":::\n", "<div>" * 3_000],
)  # fmt: skip
def test_of_very_many_mistakes_the_first_hundred_are_named_and_no_more_is_compiled(
    connection: Connection, body: str
) -> None:
    view = look_at(connection, written(connection, body))
    assert 1 <= len(view.to_fix) <= 101
    assert show(connection, written(connection, body)) is None or not view.compiles


def test_a_text_that_takes_too_long_is_given_up_and_not_remembered_as_broken(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    manuscript = written(connection, "A slow text of this test.\n")
    monkeypatch.setattr(live_compile, "LONGEST", -1)
    (error,) = look_at(connection, manuscript).to_fix
    assert "takes too long" in error.finding.message
    assert show(connection, manuscript) is None
    monkeypatch.setattr(live_compile, "LONGEST", 60)
    assert "slow text" in mail(connection, manuscript).text


def test_a_changed_toolkit_or_picture_is_seen_at_once(connection: Connection, tmp_path: Path) -> None:
    manuscript = written(connection, "::: copy again\n")
    assert not look_at(connection, manuscript).compiles
    files = sample_toolkits.files(
        again="---\nid: again\ntitle: W\nversion: 1\napproved by: A\nchannels: email\nlength: short\n---\nAnew!\n"
    )
    add_toolkit(connection, sample_toolkits.folder(tmp_path / "again", files))
    assert "Anew!" in mail(connection, manuscript).text
