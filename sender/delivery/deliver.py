"""Delivers one batch: claim, merge, send, record. Runs as a job, on any number of machines."""

from __future__ import annotations

import gc
import logging
import time
from email.utils import parseaddr
from functools import lru_cache

from sqlalchemy import Connection, select

from daisychain.database import Database
from daisychain.processes import StopFlag
from daisychain.scrub import scrub
from daisychain.secret import installation_secret
from newsletters.compiled import CompiledEmail
from newsletters.compose.email_store import kept_email
from newsletters.merge.merge import KEY, plan_merge
from sender.delivery import attempts, batch_jobs, confirmed_places
from sender.delivery.campaign_emails import emails_of
from sender.delivery.senders import LiveSender
from sender.links.keys import Keys
from sender.links.tracking import sent_references
from sender.providers.failures import verdict_of
from sender.providers.provider import Mailing, Outcome, Provider, Recipient
from sender.providers.registry import open_provider
from sender.tables import Campaign

log = logging.getLogger("daisychain.delivery")

# Seconds before checking again that this place may send.
CONFIRMED = 1.0
# A thousand people are some ten thousand objects, none of them garbage. Python's default threshold of 700 would spend a
# tenth of a batch's time in the garbage collector.
OBJECTS_A_BATCH = 20_000

# Pauses between tries to record an outcome, in seconds; a database server restarts within them.
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)

TEST_MARK = "[TEST{}] "


class Deliverer:
    """Delivers batches for one process; safe to use from several threads."""

    def __init__(self, database: Database, sender: LiveSender, stop: StopFlag | None = None) -> None:
        self._database = database
        self._sender = sender
        self._stop = stop or StopFlag()
        self._keys = Keys(installation_secret(database.settings))
        self._mailing = lru_cache(maxsize=32)(self._load_mailing)
        self._provider = lru_cache(maxsize=8)(self._open)
        self._confirmed_until = 0.0
        gc.set_threshold(OBJECTS_A_BATCH, *gc.get_threshold()[1:])

    def deliver(self, batch_id: int) -> None:
        """Deliver a batch if it can be claimed; otherwise, and once `stop` is set, do nothing.

        Raises DatabaseError if this sender's lock is lost and can't be taken again: then nothing was claimed.
        """
        if self._stop.is_set():
            return  # the batch goes on waiting, and the next sweep gives it a job
        sender_id = self._sender.verified_id()
        with self._database.engine.begin() as connection:
            if not self._confirmed(connection):
                log.error(confirmed_places.UNCONFIRMED)
                return
            claim = attempts.claim(connection, batch_id, sender_id)
        if claim is None:
            return
        outcome = self._send(claim)
        log.info("batch %s attempt %s: %s", batch_id, claim.attempt_id, outcome.verdict.value)
        self._record(claim, outcome, sender_id)

    def _record(self, claim: attempts.Claim, outcome: Outcome, sender_id: int) -> None:
        """Record an outcome, with retries while the database is down; then leave the batch to the sweep."""
        for pause in (*PAUSES, None):
            try:
                with self._database.engine.begin() as connection:
                    if attempts.record(connection, claim.attempt_id, outcome):
                        batch_jobs.defer_waiting(connection, claim.campaign_id)
                return
            except Exception as error:
                name, retry = type(error).__name__, "" if pause is None else f"; retrying in {pause:g} s"
                log.warning("attempt %s could not be recorded (%s)%s", claim.attempt_id, name, retry)
                if pause is None:
                    # While we hold the lock nobody else may settle the batch: it would stay `sending` while we live.
                    self._sender.release_lock(sender_id)
                    raise
                time.sleep(pause)

    def _confirmed(self, connection: Connection) -> bool:
        now = time.monotonic()
        if now > self._confirmed_until:
            if not confirmed_places.is_confirmed(connection, self._database.settings):
                return False
            self._confirmed_until = now + CONFIRMED
        return True

    def _send(self, claim: attempts.Claim) -> Outcome:
        """Send a claimed batch. A failure before the provider is called has mailed nobody, and pauses the campaign."""
        try:
            mailing = self._mailing(claim.campaign_id, claim.compiled_id)
            provider = self._provider(mailing[1])
            ids = [row.id for row in claim.people]
            keys, message_keys = self._keys.deliveries(ids), self._keys.messages(ids)
            recipients = [
                Recipient(id_, key, message_key, address, inputs)
                for (id_, address, inputs, _), key, message_key in zip(claim.people, keys, message_keys, strict=True)
            ]
        except Exception as error:
            log.exception("attempt %s could not be prepared", claim.attempt_id)
            return Outcome(
                verdict_of("any", "preparing"),
                detail=f"could not be prepared: {type(error).__name__}: {scrub(str(error))}",
            )
        try:
            return provider.send(mailing[0], recipients, self._keys.attempt(claim.attempt_id))
        except Exception as error:
            # A bug in a provider: it may have happened before or after the mail was sent.
            log.exception("attempt %s failed", claim.attempt_id)
            return Outcome(verdict_of("any", "bug"), detail=f"broke off: {type(error).__name__}")

    def _load_mailing(self, campaign_id: int, compiled_id: int) -> tuple[Mailing, str]:
        with self._database.engine.connect() as connection:
            campaign = connection.execute(select(Campaign.__table__).where(Campaign.id == campaign_id)).one()
            email = kept_email(connection, compiled_id)
            mark = email.language if emails_of(connection, campaign_id).several else ""
            return mailing_of(campaign, email, mark=mark), campaign.provider

    def _open(self, name: str) -> Provider:
        return open_provider(name, self._database.settings)


def mailing_of(campaign: Campaign | object, email: CompiledEmail, *, mark: str = "") -> Mailing:
    """Build the common part of all mails of a campaign in one language; `campaign` is a row of `campaigns`.

    A test's subject is marked as one, and with its language (`mark`) if there are several.
    """
    row: Campaign = campaign  # type: ignore[assignment]
    references = sent_references(row.public_url, opens=row.opens, clicks=row.clicks)
    return Mailing(
        campaign_id=row.id,
        plan=plan_merge(email, references),
        from_name=parseaddr(email.from_address)[0] or row.from_name,
        from_address=row.from_address,
        reply_to=email.reply_to or row.reply_to,
        list_id=row.list_header,
        unsubscribe_url=f"{row.public_url}/u/{KEY}",
        opens=row.opens,  # type: ignore[arg-type]
        clicks=row.clicks,  # type: ignore[arg-type]
        subject_prefix=TEST_MARK.format(f" {mark}" if mark else "") if row.kind == "test" else "",
    )
