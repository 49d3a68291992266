"""Write a merged mail as MIME."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP

from newsletters.merge.merge import Merged

# Our mail is always UTF-8, in short lines: relays may break lines over 998 characters.
_CTE = "quoted-printable"


@dataclass(frozen=True)
class Embedded:
    """An image inside the message; the HTML refers to it as `cid:` and `name`."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


def build_message(
    merged: Merged,
    *,
    sender: str,
    to: str,
    reply_to: str = "",
    headers: Mapping[str, str] | None = None,
    images: Iterable[Embedded] = (),
) -> EmailMessage:
    """Return the message, with Date and Message-ID only if `headers` has them; raises ValueError for a line break."""
    message = EmailMessage(policy=SMTP)
    given = {"From": sender, "To": to, "Subject": merged.subject, "Reply-To": reply_to, **(headers or {})}
    for name, value in given.items():
        if value:
            message[name] = value
    message.set_content(merged.text, charset="utf-8", cte=_CTE)
    message.add_alternative(merged.html, subtype="html", charset="utf-8", cte=_CTE)
    page = message.get_payload()[1]  # type: ignore[index]
    for image in images:
        kind, _, subtype = image.media_type.partition("/")
        page.add_related(  # type: ignore[union-attr]
            image.content, kind, subtype, cid=f"<{image.name}>", disposition="inline", filename=image.name
        )
    return message
