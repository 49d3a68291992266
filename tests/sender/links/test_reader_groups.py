"""Groups of readers without a person: at least five people, if an email has so many, and numbers that lead to none."""

from __future__ import annotations

from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from daisychain.database import Database
from sender.links.keys import KeyKind, Keys
from sender.links.reader_groups import LEAST, Readers, group_of, make_groups
from sender.tables import Delivery, ReaderGroup
from tests.sender.staging import add_list, draft

DOMAINS = ("gmail.com", "googlemail.com", "sky.com", "office.example", "tiny.example", "trust.example")
NUMBERS = count()
PERSON = st.tuples(st.sampled_from(DOMAINS), st.sampled_from(["", "Wales", "North"]), st.sampled_from([1, 2]))


def grouped(database: Database, people: list[tuple[str, str, int]]) -> tuple[list[ReaderGroup], list[int]]:
    """Freeze people (domain, region, email) by hand; returns the groups, and that of each person's reader."""
    with database.engine.begin() as connection:
        connection.execute(text("TRUNCATE deliveries, reader_groups"))
        campaign_id = draft(connection, add_list(connection, f"list {next(NUMBERS)}"))
        rows = [
            {"campaign_id": campaign_id, "address": f"p{at}@{domain}", "inputs": {}, "compiled_id": compiled,
             "dimensions": {"region": region} if region else {}}
            for at, (domain, region, compiled) in enumerate(people)
        ]  # fmt: skip
        connection.execute(insert(Delivery), rows)
        make_groups(connection, campaign_id, 1, after=0)
        groups = list(connection.execute(ReaderGroup.__table__.select()).all())
        found = [0] * len(people)
        for compiled in {row["compiled_id"] for row in rows}:
            theirs = [at for at, row in enumerate(rows) if row["compiled_id"] == compiled]
            readers = Readers(connection, campaign_id, compiled)
            drawn = readers.draw([(rows[at]["address"], rows[at]["dimensions"]) for at in theirs])
            for at, reader in zip(theirs, drawn, strict=True):
                found[at] = group_of(reader)
    return groups, found  # type: ignore[return-value]


def test_no_group_is_of_fewer_than_five_people_unless_an_email_has_no_more(database: Database) -> None:
    @given(st.lists(PERSON, min_size=1, max_size=60))
    def holds(people: list[tuple[str, str, int]]) -> None:
        groups, found = grouped(database, people)
        by_id, members = {group.id: group for group in groups}, Counter(found)
        of_email = Counter(compiled for *_, compiled in people)
        assert {id_: group.people for id_, group in by_id.items()} == members
        for id_, number in members.items():
            assert number >= min(LEAST, of_email[by_id[id_].compiled_id])
        for (domain, region, compiled), id_ in zip(people, found, strict=True):
            group = by_id[id_]
            assert group.compiled_id == compiled
            assert group.domain in ("", domain)
            assert group.dimensions in (None, {"region": region} if region else {})

    holds()


def test_what_five_people_share_is_kept_and_what_few_share_is_not(database: Database) -> None:
    people = [("office.example", "Wales", 1)] * 6 + [("gmail.com", "Wales", 1)] * 9 + [("tiny.example", "Wales", 1)] * 2
    people += [("sky.com", "North", 1)] * 5 + [("trust.example", "", 1)] * 3
    groups, _ = grouped(database, people)
    kept = {(group.mailbox, group.domain, (group.dimensions or {}).get("region")): group.people for group in groups}
    assert kept[("other", "office.example", "Wales")] == 6
    assert kept[("Google", "", "Wales")] == 9
    assert kept[("Sky", "", "North")] == 5
    assert kept[("other", "", None)] == 5  # two of one office and three of another


def test_a_reader_is_read_from_its_key_and_two_draws_have_nothing_in_common() -> None:
    keys = Keys("a secret that is long enough for tests")
    readers = [-(7 << 40 | 5), -(7 << 40 | 6)]
    links = keys.of_links([1, 2], readers)
    assert [*keys.read(KeyKind.CLICK, [link.click for link in links]).values()] == readers
    assert [*keys.read(KeyKind.PIXEL, [link.pixel for link in links]).values()] == readers
    assert [*keys.read(KeyKind.UNSUBSCRIBE, [link.unsubscribe for link in links]).values()] == [1, 2]
    assert keys.read(KeyKind.UNSUBSCRIBE, [link.click for link in links]) == {}
    assert keys.read(KeyKind.VIEW, [link.pixel for link in links]) == {}
