"""The list of newsletters says what waits for an approval, and what was sent to how many."""

from __future__ import annotations

from sqlalchemy import insert, update

from daisychain.database import Database
from sender.launching.newsletter_states import newsletter_states
from sender.providers.provider import Outcome, Verdict
from sender.tables import Approval, Campaign
from tests.sender.delivery.test_ledger import batches, claimed, frozen, recorded, staged

MAY = "newsletter:may"


def said(database: Database) -> str:
    with database.engine.connect() as connection:
        found = newsletter_states(connection, [MAY, "newsletter:other"])
    return found[MAY].said("12 May") if found else "nothing"


def change(database: Database, campaign_id: int, **values: object) -> None:
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(document=MAY, **values))


def test_a_draft_waits_for_an_approval_until_it_is_answered(database: Database) -> None:
    campaign_id = staged(database, 2)
    assert said(database) == "nothing"
    change(database, campaign_id)
    assert said(database) == ""
    row = {"campaign_id": campaign_id, "asked_by": "Sam", "asked_by_id": 1}
    with database.engine.begin() as connection:
        connection.execute(insert(Approval).values(row))
    assert said(database) == "waits for approval"
    with database.engine.begin() as connection:
        connection.execute(update(Approval).values(answer="no"))
    assert said(database) == ""


def test_a_campaign_says_how_many_were_accepted(database: Database) -> None:
    campaign_id = frozen(database, 6, batch_size=2)
    first, *_ = batches(database, campaign_id)
    change(database, campaign_id)
    assert said(database) == "sending, 0 so far"
    recorded(database, claimed(database, first), Outcome(Verdict.ACCEPTED, status=202, refused={2: "mailbox full"}))
    assert said(database) == "sending, 1 so far"
    change(database, campaign_id, state="finished")
    assert said(database) == "sent 12 May to 1"
