"""Sending in the foreground: freeze if need be, then work the campaign's queue until the tables say that it is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import func, select, update

from daisychain.database import Database
from daisychain.jobs import Workers
from sender import attempts, tasks
from sender.audience import freeze
from sender.campaigns import find_campaign, public_face
from sender.delivery import Deliverer
from sender.ledger import Ledger, read_ledger
from sender.providers import open_provider
from sender.senders import LiveSender
from sender.sweep import sweep
from sender.tables import Batch, Campaign

# How often the tables are asked whether it is over, and how often the dead are looked for, in seconds.
GLANCE, SWEEP = 0.1, 3.0
CONCURRENCY = 4


def start(database: Database, campaign_id: int) -> None:
    """Freeze a draft and defer its jobs, or set a paused campaign going; harmless for one that is being sent."""
    with database.engine.begin() as connection:
        campaign = find_campaign(connection, campaign_id, lock=True)
        if campaign["state"] == "draft":
            face = public_face(database.settings, campaign["list"])
            connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(face))
            freeze(
                connection, campaign_id, batch_size=open_provider(campaign["provider"], database.settings).batch_size
            )
        elif campaign["state"] == "paused":
            connection.execute(
                update(Campaign).where(Campaign.id == campaign_id).values(state="sending", pause_reason="")
            )
            tasks.defer_waiting(connection, campaign_id)


def work_until_over(
    database: Database,
    campaign_id: int,
    *,
    concurrency: int = CONCURRENCY,
    watch: Callable[[Ledger], None] | None = None,
) -> str:
    """Deliver a campaign that was started until it is finished or paused, and return that state.

    Others may work the same queue; what they hold is waited for. `watch` is shown the ledger now and then.
    """
    with LiveSender(database) as sender:
        workers = Workers(
            database,
            queues=[tasks.queue_of(campaign_id)],
            concurrency=concurrency,
            extras={"deliverer": Deliverer(database, sender)},
        )
        swept = 0.0
        with workers:
            while workers.running:
                if time.monotonic() - swept > SWEEP:
                    with database.engine.begin() as connection:
                        sweep(connection, database.settings)
                        attempts.finish_if_done(connection, campaign_id)
                    if watch is not None:
                        with database.engine.connect() as connection:
                            watch(read_ledger(connection, campaign_id))
                    swept = time.monotonic()
                state = _state(database, campaign_id)
                if state != "sending":
                    return state
                time.sleep(GLANCE)
    return _state(database, campaign_id)


def _state(database: Database, campaign_id: int) -> str:
    """The campaign's state; a pause counts once nothing of it is in flight any more."""
    with database.engine.connect() as connection:
        in_flight = select(func.count()).where(Batch.campaign_id == campaign_id, Batch.state == "sending")
        state, flying = connection.execute(
            select(Campaign.state, in_flight.scalar_subquery()).where(Campaign.id == campaign_id)
        ).one()
    return "sending" if state == "paused" and flying else str(state)
