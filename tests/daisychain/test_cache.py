"""What was asked for last is made once, also where many ask at once."""

from __future__ import annotations

import threading

import pytest

from daisychain.cache import Cache


def test_the_things_asked_for_last_are_kept() -> None:
    recent, made = Cache[str](2), []

    def get(key: str) -> str:
        return recent.get(key, lambda: (made.append(key), key.upper())[1])

    assert [get(key) for key in "abacab"] == list("ABACAB")
    assert made == ["a", "b", "c", "b"]


def test_many_who_ask_at_once_wait_for_one_making_and_others_do_not() -> None:
    recent, begun, go, made = Cache[int](2), threading.Event(), threading.Event(), []
    recent.get("kept", lambda: 7)

    def make() -> int:
        made.append(1)
        begun.set()
        assert go.wait(60)
        return 1

    askers = [threading.Thread(target=recent.get, args=("new", make)) for _ in range(3)]
    for asker in askers:
        asker.start()
    assert begun.wait(60)
    assert recent.get("kept", lambda: 8) == 7
    go.set()
    for asker in askers:
        asker.join()
    assert made == [1]


def test_what_could_not_be_made_is_tried_again() -> None:
    recent = Cache[int](1)
    with pytest.raises(ZeroDivisionError):
        recent.get("a", lambda: 1 // 0)
    assert recent.get("a", lambda: 1) == 1
