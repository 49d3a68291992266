from __future__ import annotations

import pytest

from sender.links.keys import KEY_LENGTH, Keys

keys = Keys("a secret for tests, and long enough")
IDS = [0, 1, 2, 1_000, 2**32, 2**63 - 1]


@pytest.mark.parametrize("number", IDS)
def test_a_key_leads_back_to_its_delivery_and_to_nothing_else(number: int) -> None:
    key = keys.delivery(number)
    assert len(key) == KEY_LENGTH
    assert keys.read_delivery(key) == number
    assert keys.read_attempts([key]) == {}
    assert keys.read_attempts([keys.attempt(number)]) == {keys.attempt(number): number}
    assert keys.read_delivery(keys.attempt(number)) is None


def test_many_keys_at_once_are_the_same_as_one_by_one() -> None:
    assert keys.deliveries(IDS) == [keys.delivery(number) for number in IDS]


def test_another_installation_reads_nothing() -> None:
    assert Keys("another secret").read_delivery(keys.delivery(7)) is None


@pytest.mark.parametrize("mangle", [
    lambda key: "", lambda key: key[:-1], lambda key: key + "A", lambda key: key[::-1], lambda key: "é" + key[1:],
    lambda key: key[:-1] + ("B" if key[-1] != "B" else "C"), lambda key: " " + key[1:], lambda key: "=" * KEY_LENGTH,
])  # fmt: skip
def test_what_is_not_exactly_a_key_is_none(mangle: object) -> None:
    assert keys.read_delivery(mangle(keys.delivery(7))) is None  # type: ignore[operator]
