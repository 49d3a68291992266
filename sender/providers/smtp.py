"""SMTP: any relay, one mail a person over connections that stay open, and an answer for each person.

The only moment of doubt is between the end of a mail's data and the relay's reply to it: a connection lost
there leaves that one person uncertain. Lost anywhere else, the mail was not taken, nor those after it.
"""

from __future__ import annotations

import smtplib
import ssl
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from daisychain.errors import ConfigurationError, ProviderError
from daisychain.scrub import scrub
from daisychain.settings import Settings
from sender.providers.failures import verdict_of
from sender.providers.guards import check_encrypted, check_links, check_real_send, check_sender
from sender.providers.mime import Skeleton, ascii_address
from sender.providers.provider import Mailing, Outcome, Recipient, Verdict
from sender.providers.return_paths import ReturnPaths
from sender.providers.smtp_conversation import Conversation, Relay, converse, parse_url, words_of
from sender.providers.smtp_pool import IDLE, Pool

TIMEOUT = 60.0  # seconds, for connecting and for each reply


def provider(settings: Settings) -> Smtp:
    """The relay that SMTP_URL names."""
    return Smtp(settings)


class Smtp:
    """Sends through a relay; safe to use from several threads, each with a connection of its own meanwhile."""

    name = "smtp"
    # A lost connection leaves one person uncertain whatever this is, a killed sender a batch a slot; so it is a fifth
    # of SendGrid's. Claim and outcome cost as much work as 50 mails (measured: 17 ms, and 0.34 ms a mail).
    batch_size = 200
    repeatable = False

    def __init__(
        self, settings: Settings, *, timeout: float = TIMEOUT, idle: float = IDLE, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        self._tls = tls
        self._pool = Pool(self._converse, idle=idle)
        self._return_paths = ReturnPaths(settings)
        self._skeleton = lru_cache(maxsize=8)(Skeleton)

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ConfigurationError unless SMTP_URL, public URL and From address are fit for sending."""
        relay = self._relay()
        check_encrypted("SMTP_URL", relay.host, encrypted=relay.security != "none")
        check_real_send(self._settings, relay.host)
        check_sender(self._settings, relay.host, from_address)
        check_links(self._settings, relay.host, links)

    def reach(self) -> None:
        """Raise ProviderError unless the relay answers and lets us in."""
        relay = self._relay()
        try:
            self._converse().close()
        except OSError as error:  # smtplib's own errors are OSErrors too
            raise ProviderError(
                f"The relay {relay.host} can't be used: {scrub(words_of(error), [relay.password])}.",
                hint="Nothing was sent. Look at the network, and at SMTP_URL.",
            ) from None

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Send the mails one after the other; what went wrong is in the outcome, not raised."""
        try:
            self.check(mailing.from_address)
            relay, skeleton = self._relay(), self._skeleton(mailing)
            senders = self._return_paths.senders(ascii_address(mailing.from_address), recipients)
        except (ConfigurationError, ValueError) as error:  # a mail that can't be built has mailed nobody
            return Outcome(verdict_of("smtp", "settings"), scrub(str(error)))
        left, tally = deque(zip(recipients, senders, strict=True)), _Tally()
        try:
            while left and not tally.over:
                with self._pool.conversation() as conversation:
                    _send_some(conversation, skeleton, left, tally)
        except OSError as error:  # no connection; smtplib's own errors are OSErrors too
            tally.words, tally.account = words_of(error), _unmet(error) is Verdict.REFUSED_ACCOUNT
        tally.waiting.update(person.delivery_id for person, _ in left)
        return tally.outcome([relay.password])

    def close(self) -> None:
        """Close the connections that nobody uses; those left open close by themselves a few seconds after."""
        self._pool.close()

    def _relay(self) -> Relay:
        return parse_url(self._settings.need("smtp_url", why="to send through an SMTP relay"))

    def _converse(self) -> Conversation:
        own = urlsplit(self._settings.public_url).hostname or "localhost"
        return converse(self._relay(), own, timeout=self._timeout, tls=self._tls)


@dataclass
class _Tally:
    """What became of the people of one batch; `over` says that the rest of it has to wait."""

    taken: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    deferred: dict[int, str] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    uncertain: set[int] = field(default_factory=set)
    account: bool = False
    over: bool = False
    words: str = ""

    def count(self, person: Recipient, verdict: Verdict, words: str) -> None:
        if verdict is Verdict.ACCEPTED:
            self.taken += 1
            return
        self.words = words
        if verdict is Verdict.REFUSED_PERSON:
            self.refused[person.delivery_id] = scrub(words)
        elif verdict is Verdict.UNCERTAIN:
            self.uncertain.add(person.delivery_id)
        else:
            self.waiting.add(person.delivery_id)
            if verdict is Verdict.PUT_OFF:
                self.deferred[person.delivery_id] = scrub(words)
        self.account = verdict is Verdict.REFUSED_ACCOUNT
        self.over = verdict in (Verdict.REFUSED_ACCOUNT, Verdict.WAIT, Verdict.UNCERTAIN)

    def outcome(self, secrets: Sequence[str]) -> Outcome:
        """The batch's outcome; once a fate is settled, trouble with the account waits for the next try."""
        detail = scrub(f"The relay: {self.words}", secrets) if self.words else ""
        # Where others were not served, this try was not theirs, and counts for nobody.
        deferred = self.deferred if self.waiting == self.deferred.keys() else {}
        if not (self.taken or self.refused or self.uncertain):
            return Outcome(Verdict.REFUSED_ACCOUNT if self.account else Verdict.WAIT, detail, deferred=deferred)
        return Outcome(
            Verdict.ACCEPTED,
            detail,
            refused=self.refused,
            waiting=frozenset(self.waiting),
            deferred=deferred,
            uncertain=frozenset(self.uncertain),
        )


def _send_some(
    conversation: Conversation, skeleton: Skeleton, left: deque[tuple[Recipient, str]], tally: _Tally
) -> None:
    """Send to those who are `left` for as long as the conversation stands, taking each away once its fate is known."""
    while left and conversation.usable and not tally.over:
        person, sender = left[0]
        try:
            address, mail = ascii_address(person.address), skeleton.message(person)
        except ValueError as error:
            left.popleft()
            tally.count(person, verdict_of("smtp", "building"), str(error))
            continue
        proven = conversation.served > 0
        verdict, words = conversation.hand_over(sender, address, mail)
        # Relays end conversations that lasted long, or lay idle: this person again, over another one. One that
        # was lost before it served anybody speaks of the relay.
        if verdict is Verdict.WAIT and proven:
            return
        left.popleft()
        tally.count(person, verdict, words)


def _unmet(error: OSError) -> Verdict:
    """What it means that no conversation came about."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return verdict_of("smtp", "signing in", error.smtp_code)
    if isinstance(error, (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError)):
        return verdict_of("smtp", "securing")
    return verdict_of("smtp", "connecting")
