"""A campaign in several languages: each person gets theirs once, a batch is of one language, and order still holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Text, column, func, insert, select, update, values

from daisychain.database import Database
from daisychain.settings import Settings
from lists.tables import Member
from newsletters.compose.languages import language_given
from newsletters.tables import StoredEmail
from sender.campaigns import people_by_state, warm_up
from sender.campaigns.freeze import freeze
from sender.delivery.campaign_emails import Emails, email_given
from sender.delivery.ledger import read_ledgers
from sender.providers.provider import Outcome, Verdict
from sender.tables import Batch, Campaign, CampaignEmail, Delivery, Rollup
from sender.upkeep import pace
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.delivery.test_ledger import claimed, recorded
from tests.sender.mortal import born
from tests.sender.staging import add_list, add_people, compiled_email, draft
from tests.waiting import until

FOUR = ("en", "cy", "ar", "hi")


def in_languages(
    database: Database, wanted: Sequence[str], languages: Sequence[str] = FOUR, *, provider: str = "outbox", **plan: Any
) -> tuple[int, dict[str, int]]:
    """Make a draft in `languages` (the first is the fallback), a person for each code; (campaign, emails' ids)."""
    with database.engine.begin() as connection:
        list_id = add_list(connection)
        people = add_people(connection, list_id, range(len(wanted)))
        for member_id, code in zip(people, wanted, strict=True):
            connection.execute(update(Member).where(Member.id == member_id).values(language=code))
        campaign_id = draft(connection, list_id, provider=provider)
        ids = {}
        for language in languages:
            email = replace(
                compiled_email(), language=language, subject=f"In {language}", fields=("first_name", f"town_{language}")
            ).hashed()
            row = {"hash": email.hash, "content": email.to_json()}
            ids[language] = connection.execute(insert(StoredEmail).values(row).returning(StoredEmail.id)).scalar_one()
            connection.execute(
                insert(CampaignEmail).values(campaign_id=campaign_id, language=language, compiled_id=ids[language])
            )
        connection.execute(update(Campaign).values(compiled_id=ids[languages[0]], **plan))
    return campaign_id, ids


def frozen(database: Database, campaign_id: int, *, batch_size: int = 2) -> None:
    with database.engine.begin() as connection:
        freeze(connection, campaign_id, batch_size=batch_size)


def batches(database: Database) -> list[tuple[int, list[int]]]:
    """Return for each batch its compiled email, and the emails of its people in the ledger."""
    with database.engine.connect() as connection:
        rows = connection.execute(
            select(Batch.id, Batch.compiled_id, Delivery.compiled_id.label("given"))
            .join(Delivery, Delivery.id.between(Batch.first_id, Batch.last_id))
            .order_by(Batch.id, Delivery.id)
        ).all()
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row in rows:
        found[row.id, row.compiled_id].append(row.given)
    return [(compiled, given) for (_, compiled), given in found.items()]


@pytest.mark.parametrize("known", [("en",), ("en", "cy"), ("cy", "en-GB", "en"), ("zh", "zh-Hant", "pt-BR", "ar")])
def test_the_rule_of_who_gets_which_language_is_the_same_in_sql(database: Database, known: tuple[str, ...]) -> None:
    mains = ["en", "cy", "zh", "pt", "ar", "fr", "c", "cyx", "EN", ""]
    codes = [main + rest for main, rest in product(mains, ["", "-GB", "_gb", "-hant", "-Hant-TW", "-br-x", "-"])]
    codes += [" cy ", "-", "-cy", "en--gb", "pt-brx", "_", "c-y"]
    emails = Emails({language: number for number, language in enumerate(known)}, known.index(known[-1]))
    given = values(column("code", Text), name="asked").data([(code,) for code in codes])
    with database.engine.connect() as connection:
        rows = connection.execute(select(given.c.code, email_given(emails, given.c.code)))
        by_sql = {code: known[number] for code, number in rows}
        nobody = connection.scalar(select(email_given(emails, func.nullif("", ""))))
    assert by_sql == {code: language_given(code, known, known[-1]) for code in codes}
    assert known[nobody] == language_given(None, known, known[-1]) == known[-1]


def test_each_person_is_given_their_language_once_in_batches_of_one_language(database: Database) -> None:
    wanted = ["cy", "en", "ar-eg", "hi", "", "fr", "cy-gb", "en-gb", "ar", "cy"]
    campaign_id, ids = in_languages(database, wanted)
    frozen(database, campaign_id)
    with database.engine.connect() as connection:
        rows = connection.execute(
            select(Member.language, Delivery.compiled_id, Delivery.inputs).join(Member, Member.id == Delivery.member_id)
        ).all()
        told = {row.address: row.language for row in people_by_state.people(connection, campaign_id)}
    assert Counter((row.language, row.compiled_id) for row in rows) == Counter(
        (code, ids[language_given(code, FOUR, "en")]) for code in wanted
    )
    assert [told[f"person{number}@people.example"] for number in range(4)] == ["cy", "en", "ar", "hi"]
    cut = batches(database)
    assert all(set(given) == {compiled} and len(given) <= 2 for compiled, given in cut)
    assert Counter(compiled for compiled, _ in cut) == {ids["en"]: 2, ids["cy"]: 2, ids["ar"]: 1, ids["hi"]: 1}
    assert set(rows[0].inputs) == {"first_name", *(f"town_{language}" for language in FOUR)}


def test_no_language_waits_until_another_one_is_through(database: Database) -> None:
    campaign_id, ids = in_languages(database, ["en", "en", "cy", "en", "en", "cy", "cy", "en", "cy"], ("en", "cy"))
    frozen(database, campaign_id)
    assert [compiled for compiled, _ in batches(database)] == [
        ids[code] for code in ("en", "cy", "en", "cy", "en")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("canary", "share"),
    [(1, {"en": 1, "cy": 1, "ar": 1}), (9, {"en": 7, "cy": 2, "ar": 1}), (20, {"en": 14, "cy": 4, "ar": 2})],
)
def test_a_canary_has_its_share_of_each_language_and_goes_first(
    database: Database, canary: int, share: Mapping[str, int]
) -> None:
    wanted = ["en"] * 14 + ["cy"] * 4 + ["ar"] * 2
    campaign_id, ids = in_languages(database, wanted, canary=canary, canary_wait=60)
    frozen(database, campaign_id, batch_size=3)
    with database.engine.connect() as connection:
        rest_from = connection.scalar(select(Campaign.rest_from))
        first = select(Delivery.compiled_id, func.count()).where(
            Batch.held.is_(False), Delivery.id.between(Batch.first_id, Batch.last_id)
        )
        out = dict(map(tuple, connection.execute(first.group_by(Delivery.compiled_id))))
        last = connection.scalar(select(func.max(Batch.last_id)).where(~Batch.held))
    assert out == {ids[language]: people for language, people in share.items()}
    assert rest_from == (last + 1 if sum(share.values()) < len(wanted) else None)
    assert all(set(given) == {compiled} and len(given) <= 3 for compiled, given in batches(database))


def test_the_rest_follows_a_canary_in_all_its_languages(database: Database) -> None:
    campaign_id, _ = in_languages(database, ["en"] * 6 + ["cy"] * 3, canary=3, canary_wait=0)
    frozen(database, campaign_id)
    with database.engine.connect() as connection:
        free = connection.scalars(select(Batch.id).where(~Batch.held)).all()
    for batch in free:
        recorded(database, claimed(database, batch), Outcome(Verdict.ACCEPTED))
    with database.engine.begin() as connection:
        pace.release_batches(connection, campaign_id)
        assert connection.scalar(select(func.count()).where(Batch.held)) == 0
        accepted = connection.scalar(select(func.count()).where(Delivery.state == "accepted"))
        assert accepted == 3


def test_a_warm_up_mails_the_most_engaged_first_whatever_their_language(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_up, "BATCH", 2)
    campaign_id, ids = in_languages(database, ["en", "en", "en", "cy", "cy", "ar"], ("en", "cy", "ar"))
    with database.engine.begin() as connection:
        members = connection.scalars(select(Member.id).order_by(Member.id)).all()
        warm_up.start(connection, "coalition.example", who="ann")
        for order, place in enumerate([3, 5, 0]):  # a Welsh reader was here last, then the Arabic, then an English one
            earlier = {"campaign_id": 999, "member_id": members[place], "address": "x", "inputs": {}}
            delivery = connection.execute(insert(Delivery).values(earlier).returning(Delivery.id)).scalar_one()
            seen = func.now() - func.make_interval(0, 0, 0, order)
            connection.execute(insert(Rollup).values(delivery_id=delivery, campaign_id=999, first_click_at=seen))
    frozen(database, campaign_id)
    with database.engine.connect() as connection:
        order = connection.scalars(
            select(Delivery.member_id).where(Delivery.campaign_id == campaign_id).order_by(Delivery.id)
        ).all()
    assert [members.index(member) for member in order] == [3, 4, 5, 0, 1, 2]
    assert [compiled for compiled, _ in batches(database)] == [ids["cy"], ids["ar"], ids["en"], ids["en"]]


def test_a_split_and_a_retry_keep_the_language(database: Database) -> None:
    campaign_id, ids = in_languages(database, ["cy", "cy", "en", "cy", "en"], ("en", "cy"))
    frozen(database, campaign_id, batch_size=10)
    with database.engine.connect() as connection:
        welsh = connection.scalars(select(Batch.id).where(Batch.compiled_id == ids["cy"])).one()
    recorded(database, claimed(database, welsh), Outcome(Verdict.REFUSED_REQUEST, detail="too large"))
    assert all(set(given) == {compiled} for compiled, given in batches(database))
    assert Counter(compiled for compiled, _ in batches(database)) == {ids["cy"]: 3, ids["en"]: 1}


def test_killed_and_run_again_each_person_gets_their_language_once(
    database: Database, through_sendgrid: Settings, sendgrid: FakeSendGrid
) -> None:
    wanted = [*["en"] * 300, *["cy", "ar", "hi"] * 100]
    campaign_id, _ = in_languages(database, wanted, provider="sendgrid")
    frozen(database, campaign_id, batch_size=100)
    sendgrid.script(None, Fault("hold", taken=True), Fault("hold", taken=False))
    first = born(through_sendgrid, campaign_id)
    until(lambda: len(sendgrid.requests) >= 3)
    first.kill()
    first.join()
    again = born(through_sendgrid, campaign_id)
    again.join(300)
    assert again.exitcode == 0
    assert all(count == 1 for count in sendgrid.copies.values())
    for number, language in enumerate(wanted):
        address = f"person{number}@people.example"
        assert not sendgrid.copies[address] or sendgrid.mail(address).subject == f"In {language}"
    with database.engine.connect() as connection:
        ledgers = read_ledgers(connection, campaign_id)
    assert sum(ledger.intended for ledger in ledgers.values()) == len(wanted)
    assert sum(ledger.accepted + ledger.uncertain for ledger in ledgers.values()) == len(wanted)
    assert sum(ledger.uncertain for ledger in ledgers.values()) >= 200
