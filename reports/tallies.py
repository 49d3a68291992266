"""What the figures of one campaign are made of: the ledger's sums, the roll-ups' sums, and the clicks on each link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, and_, exists, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from daisychain.errors import StateError
from newsletters.compiled import CompiledEmail
from newsletters.tables import StoredEmail
from newsletters.tokens import Kind, Token
from sender.ledger import Ledger, read_ledger
from sender.tables import Campaign, HourRollup, LinkRollup, Rollup

# Only a provider tells these; one of them shows that its webhook reaches us.
_TOLD_BY_PROVIDERS = ("queued", "deferred", "delivered", "rejected", "bounced_hard", "bounced_soft", "complained")


@dataclass(frozen=True)
class People:
    """How many people of a campaign each thing is true of, members only; the columns of one query over the roll-ups.

    An open or a click proves that a mail arrived, whatever else was told about it.
    """

    arrived: int  # told delivered, or opened, or clicked; and not bounced for good
    told_delivered: int
    dropped: int
    hard_bounced: int
    soft_bounced: int
    bounced: int  # either way, and never opened or clicked
    complained: int
    unsubscribed: int
    opened: int  # by anybody or anything
    opened_human: int
    opened_unknown: int  # and not by a human
    opened_machine: int  # and by nobody else
    clicked: int
    clicked_and_opened: int


@dataclass(frozen=True)
class LinkClicks:
    """One tracked link of the email, or (number None) the clicks that fit none of them."""

    number: int | None
    text: str
    url: str
    clicks: int
    clickers: int


@dataclass(frozen=True)
class Tallies:
    """Everything counted about one campaign, from one snapshot."""

    campaign: RowMapping
    ledger: Ledger
    people: People
    links: list[LinkClicks]
    provider_spoke: bool
    as_of: datetime


def tally(connection: Connection, campaign_id: int) -> Tallies:
    """Count one campaign; raises StateError for one that is not there, not sent yet, or a test."""
    campaign = connection.execute(select(Campaign.__table__).where(Campaign.id == campaign_id)).mappings().one_or_none()
    if campaign is None:
        raise StateError(f"There is no campaign {campaign_id}.", hint="`daisychain campaign list` shows them.")
    if campaign["kind"] == "test":
        raise StateError(f"Campaign {campaign_id} is a test send; test sends are never counted.")
    if campaign["state"] == "draft":
        raise StateError(
            f"Campaign {campaign_id} has not been sent, so there is nothing to report.",
            hint=f"`daisychain campaign send {campaign_id}` sends it.",
        )
    now = connection.execute(select(_provider_spoke(campaign_id).label("spoke"), func.now().label("as_of"))).one()
    return Tallies(
        campaign=campaign,
        ledger=read_ledger(connection, campaign_id),
        people=_people(connection, campaign_id),
        links=_links(connection, campaign),
        provider_spoke=now.spoke,
        as_of=now.as_of,
    )


def _provider_spoke(campaign_id: int) -> ColumnElement[bool]:
    return exists().where(HourRollup.campaign_id == campaign_id, HourRollup.fact.in_(_TOLD_BY_PROVIDERS))


def _people(connection: Connection, campaign_id: int) -> People:
    human, unknown, machine = Rollup.human_opens > 0, Rollup.unknown_opens > 0, Rollup.machine_opens > 0
    opened, clicked = or_(human, unknown, machine), Rollup.clicks > 0
    seen = or_(opened, clicked)
    hard, soft = Rollup.hard_bounced_at.isnot(None), Rollup.soft_bounced_at.isnot(None)
    conditions = {
        "arrived": or_(seen, and_(Rollup.delivered_at.isnot(None), ~hard)),
        "told_delivered": Rollup.delivered_at.isnot(None),
        "dropped": Rollup.dropped_at.isnot(None),
        "hard_bounced": hard,
        "soft_bounced": and_(soft, ~hard),
        "bounced": and_(or_(hard, soft), ~seen),
        "complained": Rollup.complained_at.isnot(None),
        "unsubscribed": Rollup.unsubscribed_at.isnot(None),
        "opened": opened,
        "opened_human": human,
        "opened_unknown": and_(unknown, ~human),
        "opened_machine": and_(machine, ~human, ~unknown),
        "clicked": clicked,
        "clicked_and_opened": and_(clicked, human),
    }
    counts = [func.count().filter(condition).label(name) for name, condition in conditions.items()]
    return People(**connection.execute(select(*counts).where(Rollup.campaign_id == campaign_id)).mappings().one())


def _links(connection: Connection, campaign: RowMapping) -> list[LinkClicks]:
    content = connection.execute(
        select(StoredEmail.content).where(StoredEmail.id == campaign["compiled_id"])
    ).scalar_one()
    email = CompiledEmail.from_json(content)
    rows = connection.execute(select(LinkRollup.__table__).where(LinkRollup.campaign_id == campaign["id"])).all()
    # One that only machines clicked is none that people did.
    counted = {row.link: (row.clicks, row.clickers) for row in rows if row.clicks}
    links = [
        LinkClicks(
            link.index, link.text, _readable(email, link.url, campaign["public_url"]), *counted.pop(link.index, (0, 0))
        )
        for link in email.links
        if link.tracked
    ]
    if counted:
        other = [sum(each) for each in zip(*counted.values(), strict=True)]
        links.append(LinkClicks(None, "another link", "", other[0], other[1]))
    return links


def _readable(email: CompiledEmail, url: str, public_url: str) -> str:
    """A link's URL with the fields' names where each member has a value of their own."""
    names = {slot.index: "{" + ", ".join(slot.fields) + "}" for slot in email.slots}

    def written(piece: str | Token) -> str:
        if isinstance(piece, str):
            return piece
        return public_url if piece.kind is Kind.PUBLIC else names.get(piece.index, "{}")

    return "".join(written(piece) for piece in email.mint.split(url))
