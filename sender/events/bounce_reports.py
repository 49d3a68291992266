"""Bounces that come back by mail: a report (RFC 3464), a complaint (RFC 5965) or a server's free words, in our words.

The key in the address that the report came to says whose mail it was (`sender.providers.return_paths`). A report that
was sent elsewhere still has our headers in the mail that it returns. A report without a key of ours is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from typing import Literal

from daisychain.scrub import scrub
from sender.event import IncomingEvent, Kind, digest
from sender.links.keys import Keys
from sender.providers.mime import DELIVERY_HEADER
from sender.providers.return_paths import ReturnPaths

SOURCE = "smtp"

# Where mail servers write the address that a mail came to; `To` alone is the report's author's own word.
_ADDRESSED = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To")
_ACTIONS: dict[str, Kind] = {
    "failed": "bounced",
    "delayed": "deferred",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45])\d\d(?=[\s-])")
# Nobody is there, and nobody will be. All else may pass (a full mailbox), or speaks of us (policy, a spam filter's
# opinion, the sender's address): then only the rule for repeated soft bounces suppresses.
_GONE = re.compile(r"5\.(1\.([1-3]|6|10)|2\.1|4\.4)")
_GONE_WORDS = re.compile(
    r"user unknown|unknown user|no such (user|recipient|mailbox|address|person)|no mailbox here|"
    r"(user|recipient|mailbox|address|account)( \S+)? "
    r"(does(n't| not) exist|not found|unknown|is disabled|has been disabled|is inactive)|"
    r"invalid (recipient|mailbox|address)|recipient address rejected: (user|undeliverable)",
    re.IGNORECASE,
)
# These say so themselves: somebody's holiday is no bounce.
_AUTOMATIC = re.compile(r"auto-(replied|notified)", re.IGNORECASE)
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class _Report:
    """What one report says of one recipient."""

    kind: Kind
    status: str = ""
    words: str = ""


def read_bounce(raw: bytes, keys: Keys, paths: ReturnPaths, received_at: datetime) -> IncomingEvent | None:
    """What a mail in the mailbox for bounces tells, None where it is no bounce of a mail of ours; never raises.

    Told again, also by another copy of the report, it has the same natural key.
    """
    message = message_from_bytes(raw, policy=compat32)
    report = _read(message)
    delivery_id = _whose(message, raw, keys, paths) if report else None
    if report is None or delivery_id is None:
        return None
    return IncomingEvent(
        source=SOURCE,
        kind=report.kind,
        at=_date(message, received_at),
        natural_key=digest(SOURCE, delivery_id, report.kind, report.status, message.get("Message-ID", "")),
        delivery_id=delivery_id,
        bounce=severity(report.status, report.words) if report.kind == "bounced" else "",
        detail={name: value for name, value in (("status", report.status), ("reason", scrub(report.words))) if value},
        keyed=True,
    )


def severity(status: str, words: str) -> Literal["hard", "soft"]:
    """Whether a failure is for good, by its enhanced status (RFC 3463) and, where that says little, by the words."""
    if _GONE.fullmatch(status):
        return "hard"
    vague = status in ("", "5.0.0", "5.1.0", "5.5.0", "5.3.0")
    return "hard" if vague and _GONE_WORDS.search(words) else "soft"


def _whose(message: Message, raw: bytes, keys: Keys, paths: ReturnPaths) -> int | None:
    for name in _ADDRESSED:
        for value in message.get_all(name, []):
            if (found := paths.delivery(str(value))) is not None:
                return found
    # The returned mail, whole or its headers, however it is wrapped: our header with our key is found as it is.
    text = raw.decode("ascii", "replace")
    for key in re.findall(rf"(?mi)^[> ]*{DELIVERY_HEADER}: *([A-Za-z0-9_-]+)", text):
        if (found := keys.read_delivery(key)) is not None:
            return found
    return paths.delivery(text)


def _read(message: Message) -> _Report | None:
    kinds = {part.get_content_type() for part in message.walk()}
    if "message/feedback-report" in kinds:
        return _Report("complained", words="reported as spam")
    for fields in _recipients(message):
        kind = _ACTIONS.get(fields.get("Action", "").split(";")[0].strip().lower())
        if kind:
            words = " ".join(fields.get("Diagnostic-Code", "").partition(";")[2].split())
            return _Report(kind, _best_status(fields.get("Status", ""), words), words)
    return None if _is_other(message) else _in_free_words(message)


def _recipients(message: Message) -> Iterator[Message]:
    """The fields about each recipient; a mail of ours has one, so the first with an action is ours."""
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            blocks = part.get_payload()
            # One that was encoded, against the rules, was left as text by the parser.
            if isinstance(blocks, list):
                yield from (block for block in blocks if isinstance(block, Message))


def _best_status(status: str, words: str) -> str:
    """The enhanced status: the report's own, or what the receiving server said where the report's says little."""
    own, said = _STATUS.search(status), _STATUS.search(words)
    if own and not own[0].endswith(".0.0"):
        return own[0]
    return said[0] if said else own[0] if own else ""


def _is_other(message: Message) -> bool:
    """Whether it is some other mail: a person's, or a machine's that answers for a person on holiday."""
    if _AUTOMATIC.search(message.get("Auto-Submitted", "")) and not message.get("X-Failed-Recipients"):
        return True
    sender = f"{message.get('From', '')} {message.get('Return-Path', '')}".lower()
    return not ("mailer-daemon" in sender or "postmaster" in sender or "<>" in sender)


def _in_free_words(message: Message) -> _Report | None:
    """A failure told in words (qmail, old Exim): by the first status or code in its own text, not the returned mail."""
    part = next((each for each in message.walk() if each.get_content_type() == "text/plain"), None)
    if part is None:
        return None
    payload = part.get_payload(decode=True)
    text = payload.decode("utf-8", "replace")[:_LONGEST_TEXT] if isinstance(payload, bytes) else ""
    text = re.split(r"(?mi)^(-+ ?(below this line|this is a copy|original message|returned message).*)$", text)[0]
    status, code = _STATUS.search(text), _CODE.search(text)
    gone = _GONE_WORDS.search(text)
    if not (status or code or gone):
        return None
    temporary = status[1] == "4" if status else bool(code and code[1] == "4")
    found = status or code or gone
    assert found is not None
    words = " ".join(text[max(found.start() - 20, 0) :][:300].split()) if not gone else gone[0]
    return _Report("deferred" if temporary else "bounced", status[0] if status else "", words)


def _date(message: Message, received_at: datetime) -> datetime:
    """When the report was written; never in the future, for clocks differ."""
    try:
        at = parsedate_to_datetime(message.get("Date", ""))
    except (TypeError, ValueError):
        return received_at
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), received_at)
