"""The mail that SendGrid makes of one personalization: real MIME, with tracked links and pixel if tracking is on."""

from __future__ import annotations

import base64
import html
import re
import time
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from functools import cached_property
from typing import Any

ANCHOR = re.compile(r"<a\b[^>]*>", re.IGNORECASE)
HREF = re.compile(r"""(\bhref\s*=\s*["'])(https?://[^"']*)""", re.IGNORECASE)


@dataclass(frozen=True)
class Mail:
    """One recipient's copy; `number` counts all copies from 0. Costly parts are made on first use."""

    number: int
    body: dict[str, Any]
    personalization: dict[str, Any]
    message_id: str
    tracking_url: str
    taken_at: float = field(default_factory=time.time)

    @property
    def address(self) -> str:
        return str(self.personalization["to"][0]["email"])

    @property
    def sg_message_id(self) -> str:
        """Return the id in events: the answer's X-Message-Id, a dot, and a suffix that differs by recipient."""
        return f"{self.message_id}.recvd-7c5d7b5f4-xk2bq-1-{self.number:08X}.0"

    @property
    def custom_args(self) -> dict[str, str]:
        """Merge the custom arguments of request and personalization; the latter win."""
        return {**self.body.get("custom_args", {}), **self.personalization.get("custom_args", {})}

    @property
    def categories(self) -> list[str]:
        return list(self.body.get("categories", []))

    @cached_property
    def subject(self) -> str:
        return self._substituted(self.personalization.get("subject") or self.body["subject"])

    @cached_property
    def text(self) -> str:
        return self._content("text/plain")

    @cached_property
    def html(self) -> str:
        """Return the HTML that the reader gets, with tracked links and pixel."""
        return self._tracked(self._content("text/html"))

    @cached_property
    def links(self) -> list[str]:
        """Return the original URLs of the rewritten links in order; a link's position is the `index` of `url_offset`.

        It is not known whether the real service counts links that it does not rewrite; this one does not.
        """
        return [
            html.unescape(href.group(2))
            for anchor in ANCHOR.findall(self._content("text/html"))
            if self._rewrites(anchor) and (href := HREF.search(anchor))
        ]

    @property
    def headers(self) -> dict[str, str]:
        return {**self.body.get("headers", {}), **self.personalization.get("headers", {})}

    @cached_property
    def message(self) -> EmailMessage:
        """Build the mail as MIME."""
        # Headers stay on one line, however long.
        message = EmailMessage(policy=SMTP.clone(max_line_length=998))
        sender = self.personalization.get("from") or self.body["from"]
        message["From"] = _mailbox(sender)
        message["To"] = ", ".join(_mailbox(person) for person in self.personalization["to"])
        message["Subject"] = self.subject
        message["Message-ID"] = f"<{self.message_id}@fake.invalid>"
        if "reply_to" in self.body:
            message["Reply-To"] = _mailbox(self.body["reply_to"])
        for name, value in self.headers.items():
            message[name] = value
        if self.text:
            message.set_content(self.text)
        if self.html and self.text:
            message.add_alternative(self.html, subtype="html")
        elif self.html:
            message.set_content(self.html, subtype="html")
        return message

    def _content(self, kind: str) -> str:
        return self._substituted(next((part["value"] for part in self.body["content"] if part["type"] == kind), ""))

    def _substituted(self, text: str) -> str:
        # One tag after the other, so a later tag inside a value is replaced too.
        for tag, value in self.personalization.get("substitutions", {}).items():
            text = text.replace(tag, value)
        return text

    def _enabled(self, tracking: str) -> bool:
        # An account's own default is "on"; only an explicit setting turns it off.
        return bool(self.body.get("tracking_settings", {}).get(tracking, {}).get("enable", True))

    def _rewrites(self, anchor: str) -> bool:
        return self._enabled("click_tracking") and not re.search(
            r"clicktracking\s*=\s*[\"']?off", anchor, re.IGNORECASE
        )

    def _tracked(self, text: str) -> str:
        count = iter(range(10_000))

        def rewrite(anchor: re.Match[str]) -> str:
            if not self._rewrites(anchor.group()):
                return anchor.group()
            return HREF.sub(
                lambda href: f"{href.group(1)}{self.tracking_url}/ls/click?upn={self._token(next(count))}",
                anchor.group(),
            )

        text = ANCHOR.sub(rewrite, text)
        if not self._enabled("open_tracking"):
            return text
        pixel = f'<img src="{self.tracking_url}/wf/open?upn={self._token(0)}" alt="" width="1" height="1">'
        return text.replace("</body>", f"{pixel}</body>") if "</body>" in text else text + pixel

    def _token(self, place: int) -> str:
        return base64.urlsafe_b64encode(f"{self.number}.{place}".encode()).decode().rstrip("=")


def token_parts(token: str) -> tuple[int, int]:
    """Read the mail's number and the link's position from a token; raises ValueError."""
    number, place = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().split(".")
    return int(number), int(place)


def _mailbox(person: dict[str, str]) -> str:
    name = person.get("name", "").replace('"', "'")
    return f'"{name}" <{person["email"]}>' if name else person["email"]
