"""The words for what comes back: one happening, its kind, who opened, and how much of a reader is kept.

Kinds are django-anymail's, the best-tested set across providers, with three things added that it lacks: hard
or soft for a bounce, human or machine for an open or click, and `account` for what concerns no mail at all.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

Kind = Literal[
    "queued", "deferred", "delivered", "rejected", "bounced", "opened", "clicked", "complained",
    "unsubscribed", "subscribed", "account", "unknown",
]  # fmt: skip
Class = Literal["human", "machine", "unknown"]

# With an attempt key, each of these proves that its whole request was taken.
PROOFS: frozenset[Kind] = frozenset({"queued", "deferred", "delivered", "rejected", "bounced"})

OWN = "own"
LONGEST_USER_AGENT = 400

# Gmail fetches ahead of some readers under exactly this ending (SparkPost's published rule); its image proxy,
# GoogleImageProxy, is another thing: it fetches when a person opens.
_GMAIL_PREFETCH = "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
# Apple's Mail Privacy Protection calls itself this and no more.
_APPLE_PREFETCH = "Mozilla/5.0"


@dataclass(slots=True)
class Happening:
    """One thing that a provider or a reader did, in our words, on its way into `events`.

    `natural_key` (16 bytes in hex) is the same whenever the same happening is told again. `address` is for
    suppressing and matching; it is stored only where no delivery is known.
    """

    source: str
    kind: Kind
    at: datetime
    natural_key: str
    delivery_id: int | None = None
    campaign_id: int | None = None
    attempt_id: int | None = None
    compiled_id: int | None = None  # the email of which `link` is one; told for clicks only
    link: int | None = None
    url: str = ""
    bounce: str = ""
    open_class: str = ""
    user_agent: str = ""
    network: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    address: str = ""
    offset: int | None = None  # the place of a clicked link in the mail, as the provider counts
    keyed: bool = False  # whether it carries a delivery key, ours or another installation's
    mailbox: str = ""  # who runs the member's mailbox; empty for what no figure counts

    @property
    def fact(self) -> str:
        """The kind with its class, as roll-ups count it; `sender.events.facts.FACT` is the same in SQL."""
        return f"{self.kind}_{self.bounce}{self.open_class}" if self.bounce or self.open_class else self.kind


def classify(user_agent: str, *, flagged: bool = False) -> Class:
    """Who fetched a pixel or a link: a program ahead of any reader, a person (a proxy's fetch is one), or who knows.

    `flagged` is the provider's own word that a machine did; that it says nothing proves nothing.
    """
    if flagged or user_agent == _APPLE_PREFETCH or user_agent.endswith(_GMAIL_PREFETCH):
        return "machine"
    return "human" if user_agent else "unknown"


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The network of an IP address, coarse enough to be nobody's: /24 of IPv4, /48 of IPv6; empty for what is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 48}", strict=False))


def digest(*parts: object) -> str:
    """16 bytes in hex that stand for `parts`; a NUL stands between two, and none within one tells anything."""
    text = "\0".join(map(str, parts))
    if text.count("\0") >= len(parts):
        text = "\0".join(str(part).replace("\0", "") for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
