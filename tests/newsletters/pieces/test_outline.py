"""A newsletter is cut into pieces by line, and the pieces join to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daisychain.errors import InputError
from newsletters.compose.blocks import registry
from newsletters.compose.compiler import compile_document
from newsletters.compose.directives import TextNode, parse
from newsletters.compose.starter import starter
from newsletters.documents.document import parse_document
from newsletters.documents.error_list import Mistakes
from newsletters.expressions.parse import Expressions, Line
from newsletters.pieces.outline import cut, cut_body, joined, piece_at, split_lines
from newsletters.tokens import Mint
from newsletters.toolkit_store.store import shipped_toolkit

HEAD = "---\nsubject: Hello\ntoolkit: spring-fair\n---\n"


@dataclass(frozen=True)
class CopyNode:
    """Stands for a copy block in the tree."""

    line: Line


FRAGMENTS = [
    "---", "subject: x", "", " ", "words", ":::", '::: button "Go" href=x', "::: note", "::: cards", "::: card a",
    "::: buton", "::: copy opening", "  :::: note", "    ::: note", "```", "~~~", "{% if member.first_name %}",
    "{% endif %}", "{% else %}", "Dear {% if member.x %}", "{{ member.first_name", "}}", "{# :::", "#}", "<!--", "-->",
    "`<!--`", "::: 1", "a {% endif %}", "{% for a in b %}", "{% raw %}", "\ufeff---", "\u2028", "\x0b:::",
    '{% if "{{" %}', "'", '"',
]  # fmt: skip
texts = st.one_of(
    st.text(max_size=200),
    st.lists(st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from(["\n", "\r\n", "\r", ""]))).map(
        lambda rows: "".join(map("".join, rows))
    ),
)


def kinds(text: str) -> list[str]:
    return [piece.name if piece.kind == "block" else piece.kind for piece in cut(text)]


@given(texts)
def test_pieces_join_to_the_same_bytes(text: str) -> None:
    pieces = cut(text)
    assert joined(pieces) == text
    assert joined(cut_body(text)) == text
    assert all(piece.source for piece in pieces)
    assert [piece.line for piece in pieces] == [1, *(piece.last_line + 1 for piece in pieces)][: len(pieces)]


@given(texts)
def test_pieces_are_the_same_when_each_is_cut_by_itself(text: str) -> None:
    """What is closed and begins at the top means the same wherever it is moved to."""
    for piece in cut_body(text):
        if piece.closed and piece.kind in ("block", "condition", "copy"):
            (again,) = cut_body(piece.source)
            assert (again.kind, again.name, again.source) == (piece.kind, piece.name, piece.source)


LINES = [
    "words", "", "::: divider", "::: note", ":::", "::: button Go href=x", "::: cards", "::: card a", "::: copy a",
    "{% if member.first_name %}", "{% else %}", "{% endif %}", "a {% if member.town %}b{% endif %} c", "```", "<!--",
    "-->", "{# a", "#}", "{{ member.town }}", "`<!--`", "x <!-- y --> z", '::: story "<!--"',
    "  ::: divider", '{% if member.town == "<!--" %}', '::: heading "{{ member.town }} :::"', "> quoted",
    "- {% if member.town %}x{% endif %}",
]  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.sampled_from(LINES), max_size=14))
def test_what_compiles_has_a_piece_where_the_compiler_begins_a_block_or_condition(lines: list[str]) -> None:
    body = "\n".join(lines)
    mint, mistakes = Mint("0badcafe"), Mistakes()
    expressions = Expressions(mint, frozenset({"first_name", "town"}), {}, mistakes)
    try:
        nodes = parse(expressions.evaluate(body, "may.md", 1), mint, mistakes, lambda name, line: (CopyNode(line),))  # type: ignore[arg-type, return-value]
    except InputError:
        return
    pieces = cut_body(body)
    begun = [node.line.number for node in nodes if not isinstance(node, TextNode)]
    starts = [
        piece.line + next(at for at, line in enumerate(split_lines(piece.source)) if line.strip())
        for piece in pieces
        if piece.kind in ("block", "condition", "copy")
    ]
    assert starts == begun
    assert all(piece.kind != "unknown" for piece in pieces)


@pytest.mark.parametrize("layout", registry().layouts)
def test_every_starter_is_cut_where_the_compiler_begins_a_part(layout: str) -> None:
    toolkit = shipped_toolkit("community-makes-us")
    text = starter(toolkit, toolkit.name, layout)
    pieces = cut(text)
    assert pieces[0].kind == "head"
    assert all(piece.closed and piece.kind != "unknown" for piece in pieces)
    places = compile_document(parse_document(text, "may.md", None), toolkit).places
    begun = {line for file, line in places if file == "may.md"}
    assert {piece.line for piece in pieces if piece.kind == "block"} <= begun


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("One\n\nTwo\n\n::: button Go href=x\n\nThree\n", ["words", "button", "words"]),
        ("::: note\nText\n\n::: button Go href=x\nmore\n:::\nAfter\n", ["note", "words"]),
        ("::: cards\n::: card a\nx\n:::\n::: card b\n:::\n:::\n", ["cards"]),
        ("::: copy opening\n::: copy \"closing\"\n", ["copy", "copy"]),
        ("{% if member.city %}\n::: note\nx\n:::\n{% else %}\ny\n{% endif %}\nz\n", ["condition", "words"]),
        ("Dear {% if member.city %}you\nand{% endif %} you\n::: divider\n", ["words", "divider"]),
        ("::: note\n{% if member.city %}\n:::\n{% endif %}\n", ["note"]),
        ("{% if a %}\n{% if b %}\nx\n{% endif %}\n{% endif %}\n", ["condition"]),
        ("```\n::: note\n```\n::: divider\n", ["words", "divider"]),
        ("<!--\n::: note\n-->\n::: divider\n", ["words", "divider"]),
        ("{#\n::: note\n#}\n::: divider\n", ["words", "divider"]),
        ("Use {{ \"\n::: note\n\" }}\n", ["words"]),
        ("`<!--` is a comment\n::: divider\n", ["words", "divider"]),
        ("::: buton Go\nText\n\nMore\n:::\nAfter\n", ["unknown", "words"]),
        ("Text\n:::\nAfter\n", ["words", "unknown", "words"]),
        ("::: divider\nText\n", ["divider", "words"]),
    ],
)  # fmt: skip
def test_a_body_is_cut_into_the_blocks_that_the_compiler_reads(body: str, expected: list[str]) -> None:
    for ends in ("\n", "\r\n", "\r"):
        assert kinds((HEAD + body).replace("\n", ends)) == ["head", *expected]


def test_a_block_that_is_not_closed_takes_the_rest_and_says_so() -> None:
    pieces = cut(HEAD + "Words\n\n::: note\nText\n\n::: button Go href=x\n")
    assert [piece.closed for piece in pieces] == [True, True, False]
    assert pieces[2].source.endswith("href=x\n")


def test_a_line_is_found_in_its_piece() -> None:
    pieces = cut(HEAD + "\nOne\n::: divider\n\nTwo")
    assert [piece_at(pieces, line) for line in range(1, 11)] == [0, 0, 0, 0, 0, 1, 2, 2, 3, None]


@pytest.mark.parametrize("sign", ["{{", "{% if x %}\n", ":::\n", "::: note\n", "<!--", "'{{\"", "{#", "```\n~~~\n"])
def test_cutting_takes_time_in_proportion_to_the_text(sign: str) -> None:
    """Steps, not seconds: a text of the largest size is cut at all."""
    text = HEAD + sign * (200_000 // len(sign))
    assert joined(cut(text)) == text
