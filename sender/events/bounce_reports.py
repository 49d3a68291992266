"""Reads bounces that come by mail: delivery reports (RFC 3464), complaints (RFC 5965), and free text.

The key in the address that the report was sent to identifies the mail (`sender.providers.return_paths`). A report sent
to another address still has our header in the returned mail. A report without our key is ignored.
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

# Headers in which mail servers record the address a mail came to; `To` is written by the report's author.
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
# The mailbox or its domain does not exist. Every other failure may be temporary (a full mailbox) or about us (policy,
# spam filters, the sender's address); for these only the rule about repeated soft bounces suppresses.
_NO_MAILBOX = re.compile(r"5\.(1\.([1-3]|6|10)|2\.1|4\.4)")
_NO_MAILBOX_TEXT = re.compile(
    r"user unknown|unknown user|no such (user|recipient|mailbox|address|person)|no mailbox here|"
    r"(user|recipient|mailbox|address|account)( \S+)? "
    r"(does(n't| not) exist|not found|unknown|is disabled|has been disabled|is inactive)|"
    r"invalid (recipient|mailbox|address)|recipient address rejected: (user|undeliverable)",
    re.IGNORECASE,
)
# Autoresponders mark their mails (RFC 3834); a holiday reply is not a bounce.
_AUTOMATIC = re.compile(r"auto-(replied|notified)", re.IGNORECASE)
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class _Report:
    """One report about one recipient."""

    kind: Kind
    status: str = ""
    text: str = ""


def read_bounce(raw: bytes, keys: Keys, paths: ReturnPaths, received_at: datetime) -> IncomingEvent | None:
    """Read a mail in the mailbox for bounces; None if it is not a bounce of one of our mails. Never raises.

    Another copy of the same report has the same natural key.
    """
    message = message_from_bytes(raw, policy=compat32)
    report = _read(message)
    delivery_id = _delivery_of(message, raw, keys, paths) if report else None
    if report is None or delivery_id is None:
        return None
    return IncomingEvent(
        source=SOURCE,
        kind=report.kind,
        at=_date(message, received_at),
        natural_key=digest(SOURCE, delivery_id, report.kind, report.status, message.get("Message-ID", "")),
        delivery_id=delivery_id,
        bounce=severity(report.status, report.text) if report.kind == "bounced" else "",
        detail={name: value for name, value in (("status", report.status), ("reason", scrub(report.text))) if value},
        keyed=True,
    )


def severity(status: str, text: str) -> Literal["hard", "soft"]:
    """Tell hard from soft by the enhanced status (RFC 3463), or by the text if the status is vague."""
    if _NO_MAILBOX.fullmatch(status):
        return "hard"
    vague = status in ("", "5.0.0", "5.1.0", "5.5.0", "5.3.0")
    return "hard" if vague and _NO_MAILBOX_TEXT.search(text) else "soft"


def _delivery_of(message: Message, raw: bytes, keys: Keys, paths: ReturnPaths) -> int | None:
    for name in _ADDRESSED:
        for value in message.get_all(name, []):
            if (found := paths.delivery(str(value))) is not None:
                return found
    # The returned mail or its headers may be wrapped or quoted in any way; our header is found in the raw text.
    text = raw.decode("ascii", "replace")
    for key in re.findall(rf"(?mi)^[> ]*{DELIVERY_HEADER}: *([A-Za-z0-9_-]+)", text):
        if (found := keys.read_delivery(key)) is not None:
            return found
    return paths.delivery(text)


def _read(message: Message) -> _Report | None:
    kinds = {part.get_content_type() for part in message.walk()}
    if "message/feedback-report" in kinds:
        return _Report("complained", text="reported as spam")
    for fields in _recipients(message):
        kind = _ACTIONS.get(fields.get("Action", "").split(";")[0].strip().lower())
        if kind:
            text = " ".join(fields.get("Diagnostic-Code", "").partition(";")[2].split())
            return _Report(kind, _best_status(fields.get("Status", ""), text), text)
    return None if _is_other(message) else _in_free_text(message)


def _recipients(message: Message) -> Iterator[Message]:
    """Yield the fields about each recipient; our mails have only one."""
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            blocks = part.get_payload()
            # The parser leaves an encoded part as text (RFC 3464, 2.1 forbids encoding it).
            if isinstance(blocks, list):
                yield from (block for block in blocks if isinstance(block, Message))


def _best_status(status: str, diagnostic: str) -> str:
    """Return the report's enhanced status, or the receiving server's if the report's is vague (x.0.0)."""
    own, server = _STATUS.search(status), _STATUS.search(diagnostic)
    if own and not own[0].endswith(".0.0"):
        return own[0]
    return server[0] if server else own[0] if own else ""


def _is_other(message: Message) -> bool:
    """Whether it is not a bounce: a person's mail, or an autoresponder's."""
    if _AUTOMATIC.search(message.get("Auto-Submitted", "")) and not message.get("X-Failed-Recipients"):
        return True
    sender = f"{message.get('From', '')} {message.get('Return-Path', '')}".lower()
    return not ("mailer-daemon" in sender or "postmaster" in sender or "<>" in sender)


def _in_free_text(message: Message) -> _Report | None:
    """Read a failure in free text (qmail, old Exim) by the first status or code before the returned mail."""
    part = next((each for each in message.walk() if each.get_content_type() == "text/plain"), None)
    if part is None:
        return None
    payload = part.get_payload(decode=True)
    text = payload.decode("utf-8", "replace")[:_LONGEST_TEXT] if isinstance(payload, bytes) else ""
    text = re.split(r"(?mi)^(-+ ?(below this line|this is a copy|original message|returned message).*)$", text)[0]
    status, code = _STATUS.search(text), _CODE.search(text)
    no_mailbox = _NO_MAILBOX_TEXT.search(text)
    if not (status or code or no_mailbox):
        return None
    temporary = status[1] == "4" if status else bool(code and code[1] == "4")
    found = status or code or no_mailbox
    assert found is not None
    reason = no_mailbox[0] if no_mailbox else " ".join(text[max(found.start() - 20, 0) :][:300].split())
    return _Report("deferred" if temporary else "bounced", status[0] if status else "", reason)


def _date(message: Message, received_at: datetime) -> datetime:
    """Return when the report was written, but never a time in the future, as clocks differ."""
    try:
        at = parsedate_to_datetime(message.get("Date", ""))
    except (TypeError, ValueError):
        return received_at
    return min(at if at.tzinfo else at.replace(tzinfo=UTC), received_at)
