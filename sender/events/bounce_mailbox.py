"""Reads the mailbox for bounces over IMAP, and ingests them like a provider's events.

A mail is marked as seen only after its event is committed; reading it twice changes nothing. A mail that is not one of
our bounces, or can't be read, is also flagged, for a person to look at. Nothing is ever deleted.
"""

from __future__ import annotations

import contextlib
import imaplib
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from daisychain.database import Database, database_now
from daisychain.errors import ProviderError
from daisychain.scrub import scrub
from daisychain.secret import installation_secret
from daisychain.settings import Settings
from sender.events.bounce_reports import UNPROVEN, read_bounce
from sender.events.flagged import DATABASE_ERRORS, MAIL, flag, keep_flagged, reason_of
from sender.events.intake import ingest
from sender.links.keys import Keys
from sender.providers.guards import check_encrypted
from sender.providers.mail_servers import MailServer, parse_url
from sender.providers.return_paths import ReturnPaths
from sender.tables import Delivery

TIMEOUT = 60.0  # seconds, for connecting and for each reply
AT_ONCE = 50  # mails to mark in one go
# Bytes to fetch of a mail: the report comes first, and the returned mail may be long.
LONGEST = 200_000


def read_mailbox(database: Database, *, tls: ssl.SSLContext | None = None) -> Counter[str]:
    """Ingest the unseen mails; returns how many of each kind: "hard", "soft", "deferred", "other" …

    `new` counts events not known before. Raises ConfigurationError and ProviderError.
    """
    settings = database.settings
    mailbox = parse_url("IMAP", settings.need("imap_url", why="to read the mailbox for bounces"))
    check_encrypted("IMAP_URL", mailbox.host, encrypted=mailbox.security != "none")
    counts: Counter[str] = Counter()
    try:
        with _opened(mailbox, tls) as connection:
            flagged = _data(connection.uid("SEARCH", "FLAGGED", "UNDELETED"))[0].split()
            with database.engine.begin() as transaction:  # somebody has looked at the others
                keep_flagged(transaction, MAIL, [f"mail {uid.decode()}" for uid in flagged])
            unseen = _data(connection.uid("SEARCH", "UNSEEN", "UNDELETED"))[0].split()
            for start in range(0, len(unseen), AT_ONCE):
                counts += _ingest(database, settings, connection, unseen[start : start + AT_ONCE])
    except (OSError, imaplib.IMAP4.error) as error:
        reason = scrub(_error_text(error), [mailbox.password])
        raise ProviderError(
            f"The mailbox for bounces at {mailbox.host} can't be read: {reason}.",
            hint="Nothing is lost: mails that were not read stay unseen. Check the network and IMAP_URL.",
        ) from None
    return counts


@contextlib.contextmanager
def _opened(mailbox: MailServer, tls: ssl.SSLContext | None) -> Iterator[imaplib.IMAP4]:
    connection: imaplib.IMAP4
    if mailbox.security == "tls":
        context = tls or ssl.create_default_context()
        connection = imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=TIMEOUT)
    else:
        connection = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=TIMEOUT)
    try:
        _log_in(connection, mailbox)
        _data(connection.select(f'"{mailbox.folder}"'))
        yield connection
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            connection.logout()


def _log_in(connection: imaplib.IMAP4, mailbox: MailServer) -> None:
    if (mailbox.user + mailbox.password).isascii():
        connection.login(mailbox.user, mailbox.password)
    else:  # LOGIN allows ASCII only; PLAIN allows UTF-8 (RFC 4616)
        secret = f"\0{mailbox.user}\0{mailbox.password}".encode()
        connection.authenticate("PLAIN", lambda challenge: secret)


def _error_text(error: Exception) -> str:
    """Return an error's message; imaplib passes a server's refusal on as bytes."""
    message = error.args[0] if error.args and isinstance(error.args[0], bytes) else str(error)
    return (message.decode("utf-8", "replace") if isinstance(message, bytes) else message) or type(error).__name__


def _ingest(database: Database, settings: Settings, connection: imaplib.IMAP4, uids: Sequence[bytes]) -> Counter[str]:
    """Ingest each mail in a transaction of its own, so that one that can't be read stops no other."""
    keys, paths, counts = Keys(installation_secret(settings)), ReturnPaths(settings), Counter[str]()
    flagged: dict[bytes, str] = {}
    for uid in uids:
        try:
            mail = _mail(connection, uid)
            with database.engine.begin() as transaction:
                now = database_now(transaction)
                event = read_bounce(mail, keys, paths, now, partial(_address, transaction))
                counts["new"] += len(ingest(transaction, [event], now)) if event else 0
        except (OSError, imaplib.IMAP4.abort, *DATABASE_ERRORS):
            raise  # the mailbox is gone, or the database: that is not about this mail
        except Exception as error:  # whatever a mail may hold
            counts["unreadable"] += 1
            flagged[uid] = f"can't be read: {reason_of(error)}"
            continue
        counts[(event.bounce or event.kind) if event else "other"] += 1
        if event is None:
            flagged[uid] = "is no bounce of our mail"
        elif event.detail.get("reason") == UNPROVEN:
            flagged[uid] = UNPROVEN
    with database.engine.begin() as transaction:
        for uid, reason in flagged.items():
            flag(transaction, MAIL, f"mail {uid.decode()}", reason)
    _mark(connection, list(flagged), r"(\Seen \Flagged)")
    _mark(connection, [uid for uid in uids if uid not in flagged], r"(\Seen)")
    return counts


def _address(connection: Connection, delivery_id: int) -> str:
    """Return the address that a delivery went to, "" if it is unknown."""
    return connection.scalar(select(Delivery.address).where(Delivery.id == delivery_id)) or ""


def _mail(connection: imaplib.IMAP4, uid: bytes) -> bytes:
    for part in _data(connection.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{LONGEST}>)")):
        if isinstance(part, tuple):
            return bytes(part[1])
    return b""  # deleted meanwhile


def _mark(connection: imaplib.IMAP4, uids: Sequence[bytes], flags: str) -> None:
    if uids:
        _data(connection.uid("STORE", b",".join(uids).decode(), "+FLAGS.SILENT", flags))


def _data(reply: tuple[str, list[Any]]) -> list[Any]:
    status, data = reply
    if status != "OK":
        raise imaplib.IMAP4.error(b" ".join(each for each in data if isinstance(each, bytes)))
    return data
