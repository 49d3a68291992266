"""The SMTP provider: one mail a person through any relay, with an answer for each person.

A delivery is uncertain only if the connection is lost between the end of a mail's content and the relay's reply. Lost
anywhere else, neither this mail nor the following ones were accepted. A relay that breaks some connections costs new
connections, not a wait; only when it breaks one after the other does the rest of the batch wait.
"""

from __future__ import annotations

import smtplib
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from urllib.parse import urlsplit

from daisychain.errors import ConfigurationError, ProviderError
from daisychain.scrub import scrub
from daisychain.settings import Settings
from sender.providers.failures import verdict_of
from sender.providers.guards import check_encrypted, check_mailing
from sender.providers.mail_servers import MailServer, parse_url
from sender.providers.mime import MimeSkeleton, ascii_address
from sender.providers.provider import Mailing, Outcome, Recipient, Verdict
from sender.providers.return_paths import ReturnPaths
from sender.providers.smtp_connection import SmtpConnection, connect, error_text
from sender.providers.smtp_pool import IDLE, ConnectionPool

TIMEOUT = 60.0  # seconds, for a connection until it is signed in, for each mail, and for each reply

# What may break in a row, with nobody served between, before the rest of the batch waits: eight connections, or three
# mails whose replies are lost (each leaves a person uncertain). A relay that fails at 2 % of all stages breaks one
# fresh connection in nine. And how long to pause before the next try, in seconds; after that as long as the last.
MOST_BREAKS, UNCERTAIN_COUNTS = 8, 3
BREAK_PAUSES = (0.0, 0.1, 0.2, 0.5)
_WAIT = (Verdict.DEFERRED, Verdict.RETRY, Verdict.REFUSED_ACCOUNT)
# A break that took longer, such as a timeout, is not tried again at once: a slot would stand still for minutes.
QUICK_BREAK = 10.0

# A kill leaves about the mails of so many seconds uncertain on each connection. How many those are, the last batch
# tells; the first batch of a process does not know yet.
IN_DOUBT, FIRST_BATCH = 1.0, 5


class Smtp:
    """Sends through a relay; safe to use from several threads, each with its own connection."""

    name = "smtp"
    # At most: a killed sender leaves one batch per thread uncertain, so slow relays get smaller ones (`most_at_once`).
    # Small ones are slower: claim and outcome cost as much as 50 mails (measured: 17 ms, and 0.34 ms a mail).
    batch_size = 200
    by_conditions = False
    repeatable = False

    def __init__(
        self, settings: Settings, *, timeout: float = TIMEOUT, idle: float = IDLE, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        # Reading the trusted certificates takes 26 ms of CPU, as much as 75 mails: not for each new connection.
        self._tls = cache(lambda: tls or ssl.create_default_context())
        self._pool = ConnectionPool(self._connect, idle=idle)
        self._return_paths = ReturnPaths(settings)
        self._skeleton = lru_cache(maxsize=8)(MimeSkeleton)
        self.most_at_once = FIRST_BATCH

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ConfigurationError unless SMTP_URL, public URL and From address allow sending."""
        relay = self._relay()
        check_encrypted("SMTP_URL", relay.host, encrypted=relay.security != "none")
        check_mailing(self._settings, relay.host, from_address, links)

    def reach(self) -> None:
        """Raise ProviderError unless the relay answers and accepts our sign-in."""
        relay = self._relay()
        try:
            self._connect().close()
        except OSError as error:  # smtplib's own errors are OSErrors too
            raise ProviderError(
                f"The SMTP relay {relay.host} can't be used: {scrub(error_text(error), [relay.password])}.",
                hint="Nothing was sent. Check the network and SMTP_URL.",
            ) from None

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Send the mails one after the other; errors are in the outcome, not raised."""
        try:
            self.check(mailing.from_address)
            relay, skeleton = self._relay(), self._skeleton(mailing)
            senders = self._return_paths.senders(ascii_address(mailing.from_address), recipients)
        except (ConfigurationError, ValueError) as error:  # nothing was sent
            return Outcome(verdict_of("smtp", "settings"), scrub(str(error)))
        left, tally, begun = deque(zip(recipients, senders, strict=True)), _Tally(), time.monotonic()
        while left and not tally.stopped:
            try:
                with self._pool.connection() as connection:
                    _send_some(connection, skeleton, left, tally)
            except OSError as error:  # no connection; smtplib's own errors are OSErrors too
                tally.breaking.clear()  # the relay breaks by itself
                tally.count_break(_not_connected(error), error_text(error))
        if done := len(recipients) - len(left):
            rate = done / (time.monotonic() - begun + 0.001)
            self.most_at_once = max(1, min(self.batch_size, int(rate * IN_DOUBT)))
        return tally.outcome((person.delivery_id for person, _ in left), [relay.password])

    def close(self) -> None:
        """Close idle connections now; otherwise they close by themselves after a few seconds."""
        self._pool.close()

    def _relay(self) -> MailServer:
        return parse_url("SMTP", self._settings.need("smtp_url", why="to send through an SMTP relay"))

    def _connect(self) -> SmtpConnection:
        own = urlsplit(self._settings.public_url).hostname or "localhost"
        relay = self._relay()
        return connect(relay, own, timeout=self._timeout, tls=None if relay.security == "none" else self._tls())


class _Tally:
    """The relay's verdict on each person of a batch so far, and the latest of those that did not accept."""

    def __init__(self) -> None:
        self.people: defaultdict[Verdict, dict[int, str]] = defaultdict(dict)
        self.breaking: dict[int, str] = {}  # people whose mail broke a new connection, which the relay had accepted
        self.latest, self.reply = Verdict.ACCEPTED, ""
        self.stopped = False  # whether the rest of the batch has to wait
        self._breaks, self._served_at = 0, time.monotonic()

    def count(self, person: Recipient, verdict: Verdict, reply: str) -> None:
        if verdict is Verdict.UNCERTAIN:
            self.count_break(verdict, reply, UNCERTAIN_COUNTS)
        else:
            self._breaks, self._served_at = 0, time.monotonic()
            self.stopped = verdict is Verdict.REFUSED_ACCOUNT
        if verdict is not Verdict.ACCEPTED:
            self.latest, self.reply = verdict, reply
            reply = scrub(reply)
        self.people[verdict][person.delivery_id] = reply

    def count_break(self, verdict: Verdict, reply: str, breaks: int = 1) -> None:
        """Count a connection that broke; pause before the next one, or stop if there were too many in a row."""
        self._breaks += breaks
        slow = time.monotonic() - self._served_at > QUICK_BREAK
        if self._breaks >= MOST_BREAKS or slow or verdict is Verdict.REFUSED_ACCOUNT:
            self.latest, self.reply, self.stopped = verdict, reply, True
        elif breaks == 1:
            time.sleep(BREAK_PAUSES[min(self._breaks, len(BREAK_PAUSES)) - 1])

    def outcome(self, left: Iterable[int], secrets: Sequence[str]) -> Outcome:
        """Return the batch's outcome; if somebody was decided on, an account problem is left to the next try.

        A person whose mail breaks connections is tried apart; if it still does when nobody else waits, that
        counts as one of their tries, like a 4xx. If everybody's mail breaks them, the relay is at fault, so
        all wait without limit.
        """
        detail = scrub(f"The relay: {self.reply}", secrets) if self.reply else ""
        left, people = list(left), self.people
        breaking = {id_: self.breaking[id_] for id_ in left if id_ in self.breaking}
        waiting = frozenset(id_ for each in _WAIT for id_ in people[each]).union(left)
        deferred = people[Verdict.DEFERRED] | (breaking if len(waiting) == 1 else {})
        if waiting != deferred.keys():
            deferred = {}  # others were not tried at all: this try must not count against their limit
        decided = (Verdict.ACCEPTED, Verdict.REFUSED_PERSON, Verdict.UNCERTAIN)
        served = any(people[verdict] for verdict in decided)
        if not served and not (breaking and people[Verdict.DEFERRED]):
            verdict = Verdict.REFUSED_ACCOUNT if self.latest is Verdict.REFUSED_ACCOUNT else Verdict.RETRY
            return Outcome(verdict, detail, deferred=deferred)
        return Outcome(
            Verdict.ACCEPTED, detail,
            refused=people[Verdict.REFUSED_PERSON], waiting=waiting, deferred=deferred,
            uncertain=frozenset(people[Verdict.UNCERTAIN]), over_limits=frozenset(breaking.keys() - deferred.keys()),
        )  # fmt: skip


def _send_some(
    connection: SmtpConnection, skeleton: MimeSkeleton, left: deque[tuple[Recipient, str]], tally: _Tally
) -> None:
    """Send to the people `left` while the connection lasts, removing each whose result is known."""
    while left and connection.usable and not tally.stopped:
        person, sender = left[0]
        try:
            address, mail = ascii_address(person.address), skeleton.message(person)
        except ValueError as error:
            left.popleft()
            tally.count(person, verdict_of("smtp", "building"), str(error))
            continue
        worked_before = connection.served > 0
        verdict, reply = connection.send(sender, address, mail)
        # Relays close connections that are old or were idle: retry this person over a new one. If even the first mail
        # of a connection fails, it may be this mail: the others go first.
        if verdict is Verdict.RETRY:
            if not worked_before:
                left.rotate(-1)
                if not reply.startswith("421"):
                    tally.breaking[person.delivery_id] = scrub(f"each connection broke at this mail: {reply}")
                tally.count_break(verdict, reply)
            return
        left.popleft()
        tally.count(person, verdict, reply)


def _not_connected(error: OSError) -> Verdict:
    """Judge an error while connecting."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return verdict_of("smtp", "sign-in", error.smtp_code)
    if isinstance(error, (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError)):
        return verdict_of("smtp", "TLS")
    return verdict_of("smtp", "connecting")
