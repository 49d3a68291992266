"""Conditions between rows of tables and items of lists: both stay whole, and HTML and plain text number alike."""

from __future__ import annotations

import itertools
import re

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from daisychain.errors import InputError
from tests.newsletters.compiling import compiled, plan

FRONT = "fields: town, gift, pet"
PEOPLE = [
    {name: value for name, value in zip(("town", "gift", "pet"), values, strict=True) if value}
    for values in itertools.product(("", "x"), repeat=3)
]

NUMBERED = [
    "1. one\n2. {% if member.town %}two{% endif %}\n3. three",
    "1. one\n{% if member.town %}\n2. two\n{% endif %}\n3. three",
    "1. one\n\n{% if member.town %}\n\n2. two\n\n{% endif %}\n\n3. three",
    "1. one\n{% if member.town %}2. two{% endif %}\n3. three",
    "1. one\n{%- if member.town -%}\n2. two\n{%- endif -%}\n3. three",
    "1. one\n{% if member.town %}\n2. two\n{% else %}\n2. zwei\n{% endif %}\n3. three",
    "1. one\n{% if member.town %}2. two{% else %}2. zwei{% endif %}\n3. three",
    "1. one\n{% if member.town %}\n2. two\n3. three\n{% else %}\n2. zwei\n{% endif %}\n4. four",
    "1. one\n{% if member.town %}\n2. two\n{% elif member.gift %}\n2. zwei\n{% else %}\n2. dau\n{% endif %}\n3. three",
    "{% if member.town %}\n1. one\n{% endif %}\n2. two\n3. three",
    "1. one\n2. two\n{% if member.town %}\n3. three\n{% endif %}",
    "1. one\n{% if member.town %}\n2. two\n{% endif %}\n{% if member.gift %}\n3. three\n{% endif %}\n4. four",
    "1. one\n{% if member.town %}\n2. two\n{% if member.gift %}\n3. three\n{% endif %}\n{% endif %}\n4. four",
    "{% if member.town %}\n1. one\n{% endif %}\n{% if member.gift %}\n2. two\n{% endif %}\n"
    "{% if member.pet %}\n3. three\n{% endif %}",
    "7) one\n{% if member.town %}\n8) two\n{% endif %}\n9) three",
    "1. one\n{% if member.town %}\n2. two\n\n   More of two.\n{% endif %}\n3. three",
    "1. one\nmore of one\n{% if member.town %}\n2. two\nmore of two\n{% endif %}\n3. three",
    "1. one\n   1. inner\n   {% if member.town %}\n   2. second\n   {% endif %}\n   3. third\n2. two",
    "1. one\n{% if member.town %}\n2. two\n   1. inner\n{% endif %}\n3. three",
    "1. one\n   {% if member.town %}\n   1. inner\n   2. second\n   {% endif %}\n2. two",
    "> 1. one\n> {% if member.town %}\n> 2. two\n> {% endif %}\n> 3. three",
    "::: note\n1. one\n{% if member.town %}\n2. two\n{% endif %}\n3. three\n:::",
    "9. one\n{% if member.town %}\n10. two\n{% endif %}\n11. three",
    "1. one\n2. {% if member.town %}two{% endif %}\n3. {% if member.gift %}three{% else %}drei{% endif %}\n4. four",
    "1. one\n2. {% if member.town %}**two**{% endif %}\n\nBetween.\n\n"
    "1. one\n{% if member.gift %}\n2. two\n{% endif %}\n3. three",
]  # fmt: skip


def numbers_in_html(html: str) -> list[str]:
    """The number and first word of each item, as browsers number them."""

    def item(node: LexborNode) -> str:
        before = node.prev
        number = int((node.parent.attributes.get("start") if node.parent else "") or 1)
        while before is not None:
            number += before.tag == "li"
            before = before.prev
        return f"{number} {node.text(strip=True).split()[0]}"

    return [
        re.match(r"\d+ \w+?(?=inner|second|more|More|$)", item(each))[0]
        for each in LexborHTMLParser(html).css("ol > li")
    ]  # type: ignore[index]


@pytest.mark.parametrize("body", NUMBERED)
def test_html_and_plain_text_number_a_list_alike_for_everybody(body: str) -> None:
    plan_ = plan(compiled(f"Some words.\n\n{body}\n\nThe end.", front=FRONT))
    for member in PEOPLE:
        mail = plan_.render(member)
        in_text = [f"{number} {word}" for number, word in re.findall(r"^[> |]*(\d+)\. (\w+)", mail.text, re.MULTILINE)]
        assert in_text == numbers_in_html(mail.html), member
        assert not re.search(r"\d+\. *$", mail.text, re.MULTILINE)
        groups = [int(each.split()[0]) for each in in_text]
        assert all(after == before + 1 or after == 1 for before, after in itertools.pairwise(groups)) or "inner" in body


@pytest.mark.parametrize("body", NUMBERED)
def test_a_reader_gets_the_items_that_are_for_them(body: str) -> None:
    mail = plan(compiled(f"Some words.\n\n{body}\n\nThe end.", front=FRONT))
    held = set(re.findall(r"(?<=\d[.)] )(?:\w+)|(?<=%})\*{0,2}(\w+)(?=\W*{%)", body)) - {""}
    everything = mail.render({"town": "x", "gift": "x", "pet": "x"})
    for word in held - {"zwei", "drei", "dau"}:
        assert word in everything.text


TABLE = "| Where | When |\n|---|---:|\n| Leeds | Monday |\n"
TABLES = [
    TABLE + "{% if member.town %}\n| Hull | Tuesday |\n{% endif %}\n| York | Friday |",
    TABLE + "\n{% if member.town %}\n\n| Hull | Tuesday |\n\n{% endif %}\n\n| York | Friday |",
    TABLE + "{% if member.town %}| Hull | Tuesday |{% endif %}\n| York | Friday |",
    TABLE.rstrip() + "{% if member.town %}\n| Hull | Tuesday |{% endif %}\n| York | Friday |",
    TABLE + "{%- if member.town -%}\n| Hull | Tuesday |\n{%- endif -%}\n| York | Friday |",
    TABLE + "| York | Friday |\n{% if member.town %}\n| Hull | Tuesday |\n{% endif %}",
    "| Where | When |\n|---|---|\n{% if member.town %}\n| Hull | Tuesday |\n{% endif %}\n"
    "| Leeds | Monday |\n| York | Friday |",
    TABLE + "{% if member.town %}\n| Hull | Tuesday |\n{% else %}\n| Other | Sunday |\n{% endif %}\n| York | Friday |",
    TABLE + "{% if member.town %}| Hull | Tuesday |{% else %}| Other | Sunday |{% endif %}\n| York | Friday |",
    TABLE + "{% if member.town %}\n{% if member.town %}\n| Hull | Tuesday |\n{% endif %}{% endif %}\n| York | Friday |",
    "> " + (TABLE + "{% if member.town %}\n| Hull | Tuesday |\n{% endif %}\n| York | Friday |").replace("\n", "\n> "),
    f"::: table \"Days\"\n{TABLE}{{% if member.town %}}\n| Hull | Tuesday |\n{{% endif %}}\n| York | Friday |\n:::",
    TABLE + "{% if member.town %}\n| Hull | Tuesday |\n{% endif %}\n| York | Friday |\n\nAnd <u>raw</u> HTML.",
]  # fmt: skip


@pytest.mark.parametrize("body", TABLES)
def test_a_condition_around_a_row_keeps_the_table(body: str) -> None:
    plan_ = plan(compiled(f"Some words.\n\n{body}\n\nThe end.", front=FRONT))
    for member, sees in (({"town": "Hull"}, "Hull"), ({}, "Other" if "Other" in body else "")):
        mail = plan_.render(member)
        heads = LexborHTMLParser(mail.html).css("thead")
        table = heads[0].parent
        assert len(heads) == 1
        assert table is not None
        rows = [[cell.text(strip=True) for cell in row.css("td")] for row in table.css("tr")][1:]
        assert sorted(row[0] for row in rows) == sorted(filter(None, ["Leeds", "York", sees]))
        assert all(len(row) == 2 for row in rows)
        assert "|" not in re.sub(r"^\| ", "", mail.text, flags=re.MULTILINE)
        assert [f"Where: {row[0]} — When: {row[1]}" in mail.text for row in rows] == [True] * len(rows)
        assert ("Tuesday" in mail.text) == (sees == "Hull")
        assert "\n\n\n" not in mail.text


@pytest.mark.parametrize("part", ["mjml", "simple"])
def test_every_form_of_the_email_keeps_the_table(part: str) -> None:
    made = compiled(TABLES[0], front=FRONT, simple=True)
    html = made.mjml if part == "mjml" else made.simple.html  # type: ignore[union-attr]
    mint = made.email.mint
    assert re.search(rf"</tr>\s*{mint.pattern('B').pattern}\s*<tr>", html)
    assert re.search(rf"</tr>\s*{mint.pattern('E').pattern}\s*<tr>", html)
    assert "<!--d" not in html
    assert made.simple is not None
    token = mint.pattern().pattern
    assert re.search(rf"Leeds\tMonday\n{token}Hull\tTuesday\n{token}York\tFriday\n", made.simple.text)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (TABLE + "{% if member.town %}\n| Hull | Tuesday |\n\nWords.\n{% endif %}", 10),
        ("{% if member.town %}\n" + TABLE + "{% endif %}\n| York | Friday |", 11),
        (TABLE + "{% if member.town %}\n| Hull | Tuesday |\n::: divider\n{% endif %}", 10),
    ],
)
def test_a_condition_that_tears_a_table_is_an_error_with_its_line(body: str, line: int) -> None:
    with pytest.raises(InputError, match="partly inside a table") as error:
        compiled(body, front=FRONT)
    assert error.value.line == line


@pytest.mark.parametrize(
    "body",
    [
        "| a | b |\n|---|---|\n| 1 | 2 | {% if member.town %}x\n| 3 | 4 | {% endif %}x",
        "[a]: https://a.org/{% if member.town %}x{% endif %}\n\n[a]",
    ],
)
def test_a_condition_that_markdown_would_drop_is_an_error_with_its_line(body: str) -> None:
    with pytest.raises(InputError, match="does not open and close"):
        compiled(body, front=FRONT)


WHOLE = [
    "{% if member.town %}\n| a | b |\n|---|---|\n| 1 | 2 |\n{% else %}\n| a | b |\n|---|---|\n| 3 | 4 |\n{% endif %}",
    TABLE + "\n{% if member.town %}\nWords.\n{% endif %}",
    TABLE + "\n{% if member.town %}\n| a | b |\n|---|---|\n| 1 | 2 |\n{% endif %}",
    "{% if member.town %}\n- a\n- b\n{% endif %}\n\nWords.",
    "- a\n- b\n\n{% if member.town %}\nWords.\n{% endif %}",
    "- a\n\n{% if member.town %}\n1. b\n{% endif %}\n\n- c",
    "- {% if member.town %}a{% endif %}\n- b",
    "```\n| a |\n|---|\n- b\n```\n\n{% if member.town %}\n- c\n{% endif %}",
    "{% if member.town %}- 5 degrees{% endif %} and more",
]


@pytest.mark.parametrize("body", WHOLE)
def test_a_condition_around_something_whole_is_as_before(body: str) -> None:
    plan_ = plan(compiled(body, front=FRONT))
    for member in PEOPLE:
        assert plan_.render(member).html


def test_bullets_stay_one_list_and_none_is_left_empty() -> None:
    plan_ = plan(
        compiled(
            "- a\n{% if member.town %}\n- b\n{% endif %}\n- c\n  {% if member.gift %}\n  - d\n  {% endif %}",
            front=FRONT,
        )
    )
    for member in PEOPLE:
        lists = LexborHTMLParser(plan_.render(member).html).css("ul")
        assert len(lists) == 1 + ("gift" in member)
        assert all(each.css("li") for each in lists)


def test_a_list_of_many_conditional_items_is_quick_to_make() -> None:
    items = "\n".join(f"{{% if member.town %}}\n{n}. item {n}\n{{% endif %}}\n{n}. other {n}" for n in range(1, 150))
    assert "298. other 149" in plan(compiled(items, front=FRONT)).render({"town": "x"}).text
