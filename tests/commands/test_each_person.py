"""Every command that shows a person's outcome shows theirs, whatever happened to the others of their batch."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select, update

from daisychain.database import Database
from sender.campaigns.resolve import resolve as decide
from sender.delivery import attempts
from sender.delivery.deliver import Deliverer
from sender.delivery.senders import LiveSender
from sender.providers import smtp
from sender.tables import Attempt, Batch
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.fakes.smtp import CUT, FakeRelay

JSON = ("--format", "json")
REFUSED, AGAIN = "550 5.7.1 first no", "550 5.7.1 second no"


@dataclass(frozen=True)
class Fate:
    """What a person's row says: state, outcome and the number of their last attempt, and each answer about them."""

    state: str
    outcome: str | None = None
    attempt: int | None = None
    answers: list[str] = field(default_factory=list)
    settled: bool = False


@dataclass
class Story:
    """A campaign whose batches are delivered one round at a time."""

    daisychain: Daisychain
    database: Database
    campaign_id: str = ""

    def freeze(self, names: str, provider: str) -> None:
        run = self.daisychain
        rows = "".join(f"{name}@people.example,{name}\n" for name in names.split())
        (run.folder / "named.csv").write_text(f"Email,First name\n{rows}")
        run("list", "create", "named", "--from", "Coalition <hello@coalition.example>")
        run("list", "import", "named", "named.csv", "--basis", "consent", "--source", "form")
        for name, command in {"uma": ("unsubscribe", "named"), "sam": ("suppress",)}.items():
            if name in names:
                because = ("--reason", "asked") if name == "sam" else ()
                run("list", *command, f"{name}@people.example", *because)
        create = ("campaign", "create", "bulletin.md", "--list", "named", "--provider", provider, *JSON)
        self.campaign_id = str(run.json(*create)["id"])
        run("campaign", "send", self.campaign_id, "--yes", "--detach")

    def unsubscribe(self, name: str) -> None:
        self.daisychain("list", "unsubscribe", "named", f"{name}@people.example")

    def deliver(self) -> None:
        """One round: each batch that waits is tried once, also one whose time has not come."""
        with self.database.engine.begin() as connection:
            connection.execute(update(Batch).values(not_before=func.now()))
            waiting = connection.scalars(select(Batch.id).where(Batch.state == "waiting").order_by(Batch.id)).all()
        with LiveSender(self.database) as sender:
            for batch_id in waiting:
                Deliverer(self.database, sender).deliver(batch_id)

    def attempts(self) -> list[str]:
        with self.database.engine.connect() as connection:
            return [at.isoformat() for at in connection.scalars(select(Attempt.started_at).order_by(Attempt.id))]


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


def retried(story: Story, relay: FakeRelay, sendgrid: FakeSendGrid) -> dict[str, Fate]:
    """Of one batch: accepted, refused, deferred, uncertain, excluded early and late; then retried and resolved."""
    end = {name: ("end", f"{name}@people.example") for name in ["bob", "cay", "dee", "eve", "una"]}
    relay.script |= {end["bob"]: REFUSED, end["cay"]: REFUSED, end["dee"]: "450 later", end["eve"]: "450 later"}
    relay.script[end["una"]] = CUT
    story.freeze("ann bob cay dee eve sue uma sam una", "smtp")
    story.unsubscribe("sue")
    story.deliver()
    story.unsubscribe("eve")
    relay.script = {end["cay"]: AGAIN}
    story.deliver()  # dee only, as eve is excluded now
    story.daisychain("campaign", "retry", story.campaign_id, "--because", "their server is back")
    story.deliver()  # bob and cay
    story.daisychain("campaign", "resolve", story.campaign_id, "--count-as-accepted", "--because", "she said so")
    refused = [f"refused_person ({text})" for text in (REFUSED, AGAIN)]
    return {
        "ann": Fate("accepted", "accepted", 0, ["accepted"]),
        "bob": Fate("accepted", "accepted", 2, [refused[0], "accepted"]),
        "cay": Fate("failed", "refused_person", 2, refused),
        "dee": Fate("accepted", "accepted", 1, ["wait", "accepted"]),
        "eve": Fate("excluded", answers=["wait"]),
        "sue": Fate("excluded"),
        "uma": Fate("excluded"),
        "sam": Fate("excluded"),
        "una": Fate("accepted", "accepted", 0, ["accepted (The relay: no reply"], settled=True),
    }


def cancelled(story: Story, relay: FakeRelay, sendgrid: FakeSendGrid) -> dict[str, Fate]:
    """Of one batch: accepted, refused, deferred and uncertain; all uncertain are sent again, then it is cancelled."""
    end = {name: ("end", f"{name}@people.example") for name in ["bob", "fay", "gus", "hal"]}
    relay.script |= {end["bob"]: REFUSED, end["fay"]: "450 later", end["gus"]: CUT}
    story.freeze("ann bob fay gus", "smtp")
    story.deliver()
    story.daisychain("campaign", "resolve", story.campaign_id, "--send-again", "--because", "nothing came")
    relay.script = {end["fay"]: "450 later"}
    story.deliver()
    story.daisychain("campaign", "cancel", story.campaign_id, "--yes")
    refused = f"refused_person ({REFUSED})"
    attempts_made = len(story.attempts())
    return {
        "ann": Fate("accepted", "accepted", 0, ["accepted"]),
        "bob": Fate("failed", "refused_person", 0, [refused]),
        "fay": Fate("excluded", answers=["wait", "wait ("]),
        "gus": Fate("accepted", "accepted", attempts_made - 2, ["uncertain", "accepted"], settled=True),
    }


def in_doubt(story: Story, relay: FakeRelay, sendgrid: FakeSendGrid) -> dict[str, Fate]:
    """Of one batch: one refused, the others deferred or uncertain, and nobody has decided yet."""
    end = {name: ("end", f"{name}@people.example") for name in ["bob", "fay", "gus"]}
    relay.script |= {end["bob"]: REFUSED, end["fay"]: "450 later", end["gus"]: CUT}
    story.freeze("bob fay gus", "smtp")
    story.deliver()
    return {
        "bob": Fate("failed", "refused_person", 0, [f"refused_person ({REFUSED})"]),
        "fay": Fate("waiting", answers=["wait"]),
        "gus": Fate("uncertain", "uncertain", 0, ["uncertain ("]),
    }


def named_by_the_provider(story: Story, relay: FakeRelay, sendgrid: FakeSendGrid) -> dict[str, Fate]:
    """A request that is refused because of one person, and accepted without them."""
    sendgrid.script(Fault(status=400, place="personalizations.1.to.0.email"))
    story.freeze("ann bob cay", "sendgrid")
    story.deliver()
    story.deliver()
    others = Fate("accepted", "accepted", 1, ["wait", "accepted"])
    return {
        "ann": others,
        "bob": Fate("failed", "refused_person", 0, ["refused_person ("]),
        "cay": others,
    }


def lost(story: Story, relay: FakeRelay, sendgrid: FakeSendGrid) -> dict[str, Fate]:
    """A request that got no usable answer, and was sent again by a person, without one who unsubscribed."""
    sendgrid.script(Fault(status=503))
    story.freeze("ann bob", "sendgrid")
    story.deliver()
    story.daisychain("campaign", "resolve", story.campaign_id, "--send-again", "--because", "nothing came")
    story.unsubscribe("bob")
    story.deliver()
    uncertain = "uncertain (SendGrid answered 503"
    return {
        "ann": Fate("accepted", "accepted", 1, [uncertain, "accepted"], settled=True),
        "bob": Fate("excluded", answers=[uncertain], settled=True),
    }


def doubled(story: Story, relay: FakeRelay, sendgrid: FakeSendGrid) -> dict[str, Fate]:
    """A request that was sent again by a person, and proved to have been taken the first time too."""
    sendgrid.script(Fault(status=503, taken=True))
    story.freeze("ann bob", "sendgrid")
    story.deliver()
    with story.database.engine.begin() as connection:
        decide(connection, int(story.campaign_id), "send-again", who="priya", because="nothing came")
    story.deliver()
    with story.database.engine.begin() as connection:
        [first, _] = connection.scalars(select(Attempt.id).order_by(Attempt.id))
        attempts.settle_by_event(connection, [first])
    return dict.fromkeys(["ann", "bob"], Fate("accepted", "accepted", 1, ["accepted", "accepted"], settled=True))


def by_csv(story: Story, *options: str) -> dict[str, dict[str, str | None]]:
    text = story.daisychain("campaign", "ledger", story.campaign_id, "--format", "csv", *options).stdout
    return {
        row["address"]: {key: cell or None for key, cell in row.items()} for row in csv.DictReader(io.StringIO(text))
    }


def by_json(story: Story, *options: str) -> dict[str, dict[str, str | None]]:
    rows = story.daisychain.json("campaign", "ledger", story.campaign_id, *JSON, *options)
    return {row["address"]: row for row in rows}


@pytest.fixture(
    params=[retried, cancelled, in_doubt, named_by_the_provider, lost, doubled], ids=lambda story: story.__name__
)
def told(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, real: Daisychain, database: Database,
    relay: FakeRelay, sendgrid: FakeSendGrid,
) -> tuple[Story, dict[str, Fate]]:  # fmt: skip
    run = real.with_settings(smtp_url=relay.url)
    monkeypatch.setattr(database, "settings", run.settings)
    monkeypatch.setattr(smtp, "FIRST_BATCH", 200)  # so that a relay's first batch is not cut
    story = Story(run, database)
    tell: Callable[[Story, FakeRelay, FakeSendGrid], dict[str, Fate]] = request.param
    fates = tell(story, relay, sendgrid)
    return story, {f"{name}@people.example": fate for name, fate in fates.items()}


def test_the_ledger_shows_each_persons_outcome(told: tuple[Story, dict[str, Fate]]) -> None:
    story, fates = told
    started = story.attempts()
    expected = {
        address: (fate.state, fate.outcome, None if fate.attempt is None else started[fate.attempt])
        for address, fate in fates.items()
    }
    for rows in (by_csv(story), by_json(story)):
        assert {address: (row["state"], row["outcome"], row["tried_at"]) for address, row in rows.items()} == expected
    for state in {fate.state for fate in fates.values()}:
        rows = by_csv(story, "--state", state)
        assert rows.keys() == {address for address, fate in fates.items() if fate.state == state}
        assert {row["outcome"] for row in rows.values()} == {fates[address].outcome for address in rows}
    lines = story.daisychain("campaign", "ledger", story.campaign_id).stdout.splitlines()
    for address, fate in fates.items():
        [line] = [line for line in lines if address in line]
        assert line.endswith(fate.outcome or "") or not fate.outcome
        assert fate.outcome or not line.rstrip().endswith(("accepted", "uncertain"))


def test_who_shows_the_attempts_that_included_a_person_with_the_outcome_for_them(
    told: tuple[Story, dict[str, Fate]],
) -> None:
    story, fates = told
    for address, fate in fates.items():
        found = story.daisychain.json("campaign", "who", story.campaign_id, address, *JSON)
        assert found["state"] == fate.state
        answers = [entry["words"] for entry in found["story"] if entry["what"] == "answer"]
        assert len(answers) == len(fate.answers), (address, answers)
        for shown, expected in zip(answers, fate.answers, strict=True):
            assert shown.startswith(expected), (address, answers)
        attempts = [entry["attempt"] for entry in found["story"] if entry["what"] == "attempt"]
        assert len(attempts) == len(answers)
        assert any(entry["what"] == "settled" for entry in found["story"]) is fate.settled, address
        table = story.daisychain("campaign", "who", story.campaign_id, address).stdout
        assert f": {fate.state}" in table.splitlines()[0]
