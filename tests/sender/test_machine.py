"""Campaign and ledger against a small model, by any sequence of what may happen to them: hypothesis looks for one that
loses somebody, mails somebody again whose mail was known to be taken, or leaves a sum that does not balance."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, insert, select, text, update

from daisychain.database import Base, Database
from daisychain.errors import StateError
from lists.members import unsubscribe
from sender import attempts, steering
from sender.audience import freeze
from sender.events import take_in
from sender.failures import REFUSALS_IN_A_ROW
from sender.ledger import read_ledger
from sender.mailing import Outcome, Verdict
from sender.resolve import resolve
from sender.sweep import sweep
from sender.tables import Batch, Campaign, Delivery, Sender
from sender.vocabulary import Happening
from tests.sender.staging import staged

PEOPLE, BATCH = 5, 3
# What the provider answers, the likelier the more often; what pauses a campaign is rare.
LIKELY = [
    *[Verdict.ACCEPTED, Verdict.UNCERTAIN, Verdict.REFUSED_REQUEST] * 3,
    *[Verdict.REFUSED_PERSON, Verdict.APART, Verdict.WAIT, Verdict.REFUSED_ACCOUNT],
]
# Whom an outcome may speak of by name.
NAMED = {
    Verdict.ACCEPTED: ["refused", "waiting", "uncertain"],
    Verdict.REFUSED_PERSON: ["refused"],
    Verdict.APART: ["apart"],
}
# More of them find more: EXAMPLES=500 for an evening.
EXAMPLES = int(os.environ.get("EXAMPLES", "10"))
NONE_TAKEN = (Verdict.WAIT, Verdict.REFUSED_ACCOUNT, Verdict.REFUSED_REQUEST, Verdict.REFUSED_PERSON, Verdict.APART)


@dataclass
class Try:
    """One request: who was in it, whether its mail was really taken, and what we know of that."""

    attempt_id: int
    batch_id: int
    people: list[int]
    taken: set[int] = field(default_factory=set)
    knows: str = "nothing"  # nothing, in doubt (uncertain), again (a person sends again), settled
    swept: bool = False
    proven: bool = False


@dataclass
class Person:
    """What the model says of one delivery."""

    state: str = "waiting"
    copies: int = 0
    left: bool = False
    again: bool = False  # waits by a person's decision to send again, which has not happened yet
    decided: bool = False  # a person decided about them while nobody knew: two copies, or none, are theirs to answer


class Campaigning(RuleBasedStateMachine):
    """A campaign of five people in batches of three, some senders, a provider that may lie in wait, and a person."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.tries: list[Try] = []
        self.refusals = 0
        with database.engine.begin() as connection:
            # To empty small tables is many times faster than to truncate them.
            for table in reversed(Base.metadata.sorted_tables):
                if table.name != "confirmed_places":
                    connection.execute(delete(table))
            connection.execute(text("DELETE FROM procrastinate_jobs"))
        self.campaign_id = staged(database, PEOPLE, provider="sendgrid")
        self.people: dict[int, Person] = {}
        self.members: dict[int, int] = {}

    @initialize()
    def begin(self) -> None:
        with self.database.engine.begin() as connection:
            freeze(connection, self.campaign_id, batch_size=BATCH)
            rows = connection.execute(select(Delivery.id, Delivery.member_id)).all()
            self.list_id = connection.scalars(select(Campaign.list_id)).one()
            self.sender_id = connection.execute(
                insert(Sender).values(host="here", pid=1).returning(Sender.id)
            ).scalar_one()
        self.people = {row.id: Person() for row in rows}
        self.members = {row.id: row.member_id for row in rows}

    # What senders and the provider do.

    @rule(data=strategies.data())
    def claim(self, data: strategies.DataObject) -> None:
        batches = self.batches()
        # Mostly one that is to be had; a claim of any other must do nothing.
        likely = [batch for batch in batches if batch.state == "waiting"]
        batch = data.draw(strategies.sampled_from((likely * 3 + batches) if likely else batches))
        claimable = batch.state == "waiting" and not batch.held and self.state() == "sending"
        there = [key for key in range(batch.first_id, batch.last_id + 1) if self.people[key].state == "waiting"]
        with self.database.engine.begin() as connection:
            connection.execute(update(Batch).values(not_before=text("now() - interval '1 minute'")))
            claim = attempts.claim(connection, batch.id, self.sender_id)
        if not claimable:
            assert claim is None
            return
        for key in there:
            self.people[key].again = False
            if self.people[key].left:
                self.people[key].state = "excluded"
        going = [key for key in there if not self.people[key].left]
        assert [row.id for row in claim.people] == going if claim else not going
        # The heart of it: nobody is in a request whose mail was taken before, unless a person decided so.
        assert [key for key in going if self.people[key].copies and not self.people[key].decided] == []
        for each in self.tries:
            if each.batch_id == batch.id and each.knows == "again":
                each.knows = "settled"
        if claim:
            self.tries.append(Try(claim.attempt_id, batch.id, going))

    @precondition(lambda self: self.having("nothing"))
    @rule(data=strategies.data(), verdict=strategies.sampled_from(LIKELY))
    def answer(self, data: strategies.DataObject, verdict: Verdict) -> None:
        each = data.draw(strategies.sampled_from(self.having("nothing")))
        if each.taken and verdict is not Verdict.ACCEPTED:
            verdict = Verdict.UNCERTAIN
        elif self.refusals > REFUSALS_IN_A_ROW - 3:
            verdict = Verdict.ACCEPTED
        self.refusals += verdict is Verdict.REFUSED_REQUEST
        named = self.named(data, each, verdict)
        self.take(each, verdict, data, besides=named["refused"] | named["waiting"], perhaps=sorted(named["uncertain"]))
        outcome = Outcome(
            verdict, detail="words", refused=dict.fromkeys(sorted(named["refused"]), "no such person"),
            waiting=named["waiting"], uncertain=named["uncertain"], apart=named["apart"],
        )  # fmt: skip
        self.record(each, outcome)

    def named(self, data: strategies.DataObject, each: Try, verdict: Verdict) -> dict[str, frozenset[int]]:
        kinds = NAMED.get(verdict, [])
        drawn = {
            key: "nothing" if each.taken or not kinds else data.draw(strategies.sampled_from(["nothing", *kinds]))
            for key in each.people
        }
        return {
            kind: frozenset(key for key in drawn if drawn[key] == kind)
            for kind in ("refused", "waiting", "uncertain", "apart")
        }

    def take(
        self, each: Try, verdict: Verdict, data: strategies.DataObject, *, besides: Collection[int], perhaps: list[int]
    ) -> None:
        """Decide what the provider really did, unless that is settled, and count the copies."""
        if each.taken:
            return
        if verdict is Verdict.UNCERTAIN and not data.draw(strategies.booleans()):
            return
        if verdict in NONE_TAKEN:
            return
        really = [key for key in perhaps if data.draw(strategies.booleans())]
        each.taken = {key for key in each.people if key not in besides and key not in perhaps} | set(really)
        for key in each.taken:
            self.people[key].copies += 1

    def record(self, each: Try, outcome: Outcome) -> None:
        with self.database.engine.begin() as connection:
            attempts.record(connection, each.attempt_id, outcome)
        if each.knows == "settled":
            return
        was = "uncertain" if each.knows == "in doubt" else "waiting"
        each.knows = "settled"
        there = [key for key in each.people if self.people[key].state == was]
        for key in there:
            self.people[key].state = self.becomes(key, outcome, alone=len(there) == 1)
            self.people[key].again = False
        if outcome.verdict is Verdict.UNCERTAIN:
            each.knows = "in doubt"
            if each.proven:
                self.prove(each)
        if self.state() == "cancelled":
            self.exclude(each.people)

    def becomes(self, key: int, outcome: Outcome, *, alone: bool) -> str:
        if key in outcome.refused:
            return "failed"
        if outcome.verdict is Verdict.UNCERTAIN or key in outcome.uncertain:
            return "uncertain"
        if outcome.verdict is Verdict.ACCEPTED:
            return "waiting" if key in outcome.waiting else "accepted"
        return "failed" if outcome.verdict is Verdict.REFUSED_REQUEST and alone else "waiting"

    @precondition(lambda self: [each for each in self.having("nothing") if not each.taken])
    @rule(data=strategies.data())
    def arrive(self, data: strategies.DataObject) -> None:
        """The provider takes a whole request, and its answer is still out; events may come before it."""
        each = data.draw(strategies.sampled_from([each for each in self.having("nothing") if not each.taken]))
        self.take(each, Verdict.ACCEPTED, data, besides=set(), perhaps=[])

    @precondition(lambda self: self.having("nothing") and len(self.tries) % 3 == 0)
    @rule(data=strategies.data())
    def die(self, data: strategies.DataObject) -> None:
        """The senders die with their requests in the air; the real sweep finds them."""
        for each in self.having("nothing"):
            self.take(each, Verdict.UNCERTAIN, data, besides=set(), perhaps=[])
            each.knows, each.swept = "in doubt", True
            for key in each.people:
                if self.people[key].state == "waiting":
                    self.people[key].state = "uncertain"
            if each.proven:
                self.prove(each)
        with self.database.engine.begin() as connection:
            sweep(connection, self.database.settings)

    @precondition(lambda self: [each for each in self.tries if each.swept])
    @rule(data=strategies.data(), verdict=strategies.sampled_from(NONE_TAKEN))
    def answer_late(self, data: strategies.DataObject, verdict: Verdict) -> None:
        each = data.draw(strategies.sampled_from([each for each in self.tries if each.swept]))
        each.swept = False
        self.record(each, Outcome(Verdict.ACCEPTED if each.taken else verdict, detail="late"))

    @precondition(lambda self: self.untold())
    @rule(data=strategies.data())
    def tell(self, data: strategies.DataObject) -> None:
        """An event of a request that was really taken, by any of its people, at any time."""
        each = data.draw(strategies.sampled_from(self.untold()))
        told = Happening(
            source="sendgrid", kind="delivered", at=datetime.now(UTC), natural_key=secrets.token_hex(16),
            delivery_id=data.draw(strategies.sampled_from(sorted(each.taken))), attempt_id=each.attempt_id,
        )  # fmt: skip
        with self.database.engine.begin() as connection:
            take_in(connection, [told], datetime.now(UTC))
        self.prove(each)

    def untold(self) -> list[Try]:
        """Requests that were taken whole, and of which no event has come: what answers for some people sends none."""
        return [each for each in self.tries if not each.proven and len(each.taken) == len(each.people)]

    def prove(self, each: Try) -> None:
        each.proven = True
        if each.knows in ("in doubt", "again"):
            state = "uncertain" if each.knows == "in doubt" else "waiting"
            for key in each.people:
                if self.people[key].state == state:
                    self.people[key].state, self.people[key].again = "accepted", False
            each.knows = "settled"

    # What people do.

    @precondition(lambda self: self.state() == "paused" or len(self.tries) % 5 == 4)
    @rule(what=strategies.sampled_from(["resume", "resume", "pause"]))
    def steer(self, what: str) -> None:
        fits = {"pause": "sending", "resume": "paused"}[what] == self.state()
        with self.database.engine.begin() as connection:
            try:
                if what == "pause":
                    steering.pause(connection, self.campaign_id, who="ann", because="a doubt")
                else:
                    steering.resume(connection, self.database.settings, self.campaign_id, who="ann")
            except StateError:
                assert not fits
            else:
                assert fits

    @precondition(lambda self: len(self.tries) > 6)
    @rule()
    def cancel(self) -> None:
        before = self.state()
        with self.database.engine.begin() as connection:
            try:
                steering.cancel(connection, self.campaign_id, who="ann")
            except StateError:
                assert before in ("finished", "cancelled")
                return
        self.exclude(self.people)

    def exclude(self, keys: Any) -> None:
        """Who waits and is not in the air is excluded; who was to be sent to again is in doubt as before."""
        in_the_air = {key for each in self.having("nothing") for key in each.people}
        for key in keys:
            person = self.people[key]
            if person.state == "waiting" and key not in in_the_air:
                person.state, person.again = "uncertain" if person.again else "excluded", False
        for each in self.having("again"):
            each.knows = "in doubt"

    @precondition(lambda self: self.in_state("failed"))
    @rule()
    def retry(self) -> None:
        done = [batch for batch in self.batches() if batch.state == "done"]
        failed = [
            key for key, person in self.people.items()
            if person.state == "failed" and any(batch.first_id <= key <= batch.last_id for batch in done)
        ]  # fmt: skip
        fits = bool(failed) and self.state() != "cancelled"
        with self.database.engine.begin() as connection:
            try:
                assert steering.retry(connection, self.campaign_id, who="ann", because="mended") == len(failed)
            except StateError:
                assert not fits
                connection.rollback()
                return
        assert fits
        for key in failed:
            self.people[key].state = "waiting"

    @precondition(lambda self: self.in_state("uncertain"))
    @rule(again=strategies.booleans())
    def settle(self, again: bool) -> None:
        uncertain = self.in_state("uncertain")
        fits = bool(uncertain) and not (again and self.state() == "cancelled")
        with self.database.engine.begin() as connection:
            try:
                decision: Any = "send-again" if again else "count-as-accepted"
                assert resolve(connection, self.campaign_id, decision, who="ann", because="I asked") == len(uncertain)
            except StateError:
                assert not fits
                return
        assert fits
        for key in uncertain:
            person = self.people[key]
            person.state, person.again, person.decided = "waiting" if again else "accepted", again, True
        for each in self.having("in doubt"):
            each.knows = "again" if again else "settled"

    @precondition(lambda self: len(self.tries) > 3 and not any(person.left for person in self.people.values()))
    @rule(data=strategies.data())
    def leave(self, data: strategies.DataObject) -> None:
        key = data.draw(strategies.sampled_from(sorted(self.people)))
        self.people[key].left = True
        with self.database.engine.begin() as connection:
            unsubscribe(connection, self.list_id, self.members[key], "asked")

    # What holds whatever happens.

    @invariant()
    def the_ledger_is_the_models_and_balances(self) -> None:
        with self.database.engine.connect() as connection:
            rows = connection.execute(select(Delivery.id, Delivery.state)).all()
            assert read_ledger(connection, self.campaign_id).balances
        assert {row.id: row.state for row in rows} == {key: person.state for key, person in self.people.items()}

    @invariant()
    def nobody_is_lost(self) -> None:
        """Who waits is in just one batch that may still go out, and who is uncertain in one that can be settled."""
        batches, state = self.batches(), self.state()
        for key, person in self.people.items():
            around = [
                batch.state for batch in batches if batch.first_id <= key <= batch.last_id and batch.state != "split"
            ]
            assert len(around) == 1
            if person.state == "waiting":
                assert around[0] in ("waiting", "sending")
                assert state in ("sending", "paused") or around[0] == "sending"
            if person.state == "uncertain":
                assert around[0] == "uncertain"
            if not person.decided:
                assert person.copies <= 1
                assert person.copies == 1 or person.state != "accepted"
                assert person.copies == 0 or person.state not in ("failed", "excluded")

    def batches(self) -> list[Any]:
        with self.database.engine.connect() as connection:
            return list(connection.execute(select(Batch.__table__).order_by(Batch.id)).all())

    def state(self) -> str:
        with self.database.engine.connect() as connection:
            return connection.scalars(select(Campaign.state)).one()

    def in_state(self, state: str) -> list[int]:
        return [key for key, person in self.people.items() if person.state == state]

    def having(self, knows: str) -> list[Try]:
        return [each for each in self.tries if each.knows == knows]


def test_whatever_happens_nobody_is_lost_or_mailed_again_and_the_ledger_balances(database: Database) -> None:
    run_state_machine_as_test(
        lambda: Campaigning(database),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
        ),
    )  # fmt: skip
