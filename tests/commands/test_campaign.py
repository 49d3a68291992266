"""The commands that scripts rely on, on real documents, lists and files."""

from __future__ import annotations

import email
import email.policy
import signal
from pathlib import Path

import pytest
from sqlalchemy import insert

from daisychain.database import Database
from sender.tables import Batch
from tests.command import Daisychain
from tests.commands.conftest import BULLETIN
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.waiting import until


def created(daisychain: Daisychain, *options: str) -> str:
    return str(
        daisychain.json("campaign", "create", "bulletin.md", "--list", "friends", "--format", "json", *options)["id"]
    )


def mails(daisychain: Daisychain) -> list[Path]:
    return sorted((daisychain.settings.home / "outbox").rglob("*.eml"))


def test_a_campaign_is_created_sent_and_told_about(friends: Daisychain) -> None:
    draft = friends.json("campaign", "create", "bulletin.md", "--list", "friends", "--name", "May", "--format", "json")
    assert (draft["state"], draft["name"]) == ("draft", "May")
    friends("campaign", "send", str(draft["id"]), "--yes")
    told = friends.json("campaign", "status", str(draft["id"]), "--format", "json")
    assert told["state"] == "finished"
    assert told["ledger"] == {
        "intended": 3, "waiting": 0, "in_flight": 0, "excluded": 0, "accepted": 3, "failed": 0, "uncertain": 0,
    }  # fmt: skip
    assert told["excluded"] == {}
    assert len(mails(friends)) == 3
    assert [row["name"] for row in friends.json("campaign", "list", "--format", "json")] == ["May"]


def test_create_prints_one_line_with_the_warnings_and_the_next_command(friends: Daisychain) -> None:
    check = ("newsletter", "check", "bulletin.md", "--list", "friends")
    findings = friends.json(*check, "--format", "json")["findings"]
    assert [finding["severity"] for finding in findings] == ["warning"]
    created = friends("campaign", "create", "bulletin.md", "--list", "friends")
    line = f"Campaign 1 created as a draft (1 warning: daisychain {' '.join(check)}). Next: daisychain campaign send 1"
    assert (created.stdout, created.stderr) == (f"{line}\n", "")


def test_the_list_of_campaigns_shows_planned_times_and_progress(friends: Daisychain, database: Database) -> None:
    planned, running, _ = (created(friends, "--name", f"Bulletin of May {number}") for number in (1, 2, 3))
    friends("campaign", "send", planned, "--yes", "--at", "2099-12-01 09:30")
    friends("campaign", "send", running, "--yes", "--detach")
    with database.engine.begin() as connection:
        connection.execute(
            insert(Batch).values(campaign_id=running, compiled_id=1, first_id=1, last_id=1, state="done")
        )
    table = friends("campaign", "list").stdout
    assert "2099-12-01 09:30" in table
    assert "sending, 25 %" in table
    assert max(map(len, table.splitlines())) <= 80
    friends("campaign", "pause", running)
    assert "paused, 25 %" in friends("campaign", "list").stdout


@pytest.mark.parametrize(
    "command",
    [
        ("campaign", "create", "none.md", "--list", "friends"),
        ("newsletter", "test", "none.md", "--to", "ann@coalition.example", "--list", "friends"),
        ("newsletter", "check", "none.md"),
    ],
    ids=" ".join,
)
def test_a_document_that_is_not_there_is_bad_input_to_every_command(
    friends: Daisychain, command: tuple[str, ...]
) -> None:
    assert "There is no newsletter 'none.md'" in friends(*command, code=1).stderr


def test_the_mails_are_merged_for_each_person_and_can_be_left_by_one_click(friends: Daisychain) -> None:
    friends("campaign", "send", created(friends), "--yes")
    read = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in mails(friends)]
    assert {str(mail["Subject"]) for mail in read} == {"News for Ann", "News for Bob", "News for you"}
    for mail in read:
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert str(mail["List-Id"]) == "friends <friends.lists.127.0.0.1>"
        for kind in ("plain", "html"):
            body = mail.get_body((kind,))
            assert body is not None
            assert str(mail["List-Unsubscribe"]).strip("<>") in body.get_content()


def test_without_a_terminal_and_without_yes_nothing_is_sent(friends: Daisychain) -> None:
    campaign_id = created(friends)
    result = friends("campaign", "send", campaign_id, code=1)
    assert "--yes" in result.stderr
    assert friends.json("campaign", "status", campaign_id, "--format", "json")["state"] == "draft"
    assert mails(friends) == []


def test_before_sending_a_person_sees_what_goes_to_whom(friends: Daisychain) -> None:
    summary = friends("campaign", "send", created(friends), "--yes").stderr
    for words in ("Coalition <hello@coalition.example>", "News for Ann", "friends: 3 people, 0 excluded", "outbox",
                  "opens and clicks counted without persons", "ann@people.example"):  # fmt: skip
        assert words in summary


@pytest.mark.parametrize("change", ["document", "gone"])
def test_a_document_that_changed_since_create_is_refused_unless_told_otherwise(
    friends: Daisychain, change: str
) -> None:
    campaign_id = created(friends)
    document = friends.folder / "bulletin.md"
    if change == "gone":
        document.unlink()
    else:
        document.write_text(BULLETIN.replace("Read on", "Go on"))
    result = friends("campaign", "send", campaign_id, "--yes", code=1)
    assert "--as-created" in result.stderr
    friends("campaign", "send", campaign_id, "--yes", "--as-created")
    assert "Read on" in mails(friends)[0].read_text()


@pytest.mark.parametrize("overridden", [False, True])
def test_people_who_came_since_create_are_checked_before_the_send(friends: Daisychain, overridden: bool) -> None:
    override = ("--override", "merge-empty-field=we know them") if overridden else ()
    (friends.folder / "bulletin.md").write_text(BULLETIN.replace(' | default("friend")', ""))
    (friends.folder / "more.csv").write_text("Email,First name\ndee@people.example,\n")
    friends("list", "unsubscribe", "friends", "cay@people.example")
    if overridden:
        friends("list", "import", "friends", "more.csv", "--basis", "consent", "--source", "form")
    campaign_id = created(friends, *override)
    friends("list", "import", "friends", "more.csv", "--basis", "consent", "--source", "form")
    result = friends("campaign", "send", campaign_id, "--yes", "--with-warnings", code=0 if overridden else 1)
    assert ("checks failed" in result.stderr) is not overridden
    assert len(mails(friends)) == (3 if overridden else 0)


def test_a_newsletter_begins_with_the_document_of_a_campaign_as_it_was_then(friends: Daisychain) -> None:
    campaign_id = created(friends)
    (friends.folder / "bulletin.md").unlink()
    friends("newsletter", "new", "june", "--from", campaign_id)
    assert (friends.folder / "june.md").read_text() == BULLETIN


def test_sending_a_finished_campaign_again_sends_nothing(friends: Daisychain) -> None:
    campaign_id = created(friends)
    friends("campaign", "send", campaign_id, "--yes")
    before = {path: path.stat().st_mtime_ns for path in mails(friends)}
    friends("campaign", "send", campaign_id, "--yes")
    assert {path: path.stat().st_mtime_ns for path in mails(friends)} == before


def test_a_detached_campaign_is_delivered_by_a_worker(friends: Daisychain) -> None:
    campaign_id = created(friends)
    friends("campaign", "send", campaign_id, "--yes", "--detach")
    assert mails(friends) == []
    worker = friends.start("worker", "--until-idle")
    _, errors = worker.communicate(timeout=300)
    assert worker.returncode == 0, errors
    assert friends.json("campaign", "status", campaign_id, "--format", "json")["ledger"]["accepted"] == 3


def test_a_worker_stops_on_sigterm_with_everything_recorded(friends: Daisychain, database: Database) -> None:
    worker = friends.start("worker")
    assert worker.stderr is not None
    until(lambda: "At work" in worker.stderr.readline())  # type: ignore[union-attr]
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=300)
    assert worker.returncode == 0


@pytest.mark.parametrize(
    ("fault", "code", "state", "sums"),
    [
        (None, 0, "finished", {"accepted": 3}),
        (Fault(status=500, taken=True), 3, "finished", {"uncertain": 3}),
        (Fault(status=302), 3, "finished", {"uncertain": 3}),
        (Fault("reset"), 3, "finished", {"uncertain": 3}),
        (Fault(status=401), 4, "paused", {"waiting": 3}),
        (Fault(status=400, place="personalizations.1.to.0.email"), 3, "finished", {"failed": 1, "accepted": 2}),
    ],
)
def test_what_the_provider_does_shows_in_the_exit_code_and_the_ledger(
    real: Daisychain, sendgrid: FakeSendGrid, fault: Fault | None, code: int, state: str, sums: dict[str, int]
) -> None:
    campaign_id = created(real, "--provider", "sendgrid")
    sendgrid.script(fault)
    told = real.json("campaign", "send", campaign_id, "--yes", "--format", "json", code=code)
    assert told["state"] == state
    assert {name: told["ledger"][name] for name in sums} == sums
    assert told["balances"]


def test_a_paused_campaign_goes_on_when_it_is_sent_again(real: Daisychain, sendgrid: FakeSendGrid) -> None:
    campaign_id = created(real, "--provider", "sendgrid")
    sendgrid.script(Fault(status=401))
    real("campaign", "send", campaign_id, "--yes", code=4)
    real("campaign", "send", campaign_id, "--yes")
    assert set(sendgrid.copies.values()) == {1}


@pytest.mark.parametrize(("decision", "copies"), [("--send-again", 3), ("--count-as-accepted", 0)])
def test_uncertain_people_are_settled_by_a_person(
    real: Daisychain, sendgrid: FakeSendGrid, decision: str, copies: int
) -> None:
    campaign_id = created(real, "--provider", "sendgrid")
    sendgrid.script(Fault(status=503))
    real("campaign", "send", campaign_id, "--yes", code=3)
    real("campaign", "resolve", campaign_id, decision, "--because", "the provider says so")
    real("campaign", "send", campaign_id, "--yes")
    assert sum(sendgrid.copies.values()) == copies
    assert real.json("campaign", "status", campaign_id, "--format", "json")["ledger"]["accepted"] == 3


def test_resolve_shows_what_speaks_for_and_against_and_looks_into_the_log_first(
    real: Daisychain, sendgrid: FakeSendGrid
) -> None:
    campaign_id = created(real, "--provider", "sendgrid")
    sendgrid.script(Fault(status=503))
    real("campaign", "send", campaign_id, "--yes", code=3)
    shown = real.json("campaign", "resolve", campaign_id, "--format", "json")
    assert (shown["people"], shown["minutes"], shown["webhook"]) == (3, 0, "no key")
    assert [each["found"] for each in shown["look_ups"]] == ["nothing found, which proves nothing"]
    assert real.json("campaign", "status", campaign_id, "--format", "json")["ledger"]["uncertain"] == 3


def test_resolve_has_nothing_to_ask_where_the_log_knows(real: Daisychain, sendgrid: FakeSendGrid) -> None:
    campaign_id = created(real, "--provider", "sendgrid")
    sendgrid.script(Fault(status=503, taken=True))
    real("campaign", "send", campaign_id, "--yes", code=3)
    real("campaign", "resolve", campaign_id, "--send-again", "--because", "nothing came")
    assert real.json("campaign", "status", campaign_id, "--format", "json")["ledger"]["accepted"] == 3
    assert set(sendgrid.copies.values()) == {1}


def test_two_and_a_half_thousand_people_go_out_in_three_valid_requests(
    real: Daisychain, sendgrid: FakeSendGrid
) -> None:
    rows = "".join(f"person{number}@people.example,P{number}\n" for number in range(2_500))
    (real.folder / "many.csv").write_text("Email,First name\n" + rows)
    real("list", "create", "many", "--from", "Coalition <hello@coalition.example>")
    real("list", "import", "many", "many.csv", "--basis", "consent", "--source", "form")
    create = ("campaign", "create", "bulletin.md", "--list", "many", "--provider", "sendgrid", "--format", "json")
    draft = real.json(*create)
    real("campaign", "send", str(draft["id"]), "--yes")
    assert [(request.status, request.problems) for request in sendgrid.requests] == [(202, [])] * 3
    assert (len(sendgrid.copies), set(sendgrid.copies.values())) == (2_500, {1})
    mail = sendgrid.mail("person7@people.example")
    assert mail.message["Subject"] == "News for P7"


def test_a_test_send_is_marked_goes_by_itself_and_counts_nowhere(real: Daisychain, sendgrid: FakeSendGrid) -> None:
    answer = real.json(
        "newsletter", "test", "bulletin.md", "--to", "me@staff.example,you@staff.example", "--provider", "sendgrid",
        "--list", "friends", "--member", "bob@people.example", "--format", "json",
    )  # fmt: skip
    assert [row["state"] for row in answer["mails"]] == ["accepted", "accepted"]
    assert len(sendgrid.requests) == 2
    mail = sendgrid.mail("me@staff.example")
    assert mail.message["Subject"] == "[TEST] News for Bob"
    settings = sendgrid.requests[0].body["tracking_settings"]
    assert not settings["click_tracking"]["enable"]
    assert not settings["open_tracking"]["enable"]
    assert real.json("campaign", "list", "--format", "json") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("campaign", "send", "99", "--yes"), "There is no campaign 99"),
        (("campaign", "status", "99"), "There is no campaign 99"),
        (("campaign", "create", "bulletin.md", "--list", "freinds"), "friends"),
        (("campaign", "create", "bulletin.md", "--list", "friends", "--provider", "pigeon"), "There is no provider"),
        (("newsletter", "test", "bulletin.md", "--to", "nobody"), "nobody"),
        (("newsletter", "test", "bulletin.md", "--to", "gone@x.org", "--list", "friends"), "suppressed"),
        (("newsletter", "test", "bulletin.md", "--to", "a@b.example"), "sender"),
    ],
)
def test_bad_input_is_told_and_leaves_nothing_behind(
    friends: Daisychain, arguments: tuple[str, ...], words: str
) -> None:
    friends("list", "suppress", "gone@x.org", "--reason", "asked by phone")
    result = friends(*arguments, code=1)
    assert words in result.stderr
    assert result.stdout == ""
    assert friends.json("campaign", "list", "--format", "json") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sendgrid_api_key": ""}, "SENDGRID_API_KEY"),
        ({"test_mode": False}, "DAISYCHAIN_PUBLIC_URL"),
        ({"test_mode": False, "public_url": ""}, "DAISYCHAIN_PUBLIC_URL"),
        ({"test_mode": False, "public_url": "https://news.coalition.org"}, "reserved domain 'coalition.example'"),
        ({"sendgrid_api_host": "http://api.sendgrid.com"}, "without encryption"),
    ],
)
def test_what_is_not_set_up_stops_a_real_send_before_the_freeze(
    real: Daisychain, sendgrid: FakeSendGrid, changes: dict[str, object], words: str
) -> None:
    campaign_id = created(real, "--provider", "sendgrid")
    result = real.with_settings(**changes)("campaign", "send", campaign_id, "--yes", code=1)
    assert words in result.stderr
    assert real.json("campaign", "status", campaign_id, "--format", "json")["state"] == "draft"
    assert sendgrid.requests == []


@pytest.mark.parametrize(
    ("provider", "changes", "words"),
    [
        ("sendgrid", {"sendgrid_api_host": "http://127.0.0.1:9"}, "127.0.0.1 can't be reached"),
        ("sendgrid", {"sendgrid_api_key": "SG.wrong"}, "does not know this key"),
        ("smtp", {"smtp_url": "smtp://127.0.0.1:9"}, "The SMTP relay 127.0.0.1 can't be used"),
    ],
)
def test_a_provider_that_cannot_be_used_stops_a_send_before_the_freeze(
    real: Daisychain, provider: str, changes: dict[str, str], words: str
) -> None:
    campaign_id = created(real, "--provider", provider)
    result = real.with_settings(**changes)("campaign", "send", campaign_id, "--yes", code=1)
    assert words in result.stderr
    assert real.json("campaign", "status", campaign_id, "--format", "json")["state"] == "draft"


def test_a_key_that_may_not_send_is_told_apart(real: Daisychain, sendgrid: FakeSendGrid) -> None:
    sendgrid.scopes = ["stats.read"]
    assert "Mail Send" in real("campaign", "send", created(real, "--provider", "sendgrid"), "--yes", code=1).stderr


def test_a_provider_that_goes_away_on_the_way_leaves_everybody_waiting(
    real: Daisychain, sendgrid: FakeSendGrid
) -> None:
    """The campaign goes on trying; a person who stops it has lost nothing."""
    campaign_id = created(real, "--provider", "sendgrid")
    real("campaign", "send", campaign_id, "--yes", "--detach")
    nowhere = real.with_settings(sendgrid_api_host="http://127.0.0.1:9")
    process = nowhere.start("campaign", "send", campaign_id, "--yes")

    def tried_and_put_back() -> bool:
        status = real.json("campaign", "status", campaign_id, "--format", "json")
        return bool(status["attempts"]) and status["batches"] == {"waiting": 1}

    until(tried_and_put_back)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert real.json("campaign", "status", campaign_id, "--format", "json")["ledger"]["waiting"] == 3
