"""Reads bounces that come by mail: delivery reports (RFC 3464), complaints (RFC 5965), and free text.

The key in the address that the report was sent to identifies the mail (`sender.providers.return_paths`). A report sent
to another address still has our header in the returned mail. A report without our key is ignored.

A complaint suppresses its reader everywhere and can pause a campaign. Our header is in what readers forward, so with
only its key a complaint is less: it ends the membership, and is for a person to look at.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from html import unescape

from flufl.bounce import all_failures

from daisychain.scrub import scrub
from sender.event import IncomingEvent, Kind, digest
from sender.events import bounce_wording as wording
from sender.events.intake import address_key
from sender.links.keys import Keys
from sender.providers.mime import DELIVERY_HEADER
from sender.providers.return_paths import ReturnPaths
from sender.severity import find_status, plain, reply_code, severity

SOURCE = "smtp"
UNPROVEN = "reported as spam, with only the key of our header: unsubscribed from this list and not suppressed"

# It logs each detector it tries, and errors with what is in the mail.
logging.getLogger("flufl.bounce").disabled = True

# Headers in which mail servers record the address a mail came to; `To` is written by the report's author.
_ADDRESSED = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To")
_ACTIONS: dict[str, Kind] = {
    "failed": "bounced",
    "delayed": "deferred",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}
_STATUS_FIELD = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
# Of feedback reports (RFC 5965) only these say that the reader complains; others are not-spam, auth-failure, virus.
_FEEDBACK: dict[str, Kind] = {
    "abuse": "complained", "fraud": "complained", "opt-out": "unsubscribed", "opt-out-list": "unsubscribed",
}  # fmt: skip

_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_TAG = re.compile(r"(?is)<(style|script|head)\b.*?</\1\s*>|<br\s*/?>|</(?:p|div|td|tr|li|h\d)>|<[^>@]*>")
_LONGEST_TEXT = 20_000


@dataclass(frozen=True)
class _Report:
    """One report about one recipient."""

    kind: Kind
    status: str = ""
    text: str = ""
    about_another: bool = False  # a group's member, or where the reader forwards mail to


def read_bounce(
    raw: bytes,
    keys: Keys,
    paths: ReturnPaths,
    received_at: datetime,
    address_of: Callable[[int], str] = lambda delivery_id: "",
) -> IncomingEvent | None:
    """Read a mail in the mailbox for bounces; None if it is not a bounce of one of our mails.

    Another copy of the same report has the same natural key. `address_of` returns the address of a delivery. A report
    about another address is never hard: a group's member is gone, or the place that the reader forwards mail to.
    """
    message = _parse(raw)
    delivery_id, only_header = _delivery_of(message, raw, keys, paths)
    report = None if delivery_id is None else _read(message, address_of(delivery_id))
    if report is None or delivery_id is None:
        return None
    if report.kind == "complained" and only_header:
        report = replace(report, kind="unsubscribed", text=UNPROVEN)
    bounce = ""
    if report.kind == "bounced":
        bounce = "soft" if report.about_another else severity(report.status, report.text)
    return IncomingEvent(
        source=SOURCE,
        kind=report.kind,
        at=_date(message, received_at),
        natural_key=digest(SOURCE, delivery_id, report.kind, report.status, header(message, "Message-ID")),
        delivery_id=delivery_id,
        bounce=bounce,
        detail={name: value for name, value in (("status", report.status), ("reason", scrub(report.text))) if value},
        keyed=True,
    )


def _parse(raw: bytes) -> Message:
    """Parse a mail, without the returned mail in it if that is nested too deeply; raises RecursionError."""
    try:
        return message_from_bytes(raw, policy=compat32)
    except RecursionError:
        return message_from_bytes(re.split(rb"(?i)\ncontent-type: *message/rfc822", raw)[0], policy=compat32)


def header(message: Message, name: str) -> str:
    """Return a header unfolded and decoded (RFC 2047, or 8-bit); "" if it is missing, a broken one as it is."""
    value = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    text = _in_some_charset(value.encode("utf-8", "surrogateescape"), "utf-8")
    if "=?" in text:
        with suppress(ValueError, LookupError, HeaderParseError):
            text = str(make_header(decode_header(text)))
    return " ".join(text.replace("\0", "").encode("utf-8", "replace").decode().split())


def _in_some_charset(raw: bytes, declared: str) -> str:
    """Decode bytes by the declared charset; old servers leave it out, or declare a wrong one."""
    for charset in (declared, "utf-8"):
        with suppress(LookupError, ValueError):
            return raw.decode(charset)
    return raw.decode("cp1252", "replace")


def _delivery_of(message: Message, raw: bytes, keys: Keys, paths: ReturnPaths) -> tuple[int | None, bool]:
    """Return the delivery that a report is about, and whether only our header says so, and no envelope sender."""
    for name in _ADDRESSED:
        for value in message.get_all(name, []):
            if (found := paths.delivery(str(value))) is not None:
                return found, False
    # The returned mail or its headers may be wrapped or quoted in any way; our header is found in the raw text.
    text = "\n".join([raw.decode("ascii", "replace"), *(_decoded(part) for part in _parts(message))])
    named = re.findall(rf"(?mi)^[> ]*{DELIVERY_HEADER}:\s*([A-Za-z0-9_-]+)", text)
    in_headers, returned = keys.read_headers(named), paths.delivery(text)
    found = next((in_headers[key] for key in named if key in in_headers), returned)
    return found, found != returned


def _read(message: Message, address: str) -> _Report | None:
    parts = list(_parts(message))
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            kinds = [_FEEDBACK.get(header(block, "Feedback-Type").split(";")[0].lower()) for block in _fields(part)]
            kind: Kind | None = next(filter(None, kinds), None)
            return _Report(kind, text="reported as spam" if kind == "complained" else "opted out") if kind else None
    human = _human_text(parts)
    if report := _in_fields(parts, human, address):
        return report
    return _in_free_text(message, human, address) if _from_mail_system(message) else None


def _parts(message: Message) -> Iterator[Message]:
    """Yield the parts that are no containers, but none of a mail that is attached or returned."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += [each for each in reversed(inner) if isinstance(each, Message)]
        else:
            yield part


def _fields(part: Message) -> Iterator[Message]:
    """Yield the blocks of fields in a report's part, also if it is encoded (RFC 6533 allows it, RFC 3464 does not)."""
    blocks = part.get_payload()
    encoding = header(part, "Content-Transfer-Encoding").lower()
    if encoding not in ("base64", "quoted-printable") and part.get_content_type() == "message/delivery-status":
        yield from (block for block in blocks if isinstance(block, Message)) if isinstance(blocks, list) else ()
        return
    inner = "\n\n".join(map(str, blocks)) if isinstance(blocks, list) else str(blocks)
    holder = Message()
    holder["Content-Transfer-Encoding"] = encoding
    holder.set_payload(inner.strip())
    text = _decoded(holder)
    yield from (
        message_from_string(f"{block}\n", policy=compat32) for block in re.split(r"\r?\n\s*\r?\n", text.strip())
    )


def _in_fields(parts: Sequence[Message], human: str, address: str) -> _Report | None:
    """Read a standard report (RFC 3464): what it says about our recipient, else about another."""
    found: list[_Report] = []
    for part in parts:
        if part.get_content_type() not in ("message/delivery-status", "message/global-delivery-status"):
            continue
        for fields in _fields(part):
            kind = _ACTIONS.get(header(fields, "Action").split(";")[0].strip().lower())
            if kind is None:
                continue
            diagnostic = header(fields, "Diagnostic-Code")
            text = " ".join((diagnostic.partition(";")[2] or diagnostic).split())
            status = _best_status(header(fields, "Status"), text)
            named = _ADDRESS.findall(header(fields, "Final-Recipient"))
            another = bool(address and named and not any(_same(each, address) for each in named))
            vague = not status or status.endswith(".0.0")
            found.append(_Report(kind, status, text or (human if vague else ""), another))
    return min(found, key=lambda each: each.about_another, default=None)


def _best_status(status: str, diagnostic: str) -> str:
    """Return the report's enhanced status, or the receiving server's if the report's is vague (x.0.0)."""
    own, server = _STATUS_FIELD.match(status), find_status(f": {diagnostic}")
    if own and not own[1].endswith(".0.0"):
        return own[1]
    return server or (own[1] if own else "")


def _same(named: str, address: str) -> bool:
    """Whether two addresses are the same mailbox; servers may report it without the part after a plus sign."""
    one, other = (re.sub(r"\+[^@]*@", "@", address_key(each) or each.lower()) for each in (named, address))
    return one == other


def _from_mail_system(message: Message) -> bool:
    """Whether a mail without fields may be a bounce: not a person's, an autoresponder's or a ticket system's."""
    if header(message, "X-Failed-Recipients"):
        return True
    subject, sender = plain(header(message, "Subject")), plain(header(message, "From"))
    system, about_failure = bool(wording.MAIL_SYSTEM.search(sender)), bool(wording.BOUNCE_SUBJECT.search(subject))
    # A mail system repeats our own subject, which may ask for a confirmation.
    replies = wording.REPLY_SUBJECT.search(subject) and not (system and about_failure)
    if replies or any(message.get(name) for name in wording.MARKS) or "auto" in header(message, "Precedence").lower():
        return False
    if system:
        return True
    automatic = header(message, "Auto-Submitted").lower().startswith("auto-")
    null_sender = header(message, "Return-Path") == "<>" or not sender
    return null_sender and not automatic and about_failure


def _human_text(parts: Sequence[Message]) -> str:
    """Return the text before the returned mail, of the first part that has any; HTML without its tags."""
    for type_ in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == type_ and (text := _decoded(part).strip()):
                text = text if type_ == "text/plain" else unescape(_TAG.sub("\n", text))
                return wording.RETURNED.split(text[:_LONGEST_TEXT])[0]
    return ""


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return _in_some_charset(payload if isinstance(payload, bytes) else b"", part.get_content_charset() or "utf-8")


def _in_free_text(message: Message, text: str, address: str) -> _Report | None:
    """Read a failure in free text (qmail, old Exim, Domino): by status, code or wording, at last by flufl.bounce."""
    subject = header(message, "Subject")
    status, code = find_status(text), reply_code(text)
    words, gone = plain(f"{subject}\n{text}"), severity("", text) == "hard"
    reason = text if gone or status or code or severity("", subject) == "soft" else f"{subject}: {text}"
    if status or code:  # the line with it says why; the rest is how mail works in general
        reason = text[text.rfind("\n", 0, text.find(status or code)) + 1 :][:400]
    permanent = (status or code).startswith("5") or bool(wording.GAVE_UP.search(words))
    if not permanent and (status or code or wording.DELAYED.search(words)):
        return _Report("deferred", status, reason)
    failed = status or code or severity("", reason) == "hard" or wording.NOT_DELIVERED.search(plain(text))
    temporary, lasting = ((), ()) if failed else _flufl(message)
    if not failed and not lasting:
        return _Report("deferred", status, reason) if temporary else None
    return _Report("bounced", status, reason, _names_another(message, text, address))


def _flufl(message: Message) -> tuple[Collection[bytes], Collection[bytes]]:
    """Ask flufl.bounce, which knows many old formats, for the addresses that failed temporarily and permanently."""
    try:
        return all_failures(message)
    except Exception:  # one of its detectors: they expect well-formed mails
        return (), ()


def _names_another(message: Message, text: str, address: str) -> bool:
    """Whether the text is about other addresses, and not about the address that we wrote to."""
    failed = _ADDRESS.findall(header(message, "X-Failed-Recipients"))
    named = failed or re.findall(rf"(?m)^\s*[<\"]?({_ADDRESS.pattern})[>\"]?:?\s", f"{text}\n")
    return bool(address and named) and not any(_same(each, address) for each in [*named, *_ADDRESS.findall(text)])


def _date(message: Message, received_at: datetime) -> datetime:
    """Return when the report was written, but never a time in the future, as clocks differ."""
    try:
        at = parsedate_to_datetime(header(message, "Date"))
        return min(at if at.tzinfo else at.replace(tzinfo=UTC), received_at)
    except (TypeError, ValueError, OverflowError, IndexError):
        return received_at
