"""The slots of one process that deliver one campaign.

Apart from foreground.py, so that a process that only helps is soon ready: it needs no freeze, no sweep and no compiler.
"""

from __future__ import annotations

from daisychain.database import Database
from daisychain.jobs import Workers
from daisychain.processes import StopFlag
from sender.delivery import batch_jobs
from sender.delivery.contact_batches import LateValues
from sender.delivery.deliver import Deliverer
from sender.delivery.senders import LiveSender

# How often to check whether the slots still work, in seconds.
GLANCE = 0.1


def campaign_slots(
    database: Database, sender: LiveSender, campaign_id: int, concurrency: int, stop: StopFlag, late_values: LateValues
) -> Workers:
    """Return the slots of this process for a campaign's queue, as a context in which they work."""
    deliverer = Deliverer(database, sender, stop, late_values)
    queues = [batch_jobs.queue_of(campaign_id)]
    return Workers(database, queues=queues, concurrency=concurrency, extras={"deliverer": deliverer})


def help_out(database: Database, stop: StopFlag, campaign_id: int, concurrency: int, late_values: LateValues) -> None:
    """Deliver a campaign's batches in another process than the main one, until `stop`."""
    database.for_work()
    slots = (campaign_id, concurrency, stop, late_values)
    with LiveSender(database) as sender, campaign_slots(database, sender, *slots) as workers:
        while workers.running and not stop.wait(GLANCE):
            pass
