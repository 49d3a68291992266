"""What differs between two versions of a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletters.stored.differences import blocks, changed_lines

SEQUENCES = st.lists(st.sampled_from("abc"), max_size=12)


@given(SEQUENCES, SEQUENCES)
def test_the_blocks_are_all_of_both_in_order(old: list[str], new: list[str]) -> None:
    found = list(blocks(old, new))
    assert [each for first, last, *_ in found for each in old[first:last]] == old
    assert [each for *_, first, last in found for each in new[first:last]] == new


def test_the_lines_that_went_and_came_are_told() -> None:
    assert changed_lines("a\nb\nc\n", "a\nx\nc\nd\n") == ["-b", "+x", "+d"]
    assert changed_lines("a\n---\n", "a\n") == ["----"]
    assert changed_lines("a\n", "a\n") == []


def test_changes_at_both_ends_of_a_long_text_are_the_only_ones() -> None:
    lines = [f"line {number}" for number in range(450)]
    changed = changed_lines("\n".join(lines), "\n".join(["first", *lines[1:-1], "last"]))
    assert changed == ["-line 0", "+first", "-line 449", "+last"]


def test_very_many_lines_that_are_alike_are_one_change() -> None:
    many = 1_000
    assert changed_lines("a\nx\n" + "b\nc\n" * many + "z\n", "a\n" + "c\nb\nb\n" * many + "z\n") == [
        "-x", *["-b", "-c"] * many, *["+c", "+b", "+b"] * many,
    ]  # fmt: skip
