"""The intake: bodies that dribble in hold up no page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from daisychain.work.serve import THREADS
from pages.request_limits import AT_ONCE, RequestLimit


def nested(methods: list[str], answers: list[int], at_once: int) -> RequestLimit:
    """An application that asks itself with the next of `methods` while it answers."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        if methods:
            answers.append(Client(intake).open("/", method=methods.pop(0)).status_code)
        return Response("ok")(environ, start_response)

    intake = RequestLimit(app, at_once)
    return intake


@pytest.mark.parametrize(
    ("methods", "answers"), [(["POST", "POST"], [503, 200]), (["POST", "GET"], [200, 200]), (["GET"], [200])]
)
def test_only_so_many_bodies_are_taken_in_at_once(methods: list[str], answers: list[int]) -> None:
    found: list[int] = []
    client = Client(nested(methods, found, at_once=2))
    assert client.post("/").status_code == 200
    assert found == answers
    assert client.post("/").status_code == 200  # places are given back


def test_who_is_turned_away_is_told_when_to_come_again() -> None:
    answer = Client(RequestLimit(lambda environ, start: [], at_once=0)).post("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_place_is_given_back_when_the_application_fails() -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        raise RuntimeError

    client = Client(RequestLimit(app, at_once=1))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            client.post("/")


def test_half_of_the_threads_are_kept_for_pages() -> None:
    assert AT_ONCE * 2 <= THREADS
