"""HTML in Markdown: nothing of it makes a mail fetch from somebody else's server, however it is hidden."""

from __future__ import annotations

import html as htmllib
from contextlib import suppress

import pytest

from daisychain.errors import InputError
from tests.newsletters.compiling import compiled
from tests.newsletters.sample_toolkits import BLOCK

TRACKER = "https://tracker.example/p.gif"
IMG = f"<img src={TRACKER} alt=x>"

# Browsers end a comment at `--!>` and at `<!-->`; a quoted `>` ends no tag.
HIDDEN = {
    "in an inline comment": f"Hello <!-- --!>{IMG} --> friends",
    "in an empty inline comment": f"Hello <!-->{IMG}--> friends",
    "in a block's comment": f"<div>\n<!-- --!>{IMG}<!-- -->\n</div>",
    "in comments that make a comment": f"<div>\n<!-<!-- -->- --!>{IMG} -->\n</div>",
    "in a style": f'<table><tr><td lang=">" style="background:url({TRACKER})">x</td></tr></table>',
    "in a tag": f'<b lang=">">{IMG}</b>',
    "behind a slash": f"<b><img/src={TRACKER}></b>",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
def test_no_picture_of_another_server_gets_into_a_mail(hidden: str) -> None:
    html = "<body"
    with suppress(InputError):  # refusing it is as good
        html = compiled("::: copy welcome\n", copy={"welcome": BLOCK.replace("Come", f"{hidden}\n\nCome")}).email.html
    assert f"={TRACKER}" not in html.replace('"', "").replace("&lt;img/src=", "")
    assert "url(" not in html[html.index("<body") :]


def test_a_picture_that_only_a_browser_would_find_is_refused_with_its_place() -> None:
    with pytest.raises(InputError, match=r"may\.md:6: A picture can't be shown by an HTML tag"):
        compiled(HIDDEN["in comments that make a comment"])


def test_a_picture_of_ours_and_a_table_keep_their_looks_beside_html() -> None:
    html = compiled("<b>Look</b> ![Tent](tent)\n\n|a|b|\n|--:|---|\n|1|2|\n").email.html
    assert 'alt="Tent"' in html
    assert 'src="' in html[html.index("<body") :]
    assert "text-align: right" in html


@pytest.mark.parametrize(
    ("words", "line"),
    [("Come.\n\nTea[^1].\n\n[^1]: free", 10), ("Tea[^1].\n\n[^1]: It is free.", 6), ("* Come\n* Tea[^tea]", 7)],
)
def test_footnotes_are_told_plainly_where_they_stand(words: str, line: int) -> None:
    with pytest.raises(InputError, match="There are no footnotes in an email") as error:
        compiled(words)
    assert error.value.place == f"may.md:{line}"


def test_what_only_looks_like_a_footnote_in_code_is_let_through() -> None:
    assert "[^1]" in compiled("Write `[^1]` for a note.").email.text


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ('<iframe src="https://evil.example" title="<">', "The HTML tag <iframe>"),
        ('<div onclick="evil()" lang="<">Hi</div>', "The attribute 'onclick'"),
        ('words <b onclick="evil()" lang="<">Hi</b>', "The attribute 'onclick'"),
        ('<a href="https://a.org" title="<">words', "<a> is not closed"),
    ],
)
def test_html_with_a_sign_of_a_tag_in_a_value_is_checked_as_well(html: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        compiled(html)


def test_a_value_may_hold_a_less_than_sign() -> None:
    assert 'title="5 < 6"' in htmllib.unescape(compiled('<a href="https://a.org" title="5 < 6">words</a>').email.html)
