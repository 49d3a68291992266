from __future__ import annotations

import io

import pytest
from sqlalchemy import delete, insert, select, text, update

from daisychain.clock import shown_day
from daisychain.database import Database
from daisychain.errors import InputError
from lists.lists import create_list, edit_list, find_list
from lists.members import unsubscribe
from lists.overview import overview
from lists.suppression import suppress
from lists.tables import Member, Membership
from sender.campaigns.freeze import freeze
from sender.campaigns.people_by_state import people, write_csv
from sender.campaigns.person_answer import did_they_get_it
from sender.campaigns.steering import cancel
from sender.campaigns.timeline import read_timeline
from sender.delivery.ledger import read_ledger
from sender.tables import Batch, CampaignEmail, Delivery, Sender
from tests.sender.staging import claim_batch, staged


@pytest.fixture
def campaign_id(database: Database) -> int:
    """A frozen campaign for person0 and person3; person1 had left, and person2 was suppressed."""
    campaign_id = draft_with_two_gone(database)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=1000)
    return campaign_id


def draft_with_two_gone(database: Database) -> int:
    campaign_id = staged(database, 4)
    with database.engine.begin() as connection:
        list_id, member_id = connection.execute(
            select(Membership.list_id, Member.id)
            .join(Member, Member.id == Membership.member_id)
            .where(Member.email == "person1@people.example")
        ).one()
        unsubscribe(connection, list_id, member_id, how="by staff")
        suppress(connection, "person2@people.example", "complained")
    return campaign_id


def test_a_freeze_keeps_no_address_and_no_values_of_people_it_excludes(database: Database, campaign_id: int) -> None:
    with database.engine.connect() as connection:
        rows = connection.execute(select(Delivery.__table__).order_by(Delivery.id)).all()
        ledger = read_ledger(connection, campaign_id)
        held = connection.scalar(text("SELECT string_agg(d::text, '') FROM deliveries d WHERE d.state = 'excluded'"))
    assert [(row.state, row.reason, row.address, row.inputs) for row in rows] == [
        ("waiting", None, "person0@people.example", {"first_name": "P0"}),
        ("waiting", None, "person3@people.example", {"first_name": "P3"}),
        ("excluded", "unsubscribed", "", {}),
        ("excluded", "suppressed", "", {}),
    ]
    assert all(row.member_id for row in rows)
    assert "@" not in held
    assert "P1" not in held
    assert ledger.balances
    assert ledger.excluded_by == {"suppressed": 1, "unsubscribed": 1}


def test_it_keeps_none_either_if_people_get_different_languages(database: Database) -> None:
    campaign_id = draft_with_two_gone(database)
    with database.engine.begin() as connection:
        compiled_id = connection.scalar(text("SELECT compiled_id FROM campaigns"))
        other = connection.scalar(
            text("INSERT INTO compiled_emails (hash, content) SELECT 'x', content FROM compiled_emails RETURNING id")
        )
        connection.execute(
            insert(CampaignEmail),
            [
                {"campaign_id": campaign_id, "language": "cy", "compiled_id": other},
                {"campaign_id": campaign_id, "language": "en", "compiled_id": compiled_id},
            ],
        )
        connection.execute(update(Member).where(Member.email < "person2").values(language="cy"))
        freeze(connection, campaign_id, batch_size=1000)
        rows = connection.execute(select(Delivery.state, Delivery.address, Delivery.inputs)).all()
    assert sorted(row.address for row in rows) == ["", "", "person0@people.example", "person3@people.example"]
    assert all((row.inputs == {}) == (row.state == "excluded") for row in rows)


def test_an_excluded_person_is_found_by_the_address_of_the_member_today(database: Database, campaign_id: int) -> None:
    with database.engine.begin() as connection:
        new = "new@people.example"
        connection.execute(
            update(Member).where(Member.email == "person1@people.example").values(email=new, address_key=new)
        )
    with database.engine.connect() as connection:
        timeline = read_timeline(connection, campaign_id, new)
        suppressed = read_timeline(connection, campaign_id, "Person2@people.example")
        with pytest.raises(InputError, match="is not in the audience"):
            read_timeline(connection, campaign_id, "person1@people.example")
    assert (timeline.address, timeline.state, timeline.reason, timeline.values) == (new, "excluded", "unsubscribed", {})
    assert [entry.what for entry in timeline.entries] == ["left the list", "frozen"]
    assert "person1" not in timeline.entries[-1].words
    assert {entry.what for entry in suppressed.entries} == {"frozen", "suppressed"}


def test_an_export_shows_the_address_of_the_member_today_or_none(database: Database, campaign_id: int) -> None:
    with database.engine.begin() as connection:
        connection.execute(delete(Member).where(Member.email == "person1@people.example"))
    out = io.StringIO()
    with database.engine.connect() as connection:
        write_csv(people(connection, campaign_id, "excluded"), out)
    assert [line.split(",")[:3] for line in out.getvalue().splitlines()[1:]] == [
        ["", "excluded", "unsubscribed"],
        ["person2@people.example", "excluded", "suppressed"],
    ]


def test_people_excluded_after_the_freeze_keep_what_was_frozen(database: Database, campaign_id: int) -> None:
    with database.engine.begin() as connection:
        cancel(connection, campaign_id, who="Ann")
    with database.engine.connect() as connection:
        cancelled = (
            select(Delivery.address, Delivery.inputs).where(Delivery.reason == "cancelled").order_by(Delivery.id)
        )
        rows = connection.execute(cancelled).all()
    assert [tuple(row) for row in rows] == [
        ("person0@people.example", {"first_name": "P0"}),
        ("person3@people.example", {"first_name": "P3"}),
    ]


def test_a_freeze_keeps_the_dimensions_of_everybody_who_is_mailed_and_nothing_else(database: Database) -> None:
    campaign_id = draft_with_two_gone(database)
    with database.engine.begin() as connection:
        edit_list(connection, "friends", dimensions=["region", "language"])
        connection.execute(update(Member).values(fields={"region": "North", "shoe_size": "42"}, language="cy"))
        connection.execute(update(Member).where(Member.email.startswith("person3")).values(fields={}))
        freeze(connection, campaign_id, batch_size=1000)
        connection.execute(update(Member).values(fields={"region": "South"}))
        rows = connection.scalars(select(Delivery.dimensions).order_by(Delivery.id)).all()
    assert rows == [{"region": "North", "language": "cy"}, {"language": "cy"}, None, None]


def test_a_freeze_keeps_no_dimensions_if_the_list_names_none(database: Database, campaign_id: int) -> None:
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(dimensions) FROM deliveries")) == 0


def test_a_list_names_its_dimensions_once_each_and_none_that_tell_who_somebody_is(database: Database) -> None:
    with database.engine.begin() as connection:
        create_list(connection, "friends", sender="Friends <a@friends.example>", dimensions=["region", "region"])
        assert find_list(connection, "friends")["dimensions"] == ["region"]
        for field, why in (("email", "tells who somebody is"), ("member.region", "is not how a field is written")):
            with pytest.raises(InputError, match=why):
                edit_list(connection, "friends", dimensions=["organisation", field])
        edit_list(connection, "friends", dimensions=["organisation", "partner"])
        assert find_list(connection, "friends")["dimensions"] == ["organisation", "partner"]
        edit_list(connection, "friends", dimensions=[""])
        assert find_list(connection, "friends")["dimensions"] == []


def pause(database: Database, email: str, when: str) -> None:
    with database.engine.begin() as connection:
        member = select(Member.id).where(Member.email == email).scalar_subquery()
        until = {"paused_until": text(when)}
        connection.execute(update(Membership).where(Membership.member_id == member).values(until))


def test_a_pause_excludes_until_its_end_and_says_so(database: Database) -> None:
    campaign_id = draft_with_two_gone(database)
    pause(database, "person0@people.example", "now() + interval '1 minute'")
    pause(database, "person3@people.example", "now() - interval '1 second'")
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=1000)
        assert read_ledger(connection, campaign_id).excluded_by == {"paused": 1, "suppressed": 1, "unsubscribed": 1}
        listed = overview(connection, "friends")
        rows = list(people(connection, campaign_id, "excluded"))
        answer = did_they_get_it(connection, campaign_id, "person0@people.example")
        until = connection.scalar(select(Membership.paused_until).where(Membership.paused_until > text("now()")))
    assert until is not None
    assert {name: listed[name] for name in ("mailable", "unsubscribed", "paused", "suppressed")} == {
        "mailable": 1, "unsubscribed": 1, "paused": 1, "suppressed": 1,
    }  # fmt: skip
    assert ("person0@people.example", f"paused until {shown_day(until)}") in [(row.address, row.reason) for row in rows]
    assert "a pause" in " ".join(answer.sentences)


def restrict(database: Database, email: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Member).where(Member.email == email).values(restricted_at=text("now()")))


@pytest.mark.parametrize("reason", ["paused", "restricted"])
def test_a_wish_between_the_freeze_and_the_mail_is_heard(database: Database, reason: str) -> None:
    campaign_id = staged(database, 2)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=1000)
    if reason == "paused":
        pause(database, "person0@people.example", "now() + interval '1 minute'")
    else:
        restrict(database, "person0@people.example")
    with database.engine.begin() as connection:
        sender = connection.execute(insert(Sender).values(host="here", pid=1).returning(Sender.id)).scalar_one()
        batch = connection.execute(select(Batch.id)).scalar_one()
        claimed = claim_batch(connection, batch, sender)
        assert claimed is not None
        assert [row.address for row in claimed.people] == ["person1@people.example"]
        assert read_ledger(connection, campaign_id).excluded_by == {reason: 1}
