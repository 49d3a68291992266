"""Segments at the desk: questions as lines and as text, counted while somebody waits, kept, and chosen for a send."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import func, insert, select, update

from daisychain.database import Database
from desk.segments import question_form
from lists.audience import Narrowing
from lists.lists import create_list, find_list
from lists.segments import segment_answers
from lists.segments.examples import EXAMPLES
from lists.segments.saved_segments import Segment, create_segment, segments_of
from lists.segments.segment_answers import SegmentAnswer
from lists.tables import Member, Membership
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import create
from sender.campaigns.campaign_record import find_campaign
from sender.tables import Campaign
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.desk.staff import Browser
from tests.desk.test_in_a_browser import VIEWS

As = Callable[[str], Browser]
HERE = "/desk/lists/friends/segments"
EXAMPLE_FIELDS = {"region": "Wales", "city": "Bath", "donations": "3", "last_gift": "2026-04-01"}


@pytest.fixture(autouse=True)
def friends(database: Database) -> None:
    """Five friends: two in Wales, of whom one is called Ann."""
    with database.engine.begin() as connection:
        list_id = create_list(connection, "friends", sender="Coalition <news@coalition.example>")
        create_list(connection, "volunteers", sender="Coalition <news@coalition.example>")
        for number, name in enumerate(("Ann", "Bo", "", "", "")):
            fields = {**EXAMPLE_FIELDS, "region": "Wales" if name else "England"}
            row = {"email": f"{number}@x.org", "address_key": f"{number}@x.org", "first_name": name, "fields": fields}
            id_ = connection.scalar(insert(Member).values(row).returning(Member.id))
            place = {"list_id": list_id, "member_id": id_, "basis": "consent", "source": "form"}
            connection.execute(insert(Membership).values(place))


def answer(html: str) -> str:
    found = HTMLParser(html).css_first("#answer")
    assert found is not None
    return " ".join(found.text().split())


def lines(*rows: tuple[str, str, str, str], do: str = "count") -> dict[str, str]:
    """The form with lines: a place, a subject, a comparison and a value each."""
    found = {"lines": "yes", "do": do}
    for place, *parts in rows:
        found |= {f"{name}-{place}": part for name, part in zip(("subject", "how", "value"), parts, strict=True)}
    return found


def test_lines_are_counted_and_shown_as_text(as_role: As) -> None:
    sender = as_role("sender")
    asked = {
        'region is "Wales"': (("0-0", "region", "is", "Wales"),),
        'region is "Wales" and first_name is "Ann"': (
            ("0-0", "region", "is", "Wales"), ("0-1", "first_name", "is", "Ann"),
        ),
        '(region is "Wales" and first_name is "Ann") or region is not "Wales"': (
            ("0-0", "region", "is", "Wales"), ("0-1", "first_name", "is", "Ann"), ("1-0", "region", "is not", "Wales"),
        ),
    }  # fmt: skip
    for (text, rows), people in zip(asked.items(), ("2 people", "1 person", "4 people"), strict=True):
        page = sender.post(f"{HERE}/ask", **lines(*rows)).text
        assert answer(page).startswith(people)
        assert HTMLParser(page).css_first("#text").text().strip() == text  # type: ignore[union-attr]


def test_lines_and_groups_are_added_and_removed_without_script(as_role: As) -> None:
    sender = as_role("sender")
    wales, ann = ("0-0", "region", "is", "Wales"), ("0-1", "first_name", "is", "Ann")

    def places(do: str, *rows: tuple[str, str, str, str]) -> list[str]:
        page = HTMLParser(sender.post(f"{HERE}/ask", **lines(*rows, do=do)).text)
        return [str(each.attributes["name"]).removeprefix("subject-") for each in page.css("select[name^=subject]")]

    assert places("line-0", wales) == ["0-0", "0-1"]
    assert places("group", wales, ann) == ["0-0", "0-1", "1-0"]
    assert places("drop-0-1", wales, ann) == ["0-0"]
    assert places("drop-0-0", wales) == ["0-0"]
    assert places("line-7", wales) == ["0-0"]
    assert places("drop-x", wales) == ["0-0"]


@pytest.mark.parametrize(("question", "meaning"), EXAMPLES)
def test_each_example_opens_and_is_answered(as_role: As, question: str, meaning: str) -> None:
    sender = as_role("sender")
    assert meaning in sender.get(HERE).text
    page = sender.get(f"{HERE}/ask?example={EXAMPLES.index((question, meaning))}")
    assert page.status_code == 200
    assert "on friends who may be mailed" in answer(page.text)


def test_an_error_in_the_text_is_shown_below_its_character(as_role: As) -> None:
    page = as_role("sender").post(f"{HERE}/ask", text="region isnt Wales")
    assert page.status_code == 422
    assert "“isnt” does not fit here (character 8). Did you mean “is”?" in page.text
    assert HTMLParser(page.text).css_first(".pointer").text() == "region isnt Wales\n       ^"  # type: ignore[union-attr]
    assert answer(page.text).startswith("No answer: “isnt” does not fit here")


def test_people_who_are_left_out_come_after_the_answer(as_role: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_form, "count_segment", lambda *_, **__: SegmentAnswer(2, unknown=3))
    page = as_role("sender").post(f"{HERE}/ask", text="opened last campaign")
    assert answer(page.text) == (
        "2 people on friends who may be mailed; 3 are left out, as it is unknown what they read."
    )


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE members; --", "a\x00b is 1", "💥", "(" * 3000, "not " * 999 + "a is 1", "x" * 10_000]
)
def test_bad_input_is_answered_with_a_message(as_role: As, text: str) -> None:
    sender = as_role("sender")
    assert sender.post(f"{HERE}/ask", text=text).status_code == 422
    value = {"lines": "yes", "do": "count", "subject-0-0": text, "how-0-0": text, "value-0-0": text}
    assert sender.post(f"{HERE}/ask", **value).status_code in (400, 422)


def test_a_question_is_kept_changed_and_deleted_by_who_may(as_role: As, database: Database) -> None:
    sender, editor = as_role("sender"), as_role("editor")
    assert "Ask a question" not in editor.get(HERE).text  # the answer may be about one person
    assert [editor.get(f"{HERE}/ask").status_code, editor.post(f"{HERE}/ask", text="region is x").status_code] == [
        403,
        403,
    ]
    assert editor.post(f"{HERE}/keep", text="region is Wales", name="Welsh").status_code == 403
    assert "is kept" in sender.post(f"{HERE}/keep", text="region is Wales", name="Welsh people").text
    assert "can’t" not in sender.get(f"{HERE}/ask?segment=welsh-people").text
    sender.post(f"{HERE}/keep", text="region is England", segment="welsh-people")
    for text, name in (("region isnt x", "y"), ("region is x", ""), ("region is x", "Welsh people")):
        assert sender.post(f"{HERE}/keep", text=text, name=name).status_code == 422
    with database.engine.connect() as connection:
        assert [(each.name, each.text) for each in segments_of(connection, "friends")] == [
            ("welsh-people", 'region is "England"')
        ]
    assert editor.post(f"{HERE}/welsh-people/delete").status_code == 403
    sender.post(f"{HERE}/welsh-people/delete")
    assert sender.post(f"{HERE}/welsh-people/delete").status_code == 404
    assert sender.get("/desk/lists/none/segments").status_code == 404


def test_counting_that_takes_too_long_says_so(as_role: As, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = select(func.set_config("statement_timeout", "1ms", True))
    monkeypatch.setattr(segment_answers, "_SETTINGS", slow)
    monkeypatch.setattr(segment_answers, "narrowing_of", lambda *_: Narrowing(func.pg_sleep(1).is_not(None)))
    page = as_role("sender").post(f"{HERE}/ask", text="region is Wales")
    assert answer(page.text).startswith("More than 2 seconds to count")


def test_the_send_wizard_sends_to_a_segment_and_keeps_it(as_role: As, database: Database) -> None:
    sender = as_role("sender")
    with database.engine.begin() as connection:
        create_segment(connection, "friends", "welsh", "region is Wales", by="Priya")
        content = (
            "---\nsubject: Kindness\npreheader: Three small things.\ntoolkit: community-makes-us\ntitle: May\n---\n"
            "Dear friend,\n\n::: copy welcome\n"
        )
        made = create(connection, "May", Contents({"": content}), who="Priya", name="may")
    wizard = f"/desk/newsletters/{made.id}/send"
    assert "Only “welsh”" in sender.get(f"{wizard}/list").text
    sender.post(f"{wizard}/checks", list="friends/welsh")
    with database.engine.connect() as connection:
        draft = find_campaign(connection, connection.scalar(select(Campaign.id)) or 0)
    assert draft.segment == 'region is "Wales"'
    look = sender.get(f"{wizard}/look").text
    assert "Send to 2 people" in look
    assert 'region is "Wales"' in HTMLParser(look).body.text()  # type: ignore[union-attr]
    assert "Consent on the whole list" in look  # 5 people, beside a button with 2
    # Checked once more, and with the segment gone: the draft's question stays.
    with database.engine.begin() as connection:
        connection.execute(Segment.__table__.delete())  # type: ignore[attr-defined]
    assert "Only people as until now" in sender.get(f"{wizard}/list").text
    sender.post(f"{wizard}/checks", list="friends/=")
    assert "Send to 2 people" in sender.get(f"{wizard}/look").text
    with database.engine.begin() as connection:
        connection.execute(update(Member).values(fields={}))
    assert sender.get(f"{wizard}/look").status_code < 500
    sender.post(f"{wizard}/checks", list="friends")
    assert "Send to 5 people" in sender.get(f"{wizard}/look").text


@pytest.mark.usefixtures("scripts")
def test_anybody_can_use_it_and_it_counts_while_they_type(
    opened_as: Callable[..., Page], url: str, database: Database
) -> None:
    page = opened_as("admin")
    with database.engine.begin() as connection:
        create_segment(connection, "friends", "welsh", "region is Wales", by="Priya")
        assert find_list(connection, "friends")
    page.goto(f"{url}{HERE}/ask")
    page.locator("[name=subject-0-0]").select_option("region")
    page.locator("[name=value-0-0]").fill("Wales")
    expect(page.locator("#answer")).to_contain_text("2 people")
    expect(page.locator("#text")).to_have_value('region is "Wales"')
    page.locator("[name=value-0-0]").fill("England")
    expect(page.locator("#answer")).to_contain_text("3 people")
    page.get_by_role("button", name="And …").click()
    expect(page.locator("[name=subject-0-1]")).to_be_visible()
    page.locator("#text").fill("region isnt England")
    page.get_by_role("button", name="Count this text").click()
    expect(page.locator(".pointer")).to_be_visible()
    found = {}
    for name in ("error", "ask", "list"):
        if name != "error":
            page.goto(f"{url}{HERE}/ask?example=5" if name == "ask" else f"{url}{HERE}")
        for width, scheme in VIEWS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found[name, width, scheme] = broken_rules(page) + ["scrolls sideways"] * scrolls_sideways(page)
            if folder := os.environ.get("SEGSHOTS"):
                page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
    assert not {name: rules for name, rules in found.items() if rules}
