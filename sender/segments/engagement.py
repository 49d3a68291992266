"""Conditions of segments about the last campaigns to a list: was sent, opened, clicked.

A scanner's click is no click, and only a person's opening counts; somebody who clicked has opened. It is unknown (NULL)
what somebody did not do with a campaign whose opens or clicks were not counted, or only together with others'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Subquery,
    case,
    false,
    func,
    null,
    or_,
    select,
    true,
    tuple_,
    union,
)

from lists.audience import Narrowing
from lists.segments.segment_sql import Term
from lists.segments.segment_tree import Engaged
from sender.delivery.campaign_emails import emails_of
from sender.links.reader_groups import MODES, is_without_person
from sender.links.sent_mail import load_emails
from sender.tables import Campaign, Delivery, LinkClicker, Rollup

CampaignRow = Row[*tuple[Any, ...]]
Members = Select[int | None]

MOST = 100  # campaigns that a question without a number is about


def engagement(connection: Connection, but: int | None = None) -> Mapping[str, Term]:
    """Return the terms about engagement that a question may have; the campaign `but` is none of the last ones."""
    return dict.fromkeys(("opened", "clicked", "was sent"), partial(_term, connection, but))


def _term(connection: Connection, but: int | None, list_id: int, asked: Engaged) -> Narrowing:
    campaigns = _last(connection, but, list_id, asked.campaigns or MOST)
    if not campaigns:
        return Narrowing(false())
    if asked.what == "was sent":
        sent = _members([_sent(each) for each in campaigns])
        return Narrowing(sent.c.member_id.is_not(None), (sent,))
    did = partial(_clicked, connection, asked.link) if asked.what == "clicked" else _opened
    yes = _members([did(each) for each in campaigns])
    hidden = [found for each in campaigns if (found := _hidden(each, asked.what)) is not None]
    if not hidden:
        return Narrowing(yes.c.member_id.is_not(None), (yes,))
    unknown = _members(hidden)
    known = case((yes.c.member_id.is_not(None), true()), (unknown.c.member_id.is_not(None), null()), else_=false())
    return Narrowing(known, (yes, unknown))


def _last(connection: Connection, but: int | None, list_id: int, most: int) -> Sequence[CampaignRow]:
    """Return the last campaigns whose audience was written down."""
    columns = (Campaign.id, Campaign.first_delivery, Campaign.last_delivery, Campaign.opens, Campaign.clicks)
    found = select(*columns, Campaign.tracking, Campaign.compiled_id).where(
        Campaign.list_id == list_id, Campaign.kind == "campaign", Campaign.frozen_at.is_not(None),
        Campaign.first_delivery.is_not(None), Campaign.id != (but or 0),
    )  # fmt: skip
    return connection.execute(found.order_by(Campaign.frozen_at.desc(), Campaign.id.desc()).limit(most)).all()


def _hidden(campaign: CampaignRow, what: str) -> Members | None:
    """Select the members who got a campaign while nothing recorded whether they read it; None for nobody."""
    if (campaign.clicks if what == "clicked" else campaign.opens) == "off":
        return _sent(campaign)
    return _sent(campaign).where(is_without_person(campaign.tracking)) if campaign.tracking in MODES else None


def _members(of_each: Sequence[Members]) -> Subquery:
    """Return the members that one or more of these selects find, once each: a campaign has each person once."""
    return (of_each[0] if len(of_each) == 1 else union(*of_each)).subquery()


def _sent(campaign: CampaignRow) -> Members:
    """Select the members whose mail the provider accepted.

    By the range of its deliveries only, as they have no index but their key; a second condition on the campaign makes
    PostgreSQL expect a tenth of the rows.
    """
    return select(Delivery.member_id).where(
        Delivery.id.between(campaign.first_delivery, campaign.last_delivery),
        Delivery.state == "accepted", Delivery.kind == "member",
    )  # fmt: skip


def _opened(campaign: CampaignRow) -> Members:
    return _read(campaign, or_(Rollup.first_human_open_at.is_not(None), Rollup.clicks > 0))


def _read(campaign: CampaignRow, how: ColumnElement[bool]) -> Members:
    of_campaign = Rollup.delivery_id.between(campaign.first_delivery, campaign.last_delivery)
    return _sent(campaign).join(Rollup, Rollup.delivery_id == Delivery.id).where(of_campaign, how)


def _clicked(connection: Connection, link: str, campaign: CampaignRow) -> Members:
    if not link:
        return _read(campaign, Rollup.clicks > 0)
    email = func.coalesce(Delivery.compiled_id, campaign.compiled_id)
    named = tuple_(email, LinkClicker.link).in_(_links(connection, campaign, link.casefold()))
    of_campaign = LinkClicker.delivery_id.between(campaign.first_delivery, campaign.last_delivery)
    return _sent(campaign).join(LinkClicker, LinkClicker.delivery_id == Delivery.id).where(of_campaign, named)


def _links(connection: Connection, campaign: CampaignRow, part: str) -> list[tuple[int, int]]:
    """Return the links whose address or text contains `part`, each by its compiled email and its place there."""
    return [
        (id_, link.index)
        for id_, email in load_emails(connection, emails_of(connection, campaign.id).all()).items()
        for link in email.links
        if part in link.url.casefold() or part in link.text.casefold()
    ]
