"""The ledger: the allowed transitions of a delivery's state, the one statement that makes them, and the balance.

    intended = waiting + excluded + accepted + failed + uncertain

`sending` is a state of the batch: its people are waiting, shown as `in_flight`, until an outcome is recorded.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Connection,
    Row,
    TextClause,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    select,
    text,
)  # fmt: skip
from sqlalchemy.sql.elements import ColumnElement

from lists.tables import Member
from sender.tables import Attempt, Batch, Campaign, Delivery, LedgerMove, State

# From → to, and what moves it. Later facts (delivered, bounced, complained) are in the roll-ups and move nothing here.
TRANSITIONS: dict[tuple[State, State], str] = {
    ("waiting", "accepted"): "the provider accepted it",
    ("waiting", "failed"): "the provider refused this person permanently",
    ("waiting", "uncertain"): "the answer was lost: it may or may not have been accepted",
    ("waiting", "excluded"): "the person unsubscribed or was suppressed since, or the campaign was cancelled",
    ("uncertain", "accepted"): "evidence or a person says that it was accepted",
    ("uncertain", "failed"): "a late answer says that it was refused",
    ("failed", "waiting"): "a person retries failed people",
    ("uncertain", "waiting"): "a late answer says that it was not accepted, or a person decides to send again",
}

# The states whose people are also counted by reason.
WITH_REASON = ("excluded", "failed")

# A condition on a member's row, for whoever wants to delete it: the links of their mails need it.
is_in_a_ledger = exists().where(Delivery.member_id == Member.id)


@dataclass(frozen=True)
class Span:
    """The deliveries `first_id` to `last_id` of one campaign, and the attempt that decides about them, if any."""

    campaign_id: int
    first_id: int
    last_id: int
    attempt_id: int | None = None

    def where(self) -> ColumnElement[bool]:
        """Return the SQL condition for a delivery to be in the span."""
        return and_(Delivery.campaign_id == self.campaign_id, Delivery.id.between(self.first_id, self.last_id))


def move(
    connection: Connection,
    span: Span,
    from_state: State,
    to_state: State,
    *,
    reason: str | None = None,
    only: Collection[int] | None = None,
    besides: Collection[int] = (),
) -> int:
    """Move the deliveries of a span from one state to another; returns how many. ValueError if not in the table.

    This is the only statement that changes a delivery's state after the freeze; it keeps the sums as well. The caller
    has locked the batch.
    """
    if (from_state, to_state) not in TRANSITIONS:
        raise ValueError(f"no delivery may go from {from_state} to {to_state}")
    if only is not None and not only:
        return 0
    values = {
        "campaign": span.campaign_id, "first": span.first_id, "last": span.last_id, "attempt": span.attempt_id,
        "from_state": from_state, "to_state": to_state, "reason": reason,
        "came": (reason or "") if to_state in WITH_REASON else "", "other": list(besides), "only": list(only or ()),
    }  # fmt: skip
    statement = _moving(some=bool(only), with_reason=from_state in WITH_REASON)
    return int(connection.execute(statement, values).scalar_one())


def exclude(connection: Connection, span: Span, why: Mapping[int, str], *, before: int | None = None) -> None:
    """Exclude people of a span who wait, by delivery, each for a reason; `before` is the first attempt without them.

    They were in every attempt of their batches so far, and in none from now on.
    """
    if not why:
        return
    newest = before - 1 if before else connection.scalar(select(func.max(Attempt.id)))
    span = replace(span, attempt_id=newest)
    for reason in sorted(set(why.values())):
        these = [id_ for id_, each in why.items() if each == reason]
        move(connection, span, "waiting", "excluded", reason=reason, only=these)


@cache
def _moving(*, some: bool, with_reason: bool) -> TextClause:
    """Make the statement of a move, of some people only, or out of a state with reasons."""
    # One pass over the rows moved, and ready-made text: this runs for each batch.
    meant = "{0}.campaign_id = :campaign AND {0}.id BETWEEN :first AND :last AND {0}.state = :from_state".format
    return text(f"""
        WITH moved AS (
            UPDATE deliveries d SET state = :to_state, reason = :reason,
                   attempt_id = coalesce(CAST(:attempt AS bigint), d.attempt_id)
            {"FROM deliveries was" if with_reason else ""}
            WHERE {meant("d")} AND d.id <> ALL (CAST(:other AS bigint[]))
              {"AND d.id = ANY (CAST(:only AS bigint[]))" if some else ""}
              {f"AND was.id = d.id AND {meant('was')}" if with_reason else ""}
            RETURNING d.compiled_id, {"coalesce(was.reason, '')" if with_reason else "''"} AS left_for
        ), counted AS (
            SELECT compiled_id, left_for, count(*) AS people FROM moved GROUP BY 1, 2
        ), kept AS (
            INSERT INTO ledger_moves (campaign_id, compiled_id, state, reason, people)
            SELECT :campaign, compiled_id, :from_state, left_for, -people FROM counted
            UNION ALL SELECT :campaign, compiled_id, :to_state, :came, people FROM counted
        )
        SELECT CAST(coalesce(sum(people), 0) AS bigint) FROM counted
    """)  # noqa: S608 - of constants


@dataclass(frozen=True)
class Ledger:
    """The sums of one campaign, in people; `in_flight` is part of `waiting`, `excluded_by` splits `excluded`."""

    intended: int = 0
    waiting: int = 0
    in_flight: int = 0
    excluded: int = 0
    accepted: int = 0
    failed: int = 0
    uncertain: int = 0
    excluded_by: dict[str, int] = field(default_factory=dict)
    failed_by: dict[str, int] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Return whether the parts add up to the people frozen."""
        return self.intended == self.waiting + self.excluded + self.accepted + self.failed + self.uncertain

    def sums(self) -> dict[str, int]:
        """Return the sums by name, without the reasons."""
        names = ("intended", "waiting", "in_flight", "excluded", "accepted", "failed", "uncertain")
        return {name: getattr(self, name) for name in names}


# The campaign, a part of it, a state or "in_flight" or "intended", the reason, and the people.
_Count = Row[int, int | None, str, str, int]
NOTHING = Ledger()


def read_ledger(connection: Connection, campaign_id: int) -> Ledger:
    """Return the ledger of a campaign; all sums come from one snapshot.

    `intended` is the number that the freeze wrote down. Whether the sums agree with the rows, a chore finds out
    (sender/events/sum_check.py).
    """
    return ledgers_of(connection, [campaign_id])[campaign_id]


def ledgers_of(connection: Connection, campaign_ids: Collection[int]) -> dict[int, Ledger]:
    """Return the ledger of each campaign, as `read_ledger` does."""
    parts: defaultdict[int, list[_Count]] = defaultdict(list)
    for row in connection.execute(_sums(campaign_ids)):
        parts[row.campaign_id].append(row)
    return {campaign_id: _summed(parts[campaign_id]) for campaign_id in campaign_ids}


def read_ledgers(connection: Connection, campaign_id: int) -> dict[int, Ledger]:
    """Return a ledger for each compiled email of a campaign in several languages, by the email's id."""
    parts: defaultdict[int, list[_Count]] = defaultdict(list)
    for row in connection.execute(_sums([campaign_id])):
        if row.part is not None:
            parts[row.part].append(row)
    return {part: _summed(rows) for part, rows in parts.items()}


def _sums(campaign_ids: Collection[int]) -> CompoundSelect[*tuple[Any, ...]]:
    """Read the sums, the people of the requests under way, and the people frozen, in one statement."""
    people = func.sum(LedgerMove.people)
    moves = (
        select(
            LedgerMove.campaign_id,
            LedgerMove.compiled_id.label("part"),
            LedgerMove.state,
            LedgerMove.reason,
            cast(people, BigInteger).label("people"),
        )
        .where(LedgerMove.campaign_id.in_(campaign_ids))
        .group_by(LedgerMove.campaign_id, "part", LedgerMove.state, LedgerMove.reason)
        .having(people != 0)
    )
    sending = (
        select(Batch.campaign_id, Batch.compiled_id, literal("in_flight"), literal(""), func.sum(Attempt.people))
        .join(Attempt, Attempt.id == Batch.attempt_id)
        .where(Batch.campaign_id.in_(campaign_ids), Batch.state == "sending")
        .group_by(Batch.campaign_id, Batch.compiled_id)
    )
    whole = select(Campaign.id, null(), literal("intended"), literal(""), Campaign.intended)
    return moves.union_all(sending, whole.where(Campaign.id.in_(campaign_ids)))


def _summed(rows: Sequence[_Count]) -> Ledger:
    sums: Counter[str] = Counter()
    by_reason: dict[str, Counter[str]] = {state: Counter() for state in WITH_REASON}
    for row in rows:
        sums[row.state] += row.people
        if row.state in by_reason:
            by_reason[row.state][row.reason or "unknown"] += row.people
    if "intended" not in sums:  # a part of a campaign
        sums["intended"] = sums.total() - sums["in_flight"]
    return Ledger(
        **dict.fromkeys(Ledger().sums(), 0) | sums,
        excluded_by=dict(by_reason["excluded"]),
        failed_by=dict(by_reason["failed"]),
    )
