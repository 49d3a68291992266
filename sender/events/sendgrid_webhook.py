"""SendGrid's Event Webhook: verifies the signature, and turns each event into an `IncomingEvent`.

Everything from SendGrid is kept: unknown kinds, events of other applications on the same account, fields of
undocumented types. A body that is not an array of objects is refused like one with a wrong signature.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from daisychain.errors import ConfigurationError
from daisychain.scrub import LONGEST, scrub
from daisychain.web.networks import network_of
from sender.event import LONGEST_USER_AGENT, IncomingEvent, Kind, digest
from sender.events.reader_rules import FLAG, judge_hit
from sender.links.keys import Keys
from sender.severity import find_status, severity

SOURCE = "sendgrid"
SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"
# Seconds. SendGrid retries for 24 hours; who got hold of a body can't send it again much later.
OLDEST = 3 * 24 * 3600
LARGEST_BODY = 4 * 1024 * 1024  # bytes; SendGrid posts after 30 s or at 768 kB, for each of its servers

# The custom arguments in our mails. An asynchronous bounce comes without them.
DELIVERY_ARG, ATTEMPT_ARG = "daisychain_delivery", "daisychain_attempt"

KINDS: dict[str, Kind] = {
    "processed": "queued",
    "deferred": "deferred",
    "delivered": "delivered",
    "dropped": "rejected",
    "bounce": "bounced",
    "open": "opened",
    "click": "clicked",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
    "group_resubscribe": "subscribed",
    "account_status_change": "account",
}
# SendGrid's explanations of an event; other fields are only in the raw body, which is kept for 90 days.
_REASONS = {"reason", "response", "status", "type", "bounce_classification", "asm_group_id", "attempt"}
_LONGEST_URL = 4_000
_LATEST = 4_102_444_800  # the year 2100; a larger number is not a time in seconds


def is_recent(timestamp: str) -> bool:
    """Whether a signed timestamp is at most `OLDEST` seconds old."""
    return bool(re.fullmatch(r"[0-9]{1,12}", timestamp)) and int(timestamp) >= time.time() - OLDEST


def is_signed(keys: Sequence[str], signature: str | None, timestamp: str | None, body: bytes) -> bool:
    """Whether any of `keys` signed `timestamp` and the raw `body` (ECDSA, SHA-256); raises ConfigurationError."""
    if not signature or not timestamp:
        return False
    try:
        raw = b64decode(signature, validate=True)
    except ValueError:
        return False
    for key in map(verification_key, keys):
        with suppress(InvalidSignature):
            key.verify(raw, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
            return True
    return False


@lru_cache(maxsize=8)
def verification_key(text: str) -> ec.EllipticCurvePublicKey:
    """Load a key as SendGrid shows it (base64 of DER); raises ConfigurationError if it is not one."""
    key: object = None
    with suppress(ValueError, UnsupportedAlgorithm):
        key = serialization.load_der_public_key(b64decode(text, validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ConfigurationError(
            "SENDGRID_WEBHOOK_KEYS",
            "contains something that is not a verification key.",
            hint="SendGrid shows the key under Settings, Mail Settings, Event Webhook, Signature Verification.",
        )
    return key


def parse_body(body: bytes) -> list[dict[str, Any]]:
    """Parse a body; raises ValueError unless it is a JSON array of objects."""
    events = orjson.loads(body)
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValueError("not an array of objects")
    return events


def to_events(events: Sequence[Mapping[str, Any]], keys: Keys, received_at: datetime) -> list[IncomingEvent]:
    """Convert all events of one body, in their order; never raises, even for invalid fields."""
    # All keys of a body are decrypted in one call.
    deliveries = keys.read_headers({_text(event.get(DELIVERY_ARG)) for event in events})
    attempts = keys.read_attempts({_text(event.get(ATTEMPT_ARG)) for event in events})
    return [_to_event(event, deliveries, attempts, received_at) for event in events]


def _to_event(
    event: Mapping[str, Any],
    deliveries: Mapping[str, tuple[int, bool]],
    attempts: Mapping[str, int],
    received_at: datetime,
) -> IncomingEvent:
    name = _text(event.get("event"))
    kind = KINDS.get(name, "unknown")
    delivery, attempt = _text(event.get(DELIVERY_ARG)), _text(event.get(ATTEMPT_ARG))
    delivery_id, one_key = deliveries.get(delivery, (None, False))
    address, url = _text(event.get("email")).strip(), _text(event.get("url"))
    offset = _offset(event.get("url_offset"))
    stamp = event.get("timestamp")
    found = IncomingEvent(
        source=SOURCE,
        kind=kind,
        at=_time(stamp) or received_at,
        # SendGrid repeats an event under other ids (sendgrid-nodejs#1435), so `sg_event_id` is not part of it.
        natural_key=digest(
            SOURCE, delivery, attempt, name, stamp, url, offset, *(() if delivery else (address, event.get("type")))
        ),
        delivery_id=delivery_id,
        attempt_id=attempts.get(attempt),
        url=url[:_LONGEST_URL],
        user_agent=_text(event.get("useragent"))[:LONGEST_USER_AGENT],
        detail=_detail(event, kind),
        address=address,
        offset=offset,
        keyed=bool(delivery),
        one_key=one_key,
    )
    if kind == "bounced":
        found.bounce = _bounce(event)
    elif kind in ("opened", "clicked"):
        flagged = event.get("sg_machine_open") is True
        found.open_class, found.rules = judge_hit(found.user_agent, known=[FLAG] if flagged else [])
        # A machine and a person may fetch the pixel in the same second.
        found.old_key, found.natural_key = found.natural_key, digest(found.natural_key, flagged, found.user_agent)
        # For other kinds it is the IP address of a mail server.
        found.network = network_of(_text(event.get("ip")))
    return found


def _bounce(event: Mapping[str, Any]) -> str:
    """Tell hard from soft: after type `bounce` SendGrid suppresses the address; `blocked` is temporary."""
    if type_ := _text(event.get("type")):
        return "hard" if type_ == "bounce" else "soft"
    reason = _text(event.get("reason"))
    return severity(_text(event.get("status")) or find_status(reason), reason)


def _detail(event: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    if kind not in ("unknown", "account"):
        return {
            name: _scrubbed(_text(event[name])) for name in _REASONS & event.keys() if event[name] not in (None, "")
        }
    plain = {name: value for name, value in event.items() if isinstance(value, str | int | float)}
    return {
        scrub(_text(name)): _scrubbed(_text(value)) if isinstance(value, str) else value
        for name, value in plain.items()
        if name not in ("ip", "email")
    }


def _scrubbed(message: str) -> str:
    # Searching for addresses takes a hundred times as long as searching for "@".
    harmless = "@" not in message and len(message) <= LONGEST and message.isprintable()
    return message if harmless else scrub(message)


def _text(value: object) -> str:
    # PostgreSQL's text type allows any character but NUL.
    if isinstance(value, str):
        return value.replace("\0", "") if "\0" in value else value
    return "" if value is None else str(value)


def _offset(value: object) -> int | None:
    """Return the position of a link in the HTML, from 0; None in the text part, whose links are not rewritten."""
    index = value.get("index") if isinstance(value, dict) and value.get("type") != "text" else None
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _time(stamp: object) -> datetime | None:
    if not isinstance(stamp, int | float | str):
        return None
    try:
        seconds = float(stamp)
    except (ValueError, OverflowError):
        return None
    return _moment(seconds) if 0 < seconds < _LATEST else None


@lru_cache(maxsize=4096)
def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
