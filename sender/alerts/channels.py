"""The channels for alerts: mail through an SMTP relay, or a webhook; through SendGrid only if there is no relay.

Alerts may be about SendGrid itself.
"""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from urllib.parse import urlsplit

import orjson

from daisychain.database import Database
from daisychain.errors import ConfigurationError, ProviderError
from daisychain.scrub import scrub
from lists.addresses import AddressError, parse_address
from sender.providers.guards import check_encrypted
from sender.providers.http import opener
from sender.providers.mail_servers import MailServer, parse_url
from sender.providers.provider import Verdict
from sender.providers.smtp_connection import connect
from sender.system_mail.mail_queue import post_mail, provider_is_set

TIMEOUT = 20.0  # seconds
SETTING = "DAISYCHAIN_ALERT_TO"


# Sends the subject and message of an alert to one person or chat room; raises ProviderError if that fails.
Channel = Callable[[str, str], None]


def channels(database: Database) -> list[Channel]:
    """Return the channels in DAISYCHAIN_ALERT_TO, none if it is not set; raises ConfigurationError."""
    settings = database.settings
    return [_channel(each.strip(), database) for each in settings.alert_to.split(",") if each.strip()]


def _channel(to: str, database: Database) -> Channel:
    settings = database.settings
    if to.startswith(("http://", "https://")):
        parts = urlsplit(to)
        if not parts.hostname:
            raise ConfigurationError(SETTING, "contains a webhook URL without a host.")
        check_encrypted(SETTING, parts.hostname, encrypted=parts.scheme == "https")
        return lambda subject, message: _post(to, subject, message)
    try:
        address = parse_address(to).written
    except AddressError as error:
        raise ConfigurationError(SETTING, f"is neither an email address nor an https:// webhook: {error}") from None
    url = settings.alert_smtp_url or settings.smtp_url
    if not url and provider_is_set(settings):
        return lambda subject, message: _queue(database, address, subject, message)
    if not url:
        raise ConfigurationError(
            SETTING,
            "contains an email address, but there is no SMTP relay to mail it through.",
            hint="Set SMTP_URL or DAISYCHAIN_ALERT_SMTP_URL, or use an https:// webhook.",
        )
    relay = parse_url("SMTP", url)
    check_encrypted("DAISYCHAIN_ALERT_SMTP_URL", relay.host, encrypted=relay.security != "none")
    host = urlsplit(settings.public_url).hostname or socket.gethostname()
    return lambda subject, message: _mail(address, relay, host, subject, message)


def _post(url: str, subject: str, message: str) -> None:
    """Post a JSON object whose `text` Slack, Mattermost and others show as it is."""
    body = {"text": f"Daisychain: {subject}\n{message}", "subject": subject, "words": message, "at": datetime.now(UTC)}
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked when the setting was read
        url, data=orjson.dumps(body), headers={"Content-Type": "application/json"}, method="POST"
    )
    host = urlsplit(url).hostname or ""
    try:
        with opener(url).open(request, timeout=TIMEOUT) as answer:
            answer.read(1)
    except urllib.error.HTTPError as error:
        error.close()
        raise ProviderError(f"The webhook at {host} answered {error.code}.") from None
    except (OSError, http.client.HTTPException) as error:
        # The URL is a secret: anybody who knows it may post there.
        reason = scrub(str(getattr(error, "reason", error)) or type(error).__name__, [url])
        raise ProviderError(f"The webhook at {host} did not answer: {reason}.") from None


def _queue(database: Database, address: str, subject: str, message: str) -> None:
    paragraphs = [line for line in message.splitlines() if line.strip()]
    with database.engine.begin() as connection:
        post_mail(connection, database.settings, address, f"Daisychain: {subject}", paragraphs, kind="alert")


def _mail(address: str, relay: MailServer, host: str, subject: str, message: str) -> None:
    """Mail an address from itself: the relay's owner may use it as a sender."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"Daisychain: {subject}"
    mail["From"] = mail["To"] = address
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=host)
    mail["Auto-Submitted"] = "auto-generated"  # so that no autoresponder answers (RFC 3834)
    # No line of base64 begins with a dot, which SMTP would need doubled (RFC 5321, 4.5.2).
    mail.set_content(f"{message}\n", cte="base64")
    try:
        with closing(connect(relay, host, timeout=TIMEOUT)) as connection:
            verdict, reply = connection.send(address, address, mail.as_bytes())
    except OSError as error:  # smtplib's own errors are OSErrors too
        verdict, reply = Verdict.RETRY, str(error) or type(error).__name__
    if verdict is not Verdict.ACCEPTED:
        reason = scrub(reply, [relay.password])
        raise ProviderError(f"The SMTP relay {relay.host} did not accept the alert: {reason}.")
