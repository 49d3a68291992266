"""Forms of pieces: made from the blocks' headers, and what they write is what the compiler reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletters.compose.blocks import Attribute, Block, registry
from newsletters.compose.directives import BlockNode, ConditionNode, Node, parse
from newsletters.documents.document import parse_document
from newsletters.documents.error_list import Mistakes
from newsletters.expressions.parse import Expressions
from newsletters.pieces.forms import form_of, write_form
from newsletters.pieces.outline import SourcePiece, cut, cut_body
from newsletters.pieces.sentences import Sentence, new_condition, sentence_of
from newsletters.pieces.values import FieldError, read_header
from newsletters.tokens import Mint

HEAD = "---\nsubject: Hello\ntoolkit: spring-fair\n---\n"
BLOCKS = registry().blocks
MINT = Mint("0badcafe")

# What people type: the signs that source has a meaning for, more often than chance would bring them.
typed = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from([
            '"', "'", "\\", "\\\"", "=", " ", "&", "&amp;", "&amp;amp;", "&quot;", "&#34;", "&copy",
            ":::", "a=b", "<", ">",
            "{", "}", "}}", "%}", "\r\n", "\n", "\t", "\x00", "\u2028", "é", "“", "`", "[x](y)",
            "{{ member.first_name }}",
            '{{ member.first_name | default("you") }}', "{{ member.first_name | default(\"it's\") }}", "-->", "<!--",
        ]),
        max_size=8,
    ).map("".join),
)  # fmt: skip


def nodes(source: str) -> tuple[Node, ...]:
    """What the compiler reads of a body."""
    expressions = Expressions(MINT, frozenset({"first_name", "town"}), {}, Mistakes())
    return parse(expressions.evaluate(source, "may.md", 1), MINT, Mistakes(), lambda name, line: ())


def attempt(field: str, write: Callable[[], str]) -> str | None:
    """What was written; None if the value was refused, beside its own field."""
    try:
        return write()
    except FieldError as error:
        place = error.field
    assert place == field
    return None


def value_of(text: str) -> str:
    """What a value that somebody types means: spaces for line ends, tokens for expressions."""
    plain = "".join(" " if sign < " " or 0x7F <= ord(sign) < 0xA0 or sign in "\u2028\u2029\ufeff\ufffe\uffff" else sign
                    for sign in text)  # fmt: skip
    return plain.strip()


def read_back(block: Block, source: str) -> Mapping[str, str]:
    """The attributes that the compiler reads of a block's source, with expressions as they were typed."""
    (outer,) = nodes(source)
    node = outer
    while isinstance(node, BlockNode) and node.block.name != block.name:
        node = node.body[0]
    assert isinstance(node, BlockNode)
    return node.attributes


def written(block: Block, values: Mapping[str, str], line: str = "") -> str:
    """The source of a block with these values, inside of what it has to be in."""
    line = line or f"::: {block.name}"
    required = {each.name: "x" for each in block.attributes.values() if each.required}
    body = "" if block.body == "none" else "Text\n:::\n"
    if block.holds:
        inner = BLOCKS[block.holds[0]]
        body = written(inner, {}).removeprefix(f"::: {inner.within}\n").removesuffix(":::\n" if inner.within else "")
        body += ":::\n"
    (piece,) = cut_body(f"{line}\n{body}")
    (piece,) = cut_body(write_form(piece, required))
    source = write_form(piece, values)
    return f"::: {block.within}\n{source}:::\n" if block.within else source


@pytest.mark.parametrize("block", BLOCKS.values(), ids=list(BLOCKS))
def test_a_form_has_the_fields_of_its_block(block: Block) -> None:
    outer = block.within
    (piece,) = cut_body(written(block, {}))
    if outer:
        (piece,) = cut_body("".join(piece.source.splitlines(keepends=True)[1:-1]))
    form = form_of(piece)
    assert form is not None
    names = [field.name for field in form.fields if field.name != "body"]
    assert names == list(block.attributes)
    assert ("items" in form.regions) == bool(block.holds)
    assert any(field.name == "body" for field in form.fields) == (block.body != "none" and not block.holds)


@given(text=typed, block=st.sampled_from(list(BLOCKS.values())), data=st.data())
def test_what_a_form_writes_reads_back_through_the_compiler(text: str, block: Block, data: st.DataObject) -> None:
    texts = [each for each in block.attributes.values() if each.type != "choice"]
    if not texts:
        return
    attribute: Attribute = data.draw(st.sampled_from(texts))
    source = attempt(attribute.name, lambda: written(block, {attribute.name: text}))
    if source is None:
        assert "{{" in text or "{%" in text or "{#" in text or (attribute.required and not value_of(text))
        return
    found = read_back(block, source)[attribute.name]
    mint = MINT.pattern("X")
    expected = value_of(text)
    for expression in (
        "{{ member.first_name }}", '{{ member.first_name | default("you") }}',
        "{{ member.first_name | default(\"it's\") }}",
    ):  # fmt: skip
        expected = expected.replace(expression, "·")
    if "{{" not in expected:
        assert mint.sub("·", found) == (expected or attribute.default)


@given(first=typed, second=typed)
def test_writing_a_value_changes_only_its_own_bytes(first: str, second: str) -> None:
    line = (
        "::: story 'A  title'   image=hero  alt=\"old\" link=Read href={{ toolkit.links['a b'] }}   \n\nText\n:::\n\n"
    )
    (piece,) = cut_body(line)
    once = attempt("alt", lambda: write_form(piece, {"alt": first}))
    again = once and attempt("alt", lambda: write_form(SourcePiece("block", "story", 1, once), {"alt": second}))
    if not again or not value_of(first):
        return
    begin, end = line.index(' alt="old"') - 1, line.index('"old"') + 5
    assert again.startswith(line[: begin + 1])
    assert again.endswith(line[end:])
    assert write_form(piece, {}) == line
    assert write_form(piece, {"alt": "old", "title": "A  title", "body": "\r\nText\r\n"}) == line


def test_an_empty_value_removes_the_attribute_and_a_new_one_is_added_at_its_place() -> None:
    (piece,) = cut_body('::: button "Go" href="https://a.example/" style=accent\r\n')
    assert write_form(piece, {"style": ""}) == '::: button "Go" href="https://a.example/"\r\n'
    assert write_form(piece, {"size": "large"}) == (
        '::: button "Go" href="https://a.example/" style=accent size="large"\r\n'
    )
    (piece,) = cut_body("::: dates\n::: date a title=b\n:::\n")
    assert write_form(piece, {"title": "Soon"}).startswith('::: dates "Soon"\n')
    with pytest.raises(FieldError, match="Label is needed"):
        write_form(cut_body("::: button Go href=x\n")[0], {"label": " "})
    with pytest.raises(FieldError, match="no field 'colour'"):
        write_form(cut_body("::: button Go href=x\n")[0], {"colour": "red"})
    with pytest.raises(FieldError, match="can't be 'huge'"):
        write_form(cut_body("::: button Go href=x\n")[0], {"size": "huge"})


@pytest.mark.parametrize("text", ["-}}", "a -%} b", "-#}"])
def test_a_hyphen_before_the_end_of_no_tag_stays(text: str) -> None:
    assert text in str(nodes(f"{text}\n"))
    assert read_back(BLOCKS["button"], written(BLOCKS["button"], {"label": text, "href": "x"}))["label"] == text


def test_quotes_within_an_expression_become_single() -> None:
    (piece,) = cut_body("::: button Go href=x\n")
    source = write_form(piece, {"label": 'Hi {{ member.first_name | default("friend") }}'})
    assert source == "::: button \"Hi {{ member.first_name | default('friend') }}\" href=x\n"
    assert form_of(cut_body(source)[0]).value("label") == "Hi {{ member.first_name | default('friend') }}"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "line",
    [
        "::: button “Go” href=x", "::: button Go Again href=x", "::: button Go href=x colour=red",
        "::: button Go href=x href=y", "::: button Go href={{ x", '::: button "Go href=x', "::: note\nnot closed",
        "::: buton Go", "::: copy a b", ":::", "::: copy", "{% if member.a and member.b %}\nx\n{% endif %}",
        "{% if member.a %}\nx\n{% elif member.b %}\ny\n{% endif %}",
        "{% if member.a %}\n", "{% if true %}\nx\n{% endif %}", "{% for a in b %}\n{% if member.a %}\n{% endif %}\n",
        "{% if member.a %}x{% endif %}",
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_source_and_the_others_stay_forms(line: str) -> None:
    pieces = cut(f"{HEAD}::: divider\n{line}\n")
    first = next(piece for piece in pieces if piece.kind == "block")
    assert form_of(first) is not None
    odd = [piece for piece in pieces[2:] if line.splitlines()[0] in piece.source]
    assert all(form_of(piece) is None for piece in odd if piece.kind != "words")


def test_a_body_that_would_end_its_block_is_refused() -> None:
    (piece,) = cut_body("::: note\nText\n:::\n")
    for body in (":::", "Text\n:::\nMore", "::: story a", "{% if member.x %}", "```", "<!--"):
        with pytest.raises(FieldError, match="end the piece") as caught:
            write_form(piece, {"body": body})
        assert caught.value.field == "body"
    source = write_form(piece, {"body": "One\r\n::: button Go href=x\r\n\r\nTwo"})
    assert source == "::: note\nOne\n::: button Go href=x\n\nTwo\n:::\n"
    assert write_form(piece, {"body": ""}) == "::: note\n:::\n"


def test_a_copy_piece_names_its_copy() -> None:
    (piece,) = cut_body("::: copy opening  \n")
    assert form_of(piece).value("copy") == "opening"  # type: ignore[union-attr]
    assert write_form(piece, {"copy": "small-acts"}) == "::: copy small-acts  \n"
    assert form_of(cut_body('::: copy "my block"\n')[0]).value("copy") == "my block"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ("member.town", Sentence("town", "known")), ("not member.town", Sentence("town", "unknown")),
        ('member.town == "Bath"', Sentence("town", "equals", "Bath")),
        ("member.town=='B\"\\'é'", Sentence("town", "equals", "B\"'é")),
        ("member.town != 'a'", None), ("member['town']", None), ("member.town | upper", None), ("toolkit.title", None),
    ],
)  # fmt: skip
def test_conditions_are_said_as_sentences(test: str, sentence: Sentence | None) -> None:
    (piece,) = cut_body(f"{{% if {test} %}}\nyes\n{{% else %}}\nno\n{{% endif %}}\n")
    assert sentence_of(piece) == sentence
    form = form_of(piece)
    assert (form is None) == (sentence is None)
    if form:
        assert (form.value("then"), form.value("otherwise"), form.regions) == ("yes\n", "no\n", ("then", "otherwise"))


@given(asked=st.sampled_from(["known", "unknown", "equals"]), value=typed)
@example(asked="equals", value="-}}")
@example(asked="equals", value='"-%}')
def test_a_sentence_that_was_written_is_read_by_the_compiler(asked: str, value: str) -> None:
    source = attempt("value", lambda: new_condition(Sentence("town", asked, value), "Text\n"))  # type: ignore[arg-type]
    if source is None:
        return
    (piece,) = cut_body(source)
    expected = Sentence("town", asked, value_of(value) if asked == "equals" else "")  # type: ignore[arg-type]
    assert sentence_of(piece) == expected
    expressions = Expressions(MINT, frozenset({"town"}), {}, Mistakes())
    (node,) = parse(expressions.evaluate(source, "may.md", 1), MINT, Mistakes(), lambda name, line: ())
    assert isinstance(node, ConditionNode)
    plain = {"known": "member.town", "unknown": "not member.town", "equals": "member.town == '…'"}[asked]
    expressions.evaluate(f"{{% if {plain} %}}{{% endif %}}", "may.md", 1)
    test, same = (json.dumps(condition.test) for condition in expressions.conditions)
    assert test == same.replace(json.dumps("…"), json.dumps(expected.value))


def test_a_branch_and_a_question_are_changed_by_themselves() -> None:
    source = "{%- if member.town -%}\n\nyes {% if member.a %}a{% else %}b{% endif %}\n{% endif %}\n\n"
    (piece,) = cut_body(source)
    assert write_form(piece, {"then": "no"}) == "{%- if member.town -%}\nno\n{% endif %}\n\n"
    asks = write_form(piece, {"field": "city", "asked": "equals", "value": "Bath"})
    assert asks.startswith('{%- if member.city == "Bath" -%}\n\nyes')
    with pytest.raises(FieldError):
        write_form(piece, {"then": "{% else %}"})


def test_words_are_one_field() -> None:
    (piece,) = cut_body("One\r\n\r\nTwo\r\n")
    assert write_form(piece, {"body": "One\r\n\r\nThree\r\n"}) == "One\r\n\r\nThree\r\n"
    assert write_form(piece, {"body": "One\r\n\r\nTwo\r\n"}) == piece.source


HEADS = [
    "---\nsubject: Hello\ntoolkit: spring-fair\n---\n",
    "---\r\n# a note\r\nsubject:   'It''s here'   # why\r\ntoolkit: spring-fair\r\nfields: [a, b]\r\n---\r\n\r\n",
    '---\nsubject: "Say \\"hi\\""\npreheader: >\n  one\n  two\ntoolkit: spring-fair\n---\n',
    "---\nsubject:\ntoolkit: spring-fair\n---\n",
]


@given(head=st.sampled_from(HEADS), key=st.sampled_from(["subject", "preheader", "title"]), value=typed)
def test_the_front_matter_reads_back_what_its_form_writes(head: str, key: str, value: str) -> None:
    (piece,) = cut(head)
    source = attempt(key, lambda: write_form(piece, {key: value}))
    if source is None:
        return
    before, after = parse_document(head, "may.md", None), parse_document(source, "may.md", None)
    read = getattr(after, key)
    assert "{{" in value or read == " ".join(value_of(value).split())
    for other in {"subject", "preheader", "title", "toolkit", "fields"} - {key}:
        assert getattr(after, other) == getattr(before, other)
    (again,) = cut(source)
    assert write_form(again, {key: form_of(again).value(key)}) == source  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "value",
    ["null", "Null", "~", "yes", "no", "1e3", "2026-05-01", "- a", "a: b", "a #b", "&a", "*a", "!x", "|", ">"],
)
def test_what_means_something_to_yaml_is_text_in_a_form(value: str) -> None:
    (piece,) = cut(HEADS[0])
    source = write_form(piece, {"subject": value})
    assert parse_document(source, "may.md", None).subject == value
    assert form_of(cut(source)[0]).value("subject") == value  # type: ignore[union-attr]


def test_only_the_changed_line_of_the_front_matter_changes() -> None:
    (piece,) = cut(HEADS[1])
    assert write_form(piece, {"subject": "Now: this"}) == HEADS[1].replace("'It''s here'", '"Now: this"')
    assert write_form(piece, {"title": "May"}) == HEADS[1].replace("b]\r\n", "b]\r\ntitle: May\r\n")
    assert write_form(piece, {"subject": ""}) == HEADS[1].replace("subject:   'It''s here'   # why\r\n", "")
    (piece,) = cut(HEADS[2])
    assert write_form(piece, {"preheader": "three"}) == HEADS[2].replace(">\n  one\n  two\n", "three\n")
    assert form_of(cut("---\nsubject: [a\n---\n")[0]) is None
    assert form_of(cut("---\n{subject: a, toolkit: spring-fair}\n---\n")[0]) is None


def test_a_line_of_any_length_is_read_in_time() -> None:
    assert read_header('::: button "' + "{{" * 50_000) is None
    header = read_header('::: button "' + "{{ a }}" * 20_000 + '"')
    assert header is not None
    assert len(header.given[0].typed) == 140_000
