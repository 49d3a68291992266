"""Partner links: links to the coalition carry the partner's code, and never the coalition's own tracking."""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from daisychain.errors import InputError

# The pages of a delivery: opens, clicks, unsubscribing, preferences, viewing. They belong to one member of one list.
_OURS = re.compile(r"/(?:o|c|u|v|preferences)/[^/]+")
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term")
PARTNER = "partner"
_URL = re.compile(r"https?://[^\s\"'<>]+")


@dataclass(frozen=True)
class Marking:
    """Values to add to links that lead to one of `hosts`; nothing is added if `values` is empty."""

    hosts: frozenset[str] = frozenset()
    values: Mapping[str, str] = field(default_factory=dict)

    def marked(self, url: str) -> str:
        """Return `url` with the values added; values that it has already stay."""
        parts = urlsplit(url)
        if not self.values or parts.scheme not in ("http", "https") or parts.hostname not in self.hosts:
            return url
        given = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        more = urlencode({name: value for name, value in self.values.items() if name not in given}, quote_via=quote)
        return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, more)))))

    def in_text(self, text: str, *, html: bool = False) -> str:
        """Return `text`, which may be HTML, with the values added to each address in it."""
        if not self.values:
            return text

        def marked(match: re.Match[str]) -> str:
            url = match[0].rstrip(".,;:!?)")
            rest = match[0][len(url) :]
            if not html:
                return self.marked(url) + rest
            return htmllib.escape(self.marked(htmllib.unescape(url))) + rest

        return _URL.sub(marked, text)


def hosts_of(urls: Iterable[str], public_url: str) -> frozenset[str]:
    """Return the hosts of the coalition: its toolkit's links', and its own."""
    found = {urlsplit(url).hostname for url in (*urls, public_url)}
    return frozenset(host for host in found if host)


def refuse_traces(url: str, public_url: str) -> None:
    """Raise InputError for a link by which the coalition tracks or unsubscribes its own members."""
    parts, ours = urlsplit(url), urlsplit(public_url)
    if parts.hostname == ours.hostname and _OURS.match(parts.path):
        raise InputError(
            f"The link {url!r} tracks or unsubscribes one of the coalition's own members.",
            hint="It was copied out of a mail. Write the address that it leads to.",
        )
