"""What must hold before members' mail may leave: pages that readers can reach, and no password in the clear.

Each guard raises ConfigurationError. Test mode lifts the guards about addresses, and only while the provider
itself is on this machine, so that no setting ever lets a practice mail out.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from daisychain.errors import ConfigurationError
from daisychain.hosts import ip_of, is_loopback, is_public
from daisychain.settings import Settings
from sender.links.keys import KEY_LENGTH

# SendGrid was reported to encode a List-Unsubscribe of 78 bytes or more, which breaks one-click leaving.
LONGEST_LIST_UNSUBSCRIBE = 77

# RFC 2606 and RFC 6761, and the names that home and office routers hand out.
RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.org", "example.net")
PRIVATE = ("local", "internal", "lan", "home", "corp", "home.arpa", "onion")


def check_real_send(settings: Settings, provider_host: str) -> None:
    """Raise unless readers of mail that leaves through `provider_host` can reach our public pages."""
    if not _lifted(settings, provider_host):
        check_public_url(settings.need("public_url", why="before members' mail may leave"))


def check_sender(settings: Settings, provider_host: str, address: str) -> None:
    """Raise where `address` is of a domain that nobody can own, so that no answer could ever arrive."""
    domain = address.rpartition("@")[2]
    if not _lifted(settings, provider_host) and _under(domain, RESERVED):
        raise ConfigurationError(
            "From address",
            f"is of the reserved domain {domain!r}; a real provider must not send from it.",
            hint="Give the list, or the newsletter, a From address of a domain of yours.",
        )


def check_links(settings: Settings, provider_host: str, urls: Iterable[str]) -> None:
    """Raise where a link leads to a domain that nobody can own: demonstration copy is not for members."""
    if _lifted(settings, provider_host):
        return
    for url in urls:
        host = urlsplit(url).hostname or ""
        if _under(host, RESERVED):
            raise ConfigurationError(
                f"The link {url}",
                f"leads to the reserved domain {host!r}: this is demonstration copy, and not for members.",
                hint="Take copy from a toolkit of your own, or send it through the outbox.",
            )


def check_public_url(url: str) -> None:
    """Raise unless readers can reach `url` over https, and it is short enough for one-click leaving."""
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
        problem = "must be a scheme, a host and nothing more than a path"
    elif len(header) > LONGEST_LIST_UNSUBSCRIBE:
        spare = len(header) - LONGEST_LIST_UNSUBSCRIBE
        problem = f"is {spare} characters too long: one-click unsubscribe would break in the mails"
    if problem:
        raise ConfigurationError(
            "DAISYCHAIN_PUBLIC_URL",
            f"{problem} (it is {url!r}).",
            hint="For example https://news.your-charity.org.",
        )


def check_sendgrid_host(host: str) -> None:
    """Raise where our key would go to somebody else than SendGrid, or a stand-in on this machine."""
    if not is_loopback(host) and not _under(host, ("sendgrid.com",)):
        raise ConfigurationError(
            "SENDGRID_API_HOST",
            f"names {host!r}, which is not SendGrid's: our key would be given away.",
            hint="It is https://api.sendgrid.com, or https://api.eu.sendgrid.com.",
        )


def check_encrypted(variable: str, host: str, *, encrypted: bool) -> None:
    """Raise where a connection in the clear would leave this machine; `variable` is the setting to mend."""
    if not encrypted and not is_loopback(host):
        raise ConfigurationError(
            variable,
            f"would send a password and members' addresses to {host!r} in the clear.",
            hint="Use https://, smtps:// or smtp+starttls://; plain connections are for this machine only.",
        )


def _lifted(settings: Settings, provider_host: str) -> bool:
    return settings.test_mode and is_loopback(provider_host)


def _is_known(host: str) -> bool:
    """Whether readers can reach `host`, as far as its name tells."""
    address = ip_of(host)
    if address:
        return is_public(address)
    return "." in host.rstrip(".") and not _under(host, RESERVED + PRIVATE)


def _under(domain: str, parents: tuple[str, ...]) -> bool:
    domain = domain.lower().rstrip(".")
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)
