"""Changes: who holds outdated packs, once each, what changed since when, and that each change is told once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, update

from daisychain.database import Database
from daisychain.settings import Settings
from lists.suppression import suppress
from newsletters.packs.pack_status import withdraw
from newsletters.tables import MadePack
from newsletters.toolkits.toolkit import current_day
from partners.changes import OrganisationChanges, find_changes
from partners.hand_out import hand_out_people, keep_hand_out, send_hand_out
from partners.hand_out_links import hand_out_links
from partners.hand_out_message import MOST_CHANGES, changes_message
from partners.hand_out_people import OrganisationChoice
from sender.delivery.ledger import Ledger, read_ledger
from sender.upkeep.foreground import work_until_over
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.partners.coalition import SENDER, TOOLKIT, add_coalition, make_pack

TODAY = current_day()


@pytest.fixture
def coalition(settings: Settings, sendgrid: FakeSendGrid) -> Iterator[Database]:
    """A coalition; Bees and Friends have a pack of May for Mailchimp, Elusen one of another text."""
    real = replace(
        settings, provider="sendgrid", sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url, test_mode=True
    )
    database = Database(real)
    with database.engine.begin() as connection:
        add_coalition(connection)
        make_pack(connection, "Bees of Bath")
        make_pack(connection, "Bees of Bath", "outlook")
    yield database
    database.close()


def found(database: Database) -> dict[str, OrganisationChanges]:
    with database.engine.connect() as connection:
        changes = find_changes(connection, TODAY)
    assert len({each.organisation.name for each in changes}) == len(changes)
    return {each.organisation.name: each for each in changes}


def told(database: Database, organisations: int) -> Ledger:
    """Tell organisations what changed."""
    with database.engine.begin() as connection:
        draft = keep_hand_out(connection, changes_message(TOOLKIT, SENDER), OrganisationChoice(), who="Priya")
        campaign_id = send_hand_out(
            connection, database.settings, draft.id, TODAY, who="Priya", organisations=organisations
        ).campaign.id
    work_until_over(database, campaign_id, processes=1, late_values=hand_out_links)
    with database.engine.connect() as connection:
        return read_ledger(connection, campaign_id)


def age(database: Database, **columns: object) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(MadePack).values(columns))


def test_current_packs_are_nobodys_news(coalition: Database) -> None:
    assert not found(coalition)


@pytest.mark.parametrize("state", ["superseded", "expired", "withdrawn"])
def test_an_organisation_is_listed_once_with_what_changed_and_since_when(coalition: Database, state: str) -> None:
    age(coalition, made_at=func.now() - timedelta(days=9))
    with coalition.engine.begin() as connection:
        if state == "superseded":
            make_pack(connection, "Elusen Cymru", words="It is still May.")
        elif state == "withdrawn":
            withdraw(connection, "may", "A wrong number.")
        else:
            connection.execute(update(MadePack).values(expires=TODAY - timedelta(days=1)))
    [bees] = found(coalition).values()
    assert bees.organisation.name == "Bees of Bath"
    assert [each.email for each in bees.contacts] == ["maya@bees.example"]
    assert {each.pack.state for each in bees.changes} == {state}
    assert {each.tool for each in bees.changes} == {"Mailchimp", "Outlook, Gmail or another mailbox"}
    assert bees.since == TODAY
    words = {"superseded": "newer version", "expired": "to be sent by", "withdrawn": "A wrong number."}[state]
    assert all(words in each.text for each in bees.changes)


def test_an_organisation_is_told_of_a_change_once_and_of_a_further_change_again(
    coalition: Database, sendgrid: FakeSendGrid
) -> None:
    with coalition.engine.begin() as connection:
        withdraw(connection, "may", "A wrong number.")
    assert told(coalition, 1).accepted == 1
    mail = sendgrid.mail("maya@bees.example")
    assert mail.text.count("A wrong number.") == 2
    assert "Mailchimp" in mail.text
    assert "Outlook" in mail.text
    assert "/p/" in mail.html
    assert not found(coalition)["Bees of Bath"].untold
    with pytest.raises(Exception, match="Nobody is left"):
        told(coalition, 1)
    assert sendgrid.copies == {"maya@bees.example": 1}
    # It is the same pack that changed again: the reason is another one.
    with coalition.engine.begin() as connection:
        connection.execute(update(MadePack).values(withdrawn_why="And the date is wrong, too."))
    assert told(coalition, 1).accepted == 1
    assert sendgrid.copies == {"maya@bees.example": 2}


def test_a_mail_that_was_refused_or_had_nobody_to_go_to_has_told_nobody(
    coalition: Database, sendgrid: FakeSendGrid
) -> None:
    with coalition.engine.begin() as connection:
        withdraw(connection, "may", "A wrong number.")
    sendgrid.script(Fault("status", status=400, message="does not contain a valid address", place="personalizations.0"))
    assert told(coalition, 1).failed == 1
    assert found(coalition)["Bees of Bath"].untold
    with coalition.engine.begin() as connection:
        suppress(connection, "maya@bees.example", "asked by phone")
    with pytest.raises(Exception, match="Nobody is left"):
        told(coalition, 1)
    assert found(coalition)["Bees of Bath"].untold


def test_more_changes_than_a_mail_lists_are_counted_in_it(coalition: Database) -> None:
    with coalition.engine.begin() as connection:
        for tool in ("brevo", "dotdigital", "mailerlite", "hubspot", "activecampaign", "ghost", "plain"):
            make_pack(connection, "Bees of Bath", tool)
        withdraw(connection, "may", "A wrong number.")
        draft = keep_hand_out(connection, changes_message(TOOLKIT, SENDER), OrganisationChoice(), who="Priya")
        [person] = hand_out_people(connection, TODAY, draft).mailable
    assert sum(name.startswith("title_") for name in person.values) == MOST_CHANGES
    assert person.values["more_changes"] == "1"
