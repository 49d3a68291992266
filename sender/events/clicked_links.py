"""Finds the link of the compiled email that a provider's click belongs to.

SendGrid reports the link's position among the links it rewrote, and the URL. The position counts only links that this
person saw: a condition that hides a link moves the later ones up. The URL is not enough, as two links may be equal. A
click on another address is no click on the mail, whatever its position.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy import Connection, select

from daisychain.cache import Cache
from daisychain.urls import absolute_url
from newsletters.compiled import CompiledEmail
from newsletters.merge.merge import References, link_url, plan_merge
from newsletters.tables import StoredEmail
from newsletters.tokens import CONDITIONALS, Kind
from sender.event import IncomingEvent
from sender.events.reader_rules import OTHER_ADDRESS, class_of
from sender.links.sent_mail import compiled_of_delivery, load_emails
from sender.tables import Campaign, Delivery

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_NUMBER = re.compile(r"(\d+) ")


class TrackedLinks:
    """The tracked links of one compiled email, as each person saw them."""

    def __init__(self, email: CompiledEmail) -> None:
        self._email = email
        # Render only links and the conditions around them: rendering whole pages would be most of the work.
        link, condition = email.mint.pattern(Kind.LINK), email.mint.pattern(f"[{''.join(CONDITIONALS)}]")
        wanted = re.compile(rf'<a\b[^>]*?\bhref="({link.pattern})"|({condition.pattern})', re.IGNORECASE)
        found = (match[1] or match[4] for match in wanted.finditer(_COMMENT.sub("", email.html)))
        self._plan = plan_merge(
            replace(email, subject="", text="", html="".join(found)),
            References(
                link=lambda link: f"{link.index} " if link.tracked else "",
                image=lambda image: "", unsubscribe="", view="",
            ),
        )  # fmt: skip
        tokens = email.mint.pattern()
        self._same_for_all = {link.index: link.url for link in email.links if not tokens.search(link.url)}

    def seen_by(self, member: Mapping[str, Any], public_url: str) -> list[tuple[int, str]]:
        """Return the links that a member saw, in their order in the HTML: (index in the email, URL)."""
        found = [int(index) for index in _NUMBER.findall(self._plan.render(member).html)]
        urls = {index: self._url(index, member, public_url) for index in set(found)}
        return [(index, urls[index]) for index in found if urls[index].lower().startswith("http")]

    def _url(self, index: int, member: Mapping[str, Any], public_url: str) -> str:
        url = self._same_for_all.get(index)
        return absolute_url(link_url(self._email, index, member, public_url) if url is None else url, public_url)


# By the email's hash, which covers everything used here.
_tracked_links: Cache[TrackedLinks] = Cache(32)


def match_clicked_links(connection: Connection, events: Sequence[IncomingEvent]) -> None:
    """Fill in `compiled_id` and `link` of clicks in our mails; without a matching link, a click is no person's."""
    clicks = [each for each in events if each.kind == "clicked" and each.delivery_id is not None]
    if not clicks:
        return
    rows = connection.execute(
        select(Delivery.id, Delivery.inputs, Campaign.public_url, compiled_of_delivery().label("compiled_id"))
        .join(Campaign, Campaign.id == Delivery.campaign_id)
        .where(Delivery.id.in_({click.delivery_id for click in clicks}))
    ).all()
    links = _links_of(connection, {row.compiled_id for row in rows})
    compiled = {row.id: row.compiled_id for row in rows}
    seen = {
        row.id: links[row.compiled_id].seen_by(row.inputs, row.public_url) for row in rows if row.compiled_id in links
    }
    for click in clicks:
        click.compiled_id = compiled.get(click.delivery_id or 0)
        click.link = _match(seen.get(click.delivery_id or 0, []), click)
        if click.link is None:
            click.open_class, click.rules = class_of([*click.rules.split(), OTHER_ADDRESS])


def _links_of(connection: Connection, compiled_ids: set[int]) -> dict[int, TrackedLinks]:
    hashes = connection.execute(select(StoredEmail.id, StoredEmail.hash).where(StoredEmail.id.in_(compiled_ids))).all()
    return {row.id: _tracked_links.get(row.hash, partial(_read, connection, row.id)) for row in hashes}


def _read(connection: Connection, compiled_id: int) -> TrackedLinks:
    return TrackedLinks(load_emails(connection, [compiled_id])[compiled_id])


def _match(links: Sequence[tuple[int, str]], click: IncomingEvent) -> int | None:
    at_offset = links[click.offset][0] if click.offset is not None and 0 <= click.offset < len(links) else None
    if not click.url:
        return at_offset
    clicked, query = _address(click.url)
    addresses = [(index, *_address(url)) for index, url in links]
    same = {index for index, address, pairs in addresses if address == clicked and pairs == query}
    # SendGrid may add parameters, for Google Analytics.
    same = same or {index for index, address, pairs in addresses if address == clicked and pairs <= query}
    return at_offset if at_offset in same else min(same, default=None)


@lru_cache(maxsize=4096)
def _address(url: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return an address and its parameters as they compare: providers encode them their own way."""
    try:
        parts = urlsplit(unescape(url.strip()))
    except ValueError:  # no address
        return url, frozenset()
    place = f"{parts.scheme.lower()}://{parts.netloc.lower()}{unquote(parts.path).rstrip('/')}"
    return place, frozenset(parse_qsl(parts.query, keep_blank_values=True))
