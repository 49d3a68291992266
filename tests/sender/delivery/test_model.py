"""Campaign and ledger against a small model, by any sequence of what may happen to them: hypothesis looks for one that
loses somebody, mails somebody again whose mail was known to be taken, or leaves a sum that does not balance."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, note, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, DateTime, delete, insert, select, text, update

from daisychain.database import Base, Database
from daisychain.errors import StateError
from lists.members import unsubscribe
from sender.campaigns import steering
from sender.campaigns.brakes import FEWEST_COMPLAINTS
from sender.campaigns.freeze import freeze
from sender.campaigns.resolve import resolve
from sender.delivery import attempts, batch_jobs, claims, outcomes
from sender.delivery.all_taken import record_all_taken
from sender.delivery.campaign_states import turn
from sender.delivery.ledger import read_ledger
from sender.delivery.senders import LOCK_CLASS
from sender.event import PROOFS, IncomingEvent
from sender.events.intake import ingest
from sender.events.sum_check import ledger_differs
from sender.providers import retry_times
from sender.providers.provider import Outcome, Verdict
from sender.tables import Attempt, Batch, Campaign, Decision, Delivery, Event, Sender
from sender.upkeep import pace
from sender.upkeep.sweep import sweep
from tests.sender.model import DEFERRED_MINUTES, REFUSALS_IN_A_ROW, Model, Pack, Try
from tests.sender.staging import claim_batch, staged

PEOPLE = 6
ENDED = ("finished", "cancelled")
NONE_TAKEN = (Verdict.RETRY, Verdict.REFUSED_REQUEST, Verdict.REFUSED_ACCOUNT)
# What the provider answers, the likelier the more often; what pauses a campaign is rare.
LIKELY = [
    *[Verdict.ACCEPTED, Verdict.UNCERTAIN, Verdict.REFUSED_REQUEST] * 3,
    *[Verdict.REFUSED_PERSON, Verdict.OVER_LIMITS] * 2, Verdict.RETRY, Verdict.REFUSED_ACCOUNT,
]  # fmt: skip
# What a plan may be; the clock is moved by moving the past away.
CLOCKS = (Campaign, Batch, Attempt, Decision, Event)
EVERYTHING = text("""
    SELECT state,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(id, state, CASE state WHEN 'excluded' THEN reason END)
                                      ORDER BY id), '[]') FROM deliveries) AS people,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(first_id, last_id, state, held, attempt_id)
                                      ORDER BY first_id, last_id), '[]') FROM batches) AS batches,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(id, outcome) ORDER BY id), '[]') FROM attempts) AS attempts
    FROM campaigns
""")
SPANS = (1, 1, 2, 10, 30, 30, 100)


def drawn(data: strategies.DataObject, things: Any) -> Any:
    return data.draw(strategies.sampled_from(list(things)))


class Campaigning(RuleBasedStateMachine):
    """Six people, a sender that lives and one that dies, a provider that may say nothing, and a person who decides."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.database = database
        self.model = Model()
        self.steps = 0
        monkeypatch.setattr(pace, "is_open", lambda campaign, now: self.model.open)
        self.lock = psycopg.connect(database.conninfo, autocommit=True)

        # One connection for all steps: to fetch one from the pool would cost as much as most of them.
        self.connection = database.engine.connect()

    def teardown(self) -> None:
        self.lock.close()
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.connection.begin():
            yield self.connection

    @initialize(data=strategies.data())
    def begin(self, data: strategies.DataObject) -> None:
        """Six people, an empty ledger, and a campaign with a plan or none."""
        begins = drawn(data, ["now", "now", "now", "held", "scheduled"])
        size, self.canary = drawn(data, [3, 2, 6]), drawn(data, [0, 0, 2])
        per_minute, hours = drawn(data, [None, None, None, None, 3]), drawn(data, [False, False, False, True])
        self.model = Model(per_minute=per_minute, hours=hours, canary_wait=30, starts=None if begins == "now" else 30)
        plan: dict[str, Any] = {"canary": self.canary, "canary_wait": 30 * 60, "per_minute": per_minute}
        if begins != "now":
            plan["starts_at"] = datetime.now(UTC) + timedelta(minutes=30)
        if hours:
            plan |= {"opens_at": "08:00", "closes_at": "20:00", "zone": "UTC"}
        with self.transaction() as connection:
            self.emptied(connection)
        self.campaign_id = staged(self.database, PEOPLE, provider="sendgrid")
        with self.transaction() as connection:
            connection.execute(update(Campaign).values(plan))
            self.list_id = connection.scalars(select(Campaign.list_id)).one()
            if begins == "scheduled":
                turn(connection, self.campaign_id, "scheduled", from_states=["draft"])
                self.model.state = "scheduled"
            else:
                freeze(connection, self.campaign_id, batch_size=size)
                self.model.freeze(self.first(connection), PEOPLE, size, self.canary)

    def emptied(self, connection: Connection) -> None:
        # To empty small tables is many times faster than to truncate them.
        for table in reversed(Base.metadata.sorted_tables):
            # The rows of the others can't be deleted, and harm nobody: members have new ids each time.
            if table.name not in ("confirmed_places", "audit", "sign_up_wordings") and "consent" not in table.name:
                connection.execute(delete(table))
        connection.execute(text("DELETE FROM procrastinate_jobs"))
        rows = [{"host": "here", "pid": pid} for pid in (1, 2)]
        living, mortal = connection.scalars(insert(Sender).returning(Sender.id, sort_by_parameter_order=True), rows)
        self.senders = {False: living, True: mortal}
        self.claims: dict[int, claims.Claim] = {}
        self.lock.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, living])

    def first(self, connection: Connection) -> int:
        """The delivery that the freeze began with, or will begin with."""
        newest = text("SELECT last_value + 1 FROM pg_sequences WHERE sequencename = 'deliveries_id_seq'")
        return connection.scalar(select(Campaign.first_delivery)) or connection.scalar(newest) or 1

    @rule(data=strategies.data())
    def something_happens(self, data: strategies.DataObject) -> None:
        name = drawn(data, [name for name, (weight, may) in ACTIONS.items() if may(self) for _ in range(weight)])
        note(name)
        getattr(self, name)(data)

    def another(self, data: strategies.DataObject) -> None:
        """One more campaign in the same example: one that is over soon would waste the rest of it."""
        self.steps = 0
        self.begin(data)

    # What senders and the provider do.

    def claim(self, data: strategies.DataObject) -> None:
        # A claim of one that is not to be had, be it held, early, paused or not waiting at all, must do nothing.
        waiting = [pack for pack in self.model.packs if pack.state == "waiting"]
        self.claimed(drawn(data, waiting * 5 + self.model.packs), mortal=data.draw(strategies.booleans()))

    def may_go(self) -> list[Pack]:
        return [pack for pack in self.model.packs if self.model.may_be_claimed(pack)]

    def claimed(self, pack: Pack, *, mortal: bool = False) -> Try | None:
        fits = self.model.may_be_claimed(pack)
        with self.transaction() as connection:
            batch = select(Batch.id).where(Batch.first_id == pack.first, Batch.last_id == pack.last)
            claim = claim_batch(connection, connection.scalars(batch).one(), self.senders[mortal])
        if not fits:
            assert claim is None
            return None
        going = self.model.claim(pack)
        assert (claim is not None) == bool(going)
        if claim is None:
            return None
        self.claims[claim.attempt_id] = claim
        assert [row.id for row in claim.people] == going
        # The heart of it: nobody is in a request whose mail was taken before, unless a person decided so.
        assert [n for n in going if self.model.people[n].copies >= self.model.people[n].allowed] == []
        return self.model.attempt(claim.attempt_id, pack, going, mortal=mortal)

    def answer(self, data: strategies.DataObject) -> None:
        self.answered(drawn(data, self.model.in_the_air()), data)

    def send(self, data: strategies.DataObject) -> None:
        """A claim and its answer in one, as nearly always."""
        each = self.claimed(drawn(data, self.may_go()))
        if each:
            self.answered(each, data)

    def lose(self, data: strategies.DataObject) -> None:
        """A sender dies with its request in the air, and that is found."""
        self.claimed(drawn(data, self.may_go()), mortal=True)
        self.sweep(data)

    def decide_in_haste(self, data: strategies.DataObject) -> None:
        """Those of a sender that seemed dead are to be sent to again; then more becomes known, or it is called off."""
        what = drawn(data, ["an answer", "an event", "called off"])
        each = self.claimed(drawn(data, self.may_go()), mortal=True)
        if each is None:
            return
        if what == "an event":
            self.take(each, each.people)
        self.sweep(data)
        if self.model.in_state("uncertain") and self.model.state != "cancelled":
            self.decided(again=True)
        if what == "called off":
            self.cancel(data)
        elif what == "an event":
            self.told(each, each.people[:1], "delivered")
        elif self.may_go():
            self.claimed(drawn(data, self.may_go()))
            self.answer_late(data)

    def call_off_in_flight(self, data: strategies.DataObject) -> None:
        """A campaign is cancelled while a request is on its way, whose answer comes then."""
        each = self.claimed(drawn(data, self.may_go()))
        self.cancel(data)
        if each:
            self.answered(each, data)

    def put_off(self, data: strategies.DataObject) -> None:
        """A relay puts the first of a batch off again and again, and takes the others."""
        pack = drawn(data, self.may_go())
        for _ in range(len(DEFERRED_MINUTES) + 1):
            each = self.claimed(pack) if self.model.may_be_claimed(pack) else None
            if each is None:
                return
            self.take(each, each.people[1:])
            first = each.people[0]
            self.record(each, Outcome(Verdict.ACCEPTED, waiting=frozenset([first]), deferred={first: "not now"}))
            self.moved_on(max(DEFERRED_MINUTES))

    def refuse_all(self, data: strategies.DataObject) -> None:
        """The provider refuses whatever it is given, for no person's fault, until the campaign pauses."""
        for _ in range(REFUSALS_IN_A_ROW + 2):
            largest = max(self.may_go(), key=lambda pack: len(pack.span), default=None)
            if largest and (each := self.claimed(largest)):
                self.record(each, Outcome(Verdict.REFUSED_REQUEST, detail="no"))

    def answered(self, each: Try, data: strategies.DataObject) -> None:
        verdict, whole = drawn(data, LIKELY), data.draw(strategies.booleans())
        if each.taken and verdict is not Verdict.ACCEPTED:
            verdict = Verdict.UNCERTAIN
        if verdict is Verdict.OVER_LIMITS and len(each.people) == 1:  # who is alone in a request is rendered
            verdict = Verdict.ACCEPTED
        parts = self.parts(each, data, verdict, whole)
        if verdict is Verdict.ACCEPTED:
            perhaps = [number for number in parts["uncertain"] if data.draw(strategies.booleans())]
            self.take(each, [*parts[""], *perhaps])
        elif verdict is Verdict.UNCERTAIN and data.draw(strategies.booleans()):
            self.take(each, each.people)
        minutes = drawn(data, [None, 10]) if verdict is Verdict.RETRY or parts["waiting"] else None
        by_name = bool(parts["waiting"]) and data.draw(strategies.booleans())
        outcome = Outcome(
            verdict, detail="words", refused=dict.fromkeys(parts["refused"], "no such person"),
            **{name: frozenset(parts[name]) for name in ("waiting", "uncertain", "over_limits")},
            deferred=dict.fromkeys(parts["waiting"], "not now") if by_name else {},
            retry_at=datetime.now(UTC) + timedelta(minutes=minutes) if minutes and not by_name else None,
        )  # fmt: skip
        self.record(each, outcome, minutes)

    def parts(self, each: Try, data: strategies.DataObject, verdict: Verdict, whole: bool) -> dict[str, list[int]]:
        """What the answer says of single people."""
        kinds = {
            Verdict.ACCEPTED: ["", "", "refused", "waiting", "uncertain"] if not whole else [""],
            Verdict.REFUSED_PERSON: ["refused", ""], Verdict.OVER_LIMITS: ["over_limits", ""],
        }.get(verdict, [""])  # fmt: skip
        parts: dict[str, list[int]] = {kind: [] for kind in ("", "refused", "waiting", "uncertain", "over_limits")}
        for place, number in enumerate(each.people):
            # Those two name somebody always.
            named = place == 0 and verdict in (Verdict.REFUSED_PERSON, Verdict.OVER_LIMITS)
            parts["" if each.taken else kinds[0] if named else drawn(data, kinds)].append(number)
        return parts

    def take(self, each: Try, people: list[int]) -> None:
        """The provider really takes these, unless it did already."""
        if not each.taken:
            each.taken = set(people)
            for number in people:
                self.model.people[number].copies += 1

    def record(self, each: Try, outcome: Outcome, minutes: float | None = None) -> None:
        with self.transaction() as connection:
            if not record_all_taken(connection, self.claims[each.id], outcome):
                attempts.record(connection, each.id, outcome)
        self.model.record(each, outcome, minutes)

    def arrive(self, data: strategies.DataObject) -> None:
        """The provider takes a whole request, and its answer is still out; events may come before it."""
        each = drawn(data, [each for each in self.model.in_the_air() if not each.taken])
        self.take(each, each.people)
        if data.draw(strategies.booleans()):
            self.told(each, [each.people[0]], "delivered")

    def sweep(self, data: strategies.DataObject) -> None:
        """What a worker does every few seconds: the dead are found, what is due begins, and what may go has a job."""
        for each in [each for each in self.model.in_the_air() if each.mortal]:
            if data.draw(strategies.booleans()):
                self.take(each, each.people)
        self.swept()

    def swept(self) -> None:
        with self.transaction() as connection:
            first = self.first(connection)
            sweep(connection, self.database.settings)
            self.model.sweep(first, PEOPLE, self.canary)
            if self.model.state == "sending":
                queue = batch_jobs.queue_of(self.campaign_id)
                missing = {"campaign": self.campaign_id, "queue": queue, "most": batch_jobs.MOST_JOBS}
                assert connection.execute(batch_jobs.MISSING, missing).scalar_one() <= 0
            # What a slot would take next can be claimed; and there is something, if anything can be.
            with connection.begin_nested() as look:
                batch = claims.take_next(connection, self.campaign_id, self.senders[False])
                look.rollback()
            first_id = batch and batch.first_id
            may_go = [pack.first for pack in self.may_go()]
            assert first_id in may_go or (first_id is None and not may_go)

    def answer_late(self, data: strategies.DataObject) -> None:
        """The sender was not dead: only its lock was lost."""
        each = drawn(data, [each for each in self.model.tries if each.swept])
        each.swept = False
        verdict = drawn(data, [Verdict.UNCERTAIN, Verdict.ACCEPTED] if each.taken else [Verdict.UNCERTAIN, *NONE_TAKEN])
        self.record(each, Outcome(verdict, detail="late"))

    def tell(self, data: strategies.DataObject) -> None:
        """An event of somebody whose mail was really taken, at any time; perhaps of all of a request at once."""
        each = drawn(data, [each for each in self.model.tries if each.taken])
        kind = drawn(data, ["delivered", "deferred", "opened", "bounced", "complained"])
        people = sorted(each.taken) if data.draw(strategies.booleans()) else [drawn(data, sorted(each.taken))]
        self.told(each, people, kind)

    def told(self, each: Try, people: list[int], kind: Any) -> None:
        # What answers for some people alone, as a relay does, sends no events that know the request.
        whole = len(each.taken) == len(each.people)
        told = [
            IncomingEvent(
                source="sendgrid", kind=kind, at=datetime.now(UTC), natural_key=secrets.token_hex(16),
                delivery_id=number, attempt_id=each.id if whole else None, bounce="hard" if kind == "bounced" else "",
                open_class="human" if kind == "opened" else "",
            )
            for number in people
        ]  # fmt: skip
        with self.transaction() as connection:
            ingest(connection, told, datetime.now(UTC))
        at = self.model.next()
        for number in people if kind in ("bounced", "complained") else ():
            person = self.model.people[number]
            person.gone = True
            person.bounced, person.complained = (
                at * (kind == "bounced") or person.bounced,
                (at * (kind == "complained") or person.complained),
            )
        if whole and kind in PROOFS:
            self.model.prove(each)

    def speak_against(self, data: strategies.DataObject) -> None:
        """Many complain, and a person looks and says go on: what was told before is not held against it again."""
        each = drawn(data, [each for each in self.model.tries if len(each.taken) >= FEWEST_COMPLAINTS])
        self.told(each, sorted(each.taken), "complained")
        for _ in range(2):
            self.swept()
            self.resumed()

    # What people and the clock do.

    def time_passes(self, data: strategies.DataObject) -> None:
        self.moved_on(drawn(data, SPANS))

    def moved_on(self, minutes: int) -> None:
        """All that was written down moves into the past."""
        with self.transaction() as connection:
            for table in CLOCKS:
                columns = [each for each in table.__table__.columns if isinstance(each.type, DateTime)]
                span = timedelta(minutes=minutes)
                connection.execute(update(table).values({each.name: each - span for each in columns}))
        self.model.clock += minutes

    def strike(self, data: strategies.DataObject) -> None:
        """Its hours begin, or end."""
        self.model.open = not self.model.open

    def resume(self, data: strategies.DataObject) -> None:
        self.resumed()

    def resumed(self) -> None:
        fits = self.model.state == "paused"
        with self.transaction() as connection:
            try:
                steering.resume(connection, self.database.settings, self.campaign_id, who="ann")
            except StateError:
                assert not fits
                return
            first = self.first(connection)
        assert fits
        if self.model.packs:
            self.model.resume()
        elif self.model.starts is not None and self.model.starts > self.model.clock:
            self.model.state = "scheduled"
        else:
            self.model.freeze(first, PEOPLE, 1000, self.canary)
            self.model.resumed, self.model.decided_to_resume = (self.model.clock, self.model.next()), self.model.next()

    def pause(self, data: strategies.DataObject) -> None:
        fits = self.model.state in ("sending", "scheduled")
        with self.transaction() as connection, suppress(StateError):
            steering.pause(connection, self.campaign_id, who="ann", because="a doubt")
            assert fits
        self.model.pause()

    def cancel(self, data: strategies.DataObject) -> None:
        fits = self.model.state in ("draft", "scheduled", "sending", "paused")
        with self.transaction() as connection:
            try:
                steering.cancel(connection, self.campaign_id, who="ann")
            except StateError:
                assert not fits
                return
        assert fits
        self.model.cancel()

    def retry(self, data: strategies.DataObject) -> None:
        people = [n for pack in self.model.to_retry() for n in self.model.of(pack, "failed")]
        fits = bool(people) and self.model.state in ("sending", "paused", "finished")
        with self.transaction() as connection:
            try:
                assert steering.retry(connection, self.campaign_id, who="ann", because="mended") == len(people)
            except StateError:
                assert not fits
                connection.rollback()
                return
        assert fits
        self.model.retry()

    def decide(self, data: strategies.DataObject) -> None:
        self.decided(again=data.draw(strategies.booleans()))

    def decided(self, *, again: bool) -> None:
        uncertain = self.model.in_state("uncertain")
        with self.transaction() as connection:
            try:
                decision: Any = "send-again" if again else "count-as-accepted"
                assert resolve(connection, self.campaign_id, decision, who="ann", because="I asked") == len(uncertain)
            except StateError:
                assert again
                assert self.model.state == "cancelled"
                return
        assert not (again and self.model.state == "cancelled")
        self.model.decide(again=again)

    def leave(self, data: strategies.DataObject) -> None:
        number = drawn(data, self.model.people)
        self.model.people[number].gone = True
        with self.transaction() as connection:
            member = connection.scalar(select(Delivery.member_id).where(Delivery.id == number))
            assert member is not None
            unsubscribe(connection, self.list_id, member, "asked")

    def come_to_the_end(self, data: strategies.DataObject) -> None:
        """With a provider that takes all and a person who says go on, nobody waits for ever."""
        self.model.open = True
        for _ in range(40):
            if self.model.state in ENDED and not self.model.in_the_air():
                break
            self.resumed()
            self.swept()
            for pack in self.may_go():
                self.claimed(pack)
            for each in self.model.in_the_air():
                self.take(each, each.people)
                self.record(each, Outcome(Verdict.ACCEPTED))
            self.moved_on(10)
            self.the_ledger_is_the_models_and_balances()
        assert self.model.state in ENDED
        assert self.model.in_state("waiting") == []

    # What holds whatever happens.

    @invariant()
    def the_ledger_is_the_models_and_balances(self) -> None:
        self.steps += 1
        model = self.model
        with self.transaction() as connection:
            found = connection.execute(EVERYTHING).one()
            ledger = read_ledger(connection, self.campaign_id)
            assert not ledger_differs(connection, self.campaign_id)
        assert ledger.balances
        assert ledger.sums() == model.sums()
        assert found.state == model.state
        assert found.people == [
            [number, person.state, person.reason if person.state == "excluded" else None]
            for number, person in sorted(model.people.items())
        ]
        packs = [[p.first, p.last, p.state, p.held, p.latest.id if p.latest else None] for p in model.packs]
        assert found.batches == sorted(packs, key=lambda pack: pack[:2])
        assert found.attempts == [[each.id, each.outcome] for each in model.tries]

    @invariant()
    def nobody_is_lost_or_mailed_twice_without_a_decision(self) -> None:
        """Who waits is in just one batch that may still go out, and who is uncertain in one that can be settled."""
        for number, person in self.model.people.items():
            around = [pack.state for pack in self.model.packs if number in pack.span and pack.state != "split"]
            assert len(around) == 1
            if person.state == "waiting":
                assert around[0] in ("waiting", "sending")
                assert self.model.state in ("sending", "paused") or around[0] == "sending"
            if person.state == "uncertain":
                assert around[0] == "uncertain"
            assert person.copies <= person.allowed
            if person.allowed == 1:
                assert person.copies == 1 or person.counted or person.state != "accepted"
                assert person.copies == 0 or person.state not in ("failed", "excluded")


# What may happen: how likely it is beside the others, and when it may.
ACTIONS: dict[str, tuple[int, Callable[[Campaigning], object]]] = {
    "send": (10, lambda it: it.may_go()),
    "lose": (7, lambda it: it.may_go()),
    "call_off_in_flight": (1, lambda it: it.may_go() and it.steps > 5),
    "put_off": (1, lambda it: it.may_go()),
    "refuse_all": (2, lambda it: it.may_go()),
    "decide_in_haste": (2, lambda it: it.may_go()),
    "claim": (
        5,
        lambda it: any(pack.state == "waiting" or it.steps % 5 == 0 for pack in it.model.packs),
    ),
    "answer": (4, lambda it: it.model.in_the_air()),
    "arrive": (4, lambda it: [each for each in it.model.in_the_air() if not each.taken]),
    "answer_late": (6, lambda it: [each for each in it.model.tries if each.swept]),
    "tell": (3, lambda it: [each for each in it.model.tries if each.taken]),
    "speak_against": (1, lambda it: [each for each in it.model.tries if len(each.taken) >= FEWEST_COMPLAINTS]),
    "sweep": (3, lambda it: True),
    "time_passes": (2, lambda it: True),
    "strike": (1, lambda it: it.model.hours),
    "resume": (4, lambda it: it.model.state == "paused" or it.steps % 7 == 0),
    "pause": (1, lambda it: it.steps % 3 == 0),
    "cancel": (1, lambda it: it.steps > 10 and it.steps % 3 == 0),
    "retry": (3, lambda it: it.model.in_state("failed")),
    "decide": (4, lambda it: it.model.in_state("uncertain")),
    "leave": (1, lambda it: it.model.people and it.steps % 3 == 0),
    "another": (4, lambda it: it.model.state in ENDED and (it.steps > 40 or not it.model.in_doubt())),
    "come_to_the_end": (2, lambda it: it.steps > 25 and it.model.state not in ENDED),
}


def run(database: Database, monkeypatch: pytest.MonkeyPatch, *, examples: int, by_chance: bool) -> None:
    monkeypatch.setattr(outcomes, "REFUSALS_IN_A_ROW", REFUSALS_IN_A_ROW)
    monkeypatch.setattr(steering, "require_ready", lambda *_: None)  # the model's provider needs no settings
    monkeypatch.setattr(
        retry_times, "DEFERRED_PAUSES", tuple(timedelta(minutes=minutes) for minutes in DEFERRED_MINUTES)
    )
    run_state_machine_as_test(
        lambda: Campaigning(database, monkeypatch),
        settings=settings(
            max_examples=examples, stateful_step_count=60, derandomize=not by_chance, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink],
        ),
    )  # fmt: skip


def test_whatever_happens_nobody_is_lost_or_mailed_again_and_the_ledger_balances(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(database, monkeypatch, examples=2, by_chance=False)


@pytest.mark.slow
def test_the_same_for_an_hour_of_other_sequences(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    run(database, monkeypatch, examples=2_000, by_chance=True)
