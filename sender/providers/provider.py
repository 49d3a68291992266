"""The Protocol that every provider implements, and the values that cross it: what it is given, what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from newsletters.merge.merge import MergePlan
from sender.tables import Tracking


@dataclass(frozen=True)
class Mailing:
    """All that the mails of one batch have in common; `unsubscribe_url` holds `newsletters.merge.merge.KEY`."""

    campaign_id: int
    plan: MergePlan
    from_name: str
    from_address: str
    reply_to: str
    list_id: str
    unsubscribe_url: str
    opens: Tracking
    clicks: Tracking
    subject_prefix: str = ""

    def headers(self, unsubscribe_url: str) -> dict[str, str]:
        """The headers that let a reader leave by one click (RFC 8058, RFC 2369) and file by list (RFC 2919)."""
        headers = {
            "List-Unsubscribe": f"<{unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        return {**headers, "List-Id": self.list_id} if self.list_id else headers


class Recipient(NamedTuple):
    """One person of a batch: the delivery's id and opaque keys, the frozen address and merge inputs.

    `key` opens this person's pages; `message_key` names the mail where everybody may see it.
    """

    delivery_id: int
    key: str
    message_key: str
    address: str
    inputs: Mapping[str, str | None]


class Verdict(StrEnum):
    """What an answer means for a request, or for a single mail; the table in failures.py assigns them."""

    ACCEPTED = "accepted"  # taken, save for the people in `refused` and `waiting`
    REFUSED_PERSON = "refused_person"  # those in `refused`; nothing was taken, and the others may go at once
    REFUSED_REQUEST = "refused_request"  # this request as a whole; smaller ones may pass
    REFUSED_ACCOUNT = "refused_account"  # nothing will pass until a person mends it
    APART = "apart"  # nothing was sent: the people in `apart` need requests of their own
    PUT_OFF = "put_off"  # this mail was not taken, and may be later; others may be now
    WAIT = "wait"  # nothing was taken; again at `retry_at`
    UNCERTAIN = "uncertain"  # it may or may not have been taken


@dataclass(frozen=True)
class Outcome:
    """A provider's answer to one attempt.

    `refused` maps delivery ids to reasons and `waiting` holds delivery ids to try later; both speak of single
    people, where a provider tells. `deferred` says why where all who wait were put off by name (they are not tried
    for ever), and is empty where others were not served. `apart` are those who need requests of their own. `detail`
    is the provider's own words without any address.
    """

    verdict: Verdict
    detail: str = ""
    status: int | None = None
    message_id: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)
    waiting: frozenset[int] = frozenset()
    deferred: Mapping[int, str] = field(default_factory=dict)
    uncertain: frozenset[int] = frozenset()
    apart: frozenset[int] = frozenset()
    retry_at: datetime | None = None


@dataclass(frozen=True)
class Listed:
    """An address on a provider's own list of those that it mails no more, since when and why; blocks are for now."""

    kind: Literal["bounce", "invalid", "complaint", "unsubscribe", "block"]
    address: str
    at: datetime
    reason: str = ""


class Provider(Protocol):
    """A way out for mail: what delivery needs of it. Each provider is a module of this folder."""

    name: str
    batch_size: int
    # Whether doing it twice does no harm, so that a batch lost in a crash may simply be done again.
    repeatable: bool

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ProviderError or ConfigurationError where such mail must not leave as things stand."""

    def reach(self) -> None:
        """Raise ProviderError where the provider does not answer, or would not take our mail."""

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Hand the mails of one batch over; an answer that never came is an outcome (uncertain), not an exception."""
