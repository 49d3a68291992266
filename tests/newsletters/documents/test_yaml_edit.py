"""One value of a YAML text is changed, and every other line stays as it is."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletters.documents.yaml_edit import value_at, with_scalar, with_value

SHEET = """\
# The spring campaign.
name: spring-fair
title:   Spring Fair   # as on the posters
summary: Join #Kindness

links: {join: https://fairs.org.uk/join, news: '/news'}
brand:
  colours:
    # agreed in March
    primary: "#1d5c53"
  footer:
    address: |
      1 Example Street
      Exampleton

    charity number: 0123
empty:
images:
  tent: {file: images/tent.png, alt: A tent.}
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("path", "value", "gone", "new"),
    [
        (("title",), "Fair", ["title:   Spring Fair   # as on the posters"], ["title:   Fair   # as on the posters"]),
        (("title",), "Fair: 1", ["title:   Spring Fair   # as on the posters"],
         ['title:   "Fair: 1"   # as on the posters']),
        (("summary",), "All", ["summary: Join #Kindness"], ["summary: All"]),
        (("summary",), "Join #All", ["summary: Join #Kindness"], ['summary: "Join #All"']),
        (("brand", "colours", "primary"), "#123456", ['    primary: "#1d5c53"'], ['    primary: "#123456"']),
        (("brand", "colours", "accent"), "#123456", [], ['    accent: "#123456"']),
        (("brand", "radius"), "4", [], ["  radius: 4"]),
        (("brand", "footer", "address"), "2 Road\nTown",
         ["    address: |", "      1 Example Street", "      Exampleton"],
         ["    address: |-", "      2 Road", "      Town"]),
        (("brand", "footer", "charity number"), "", ["    charity number: 0123"], []),
        (("empty",), "full", ["empty:"], ["empty: full"]),
        (("empty", "a"), "full", [], ["  a: full"]),
        (("links", "join"), "/join", ["links: {join: https://fairs.org.uk/join, news: '/news'}"],
         ["links:", '  join: "/join"', "  news: '/news'"]),
        (("approval",), "second person", [], ["approval: second person"]),
        (("new", "deep"), "yes", [], ["new:", "  deep: yes"]),
    ],
)  # fmt: skip
def test_only_the_lines_of_the_value_change(
    path: tuple[str, ...], value: str, gone: list[str], new: list[str], ends: str
) -> None:
    before = SHEET.replace("\n", ends)
    after = with_value(before, path, value)
    assert value_at(after, path) == value
    old, now = before.split(ends), after.split(ends)
    assert [line for line in old if line not in now] == gone
    assert [line for line in now if line not in old] == new
    assert [line for line in now if line in old] == [line for line in old if line in now]


def test_a_value_that_is_the_same_stays_as_it_is_written() -> None:
    for path, value in [
        (("title",), "Spring Fair"), (("brand", "colours", "primary"), "#1d5c53"), (("links", "news"), "/news"),
        (("brand", "footer", "address"), "1 Example Street\nExampleton"), (("nothing",), ""),
    ]:  # fmt: skip
        assert with_value(SHEET, path, value) == SHEET


def test_a_key_goes_with_what_is_below_it() -> None:
    after = with_scalar(SHEET, ("brand",), None)
    assert after == SHEET[: SHEET.index("brand:")] + SHEET[SHEET.index("empty:") :]


def test_a_comment_behind_a_value_stays_one() -> None:
    assert value_at(with_value("a:  # why\nb: 1\n", ("a",), "x"), ("a",)) == "x"
    assert "# why" in with_value("a: # why\n", ("a",), "one\ntwo")


PATHS = st.lists(st.sampled_from(["title", "brand", "links", "a b", "x:y", "é"]), min_size=1, max_size=3).map(tuple)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=40).map(str.strip)


@given(st.lists(st.tuples(st.sampled_from(string.ascii_lowercase[:4]), PATHS, TEXTS), max_size=8))
def test_whatever_is_typed_is_read_back_and_nothing_else_changes(steps: list[tuple[str, tuple[str, ...], str]]) -> None:
    text, known = "", {}
    for first, path, value in steps:
        whole = (first + str(len(path)), *path)  # a key is either text or holds others
        text = with_value(text, whole, value)
        for other in [each for each in known if each[: len(whole)] == whole or whole[: len(each)] == each]:
            del known[other]
        known[whole] = value
        for each, expected in known.items():
            assert value_at(text, each) == expected
        assert with_value(text, whole, value) == text
