"""Values that staff type without quotes arrive whole, or the line is reported."""

from __future__ import annotations

import pytest

from daisychain.errors import InputError
from newsletters.documents.yaml_with_lines import read_sheet


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("Join #CommunityMakesUs on Saturday", "Join #CommunityMakesUs on Saturday"),
        ("Friends of Street #9", "Friends of Street #9"),
        ("Join #one and #two", "Join #one and #two"),
        ("#CommunityMakesUs", "#CommunityMakesUs"),
        ("#1f5f4f", "#1f5f4f"),
        ("C#", "C#"),
        ("a\n  b #c", "a b #c"),
        ("spring-fair                  # part of web addresses", "spring-fair"),
        ("spring-fair  # part of it", "spring-fair"),
        ("'spring-fair' # part of it", "spring-fair"),
        ('"Join #us" # today', "Join #us"),
        ("| # as typed\n  Join #us\n  # on Saturday", "Join #us\n# on Saturday"),
    ],
)
def test_a_hash_that_begins_no_comment_is_part_of_the_value(typed: str, value: str) -> None:
    assert read_sheet(f"name: {typed}\nnext: x", "a.yml").text("name") == value
    assert read_sheet(f"names:\n- {typed}\n- x", "a.yml").texts("names") == (value, "x")


def test_a_comment_after_nothing_leaves_nothing() -> None:
    assert "name" not in read_sheet("name: # to come\nnext: x", "a.yml")


@pytest.mark.parametrize(
    "typed", ["We are # 1", '"Join" #CommunityMakesUs', "We are #", "!Urgent meeting", "&Join us", "'a' #b"]
)
def test_a_value_that_yaml_would_cut_off_is_reported_with_its_line(typed: str) -> None:
    with pytest.raises(InputError, match="quotes") as caught:
        read_sheet(f"next: x\nname: {typed}", "a.yml", first_line=2)
    assert caught.value.line == 3
