"""Names and addresses of machines, as far as they tell by themselves where they lead."""

from __future__ import annotations

import ipaddress


def ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `host` is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether connecting to `host` stays on this machine, as its name alone tells."""
    address = ip_of(host)
    return address.is_loopback if address else host.lower().rstrip(".") == "localhost"
