"""How a person is told: by mail through a relay, or by a webhook; each is a way of its own, apart from SendGrid."""

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
from daisychain.hosts import is_loopback
from daisychain.scrub import scrub
from daisychain.settings import Settings
from lists.addresses import AddressError, parse_address
from sender.providers.guards import check_encrypted
from sender.providers.http import opener
from sender.providers.provider import Verdict
from sender.providers.smtp_conversation import Relay, converse, parse_url

TIMEOUT = 20.0  # seconds
SETTING = "DAISYCHAIN_ALERT_TO"


class Channel(Protocol):
    """One way to one person, or to a room of them."""

    def tell(self, subject: str, words: str) -> None:
        """Say it; raises ProviderError where it could not be said."""


def channels(settings: Settings) -> list[Channel]:
    """The ways that DAISYCHAIN_ALERT_TO names, none where it is not set; raises ConfigurationError."""
    return [_channel(each.strip(), settings) for each in settings.alert_to.split(",") if each.strip()]


def _channel(to: str, settings: Settings) -> Channel:
    if to.startswith(("http://", "https://")):
        parts = urlsplit(to)
        if not parts.hostname:
            raise ConfigurationError(SETTING, "holds a webhook's address without a host.")
        check_encrypted(SETTING, parts.hostname, encrypted=parts.scheme == "https")
        return Hook(to)
    try:
        address = parse_address(to).written
    except AddressError as error:
        raise ConfigurationError(SETTING, f"is no address and no https:// webhook: {error}") from None
    url = settings.alert_smtp_url or settings.smtp_url
    if not url:
        raise ConfigurationError(
            SETTING,
            "names an address, and there is no relay to mail it.",
            hint="Set SMTP_URL or DAISYCHAIN_ALERT_SMTP_URL, or name an https:// webhook.",
        )
    relay = parse_url(url)
    check_encrypted("DAISYCHAIN_ALERT_SMTP_URL", relay.host, encrypted=relay.security != "none")
    return Mail(address, relay, urlsplit(settings.public_url).hostname or socket.gethostname())


@dataclass(frozen=True)
class Hook:
    """A webhook: a JSON object whose `text` Slack, Mattermost and their like show as it is."""

    url: str = field(repr=False)  # whoever knows it may post there

    def tell(self, subject: str, words: str) -> None:
        """Say it; raises ProviderError where it could not be said."""
        body = {"text": f"Daisychain: {subject}\n{words}", "subject": subject, "words": words, "at": datetime.now(UTC)}
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at when the setting was read
            self.url, data=orjson.dumps(body), headers={"Content-Type": "application/json"}, method="POST"
        )
        host = urlsplit(self.url).hostname or ""
        try:
            with opener(encrypted=True, direct=is_loopback(host)).open(request, timeout=TIMEOUT) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            error.close()
            raise ProviderError(f"The webhook at {host} answered {error.code}.") from None
        except (OSError, http.client.HTTPException) as error:
            reason = scrub(str(getattr(error, "reason", error)) or type(error).__name__, [self.url])
            raise ProviderError(f"The webhook at {host} did not answer: {reason}.") from None


@dataclass(frozen=True)
class Mail:
    """A mail to one address, from itself: whoever runs the relay may send as that."""

    address: str
    relay: Relay
    host: str

    def tell(self, subject: str, words: str) -> None:
        """Say it; raises ProviderError where it could not be said."""
        try:
            conversation = converse(self.relay, self.host, timeout=TIMEOUT)
            try:
                verdict, reply = conversation.hand_over(self.address, self.address, self._written(subject, words))
            finally:
                conversation.close()
        except OSError as error:  # smtplib's own errors are OSErrors too
            raise self._failed(str(error) or type(error).__name__) from None
        if verdict is not Verdict.ACCEPTED:
            raise self._failed(reply)

    def _written(self, subject: str, words: str) -> bytes:
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = f"Daisychain: {subject}"
        mail["From"] = mail["To"] = self.address
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain=self.host)
        mail["Auto-Submitted"] = "auto-generated"  # so that no machine answers it (RFC 3834)
        # No line of base64 begins with a dot, which would have to be doubled.
        mail.set_content(f"{words}\n", cte="base64")
        return mail.as_bytes()

    def _failed(self, reason: str) -> ProviderError:
        words = scrub(reason, [self.relay.password])
        return ProviderError(f"The relay {self.relay.host} did not take the alert: {words}.")
