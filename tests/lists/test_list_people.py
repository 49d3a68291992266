from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Connection, column, select, table, text

from daisychain.errors import InputError
from lists.audience import Audience
from lists.list_people import open_people
from lists.lists import create_list
from lists.members import find_member, unsubscribe, unsubscribe_everywhere
from lists.suppression import suppress
from lists.tables import Member, Membership
from newsletters.expressions.list_values import NO_VALUE_PATTERN, NOT_PLAIN_NUMBER

ROWS = """email,first_name,town,language
Ann@x.org,Ann,Leeds,en
bob@x.org,Bob,,
cy@x.org,Cy,Llanfairpwllgwyngyll,cy
di@x.org,Di,York,
"""


@pytest.fixture
def people(connection: Connection, list_id: int, take_in: Any) -> None:
    """Four people on the list: Cy has left, Di is suppressed."""
    take_in(ROWS)
    unsubscribe(connection, list_id, find_member(connection, "cy@x.org")["id"], "link")
    suppress(connection, "di@x.org", "bounced")


@pytest.mark.usefixtures("people")
def test_only_mailable_people_are_looked_at(connection: Connection) -> None:
    found = open_people(connection, "friends")
    assert (found.name, found.count(), found.excluded()) == ("friends", 2, 2)
    assert found.fields() == {"email", "first_name", "last_name", "language", "town"}
    assert [found.empty(field) for field in ("email", "first_name", "last_name", "town", "pet")] == [0, 0, 2, 1, 2]
    assert found.longest("email") in {"Ann@x.org", "bob@x.org"}
    assert [found.longest(field) for field in ("town", "last_name", "pet")] == ["Leeds", "", ""]
    ann = {"email": "Ann@x.org", "first_name": "Ann", "last_name": "", "language": "en", "town": "Leeds"}
    assert found.member("ann@X.org") == ann == found.sample()
    assert found.basis() == {"unknown": 2}
    assert [found.member(email) for email in ("cy@x.org", "di@x.org", "zoe@x.org", "no address")] == [None] * 4


@pytest.mark.usefixtures("people")
def test_those_who_speak_a_language_can_be_looked_at_alone(connection: Connection) -> None:
    found = open_people(connection, "friends")
    assert found.languages() == {"en": 1, "": 1}
    english, others = found.speaking(["en"]), found.speaking(["", "cy"])
    assert [each.count() for each in (english, others, found.speaking([]))] == [1, 1, 0]
    assert [(each.sample() or {}).get("first_name") for each in (english, others)] == ["Ann", "Bob"]
    assert [each.empty("town") for each in (english, others)] == [0, 1]
    # What is said of the list as a whole stays so.
    assert (others.fields(), others.basis()) == (found.fields(), found.basis())


@pytest.mark.parametrize("pattern", [NO_VALUE_PATTERN, NOT_PLAIN_NUMBER])
def test_the_database_finds_the_values_that_python_finds(
    connection: Connection, list_id: int, take_in: Any, pattern: str
) -> None:
    values = ["-", "–", "x-", "1700", "-5.5", "£1,700", "1.700,50", "(nul)", "NULLE", "12 ", "1 000", "٤٢", "5-5"]
    take_in("email,gift\n" + "".join(f'p{at}@x.org,"{value}"\n' for at, value in enumerate([*values, "-"])))
    found = open_people(connection, "friends").values("gift", pattern)
    stored = [value.strip() for value in [*values, "-"]]
    assert found == {value: stored.count(value) for value in stored if re.search(pattern, value)}
    assert next(iter(found)) == "-" or "-" not in found


def test_an_empty_list_has_nobody_and_an_unknown_one_is_an_error(connection: Connection, list_id: int) -> None:
    nobody = open_people(connection, "friends")
    assert (nobody.count(), nobody.excluded(), nobody.sample(), nobody.longest("email")) == (0, 0, None, "")
    with pytest.raises(InputError, match="no list named"):
        open_people(connection, "foes")


@pytest.mark.usefixtures("people")
def test_the_audience_holds_everybody_once(connection: Connection, list_id: int) -> None:
    people = Audience(list_id).people(["town", "first_name"]).order_by(Member.id)
    rows = connection.execute(people).mappings().all()
    assert [(row["address"], row["exclusion"]) for row in rows] == [
        ("Ann@x.org", None), ("bob@x.org", None), ("cy@x.org", "unsubscribed"), ("di@x.org", "suppressed"),
    ]  # fmt: skip
    assert rows[0] == {
        "member_id": find_member(connection, "ann@x.org")["id"], "address": "Ann@x.org", "address_key": "ann@x.org",
        "language": "en", "inputs": {"first_name": "Ann", "town": "Leeds"}, "dimensions": None,
        "reads_agreed": None, "exclusion": None,
    }  # fmt: skip
    assert rows[1]["inputs"] == {"first_name": "Bob", "town": None}


@pytest.mark.usefixtures("people")
def test_one_who_left_everything_counts_as_unsubscribed(connection: Connection, list_id: int) -> None:
    unsubscribe_everywhere(connection, find_member(connection, "ann@x.org")["id"], "link")
    rows = {row.address: row.exclusion for row in connection.execute(Audience(list_id).people())}
    assert rows["Ann@x.org"] == "unsubscribed"


@pytest.mark.parametrize("number", [0, 1, 50, 51, 120])
def test_a_newsletter_may_use_any_number_of_fields(
    connection: Connection, list_id: int, take_in: Any, number: int
) -> None:
    names = [f"f{index}" for index in range(number)]
    take_in(f"{','.join(['email', *names])}\n{','.join(['ann@x.org', *names])}\n")
    row = connection.execute(Audience(list_id).people(names)).one()
    assert row.inputs == {name: name for name in names}


def test_a_field_name_is_never_taken_for_sql(connection: Connection, list_id: int, take_in: Any) -> None:
    take_in("email\nann@x.org\n")
    hostile = "x'); DROP TABLE members; --%s:y"
    assert connection.execute(Audience(list_id).people([hostile])).one().inputs == {hostile: None}
    assert open_people(connection, "friends").longest(hostile) == ""


def test_the_select_can_be_inserted_from(connection: Connection, list_id: int, take_in: Any) -> None:
    take_in(ROWS)
    other = create_list(connection, "other", sender="Other <news@x.org>")
    connection.execute(text("CREATE TEMPORARY TABLE frozen (id bigint, address text, inputs jsonb)"))
    frozen = table("frozen", column("id"), column("address"), column("inputs"))
    for chosen, expected in ((list_id, 4), (other, 0)):
        people = Audience(chosen).people(["town"]).subquery()
        chosen_columns = people.select().with_only_columns(people.c.member_id, people.c.address, people.c.inputs)
        insert = frozen.insert().from_select(["id", "address", "inputs"], chosen_columns)
        inserted = connection.execute(insert.execution_options(preserve_rowcount=True))
        assert inserted.rowcount == expected


@pytest.mark.usefixtures("people")
def test_an_audience_is_a_list_or_some_people_of_it(connection: Connection, list_id: int) -> None:
    create_list(connection, "other", sender="Other <news@x.org>")
    some = select(Member.id).where(Member.address_key.in_(["bob@x.org", "cy@x.org"]))
    for audience, everybody, mailable in (
        (Audience(list_id), 4, {"Ann@x.org", "bob@x.org"}),
        (Audience(list_id, some), 2, {"bob@x.org"}),
        (Audience(list_id + 1, some), 0, set()),
    ):
        assert len(connection.execute(audience.everybody(Membership.member_id)).all()) == everybody
        assert set(connection.scalars(audience.mailable(Member.email))) == mailable
