from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, select, text, update

from daisychain.database import Database
from lists.audience import Audience
from lists.segments.segment_answers import count_segment
from lists.segments.segment_sql import narrowing_of
from lists.tables import MailingList, Member, Membership
from newsletters.compiled import Link
from newsletters.tables import StoredEmail
from sender.campaigns.freeze import freeze
from sender.events.page_hits import Hit, record_hits
from sender.segments.engagement import engagement
from sender.tables import Campaign, Delivery, LinkClicker
from tests.sender.staging import compiled_email, draft, staged

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
Who = Callable[[str], str]


@pytest.fixture
def campaigns(database: Database) -> list[int]:
    """Three finished campaigns to ten friends, the first one first; all opens and clicks are counted."""
    first = staged(database, 10)
    with database.engine.begin() as connection:
        list_id = connection.scalar(select(Campaign.list_id).where(Campaign.id == first))
        ids = [first, *(draft(connection, list_id or 0) for _ in range(2))]
        connection.execute(update(MailingList).values(tracking="per person", opens="on", clicks="on"))
        connection.execute(update(Membership).values(reads_agreed=True))
        for id_ in ids:
            freeze(connection, id_, batch_size=100)
            ago = text(f"now() - interval '1 day' * {10 - id_}")
            frozen = update(Campaign).where(Campaign.id == id_)
            connection.execute(frozen.values(state="finished", frozen_at=ago))
        connection.execute(update(Delivery).values(state="accepted"))
    return ids


def hit(database: Database, campaign_id: int, person: int, kind: str, *, machine: bool = False) -> None:
    """Open or click as a person does, or as a scanner with its HEAD request."""
    with database.engine.begin() as connection:
        who = select(Member.id).where(Member.email == f"person{person}@people.example").scalar_subquery()
        delivery = select(Delivery.id).where(Delivery.campaign_id == campaign_id, Delivery.member_id == who)
        link = 0 if kind == "clicked" else None
        new = Hit(connection.scalar(delivery) or 0, kind, PERSON, "192.0.2.0/24", link, machine)  # type: ignore[arg-type]
        assert not record_hits(connection, [new])


def ask(database: Database, question: str, but: int | None = None) -> str:
    """Answer with the numbers of the people who fulfil a question, and how many are left out."""
    with database.engine.connect() as connection:
        list_id = connection.scalar(select(MailingList.id).where(MailingList.name == "friends")) or 0
        terms = engagement(connection, but)
        segment = narrowing_of(connection, list_id, question, terms)
        found = connection.scalars(Audience(list_id, segment=segment).mailable(Member.email).order_by(Member.id)).all()
        answer = count_segment(connection, list_id, question, terms)
        assert but or answer.people == len(found)
    return "".join(each.removeprefix("person")[0] for each in found) + f" {answer.unknown}" * bool(answer.unknown)


def test_what_people_did_with_the_last_campaigns(database: Database, campaigns: list[int]) -> None:
    one, two, three = campaigns
    hit(database, one, 1, "opened")
    hit(database, two, 2, "opened")
    hit(database, three, 3, "clicked")
    hit(database, three, 4, "clicked", machine=True)
    hit(database, three, 5, "opened", machine=True)
    asked = {
        "opened last campaign": "3", "opened any of last 2 campaigns": "23", "opened any of last 3 campaigns": "123",
        "opened any of last 100 campaigns": "123", "clicked last campaign": "3", "clicked any of last 3 campaigns": "3",
        'clicked "campaign.example/READ"': "3", 'clicked "read on" of last 3 campaigns': "3", 'clicked "shop"': "",
        'clicked "read on" of last campaign': "3", "not opened any of last 3 campaigns": "0456789",
        "was sent any of last 3 campaigns": "0123456789", "not was sent last campaign": "",
        "opened last campaign or opened any of last 3 campaigns and not clicked last campaign": "123",
        "not (opened last campaign or first_name is P2)": "012456789".replace("2", ""),
    }  # fmt: skip
    assert {question: ask(database, question) for question in asked} == asked


def test_who_clicked_two_links_that_a_question_means_is_found_once(database: Database, campaigns: list[int]) -> None:
    hit(database, campaigns[2], 3, "clicked")
    email = compiled_email()
    both = replace(email, links=(*email.links, Link(1, "https://campaign.example/more", "more", tracked=True)))
    with database.engine.begin() as connection:
        connection.execute(update(StoredEmail).values(content=both.to_json()))
        first = connection.scalar(select(LinkClicker.delivery_id)) or 0
        connection.execute(insert(LinkClicker).values(delivery_id=first, link=1))
    assert ask(database, 'clicked "campaign.example" of last campaign') == "3"


def test_only_people_whose_mail_was_accepted_were_sent_it(database: Database, campaigns: list[int]) -> None:
    with database.engine.begin() as connection:
        of_last = Delivery.campaign_id == campaigns[-1]
        people = select(Delivery.id).where(of_last).order_by(Delivery.id).limit(7).scalar_subquery()
        connection.execute(update(Delivery).where(Delivery.id.in_(people)).values(state="failed"))
    assert ask(database, "was sent last campaign") == "789"
    assert ask(database, "not was sent last campaign") == "0123456"


def test_what_was_not_counted_is_unknown_and_is_said(database: Database, campaigns: list[int]) -> None:
    one, _, three = campaigns
    hit(database, one, 1, "opened")
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).where(Campaign.id == three).values(opens="off"))
        of_last = Delivery.campaign_id == three
        failed = select(Delivery.id).where(of_last).order_by(Delivery.id).limit(3).scalar_subquery()
        connection.execute(update(Delivery).where(Delivery.id.in_(failed)).values(state="failed"))
    # 0 and 2 got none that did not count opens, so it is known that they opened none.
    assert ask(database, "opened any of last 3 campaigns") == "1 7"
    assert ask(database, "not opened any of last 3 campaigns") == "02 7"
    assert ask(database, "not opened any of last 3 campaigns or first_name is P9") == "029 6"
    assert ask(database, "clicked any of last 3 campaigns") == ""


def test_people_who_are_counted_without_persons_are_left_out_and_counted(
    database: Database, campaigns: list[int]
) -> None:
    hit(database, campaigns[2], 1, "clicked")
    with database.engine.begin() as connection:
        even = select(Member.id).where(Member.email.regexp_match("person[02468]@")).scalar_subquery()
        connection.execute(update(Delivery).where(Delivery.member_id.in_(even)).values(per_person=None))
    assert ask(database, "not clicked any of last 1 campaigns") == "3579 5"
    assert ask(database, "clicked any of last 1 campaigns") == "1 5"


def test_people_who_are_only_counted_are_left_out_and_those_who_agreed_are_not(
    database: Database, campaigns: list[int]
) -> None:
    one, _, three = campaigns
    hit(database, one, 1, "opened")
    with database.engine.begin() as connection:
        of_last = Delivery.campaign_id == three
        connection.execute(update(Delivery).where(of_last).values(per_person=None))
        agreed = select(Delivery.id).where(of_last).order_by(Delivery.id).limit(4).scalar_subquery()
        connection.execute(update(Delivery).where(Delivery.id.in_(agreed)).values(per_person=True))
    hit(database, three, 2, "clicked")
    assert ask(database, "opened any of last 3 campaigns") == "12 6"
    assert ask(database, "not opened any of last 3 campaigns") == "03 6"
    assert ask(database, "not clicked last campaign") == "013 6"
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).where(Campaign.id == three).values(tracking="counted"))
        connection.execute(update(Delivery).values(per_person=None))
    assert ask(database, "not was sent last campaign or clicked last campaign") == "2 9"


def test_a_campaign_is_none_of_its_own_last_ones(database: Database, campaigns: list[int]) -> None:
    hit(database, campaigns[1], 2, "opened")
    assert ask(database, "opened any of last 2 campaigns") == "2"
    assert ask(database, "opened last campaign", but=campaigns[-1]) == "2"


def test_without_any_campaign_nobody_was_sent_one(database: Database) -> None:
    staged(database, 2)
    assert ask(database, "was sent last campaign or opened any of last 3 campaigns or clicked join") == ""


@pytest.fixture
def mixed(database: Database) -> int:
    """A draft to four friends, of whom one is in Wales and has left, and one is there and has not."""
    campaign_id = staged(database, 4)
    with database.engine.begin() as connection:
        in_wales = Member.email.in_(["person0@people.example", "person1@people.example"])
        connection.execute(update(Member).where(in_wales).values(fields={"region": "Wales"}))
        left = select(Member.id).where(Member.email == "person0@people.example").scalar_subquery()
        connection.execute(update(Membership).where(Membership.member_id == left).values(state="unsubscribed"))
        connection.execute(update(Campaign).values(segment='region is "wales"'))
    return campaign_id


def frozen(connection: Connection, campaign_id: int) -> dict[str, int]:
    rows = connection.execute(
        select(Delivery.state, Member.email).join(Member, Member.id == Delivery.member_id)
        .where(Delivery.campaign_id == campaign_id)
    )  # fmt: skip
    return {row.email[:7]: row.state for row in rows}


def test_a_segment_is_answered_at_the_freeze_and_its_size_is_kept(database: Database, mixed: int) -> None:
    with database.engine.begin() as connection:
        late = Member.email == "person3@people.example"
        connection.execute(update(Member).where(late).values(fields={"region": "WALES"}))
        freeze(connection, mixed, batch_size=100)
        assert frozen(connection, mixed) == {"person0": "excluded", "person1": "waiting", "person3": "waiting"}
        kept = connection.execute(select(Campaign.segment, Campaign.segment_people, Campaign.intended)).one()
    assert tuple(kept) == ('region is "wales"', 2, 3)


def test_a_follow_up_and_a_segment_both_restrict(database: Database, mixed: int) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(segment=""))
        freeze(connection, mixed, batch_size=100)
        got = select(Member.id).where(Member.email.in_(["person1@people.example", "person2@people.example"]))
        connection.execute(update(Delivery).where(Delivery.member_id.in_(got)).values(state="accepted"))
        list_id = connection.scalar(select(Campaign.list_id)) or 0
        further = draft(connection, list_id)
        narrowed = {"segment": 'region is "wales"', "of_campaign_id": mixed, "of_whom": "accepted"}
        connection.execute(update(Campaign).where(Campaign.id == further).values(narrowed))
        freeze(connection, further, batch_size=100)
        assert frozen(connection, further) == {"person1": "waiting"}
