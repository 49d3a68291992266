"""A batch has people who see the same parts of the email; whether it has or not, everybody gets the same mail."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text, update

from daisychain.database import Database
from lists.tables import Member
from newsletters.merge.branching import Conditions
from newsletters.merge.merge import NO_KEYS, LinkKeys
from newsletters.tables import StoredEmail
from sender.campaigns.freeze import freeze
from sender.delivery import same_parts
from sender.delivery.ledger import read_ledger
from sender.events.sum_check import ledger_differs
from sender.providers.provider import Recipient, Verdict
from sender.providers.sendgrid import SendGrid
from sender.tables import Batch, Campaign, CampaignEmail, Delivery
from tests.fakes.sendgrid import FakeSendGrid
from tests.newsletters.compiling import compiled
from tests.sender.letters import mailing
from tests.sender.providers.test_slow_answers import settings
from tests.sender.staging import staged

BODY = """
Dear {{ member.first_name }},

{% if member.role == "volunteer" %}
The rota is on the notice board in {{ member.town }}.
{% else %}
You could volunteer.
{% endif %}

{% if member.town == "Leeds" %}
[All branches meet](https://b.example/meet?name={{ member.first_name }})
{% endif %}
"""
EMAIL = compiled(BODY, front='subject: "{% if member.role %}Dear {{ member.role }}{% endif %}: news"\n'
                 "fields: [role, town]\n").email  # fmt: skip
PEOPLE, SIZE = 1_200, 100


def of_two_minds(database: Database, people: int = PEOPLE, provider: str = "outbox") -> int:
    """Make a draft of a mail with conditions; a third are volunteers, a quarter in Leeds, and one has another role."""
    campaign_id = staged(database, people, provider=provider)
    with database.engine.begin() as connection:
        stored = insert(StoredEmail).values(hash=EMAIL.hash, content=EMAIL.to_json()).returning(StoredEmail.id)
        compiled_id = connection.execute(stored).scalar_one()
        connection.execute(update(Campaign).values(compiled_id=compiled_id))
        connection.execute(
            text("""
                UPDATE members SET fields = jsonb_build_object(
                    'role', CASE WHEN id % 3 = 0 THEN 'volunteer' WHEN id = 7 THEN 'trustee' ELSE '' END,
                    'town', CASE WHEN id % 4 = 0 THEN 'Leeds' ELSE 'Town ' || id % 50 END)
            """)
        )
    return campaign_id


def kinds_of_batches(connection: Connection) -> list[Counter[tuple[bool, ...]]]:
    """Return for each batch, in the order of their numbers, how many people there are of each kind."""
    conditions = Conditions(EMAIL)
    people = dict(map(tuple, connection.execute(select(Delivery.id, Delivery.inputs))))
    batches = connection.execute(select(Batch.first_id, Batch.last_id).order_by(Batch.id)).all()
    covered = [id_ for first, last in batches for id_ in range(first, last + 1)]
    waiting = connection.scalars(select(Delivery.id).where(Delivery.state == "waiting")).all()
    assert sorted(covered) == sorted(waiting)
    return [Counter(conditions.outcomes(people[id_]) for id_ in range(first, last + 1)) for first, last in batches]


def test_each_batch_has_people_who_see_the_same_parts_and_no_kind_waits_for_another(database: Database) -> None:
    campaign_id = of_two_minds(database)
    with database.engine.begin() as connection:
        assert freeze(connection, campaign_id, batch_size=SIZE, by_conditions=True) == PEOPLE
        found = kinds_of_batches(connection)
        assert read_ledger(connection, campaign_id).waiting == PEOPLE
        assert not ledger_differs(connection, campaign_id)
    mixed = [each for each in found if len(each) > 1]
    assert mixed == []
    assert len(found) <= PEOPLE // SIZE + 5
    first_of = {next(iter(each)): place for place, each in reversed([*enumerate(found)]) if len(each) == 1}
    assert len(first_of) == 5  # the trustee, whose kind is not worth one, has a request for rare kinds
    assert max(first_of.values()) < 5
    assert max(each.total() for each in found) <= SIZE


def test_without_it_and_for_a_mail_without_conditions_batches_are_cut_as_they_come(database: Database) -> None:
    campaign_id = of_two_minds(database)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=SIZE)
        assert [each.total() for each in kinds_of_batches(connection)] == [SIZE] * 12
        members = connection.scalars(select(Delivery.member_id).order_by(Delivery.id)).all()
    assert members == sorted(members)
    other = staged(database, PEOPLE, name="others")
    with database.engine.begin() as connection:
        freeze(connection, other, batch_size=SIZE, by_conditions=True)
        batches = connection.execute(select(Batch).where(Batch.campaign_id == other)).all()
    assert len(batches) == 12


@pytest.mark.parametrize("people", [40, 1])
def test_few_people_are_not_split_into_small_requests(people: int, database: Database) -> None:
    campaign_id = of_two_minds(database, people)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=SIZE, by_conditions=True)
        assert len(kinds_of_batches(connection)) == 1


def test_a_canary_has_its_share_of_each_kind(database: Database) -> None:
    campaign_id = of_two_minds(database)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(canary=120))
        freeze(connection, campaign_id, batch_size=SIZE, by_conditions=True)
        kinds_of_batches(connection)
        batches = connection.execute(select(Batch).order_by(Batch.first_id)).all()
        rest_from = connection.scalar(select(Campaign.rest_from))
        canary = connection.scalars(select(Delivery.inputs).where(Delivery.id < rest_from)).all()
    assert 120 <= len(canary) <= 125
    shares = Counter(map(Conditions(EMAIL).outcomes, canary))
    assert sorted(shares.values())[-1] == 60  # half of everybody is neither
    assert [batch.held for batch in batches] == [batch.first_id >= rest_from for batch in batches]


def test_languages_and_kinds_are_not_mixed(database: Database) -> None:
    campaign_id = of_two_minds(database)
    with database.engine.begin() as connection:
        english = connection.scalar(select(Campaign.compiled_id))
        welsh = replace(EMAIL, language="cy").hashed()
        stored = insert(StoredEmail).values(hash=welsh.hash, content=welsh.to_json()).returning(StoredEmail.id)
        cy = connection.execute(stored).scalar_one()
        languages = (("cy", cy), ("en", english))
        rows = [{"campaign_id": campaign_id, "language": code, "compiled_id": id_} for code, id_ in languages]
        connection.execute(insert(CampaignEmail), rows)
        connection.execute(update(Member).where(Member.id % 2 == 0).values(language="cy"))
        freeze(connection, campaign_id, batch_size=SIZE, by_conditions=True)
        found = kinds_of_batches(connection)
        given = defaultdict(set)
        batches = connection.execute(select(Batch)).all()
        for batch in batches:
            between = Delivery.id.between(batch.first_id, batch.last_id)
            given[batch.compiled_id] |= set(connection.scalars(select(Delivery.compiled_id).where(between)))
    assert given == {cy: {cy}, english: {english}}
    assert sum(len(each) > 1 for each in found) <= 2


def test_a_sample_that_misses_values_only_mixes_their_people(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_parts, "SAMPLE", 100)
    campaign_id = of_two_minds(database)
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=SIZE, by_conditions=True)
        found = kinds_of_batches(connection)
    assert sum(each.total() for each in found) == PEOPLE
    assert any(len(each) == 1 for each in found)


def test_people_get_the_same_mail_from_a_request_of_their_kind_and_from_a_mixed_one(tmp_path: Path) -> None:
    towns, roles = ("Leeds", "Hull", None), ("volunteer", "trustee", "")
    everybody = []
    for n in range(36):
        own = {"first_name": f"P{n}", "town": towns[n % 3], "role": roles[n % 4 % 3]}
        keys = LinkKeys(f"a{n}", f"b{n}", f"c{n}", f"d{n}")
        everybody.append(Recipient(n, keys, f"h{n}", f"m{n}", f"p{n}@people.org", own))
    conditions, kinds = Conditions(EMAIL), defaultdict(list)
    for person in everybody:
        kinds[conditions.outcomes(person.inputs)].append(person)
    assert len(kinds) > 3
    letter = mailing(EMAIL, clicks="own", opens="own")
    with FakeSendGrid(key="SG.x") as sendgrid:
        provider = SendGrid(settings(sendgrid.url, tmp_path))
        for each in (everybody, *kinds.values()):
            assert provider.send(letter, each, "attempt").verdict is Verdict.ACCEPTED
        mails = {mail.address: [] for mail in sendgrid.mails}
        for mail in sendgrid.mails:
            mails[mail.address].append((mail.subject, mail.html, mail.text))
        whole, *parts = (len(json.dumps(request.body["personalizations"])) for request in sendgrid.requests)
    assert all(len(copies) == 2 and copies[0] == copies[1] for copies in mails.values())
    assert sum(parts) < whole


def test_a_long_part_of_a_condition_sends_nobody_apart_unless_people_are_mixed(tmp_path: Path) -> None:
    long = replace(EMAIL, html=EMAIL.html.replace("You could volunteer.", "You could volunteer. " * 800))
    people = [
        Recipient(id_, NO_KEYS, f"h{id_}", f"m{id_}", f"p{id_}@people.org", {"role": role})
        for id_, role in enumerate(["", "", "volunteer"])
    ]
    with FakeSendGrid(key="SG.x") as sendgrid:
        provider = SendGrid(settings(sendgrid.url, tmp_path))
        assert provider.send(mailing(long), people, "attempt").over_limits == {0, 1}
        assert provider.send(mailing(long), people[:2], "attempt").verdict is Verdict.ACCEPTED


def test_a_condition_with_more_fields_than_a_request_takes_stays_one_value(tmp_path: Path) -> None:
    fields = [f"f{n}" for n in range(160)]
    text = "".join(f"{{{{ member.{field} }}}}" for field in fields)
    front = f"fields: [{', '.join(fields)}]\n"
    many = compiled(f"Hello.\n\n{{% if member.f1 %}}\n{text}\n{{% endif %}}\n", front=front).email
    people = [Recipient(n, NO_KEYS, f"h{n}", f"m{n}", f"p{n}@people.org", {"f1": "yes"}) for n in range(3)]
    with FakeSendGrid(key="SG.x") as sendgrid:
        outcome = SendGrid(settings(sendgrid.url, tmp_path)).send(mailing(many), people, "attempt")
    assert outcome.verdict is Verdict.ACCEPTED


def test_a_freeze_works_out_the_values_of_each_person_once_and_sorts_people_by_one_number(database: Database) -> None:
    # Values worked out again for each condition, or a sort by several columns, took a freeze nearly twice as long.
    campaign_id = of_two_minds(database)
    statements: list[tuple[str, Any]] = []
    with database.engine.begin() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2:4]))
        freeze(connection, campaign_id, batch_size=SIZE, by_conditions=True)
        [(sql, values)] = [each for each in statements if "INSERT INTO deliveries" in each[0]]
        plan = connection.exec_driver_sql(f"EXPLAIN (VERBOSE, FORMAT JSON) {sql}", values).scalar_one()
    assert json.dumps(plan).count("jsonb_object(") == 1
    step = plan[0]["Plan"]
    while "Sort Key" not in step:
        step = step["Plans"][0]
    assert len(step["Sort Key"]) == 1
