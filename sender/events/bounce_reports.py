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
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import Message

from flufl.bounce import all_failures

from daisychain.scrub import scrub
from lists.addresses import address_key
from sender.event import IncomingEvent, Kind, digest
from sender.events import bounce_wording as wording
from sender.events.bounce_mail import (
    ADDRESS_PATTERN,
    addresses_in,
    fields_of,
    header,
    human_text,
    parse,
    parts_of,
    text_of,
    token,
    written_at,
)
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
# By the class of the status, for reports whose action is missing.
_CLASSES: dict[str, Kind] = {"5": "bounced", "4": "deferred"}
_STATUS_FIELD = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_FIELDS = re.compile(r"(?mi)^final-recipient:.*\n(?:(?!final-recipient:|status:|action:).+\n)*+(?:status|action):")
# Of feedback reports (RFC 5965) only these say that the reader complains; others are not-spam, auth-failure, virus.
_FEEDBACK: dict[str, Kind] = {
    "abuse": "complained", "fraud": "complained", "opt-out": "unsubscribed", "opt-out-list": "unsubscribed",
}  # fmt: skip


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
    message = parse(raw)
    delivery_id, only_header, one_key = _delivery_of(message, raw, keys, paths)
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
        at=written_at(message, received_at),
        natural_key=digest(SOURCE, delivery_id, report.kind, report.status, header(message, "Message-ID")),
        delivery_id=delivery_id,
        bounce=bounce,
        detail={name: value for name, value in (("status", report.status), ("reason", scrub(report.text))) if value},
        keyed=True,
        one_key=one_key,
    )


def _delivery_of(message: Message, raw: bytes, keys: Keys, paths: ReturnPaths) -> tuple[int | None, bool, bool]:
    """Return the delivery that a report is about, whether only our header says so, and whether by a mail's one key."""
    for name in _ADDRESSED:
        for value in message.get_all(name, []):
            if (found := paths.delivery(str(value))) is not None:
                return found, False, False
    # The returned mail or its headers may be wrapped or quoted in any way; our header is found in the raw text.
    text = "\n".join([raw.decode("ascii", "replace"), *map(text_of, parts_of(message))])
    named = re.findall(rf"(?mi)^[> ]*{DELIVERY_HEADER}:\s*([A-Za-z0-9_-]+)", text)
    in_headers, returned = keys.read_headers(named), paths.delivery(text)
    found, one_key = next((in_headers[key] for key in named if key in in_headers), (returned, False))
    return found, found != returned, one_key and found != returned


def _read(message: Message, address: str) -> _Report | None:
    parts = list(parts_of(message))
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            kinds = (_FEEDBACK.get(token(block, "Feedback-Type")) for block in fields_of(part))
            return _feedback(next(filter(None, kinds), None))
    if wording.MICROSOFT_FEEDBACK in header(message, "From").lower():  # sends no feedback report, only our mail
        return _feedback("complained")
    system = _from_mail_system(message, address)
    human = human_text(parts)
    reports = list(_in_fields(parts, human, address, system=system))
    if reports:  # what they say about our recipient, else about another
        return min(reports, key=lambda each: (each.about_another, each.kind != "bounced"))
    return _in_free_text(message, _about(address, human), address) if system else None


def _feedback(kind: Kind | None) -> _Report | None:
    return _Report(kind, text="reported as spam" if kind == "complained" else "opted out") if kind else None


def _in_fields(parts: Sequence[Message], human: str, address: str, *, system: bool) -> Iterator[_Report]:
    """Yield what a standard report (RFC 3464) says of each recipient.

    Its fields may be in a part of another type, or the parts have no boundary: then it must be from a mail system.
    """
    for part in parts:
        standard = part.get_content_type() in ("message/delivery-status", "message/global-delivery-status")
        if not standard and not (system and _FIELDS.search(text_of(part))):
            continue
        for fields in fields_of(part):
            diagnostic = header(fields, "Diagnostic-Code")
            text = " ".join((diagnostic.partition(";")[2] or diagnostic).split())
            status = _best_status(header(fields, "Status"), text)
            final, action = header(fields, "Final-Recipient"), token(fields, "Action")
            if kind := _ACTIONS.get(action) or (_CLASSES.get(status[:1]) if final and not action else None):
                named = addresses_in(final)
                another = bool(address and named) and not any(_same(each, address) for each in named)
                vague = not status or status.endswith(".0.0")
                text = text or (_about(address, human) if vague else "")
                yield _Report(kind, status, text, another)


def _best_status(status: str, diagnostic: str) -> str:
    """Return the report's enhanced status, or the receiving server's if the report's is vague (x.0.0)."""
    own, server = _STATUS_FIELD.match(status), find_status(f": {diagnostic}")
    if own and not own[1].endswith(".0.0"):
        return own[1]
    return server or (own[1] if own else "")


def _same(named: str, address: str) -> bool:
    """Whether two addresses are the same mailbox; servers may report it without the part after a plus sign."""
    both = (each.strip("'") for each in (named, address))
    one, other = (re.sub(r"\+[^@]*@", "@", address_key(each) or each.lower()) for each in both)
    return one == other


def _from_mail_system(message: Message, address: str) -> bool:
    """Whether a mail without fields may be a bounce: not a person's, an autoresponder's or a ticket system's."""
    if header(message, "X-Failed-Recipients"):
        return True
    subject, sender = plain(header(message, "Subject")), plain(header(message, "From"))
    if address and any(_same(each, address) for each in addresses_in(sender)):
        return False  # the person whom we wrote to, or their autoresponder
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


_LISTED = re.compile(rf"(?m)^[ \t]*[<\"']?({ADDRESS_PATTERN})[>\"']?:?(?=\s|$)")


def _about(address: str, text: str) -> str:
    """Return the section of a text that is about an address, if it lists several; else the whole text."""
    listed = list(_LISTED.finditer(text))
    ours = [bool(address) and _same(each[1], address) for each in listed]
    if not any(ours) or all(ours):
        return text
    ends = [each.start() for each in listed[1:]] + [len(text)]
    return "\n".join(
        text[each.start() : end].strip() for each, end, mine in zip(listed, ends, ours, strict=True) if mine
    )


def _in_free_text(message: Message, text: str, address: str) -> _Report | None:
    """Read a failure in free text (qmail, old Exim, Domino): by status, code or wording, at last by flufl.bounce."""
    subject = header(message, "Subject")
    status, code = find_status(text), reply_code(text)
    words, gone = plain(f"{subject}\n{text}"), severity("", text) == "hard"
    reason = text if gone or status or code or severity("", subject) == "soft" else f"{subject}: {text}"
    if status or code:  # the paragraph's lines from there on say why; the rest is how mail works in general
        start = text.rfind("\n", 0, text.find(status or code)) + 1
        reason = re.split(r"\n\s*\n", text[start:])[0][:400]
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
    failed = addresses_in(header(message, "X-Failed-Recipients"))
    named = failed or [*_LISTED.findall(text), *(addresses_in(text) if _LISTED.search(text) else ())]
    return bool(address and named) and not any(_same(each, address) for each in named)
