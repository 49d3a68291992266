from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, false, func, insert, literal, select, text, update

from daisychain.errors import InputError, StateError
from lists.audience import Audience, Narrowing
from lists.lists import create_list
from lists.members import add_member, find_member, unsubscribe
from lists.segments import saved_segments
from lists.segments.question_error import QuestionError
from lists.segments.segment_answers import count_segment, sample_segment
from lists.segments.segment_parser import LONGEST
from lists.segments.segment_sql import narrowing_of
from lists.segments.segment_tree import Engaged, Question
from lists.segments.segment_writer import write
from lists.suppression import suppress
from lists.tables import Member, Membership
from tests.lists.segments.trees import questions

ROWS = """email,first_name,language,region,city,age,renewal
ann@x.org,Ann,en,Wales,Bath,30,2026-05-31
bob@x.org,Bob,,WALES,Bathgate,4,31/05/2026
cai@x.org,,cy,Caf\u00e9,O'Bath%,030.0,2026-02-31
dee@x.org,Dee,CY,Cafe\u0301,,thirty,05/31/2026
eve@x.org,Eve,en,,Leeds,-1,2026-04-30 09:00
"""
TODAY = date(2026, 5, 31)


def never(list_id: int, asked: Engaged) -> Narrowing:
    """Nobody ever read anything."""
    return Narrowing(false())


NOTHING_READ = dict.fromkeys(("opened", "clicked", "was sent"), never)
Who = Callable[[str], str]


@pytest.fixture
def who(connection: Connection, list_id: int, take_in: Any) -> Who:
    """Answers a question with the first letters of the people; Fay has left, Gus is suppressed."""
    take_in(ROWS + "fay@x.org,Fay,cy,Wales,Bath,30,2026-05-31\ngus@x.org,Gus,cy,Wales,Bath,30,2026-05-31\n")
    unsubscribe(connection, list_id, find_member(connection, "fay@x.org")["id"], "link")
    suppress(connection, "gus@x.org", "bounced")

    def ask(question: str) -> str:
        narrowing = narrowing_of(connection, list_id, question, NOTHING_READ, TODAY)
        found = connection.scalars(Audience(list_id, segment=narrowing).mailable(Member.email).order_by(Member.email))
        return "".join(each[0] for each in found)

    return ask


@pytest.mark.parametrize(
    ("question", "people"),
    [
        ('region is "wales"', "ab"),
        ('REGION IS "wALES"', "ab"),
        ('region is not "Wales"', "cde"),
        ('region is "CAF\u00c9"', "cd"),
        ('region in ("wales", "cafe\u0301")', "abcd"),
        ('region not in ("wales", "caf\u00e9")', "e"),
        ("region is empty", "e"),
        ("first_name is empty", "c"),
        ("not first_name is empty", "abde"),
        ("language is cy", "cd"),
        ('city contains "BATH"', "abc"),
        ('city does not contain "bath"', "de"),
        ('city contains "%"', "c"),
        ('city contains "_"', ""),
        ('city contains "o\'b"', "c"),
        ('email contains "@x.org"', "abcde"),
        ("age is 30", "ac"),
        ('age is "30"', "a"),
        ("age > 4", "ac"),
        ("age >= 4", "abc"),
        ("age < 4", "e"),
        ("age <= -1", "e"),
        ("not age > 4", "bde"),
        ("age in (4, thirty)", "bd"),
        ("renewal is 2026-05-31", "ab"),
        ("renewal before 2026-05-31", "ce"),
        ("renewal after 2026-05-30", "ab"),
        ("renewal in last 30 days", "ab"),
        ("renewal in last 1 month", "abe"),
        ("renewal in last 31 days", "abe"),
        ("renewal more than 1 month ago", "c"),
        ("renewal more than 12 weeks ago", "c"),
        ('region is "Wales" and not language is en', "b"),
        ('region is "Wales" or language is cy and age is 30', "abc"),
        ('(region is "Wales" or language is cy) and age is 30', "ac"),
        ("not (region is Wales or region is empty)", "cd"),
        ("organisation is empty", "abcde"),
        ("consent is unknown", "abcde"),
        ("consent is consent", ""),
        ("consented is empty", "abcde"),
        ("consented in last 100 years", ""),
        ("not consented in last 100 years", "abcde"),
        ("opened any of last 3 campaigns", ""),
        ("not opened any of last 3 campaigns", "abcde"),
        ("region is \"'; DROP TABLE members; --\"", ""),
        ('region is "💥" or city is "\\\\"', ""),
    ],
)  # fmt: skip
def test_questions_about_fields_find_the_right_people(who: Who, question: str, people: str) -> None:
    assert who(question) == people


def test_questions_about_the_membership(connection: Connection, list_id: int, who: Who) -> None:
    other = create_list(connection, "other", sender="Other <other@x.org>")
    add_member(connection, other, "ann@x.org", basis="consent", source="form")
    add_member(connection, other, "bob@x.org", basis="consent", source="form")
    unsubscribe(connection, other, find_member(connection, "bob@x.org")["id"], "link")
    mine = (Membership.list_id == list_id, Membership.member_id == find_member(connection, "eve@x.org")["id"])
    # Midnight in London on 1 May is 23:00 on 30 April in UTC.
    changed = {
        "joined_at": "2026-04-30 23:30+00",
        "basis": "soft-opt-in-charity",
        "collected_by": "Mind",
        "reads_agreed": True,
    }
    connection.execute(update(Membership).where(Membership.list_id == list_id).values(joined_at="2025-05-30 12:00+00"))
    connection.execute(
        update(Membership).where(*mine).values({**changed, "reads_agreed": True, "consented_at": "2026-02-10 12:00+00"})
    )
    asked = {
        'on list "other"': "a", 'not on list "other"': "bcde", "joined in last 30 days": "e",
        "joined in last 29 days": "",
        "joined is 2026-05-01": "e", "joined after 2026-04-30": "e", "joined before 2026-05-01": "abcd",
        "joined more than 1 year ago": "abcd", "organisation is MIND": "e", 'organisation contains "in"': "e",
        "consent is soft-opt-in-charity": "e", 'consent in ("consent", "unknown")': "abcd",
        "consented after 2026-02-04": "e",
        "consented is not empty": "e",
        "agreed to tracking": "e",
        "not agreed to tracking": "abcd",
    }  # fmt: skip
    assert {question: who(question) for question in asked} == asked


def test_text_that_only_looks_like_a_date_or_number_never_ends_a_question(connection: Connection, who: Who) -> None:
    odd = [
        "",
        " ",
        "9" * 400,
        "1e5",
        "NaN",
        "99/99/2026",
        "2026-99-99",
        "0000-00-00",
        "31/02/2026",
        "\u0663\u0660",
        "-",
        "1.2.3",
    ]
    for each in odd:
        connection.execute(update(Member).values(fields={"age": each, "renewal": each}))
        assert who("age > 0 or age is 5 or age < 0") in ("", "abcde")
        who("renewal in last 3 years or renewal before 2026-01-01 or renewal is 2026-02-28")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions)
def test_postgresql_answers_any_question(
    connection: Connection, list_id: int, who: Who, monkeypatch: pytest.MonkeyPatch, question: Question
) -> None:
    monkeypatch.setattr("lists.segments.segment_sql._require_fields", lambda *_: None)
    asked = write(question)
    if len(asked) > LONGEST:
        return
    with contextlib.suppress(QuestionError):  # there is no such list
        assert set(who(asked)) <= set("abcde")


@pytest.mark.usefixtures("who")
def test_names_that_do_not_exist_are_shown_with_the_nearest(connection: Connection, list_id: int) -> None:
    wrong = {
        'age is 3 and regoin is "x"': (13, "Nobody on this list has a field “regoin”", "'region'"),
        'age is 3 and on list "freinds"': (21, "There is no list “freinds”", "'friends'"),
        "organization is Mind": (0, "“organization”", "'organisation'"),
    }
    for question, (at, message, hint) in wrong.items():
        with pytest.raises(QuestionError) as caught:
            count_segment(connection, list_id, question, NOTHING_READ)
        assert (caught.value.at, message in caught.value.message, hint in caught.value.hint) == (at, True, True)


def test_a_saved_question_whose_field_is_gone_says_so(connection: Connection, list_id: int, who: Who) -> None:
    kept = saved_segments.create_segment(connection, "friends", "Welsh people", "region = Wales", by="Ann")
    assert count_segment(connection, list_id, kept.text, NOTHING_READ).people == 2
    connection.execute(update(Member).values(fields={"town": "Leeds"}))
    with pytest.raises(QuestionError, match="Nobody on this list has a field “region”"):
        count_segment(connection, list_id, kept.text, NOTHING_READ)


def test_segments_are_kept_by_name(connection: Connection, list_id: int) -> None:
    kept = saved_segments.create_segment(connection, "friends", "New in Wales!", "region = Wales", by="Ann")
    assert (kept.name, kept.text, kept.created_by) == ("new-in-wales", 'region is "Wales"', "Ann")
    with pytest.raises(StateError, match="already has"):
        saved_segments.create_segment(connection, "friends", "new in wales", "a is 1", by="")
    saved_segments.change_segment(connection, "friends", "new-in-wales", "age > 3")
    assert saved_segments.question_named(connection, "friends", "new-in-wales") == "age > 3"
    assert saved_segments.question_named(connection, "friends", "age>4") == "age>4"
    with pytest.raises(InputError, match="no segment named 'new-in-whales'") as caught:
        saved_segments.question_named(connection, "friends", "new-in-whales")
    assert "new-in-wales" in caught.value.hint
    for name in ("", "喜", "x" * 61):
        with pytest.raises(InputError, match="can't be named"):
            saved_segments.create_segment(connection, "friends", name, "a is 1", by="")
    saved_segments.delete_segment(connection, "friends", "new-in-wales")
    assert saved_segments.segments_of(connection, "friends") == []


def test_a_segment_from_before_letters_were_spelled_out_is_found_as_it_was_written(
    connection: Connection, list_id: int
) -> None:
    assert saved_segments.create_segment(connection, "friends", "Ærø", "a is 1", by="Ann").name == "aero"
    saved_segments.create_segment(connection, "friends", "gre", "a is 2", by="Ann")
    assert saved_segments.find_segment(connection, "friends", "Grße").name == "gre"


def test_a_sample_has_ten_people_at_most_who_may_be_mailed(connection: Connection, list_id: int, who: Who) -> None:
    found = sample_segment(connection, list_id, "city contains bath", NOTHING_READ)
    assert sorted(each["email"] for each in found) == ["ann@x.org", "bob@x.org", "cai@x.org"]
    connection.execute(
        text("INSERT INTO members (email, address_key, fields) "
             "SELECT n || '@y.org', n || '@y.org', '{\"city\": \"Bath\"}' FROM generate_series(1, 20) n")
    )  # fmt: skip
    joined = select(literal(list_id), Member.id).where(Member.email.like("%@y.org"))
    connection.execute(insert(Membership).from_select(["list_id", "member_id"], joined))
    assert len(sample_segment(connection, list_id, "city contains bath", NOTHING_READ)) == 10


def test_counting_gives_up_after_the_time_that_a_page_waits(connection: Connection, list_id: int, who: Who) -> None:
    def slow(list_id: int, asked: Engaged) -> Narrowing:
        return Narrowing(func.pg_sleep(30).is_not(None))

    answer = count_segment(connection, list_id, "opened last campaign", {"opened": slow}, wait=1)
    assert answer.people is None
    assert count_segment(connection, list_id, "language is cy", {}, wait=1).people == 2  # the transaction goes on
    assert connection.scalar(text("SHOW statement_timeout")) == "0"
