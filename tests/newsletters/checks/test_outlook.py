"""Outlook's branches, read as Word reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from newsletters.checks.outlook import as_word_reads, unclosed_comments, unclosed_tags
from newsletters.compose.compiler import Compilation
from tests.newsletters.checks.planting import Planted, newsletter, rewritten


def raw(html: str) -> Callable[[Compilation], Compilation]:
    """A compilation with `html` in its layout, as `mj-raw` puts it there."""
    return rewritten("</mj-body>", f"<mj-raw>{html}</mj-raw></mj-body>")


def words(html: str) -> Callable[[Compilation], Compilation]:
    """A compilation whose one paragraph is `html`."""
    return rewritten("<p>Words</p>", html)


GHOST = '<!--[if mso]><table width="300"><tr><td><![endif]-->{}<!--[if mso]></td></tr></table><![endif]-->'
LOPSIDED = "<!--[if mso]><table><tr><td><![endif]-->a<!--[if !mso]><!--></td></tr></table><!--<![endif]-->"
NARROW = '<div style="max-width:300px">a</div>'
PICTURE = '<div style="background:url(a.png)">a</div>'
VML = (
    '<!--[if mso]><v:rect fill="true"><v:fill src="a.png" /><v:textbox><![endif]-->{}'
    "<!--[if mso]></v:textbox></v:rect><![endif]-->"
)
PILL = '<p><a href="https://a.org/" style="padding:20px;border-radius:9px;text-decoration:none{}">Join</a></p>'

PLANTED = [
    Planted(
        "outlook-comments", newsletter(change=raw("<!--[if mso]><p>a</p>")), newsletter(change=raw(GHOST.format("a"))),
        "may.md:1", "[if mso]",
    ),
    Planted(
        "outlook-tables", newsletter(change=raw(LOPSIDED)),
        newsletter(change=raw(GHOST.format("a"))), "may.md:1", "is inside <td>",
    ),
    Planted(
        "outlook-width", newsletter(change=raw(NARROW)), newsletter(change=raw(GHOST.format(NARROW))), "may.md:1",
        "300px",
    ),
    Planted(
        "outlook-background", newsletter("Words", change=words(PICTURE)),
        newsletter("Words", change=words(VML.format(PICTURE))), 6, "VML",
    ),
    Planted(
        "outlook-hidden",
        newsletter("Words", change=words('<p><img src="a" alt="" width="9" style="display:none" /></p>')),
        newsletter("Words", change=words('<p><img src="a" alt="" width="9" style="display:none;mso-hide:all" /></p>')),
        6,
    ),
    Planted(
        "outlook-button", newsletter("Words", change=words(PILL.format(""))),
        newsletter("Words", change=words(PILL.format(";border:1px solid #000000"))), 6, "'Join'",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    "html",
    [
        "a<![endif]-->", "<!--[if mso]><!--[if mso]>a<![endif]--><![endif]-->", "<!--[if !mso]><!-->a<![endif]-->",
        "<!--[if mso]>a<!--<![endif]-->", "<!--[if mso]>a",
    ],
)  # fmt: skip
def test_comments_that_do_not_pair_are_told(html: str) -> None:
    assert [*unclosed_comments(html)]


@pytest.mark.parametrize(
    "html",
    [
        "<!--[if mso | IE]>a<![endif]-->",
        "<!--[if !mso]><!-->a<!--<![endif]-->",
        "<!-- a -->b",
        "<!--[if gte mso 9]>a<![endif]-->",
    ],
)
def test_comments_that_pair_are_left_in_peace(html: str) -> None:
    assert [*unclosed_comments(html)] == []


def test_word_sees_what_is_meant_for_it_and_not_what_is_hidden_from_it() -> None:
    html = "a<!--[if mso]>b<![endif]-->c<!--[if !mso]><!-->d<!--<![endif]-->e"
    assert as_word_reads(html) == "abce"


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<table><tr></table>", "</table> is inside <tr>"),
        ("</td>", "no tag open"),
        ("<v:rect>", "<v:rect> is not"),
    ],
)
def test_tables_and_vml_that_do_not_close_in_order_are_told(html: str, says: str) -> None:
    assert says in unclosed_tags(html)[0]


def test_a_background_of_our_compiler_has_its_vml() -> None:
    """What mj-section writes for a background picture is what the check asks for."""
    inside = "<mj-column><mj-text>a</mj-text></mj-column>"
    section = f'<mj-section background-url="https://a.org/a.png">{inside}</mj-section>'
    assert newsletter(change=rewritten("</mj-body>", f"{section}</mj-body>"))("outlook-background") == []
