"""SMTP: any relay, one connection a batch, one mail a person, and an answer for each person.

The only moment of doubt is between the end of a mail's data and the relay's reply to it: a connection lost
there leaves that one person uncertain. Lost anywhere else, the mail was not taken, nor those after it.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal
from urllib.parse import unquote, urlsplit

from daisychain.errors import ConfigurationError, ProviderError
from daisychain.settings import Settings
from sender.guards import check_encrypted, check_links, check_real_send, check_sender
from sender.mailing import Mailing, Outcome, Recipient, Verdict
from sender.mime import Skeleton, ascii_address
from sender.scrub import scrub

TIMEOUT = 60.0  # seconds, for connecting and for each reply

Security = Literal["none", "starttls", "tls"]
_SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("none", 25),
    "smtp+starttls": ("starttls", 587),
    "smtps": ("tls", 465),
}

# The relay wants other credentials, or none of us at all; it would say so for every person.
_ACCOUNT_CODES = frozenset({530, 534, 535, 538})


def provider(settings: Settings) -> Smtp:
    """The relay that SMTP_URL names."""
    return Smtp(settings)


@dataclass(frozen=True)
class Relay:
    """Where SMTP_URL leads."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)


class _Fate(Enum):
    """What became of one mail."""

    TAKEN = auto()
    LATER = auto()
    REFUSED = auto()
    ACCOUNT = auto()  # refused, and so would everybody's be
    LOST = auto()  # the connection is gone, or is about to be; the mail was not taken
    UNCERTAIN = auto()  # the connection is gone; the mail may have been taken


_ENDINGS = frozenset({_Fate.ACCOUNT, _Fate.LOST, _Fate.UNCERTAIN})


class Smtp:
    """Sends through a relay; safe to use from several threads, as each batch has a connection of its own."""

    name = "smtp"
    batch_size = 50
    repeatable = False

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._timeout = timeout
        self._tls = tls

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
            self._connect(relay).close()
        except OSError as error:  # smtplib's own errors are OSErrors too
            raise ProviderError(
                f"The relay {relay.host} can't be used: {scrub(_words(error), [relay.password])}.",
                hint="Nothing was sent. Look at the network, and at SMTP_URL.",
            ) from None

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Send the mails one after the other; what went wrong is in the outcome, not raised."""
        try:
            self.check(mailing.from_address)
            relay, skeleton = self._relay(), Skeleton(mailing)
            sender = ascii_address(mailing.from_address)
        except (ConfigurationError, ValueError) as error:  # a mail that can't be built has mailed nobody
            return Outcome(Verdict.REFUSED_ACCOUNT, scrub(str(error)))
        try:
            connection = self._connect(relay)
        except OSError as error:  # smtplib's own errors are OSErrors too
            return Outcome(_unconnected(error), scrub(f"The relay: {_words(error)}", [relay.password]))
        tally = _Tally()
        try:
            _send_all(connection, skeleton, sender, recipients, tally)
        finally:
            with contextlib.suppress(OSError):
                connection.quit()
            connection.close()
        return tally.outcome([relay.password])

    def _relay(self) -> Relay:
        return parse_url(self._settings.need("smtp_url", why="to send through an SMTP relay"))

    def _connect(self, relay: Relay) -> smtplib.SMTP:
        # Without a name smtplib asks the DNS for this machine's, which can take as long as a timeout.
        own = urlsplit(self._settings.public_url).hostname or "localhost"
        tls = None if relay.security == "none" else self._tls or ssl.create_default_context()
        connection: smtplib.SMTP
        if relay.security == "tls":
            connection = smtplib.SMTP_SSL(relay.host, relay.port, own, timeout=self._timeout, context=tls)
        else:
            connection = smtplib.SMTP(relay.host, relay.port, own, timeout=self._timeout)
        try:
            connection.ehlo_or_helo_if_needed()
            if relay.security == "starttls":
                connection.starttls(context=tls)
                connection.ehlo_or_helo_if_needed()
            if relay.user:
                connection.login(relay.user, relay.password)
        except BaseException:
            connection.close()
            raise
        return connection


def parse_url(url: str) -> Relay:
    """The relay that `url` names; raises ConfigurationError, without the password in it."""
    try:
        parts = urlsplit(url)
        security, port = _SCHEMES[parts.scheme]
        if not parts.hostname or parts.path.strip("/"):
            raise ValueError
        return Relay(
            parts.hostname,
            parts.port or port,
            security,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
    except (ValueError, KeyError):
        raise ConfigurationError(
            "SMTP_URL",
            "is not the URL of a relay.",
            hint="For example smtp+starttls://user:password@mail.your-charity.org:587; a special character "
            "in user or password is written as %XX.",
        ) from None


@dataclass
class _Tally:
    """What became of the people of one batch."""

    taken: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    uncertain: set[int] = field(default_factory=set)
    account: bool = False
    words: str = ""

    def count(self, person: Recipient, fate: _Fate, words: str) -> None:
        if fate is _Fate.TAKEN:
            self.taken += 1
            return
        self.words = words
        if fate is _Fate.REFUSED:
            self.refused[person.delivery_id] = scrub(words)
        elif fate is _Fate.UNCERTAIN:
            self.uncertain.add(person.delivery_id)
        else:
            self.waiting.add(person.delivery_id)
            self.account = fate is _Fate.ACCOUNT

    def outcome(self, secrets: Sequence[str]) -> Outcome:
        """The batch's outcome; once a fate is settled, trouble with the account waits for the next try."""
        detail = scrub(f"The relay: {self.words}", secrets) if self.words else ""
        if not (self.taken or self.refused or self.uncertain):
            return Outcome(Verdict.REFUSED_ACCOUNT if self.account else Verdict.WAIT, detail)
        return Outcome(
            Verdict.ACCEPTED,
            detail,
            refused=self.refused,
            waiting=frozenset(self.waiting),
            uncertain=frozenset(self.uncertain),
        )


def _send_all(
    connection: smtplib.SMTP, skeleton: Skeleton, sender: str, recipients: Sequence[Recipient], tally: _Tally
) -> None:
    for place, person in enumerate(recipients):
        try:
            address, mail = ascii_address(person.address), skeleton.message(person)
        except ValueError as error:
            tally.count(person, _Fate.REFUSED, str(error))
            continue
        fate, words = _hand_over(connection, sender, address, mail)
        tally.count(person, fate, words)
        if fate in _ENDINGS:
            tally.waiting.update(other.delivery_id for other in recipients[place + 1 :])
            return


def _hand_over(connection: smtplib.SMTP, sender: str, address: str, mail: bytes) -> tuple[_Fate, str]:
    """Offer one mail; returns its fate and the relay's words."""
    try:
        for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{address}>", "DATA"):
            code, reply = connection.docmd(command)
            fate = _fate(code, taken=354 if command == "DATA" else 250)
            if fate is not _Fate.TAKEN:
                if fate not in _ENDINGS:
                    connection.docmd("RSET")
                # All mails have this sender: what the relay has against it is no one person's failure.
                refused_sender = fate is _Fate.REFUSED and command.startswith("MAIL")
                return _Fate.ACCOUNT if refused_sender else fate, _reply(code, reply)
        # In one call, and so that an error means that the last bytes, which end the mail, have not left.
        connection.send(re.sub(rb"(?m)^\.", b"..", mail) + b".\r\n")
    except OSError as error:
        return _Fate.LOST, _words(error)
    try:
        code, reply = connection.getreply()
    except OSError as error:
        return _Fate.UNCERTAIN, f"no reply to the end of a mail: {_words(error)}"
    known = 200 <= code < 300 or 400 <= code < 600
    return _fate(code, taken=250) if known else _Fate.UNCERTAIN, _reply(code, reply)


def _fate(code: int, *, taken: int) -> _Fate:
    """What a reply says, where `taken` is the code hoped for (any other of its hundred will do)."""
    if code // 100 == taken // 100:
        return _Fate.TAKEN
    if code == 421 or not 400 <= code < 600:
        return _Fate.LOST
    if code in _ACCOUNT_CODES:
        return _Fate.ACCOUNT
    return _Fate.LATER if code < 500 else _Fate.REFUSED


def _unconnected(error: OSError) -> Verdict:
    """What it means that no mail could be offered: waiting mends a network, not a password or certificate."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Verdict.WAIT if 400 <= error.smtp_code < 500 else Verdict.REFUSED_ACCOUNT
    lasting = (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError)
    return Verdict.REFUSED_ACCOUNT if isinstance(error, lasting) else Verdict.WAIT


def _words(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__


def _reply(code: int, words: bytes | str) -> str:
    return f"{code} {words if isinstance(words, str) else words.decode('utf-8', 'replace')}"
