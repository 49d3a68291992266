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
    and_,
    case,
    false,
    func,
    null,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from lists.audience import Narrowing
from lists.segments.segment_sql import Term
from lists.segments.segment_tree import Engaged
from sender.delivery.campaign_emails import emails_of
from sender.links.reader_groups import MODES, is_without_person
from sender.links.sent_mail import load_emails
from sender.tables import Campaign, Delivery, LinkClicker, Rollup

CampaignRow = Row[*tuple[Any, ...]]
Members = Select[int | None, bool]
Read = type[Rollup] | type[LinkClicker]

MOST = 100  # campaigns that a question without a number is about


def engagement(connection: Connection, but: int | None = None) -> Mapping[str, Term]:
    """Return the terms about engagement that a question may have; the campaign `but` is none of the last ones."""
    return dict.fromkeys(("opened", "clicked", "was sent"), partial(_term, connection, but))


def _term(connection: Connection, but: int | None, list_id: int, asked: Engaged) -> Narrowing:
    campaigns = _last(connection, but, list_id, asked.campaigns or MOST)
    if not campaigns:
        return Narrowing(false())
    if asked.what == "was sent":
        sent = _together([_sent(each, true()) for each in campaigns])
        return Narrowing(sent.c.member_id.is_not(None), (sent,))
    hidden = [_hidden(each, asked.what) for each in campaigns]
    did = partial(_clicked, connection, asked.link) if asked.what == "clicked" else _opened
    found = _together([_did(each, unknown, *did(each)) for each, unknown in zip(campaigns, hidden, strict=True)])
    if all(each is None for each in hidden):
        return Narrowing(found.c.member_id.is_not(None), (found,))
    return Narrowing(case((found.c.member_id.is_(None), false()), (found.c.did, true()), else_=null()), (found,))


def _last(connection: Connection, but: int | None, list_id: int, most: int) -> Sequence[CampaignRow]:
    """Return the last campaigns whose audience was written down."""
    columns = (Campaign.id, Campaign.first_delivery, Campaign.last_delivery, Campaign.opens, Campaign.clicks)
    found = select(*columns, Campaign.tracking, Campaign.compiled_id).where(
        Campaign.list_id == list_id, Campaign.kind == "campaign", Campaign.frozen_at.is_not(None),
        Campaign.first_delivery.is_not(None), Campaign.id != (but or 0),
    )  # fmt: skip
    return connection.execute(found.order_by(Campaign.frozen_at.desc(), Campaign.id.desc()).limit(most)).all()


def _hidden(campaign: CampaignRow, what: str) -> ColumnElement[bool] | None:
    """Return SQL for whether nothing recorded what somebody read of a campaign; None if that is so for nobody."""
    if (campaign.clicks if what == "clicked" else campaign.opens) == "off":
        return true()
    return is_without_person(campaign.tracking) if campaign.tracking in MODES else None


def _together(of_each: Sequence[Members]) -> Subquery:
    """Return the members that one or more of these selects find, once each, and whether any says that they did it.

    Once each even if there is one select, as somebody may have clicked several links of one campaign.
    """
    rows = union_all(*of_each).subquery()
    return select(rows.c.member_id, func.bool_or(rows.c.did).label("did")).group_by(rows.c.member_id).subquery()


def _sent(campaign: CampaignRow, did: ColumnElement[bool]) -> Members:
    """Select the members whose mail the provider accepted.

    By the range of its deliveries only, as they have no index but their key; a second condition on the campaign makes
    PostgreSQL expect a tenth of the rows.
    """
    return select(Delivery.member_id, did.label("did")).where(
        Delivery.id.between(campaign.first_delivery, campaign.last_delivery),
        Delivery.state == "accepted", Delivery.kind == "member",
    )  # fmt: skip


def _did(campaign: CampaignRow, hidden: ColumnElement[bool] | None, read: Read, how: ColumnElement[bool]) -> Members:
    """Select who did what `read` records, and who may have, in one pass, as deliveries are large."""
    of_campaign = read.delivery_id.between(campaign.first_delivery, campaign.last_delivery)
    on = and_(read.delivery_id == Delivery.id, of_campaign, how)
    if hidden is None:
        return _sent(campaign, true()).join(read, on)
    did = read.delivery_id.is_not(None)
    return _sent(campaign, did).outerjoin(read, on).where(or_(did, hidden))


def _opened(_: CampaignRow) -> tuple[Read, ColumnElement[bool]]:
    return Rollup, or_(Rollup.first_human_open_at.is_not(None), Rollup.clicks > 0)


def _clicked(connection: Connection, link: str, campaign: CampaignRow) -> tuple[Read, ColumnElement[bool]]:
    if not link:
        return Rollup, Rollup.clicks > 0
    email = func.coalesce(Delivery.compiled_id, campaign.compiled_id)
    return LinkClicker, tuple_(email, LinkClicker.link).in_(_links(connection, campaign, link.casefold()))


def _links(connection: Connection, campaign: CampaignRow, part: str) -> list[tuple[int, int]]:
    """Return the links whose address or text contains `part`, each by its compiled email and its place there."""
    return [
        (id_, link.index)
        for id_, email in load_emails(connection, emails_of(connection, campaign.id).all()).items()
        for link in email.links
        if part in link.url.casefold() or part in link.text.casefold()
    ]
