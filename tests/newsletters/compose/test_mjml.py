"""MJML: mistakes are found by the official tables and told by the author's line; mjml-python's faults are guarded."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from jinja2 import ChoiceLoader, DictLoader

from daisychain.errors import InputError
from newsletters.compose import directives
from newsletters.compose.blocks import Attribute, Block, Registry, registry
from newsletters.compose.compose import layouts
from newsletters.compose.mjml import compile_mjml, guard
from newsletters.compose.mjml_rules import Broken, faults
from tests.newsletters.compiling import compiled

WRAPPED = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
TEXT = "{% macro text(a, body, look) %}{{ body }}{% endmacro %}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('<mj-text css-class="नमस्ते">x</mj-text>', "&#2344;"),
        ('<mj-text css-class="a\n  b">x</mj-text>', '"a b"'),
        ("<mj-image alt='say \"hi\"' />", "&#34;hi&#34;"),
        ('<mj-section padding="0 30px" />', '"0px 30px"'),
        ('<mj-image alt="C:\\dir" />', "&#92;"),
    ],
)
def test_attributes_are_guarded_against_mjml_python(source: str, expected: str) -> None:
    assert expected in guard(source)


def test_the_role_of_a_table_is_carried_over() -> None:
    html = compile_mjml(WRAPPED.format('<mj-table role="presentation" css-class="a"><tr><td>x</td></tr></mj-table>'))
    assert re.search(r'<table[^>]* role="presentation">(<tbody>)?<tr><td>x', html)
    assert "role:" not in html
    assert "role=" not in re.findall("<table[^>]*>", compile_mjml(WRAPPED.format("<mj-table></mj-table>")))[-1]


def test_vowel_signs_and_emoji_in_an_attribute_come_out_whole() -> None:
    html = compile_mjml(WRAPPED.format('<mj-image src="a" alt="नमस्ते ❤️" />'))
    assert 'alt="नमस्ते ❤️"' in html


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<mj-foo>x</mj-foo>", "unknown tag <mj-foo>"),
        ("<mj-social>x</mj-social>", "unknown tag <mj-social>"),
        ('<mj-text align="left" align="right">x</mj-text>', "attribute align twice"),
        ('<mj-text algin="left">x</mj-text>', "Did you mean 'align'?"),
        ('<mj-text align="middle">x</mj-text>', "align of <mj-text> can't be 'middle'"),
        ('<mj-text font-size="17">x</mj-text>', "font-size of <mj-text> can't be '17'"),
        ('<mj-button background-color="#12345">x</mj-button>', "can't be '#12345'"),
        ('<mj-image src="a" alt="b" padding="1px 2px 3px 4px 5px" />', "padding of <mj-image>"),
        ("<mj-section></mj-section>", "<mj-section> can't be in <mj-column>"),
        ("<mj-text><mj-button>x</mj-button></mj-text>", "<mj-button> can't be in <mj-text>"),
        ("words", "text directly in <mj-column>"),
        ("<p>words</p>", "<p> directly in <mj-column>"),
        ("<mj-text>x", "</mj-column> closes nothing"),
        ("<mj-text><p>x</mj-text>", "</mj-text> closes nothing"),
        ("<mj-text><b>x</b></p></mj-text>", "</p> closes nothing"),
        ("<mj-text><img src=x></mj-text>", 'name="value"'),
        ("<mj-text>a < b</mj-text>", "begins no tag"),
        ("<mj-text>a<br>b</mj-text>", "<br />"),
        ('<mj-image src="a" />', "image without alt"),
    ],
)
def test_what_mjml_python_would_let_pass_or_not_explain_is_refused(inside: str, message: str) -> None:
    with pytest.raises(Broken) as broken:
        compile_mjml(WRAPPED.format(inside))
    assert message in str(broken.value)


def test_a_fault_knows_the_mark_before_it() -> None:
    source = WRAPPED.format("<!--@3--><mj-text>a</mj-text><!--@4--><mj-text wdith='1px'>b</mj-text>")
    assert [fault.mark for fault in faults(source)] == [4]


@pytest.fixture
def broken_block(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A block `bad` whose author wrote MJML that is wrong, as anybody may who adds a file to the folder of blocks."""
    bad = '{% macro html(a, body, look) %}<mj-text {{ a.how }}="left">{{ body }}</mj-text>{% endmacro %}' + TEXT
    known = Registry({**registry().blocks, "bad": BAD}, registry().layouts)
    monkeypatch.setattr(directives, "registry", lambda: known)
    for kind in ("html", "text"):
        monkeypatch.setattr(
            layouts(kind),
            "loader",
            ChoiceLoader([DictLoader({"blocks/bad.mjml.j2": bad}), layouts(kind).loader]),  # type: ignore[list-item]
        )
    yield
    for kind in ("html", "text"):
        assert layouts(kind).cache is not None
        layouts(kind).cache.clear()  # type: ignore[union-attr]


BAD = Block("bad", "A bad one.", "none", "", {"how": Attribute("how", "text", main=True)})


@pytest.mark.usefixtures("broken_block")
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("Hello\n\n::: bad wdith", 8),
        ("Hello\n\n::: note\nIn it\n\n::: bad wdith\n:::", 11),
        ("{% if member.first_name %}\n::: bad wdith\n{% endif %}\n\nafter", 7),
        ("before\n\n::: bad align\n\n::: bad wdith", 10),
    ],
)
def test_what_can_t_be_made_is_told_with_the_author_s_line(body: str, line: int) -> None:
    with pytest.raises(InputError, match="can't be made into an email") as error:
        compiled(body)
    assert error.value.place == f"may.md:{line}"
    assert "wdith" in error.value.hint
