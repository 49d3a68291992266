"""Which link of the compiled email a provider's click was on.

SendGrid tells the place of the link among those it rewrote, and the URL. The place counts only what this
person saw: a condition that hid a link moves the later ones up. The URL alone won't do, for two links may
lead to the same page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from newsletters.compiled import CompiledEmail
from newsletters.merge import MergePlan, References, link_url, plan_merge
from sender.mailed import compiled_of_delivery, load_emails
from sender.tables import Campaign, Delivery
from sender.tracking import absolute
from sender.vocabulary import Happening

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ANCHOR = re.compile(r'<a\b[^>]*?\bhref="\x01(\d+)\x02"', re.IGNORECASE)


def name_links(connection: Connection, happenings: Sequence[Happening]) -> None:
    """Fill in `compiled_id` and `link` for the clicks on mails of ours; a link that fits none stays empty."""
    clicks = [each for each in happenings if each.kind == "clicked" and each.delivery_id is not None]
    if not clicks:
        return
    rows = connection.execute(
        select(Delivery.id, Delivery.inputs, Campaign.public_url, compiled_of_delivery().label("compiled_id"))
        .join(Campaign, Campaign.id == Delivery.campaign_id)
        .where(Delivery.id.in_({click.delivery_id for click in clicks}))
    ).all()
    emails = load_emails(connection, {row.compiled_id for row in rows})
    plans = {compiled_id: _marked(email) for compiled_id, email in emails.items()}
    of = {row.id: row.compiled_id for row in rows}
    seen = {
        row.id: rewritten_links(plans[row.compiled_id], row.inputs, row.public_url)
        for row in rows
        if row.compiled_id in plans
    }
    for click in clicks:
        click.compiled_id = of.get(click.delivery_id or 0)
        click.link = _which(seen.get(click.delivery_id or 0, []), click)


def rewritten_links(plan: MergePlan, member: Mapping[str, Any], public_url: str) -> list[tuple[int, str]]:
    """The tracked links as one person saw them, in their order in the HTML: (index in the email, URL)."""
    html = _COMMENT.sub("", plan.render(member, "").html)
    found = [int(match[1]) for match in _ANCHOR.finditer(html)]
    urls = {index: absolute(link_url(plan.email, index, member, public_url), public_url) for index in set(found)}
    return [(index, urls[index]) for index in found if urls[index].lower().startswith("http")]


def _marked(email: CompiledEmail) -> MergePlan:
    """A plan whose tracked links read as their own numbers, between characters that no HTML holds."""
    return plan_merge(
        email,
        References(
            link=lambda link: f"\x01{link.index}\x02" if link.tracked else "",
            image=lambda image: "",
            unsubscribe="",
            view="",
        ),
    )


def _which(links: Sequence[tuple[int, str]], click: Happening) -> int | None:
    there = links[click.offset] if click.offset is not None and 0 <= click.offset < len(links) else None
    same = {index for index, url in links if url.rstrip("/") == click.url.rstrip("/")}
    if there and (there[0] in same or len(same) != 1):
        return there[0]
    return same.pop() if len(same) == 1 else None
