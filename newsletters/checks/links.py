"""Links: those that must be there, and those that lead nowhere for readers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletters.checks.finding import Finding, Subject
from newsletters.tokens import Kind

_NOT_PUBLIC = re.compile(r"(^|[.-])(localhost|staging|stage|test|dev|preview)([.-]|$)|\.(local|internal|test|invalid)$")


def check(subject: Subject) -> Iterator[Finding]:
    """Findings about links."""
    email = subject.email
    for kind, code, what in (
        (Kind.UNSUBSCRIBE, "links-unsubscribe", "unsubscribe link"),
        (Kind.VIEW, "links-view", "link to view it in the browser"),
    ):
        parts = {"HTML": email.html, "plain text": email.text}
        missing = [name for name, part in parts.items() if email.mint.write(kind) not in part]
        if missing:
            yield Finding(
                code, "error" if kind is Kind.UNSUBSCRIBE else "warning", subject.document.place("layout"),
                f"The {' and the '.join(missing)} has no {what}.",
                "Readers have a right to leave, and mailbox providers refuse mail without it."
                if kind is Kind.UNSUBSCRIBE else "Some mail programs show newsletters badly.",
                "Add it to the layout.",
            )  # fmt: skip
    seen = set()
    for link in email.links:
        if link.url not in seen:
            seen.add(link.url)
            yield from _address(subject, link.url, link.text)


def _address(subject: Subject, url: str, words: str) -> Iterator[Finding]:
    mint = subject.email.mint
    if mint.pattern("[SW]").match(url):
        return
    plain = mint.strip(url)
    parts = urlsplit(plain)
    place = subject.place_of(mint.pattern().split(url)[0])
    if not parts.scheme:
        yield Finding(
            "links-no-scheme", "error", place, f"The link {words!r} leads to {plain!r}, which is no web address.",
            "In a mail there is no page that it could be relative to.", "Begin it with https://.",
        )  # fmt: skip
    elif parts.scheme in ("http", "https"):
        host = parts.hostname or ""
        if not host or _NOT_PUBLIC.search(host) or _is_private(host):
            yield Finding(
                "links-not-public", "error", place, f"The link {words or plain!r} leads to {host or plain!r}.",
                "Readers can't reach a site that is on one's own machine or network.", "Use the public address.",
            )  # fmt: skip
        elif parts.scheme == "http":
            yield Finding(
                "links-not-secure", "warning", place, f"The link {words or plain!r} is http, not https.",
                "Browsers warn readers about it.", "Try the address with https://.",
            )  # fmt: skip


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host
