from __future__ import annotations

import pytest
from sqlalchemy import update

from daisychain.database import Database
from lists.tables import Member
from tests.command import Daisychain

JSON = ("--format", "json")
WALES = 'region = "Wales"'


@pytest.fixture
def wales(friends: Daisychain) -> Daisychain:
    """Ann and Bob live in Wales, Cay in England."""
    people = "Email,Region\nann@people.example,Wales\nbob@people.example,Wales\ncay@people.example,England\n"
    (friends.folder / "regions.csv").write_text(people)
    friends("list", "import", "friends", "regions.csv")
    return friends


def test_a_segment_is_kept_shown_changed_and_deleted(wales: Daisychain) -> None:
    made = wales.json("segment", "create", "friends", "Welsh", WALES, *JSON)
    assert (made["name"], made["text"], made["people"], made["unknown"]) == ("welsh", 'region is "Wales"', 2, 0)
    assert "2 people" in wales("segment", "show", "friends", "welsh").output
    wales("segment", "change", "friends", "welsh", f"{WALES} and first_name is Ann")
    assert wales.json("segment", "count", "friends", "welsh", *JSON)["people"] == 1
    (ann,) = wales.json("segment", "sample", "friends", "welsh", *JSON)
    assert ann["email"] == "ann@people.example"
    assert [each["name"] for each in wales.json("segment", "list", "friends", *JSON)] == ["welsh"]
    wales("segment", "delete", "friends", "welsh")
    assert "no segment named 'welsh'" in wales("segment", "count", "friends", "welsh", code=1).stderr
    assert wales.json("segment", "list", "friends", *JSON) == []


def test_an_error_shows_the_place_below_the_question(wales: Daisychain) -> None:
    for command in (("count", "friends"), ("sample", "friends"), ("create", "friends", "x")):
        lines = wales("segment", *command, "regoin is x", code=1).stderr.splitlines()
        assert lines[0] == "Error: Nobody on this list has a field “regoin” (character 1)."
        assert lines[1:3] == ["  regoin is x", "  ^"]
        assert lines[3] == "  Did you mean 'region'?"
    assert "no list named 'freinds'" in wales("segment", "count", "freinds", WALES, code=1).stderr


def test_a_campaign_for_a_segment_keeps_the_question_and_mails_only_who_fulfils_it(wales: Daisychain) -> None:
    wales("segment", "create", "friends", "welsh", WALES)
    made = wales.json(
        "campaign", "create", "bulletin.md", "--list", "friends", "--segment", "welsh", "--provider", "outbox", *JSON
    )
    assert (made["segment"], made["segment_people"]) == ('region is "Wales"', None)
    wales("segment", "change", "friends", "welsh", "region is England")
    sent = wales("campaign", "send", "1", "--yes", "--with-warnings")
    assert 'Segment      region is "Wales"' in sent.stderr
    assert "friends: 2 people" in sent.stderr
    assert 'Segment: region is "Wales" (2 people at the freeze)' in wales("campaign", "status", "1").output
    assert wales.json("campaign", "status", "1", *JSON)["segment_people"] == 2
    mails = [path.read_text() for path in (wales.settings.home / "outbox").rglob("*.eml")]
    assert len(mails) == 2
    assert not any("cay@people.example" in mail for mail in mails)


def test_a_campaign_whose_field_is_gone_says_so_and_mails_nobody(wales: Daisychain, database: Database) -> None:
    refused = wales("campaign", "create", "bulletin.md", "--list", "friends", "--segment", "nation is x", code=1).stderr
    assert "Nobody on this list has a field “nation”" in refused
    wales("campaign", "create", "bulletin.md", "--list", "friends", "--segment", WALES, "--provider", "outbox")
    with database.engine.begin() as connection:
        connection.execute(update(Member).values(fields={}))
    gone = wales("campaign", "send", "1", "--yes", "--with-warnings", code=1).stderr
    assert "Nobody on this list has a field “region” (character 1)" in gone
    assert wales.json("campaign", "status", "1", *JSON)["state"] == "draft"
