"""Compiling: blocks, text and conditions become sound HTML and plain text; mistakes are told by the author's line."""

from __future__ import annotations

import itertools
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.checks.html_text_parity import parity
from newsletters.compose.blocks import registry
from tests.newsletters.compiling import compiled, merged
from tests.newsletters.sample_toolkits import BLOCK, picture

VOID = {"br", "hr", "img", "meta", "link", "input"}


class Balance(HTMLParser):
    """Raises where a tag is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def balanced(html: str) -> None:
    """Both what all clients see, and what Outlook sees, open and close evenly."""
    outlook = re.sub(r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->", "", html, flags=re.DOTALL)
    outlook = re.sub(r"<!--\[if [^\]]*mso[^\]]*\]>|<!\[endif\]-->", "", outlook)
    for seen in (html, outlook):
        parser = Balance()
        parser.feed(seen[seen.index("<body") : seen.index("</body>") + 7])
        assert parser.open == []


def example(text: str) -> str:
    """A block's example with pictures and links that the test's toolkit has."""
    return (
        re.sub(r"image=[\w-]+", "image=tent", text)
        .replace("image small-acts", "image tent")
        .replace("links.toolkit", "links.join")
    )


@pytest.mark.parametrize("name", registry().blocks)
def test_a_block_s_example_compiles_to_sound_html_and_to_text(name: str) -> None:
    compilation = compiled(example(registry().blocks[name].example))
    mail = merged(compilation)
    balanced(mail.html)
    assert re.search(r"unsubscribe", mail.text, re.IGNORECASE)
    assert all(" alt=" in image for image in re.findall(r"<img[^>]*>", mail.html))
    assert parity(compilation.email), parity(compilation.email)


def test_every_combination_of_conditions_is_sound() -> None:
    body = example(
        "{% if member.first_name %}\n" + registry().blocks["hero"].example + "\nText\n{% if member.last_name %}\n"
        "::: button Go href=https://a.example\n{% else %}\n- {% if member.city %}one{% endif %}\n- two\n{% endif %}\n"
        "{% else %}\n::: note\n{% if member.city %}\nshort\n{% endif %}\nlong\n:::\n{% endif %}\n"
        "::: dates\n{% if member.city %}\n::: date Mon title=Fair\n{% endif %}\n::: date Tue title=Rest\n:::"
    )
    compilation = compiled(body, front="fields: [city]")
    for values in itertools.product(["", "x"], repeat=3):
        mail = merged(compilation, **dict(zip(["first_name", "last_name", "city"], values, strict=True)))
        balanced(mail.html)
        assert "\n\n\n" not in mail.text
        assert "mj-raw" not in mail.html


def test_cards_for_some_members_and_cards_for_others_count_once() -> None:
    card = "::: card {}\n:::\n"
    some = "{% if member.first_name %}\n" + card.format("near") + "{% else %}\n" + card.format("far") + "{% endif %}\n"
    compilation = compiled(f"::: cards\n{some}{card.format('both')}:::")
    for name in ("Ann", ""):
        mail = merged(compilation, first_name=name)
        balanced(mail.html)
        assert [mail.html.count(word) for word in ("near</h2>", "far</h2>", "both</h2>")] == [bool(name), not name, 1]


@pytest.mark.parametrize(
    "body",
    [
        "{% if member.city %}\nnear\n{% else %}\nfar\n{% endif %}",
        "a {% if member.city %}near{% else %}far{% endif %} b",
        "- {% if member.city %}near{% else %}far{% endif %}\n- always",
        "{% if member.city %}near{% else %}far{% endif %}",
        "{% if member.city %}\n::: note\nnear\n:::\n{% else %}\n::: note\nfar\n:::\n{% endif %}",
        "::: quote\n{% if member.city %}\nnear\n{% else %}\nfar\n{% endif %}\n:::",
        "| a | b |\n|---|---|\n| {% if member.city %}near{% else %}far{% endif %} | x |",
        "::: story {{ 'near' if member.city else 'far' }}\n:::",
        "<b>{% if member.city %}near{% else %}far{% endif %}</b>",
    ],
)
def test_each_member_sees_one_branch_of_a_condition(body: str) -> None:
    compilation = compiled(body, front="fields: [city]")
    for values, seen, unseen in (({"city": "Hull"}, "near", "far"), ({}, "far", "near")):
        mail = merged(compilation, **values)
        balanced(mail.html)
        for part in (mail.html[mail.html.index("<body") :], mail.text):
            assert part.count(seen) == 1
            assert unseen not in part


def test_the_mail_has_what_readers_programs_and_the_law_ask_for() -> None:
    html = merged(compiled("Hello", front="language: en-GB")).html
    assert '<html lang="en-GB" dir="ltr"' in html
    assert "<title>Hello</title>" in html
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert "And welcome\u034f" in html
    assert "1 Fair Street, Fairham FA1 1FA" in html
    for path in ("u", "v"):
        assert re.search(rf'<a href="https://a.example/{path}/KEY" clicktracking="off"', html)
    assert "fonts.googleapis" not in html


@pytest.mark.parametrize("layout", registry().layouts)
@pytest.mark.parametrize("body", ["Dear all,", "::: hero Hi\n:::\n\n## Part\n\n| a |\n|---|\n| b |"])
def test_every_mail_has_one_main_heading_and_named_columns(layout: str, body: str) -> None:
    html = merged(compiled(body, front=f"layout: {layout}")).html
    assert html.count("<h1") == 1
    assert "<th" not in html or 'scope="col"' in html


def test_an_arabic_newsletter_runs_from_right_to_left() -> None:
    html = merged(compiled("::: hero مرحبا\n:::\n\nأهلا", front="language: ar")).html
    assert '<html lang="ar" dir="rtl"' in html
    assert "direction:ltr" not in html[html.index("<body") :]
    assert "إلغاء الاشتراك" in html


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("a\n\n::: buton Go href=https://a.example", 8, "button"),
        ("::: button Go hreff=https://a.example", 6, "href"),
        ("::: button Go", 6, "needs href"),
        ("::: button Go href=javascript:x", 6, "javascript"),
        ("::: button {% if member.first_name %}a{% endif %} href=https://a.example", 6, "condition"),
        ("::: divider stars", 6, "flowers"),
        ("a\n::: note\nb", 7, "not closed"),
        ("a\n:::", 7, "nothing to close"),
        ("::: note\n:::", 6, "no text"),
        ("::: note\n::: hero Hi\n:::\n:::", 7, "inside another"),
        ("a\n\n::: card Hi\n:::", 8, "between a line of `::: cards`"),
        ("::: note\n::: number 1 label=a\n:::", 7, "between a line of `::: numbers`"),
        ("::: cards\n::: card A\n:::\n\nwords\n:::", 10, "holds card blocks, and nothing else"),
        ("::: links\n::: button A href=https://a.example\n:::", 7, "holds link blocks"),
        ("::: dates\n::: copy welcome\n:::", 7, "holds date blocks"),
        ("::: cards\n::: card A\n:::\n::: card B\n:::\n::: card C\n:::\n:::", 6, "room for 2, not 3"),
        ("::: hero Hi tone=loud\n:::", 6, "primary"),
        ("::: quote\n{% if member.first_name %}\nb\n:::\n{% endif %}", 9, "must end before"),
        ("{% if member.first_name %}\n::: note\nb\n{% endif %}\n:::", 7, "not closed"),
        ("a {% if member.first_name %}\n\nb {% endif %}", 6, "same words"),
        ("*a {% if member.first_name %}b* c{% endif %}", 6, "same words"),
        ("[a](https://a.example/{% if member.first_name %}b{% endif %})", 6, "address"),
        ("[a](https://{{ member.first_name }}.example/)", 6, "site"),
        ("::: copy welcom", 6, "welcome"),
        ("a\n\n<script>x</script>", 8, "script"),
        ("a\n\nb <mj-section>", 8, "mj-section"),
        ("<div>\n<p onclick='x'>a</p>\n</div>", 7, "onclick"),
        ("![a](../secret.png)", 6, "outside the folder of may.md"),
        ("![a](tant)", 6, "tent"),
        ("![a](https://b.example/x.png)", 6, "somebody else"),
        ("![a]({{ member.first_name }}.png)", 6, "member"),
    ],
)
def test_a_mistake_is_told_with_its_line(body: str, line: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        compiled(body, folder=tmp_path, front="")
    assert message in str(error.value)
    assert error.value.place == f"may.md:{line}"


@pytest.mark.parametrize(
    ("front", "line", "message"),
    [
        ("subjct: a", 3, "subject"),
        ("subject: {{ member.first_name }}", 3, "quotes"),
        ("subject: a\nlayout: bulletn", 4, "bulletin"),
        ("subject: a\nlanguage: english!", 4, "language"),
        ("subject: a\nfrom: nobody", 4, "address"),
        ("subject: a\nfields: [First Name]", 4, "field"),
        ("subject: '{{ member.nick }}'", 3, "nick"),
        ("subject: a\nsubject: b", 4, "twice"),
    ],
)
def test_a_mistake_in_the_front_matter_is_told_with_its_line(front: str, line: int, message: str) -> None:
    with pytest.raises(InputError) as error:
        compiled("a", front=f"{front}\n" if "subject:" in front else f"{front}\nsubject: b")
    assert message in str(error.value)
    assert error.value.place == f"may.md:{line}"


def test_a_mistake_in_a_copy_block_is_told_with_the_copy_block_s_place() -> None:
    copy = {"welcome": BLOCK.replace("*fair*", "*fair*, {{ member.nick }}")}
    with pytest.raises(InputError, match="nick") as error:
        compiled("::: copy welcome", copy=copy)
    assert error.value.place == "kit/copy/welcome.md:10"


@pytest.mark.parametrize(("line", "message"), [("embargo: 2026-03-02", "embargo"), ("expires: 2026-02-28", "expired")])
def test_copy_that_may_not_be_used_today_is_refused(line: str, message: str) -> None:
    copy = {"welcome": BLOCK.replace("version: 2", f"version: 2\n{line}")}
    with pytest.raises(InputError, match=message):
        compiled("::: copy welcome", copy=copy, today=date(2026, 3, 1))


def test_the_copy_that_was_used_is_kept_with_its_version() -> None:
    (use,) = compiled("::: copy welcome").email.copy_blocks
    assert (use.id, use.version, use.approved_by) == ("welcome", "2", "A. Trustee")


def test_fenced_code_is_no_directive() -> None:
    assert "::: button" in merged(compiled("```\n::: button\n```")).text


def test_an_image_beside_the_document_is_kept_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "our fair.png").write_bytes(picture(1000, 40))
    compilation = compiled("![Our fair](<our fair.png>)\n\n![Again](<our fair.png>)", folder=tmp_path)
    assert [image.alt for image in compilation.email.images] == ["Our fair", "Again"]
    assert list(compilation.image_contents.values()) == [picture(1000, 40)]
    assert 'alt="Our fair" width="536"' in compilation.email.html


def test_a_toolkit_s_image_brings_its_alt_text() -> None:
    assert 'alt="A striped tent."' in compiled("![](tent)").email.html


def test_every_link_is_named_by_its_words() -> None:
    email = compiled("[**Join** us](https://a.example/?a=1&b=2), <https://b.example> or <ann@c.example>.").email
    assert [(link.url, link.text, link.tracked) for link in email.links[:3]] == [
        ("https://a.example/?a=1&b=2", "Join us", True),
        ("https://b.example", "https://b.example", False),
        ("mailto:ann@c.example", "ann@c.example", False),
    ]


def test_html_in_markdown_is_made_well_formed() -> None:
    html = compiled("a <br> b & c <b>d</b>\n\n<ul><li>one<li>two</ul>").email.html
    balanced(html)
    assert "<b>d</b>" in html


TEXT = """\
# Kindness

Read [our guide](https://a.example/guide), **today** or *tomorrow*, and then write to <ann@b.example> about it.

## Next

- one
- two
  with more

1. first
2. second

> Well said.

| Town | Day |
|---|---|
| Hull | Mon |

[Join us](https://a.example/join)
"""


def test_plain_text_reads_well() -> None:
    text = merged(compiled(TEXT)).text
    assert (
        """\
Kindness
========

Read our guide <https://a.example/guide>, today or tomorrow, and then
write to ann@b.example about it.

Next
----

- one
- two with more

1. first
2. second

> Well said.

- Town: Hull — Day: Mon

Join us:
https://a.example/join
"""
        in text
    )
    assert max(map(len, text.splitlines())) <= 72


def test_html_and_text_have_the_same_links() -> None:
    mail = merged(compiled(TEXT + "\n<p><a href='https://c.example'>Raw</a></p>\n"))
    in_html = set(re.findall(r'href="(https://[^"]+)"', mail.html))
    assert in_html == set(re.findall(r"https://[^\s>]+", mail.text)) | {
        "https://a.example/v/KEY",
        "https://a.example/u/KEY",
    }
