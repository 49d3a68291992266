"""The channels for alerts: mail through an SMTP relay, or a webhook. Never SendGrid, which alerts may be about."""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Protocol
from urllib.parse import urlsplit

import orjson

from daisychain.errors import ConfigurationError, ProviderError
from daisychain.scrub import scrub
from daisychain.settings import Settings
from lists.addresses import AddressError, parse_address
from sender.providers.guards import check_encrypted
from sender.providers.http import opener
from sender.providers.mail_servers import MailServer, parse_url
from sender.providers.provider import Verdict
from sender.providers.smtp_connection import connect

TIMEOUT = 20.0  # seconds
SETTING = "DAISYCHAIN_ALERT_TO"


class Channel(Protocol):
    """Sends alerts to one person or chat room."""

    def send(self, subject: str, message: str) -> None:
        """Send an alert; raises ProviderError if that fails."""


def channels(settings: Settings) -> list[Channel]:
    """Return the channels in DAISYCHAIN_ALERT_TO, none if it is not set; raises ConfigurationError."""
    return [_channel(each.strip(), settings) for each in settings.alert_to.split(",") if each.strip()]


def _channel(to: str, settings: Settings) -> Channel:
    if to.startswith(("http://", "https://")):
        parts = urlsplit(to)
        if not parts.hostname:
            raise ConfigurationError(SETTING, "contains a webhook URL without a host.")
        check_encrypted(SETTING, parts.hostname, encrypted=parts.scheme == "https")
        return WebhookChannel(to)
    try:
        address = parse_address(to).written
    except AddressError as error:
        raise ConfigurationError(SETTING, f"is neither an email address nor an https:// webhook: {error}") from None
    url = settings.alert_smtp_url or settings.smtp_url
    if not url:
        raise ConfigurationError(
            SETTING,
            "contains an email address, but there is no SMTP relay to mail it through.",
            hint="Set SMTP_URL or DAISYCHAIN_ALERT_SMTP_URL, or use an https:// webhook.",
        )
    relay = parse_url("SMTP", url)
    check_encrypted("DAISYCHAIN_ALERT_SMTP_URL", relay.host, encrypted=relay.security != "none")
    return MailChannel(address, relay, urlsplit(settings.public_url).hostname or socket.gethostname())


@dataclass(frozen=True)
class WebhookChannel:
    """Posts a JSON object whose `text` Slack, Mattermost and others show as it is."""

    url: str = field(repr=False)  # a secret: anybody who knows it may post there

    def send(self, subject: str, message: str) -> None:
        """Send an alert; raises ProviderError if that fails."""
        body = {
            "text": f"Daisychain: {subject}\n{message}",
            "subject": subject,
            "words": message,
            "at": datetime.now(UTC),
        }
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked when the setting was read
            self.url, data=orjson.dumps(body), headers={"Content-Type": "application/json"}, method="POST"
        )
        host = urlsplit(self.url).hostname or ""
        try:
            with opener(self.url).open(request, timeout=TIMEOUT) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            error.close()
            raise ProviderError(f"The webhook at {host} answered {error.code}.") from None
        except (OSError, http.client.HTTPException) as error:
            reason = scrub(str(getattr(error, "reason", error)) or type(error).__name__, [self.url])
            raise ProviderError(f"The webhook at {host} did not answer: {reason}.") from None


@dataclass(frozen=True)
class MailChannel:
    """Mails an address, from itself: the relay's owner may use it as a sender."""

    address: str
    relay: MailServer
    host: str

    def send(self, subject: str, message: str) -> None:
        """Send an alert; raises ProviderError if that fails."""
        try:
            connection = connect(self.relay, self.host, timeout=TIMEOUT)
            try:
                verdict, reply = connection.send(self.address, self.address, self._mail(subject, message))
            finally:
                connection.close()
        except OSError as error:  # smtplib's own errors are OSErrors too
            raise self._failed(str(error) or type(error).__name__) from None
        if verdict is not Verdict.ACCEPTED:
            raise self._failed(reply)

    def _mail(self, subject: str, message: str) -> bytes:
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = f"Daisychain: {subject}"
        mail["From"] = mail["To"] = self.address
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=self.host)
        mail["Auto-Submitted"] = "auto-generated"  # so that no autoresponder answers (RFC 3834)
        # No line of base64 begins with a dot, which SMTP would need doubled (RFC 5321, 4.5.2).
        mail.set_content(f"{message}\n", cte="base64")
        return mail.as_bytes()

    def _failed(self, reason: str) -> ProviderError:
        reason = scrub(reason, [self.relay.password])
        return ProviderError(f"The SMTP relay {self.relay.host} did not accept the alert: {reason}.")
