"""A home that an older version filled and left half way: it upgrades, balances, its links work, and it goes on.

`homes/` has one dump for each version that people may come from, and beside it what that version itself reported. To
make one, before a change that old homes could notice: fill a home with the version that is to be kept, by its commands
and with the secret key and the URL of `tests/conftest.py`; use the SendGrid stand-in of its tests, and kill one
`campaign send` while an answer is held; visit some links of the mails in its outbox; then `daisychain db backup`, and
keep the numbers of `report show` and `campaign status` and the links of the mails as JSON. Here these are

1. May, finished, by the outbox, in three languages, with opens, clicks and an unsubscribe;
2. June, finished, by SendGrid, with events, and a webhook body that nobody has processed;
3. Half, by the outbox: two of its four batches are done;
4. Dead, by SendGrid: one batch accepted, one taken by the provider while its sender was killed, one waiting;
5. Scheduled, for 2030, and 6. Draft;

an added toolkit, offered packs, a test set, a suppression and an unsubscribe.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from daisychain.database import Database
from daisychain.settings import Settings
from lists.consent.ledger_state import differing_members
from lists.tables import MailingList, Member, Membership
from newsletters.tables import OfferedNewsletter
from sender.tables import Campaign, Delivery
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid
from tests.public_pages import public_app

HOMES = Path(__file__).parent / "homes"


@pytest.fixture(params=sorted(path.stem for path in HOMES.glob("*.dump")))
def name(request: pytest.FixtureRequest) -> str:
    """The name of an old home."""
    return str(request.param)


@pytest.fixture
def known(name: str) -> Any:
    """What the old version reported of it."""
    return json.loads((HOMES / f"{name}.json").read_text())


@pytest.fixture
def home(name: str, alone: None, daisychain: Daisychain, sendgrid: FakeSendGrid) -> Daisychain:
    """The old home, restored and upgraded."""
    daisychain = daisychain.with_settings(sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url)
    daisychain("db", "restore", os.fspath(HOMES / f"{name}.dump"), "--yes-overwrite")
    daisychain("db", "upgrade")
    return daisychain


@pytest.fixture
def upgraded(home: Daisychain) -> Iterator[Database]:
    """Access to it."""
    database = Database(home.settings)
    yield database
    database.close()


def status(home: Daisychain, campaign_id: int) -> Any:
    return home.json("campaign", "status", str(campaign_id), "--format", "json")


def people(database: Database, campaign_id: int, state: str) -> set[str]:
    """Whose delivery has this state."""
    with database.engine.connect() as connection:
        found = select(Delivery.address).where(Delivery.campaign_id == campaign_id, Delivery.state == state)
        return set(connection.scalars(found))


def mailed(home: Daisychain) -> list[str]:
    """To whom the outbox has mails, sorted: one entry for each mail."""
    mails = home.settings.home.rglob("*.eml")
    return sorted(str(message_from_bytes(path.read_bytes(), policy=policy.default)["To"]) for path in mails)


# Reports of the schema /2 count it over people seen reading, clickers among them.
MEAN_OTHERWISE = {"click_to_open"}


def numbers(figures: dict[str, Any]) -> dict[str, list[int | None]]:
    return {name: [figure["numerator"], figure["denominator"]] for name, figure in figures.items()}


def test_each_ledger_balances_and_each_report_has_the_same_numbers(home: Daisychain, known: Any) -> None:
    for campaign_id, ledger in known["ledgers"].items():
        found = status(home, campaign_id)
        assert found["balances"]
        assert found["ledger"] == ledger
    for campaign_id, figures in known["figures"].items():
        report = home.json("report", "show", campaign_id, "--format", "json")
        by_language = {code: numbers(each) for code, each in (report.get("languages") or {}).items()}
        found = {"": numbers(report["figures"]), **by_language}
        for language, known_figures in figures.items():
            same = {name: number for name, number in known_figures.items() if name not in MEAN_OTHERWISE}
            assert {name: found[language][name] for name in same} == same


def test_the_links_of_its_mails_answer(upgraded: Database, known: Any) -> None:
    client = public_app(upgraded).test_client()
    codes = {"c": 302, "i": 200, "o": 200, "u": 200, "v": 200}
    for links in known["links"].values():
        assert {(link.split("/")[1], client.get(link).status_code) for link in links} == set(codes.items())
    leave = next(link for link in known["links"]["ann"] if link.startswith("/u/"))
    assert client.post(leave, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with upgraded.engine.connect() as connection:
        left = (
            select(Member.email)
            .join(Membership, Membership.member_id == Member.id)
            .where(Membership.left_at.is_not(None))
        )
        assert set(connection.scalars(left)) == {"ann@people.example", "hal@people.example", "n10@people.example"}


def test_its_lists_have_a_tracking_mode_and_what_was_sent_keeps_its_own(upgraded: Database) -> None:
    with upgraded.engine.connect() as connection:
        for row in connection.execute(select(MailingList.__table__)):
            counts = {row.opens, row.clicks} != {"off"}
            assert row.tracking == ("off" if not counts else "per person" if row.decided_by else "counted")
        assert set(connection.scalars(select(Campaign.tracking).where(Campaign.frozen_at.is_not(None)))) == {""}


def test_its_consents_and_withdrawals_are_in_the_ledger(upgraded: Database) -> None:
    with upgraded.engine.connect() as connection:
        kinds = dict(map(tuple, connection.execute(text(
            "SELECT kind, count(*) FROM consent_events JOIN consent_terms ON consent_terms.id = terms_id GROUP BY kind"
        ))))  # fmt: skip
        people = connection.scalar(select(func.count()).select_from(Membership))
        left = connection.scalar(select(func.count()).where(Membership.state == "unsubscribed"))
        assert people
        assert kinds == {"given": people, "withdrawn": left}
        assert not any(differing_members(connection, id_) for id_ in connection.scalars(select(MailingList.id)))


def test_what_staff_put_in_is_there(home: Daisychain, upgraded: Database) -> None:
    sets = home("newsletter", "test-set", "list").output
    assert all(address in sets for address in ("ann@coalition.example", "bo@coalition.example"))
    assert "Spring Fair" in home("toolkit", "list").output
    # It is offered still; its page has no button for it, as it has a field in a link, which no tool can express.
    with upgraded.engine.connect() as connection:
        assert connection.scalars(select(OfferedNewsletter.name)).all() == ["june"]
    client = public_app(upgraded).test_client()
    assert "packs/june" not in client.get("/toolkits/community-makes-us").text
    assert status(home, 5)["state"] == "scheduled"


def test_half_sent_campaigns_go_on_once_confirmed_and_mail_nobody_twice(
    home: Daisychain, upgraded: Database, sendgrid: FakeSendGrid
) -> None:
    had, waited = people(upgraded, 3, "accepted"), people(upgraded, 3, "waiting")
    assert "confirm-here" in home("campaign", "send", "3", "--yes", "--as-created", code=1).stderr
    assert mailed(home) == []
    home("confirm-here", "--yes")
    home("campaign", "send", "3", "--yes", "--as-created")
    assert len(mailed(home)) == len(waited)
    assert all(any(address in to for to in mailed(home)) for address in waited)
    assert people(upgraded, 3, "accepted") == had | waited
    # The provider took two people's mail from the sender that was killed; nobody knows, so they are not mailed again.
    home("campaign", "send", "4", "--yes", "--as-created", code=3)
    assert sendgrid.copies == {"cay@people.example": 1}
    assert people(upgraded, 4, "uncertain") == {"bob@people.example", "gwen@people.example"}
    assert status(home, 4)["balances"]


def test_its_draft_can_be_sent_and_its_events_are_processed(home: Daisychain, upgraded: Database) -> None:
    home("confirm-here", "--yes")
    # It repeats what a half-sent campaign of this home has for the same people.
    home("campaign", "send", "6", "--yes", "--as-created", "--repeat")
    assert len(mailed(home)) == 7  # all friends but the one who unsubscribed
    before = home.json("report", "show", "2", "--format", "json")["figures"]["opened_human"]["numerator"]
    home("worker", "--until-idle")
    assert home.json("report", "show", "2", "--format", "json")["figures"]["opened_human"]["numerator"] == before + 1


def excluded(settings: Settings) -> list[Any]:
    """Return the people who were excluded, in all campaigns, with what is kept of them."""
    database = Database(settings)
    columns = (Delivery.id, Delivery.campaign_id, Delivery.address, Delivery.state, Delivery.reason, Delivery.inputs)
    with database.unchecked_engine.connect() as connection:
        found = list(connection.execute(select(*columns).where(Delivery.state == "excluded").order_by(Delivery.id)))
    database.close()
    return found


def test_nothing_is_kept_of_people_excluded_by_a_freeze_and_they_are_shown_as_before(
    name: str, alone: None, daisychain: Daisychain
) -> None:
    daisychain("db", "restore", os.fspath(HOMES / f"{name}.dump"), "--yes-overwrite")
    before = excluded(daisychain.settings)
    daisychain("db", "upgrade")
    kept = {(row.address, bool(row.inputs)) for row in excluded(daisychain.settings)}
    assert kept == {("", False)}
    for row in before:
        campaign = str(row.campaign_id)
        shown = daisychain.json("campaign", "ledger", campaign, "--state", row.state, "--format", "json")
        assert (row.address, row.reason) in {(person["address"], person["reason"]) for person in shown}
        who = daisychain.json("campaign", "who", campaign, row.address, "--format", "json")
        assert (who["address"], who["state"], who["reason"]) == (row.address, row.state, row.reason)
