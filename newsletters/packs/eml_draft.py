"""Drafts: a mail that a mailbox opens as a new message, its pictures inside."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from email.policy import SMTP
from functools import lru_cache

_KINDS = {"png": "png", "jpg": "jpeg", "gif": "gif", "webp": "webp"}
# By chance they would be others each time, and the same pack another file.
_ALTERNATIVE, _RELATED = "=_daisychain_0", "=_daisychain_1"


def draft(subject: str, page: str, text: str, pictures: Mapping[str, bytes], reply_to: str) -> bytes:
    """Return a draft, which has no sender, date or id yet; `page` shows each of `pictures` as `cid:` and its name."""
    html = _multipart(
        "related", _RELATED, [_words("html", page), *(_picture(name, content) for name, content in pictures.items())]
    )
    body = _multipart("alternative", _ALTERNATIVE, [_words("plain", text), html])
    return _heads(subject, reply_to) + b"MIME-Version: 1.0\r\n" + body


def _heads(subject: str, reply_to: str) -> bytes:
    # The package encodes and folds what is not ASCII. Parts it writes line by line: a third of a pack's time.
    message = EmailMessage(policy=SMTP)
    message["X-Unsent"] = "1"
    message["Subject"] = subject
    if reply_to:
        message["Reply-To"] = reply_to
    return message.as_bytes().removesuffix(b"\r\n")


def _multipart(kind: str, boundary: str, parts: Iterable[bytes]) -> bytes:
    between = f"\r\n--{boundary}".encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode()
    return head + b"".join(between + b"\r\n" + part for part in parts) + between + b"--\r\n"


def _words(kind: str, words: str) -> bytes:
    head = f'Content-Type: text/{kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    lines = words.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    return head.encode() + binascii.b2a_qp(lines)


@lru_cache(maxsize=64)  # a thousand drafts show the same pictures
def _picture(name: str, content: bytes) -> bytes:
    head = (
        f"Content-Type: image/{_KINDS[name.rpartition('.')[2]]}\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: inline; filename="{name}"\r\nContent-ID: <{name}>\r\n\r\n'
    )
    return head.encode() + base64.encodebytes(content).replace(b"\n", b"\r\n")
