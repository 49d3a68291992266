"""The type of an event on its way into `events`: its kind, when it happened, whose mail it was.

Kinds are django-anymail's, the best-tested set across providers, with three additions: hard or soft for a bounce,
human or machine for an open or click, and `account` for an event that concerns no mail.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal[
    "queued", "deferred", "delivered", "rejected", "bounced", "opened", "clicked", "complained",
    "unsubscribed", "subscribed", "account", "unknown",
]  # fmt: skip

# With an attempt key, each of these proves that the provider accepted the whole request.
PROOFS: frozenset[Kind] = frozenset({"queued", "deferred", "delivered", "rejected", "bounced"})

OWN = "own"
LONGEST_USER_AGENT = 400


@dataclass(slots=True)
class IncomingEvent:
    """One event from a provider or from our own pages, before it is stored.

    `natural_key` (16 bytes in hex) is the same each time the same event is reported. `address` is for suppression and
    matching; it is stored only if no delivery is known.
    """

    source: str
    kind: Kind
    at: datetime
    natural_key: str
    delivery_id: int | None = None
    campaign_id: int | None = None
    attempt_id: int | None = None
    compiled_id: int | None = None  # the email that contains `link`; for clicks only
    link: int | None = None
    url: str = ""
    bounce: str = ""
    open_class: str = ""
    rules: str = ""  # the names of the rules that decided `open_class`
    user_agent: str = ""
    network: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    address: str = ""
    offset: int | None = None  # the position of a clicked link in the mail, as the provider counts
    keyed: bool = False  # whether it carries a delivery key, ours or another installation's
    one_key: bool = False  # whether that key is the only one of its mail, as from before keys had purposes
    old_key: str = ""  # the natural key that earlier versions gave this event, if it is another one
    forgotten: bool = False  # whether the key is of a mail of ours that the database does not know
    mailbox: str = ""  # the member's mailbox provider; empty for events that no figure counts

    @property
    def fact(self) -> str:
        """Return the kind with its class, as roll-ups count it; `sender.events.facts.FACT` is the same in SQL."""
        return f"{self.kind}_{self.bounce}{self.open_class}" if self.bounce or self.open_class else self.kind


def digest(*parts: object) -> str:
    """Hash `parts` to 16 bytes in hex. NUL separates the parts, so NULs inside a part are removed."""
    text = "\0".join(map(str, parts))
    if text.count("\0") >= len(parts):
        text = "\0".join(str(part).replace("\0", "") for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
