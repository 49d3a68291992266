"""Guards before real mail is sent: public pages that readers can reach, no reserved domains, no plain-text passwords.

Each raises ConfigurationError. Test mode lifts the guards about addresses, but only if the provider is on this machine,
so no setting can send a practice mail to the outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from daisychain.errors import ConfigurationError
from daisychain.hosts import RESERVED, ip_of, is_loopback, is_public, is_under
from daisychain.settings import Settings
from sender.links.keys import KEY_LENGTH

# SendGrid was reported to encode a List-Unsubscribe value of 78 bytes or more (RFC 2047), which breaks one-click
# unsubscribe at Gmail and Outlook (mailop, October and November 2025).
LONGEST_LIST_UNSUBSCRIBE = 77

# Names that home and office routers use.
PRIVATE = ("local", "internal", "lan", "home", "corp", "home.arpa", "onion")


def check_mailing(settings: Settings, provider_host: str, from_address: str, links: Iterable[str] = ()) -> None:
    """Raise unless mail with these links may go to members through `provider_host`.

    Readers must reach our public pages. Nobody can own a reserved domain: no answer could arrive at a sender in one,
    and a link to one is demonstration copy.
    """
    if settings.test_mode and is_loopback(provider_host):
        return
    check_public_url(settings.need("public_url", why="before mail may be sent to members"))
    domain = from_address.rpartition("@")[2]
    if is_under(domain, RESERVED):
        raise ConfigurationError(
            "From address",
            f"is in the reserved domain {domain!r}; a real provider must not send from it.",
            hint="Give the list or the newsletter a From address in your own domain.",
        )
    for url in links:
        host = urlsplit(url).hostname or ""
        if is_under(host, RESERVED):
            raise ConfigurationError(
                f"The link {url}",
                f"leads to the reserved domain {host!r}: this is demonstration copy, and not for members.",
                hint="Use copy from your own toolkit, or send through the outbox.",
            )


def check_public_url(url: str) -> None:
    """Raise unless readers can reach `url` over https, and it is short enough for one-click unsubscribe."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    header = f"<{url}/u/{'k' * KEY_LENGTH}>"
    problem = ""
    if parts.scheme != "https" or not host:
        problem = "must start with https://"
    elif not url.isascii():
        problem = "must be ASCII; write an international name in its xn-- form"
    elif not _is_known(host):
        problem = f"names {host!r}, which readers can't reach"
    elif parts.query or parts.fragment or parts.username:
        problem = "must have a scheme, a host and at most a path"
    elif len(header) > LONGEST_LIST_UNSUBSCRIBE:
        spare = len(header) - LONGEST_LIST_UNSUBSCRIBE
        problem = f"is {spare} characters too long: one-click unsubscribe would break in the mails"
    if problem:
        raise ConfigurationError(
            "DAISYCHAIN_PUBLIC_URL", f"{problem} (it is {url!r}).", hint="For example https://news.your-charity.org."
        )


def check_sendgrid_host(host: str) -> None:
    """Raise if our key would go to anybody but SendGrid or a stand-in on this machine."""
    if not is_loopback(host) and not is_under(host, ("sendgrid.com",)):
        raise ConfigurationError(
            "SENDGRID_API_HOST",
            f"names {host!r}, which is not SendGrid's: our key would be given away.",
            hint="It is https://api.sendgrid.com, or https://api.eu.sendgrid.com.",
        )


def check_encrypted(variable: str, host: str, *, encrypted: bool) -> None:
    """Raise if an unencrypted connection would leave this machine; `variable` is the setting to fix."""
    if not encrypted and not is_loopback(host):
        raise ConfigurationError(
            variable,
            f"would send a password and members' addresses to {host!r} without encryption.",
            hint="Use https://, smtps:// or smtp+starttls://; plain connections are for this machine only.",
        )


def _is_known(host: str) -> bool:
    """Whether readers can reach `host`, judged by its name."""
    if address := ip_of(host):
        return is_public(address)
    return "." in host.rstrip(".") and not is_under(host, RESERVED + PRIVATE)
