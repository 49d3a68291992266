"""Builds MIME mails as bytes: the parts that a batch shares are encoded once, then each person's values are spliced in.

Quoted-printable allows this: a soft line break before and after each value keeps its encoding independent of the text
around it. The email package takes several milliseconds a mail, this takes microseconds.
"""

from __future__ import annotations

import binascii
import re
import secrets
import time
from base64 import b64encode, encodebytes
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache

from newsletters.merge.merge import KEY
from sender.providers.provider import Mailing, Recipient

DELIVERY_HEADER = "X-Daisychain-Delivery"

# Lines may have 76 characters (RFC 2045, 6.7); one is reserved for the `=` of a soft line break.
_LONGEST_LINE = 75
# Most values need no encoding. SMTP would take a dot at the start of a line for its end mark (RFC 5321, 4.5.2).
_PLAIN = re.compile(r"(?!\.)[ !-<>-~]{1,75}")
_PLAIN_SUBJECT = re.compile(r"(?!.*=\?)[ -~]{0,60}")
# Bytes in one encoded word: with `=?utf-8?b?` and `?=` it stays under RFC 2047's limit of 75 characters.
_WORD = 39
# Bytes of encoded values to cache: many people have the same value, and encoding is a third of the work.
_CACHE_BYTES = 4_000_000


class MimeSkeleton:
    """The encoded parts that all mails of a batch share; `message` adds one person's values. Safe in threads."""

    def __init__(self, mailing: Mailing) -> None:
        plan = mailing.plan
        self._values = plan.values
        self._quoted = _Quoted()
        boundary = f"=_{secrets.token_hex(16)}"
        kind = f'multipart/alternative; boundary="{boundary}"'
        around, behind = "", ""
        if mailing.pictures:
            outer = f"=_{secrets.token_hex(16)}"
            around = f"--{outer}\r\nContent-Type: {kind}\r\n\r\n"
            behind = "".join(f"--{outer}\r\n{_picture(*each)}" for each in mailing.pictures) + f"--{outer}--\r\n"
            kind = f'multipart/related; type="multipart/alternative"; boundary="{outer}"'
        self._domain = mailing.from_address.rpartition("@")[2]
        self._head = _shared_headers(mailing) + f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n{around}".encode()
        headers = mailing.headers(mailing.unsubscribe_url)
        headers.pop("List-Id", None)  # is in the shared headers, as it may need encoding
        self._own = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._subject = _split(mailing.subject_prefix + plan.tagged_subject, plan.tags)
        pieces: list[bytes | str] = []
        for subtype, text in (("plain", plan.tagged_text), ("html", plan.tagged_html)):
            kind = f"text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
            pieces.append(f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode())
            pieces.extend(piece if tag else quoted(piece) for piece, tag in _split(text, plan.tags))
            pieces.append(b"\r\n")
        pieces.append(f"--{boundary}--\r\n{behind}".encode())
        self._pieces = [piece if isinstance(piece, bytes) else b"" for piece in pieces]
        self._holes = [(place, piece) for place, piece in enumerate(pieces) if isinstance(piece, str)]

    def message(self, person: Recipient) -> bytes:
        """Build one person's mail with CRLF line ends; raises ValueError as `ascii_address` does.

        No line begins with a dot, so SMTP can send it unchanged.
        """
        values = self._values(person.inputs, person.keys)
        subject = "".join(values[piece] if tag else piece for piece, tag in self._subject)
        own = (
            f"To: {ascii_address(person.address)}\r\nSubject: {_encoded_subject(subject)}\r\n"
            f"Message-ID: <{person.message_key}@{self._domain}>\r\nDate: {_date(int(time.time()))}\r\n"
            f"{DELIVERY_HEADER}: {person.header_key}\r\n{self._own.replace(KEY, person.keys.unsubscribe)}"
        )
        body = self._pieces.copy()
        for place, tag in self._holes:
            body[place] = self._quoted[values[tag]]
        return b"".join([own.encode("ascii"), self._head, *body])


def _picture(name: str, content: bytes) -> str:
    lines = encodebytes(content).decode("ascii").replace("\n", "\r\n")
    file = f"{name.partition('@')[0]}.png"
    return (
        f'Content-Type: image/png\r\nContent-ID: <{name}>\r\nContent-Disposition: inline; filename="{file}"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{lines}"
    )


class _Quoted(dict[str, bytes]):
    """A cache for `quoted`, cleared when it is full. Safe in threads."""

    def __init__(self) -> None:
        super().__init__()
        self._room = _CACHE_BYTES

    def __missing__(self, text: str) -> bytes:
        found = quoted(text)
        self._room -= len(found)
        if self._room < 0:
            self.clear()
            self._room = _CACHE_BYTES
        self[text] = found
        return found


def quoted(text: str) -> bytes:
    """Encode `text` in quoted-printable, ending in a soft line break so that anything can follow.

    No line begins with a dot.
    """
    if _PLAIN.fullmatch(text):
        return text.encode("ascii") + b"=\r\n"
    if not text:
        return b""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    encoded = b"\n" + binascii.b2a_qp(text.encode())
    while b"\n." in encoded:  # repeated, as "..." needs it for each dot
        encoded = encoded.replace(b"\n.", b"\n=2E=\n")
    if len(encoded) - encoded.rfind(b"\n") - 1 > _LONGEST_LINE:
        # Do not cut an encoded byte (=XX) in two.
        at = len(encoded) - (3 if encoded[-3:-2] == b"=" else 1)
        encoded = encoded[:at] + b"=\n" + encoded[at:]
    return encoded[1:].replace(b"\n", b"\r\n") + b"=\r\n"


def ascii_address(address: str) -> str:
    """Return `address` with its domain in ASCII (IDNA); raises ValueError if no header can hold it."""
    local, at, domain = address.rpartition("@")
    if not at or not local.isascii() or re.search(r"[\s<>\x00-\x1f\x7f]", address):
        raise ValueError("the address can't be written in ASCII")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


def _split(text: str, tags: tuple[str, ...]) -> list[tuple[str, bool]]:
    """Split `text` into pieces, each with whether it is a tag."""
    if not tags:
        return [(text, False)]
    known = frozenset(tags)
    pieces = re.split(f"({'|'.join(map(re.escape, sorted(tags, key=len, reverse=True)))})", text)
    return [(piece, piece in known) for piece in pieces if piece]


def _shared_headers(mailing: Mailing) -> bytes:
    """Encode the headers that are the same for everybody, folded by the email package."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(mailing.from_name, addr_spec=ascii_address(mailing.from_address))
    if mailing.reply_to:
        message["Reply-To"] = Address(addr_spec=ascii_address(mailing.reply_to))
    if mailing.list_id:
        message["List-Id"] = mailing.list_id
    return message.as_bytes().removesuffix(b"\r\n")


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second).astimezone())


def _encoded_subject(subject: str) -> str:
    """Encode `subject` as a header value: as it is if short ASCII, else in encoded words (RFC 2047), one a line."""
    if _PLAIN_SUBJECT.fullmatch(subject):
        return subject
    left = re.sub(r"[\r\n\x00]+", " ", subject).encode()
    words = []
    while left:
        end = min(_WORD, len(left))
        while end < len(left) and left[end] & 0xC0 == 0x80:  # do not cut a character in two
            end -= 1
        words.append(f"=?utf-8?b?{b64encode(left[:end]).decode()}?=")
        left = left[end:]
    return "\r\n ".join(words)
