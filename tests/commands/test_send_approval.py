"""The command line where a send needs a second person: refused with what to do, sent by name with a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select, text, update

from accounts.tables import AuditLine
from daisychain.database import Database
from sender.campaigns import approvals
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.due_campaigns import start_due_campaigns
from sender.tables import Approval, Campaign
from tests.command import Daisychain
from tests.commands.test_unsent import AT, LATER, created, mailed, status
from tests.desk.staff import make_account


@pytest.fixture
def strict(friends: Daisychain) -> Daisychain:
    return friends.with_settings(approval="always")


def approve(strict: Daisychain, database: Database, campaign_id: str, account_id: int) -> None:
    """Priya's yes at the desk."""
    with database.engine.begin() as connection:
        campaign = find_campaign(connection, int(campaign_id))
        approvals.ask(connection, campaign.id, who="Sam", who_id=99)
        approvals.answer(
            connection, campaign.id, yes=True, who="Priya", who_id=account_id,
            seen=approvals.content_of(connection, campaign), people=approvals.count_people(connection, campaign),
        )  # fmt: skip


@pytest.fixture
def priya(database: Database, strict: Daisychain) -> int:
    return make_account(database, "sender", factor=False, name="Priya")[0]


WAYS: dict[str, Callable[[Daisychain, str], object]] = {
    "send": lambda run, id_: run("campaign", "send", id_, "--yes", code=1).output,
    "at a time": lambda run, id_: run("campaign", "send", id_, "--yes", "--at", AT, code=1).output,
    "after a hold": lambda run, id_: run("campaign", "send", id_, "--yes", "--hold", "10m", code=1).output,
    "left to a worker": lambda run, id_: run("campaign", "send", id_, "--yes", "--detach", code=1).output,
    "now": lambda run, id_: run("campaign", "send", id_, "--yes", "--now", code=1).output,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_to_send_goes_without_a_second_person(strict: Daisychain, way: str) -> None:
    campaign_id = created(strict)
    output = str(WAYS[way](strict, campaign_id))
    assert "A second person has to approve this first." in output
    assert "Ask for a second look at the desk" in output
    assert "--without-approval" in output
    assert status(strict, campaign_id)["state"] == "draft"
    assert mailed(strict) == 0


def test_a_campaign_scheduled_before_approvals_were_asked_for_pauses_at_its_time_and_is_not_resumed(
    friends: Daisychain, strict: Daisychain, database: Database
) -> None:
    campaign_id = created(friends)
    friends("campaign", "send", campaign_id, "--yes", "--at", AT)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(starts_at=text("now() - interval '1 minute'")))
        start_due_campaigns(connection, strict.settings)
    found = status(strict, campaign_id)
    assert found["state"] == "paused"
    assert "its time came, but: A second person has to approve this first." in found["pause_reason"]
    for again in (("resume",), ("send", "--yes"), ("send", "--yes", "--now")):
        assert "A second person" in strict("campaign", again[0], campaign_id, *again[1:], code=1).output
    assert mailed(strict) == 0


def test_an_approved_draft_goes_and_any_other_plan_does_not(strict: Daisychain, database: Database, priya: int) -> None:
    campaign_id = created(strict)
    approve(strict, database, campaign_id, priya)
    refused = strict("campaign", "send", campaign_id, "--yes", "--canary", "1", code=1).output
    assert "Priya approved this before it changed: who gets it first has changed. Ask again." in refused
    assert status(strict, campaign_id)["plan"]["canary"] == 0, "the plan stays as it was approved"
    strict("campaign", "send", campaign_id, "--yes")
    assert mailed(strict) == 3


def test_a_time_chosen_at_the_desk_is_kept_by_the_command_line(
    strict: Daisychain, database: Database, priya: int
) -> None:
    campaign_id = created(strict)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(starts_at=text("timestamptz '2099-12-01 09:30 UTC'")))
    approve(strict, database, campaign_id, priya)
    assert "the time has changed" in strict("campaign", "send", campaign_id, "--yes", "--now", code=1).output
    assert "the time has changed" in strict("campaign", "send", campaign_id, "--yes", "--at", LATER, code=1).output
    strict("campaign", "send", campaign_id, "--yes")
    assert status(strict, campaign_id)["plan"]["begins_at"] == "2099-12-01T09:30:00+00:00"
    assert "the time has changed" in strict("campaign", "send", campaign_id, "--yes", "--at", LATER, code=1).output


def test_an_approver_without_an_account_counts_no_more(strict: Daisychain, database: Database, priya: int) -> None:
    campaign_id = created(strict)
    approve(strict, database, campaign_id, priya)
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM accounts"))
    assert "has no account any more" in strict("campaign", "send", campaign_id, "--yes", code=1).output


def test_an_override_keeps_who_and_why_and_is_for_this_plan_only(strict: Daisychain, database: Database) -> None:
    campaign_id = created(strict)
    send = ("campaign", "send", campaign_id, "--yes", "--at")
    assert "needs a reason" in strict(*send, AT, "--without-approval", " ", code=1).output
    strict(*send, AT, "--without-approval", "Everybody is ill")
    assert status(strict, campaign_id)["state"] == "scheduled"
    with database.engine.connect() as connection:
        kept = approvals.latest(connection, int(campaign_id))
        line = connection.execute(select(AuditLine.action, AuditLine.object)).all()
    assert kept
    assert kept.text.endswith("sent it without a second person: Everybody is ill")
    assert line == [("campaign send --without-approval", f"campaign {campaign_id}")]
    assert "before it changed: the time has changed" in strict(*send, LATER, code=1).output
    strict(*send, LATER, "--without-approval", "Still ill")
    with database.engine.connect() as connection:
        assert connection.scalars(select(Approval.because).order_by(Approval.id)).all() == [
            "Everybody is ill",
            "Still ill",
        ]


def test_more_people_than_were_approved_pause_a_scheduled_campaign_at_its_time(
    strict: Daisychain, database: Database, priya: int
) -> None:
    campaign_id = created(strict)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(starts_at=text("timestamptz '2099-12-01 09:30 UTC'")))
    approve(strict, database, campaign_id, priya)
    strict("campaign", "send", campaign_id, "--yes")
    (strict.folder / "more.csv").write_text("email\n" + "".join(f"new{n}@people.example\n" for n in range(9)))
    strict("list", "import", "friends", "more.csv", "--basis", "consent", "--source", "paper")
    with database.engine.begin() as connection:
        later = connection.scalar(text("SELECT timestamptz '2099-12-01 09:31 UTC'"))
        start_due_campaigns(connection, strict.settings, later)
    reason = status(strict, campaign_id)["pause_reason"]
    assert "Priya approved this before it changed: it goes to 12 people now, not 3. Ask again." in reason
    assert mailed(strict) == 0
