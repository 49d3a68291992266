"""Steps of the editor: they lose no words, wherever a piece goes, and say where it is then."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daisychain.errors import InputError
from newsletters.compose.blocks import registry
from newsletters.pieces.forms import form_of
from newsletters.pieces.new_pieces import new_piece
from newsletters.pieces.operations import piece_of
from newsletters.pieces.outline import cut
from newsletters.pieces.steps import take_step, write_typed
from newsletters.pieces.tree import listed, piece_with_line, places_for, read_path, walked
from tests.newsletters.pieces.test_forms import nodes
from tests.newsletters.pieces.test_operations import TEXT

SUGGESTED = {"image": ["hero"], "url": ["https://example.org/"]}


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


@given(data=st.data())
def test_moving_to_any_place_that_is_offered_loses_no_words_and_finds_the_piece_again(data: st.DataObject) -> None:
    text = TEXT
    for _ in range(3):
        pieces = listed(text)
        piece = data.draw(st.sampled_from([each for each in walked(pieces) if each.piece.kind != "head"]))
        places = places_for(pieces, piece)
        if not places:
            continue
        to, _ = data.draw(st.sampled_from(places))
        step = take_step(text, f"move {piece.at} to {to}", {})
        assert words(step.text) == words(text)
        assert piece.piece.source.strip() in piece_of(step.text, step.path).source
        assert step.path[:-1] == read_path(to)[:-1] or len(step.path) > 1
        text = step.text


@given(data=st.data())
def test_what_is_shown_writes_back_the_same_bytes(data: st.DataObject) -> None:
    shown = {
        f"{each.at}:{field.name}": field.value.strip("\n").replace("\n", "\r\n")
        for each in walked(listed(TEXT)) if each.form for field in each.form.fields
    }  # fmt: skip
    chosen = data.draw(st.sets(st.sampled_from(sorted(shown))))
    assert write_typed(TEXT, {name: shown[name] for name in chosen}, lambda *refused: pytest.fail(str(refused))) == TEXT


def test_fields_of_several_pieces_are_written_where_they_were() -> None:
    typed = {"1:body": "Uno\r\n\r\n::: divider\r\n\r\nmore", "4.then.0.items.1:title": "B", "6:body": "Tres"}
    text = write_typed(TEXT, typed, lambda *refused: pytest.fail(str(refused)))
    assert "Uno\n\n::: divider\n\nmore" in text
    assert '::: card "B"\nB\n' in text
    assert text.endswith("Tres")


def test_what_can_t_be_written_names_its_field_and_the_others_are_written() -> None:
    refused = {}
    text = write_typed(TEXT, {"2:href": "{{ x", "1:body": "Uno", "9:title": "x", "odd": "y"}, refused.__setitem__)
    assert set(refused) == {"2:href", "9:title"}
    assert "Uno" in text


@pytest.mark.parametrize("what", ["up 1", "down 0", "delete 0", "move 2 to 9", "move 4 to 4.then.0", "move 2", "odd 2",
                                  "up", "", "add 2", "add 2 nothing", "else 2", "up 4.odd.0", "move 1 to 0",
                                  "copy 4.then.0.items.0", "up 99999999999999999999", "up -1"])  # fmt: skip
def test_a_step_that_can_t_be_is_refused(what: str) -> None:
    with pytest.raises(InputError):
        take_step(TEXT, what, SUGGESTED)


@pytest.mark.parametrize("name", [*registry().blocks, "words", "some"])
def test_a_new_piece_is_read_by_the_compiler_and_has_a_form(name: str) -> None:
    source = new_piece(name, "", SUGGESTED)
    assert len(cut("---\n---\n" + source)) == 2
    assert form_of(cut("---\n---\n" + source)[1]) is not None
    block = registry().blocks.get(name)
    if block is None or not block.within:
        assert nodes(source)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("## A *bold* [it](https://x.org) {{ member.first_name or 'you' }}!", ["A bold it ", "first name, or you", "!"]),
     ("- one\n- two\n\n> three", ["one two three"]), ("a" * 300, ["a" * 110 + "…"])],
)  # fmt: skip
def test_first_words_are_words(text: str, shown: list[str]) -> None:
    (piece,) = listed(text)
    assert [" ".join(each.split(" ")).lstrip() for each, _ in piece.words] == shown


def test_a_line_is_in_its_innermost_piece() -> None:
    found = piece_with_line(listed(TEXT), TEXT.split("\n").index("B") + 1)
    assert found is not None
    assert found.at == "4.then.0.items.1"


def test_what_is_nested_too_deep_is_shown_as_source_in_time() -> None:
    text = "---\nsubject: x\n---\n" + "{% if member.a %}\n" * 400 + "x\n" + "{% endif %}\n" * 400
    assert [each.form is None for each in walked(listed(text))] == [False] * 5 + [True]
