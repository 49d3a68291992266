"""Delivers batches, each by itself: claim, merge, send, record. Runs as a job, on any number of machines."""

from __future__ import annotations

import gc
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parseaddr
from functools import lru_cache, partial

import psycopg
from sqlalchemy import Connection, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from daisychain.database import Database
from daisychain.errors import DatabaseError, LockedError
from daisychain.processes import StopFlag
from daisychain.scrub import scrub
from daisychain.secret import installation_secret
from newsletters.merge.merge import KEY, plan_merge
from sender.delivery import attempts, batch_jobs, claims, confirmed_places
from sender.delivery.all_taken import record_all_taken
from sender.delivery.campaign_emails import emails_of
from sender.delivery.campaign_states import finish_if_done
from sender.delivery.contact_batches import CONTACTS, LateValues, no_late_values
from sender.delivery.high_water_mark import HighWaterMark, Mark
from sender.delivery.senders import LiveSender
from sender.delivery.slot_count import SlotCount
from sender.links.keys import KeyKind, Keys
from sender.links.reader_groups import MODES, Readers
from sender.links.sent_mail import load_emails
from sender.links.tracking import sent_references, without_persons
from sender.providers.failures import verdict_of
from sender.providers.open_provider import open_provider
from sender.providers.provider import Mailing, Outcome, Recipient
from sender.tables import Campaign

log = logging.getLogger("daisychain.delivery")

# Seconds before checking again that this place may send.
CONFIRMED = 1.0
# A thousand people are some ten thousand objects, none of them garbage. Python's default threshold of 700 would spend a
# tenth of a batch's time in the garbage collector.
OBJECTS_A_BATCH = 20_000

# Pauses between tries to record an outcome, in seconds; the last one is repeated while the database is away.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
# The errors of a database that is away, or of locked rows. Any other one would come again, and holds up only its batch.
AWAY = (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError, DatabaseError, LockedError)
# Seconds for which a process that was told to stop still keeps an answer.
KEPT_WHEN_STOPPED = 20.0


class Deliverer:
    """Delivers batches for one process; safe to use from several threads."""

    def __init__(
        self,
        database: Database,
        sender: LiveSender,
        stop: StopFlag | None = None,
        late_values: LateValues = no_late_values,
    ) -> None:
        self._database = database
        self._sender = sender
        self._stop = stop or StopFlag()
        self._late_values = partial(late_values, database.settings)
        self._keys = Keys(installation_secret(database.settings))
        self._mailing = lru_cache(maxsize=32)(self._load_mailing)
        self._provider = lru_cache(maxsize=8)(partial(open_provider, settings=database.settings))
        self._confirmed_until, self._confirmed_for = 0.0, 0
        self._mark: HighWaterMark
        self.slots = SlotCount()
        gc.set_threshold(OBJECTS_A_BATCH, *gc.get_threshold()[1:])

    def deliver_next(self, campaign_id: int, *, wakes: bool = False) -> bool:
        """Deliver the next batch of a campaign, and before that wake other slots for the rest, if it `wakes`.

        Returns False if there is none, or something is to be seen to first: then other jobs have their turn.
        """
        return self._deliver(partial(claims.take_next, campaign_id=campaign_id), campaign_id if wakes else None)

    def deliver(self, batch_id: int) -> bool:
        """Deliver a batch if it can be claimed; otherwise, and once `stop` is set, do nothing.

        Raises DatabaseError if this sender's lock is lost and can't be taken again: then nothing was claimed.
        """
        return self._deliver(partial(claims.take, batch_id=batch_id))

    def finish_if_done(self, campaign_id: int) -> None:
        """Finish a campaign if its last batches ended at once: while each was recorded, the others were in flight."""
        with self._database.engine.begin() as connection:
            if confirmed_places.is_confirmed(connection, self._database.settings):
                finish_if_done(connection, campaign_id)

    def _deliver(self, take: Callable[..., claims.Taken | None], wakes: int | None = None) -> bool:
        if self._stop.is_set():
            return False  # the batch goes on waiting, and the next sweep wakes somebody
        begun, batch = time.monotonic(), None
        sender_id = self._sender.verified_id()
        try:
            with self._database.engine.begin() as connection:
                if not self._confirmed(connection, sender_id):
                    return False
                if (batch := take(connection, sender_id=sender_id)) is None:
                    return False
                claim = claims.claim(connection, batch, self._late_values)
                if claim is not None:
                    claim = self._cut(connection, claim)
                if wakes is not None:
                    batch_jobs.wake(connection, wakes)
        except AWAY:
            raise
        except Exception:
            # It would come again; the batches behind this one need not wait for that.
            if batch is not None:
                with self._database.engine.begin() as connection:
                    claims.retry_later(connection, batch.id)
            raise
        if claim is None:
            return True
        self._mark.raise_to(Mark(claim.attempt_id, claim.started_at))
        outcome = self._send(claim)
        log.info("batch %s attempt %s: %s", claim.batch_id, claim.attempt_id, outcome.verdict.value)
        plain = self._record(claim, outcome, sender_id)
        self.slots.note(outcome, time.monotonic() - begun)
        return plain

    def _cut(self, connection: Connection, claim: claims.Claim) -> claims.Claim:
        """Cut a claim to as many people as the provider takes at once; the rest is a batch for any slot."""
        try:
            most = self._provider(claim.provider).most_at_once
        except Exception:  # `_send` meets it again, and says so
            return claim
        claim, rest_id = claims.cut(connection, claim, most)
        if rest_id is not None:
            batch_jobs.wake(connection, claim.campaign_id)
        return claim

    def _record(self, claim: claims.Claim, outcome: Outcome, sender_id: int) -> bool:
        """Record an outcome; while the database is away it is kept here, with retries until it is written.

        Returns whether everybody was taken. A process that stops, or an error of another kind, ends that: then the
        batch is left to the sweep.
        """
        tries, give_up = 0, math.inf
        while True:
            try:
                with self._database.engine.begin() as connection:
                    plain = record_all_taken(connection, claim, outcome)
                    if not plain and (again := attempts.record(connection, claim.attempt_id, outcome)):
                        batch_jobs.wake(connection, claim.campaign_id, again)
                return plain
            except Exception as error:
                if self._stop.is_set():
                    give_up = min(give_up, time.monotonic() + KEPT_WHEN_STOPPED)
                what = f"attempt {claim.attempt_id} could not be recorded ({type(error).__name__})"
                if time.monotonic() >= give_up or (tries >= len(PAUSES) and not isinstance(error, AWAY)):
                    log.error("%s: its answer (%s) about %d people is lost", what, outcome.verdict, len(claim.people))
                    # While we hold the lock nobody else may settle the batch: it would stay `sending` while we live.
                    self._sender.release_lock(sender_id)
                    raise
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
                log.warning("%s; its answer is kept, next try in %g s", what, pause)
                self._wait(pause)
                tries += 1
                with suppress(Exception):
                    self._database.revive()

    def _wait(self, seconds: float) -> None:
        """Wait, but look at the database once a second when this process is to stop."""
        if not self._stop.wait(seconds):
            return
        time.sleep(min(seconds, 1.0))

    def _confirmed(self, connection: Connection, sender_id: int) -> bool:
        """Whether this place may send; asked once a second, and after a lost connection: the server may be another."""
        now = time.monotonic()
        if now > self._confirmed_until or sender_id != self._confirmed_for:
            if reason := confirmed_places.why_not(connection, self._database.settings):
                log.error(reason)
                return False
            self._mark = confirmed_places.here(connection, self._database.settings).mark(self._database.settings)
            self._confirmed_until, self._confirmed_for = now + CONFIRMED, sender_id
        return True

    def _send(self, claim: claims.Claim) -> Outcome:
        """Send a claimed batch. A failure before the provider is called has mailed nobody, and pauses the campaign."""
        try:
            counted = not all(row.per_person for row in claim.people)
            mailing, readers = self._mailing(claim.campaign_id, claim.compiled_id, counted)
            provider = self._provider(claim.provider)
            ids = [row.id for row in claim.people]
            read_as = readers.draw([(row.address, row.dimensions) for row in claim.people]) if readers else None
            headers, messages = (self._keys.make(kind, ids) for kind in (KeyKind.HEADER, KeyKind.MESSAGE))
            keys = zip(self._keys.of_links(ids, read_as), headers, messages, strict=True)
            recipients = [
                Recipient(row.id, *own, row.address, row.inputs) for row, own in zip(claim.people, keys, strict=True)
            ]
        except Exception as error:
            log.exception("attempt %s could not be prepared", claim.attempt_id)
            return Outcome(
                verdict_of("any", "preparing"),
                detail=f"could not be prepared: {type(error).__name__}: {scrub(str(error))}",
            )
        try:
            return provider.send(mailing, recipients, self._keys.attempt(claim.attempt_id))
        except Exception as error:
            # A bug in a provider: it may have happened before or after the mail was sent.
            log.exception("attempt %s failed", claim.attempt_id)
            return Outcome(verdict_of("any", "bug"), f"broke off: {type(error).__name__}", fault=_fault(error))

    def _load_mailing(self, campaign_id: int, compiled_id: int, counted: bool) -> tuple[Mailing, Readers | None]:
        """Build the common part of all mails of a campaign in one language, per person or `counted` without persons.

        A test's subject is marked as one, and with its language if there are several.
        """
        with self._database.engine.connect() as connection:
            campaign = connection.execute(select(Campaign.__table__).where(Campaign.id == campaign_id)).one()
            email = load_emails(connection, [compiled_id])[compiled_id]
            mark = f" {email.language}" if emails_of(connection, campaign_id).several and email.language else ""
            counted = counted and campaign.tracking in MODES
            readers = Readers(connection, campaign_id, compiled_id) if counted else None
        opens, clicks = campaign.opens, campaign.clicks
        if counted:
            opens, clicks = without_persons(opens), without_persons(clicks)
        references = sent_references(
            campaign.public_url, opens=opens, clicks=clicks, per_person=not counted,
            preferences=campaign.kind != CONTACTS,
        )  # fmt: skip
        mailing = Mailing(
            campaign_id=campaign.id,
            plan=plan_merge(email, references),
            from_name=parseaddr(email.from_address)[0] or campaign.from_name,
            from_address=campaign.from_address,
            reply_to=email.reply_to or campaign.reply_to,
            list_id=campaign.list_header,
            unsubscribe_url=f"{campaign.public_url}/u/{KEY}",
            opens=opens,
            clicks=clicks,
            subject_prefix=f"[TEST{mark}] " if campaign.kind == "test" else "",
        )
        return mailing, readers


def _fault(error: Exception) -> str:
    """Return why a campaign pauses after the first batch that our own code broke off: the next ones would as well."""
    return (
        f"a fault in Daisychain broke off a request ({type(error).__name__}): its people are uncertain, and the log of "
        "the worker has the rest. Have it fixed before this is resumed"
    )
