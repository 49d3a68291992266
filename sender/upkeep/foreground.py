"""Sends in the foreground: freezes a draft, then works on the campaign's queue until the campaign has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial

from sqlalchemy import func, select, update

from daisychain.database import Database
from daisychain.errors import StateError
from daisychain.processes import TOLD_WITHIN, Processes, StopFlag, cores, ending_in_time
from lists.tables import Membership
from sender.campaigns.approvals import require_approved
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.steering import begin, resume
from sender.campaigns.waiting_reason import WaitingReason, find_waiting_reason
from sender.delivery import confirmed_places
from sender.delivery.campaign_states import finish_if_done
from sender.delivery.contact_batches import LateValues, no_late_values
from sender.delivery.ledger import Ledger, read_ledger
from sender.delivery.readiness import require_ready
from sender.delivery.senders import LiveSender
from sender.providers.open_provider import open_provider
from sender.tables import Batch, Campaign
from sender.upkeep.campaign_slots import GLANCE, campaign_slots, help_out
from sender.upkeep.sweep import sweep

# How often to sweep, in seconds.
SWEEP = 3.0
CONCURRENCY = 4
# Another process takes a second to start; fewer batches than these are done by then.
BATCHES_A_PROCESS = 25


def start(
    database: Database, campaign_id: int, *, who: str = "", now: bool = False, approvers: Collection[int] | None = None
) -> None:
    """Freeze a draft and wake slots, or resume a paused campaign; harmless if it is being sent already.

    Raises StateError for a scheduled campaign, unless it is to start `now` instead of at its time, and if an approval
    is missing.
    """
    with database.engine.begin() as connection:
        campaign = find_campaign(connection, campaign_id, lock=True)
        confirmed_places.require_confirmed(connection, database.settings)
        if campaign.state not in ("finished", "cancelled"):
            require_ready(connection, database.settings, campaign.provider)
        if campaign.state == "scheduled" and not now:
            raise StateError(f"Campaign {campaign_id} is scheduled.", hint="To send it now instead, add --now.")
        if now and campaign.starts_at and campaign.frozen_at is None:
            connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(starts_at=None))
            campaign = find_campaign(connection, campaign_id)
        if campaign.frozen_at is None:
            require_approved(connection, database.settings, campaign, approvers)
        if campaign.state in ("draft", "scheduled"):
            begin(connection, database.settings, campaign)
        elif campaign.state == "paused":
            resume(connection, database.settings, campaign_id, who=who)


def crew(
    database: Database,
    campaign_id: int,
    concurrency: int = CONCURRENCY,
    processes: int | None = None,
    late_values: LateValues = no_late_values,
) -> Processes:
    """Start the other processes that will share the work, before the freeze: they are ready when it is over.

    Use it as a context around `start` and `work_until_over`.
    """
    helpers = Processes(database.settings, help_out, campaign_id, concurrency, late_values)
    helpers.grow((processes or _wanted(database, campaign_id)) - 1)
    return helpers


def work_until_over(
    database: Database,
    campaign_id: int,
    *,
    helpers: Processes | None = None,
    concurrency: int = CONCURRENCY,
    processes: int | None = None,
    watch: Callable[[Ledger, WaitingReason | None], None] | None = None,
    stop: StopFlag | None = None,
    late_values: LateValues = no_late_values,
) -> str:
    """Deliver a started campaign until it has ended (finished, paused, cancelled), and return that state.

    `processes`, including this one, share the work, each with `concurrency` batches at once; by default as many as the
    machine has cores, if there is enough to do. Workers elsewhere may share the queue; their batches are waited for.
    `watch` gets the ledger every few seconds, and the reason if the campaign is waiting for its provider. Once `stop`
    is set and its callbacks have run, nothing more is claimed here or by the other processes; batches in flight are
    finished. A campaign to contacts needs the function for their `late_values`. `helpers` are a `crew` with the same
    arguments.
    """
    stop = stop or StopFlag()
    database.for_work()
    slots = (concurrency, processes, late_values)
    with ending_in_time(stop), helpers or crew(database, campaign_id, *slots) as others:
        stop.on_set(partial(others.dismiss, wait=TOLD_WITHIN))
        own = (campaign_id, concurrency, stop, late_values)
        with LiveSender(database) as sender, campaign_slots(database, sender, *own) as workers:
            swept = 0.0
            try:
                while workers.running and not stop.is_set():
                    if time.monotonic() - swept > SWEEP:
                        _look_after(database, campaign_id, watch)
                        if processes is None:
                            others.grow(_wanted(database, campaign_id) - 1)
                        swept = time.monotonic()
                    state = _state(database, campaign_id)
                    if state != "sending":
                        return state
                    stop.wait(GLANCE)
            finally:
                others.dismiss()  # now, so that all stop at once
    return _state(database, campaign_id)


def _look_after(
    database: Database, campaign_id: int, watch: Callable[[Ledger, WaitingReason | None], None] | None
) -> None:
    with database.engine.begin() as connection:
        sweep(connection, database.settings)
        finish_if_done(connection, campaign_id)
    if watch is not None:
        with database.engine.connect() as connection:
            watch(read_ledger(connection, campaign_id), find_waiting_reason(connection, campaign_id))


def _wanted(database: Database, campaign_id: int) -> int:
    """Return how many processes are worth their start, for the batches that can be claimed now, or after the freeze."""
    waiting = select(func.count()).where(Batch.campaign_id == campaign_id, Batch.state == "waiting")
    due = waiting.where(Batch.held.is_(False), Batch.not_before <= func.now())
    with database.engine.connect() as connection:
        campaign = find_campaign(connection, campaign_id)
        if campaign.frozen_at is not None:
            return min(cores(), (connection.scalar(due) or 0) // BATCHES_A_PROCESS)
        # As many as if everybody on the list got it; of a long list, no more are counted than matter.
        enough = BATCHES_A_PROCESS * open_provider(campaign.provider, database.settings).batch_size
        some = select(Membership.member_id).where(Membership.list_id == campaign.list_id).limit(cores() * enough)
        return (connection.scalar(select(func.count()).select_from(some.subquery())) or 0) // enough


def _state(database: Database, campaign_id: int) -> str:
    """Return the campaign's state; it counts as paused or cancelled once nothing is in flight."""
    with database.engine.connect() as connection:
        in_flight = select(func.count()).where(Batch.campaign_id == campaign_id, Batch.state == "sending")
        state, flying = connection.execute(
            select(Campaign.state, in_flight.scalar_subquery()).where(Campaign.id == campaign_id)
        ).one()
    return "sending" if state in ("paused", "cancelled") and flying else str(state)
