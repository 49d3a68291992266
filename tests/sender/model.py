"""A small model of a campaign: the expected people, batches and state after each event.

It follows the tables of moves (`sender.delivery.ledger`, `sender.delivery.campaign_states`) and what the commands
promise, uses no database, and counts time in minutes. Only the machine that drives both knows what happened to a mail.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sender.campaigns.brakes import FEWEST_BOUNCES, FEWEST_COMPLAINTS, FEWEST_REFUSED, MOST_BOUNCES, MOST_COMPLAINTS
from sender.providers.provider import Outcome, Verdict

# As the machine sets them in the code under test, so that five people reach them.
REFUSALS_IN_A_ROW = 3
DEFERRED_MINUTES = (1, 2)
PAUSE_MINUTES = 0.5
OVERDUE_MINUTES = 60


@dataclass
class Person:
    """One delivery: the expected ledger row, and what really happened."""

    state: str = "waiting"
    reason: str = ""
    gone: bool = False  # left the list, or is suppressed
    copies: int = 0
    allowed: int = 1  # copies, one more for each time that a person decided to send again
    counted: bool = False  # a person said that it counts as accepted, whatever happened
    bounced: int = 0  # when it was told, by the model's order of things; 0 for never
    complained: int = 0


@dataclass
class Pack:
    """A batch: people `first` to `last`."""

    first: int
    last: int
    held: bool = False
    state: str = "waiting"
    due: float = 0
    tries: int = 0
    latest: Try | None = None

    @property
    def span(self) -> range:
        return range(self.first, self.last + 1)


@dataclass
class Try:
    """One request: its people, who was really accepted, and what is known about that."""

    id: int
    pack: Pack
    people: list[int]
    began: int  # by the model's order of things
    minute: float
    mortal: bool  # whether its sender may die
    outcome: str | None = None
    again: bool = False  # a person has its people sent to again
    taken: set[int] = field(default_factory=set)
    accepted: int = 0  # people whom the ledger moved by it
    refused: int = 0
    ended: int = 0
    proven: bool = False
    swept: bool = False


@dataclass
class Model:
    """One campaign; times are minutes of its `clock`, and `order` sorts what happens within one minute."""

    per_minute: int | None = None
    hours: bool = False
    starts: float | None = None
    canary_wait: float = 0
    state: str = "draft"
    people: dict[int, Person] = field(default_factory=dict)
    packs: list[Pack] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    clock: float = 0
    order: int = 0
    open: bool = True
    rest_from: int | None = None
    canary_until: float | None = None
    resumed: tuple[float, int] | None = None  # minute and order at which a person last said go on
    decided_to_resume: int = 0

    def next(self) -> int:
        self.order += 1
        return self.order

    def freeze(self, first: int, people: int, size: int, canary: int) -> None:
        """Freeze people from delivery `first` on, and cut batches: the canary's, then the others'."""
        later = self.starts is not None and self.starts > self.clock
        size = min([size, *([max(self.per_minute // 12, 1)] if self.per_minute else [])])
        self.people = {number: Person() for number in range(first, first + people)}
        self.rest_from = first + canary if canary else None
        held = bool(later or self.per_minute or self.hours)
        for start, end, kept in ((0, canary, held), (canary, people, held or canary > 0)):
            for place in range(start, end, size):
                self.packs.append(Pack(first + place, first + min(place + size, end) - 1, kept, due=self.clock))
        self.state = "sending"

    # Batches go out.

    def may_be_claimed(self, pack: Pack) -> bool:
        return pack.state == "waiting" and not pack.held and pack.due <= self.clock and self.state == "sending"

    def claim(self, pack: Pack) -> list[int]:
        """Exclude people who unsubscribed or were suppressed; returns the people to mail, and closes an empty batch."""
        pack.state, going = "sending", []
        for number in self.of(pack, "waiting"):
            if self.people[number].gone:
                self.put([number], "excluded", "suppressed_late")
            else:
                going.append(number)
        if not going:
            pack.state = "done"
            self.finish()
        return going

    def attempt(self, id_: int, pack: Pack, people: list[int], *, mortal: bool) -> Try:
        pack.latest = Try(id_, pack, people, self.next(), self.clock, mortal)
        self.tries.append(pack.latest)
        return pack.latest

    def record(self, each: Try, outcome: Outcome, minutes: float | None = None) -> None:
        """Apply an answer; `minutes` is the retry time that the provider names."""
        pack, late = each.pack, each.outcome is not None
        about = pack.latest is each and (
            pack.state in ("sending", "uncertain") or (pack.state == "waiting" and each.outcome == "uncertain")
        )
        if late and outcome.verdict is Verdict.UNCERTAIN:
            return
        each.outcome, each.ended = outcome.verdict.value, self.next()
        if not about:
            return
        each.again = False
        self.apply(each, pack, outcome, minutes, "uncertain" if pack.state == "uncertain" else "waiting")
        if outcome.verdict is Verdict.UNCERTAIN and each.proven:
            self.prove(each)
        if outcome.waiting or outcome.verdict not in (Verdict.ACCEPTED, Verdict.UNCERTAIN):
            if self.state == "finished":
                self.state = "sending"
            self.close_if_cancelled()
        self.finish()

    def apply(self, each: Try, pack: Pack, outcome: Outcome, minutes: float | None, was: str) -> None:
        refused, waiting = dict(outcome.refused), set(outcome.waiting)
        if outcome.deferred:
            pack.tries += 1
            if pack.tries > len(DEFERRED_MINUTES):
                refused, waiting = refused | dict(outcome.deferred), set()
            else:
                minutes = DEFERRED_MINUTES[pack.tries - 1]
        self.refuse(each, set(refused) & set(self.of(pack, was)))
        there = self.of(pack, was)
        match outcome.verdict:
            case Verdict.ACCEPTED:
                self.accept(each, set(there) - waiting - outcome.uncertain)
                self.put(set(there) & waiting, "waiting")
                self.put(set(there) & outcome.uncertain, "uncertain")
                if not waiting:
                    pack.state = "uncertain" if outcome.uncertain else "done"
                else:
                    self.put_back(pack, minutes)
                    if outcome.uncertain:
                        self.set_apart(pack, sorted(outcome.uncertain), "uncertain")
            case Verdict.UNCERTAIN:
                self.put(there, "uncertain")
                pack.state = "uncertain"
            case Verdict.RETRY:
                self.put(there, "waiting")
                self.put_back(pack, minutes)
            case Verdict.REFUSED_ACCOUNT:
                self.put(there, "waiting")
                self.put_back(pack, 0)
                self.pause()
            case Verdict.REFUSED_PERSON:
                self.put(there, "waiting")
                self.put_back(pack, 0)
                pack.state = "waiting" if there else "done"
            case Verdict.OVER_LIMITS:
                self.put(there, "waiting")
                self.put_back(pack, 0)
                self.set_apart(pack, sorted(outcome.over_limits), "waiting")
            case Verdict.REFUSED_REQUEST:
                self.put(there, "waiting")
                self.refused_whole(each, pack, there)

    def accept(self, each: Try, numbers: Iterable[int]) -> None:
        each.accepted += len(self.put(numbers, "accepted"))

    def refuse(self, each: Try, numbers: Iterable[int]) -> None:
        each.refused += len(self.put(numbers, "failed"))

    def refused_whole(self, each: Try, pack: Pack, there: list[int]) -> None:
        if self.halved_in_a_row(pack) >= REFUSALS_IN_A_ROW:
            self.put_back(pack, 0)
            self.pause()
        elif len(there) == 1:
            self.refuse(each, there)
            pack.state = "done"
        else:
            middle = there[len(there) // 2]
            pack.state = "split"
            self.packs += [Pack(pack.first, middle - 1, due=self.clock), Pack(middle, pack.last, due=self.clock)]

    def halved_in_a_row(self, pack: Pack) -> int:
        """Count the halvings of the batch that this pack was cut from, with all its parts."""
        around = [each for each in self.packs if each.first <= pack.first and pack.last <= each.last]
        first, last = min(each.first for each in around), max(each.last for each in around)
        tries = [each for each in self.tries if first <= each.pack.first and each.pack.last <= last]
        taken = max([each.id for each in tries if each.accepted], default=0)
        return sum(
            each.pack.state == "split" and each.outcome == "refused_request" and each.id > taken
            and each.began > self.decided_to_resume
            for each in tries
        )  # fmt: skip

    def put_back(self, pack: Pack, minutes: float | None) -> None:
        pack.state, pack.due = "waiting", self.clock + (PAUSE_MINUTES if minutes is None else minutes)

    def set_apart(self, pack: Pack, people: list[int], state: str) -> None:
        """Give each of these people their own batch, and cut the others between them."""
        pack.state = "split"
        latest = pack.latest if state == "uncertain" else None
        self.packs += [Pack(one, one, state=state, due=pack.due, tries=pack.tries, latest=latest) for one in people]
        self.packs += [
            Pack(before + 1, after - 1, due=pack.due, tries=pack.tries)
            for before, after in itertools.pairwise([pack.first - 1, *people, pack.last + 1])
            if before + 1 < after
        ]

    # What comes back.

    def prove(self, each: Try) -> None:
        """Apply an event that proves that the whole request was accepted."""
        each.proven = True
        if each.outcome != "uncertain":
            return
        each.outcome, each.again = "accepted", False
        pack = each.pack
        if pack.latest is each and pack.state in ("uncertain", "waiting"):
            self.accept(each, self.of(pack, pack.state))
            pack.state = "done"
            self.finish()

    def die(self, each: Try) -> None:
        each.swept = True
        self.record(each, Outcome(Verdict.UNCERTAIN))

    # What a plan, the time and what came back allow.

    def sweep(self, first: int, people: int, canary: int) -> None:
        for each in [each for each in self.tries if each.mortal and each.pack.state == "sending"]:
            if each.pack.latest is each:
                self.die(each)
        if self.state == "scheduled" and self.starts is not None and self.starts <= self.clock:
            if self.clock - self.starts >= OVERDUE_MINUTES:
                self.state = "paused"
            else:
                self.freeze(first, people, 1000, canary)
        self.let_go()
        if self.packs:
            self.finish()
        self.close_if_cancelled()

    def let_go(self) -> None:
        if self.state != "sending":
            return
        if self.too_many_came_back():
            self.pause()
        elif self.starts is None or self.has_begun(self.starts):
            waiting = [pack for pack in self.packs if pack.state == "waiting"]
            if not self.open:
                for pack in waiting:
                    pack.held = True
            elif any(pack.held for pack in waiting):
                self.release(self.rest_from if self.rest_from and not self.canary_has_passed() else None)

    def has_begun(self, starts: float) -> bool:
        if self.clock < starts:
            return False
        if self.resumed is None or self.resumed[0] < starts:
            if self.clock - starts >= OVERDUE_MINUTES:
                self.pause()
                return False
            self.resumed = (self.clock, self.next())
        return True

    def too_many_came_back(self) -> bool:
        taken = sum(each.accepted for each in self.tries)
        since = self.resumed[1] if self.resumed else 0
        refused = sum(each.refused for each in self.tries if each.ended > since)
        answered = refused + sum(each.accepted for each in self.tries if each.ended > since)
        if refused >= FEWEST_REFUSED and refused * 100 > MOST_BOUNCES * answered:
            return True
        bounced = sum(person.bounced > since for person in self.people.values())
        complained = sum(person.complained > since for person in self.people.values())
        return bool(taken) and (
            (bounced >= FEWEST_BOUNCES and bounced * 100 > MOST_BOUNCES * taken)
            or (complained >= FEWEST_COMPLAINTS and complained * 100 > MOST_COMPLAINTS * taken)
        )

    def canary_has_passed(self) -> bool:
        assert self.rest_from
        if any(pack.state in ("waiting", "sending") and pack.last < self.rest_from for pack in self.packs):
            return False
        self.canary_until = self.clock + self.canary_wait if self.canary_until is None else self.canary_until
        if self.clock < self.canary_until:
            return False
        them = [person for number, person in self.people.items() if number < self.rest_from]
        bad = sum(bool(person.bounced) for person in them)
        bad += sum(person.state in ("failed", "uncertain") for person in them)
        there = sum(person.state != "excluded" for person in them)
        self.rest_from = None
        if any(person.complained for person in them) or bad * 100 > MOST_BOUNCES * there:
            self.pause()
            return False
        return True

    def release(self, before: int | None) -> None:
        if self.state != "sending":
            return
        left = None
        if self.per_minute:
            left = self.per_minute - sum(
                len(each.people) for each in self.tries if self.clock - each.minute < 1 and each.outcome != "apart"
            )
            left -= sum(len(pack.span) for pack in self.packs if pack.state == "waiting" and not pack.held)
        for pack in sorted(self.packs, key=lambda pack: pack.first):
            if pack.state == "waiting" and pack.held and (before is None or pack.first < before):
                if left is not None:
                    left -= len(pack.span)
                    if left < 0:
                        return
                pack.held = False

    # What a person decides.

    def pause(self) -> None:
        if self.state in ("sending", "scheduled"):
            self.state = "paused"

    def resume(self) -> None:
        """Resume a frozen campaign."""
        self.state, self.resumed = "sending", (self.clock, self.next())
        self.decided_to_resume = self.next()
        self.finish()

    def cancel(self) -> None:
        self.state = "cancelled"
        self.close_if_cancelled()

    def close_if_cancelled(self) -> None:
        """Exclude waiting people who are not in flight; people who were to be mailed again are uncertain as before."""
        for pack in self.packs if self.state == "cancelled" else ():
            if pack.state == "waiting":
                again = pack.latest is not None and pack.latest.again
                self.put(self.of(pack, "waiting"), "uncertain" if again else "excluded", "" if again else "cancelled")
                pack.state, pack.held = "uncertain" if again else "done", False

    def to_retry(self) -> list[Pack]:
        return [pack for pack in self.packs if pack.state == "done" and self.of(pack, "failed")]

    def retry(self) -> None:
        for pack in self.to_retry():
            self.put(self.of(pack, "failed"), "waiting")
            pack.state, pack.latest, pack.due, pack.tries = "waiting", None, self.clock, 0
        self.state = "sending" if self.state == "finished" else self.state

    def decide(self, *, again: bool) -> None:
        for pack in [pack for pack in self.packs if pack.state == "uncertain"]:
            for number in self.of(pack, "uncertain"):
                self.put([number], "waiting" if again else "accepted")
                self.people[number].allowed += again
                self.people[number].counted = not again
            pack.state, pack.due = "waiting" if again else "done", self.clock
            assert pack.latest
            pack.latest.again = again
        if again and self.state == "finished":
            self.state = "sending"
        self.finish()

    def finish(self) -> None:
        if self.state == "sending" and not any(pack.state in ("waiting", "sending") for pack in self.packs):
            self.state = "finished"

    # What is asked of it.

    def of(self, pack: Pack, state: str) -> list[int]:
        return [number for number in pack.span if self.people[number].state == state]

    def put(self, numbers: Iterable[int], state: str, reason: str = "") -> list[int]:
        moved = list(numbers)
        for number in moved:
            self.people[number].state, self.people[number].reason = state, reason
        return moved

    def in_state(self, state: str) -> list[int]:
        return [number for number, person in self.people.items() if person.state == state]

    def in_the_air(self) -> list[Try]:
        """Return the requests without an answer that were not given up."""
        return [each for each in self.tries if each.outcome is None]

    def in_doubt(self) -> bool:
        """Whether anybody's delivery may still change."""
        return bool(self.in_the_air() or self.in_state("failed") or self.in_state("uncertain"))

    def sums(self) -> dict[str, Any]:
        """Return the expected sums of the ledger, in people."""
        states = ("waiting", "excluded", "accepted", "failed", "uncertain")
        flying = sum(len(self.of(pack, "waiting")) for pack in self.packs if pack.state == "sending")
        return {"intended": len(self.people), "in_flight": flying, **{s: len(self.in_state(s)) for s in states}}
