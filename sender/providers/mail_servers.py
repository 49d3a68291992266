"""The mail servers that SMTP_URL and IMAP_URL name: relays, and the mailbox for bounces."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from daisychain.errors import ConfigurationError

MailProtocol = Literal["SMTP", "IMAP"]
Security = Literal["none", "starttls", "tls"]

_SCHEMES: dict[MailProtocol, dict[str, tuple[Security, int]]] = {
    "SMTP": {"smtp": ("none", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)},
    "IMAP": {"imap": ("none", 143), "imaps": ("tls", 993)},
}
_EXAMPLES: dict[MailProtocol, str] = {
    "SMTP": "smtp+starttls://user:password@mail.your-charity.org:587",
    "IMAP": "imaps://user:password@mail.your-charity.org/INBOX",
}
_FOLDER = re.compile(r'[^"\\\x00-\x1f\x7f-\U0010ffff]+')


@dataclass(frozen=True)
class MailServer:
    """A server with our sign-in; only a mailbox is in a folder."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)
    folder: str = ""


def parse_url(protocol: MailProtocol, url: str) -> MailServer:
    """Parse SMTP_URL or IMAP_URL; raises ConfigurationError, without the password in its message."""
    try:
        parts = urlsplit(url)
        security, port = _SCHEMES[protocol][parts.scheme]
        user, password, folder = (
            unquote(each or "") for each in (parts.username, parts.password, parts.path.strip("/"))
        )
        if protocol == "SMTP":
            valid = not folder
        else:
            folder = folder or "INBOX"
            valid = bool(user and password and _FOLDER.fullmatch(folder))
        if not parts.hostname or not valid:
            raise ValueError
        return MailServer(parts.hostname, parts.port or port, security, user, password, folder)
    except (ValueError, KeyError):
        raise ConfigurationError(
            f"{protocol}_URL",
            f"is not a valid {protocol} URL.",
            hint=f"For example {_EXAMPLES[protocol]}; a special character in user or password is written as %XX.",
        ) from None
