from __future__ import annotations

import pytest

from sender.links.keys import KEY_LENGTH, KeyKind, Keys

keys = Keys("a secret for tests, and long enough")
IDS = [0, 1, 2, 1_000, 2**32, 2**63 - 1]


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize("number", IDS)
def test_a_key_leads_back_to_its_id_as_the_kind_it_is_and_no_other(number: int, kind: KeyKind) -> None:
    [key] = keys.make(kind, [number])
    assert len(key) == KEY_LENGTH
    assert [each for each in KeyKind if keys.read(each, [key])] == [kind]
    assert keys.read(kind, [key]) == {key: number}


@pytest.mark.parametrize("kind", KeyKind)
def test_a_header_s_key_is_one_for_headers_or_of_an_old_mail(kind: KeyKind) -> None:
    assert bool(keys.read_headers(keys.make(kind, [7]))) == (kind in (KeyKind.HEADER, KeyKind.ANY))


def test_an_old_key_is_the_same_as_ever() -> None:
    # In mail already sent: the kinds' numbers, the cipher and the spelling stay.
    assert keys.make(KeyKind.ANY, [7]) == ["0_bywjrZwhiwgodJKkJchg"]


def test_many_keys_at_once_are_the_same_as_one_by_one() -> None:
    assert keys.make(KeyKind.VIEW, IDS) == [keys.make(KeyKind.VIEW, [number])[0] for number in IDS]


def test_the_keys_of_links_stand_in_the_order_of_their_purposes() -> None:
    [one, two] = keys.of_links([1, 2])
    assert {name: keys.read(KeyKind[name.upper()], [key])[key] for name, key in one._asdict().items()} == {
        "click": 1, "pixel": 1, "view": 1, "unsubscribe": 1, "preferences": 1,
    }  # fmt: skip
    assert two.view == keys.make(KeyKind.VIEW, [2])[0]


def test_another_installation_reads_nothing() -> None:
    assert not Keys("another secret").read(KeyKind.VIEW, keys.make(KeyKind.VIEW, [7]))


@pytest.mark.parametrize("mangle", [
    lambda key: "", lambda key: key[:-1], lambda key: key + "A", lambda key: key[::-1], lambda key: "é" + key[1:],
    lambda key: key[:-1] + ("B" if key[-1] != "B" else "C"), lambda key: " " + key[1:], lambda key: "=" * KEY_LENGTH,
])  # fmt: skip
def test_what_is_not_exactly_a_key_is_none(mangle: object) -> None:
    assert keys.read(KeyKind.VIEW, [mangle(keys.make(KeyKind.VIEW, [7])[0])]) == {}  # type: ignore[operator]
