"""The text part says what the page says: every kind of markup that staff can write, in signs that plain text has."""

from __future__ import annotations

import pytest

from newsletters.checks.html_text_parity import parity
from newsletters.compose.plain_text import link_text
from tests.newsletters.compiling import compiled, merged


def text_of(body: str, **member: str) -> str:
    """The text part of a newsletter, without its head and footer."""
    text = merged(compiled(body), **member).text
    return text[text.index("/KEY") + 4 : text.index("\n-- \n")].strip("\n")


@pytest.mark.parametrize("struck", ["~~Friday~~", "<s>Friday</s>", "<del>Friday</del>", "<del>*Friday* </del>"])
def test_what_is_struck_out_is_marked(struck: str) -> None:
    assert text_of(f"On {struck} <ins>Saturday</ins>.").split() == ["On", "~Friday~", "Saturday."]


def test_what_is_struck_out_over_a_whole_block_is_marked() -> None:
    assert text_of("<del>\n<p>Old news</p>\n</del>\n\nNew news") == "~Old news~\n\nNew news"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("10<sup>6</sup> people", "10⁶ people"),
        ("x<sup>n+1</sup>", "xⁿ⁺¹"),
        ("2<sup>a b</sup>", "2^(a b)"),
        ("the 1<sup>st</sup> of May, the 2<sup>nd</sup>, le 3<sup>e</sup>", "the 1st of May, the 2nd, le 3e"),
        ("Bran<sup>TM</sup> Flakes<sup>*</sup>", "BranTM Flakes*"),
        ("H<sub>2</sub>O, CO<sub>2</sub>e, v<sub>max</sub>", "H₂O, CO₂e, v_max"),
        ("said <q>hello</q>", "said “hello”"),
        ('<abbr title="National Health Service">NHS</abbr>', "NHS (National Health Service)"),
        ('<abbr title="NHS">NHS</abbr>', "NHS"),
        ("fish &amp; chips &lt;3 &pound;5", "fish & chips <3 £5"),
        ("one<br>two<br />three", "one\ntwo\nthree"),
        ("soft&shy;hyphen", "softhyphen"),
        ("<b>b</b> <i>i</i> <mark>m</mark> <small>s</small> <code>c</code>", "b i m s c"),
    ],
)
def test_what_html_shows_by_style_is_written_out(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>One</li><li>Two<ol><li>In two</li></ol></li></ul>", "- One\n- Two\n  1. In two"),
        ("<ol><li>One</li><li><p>Two</p><p>More</p></li></ol>", "1. One\n2. Two\n\n   More"),
        ("- a\n  1. b\n  2. c\n- d", "- a\n  1. b\n  2. c\n- d"),
        ("<pre>\nMon  9:00\nTue 10:00\n</pre>", "    Mon  9:00\n    Tue 10:00"),
        ("<pre>a  b  <s>c</s>\n</pre>", "    a  b  ~c~"),
        ("<blockquote><p>One</p><p>Two</p></blockquote>", "> One\n\n> Two"),
        ("<div>One</div><div>Two</div>", "One\n\nTwo"),
        ("One\n\n<hr>\n\nTwo", "One\n\n* * *\n\nTwo"),
        ("##### Parking <br>\n\nHere", "Parking\n\nHere"),
        ("<h5>Parking</h5>\n\nHere", "Parking\n\nHere"),
    ],
)
def test_blocks_of_html_read_as_those_of_markdown(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<tr><th>Branch</th><th>Open</th></tr><tr><td>Leeds</td><td>Mon</td></tr>", "- Branch: Leeds — Open: Mon"),
        (
            "<thead><tr><th>A</th><th></th></tr></thead><tbody><tr><td>1</td><td>2</td><td>3</td></tr></tbody>",
            "- A: 1 — 2 — 3",
        ),
        ("<tr><td>Leeds</td><td>Mon</td></tr><tr><td>Hull</td><td></td></tr>", "- Leeds — Mon\n- Hull"),
        ("<tr><th>When</th><td>Mon</td></tr><tr><th>Where</th><td>Hall</td></tr>", "- When: Mon\n- Where: Hall"),
        ("<tr><td>Days</td><td>Mon<br>Tue</td></tr>", "- Days — Mon; Tue"),
        ("<tr><td>Bring</td><td><ul><li>Tea</li><li>Cake</li></ul></td></tr>", "- Bring — Tea; Cake"),
        ("<tr><td>In</td><td><table><tr><td>a</td><td>b</td></tr></table></td></tr>", "- In — a — b"),
        ("<tr><th>Only</th><th>heads</th></tr>", "- Only — heads"),
    ],
)
def test_cells_of_a_table_stay_apart(html: str, text: str) -> None:
    assert text_of(f"<table>{html}</table>") == text


@pytest.mark.parametrize(
    ("words", "url", "text"),
    [
        ("Write", "mailto:help@a.org?subject=Hi%20you&body=x%0Ay", "Write <help@a.org>"),
        ("help@a.org", "mailto:help@a.org?subject=Hi", "help@a.org"),
        ("Share it", "mailto:?subject=Look", "Share it"),
        ("Ring", "tel:+44%2020%207946%200000", "Ring <+44 20 7946 0000>"),
        ("020 7946 0000", "tel:+442079460000", "020 7946 0000"),
        ("+44 (0)20 7946 0000", "tel:+442079460000", "+44 (0)20 7946 0000"),
        ("Flat 12", "tel:+442079460012", "Flat 12 <+442079460012>"),
        ("Text us", "sms:+447700900000?body=Hi", "Text us <+447700900000>"),
        ("a.org/x", "https://www.a.org/x/", "https://www.a.org/x/"),
        ("read", "https://a.org/x", "read <https://a.org/x>"),
        ("", "https://a.org/x", "https://a.org/x"),
    ],
)
def test_an_address_is_written_as_people_read_it(words: str, url: str, text: str) -> None:
    assert link_text(words, url) == text


def test_addresses_of_blocks_are_written_as_people_read_them() -> None:
    made = compiled('::: button "Write" href="mailto:a@b.org?subject=Hi%20you"', simple=True)
    assert "Write:\na@b.org\n" in made.email.text
    assert made.simple is not None
    # In an editor one types the whole address of the link.
    assert "ADDRESS   mailto:a@b.org?subject=Hi%20you" in made.simple.text


@pytest.mark.parametrize(
    "body",
    [
        "[a](mailto:a@b.org?subject=x) [020 7946 0000](tel:+442079460000)",
        "[a.org](https://a.org/) <a href='tel:+44 20 7946 0000'>Ring</a>",
        '::: button "Ring" href="tel:+44%2020%207946%200000"',
    ],
)
def test_an_address_that_people_read_differently_is_no_difference(body: str) -> None:
    assert parity(compiled(body).email)


@pytest.mark.parametrize(
    "body",
    [
        "![](tent)", "[![](tent)](https://a.org/)", "::: hero Hi image=tent\n:::", "::: story Hi image=tent\n:::",
        "::: image tent", "::: item Hi image=tent", "::: cards\n::: card Hi image=tent\n:::\n:::",
        "::: signature Ann image=tent",
    ],
)  # fmt: skip
def test_the_text_has_the_toolkit_s_alt_text(body: str) -> None:
    assert "[A striped tent.]" in text_of(body)


def test_conditions_beside_html_leave_no_gap() -> None:
    some = "{{% if member.last_name %}}{}{{% endif %}}".format
    body = f"One<br>\n\n- {some('two')}\n- three\n\n{some('four')}\n\nfive"
    assert text_of(body, last_name="") == "One\n\n- three\n\nfive"
    assert text_of(body, last_name="x") == "One\n\n- two\n- three\n\nfour\n\nfive"


def test_no_line_ends_inside_a_number() -> None:
    for words in range(1, 72):
        lines = text_of(f"{'x' * words} +44 20 7946 0000 and 1 200 000").split("\n")
        assert any("+44 20 7946 0000" in line for line in lines)
        assert any("1 200 000" in line for line in lines)
