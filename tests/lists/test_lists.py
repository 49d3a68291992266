from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import Connection

from daisychain.errors import InputError, StateError
from lists.lists import create_list, decide_tracking, find_list, parse_sender
from lists.members import find_member, find_membership, unsubscribe, unsubscribe_everywhere
from lists.overview import overview, overview_of_all
from lists.suppression import is_suppressed, suppress, suppress_file


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("Community Makes Us <news@x.org>", "Community Makes Us", "news@x.org"),
        ('"Smith, Ann" <ann@x.org>', "Smith, Ann", "ann@x.org"),
        ("  Ann   < ann@X.org > ", "Ann", "ann@X.org"),
        ("Élan – Cymru <elan@x.org>", "Élan – Cymru", "elan@x.org"),
    ],
)
def test_a_sender_is_a_name_and_an_address(text: str, name: str, address: str) -> None:
    assert parse_sender(text) == (name, address)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("news@x.org", "has no clear name and address"),
        ("<news@x.org>", "has no name before the address"),
        ("News <news@x>", "has no dot"),
        ("News <news@x.org> more", "no clear name"),
        ("News\r\nBcc: x <news@x.org>", "line break"),
        ("", "no clear name"),
    ],
)
def test_a_sender_that_can_not_be_understood_is_an_error(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        parse_sender(text)


@pytest.mark.parametrize("text", [" " * 100_000, '"a"' + " " * 100_000, "a " * 100_000, "<" + " " * 100_000])
def test_a_long_text_that_is_no_sender_is_refused_at_once(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(InputError):
        parse_sender(text)
    assert time.process_time() - begun < 1


def test_a_new_list_is_counted_without_persons_which_needs_no_decision(connection: Connection) -> None:
    create_list(connection, "friends", sender="Friends <news@x.org>", reply_to="hello@x.org")
    row = find_list(connection, "friends")
    assert (row["tracking"], row["opens"], row["clicks"]) == ("counted", "on", "on")
    assert (row["decided_at"], row["reply_to"]) == (None, "hello@x.org")


def test_recording_who_reads_is_a_recorded_decision(connection: Connection) -> None:
    decided = {"tracking": "per person", "decided_by": "Ann, trustee", "because": "consent asked on the form"}
    create_list(connection, "friends", sender="Friends <news@x.org>", **decided)
    row = find_list(connection, "friends")
    assert {key: row[key] for key in decided} == decided
    assert row["decided_at"] is not None


@pytest.mark.parametrize(
    ("choice", "mode"),
    [({"tracking": "off"}, ("off", "off", "off")), ({"opens": "off", "clicks": "off"}, ("off", "off", "off")),
     ({"opens": "off"}, ("counted", "off", "on")), ({"tracking": "per-person"}, ("per person", "on", "on"))],
)  # fmt: skip
def test_a_change_of_tracking_is_kept_with_who_and_why(
    connection: Connection, choice: dict[str, str], mode: tuple[str, str, str]
) -> None:
    create_list(connection, "friends", sender="Friends <news@x.org>")
    values = {"tracking": "counted", **choice}
    with pytest.raises(InputError, match=r"who decided it, and why|recorded decision"):
        decide_tracking(connection, "friends", **values, decided_by="", because="")
    decide_tracking(connection, "friends", **values, decided_by="Ann", because="the board said so")
    row = find_list(connection, "friends")
    assert (row["tracking"], row["opens"], row["clicks"]) == mode
    assert (row["decided_by"], row["because"]) == ("Ann", "the board said so")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tracking": "per person"}, "recorded decision(.|\n)*PECR"),
        ({"tracking": "per person", "decided_by": "Ann"}, "both who took it and why"),
        ({"decided_by": "Ann", "because": " "}, "both who took it and why"),
        ({"tracking": "some"}, "no tracking mode 'some'"),
        ({"name": "Our Friends!"}, "For instance: our-friends"),
        ({"name": "-"}, "For instance: supporters"),
        ({"name": "x" * 61}, "up to 60"),
        ({"reply_to": "hello"}, "The reply-to address 'hello' can't be used"),
        ({"sender": "news"}, "sender"),
    ],
)
def test_a_list_that_can_not_be_made_is_an_error(connection: Connection, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        create_list(connection, **{"name": "friends", "sender": "Friends <news@x.org>", **changed})


def test_a_name_is_taken_once_and_an_unknown_one_brings_the_nearest(connection: Connection) -> None:
    with pytest.raises(InputError, match="There are no lists yet"):
        find_list(connection, "friends")
    create_list(connection, "friends", sender="Friends <news@x.org>")
    with pytest.raises(StateError, match="already a list"):
        create_list(connection, "friends", sender="Friends <news@x.org>")
    with pytest.raises(InputError, match=r"Did you mean 'friends'\?"):
        find_list(connection, "freinds")
    with pytest.raises(InputError, match="Known: friends"):
        find_list(connection, "zzz")


def test_leaving_is_recorded_once_and_for_one_list(connection: Connection, list_id: int, take_in: Any) -> None:
    take_in("email\nann@x.org\n")
    other = create_list(connection, "other", sender="Other <news@x.org>")
    member = find_member(connection, "ann@x.org")["id"]
    with pytest.raises(InputError, match=r"never on this list(.|\n)*On: friends"):
        find_membership(connection, other, "ann@x.org")
    assert unsubscribe(connection, other, member, "link") is False
    assert unsubscribe(connection, list_id, member, "link") is True
    assert unsubscribe(connection, list_id, member, "one-click") is False
    left = find_membership(connection, list_id, "ANN@x.org")
    assert (left["state"], left["left_how"]) == ("unsubscribed", "link")
    assert left["left_at"] is not None
    assert not is_suppressed(connection, "ann@x.org")


def test_leaving_everything_suppresses_the_address(connection: Connection, list_id: int, take_in: Any) -> None:
    take_in("email\nann@x.org\n")
    member = find_member(connection, "ann@x.org")["id"]
    assert unsubscribe_everywhere(connection, member, "link") is True
    assert unsubscribe_everywhere(connection, member, "link") is False
    assert is_suppressed(connection, "Ann@X.org")
    assert find_membership(connection, list_id, "ann@x.org")["state"] == "unsubscribed"
    with pytest.raises(InputError, match="no member 0"):
        unsubscribe_everywhere(connection, 0, "link")


def test_a_suppression_stands_for_the_address_and_the_first_reason_stays(connection: Connection) -> None:
    assert suppress(connection, "Zoe@x.org", "bounced", "provider", "550") is True
    assert suppress(connection, "zoe@X.org", "complained") is False
    assert is_suppressed(connection, "ZOE@x.org")
    with pytest.raises(InputError, match="needs a reason"):
        suppress(connection, "ann@x.org", " ")
    with pytest.raises(InputError, match="can't be used"):
        suppress(connection, "ann", "bounced")


@pytest.mark.parametrize(
    "content",
    [
        "ann@x.org\nbob@x.org\nANN@x.org\nnobody\n",
        "Whoever\nann@x.org\nbob@x.org\nANN@x.org\nnobody\n",
        "Name,E-mail\nA,ann@x.org\nB,bob@x.org\nA,ANN@x.org\nN,nobody\n",
    ],
)
def test_a_file_of_addresses_with_or_without_headings_is_suppressed(
    connection: Connection, sheet: Any, content: str
) -> None:
    suppress(connection, "bob@x.org", "phoned")
    summary = suppress_file(connection, sheet(content), "old list")
    assert (summary.read, summary.added, summary.unchanged) == (4, 1, 2)
    assert [reason for _, reason in summary.refused] == ["has no @"]
    assert is_suppressed(connection, "ann@x.org")


def test_lists_are_shown_with_who_may_be_mailed(connection: Connection, list_id: int, take_in: Any) -> None:
    take_in("email,town\nann@x.org,Leeds\nbob@x.org,\ncy@x.org,York\ndi@x.org,York\n", basis="consent", source="form")
    take_in("email\neve@x.org\n")
    create_list(connection, "empty", sender="Empty <news@x.org>")
    unsubscribe(connection, list_id, find_member(connection, "cy@x.org")["id"], "link")
    suppress(connection, "di@x.org", "bounced")
    empty, friends = overview_of_all(connection)
    assert (empty["name"], empty["mailable"], empty["suppressed"]) == ("empty", 0, 0)
    assert (friends["mailable"], friends["unsubscribed"], friends["suppressed"]) == (3, 1, 1)
    shown = overview(connection, "friends")
    assert shown["from"] == "Friends <news@friends.example>"
    assert shown["basis"] == {"consent": 2, "unknown": 1}
    assert shown["fields"] == {"email": 3, "first_name": 0, "last_name": 0, "language": 0, "town": 1}
