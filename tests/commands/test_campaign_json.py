"""The keys that scripts find in the JSON of the commands about campaigns: they never change."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.waiting import until

SUMS = "intended waiting in_flight excluded accepted failed uncertain"
STATUS = (
    "id name state ledger balances excluded failed pause_reason list provider tracking opens clicks hash fallback "
    "languages batches wait plan decisions overrides attempts created_at frozen_at finished_at segment "
    "segment_people"
)
PLAN = (
    "per_minute opens_at closes_at zone canary canary_wait most_bounces most_complaints begins_at canary_out "
    "canary_until canary_people held"
)
EVIDENCE = "campaign people requests since minutes events events_of_these_requests webhook webhook_heard_at look_ups"
JSON = ("--format", "json")


def keys(found: dict[str, Any]) -> str:
    return " ".join(found)


def is_time(text: str) -> bool:
    return datetime.fromisoformat(text).utcoffset() is not None


@pytest.fixture
def paused(real: Daisychain, sendgrid: FakeSendGrid) -> str:
    """A campaign with a plan and an override that the provider refused, with a warning in its newsletter."""
    document = real.folder / "bulletin.md"
    document.write_text(document.read_text().replace(' | default("friend")', ""))
    made = real.json(
        "campaign", "create", "bulletin.md", "--list", "friends", "--provider", "sendgrid",
        "--override", "merge-empty-field=we know them", *JSON,
    )  # fmt: skip
    assert keys(made) == STATUS
    assert (made["state"], made["languages"], made["batches"], made["wait"]) == ("draft", {}, {}, None)
    assert keys(made["overrides"][0]) == "code because who at findings"
    assert keys(made["overrides"][0]["findings"][0]) == "place message"
    sendgrid.script(Fault(status=401))
    send = ("campaign", "send", str(made["id"]), "--yes", "--with-warnings")
    real(*send, "--between", "00:00-23:59", "--canary", "2", code=4)
    return str(made["id"])


def test_the_keys_of_status_and_of_what_answers_with_it(real: Daisychain, paused: str) -> None:
    told = real.json("campaign", "status", paused, *JSON)
    assert keys(told) == f"{STATUS} may_send_from_here"
    assert (keys(told["ledger"]), keys(told["plan"])) == (SUMS, PLAN)
    assert (told["plan"]["opens_at"], told["plan"]["closes_at"]) == ("00:00:00", "23:59:00")
    assert (told["excluded"], told["failed"], told["batches"], told["attempts"]) == ({}, {}, {"waiting": 2}, 1)
    assert is_time(told["created_at"])
    assert is_time(told["frozen_at"])
    assert is_time(told["overrides"][0]["at"])
    cancelled = real.json("campaign", "cancel", paused, "--yes", "--because", "a wrong date", *JSON)
    assert keys(cancelled) == STATUS
    assert (cancelled["excluded"], cancelled["ledger"]["excluded"]) == ({"cancelled": 3}, 3)
    decided = cancelled["decisions"][0]
    assert keys(decided) == "at what who because people"
    assert (decided["what"], decided["because"], decided["people"]) == ("cancel", "a wrong date", 3)
    assert is_time(decided["at"])


def test_the_keys_of_a_campaign_that_waits_and_is_in_several_languages(
    real: Daisychain, sendgrid: FakeSendGrid
) -> None:
    text = (real.folder / "bulletin.md").read_text()
    (real.folder / "bulletin.cy.md").write_text(text.replace("toolkit: community-makes-us\nlayout: bulletin\n", ""))
    made = real.json("campaign", "create", "bulletin.md", "--list", "friends", "--provider", "sendgrid", *JSON)
    assert keys(made["languages"]) == "cy en"
    assert keys(made["languages"]["cy"]) == SUMS
    sendgrid.script(Fault(status=429, headers={"Retry-After": "600"}))
    process = real.start("campaign", "send", str(made["id"]), "--yes", *JSON)
    until(lambda: real.json("campaign", "status", str(made["id"]), *JSON)["wait"])
    wait = real.json("campaign", "status", str(made["id"]), *JSON)["wait"]
    process.terminate()
    process.communicate(timeout=300)
    assert keys(wait) == "until status words"
    assert is_time(wait["until"])


def test_the_keys_of_the_list(real: Daisychain, paused: str) -> None:
    [row] = real.json("campaign", "list", *JSON)
    assert keys(row) == "id name state list provider intended created_at finished_at"
    assert is_time(row["created_at"])


def test_the_keys_of_the_ledger_and_of_one_persons_timeline(real: Daisychain, paused: str) -> None:
    rows = real.json("campaign", "ledger", paused, *JSON)
    assert keys(rows[0]) == "address state reason batch tried_at outcome status detail language"
    assert [is_time(row["tried_at"]) for row in rows if row["tried_at"]] == [True, True]
    header = real("campaign", "ledger", paused, "--format", "csv").stdout.splitlines()[0]
    assert header == "address,state,reason,batch,tried_at,outcome,status,detail,language"
    real("campaign", "pause", paused, code=1)
    real("campaign", "cancel", paused, "--yes")
    real("list", "unsubscribe", "friends", "ann@people.example")
    told = real.json("campaign", "who", paused, "ann@people.example", *JSON)
    assert keys(told) == "campaign campaign_state address state reason values language without_person story"
    entries = {entry["what"]: entry for entry in told["story"]}
    assert {what: keys(entry) for what, entry in entries.items()} == {
        "frozen": "at what words",
        "attempt": "at what words batch attempt",
        "answer": "at what words batch attempt status",
        "cancel": "at what words",
        "left the list": "at what words",
    }
    assert all(is_time(entry["at"]) for entry in told["story"])


def test_the_keys_of_the_evidence_about_uncertain_people(real: Daisychain, sendgrid: FakeSendGrid) -> None:
    made = real.json("campaign", "create", "bulletin.md", "--list", "friends", "--provider", "sendgrid", *JSON)
    sendgrid.script(Fault(status=503))
    real("campaign", "send", str(made["id"]), "--yes", code=3)
    found = real.json("campaign", "resolve", str(made["id"]), *JSON)
    assert keys(found) == EVIDENCE
    assert keys(found["look_ups"][0]) == "request at found"
    assert is_time(found["since"])
    decide = ("campaign", "resolve", str(made["id"]), "--count-as-accepted", "--because", "they say so")
    assert keys(real.json(*decide, *JSON)) == STATUS


def test_the_keys_of_test_sends_and_test_sets(real: Daisychain) -> None:
    answer = real.json("newsletter", "test", "bulletin.md", "--to", "me@staff.example", "--list", "friends", *JSON)
    assert keys(answer) == "id mails"
    assert keys(answer["mails"][0]) == "address language state reason"
    real("newsletter", "test-set", "add", "staff", "me@staff.example")
    assert real.json("newsletter", "test-set", "list", *JSON) == {"staff": ["me@staff.example"]}


def test_the_keys_of_warm_ups(real: Daisychain) -> None:
    [row] = real.json("campaign", "warm-up", "news.coalition.org", *JSON)
    assert keys(row) == "domain started_at started_by ceiling last_day"
    assert datetime.fromisoformat(row["started_at"]) < datetime.now().astimezone() + timedelta(minutes=1)
