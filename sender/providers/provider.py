"""The Protocol that every provider implements, with the types of its arguments and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol

from newsletters.merge.merge import LinkKeys, MergePlan
from sender.tables import Tracking


@dataclass(frozen=True)
class Mailing:
    """The common part of all mails of a batch; `unsubscribe_url` contains `newsletters.merge.merge.KEY`.

    It is empty for a system mail, which belongs to no list.
    """

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
    pictures: tuple[tuple[str, bytes], ...] = ()  # PNGs of the mail itself, which its HTML shows as cid:NAME

    def headers(self, unsubscribe_url: str) -> dict[str, str]:
        """Return the headers for one-click unsubscribe (RFC 8058, RFC 2369) and for filing by list (RFC 2919)."""
        if not self.unsubscribe_url:
            return {"Auto-Submitted": "auto-generated"}  # so that no autoresponder answers (RFC 3834)
        headers = {"List-Unsubscribe": f"<{unsubscribe_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
        return {**headers, "List-Id": self.list_id} if self.list_id else headers


class MailPage(NamedTuple):
    """A mail as HTML, and the PNGs that it shows as cid:NAME."""

    html: str
    pictures: Mapping[str, bytes]


class Recipient(NamedTuple):
    """One person of a batch: the delivery's id and opaque keys, the frozen address and merge inputs.

    `keys` open this person's pages, one each; `header_key` and `message_key` identify the mail, and open none.
    """

    delivery_id: int
    keys: LinkKeys
    header_key: str
    message_key: str
    address: str
    inputs: Mapping[str, str | None]


class Verdict(StrEnum):
    """The meaning of an answer, for a request or a single mail; failures.py assigns them."""

    ACCEPTED = "accepted"  # except for the people in `refused`, `waiting` and `uncertain`
    REFUSED_PERSON = "refused_person"  # the people in `refused`; nothing was accepted, retry the others at once
    REFUSED_REQUEST = "refused_request"  # this request as a whole; smaller ones may be accepted
    REFUSED_ACCOUNT = "refused_account"  # nothing will be accepted until a person fixes it
    OVER_LIMITS = "apart"  # nothing was sent: the people in `over_limits` need their own requests
    DEFERRED = "put_off"  # this mail was not accepted and may be later; other mails may be now
    RETRY = "wait"  # nothing was accepted; retry at `retry_at`
    UNCERTAIN = "uncertain"  # it may or may not have been accepted


@dataclass(frozen=True)
class Outcome:
    """A provider's answer to one attempt.

    `refused` maps delivery ids to reasons; `waiting` holds the delivery ids to retry. `deferred` has the reasons if all
    of `waiting` were deferred individually (their retries are limited); otherwise it is empty. `over_limits` need
    their own requests. `detail` is the provider's message without addresses. `fault` is set if our own code broke off:
    then the campaign pauses, for this reason.
    """

    verdict: Verdict
    detail: str = ""
    status: int | None = None
    message_id: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)
    waiting: frozenset[int] = frozenset()
    deferred: Mapping[int, str] = field(default_factory=dict)
    uncertain: frozenset[int] = frozenset()
    over_limits: frozenset[int] = frozenset()
    retry_at: datetime | None = None  # by this machine's clock
    fault: str = ""
    answered_in: float = 0.0  # seconds from the request to its answer; 0 if more requests at once would gain nothing

    @property
    def pause(self) -> timedelta | None:
        """Return the time until `retry_at`, which means the same by any clock."""
        return self.retry_at - datetime.now(UTC) if self.retry_at else None


SuppressionKind = Literal["bounce", "invalid", "complaint", "unsubscribe", "block"]


@dataclass(frozen=True)
class ProviderSuppression:
    """An address on a provider's own suppression list; a block is temporary."""

    kind: SuppressionKind
    address: str
    at: datetime
    reason: str = ""


class Provider(Protocol):
    """A service that sends mail, as delivery needs it. Each provider is a module of this folder."""

    name: str
    batch_size: int
    # How many people of a batch to claim now: a kill leaves as many uncertain.
    most_at_once: int
    # Whether a request is smaller if all conditions come out alike for its people.
    by_conditions: bool
    # Whether sending twice is harmless, so that a batch lost in a crash can be repeated.
    repeatable: bool

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ProviderError or ConfigurationError if mail must not be sent with these settings."""

    def reach(self) -> None:
        """Raise ProviderError if the provider does not answer, or would not accept our mail."""

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Send the mails of one batch; a missing answer is an outcome (uncertain), not an exception."""
