"""Pieces are added, moved, deleted and replaced, also within containers and conditions, and no words are lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daisychain.errors import InputError
from newsletters.pieces.operations import Path, add, delete, move, piece_of, pieces_in, replace_piece
from newsletters.pieces.outline import cut, joined

HEAD = "---\nsubject: Hello\ntoolkit: spring-fair\n---\n\n"
BODY = """\
One

::: button Go href=x

Two
{% if member.town %}
::: cards
::: card a
A
:::
::: card b
B
:::
:::
{% else %}
Else
{% endif %}
::: copy opening
Three"""
TEXT = HEAD + BODY
PIECES = [
    "Words\n\nmore\n", "::: divider\n", "::: note\nx\n:::\n", "{% if member.a %}\ny\n{% endif %}\n",
    "::: copy opening\n", "No end",
]  # fmt: skip


def kinds(text: str, path: Path = ()) -> list[str]:
    return [piece.name or piece.kind for piece in pieces_in(text, path)]


def words(text: str) -> Counter[str]:
    return Counter(text.split())


def test_a_piece_is_found_by_its_path_with_its_own_line() -> None:
    assert kinds(TEXT) == ["head", "words", "button", "words", "condition", "opening", "words"]
    assert kinds(TEXT, (4, "then")) == ["cards"]
    assert kinds(TEXT, (4, "then", 0, "items")) == ["card", "card"]
    second = piece_of(TEXT, (4, "then", 0, "items", 1))
    assert TEXT.split("\n")[second.line - 1] == "::: card b"
    assert piece_of(TEXT, (4, "otherwise", 0)).source == "Else\n"


@given(
    order=st.lists(st.sampled_from(PIECES), min_size=2, max_size=6), data=st.data(),
    ends=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_moving_and_deleting_loses_no_words_and_changes_no_other_piece(
    order: list[str], data: st.DataObject, ends: str
) -> None:
    text = HEAD
    for source in order:
        text = add(text, (len(cut(text)),), source)
    text = text.replace("\n", ends)
    before = cut(text)
    at, to = (data.draw(st.integers(1, len(before) - 1)) for _ in range(2))
    moved = move(text, (at,), to)
    assert words(moved) == words(text)
    assert Counter(piece.source.strip() for piece in cut(moved) if piece.kind != "words") == Counter(
        piece.source.strip() for piece in before if piece.kind != "words"
    )
    assert [part.strip() for part in joined(cut(moved)[1:]).replace("\r\n", "\n").split("\n\n") if part.strip()]
    gone = delete(text, (at,))
    assert words(gone) == words(text) - words(before[at].source)
    assert ("\r\n" in moved) == (ends == "\r\n")
    assert "\n" not in moved.replace("\r\n", "") or ends == "\n"


def test_paragraphs_stay_apart_when_what_was_between_them_goes() -> None:
    text = HEAD + "One\n::: divider\nTwo"
    assert delete(text, (2,)) == HEAD + "One\n\nTwo"
    assert move(text, (2,), 3) == HEAD + "One\n\nTwo\n\n::: divider\n"
    assert move(text, (3,), 1) == HEAD + "Two\n\nOne\n::: divider\n"
    assert delete(HEAD + "One", (1,)) == HEAD


def test_items_are_moved_added_and_deleted_in_their_container() -> None:
    moved = move(TEXT, (4, "then", 0, "items", 1), 0)
    assert "::: cards\n::: card b\nB\n:::\n::: card a\nA\n:::\n:::\n{% else %}" in moved
    fewer = delete(TEXT, (4, "then", 0, "items", 0))
    assert "::: cards\n::: card b\nB\n:::\n:::\n" in fewer
    assert add(fewer, (4, "then", 0, "items", 0), "::: card a\nA\n:::\n") == TEXT
    with pytest.raises(InputError, match="room for 2, not 3"):
        add(TEXT, (4, "then", 0, "items", 2), "::: card c\n:::\n")
    with pytest.raises(InputError, match="holds card blocks"):
        replace_piece(TEXT, (4, "then", 0, "items", 1), "Words\n")


@pytest.mark.parametrize(
    "source", ["::: note\nx\n", "{% if member.a %}\n", "```\n", "<!-- x", "{% endif %}{% if a %}\n"]
)
def test_a_piece_that_would_take_in_the_rest_is_refused(source: str) -> None:
    with pytest.raises(InputError, match="not closed"):
        replace_piece(TEXT, (1,), source)
    with pytest.raises(InputError, match="not closed"):
        add(TEXT, (2,), source)


def test_an_end_is_refused_where_it_would_close_what_is_around_it() -> None:
    with pytest.raises(InputError, match="end the piece around"):
        replace_piece(TEXT, (4, "then", 0, "items", 1), "::: card b\n:::\n:::\n")
    with pytest.raises(InputError, match="end the piece around"):
        replace_piece(TEXT, (4, "otherwise", 0), "x\n{% endif %}\n")
    with pytest.raises(InputError, match="end the piece around"):
        add(TEXT, (4, "then", 1), "{% else %}\n")
    assert replace_piece(TEXT, (6,), "Three\n:::\n").endswith("Three\n:::\n")


def test_the_front_matter_stays_first_and_whole() -> None:
    for wrong in (
        lambda: delete(TEXT, (0,)), lambda: move(TEXT, (0,), 2), lambda: move(TEXT, (2,), 0),
        lambda: add(TEXT, (0,), "x"), lambda: replace_piece(TEXT, (0,), "---\nsubject: x\n"),
        lambda: move(TEXT, (1,), 7), lambda: move(TEXT, (-1,), 1), lambda: delete(TEXT, (9,)),
        lambda: delete(TEXT, (1, "items", 0)), lambda: delete(TEXT, ("then",)), lambda: piece_of(TEXT, (4, 4, 4)),
    ):  # fmt: skip
        with pytest.raises(InputError):
            wrong()
    assert replace_piece(TEXT, (0,), "---\nsubject: x\n---\n") == "---\nsubject: x\n---\n\n" + BODY


def test_a_piece_that_is_not_closed_is_not_moved_but_can_be_replaced() -> None:
    text = HEAD + "One\n\n::: note\nTwo\n"
    with pytest.raises(InputError, match="Close it first"):
        move(text, (2,), 1)
    assert replace_piece(text, (2,), "::: note\nTwo\n:::\n") == text + ":::\n"
    assert replace_piece(text, (2,), "") == HEAD + "One\n\n"
