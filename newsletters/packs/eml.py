"""Drafts: a mail that a mailbox opens as a new message, its pictures inside."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP

_KINDS = {"png": "png", "jpg": "jpeg", "gif": "gif", "webp": "webp"}


def draft(subject: str, page: str, text: str, pictures: Mapping[str, bytes], reply_to: str) -> bytes:
    """A draft; each of `pictures` stands in `page` as `cid:` and its name. It has no sender, date or id yet."""
    message = EmailMessage(policy=SMTP)
    message["X-Unsent"] = "1"
    message["Subject"] = subject
    if reply_to:
        message["Reply-To"] = reply_to
    message.set_content(text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
    html = message.get_payload()[1]  # type: ignore[index]
    for name, content in pictures.items():
        kind = _KINDS[name.rpartition(".")[2]]
        html.add_related(content, "image", kind, cid=f"<{name}>", disposition="inline", filename=name)  # type: ignore[union-attr]
    for number, part in enumerate(each for each in message.walk() if each.is_multipart()):
        part.set_boundary(f"=_daisychain_{number}")  # by itself it would be chance, and the same pack another file
    return message.as_bytes()
