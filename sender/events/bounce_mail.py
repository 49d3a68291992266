"""Takes apart mails that may be broken in any way: headers, parts, blocks of fields, and the text for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from html import unescape

from sender.events.bounce_wording import RETURNED

_LOCAL = r"[\w.!#$%&'*+/=?^`{|}~-]"
ADDRESS_PATTERN = rf"{_LOCAL}++@[\w-]++(?:\.[\w-]++)++"
# A word is taken whole, address or not: so a long one is read once.
_WORD = re.compile(rf"{_LOCAL}++(@[\w-]++(?:\.[\w-]++)++)?")
# An element ends before another of its kind, so that one without an end is read once.
_TAG = re.compile(r"(?is)<(style|script|head)\b(?:(?!<\1\b).)*?</\1\s*>|<br\s*/?>|</(?:p|div|td|tr|li|h\d)>|<[^<>@]*>")
_LONGEST_TEXT, _LONGEST_HEADER = 20_000, 5_000


def parse(raw: bytes) -> Message:
    """Parse a mail, without the returned mail in it if that is nested too deeply; raises RecursionError."""
    try:
        return message_from_bytes(raw, policy=compat32)
    except RecursionError:
        return message_from_bytes(re.split(rb"(?i)\ncontent-type: *message/rfc822", raw)[0], policy=compat32)


def header(message: Message, name: str) -> str:
    """Return a header unfolded and decoded (RFC 2047, or 8-bit); "" if it is missing, a broken one as it is."""
    value = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    # Words that are encoded in part, and were never ended, take the decoder quadratic time.
    text = _in_some_charset(value[:_LONGEST_HEADER].encode("utf-8", "surrogateescape"), "utf-8")
    if "=?" in text:
        with suppress(ValueError, LookupError, HeaderParseError):
            text = str(make_header(decode_header(text)))
    return " ".join(text.replace("\0", "").encode("utf-8", "replace").decode().split())


def addresses_in(text: str) -> list[str]:
    """Return the addresses in a text."""
    return [found[0] for found in _WORD.finditer(text) if found[1]]


def token(message: Message, name: str) -> str:
    """Return the first word of a header in lower case, without a comment or parameters."""
    return next(iter(re.findall(r"[\w-]+", header(message, name).lower())), "")


def written_at(message: Message, received_at: datetime) -> datetime:
    """Return when a mail was written, but never a time in the future, as clocks differ."""
    try:
        at = parsedate_to_datetime(header(message, "Date"))
        return min(at if at.tzinfo else at.replace(tzinfo=UTC), received_at)
    except (TypeError, ValueError, OverflowError, IndexError):
        return received_at


def parts_of(message: Message) -> Iterator[Message]:
    """Yield the parts that are no containers, but none of a mail that is attached or returned."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += [each for each in reversed(inner) if isinstance(each, Message)]
        else:
            yield part


def text_of(part: Message) -> str:
    """Return a part's text, decoded by its charset, or by another if that fails."""
    payload = part.get_payload(decode=True)
    return _in_some_charset(payload if isinstance(payload, bytes) else b"", part.get_content_charset() or "utf-8")


def _in_some_charset(raw: bytes, declared: str) -> str:
    """Decode bytes by the declared charset; old servers leave it out, or declare a wrong one."""
    for charset in (declared, "utf-8"):
        with suppress(LookupError, ValueError):
            return raw.decode(charset)
    return raw.decode("cp1252", "replace")


def fields_of(part: Message) -> list[Message]:
    """Return the blocks of fields in a part, whatever its type and encoding (RFC 6533 allows any, RFC 3464 none)."""
    blocks, encoding = part.get_payload(), header(part, "Content-Transfer-Encoding").lower()
    if isinstance(blocks, list):  # the parser splits `message/delivery-status` by itself, but without decoding it
        if part.get_content_type() == "message/delivery-status" and encoding not in ("base64", "quoted-printable"):
            return [block for block in blocks if isinstance(block, Message)]
        blocks = "\n\n".join(map(str, blocks))
    holder = Message()
    holder["Content-Transfer-Encoding"] = encoding
    holder.set_payload(str(blocks).strip())
    texts = re.split(r"\r?\n\s*\r?\n", text_of(holder).strip())
    return [message_from_string(f"{text}\n", policy=compat32) for text in texts]


def human_text(parts: Sequence[Message]) -> str:
    """Return the text before the returned mail, of the first part that has any; HTML without its tags."""
    for type_ in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == type_ and (text := text_of(part).strip()):
                text = text if type_ == "text/plain" else unescape(_TAG.sub("\n", text))
                return RETURNED.split(text[:_LONGEST_TEXT])[0]
    return ""
