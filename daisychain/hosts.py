"""Judge host names and addresses by themselves, without asking a network."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Ways to write an IPv4 address, perhaps a private one, as an IPv6 address: RFC 4291 2.5.5.1, 6052, 8215, 3056.
_IPV4_WITHIN = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))

# RFC 2606 and RFC 6761: nobody can own a name below these.
RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.org", "example.net")


def is_under(domain: str, parents: tuple[str, ...]) -> bool:
    """Whether `domain` is one of `parents`, or below one."""
    domain = domain.lower().rstrip(".")
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)


def ip_of(host: str) -> Address | None:
    """The address that `host` is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether `address` is one machine's, which everybody can reach, and leads to no other address that may not be."""
    if address.is_multicast or not address.is_global:
        return False
    return address.version == 4 or not (address.is_site_local or any(address in each for each in _IPV4_WITHIN))


def is_loopback(host: str) -> bool:
    """Whether connecting to `host` stays on this machine, judged by its name only."""
    address = ip_of(host)
    return address.is_loopback if address else host.lower().rstrip(".") == "localhost"
