"""Unknown fields: empty without a list, and reported; an error with its line in a check."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Daisychain
from tests.newsletters.compiling import compiled, merged

FROM = "from: Us <us@coalition.example>\n"
HEAD = f"---\ntoolkit: community-makes-us\nsubject: May\npreheader: And more\n{FROM}fields: gift\n---\n"
BODY = (
    "Dear {{ member.firstname | default('friend') }}, from {{ member.twon }}.\n\n{% if member.twon %}Here.{% endif %}\n"
)
SAYS = "Empty here, as these fields are unknown: member.firstname, member.twon."


@pytest.fixture
def document(daisychain: Daisychain) -> Path:
    path = daisychain.folder / "may.md"
    path.write_text(HEAD + BODY, encoding="utf-8")
    return path


@pytest.mark.usefixtures("document")
@pytest.mark.parametrize(
    "arguments",
    [
        ("preview", "may.md", "--out", "out", "--no-pictures"),
        ("pack", "may.md", "--for", "outlook", "--out", "out", "--no-previews"),
        ("test", "may.md", "--to", "ann@coalition.example"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_without_a_list_unknown_fields_are_empty_and_named(daisychain: Daisychain, arguments: tuple[str, ...]) -> None:
    done = daisychain("newsletter", *arguments)
    assert SAYS in " ".join(done.stderr.split())
    shown = "".join(
        file.read_text(encoding="utf-8", errors="replace")
        for file in daisychain.folder.rglob("*")
        if file.suffix in (".txt", ".eml", ".html") and "may.md" not in file.name
    )
    assert arguments[0] == "test" or "Dear friend, from ." in shown


@pytest.mark.usefixtures("document")
def test_a_check_reports_them_with_their_lines(daisychain: Daisychain) -> None:
    found = daisychain.json("newsletter", "check", "may.md", "--format", "json", code=1)["findings"]
    assert [each["place"] for each in found if "Members have no field" in each["message"]] == ["may.md:8"] * 2 + [
        "may.md:10"
    ]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("{% if member.x > 3 %}a{% else %}b{% endif %}", "b"),
        ("{% if 3 < member.x %}a{% else %}b{% endif %}", "b"),
        ('{% if member.x == "" %}a{% else %}b{% endif %}', "a"),
        ('{% if member.x in ["a"] %}a{% else %}b{% endif %}', "b"),
        ("{{ member.x | upper | default('b') }}", "b"),
        ("{{ member.x or member.first_name or 'b' }}", "b"),
        ("[{{ member['x'] }}b]", "[b]"),
    ],
)
def test_an_unknown_field_is_empty_wherever_it_is(body: str, shown: str) -> None:
    made = compiled(f"Say {body}.", any_field=True)
    assert made.unknown == ("x",)
    assert f"Say {shown}." in merged(made).text
