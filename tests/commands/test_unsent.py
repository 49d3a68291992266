"""Before anybody is mailed: a time that moves, drafts renamed and deleted, numbers, repeats and standing warnings."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from daisychain.database import Database
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.due_campaigns import start_due_campaigns
from sender.campaigns.plans import Plan
from sender.campaigns.steering import begin
from sender.tables import Attempt, Campaign, CampaignEmail, Decision, Delivery, Override
from tests.command import ROOT, Daisychain, environment
from tests.commands.conftest import BULLETIN
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.sender.staging import set_plan
from tests.waiting import until

JSON = ("--format", "json")
AT, LATER = "2099-12-01 09:30 Europe/London", "2099-12-02 10:00 Europe/London"
DUE = datetime(2099, 12, 1, 9, 31, tzinfo=UTC)


def created(run: Daisychain, *options: str, document: str = "bulletin.md", to: str = "friends") -> str:
    return str(run.json("campaign", "create", document, "--list", to, *options, *JSON)["id"])


def scheduled(run: Daisychain) -> str:
    campaign_id = created(run)
    run("campaign", "send", campaign_id, "--yes", "--at", AT)
    return campaign_id


def status(run: Daisychain, campaign_id: str) -> dict[str, Any]:
    found: dict[str, Any] = run.json("campaign", "status", campaign_id, *JSON)
    return found


def mailed(run: Daisychain) -> int:
    return len(list((run.settings.home / "outbox").rglob("*.eml")))


def at_terminal(run: Daisychain, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command in a terminal whose person types `answer`; returns its exit code and all that is shown."""
    ours, theirs = pty.openpty()
    own = {name: value for name, value in os.environ.items() if not name.startswith("DAISYCHAIN")}
    command = subprocess.Popen(
        [sys.executable, "-m", "daisychain", *arguments], cwd=run.folder, stdin=theirs,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**own, "PYTHONPATH": str(ROOT), **environment(run.settings)},
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    shown, _ = command.communicate(timeout=300)
    os.close(ours)
    return command.returncode, shown


# A time that moves


def test_a_scheduled_campaign_can_be_moved(friends: Daisychain) -> None:
    campaign_id = scheduled(friends)
    moved = friends.json("campaign", "send", campaign_id, "--yes", "--at", LATER, "--canary", "2", *JSON)
    assert (moved["state"], moved["plan"]["begins_at"]) == ("scheduled", "2099-12-02T10:00:00+00:00")
    assert moved["plan"]["canary"] == 2
    assert [each["what"] for each in moved["decisions"]] == ["schedule", "schedule"]
    assert "2099-12-02 10:00" in friends("campaign", "list").stdout
    shown = friends("campaign", "status", campaign_id).stdout
    assert f"campaign send {campaign_id} --at" in shown
    assert f"campaign unschedule {campaign_id}" in shown


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2020-01-01 09:30", "is past"),
        ("2099-03-29 01:30 Europe/London", "the clocks go forward"),
        ("2099-13-01 09:30", "is not a time"),
        ("tomorrow", "is not a time"),
        ("2099-12-02 10:00 Europe/Lundon", "time zone"),
    ],
)
def test_a_move_to_a_time_that_cannot_be_changes_nothing(friends: Daisychain, at: str, says: str) -> None:
    campaign_id = scheduled(friends)
    before = status(friends, campaign_id)
    assert says in friends("campaign", "send", campaign_id, "--yes", "--at", at, code=1).stderr
    assert status(friends, campaign_id) == before


def test_yes_never_sends_a_scheduled_campaign_now(friends: Daisychain) -> None:
    campaign_id = scheduled(friends)
    before = status(friends, campaign_id)
    refused = friends("campaign", "send", campaign_id, "--yes", code=1)
    assert "--now" in refused.stderr
    assert "2099-12-01 09:30" in refused.stderr
    friends("campaign", "send", campaign_id, "--now", code=1)  # nobody at the terminal to say yes
    assert "do not go together" in friends("campaign", "send", campaign_id, "--now", "--at", LATER, code=1).stderr
    assert (status(friends, campaign_id), mailed(friends)) == (before, 0)
    friends("campaign", "send", campaign_id, "--now", "--yes")
    assert mailed(friends) == 3


@pytest.mark.parametrize("overdue", [False, True])
def test_yes_never_sends_a_campaign_now_that_was_paused_before_its_time(
    friends: Daisychain, database: Database, overdue: bool
) -> None:
    campaign_id = scheduled(friends)
    friends("campaign", "pause", campaign_id)
    if overdue:
        with database.engine.begin() as connection:
            connection.execute(update(Campaign).values(starts_at=datetime.now(UTC) - timedelta(hours=2)))
    friends("campaign", "send", campaign_id, "--yes", code=1 if overdue else 0)
    assert status(friends, campaign_id)["state"] == ("paused" if overdue else "scheduled")
    assert mailed(friends) == 0
    assert friends.json("campaign", "send", campaign_id, "--yes", "--at", LATER, *JSON)["state"] == "scheduled"
    friends("campaign", "pause", campaign_id)
    friends("campaign", "send", campaign_id, "--yes", "--now")
    assert mailed(friends) == 3


def test_a_campaign_is_unscheduled_and_is_a_draft_again(friends: Daisychain) -> None:
    campaign_id = scheduled(friends)
    draft = friends.json("campaign", "unschedule", campaign_id, *JSON)
    assert (draft["state"], draft["plan"]["begins_at"]) == ("draft", None)
    assert [each["what"] for each in draft["decisions"]] == ["schedule", "unschedule"]
    [row] = friends.json("campaign", "list", *JSON)
    assert row["state"] == "draft"
    assert "2099" not in friends("campaign", "list").stdout
    friends("campaign", "unschedule", campaign_id, code=1)
    friends("campaign", "send", campaign_id, "--yes")
    assert mailed(friends) == 3
    assert "can't be unscheduled" in friends("campaign", "unschedule", campaign_id, code=1).stderr


def waits_for_a_lock(database: Database) -> bool:
    with database.engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


@pytest.mark.processes
@pytest.mark.parametrize(
    ("step", "says"),
    [
        (("send", "--yes", "--at", LATER), "changed meanwhile: it is sending now"),
        (("unschedule",), "is sending and can't be unscheduled"),
        (("rename", "June"), "is sending and can't be renamed"),
    ],
)
def test_a_schedule_is_not_changed_once_a_worker_starts_it(
    friends: Daisychain, database: Database, step: tuple[str, ...], says: str
) -> None:
    campaign_id = scheduled(friends)
    command, *options = step
    with database.engine.begin() as worker:
        start_due_campaigns(worker, friends.settings, DUE)
        late = friends.start("campaign", command, campaign_id, *options)
        until(lambda: waits_for_a_lock(database))
    _, errors = late.communicate(timeout=300)
    assert (late.returncode, says in errors) == (1, True), errors
    found = status(friends, campaign_id)
    assert (found["state"], found["ledger"]["intended"], found["name"]) == ("sending", 3, "News for [first_name]")


def test_a_worker_does_not_start_a_campaign_that_is_being_moved(friends: Daisychain, database: Database) -> None:
    campaign_id = int(scheduled(friends))
    with database.engine.begin() as mover, database.engine.begin() as worker:
        set_plan(mover, friends.settings, find_campaign(mover, campaign_id), Plan(at=LATER), who="priya")
        start_due_campaigns(worker, friends.settings, DUE)  # it neither starts it, nor waits
    with database.engine.begin() as worker:
        start_due_campaigns(worker, friends.settings, DUE)
        assert find_campaign(worker, campaign_id).state == "scheduled"


# Drafts


@pytest.mark.parametrize("change", ["", "gone", "changed"])
def test_a_draft_is_deleted_after_a_question(friends: Daisychain, database: Database, change: str) -> None:
    campaign_id = created(friends)
    document = friends.folder / "bulletin.md"
    document.write_text(BULLETIN + "\nMore.\n") if change else None
    document.unlink() if change == "gone" else None
    refused = friends("campaign", "delete", campaign_id, code=1)
    assert "--yes" in refused.stderr
    assert (f"newsletter new NAME --from {campaign_id}" in refused.stderr) is bool(change)
    assert status(friends, campaign_id)["state"] == "draft"
    assert friends.json("campaign", "delete", campaign_id, "--yes", *JSON) == {
        "id": int(campaign_id), "name": "News for [first_name]", "deleted": True,
    }  # fmt: skip
    assert f"There is no campaign {campaign_id}" in friends("campaign", "status", campaign_id, code=1).stderr
    assert friends.json("campaign", "list", *JSON) == []
    with database.engine.connect() as connection:
        for table in (Campaign, CampaignEmail, Override, Decision):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
    document.write_text(BULLETIN)
    assert created(friends) == str(int(campaign_id) + 1)


def in_state(run: Daisychain, state: str) -> str:
    """The number of a campaign in this state."""
    if state == "test":
        test = ("newsletter", "test", "bulletin.md", "--to", "me@staff.example", "--list", "friends", *JSON)
        return str(run.json(*test)["id"])
    campaign_id = created(run)
    steps = {
        "scheduled": [("send", "--yes", "--at", AT)],
        "sending": [("send", "--yes", "--detach")],
        "paused": [("send", "--yes", "--detach"), ("pause",)],
        "cancelled": [("cancel", "--yes")],
        "finished": [("send", "--yes")],
    }
    for command, *options in steps[state]:
        run("campaign", command, campaign_id, *options)
    return campaign_id


@pytest.mark.parametrize("state", ["scheduled", "sending", "paused", "cancelled", "finished", "test"])
def test_only_drafts_are_deleted_and_only_unsent_campaigns_renamed(friends: Daisychain, state: str) -> None:
    campaign_id = in_state(friends, state)
    before = status(friends, campaign_id)
    refused = friends("campaign", "delete", campaign_id, "--yes", code=1).stderr
    assert f"is {'a test send' if state == 'test' else state} and can't be deleted" in refused
    assert (f"campaign unschedule {campaign_id}" in refused) is (state == "scheduled")
    friends("campaign", "rename", campaign_id, "June", code=0 if state == "scheduled" else 1)
    assert status(friends, campaign_id) == {**before, "name": "June" if state == "scheduled" else before["name"]}


@pytest.mark.processes
def test_a_draft_is_not_deleted_once_it_is_being_sent(friends: Daisychain, database: Database) -> None:
    campaign_id = created(friends)
    with database.engine.begin() as sender:
        begin(sender, friends.settings, find_campaign(sender, int(campaign_id), lock=True))
        late = friends.start("campaign", "delete", campaign_id, "--yes")
        until(lambda: waits_for_a_lock(database))
    _, errors = late.communicate(timeout=300)
    assert (late.returncode, "is sending" in errors) == (1, True), errors
    assert status(friends, campaign_id)["ledger"]["waiting"] == 3


@pytest.mark.processes
def test_a_draft_deleted_while_its_test_send_is_under_way_leaves_the_test_alone(
    real: Daisychain, sendgrid: FakeSendGrid
) -> None:
    campaign_id = created(real, "--provider", "sendgrid")
    sendgrid.script(Fault("late", taken=True))
    test = real.start(
        "newsletter", "test", "bulletin.md", "--to", "me@staff.example", "--list", "friends",
        "--provider", "sendgrid", *JSON,
    )  # fmt: skip
    until(lambda: sendgrid.requests)
    real("campaign", "delete", campaign_id, "--yes")
    sendgrid.released.set()
    shown, errors = test.communicate(timeout=300)
    assert test.returncode == 0, errors
    assert '"state": "accepted"' in shown
    assert sendgrid.copies == {"me@staff.example": 1}


def test_a_draft_is_renamed_unless_the_name_is_taken(friends: Daisychain) -> None:
    first, second = created(friends, "--name", "May"), created(friends)
    assert friends.json("campaign", "rename", second, "  June \n bulletin ", *JSON)["name"] == "June bulletin"
    assert f"Campaign {first} is already named 'MAY'" in friends("campaign", "rename", second, "MAY", code=1).stderr
    assert "needs a name" in friends("campaign", "rename", second, " ", code=1).stderr
    friends("campaign", "rename", first, "May")  # its own name is not taken
    names = [row["name"] for row in friends.json("campaign", "list", *JSON)]
    assert names == ["June bulletin", "May"]


def test_test_sends_and_failed_creates_use_up_no_numbers_of_campaigns(friends: Daisychain) -> None:
    first = int(created(friends))
    test = int(in_state(friends, "test"))
    friends("campaign", "create", "bulletin.md", "--list", "freinds", code=1)
    (friends.folder / "broken.md").write_text(BULLETIN.replace("member.first_name", "member.forename"))
    friends("campaign", "create", "broken.md", "--list", "friends", code=1)
    second = int(created(friends))
    assert (second, test > 1_000_000_000) == (first + 1, True)
    assert [row["id"] for row in friends.json("campaign", "list", *JSON)] == [second, first]
    assert status(friends, str(test))["ledger"]["accepted"] == 1


def test_the_outbox_says_where_its_mails_are(friends: Daisychain) -> None:
    first, folder = created(friends), friends.settings.home / "outbox"
    assert f"files in {folder / first}" in friends("campaign", "send", first, "--yes").stderr
    test = friends("newsletter", "test", "bulletin.md", "--to", "me@staff.example", "--list", "friends")
    assert f"files in {folder}/" in test.stderr


# Repeats


def changed(run: Daisychain) -> None:
    (run.folder / "bulletin.md").write_text(BULLETIN.replace("Read on", "Go on"))


def test_the_same_to_the_same_people_within_a_day_needs_its_own_answer(friends: Daisychain) -> None:
    first, second = created(friends, "--name", "May"), created(friends)
    friends("campaign", "send", first, "--yes")
    refused = friends("campaign", "send", second, "--yes", code=1).stderr
    assert f"campaign {first} (May) has the same content for 3 of these people" in refused
    assert "--yes --repeat" in refused
    friends("campaign", "send", second, "--repeat", code=1)
    assert (status(friends, second)["state"], mailed(friends)) == ("draft", 3)
    friends("campaign", "send", second, "--yes", "--repeat")
    assert mailed(friends) == 6


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("another text", "the same newsletter for 3 of these people"),
        ("another list", "the same content for 1 of these people"),
        ("one unsubscribed", "the same content for 2 of these people"),
        ("being sent", "the same content for 3 of these people (0 have it, 3 wait for it)"),
        ("partly sent", "the same content for 3 of these people (1 has it, 2 wait for it)"),
        ("planned", "planned for 2099-12-01 09:30 GMT, has the same content for 3 of these people"),
        ("planned days apart", ""),
        ("two days ago", ""),
        ("cancelled before", ""),
        ("another newsletter", ""),
    ],
)
def test_a_repeat_is_counted_in_people(friends: Daisychain, database: Database, case: str, says: str) -> None:
    first = created(friends)
    if case == "cancelled before":
        friends("campaign", "cancel", first, "--yes")
    elif case.startswith("planned"):
        friends("campaign", "send", first, "--yes", "--at", AT if case == "planned" else "2099-12-04 09:30")
    else:
        friends("campaign", "send", first, "--yes", *(["--detach"] if "sent" in case else []))
    if case == "another text":
        changed(friends)
    if case == "another newsletter":
        (friends.folder / "june.md").write_text(BULLETIN.replace("Read on", "Go on"))
    if case == "two days ago":
        with database.engine.begin() as connection:
            before = timedelta(days=-2)
            connection.execute(update(Attempt).values(started_at=Attempt.started_at + before))
            connection.execute(update(Campaign).values(finished_at=Campaign.finished_at + before))
        friends("confirm-here", "--yes")  # to this home, attempts that move look like a database that went back
    if case == "partly sent":
        with database.engine.begin() as connection:
            one = select(func.min(Delivery.id)).scalar_subquery()
            connection.execute(update(Delivery).where(Delivery.id == one).values(state="accepted"))
    if case == "one unsubscribed":
        friends("list", "unsubscribe", "friends", "ann@people.example")
    if case == "another list":
        (friends.folder / "others.csv").write_text("Email,First name\nann@people.example,Ann\nzoe@people.example,Zoe\n")
        friends("list", "create", "others", "--from", "Coalition <hello@coalition.example>")
        friends("list", "import", "others", "others.csv", "--basis", "consent", "--source", "form")
    document = "june.md" if case == "another newsletter" else "bulletin.md"
    second = created(friends, document=document, to="others" if case == "another list" else "friends")
    at = ("--at", LATER if case == "planned days apart" else "2099-12-02 09:00") if case.startswith("planned") else ()
    result = friends("campaign", "send", second, "--yes", "--detach", *at, code=1 if says else 0)
    assert says in result.stderr
    assert ("Repeat" in result.stderr) is bool(says)


def test_people_who_did_not_get_it_are_no_repeat(real: Daisychain, sendgrid: FakeSendGrid) -> None:
    sendgrid.script(Fault(status=400, place="personalizations.1.to.0.email"))
    first = created(real, "--provider", "sendgrid")
    real("campaign", "send", first, "--yes", code=3)
    whom = ("--from-campaign", first, "--where", "failed", "--provider", "sendgrid", *JSON)
    again = str(real.json("campaign", "create", "bulletin.md", *whom)["id"])
    real("campaign", "send", again, "--yes")
    assert sendgrid.copies == {"ann@people.example": 1, "bob@people.example": 1, "cay@people.example": 1}


@pytest.mark.processes
@pytest.mark.parametrize(("answer", "code", "mails"), [("n", 1, 3), ("y", 0, 6)])
def test_at_a_terminal_a_repeat_is_asked_about_even_with_yes(
    friends: Daisychain, answer: str, code: int, mails: int
) -> None:
    first, second = created(friends), created(friends)
    friends("campaign", "send", first, "--yes")
    ended, shown = at_terminal(friends, answer, "campaign", "send", second, "--yes")
    assert (ended, mailed(friends)) == (code, mails), shown
    assert "the same content for 3 of these people" in shown


# Standing warnings


def test_an_overridden_error_needs_its_own_answer(friends: Daisychain) -> None:
    (friends.folder / "bulletin.md").write_text(BULLETIN.replace(' | default("friend")', ""))
    campaign_id = created(friends, "--override", "merge-empty-field=we know them")
    refused = friends("campaign", "send", campaign_id, "--yes", code=1).stderr
    assert "merge-empty-field (1 found)" in refused
    assert "--yes --with-warnings" in refused
    assert mailed(friends) == 0
    friends("campaign", "send", campaign_id, "--yes", "--with-warnings")
    assert mailed(friends) == 3


def test_warnings_that_came_up_since_create_need_their_own_answer(friends: Daisychain, database: Database) -> None:
    campaign_id, other = created(friends), created(friends)
    friends("campaign", "send", other, "--yes", "--at", AT)  # its own warnings were counted by `create`
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE memberships SET basis = 'soft-opt-in-unspecified' WHERE member_id = 1"))
    refused = friends("campaign", "send", campaign_id, "--yes", code=1).stderr
    assert "New warning" in refused
    assert "law-consent" in refused
    assert "--yes --with-warnings" in refused
    friends("campaign", "send", campaign_id, "--yes", "--with-warnings")
    assert mailed(friends) == 3
