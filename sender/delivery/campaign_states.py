"""The states of a campaign: the allowed transitions, the one statement that makes them, and what follows.

The ledger has the same for a delivery (sender/delivery/ledger.py).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import ColumnElement, Connection, and_, false, func, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from daisychain.database import unless_locked
from daisychain.errors import ConfigurationError, DaisychainError
from sender.delivery.ledger import Span, move
from sender.tables import Attempt, Batch, Campaign

log = logging.getLogger("daisychain.states")

CampaignState = Literal["draft", "scheduled", "sending", "paused", "cancelled", "finished"]

# From → to, and what moves it. Nothing leads out of `cancelled`.
TRANSITIONS: dict[tuple[CampaignState, CampaignState], str] = {
    ("draft", "scheduled"): "a person sets a time",
    ("draft", "sending"): "a person sends it: the audience is frozen",
    ("draft", "cancelled"): "a person cancels it",
    ("scheduled", "sending"): "its time has come: the audience is frozen",
    ("scheduled", "paused"): "a person, or the time is long past",
    ("scheduled", "cancelled"): "a person cancels it",
    ("scheduled", "draft"): "a person unschedules it",
    ("sending", "paused"): "a person, the provider's refusal, or too many bounces and complaints",
    ("sending", "cancelled"): "a person; waiting people are excluded",
    ("sending", "finished"): "nobody waits, nothing is in flight; uncertain people may remain",
    ("paused", "sending"): "a person resumes it",
    ("paused", "scheduled"): "a person resumes it before its time, or moves it",
    ("paused", "draft"): "a person unschedules it before it was frozen",
    ("paused", "cancelled"): "a person; waiting people are excluded",
    ("finished", "sending"): "people are retried: failed ones by a person, uncertain ones by a person or a late answer",
}
CANCELLED = "cancelled"
# How the reason of a person who has uncertain people sent to again begins (sender/campaigns/resolve.py).
SEND_AGAIN = "send-again"
# What settled an attempt whose sender only seemed dead: it knows better than who decided meanwhile.
LATE_ANSWER = "late answer"


def turn(
    connection: Connection,
    campaign_id: int,
    to_state: CampaignState,
    *,
    from_states: Collection[CampaignState],
    where: ColumnElement[bool] | None = None,
    **values: object,
) -> bool:
    """Move a campaign if it is in one of `from_states`; returns whether it was. ValueError if not in the table.

    This is the only statement that changes a campaign's state. `values` are columns that change with it.
    """
    for from_state in from_states:
        if (from_state, to_state) not in TRANSITIONS:
            raise ValueError(f"no campaign may go from {from_state} to {to_state}")
    statement = (
        update(Campaign)
        .where(Campaign.id == campaign_id, Campaign.state.in_(from_states))
        .values(state=to_state, **values)
    )
    return connection.execute(statement if where is None else statement.where(where)).rowcount > 0


def pause(connection: Connection, campaign_id: int, reason: str) -> bool:
    """Stop a campaign at its next claim, with a reason for people; returns whether it was under way."""
    return turn(connection, campaign_id, "paused", from_states=["sending", "scheduled"], pause_reason=reason)


def lock(connection: Connection, campaign_id: int) -> str | None:
    """Lock a campaign until the caller's transaction ends; returns its state, or None if there is no such campaign.

    If you also need attempts and batches: lock attempts first, then batches, and the campaign last.
    """
    return connection.scalar(select(Campaign.state).where(Campaign.id == campaign_id).with_for_update())


@contextmanager
def by_itself(connection: Connection, campaign_id: int, doing: str) -> Iterator[None]:
    """Run one campaign's step in a savepoint. If it fails: roll back, log, and pause that campaign.

    The reason begins with `doing`. Errors of the database (a lost connection, a deadlock, a full disk) are raised; if
    another process has locked the campaign for longer than `lock_timeout`, nothing happens.
    """
    try:
        with unless_locked(connection):
            yield
    except (OperationalError, InterfaceError):
        raise
    except (DaisychainError, ConfigurationError) as error:
        log.warning("campaign %s: %s: %s", campaign_id, doing, error)
        pause(connection, campaign_id, f"{doing}: {error}")
    except Exception as error:
        log.exception("campaign %s: %s", campaign_id, doing)
        pause(connection, campaign_id, f"{doing}: {type(error).__name__}; the log has more")


def finish_if_done(connection: Connection, campaign_id: int) -> None:
    """Finish a campaign if none of its batches waits or is in flight; uncertain people may remain.

    The campaign is locked before the check that counts: a retry locks it as well, so either we see its batches, or it
    sees that the campaign is finished. The check without the lock saves most batches from locking.
    """
    unfinished = (
        select(Batch.id).where(Batch.campaign_id == campaign_id, Batch.state.in_(["waiting", "sending"])).exists()
    )
    if not connection.scalar(select(unfinished)) and lock(connection, campaign_id) == "sending":
        turn(connection, campaign_id, "finished", from_states=["sending"], where=~unfinished, finished_at=func.now())


def people_wait_again(connection: Connection, campaign_id: int) -> None:
    """Continue a finished campaign whose people are retried; in a cancelled one, exclude them.

    The campaign is locked, so that it is cancelled either before we look, or after the batch can be seen.
    """
    state = lock(connection, campaign_id)
    if state == "finished":
        turn(connection, campaign_id, "sending", from_states=["finished"], finished_at=None)
    elif state == "cancelled":
        close_cancelled(connection, campaign_id)


def close_cancelled(connection: Connection, campaign_id: int) -> int:
    """Exclude the people who wait in a cancelled campaign, in the caller's transaction; returns how many.

    A batch that is being claimed right now goes out: its people wait until its outcome. People who were to be mailed
    again by a person's decision become uncertain again.
    """
    decided = and_(Attempt.settled_because.startswith(SEND_AGAIN), Attempt.settled_by != LATE_ANSWER)
    again = func.coalesce(decided, false()).label("again")
    free = select(Batch.id).where(Batch.campaign_id == campaign_id, Batch.state == "waiting")
    rows = connection.execute(
        select(Batch.id, Batch.first_id, Batch.last_id, Batch.attempt_id, again)
        .outerjoin(Attempt, Attempt.id == Batch.attempt_id)
        .where(Batch.id.in_(free))
        .order_by(Batch.id)
        .with_for_update(of=Batch, skip_locked=True)
    ).all()
    people = 0
    for row in rows:
        span = Span(campaign_id, row.first_id, row.last_id, row.attempt_id)
        people += move(connection, span, "waiting", "uncertain" if row.again else "excluded", reason=CANCELLED)
        connection.execute(
            update(Batch).where(Batch.id == row.id).values(state="uncertain" if row.again else "done", held=False)
        )
    return people
