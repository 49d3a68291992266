"""The clicks on each link of a campaign, whose languages each have their own links.

A link in one language and one in another are the same link if both emails have equally many links and these two have
the same place, or else if both lead to the same address. A link without a match is shown with its language.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from newsletters.compiled import CompiledEmail
from newsletters.tokens import Kind, Token, holds_values
from sender.campaigns.campaign_record import CampaignRecord
from sender.delivery.campaign_emails import emails_of
from sender.links.sent_mail import load_emails
from sender.tables import Delivery, EarlyPerson, LinkClicker, LinkRollup


@dataclass(frozen=True)
class LinkClicks:
    """One tracked link of the email, or (number None) the clicks that match none of them.

    `language` is empty unless only that language has the link; `own_values` is set if its address holds a member's.
    """

    number: int | None
    text: str
    url: str
    clicks: int
    clickers: int
    language: str = ""
    own_values: bool = False


def count_links(connection: Connection, campaign: CampaignRecord) -> list[LinkClicks]:
    """Return the links of a campaign in the order of its email in the fallback language; clickers are accepted."""
    emails = emails_of(connection, campaign.id)
    others = _other_clickers(connection, campaign)
    counted = {
        key: (clicks, clickers - others.get(key, 0))
        for key, (clicks, clickers) in _counted(connection, campaign.id).items()
    }
    made = load_emails(connection, emails.all())
    found = {
        id_: [
            LinkClicks(
                link.index, link.text, _readable(email, link.url, campaign.public_url),
                *counted.pop((id_, link.index), (0, 0)), own_values=holds_values(link.url),
            )
            for link in email.links
            if link.tracked
        ]
        for id_, email in made.items()
    }  # fmt: skip
    lines = found.pop(emails.fallback)
    for language, id_ in emails.ids.items():
        lines = join_links(lines, found.get(id_, []), language)
    # What is left was clicked, but is no tracked link of the email.
    if counted:
        other = [sum(each) for each in zip(*counted.values(), strict=True)]
        lines.append(LinkClicks(None, "another link", "", other[0], other[1]))
    return lines


def _counted(connection: Connection, campaign_id: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Return (clicks, clickers) by compiled email and link, if there are any clicks."""
    columns = (LinkRollup.compiled_id, LinkRollup.link, LinkRollup.clicks, LinkRollup.clickers)
    rows = connection.execute(select(*columns).where(LinkRollup.campaign_id == campaign_id, LinkRollup.clicks > 0))
    return {(row.compiled_id, row.link): (row.clicks, row.clickers) for row in rows}


def _other_clickers(connection: Connection, campaign: CampaignRecord) -> dict[tuple[int, int], int]:
    """Count the clickers who are not accepted in the ledger, by compiled email and link."""
    compiled = func.coalesce(Delivery.compiled_id, campaign.compiled_id).label("compiled")
    rows = connection.execute(
        select(compiled, LinkClicker.link, func.count())
        .select_from(EarlyPerson)
        .join(Delivery, Delivery.id == EarlyPerson.delivery_id)
        .join(LinkClicker, LinkClicker.delivery_id == EarlyPerson.delivery_id)
        .where(EarlyPerson.campaign_id == campaign.id, Delivery.state != "accepted")
        .group_by(compiled, LinkClicker.link)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def join_links(lines: list[LinkClicks], links: Sequence[LinkClicks], language: str) -> list[LinkClicks]:
    """Add the clicks of another language's links to `lines`; a link without a match gets a line of its own."""
    common = [line for line in lines if not line.language]
    single = lines[len(common) :]
    for link, place in zip(links, _matches(common, links), strict=True):
        if place is None:
            single.append(replace(link, language=language))
        else:
            line = common[place]
            common[place] = replace(line, clicks=line.clicks + link.clicks, clickers=line.clickers + link.clickers)
    return common + single


def _matches(common: Sequence[LinkClicks], links: Sequence[LinkClicks]) -> list[int | None]:
    """Return for each of `links` the place of its match in `common`, if it has one."""
    if len(links) == len(common):
        return list(range(len(links)))
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(common):
        places[line.url].append(place)
    return [places[link.url].pop(0) if places[link.url] else None for link in links]


def _readable(email: CompiledEmail, url: str, public_url: str) -> str:
    """Return a link's URL with the names of its fields in place of members' values."""
    names = {slot.index: "{" + ", ".join(slot.fields) + "}" for slot in email.slots}

    def written(piece: str | Token) -> str:
        if isinstance(piece, str):
            return piece
        return public_url if piece.kind is Kind.PUBLIC else names.get(piece.index, "{}")

    return "".join(written(piece) for piece in email.mint.split(url))
