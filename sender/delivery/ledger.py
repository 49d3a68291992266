"""The ledger: the allowed transitions of a delivery's state, the one statement that makes them, and the balance.

    intended = waiting + excluded + accepted + failed + uncertain

`sending` is a state of the batch: its people are waiting, shown as `in_flight`, until an outcome is recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, exists, func, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute

from lists.tables import Member
from sender.tables import Batch, Campaign, Delivery, State

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

    This is the only statement that changes a delivery's state after the freeze.
    """
    if (from_state, to_state) not in TRANSITIONS:
        raise ValueError(f"no delivery may go from {from_state} to {to_state}")
    if only is not None and not only:
        return 0
    statement = update(Delivery).where(span.where(), Delivery.state == from_state).values(state=to_state, reason=reason)
    if span.attempt_id is not None:
        statement = statement.values(attempt_id=span.attempt_id)
    if only is not None:
        statement = statement.where(Delivery.id == func.any(bindparam("only", list(only))))
    if besides:
        statement = statement.where(Delivery.id != func.all(bindparam("besides", list(besides))))
    return connection.execute(statement).rowcount


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


# The campaign's `intended`, then a part, state and reason with its people, and with those in flight.
_Count = Row[int, int | None, str, str | None, int, int]
NOTHING = Ledger()


def read_ledger(connection: Connection, campaign_id: int, *, kind: str = "member") -> Ledger:
    """Return the ledger of a campaign; all sums come from one snapshot.

    `intended` is the number that the freeze wrote down, not counted from the states, so that a row lost or in an
    unknown state shows as a sum that does not balance.
    """
    rows = _counts(connection, campaign_id, kind, literal(0))
    return _summed(rows, intended=(rows[0].intended or 0) if rows else 0)


def read_ledgers(connection: Connection, campaign_id: int, *, kind: str = "member") -> dict[int, Ledger]:
    """Return a ledger for each compiled email of a campaign in several languages, by the email's id."""
    parts: defaultdict[int, list[_Count]] = defaultdict(list)
    for row in _counts(connection, campaign_id, kind, Delivery.compiled_id):
        if row.part is not None:
            parts[row.part].append(row)
    return {part: _summed(rows, intended=sum(row.people for row in rows)) for part, rows in parts.items()}


def _counts(
    connection: Connection, campaign_id: int, kind: str, part: ColumnElement[int] | InstrumentedAttribute[int | None]
) -> Sequence[_Count]:
    """Count the people of a campaign by state, reason and `part` of it, from one snapshot."""
    span = (
        select(Campaign.id, Campaign.first_delivery, Campaign.last_delivery, Campaign.intended)
        .where(Campaign.id == campaign_id)
        .cte("span")
    )
    sending = (
        select(Batch.first_id, Batch.last_id)
        .where(Batch.campaign_id == campaign_id, Batch.state == "sending")
        .cte("sending")
    )
    in_flight = select(sending.c.first_id).where(Delivery.id.between(sending.c.first_id, sending.c.last_id)).exists()
    return connection.execute(
        select(
            span.c.intended,
            part.label("part"),
            Delivery.state,
            case((Delivery.state.in_(["excluded", "failed"]), Delivery.reason)).label("why"),
            func.count(Delivery.id).label("people"),
            func.count(Delivery.id).filter(Delivery.state == "waiting", in_flight).label("in_flight"),
        )
        .select_from(span)
        .join(
            Delivery,
            and_(
                Delivery.campaign_id == span.c.id,
                Delivery.id.between(span.c.first_delivery, span.c.last_delivery),
                Delivery.kind == kind,
            ),
            isouter=True,
        )
        .group_by(span.c.intended, "part", Delivery.state, "why")
    ).all()


def _summed(rows: Sequence[_Count], *, intended: int) -> Ledger:
    sums: dict[str, int] = dict.fromkeys(("waiting", "excluded", "accepted", "failed", "uncertain"), 0)
    by_reason: dict[str, dict[str, int]] = {"excluded": {}, "failed": {}}
    for row in rows:
        if row.state is None:
            continue
        sums[row.state] += row.people
        if row.state in by_reason:
            by_reason[row.state][row.why or "unknown"] = row.people
    return Ledger(
        intended=intended,
        in_flight=sum(row.in_flight for row in rows),
        excluded_by=by_reason["excluded"],
        failed_by=by_reason["failed"],
        **sums,
    )
