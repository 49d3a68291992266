"""The network of an IP address: coarse enough to identify nobody, and what one customer of a provider has."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the network of an address: /24, or /48 as one customer has it in IPv6; "" if it is no address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    # A socket for both versions says ::ffff:203.0.113.7, and all of IPv4 would be one network.
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))
