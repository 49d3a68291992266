"""The mailbox to which bounces come: read over IMAP, and taken in like all that a provider tells.

A mail is marked as seen only once what it tells is committed; one that is read again tells nothing new. What is no
bounce of ours is flagged besides, for a person to look at. Nothing is ever deleted.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from daisychain.database import Database
from daisychain.errors import ConfigurationError, ProviderError
from daisychain.scrub import scrub
from daisychain.secret import installation_secret
from daisychain.settings import Settings
from sender.events.bounce_reports import read_bounce
from sender.events.intake import ingest
from sender.links.keys import Keys
from sender.providers.guards import check_encrypted
from sender.providers.return_paths import ReturnPaths

TIMEOUT = 60.0  # seconds, for connecting and for each answer
AT_ONCE = 50  # mails in one transaction
# Bytes of a mail that are fetched: the report comes first, and the mail that it returns may be long.
LONGEST = 200_000


@dataclass(frozen=True)
class Mailbox:
    """Where IMAP_URL leads."""

    host: str
    port: int
    encrypted: bool
    folder: str
    user: str
    password: str = field(repr=False)


def parse_url(url: str) -> Mailbox:
    """The mailbox that `url` names; raises ConfigurationError, without the password in it."""
    try:
        parts = urlsplit(url)
        port = {"imap": 143, "imaps": 993}[parts.scheme]
        if not parts.hostname or not parts.username or not parts.password:
            raise ValueError
        folder = unquote(parts.path.strip("/")) or "INBOX"
        if not re.fullmatch(r'[^"\\\x00-\x1f\x7f-\U0010ffff]+', folder):
            raise ValueError
        return Mailbox(
            parts.hostname, parts.port or port, parts.scheme == "imaps", folder,
            unquote(parts.username), unquote(parts.password),
        )  # fmt: skip
    except (ValueError, KeyError):
        raise ConfigurationError(
            "IMAP_URL",
            "is not the URL of a mailbox.",
            hint="For example imaps://user:password@mail.your-charity.org/INBOX; a special character in user or "
            "password is written as %XX.",
        ) from None


def read_mailbox(database: Database, *, tls: ssl.SSLContext | None = None) -> Counter[str]:
    """Take in the mails that nobody has seen yet; returns how many told what: "hard", "soft", "deferred", "other" …

    `new` counts what was not known before. Raises ConfigurationError and ProviderError.
    """
    settings = database.settings
    mailbox = parse_url(settings.need("imap_url", why="to read the mailbox for bounces"))
    check_encrypted("IMAP_URL", mailbox.host, encrypted=mailbox.encrypted)
    counts: Counter[str] = Counter()
    try:
        with _opened(mailbox, tls) as connection:
            unseen = _answer(connection.uid("SEARCH", "UNSEEN", "UNDELETED"))[0].split()
            for start in range(0, len(unseen), AT_ONCE):
                counts += _take_in(database, settings, connection, unseen[start : start + AT_ONCE])
    except (OSError, imaplib.IMAP4.error) as error:
        words = scrub(_words(error), [mailbox.password])
        raise ProviderError(
            f"The mailbox for bounces at {mailbox.host} can't be read: {words}.",
            hint="Nothing is lost: what was not read stays unseen. Look at the network, and at IMAP_URL.",
        ) from None
    return counts


@contextlib.contextmanager
def _opened(mailbox: Mailbox, tls: ssl.SSLContext | None) -> Iterator[imaplib.IMAP4]:
    connection: imaplib.IMAP4
    if mailbox.encrypted:
        context = tls or ssl.create_default_context()
        connection = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=TIMEOUT)
    else:
        connection = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=TIMEOUT)
    try:
        _log_in(connection, mailbox)
        _answer(connection.select(f'"{mailbox.folder}"'))
        yield connection
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            connection.logout()


def _log_in(connection: imaplib.IMAP4, mailbox: Mailbox) -> None:
    if (mailbox.user + mailbox.password).isascii():
        connection.login(mailbox.user, mailbox.password)
    else:  # LOGIN knows ASCII alone; PLAIN takes UTF-8 (RFC 4616)
        secret = f"\0{mailbox.user}\0{mailbox.password}".encode()
        connection.authenticate("PLAIN", lambda challenge: secret)


def _words(error: Exception) -> str:
    """What went wrong; imaplib hands a server's refusal on as bytes."""
    said = error.args[0] if error.args and isinstance(error.args[0], bytes) else str(error)
    return (said.decode("utf-8", "replace") if isinstance(said, bytes) else said) or type(error).__name__


def _take_in(database: Database, settings: Settings, connection: imaplib.IMAP4, uids: Sequence[bytes]) -> Counter[str]:
    keys, paths, now = Keys(installation_secret(settings)), ReturnPaths(settings), datetime.now(UTC)
    told = {uid: read_bounce(_mail(connection, uid), keys, paths, now) for uid in uids}
    happenings = [each for each in told.values() if each]
    counts = Counter(each.bounce or each.kind for each in happenings)
    with database.engine.begin() as transaction:
        counts["new"] += len(ingest(transaction, happenings, now))
    others = [uid for uid, each in told.items() if each is None]
    counts["other"] += len(others)
    _mark(connection, others, r"(\Seen \Flagged)")
    _mark(connection, [uid for uid, each in told.items() if each], r"(\Seen)")
    return counts


def _mail(connection: imaplib.IMAP4, uid: bytes) -> bytes:
    for part in _answer(connection.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{LONGEST}>)")):
        if isinstance(part, tuple):
            return bytes(part[1])
    return b""  # gone meanwhile


def _mark(connection: imaplib.IMAP4, uids: Sequence[bytes], flags: str) -> None:
    if uids:
        _answer(connection.uid("STORE", b",".join(uids).decode(), "+FLAGS.SILENT", flags))


def _answer(said: tuple[str, list[Any]]) -> list[Any]:
    status, data = said
    if status != "OK":
        raise imaplib.IMAP4.error(
            b" ".join(each for each in data if isinstance(each, bytes)).decode("utf-8", "replace")
        )
    return data
