"""Conditions of segments about the last campaigns to a list: was sent, opened, clicked.

A scanner's click is no click, and only a person's opening counts; somebody who clicked has opened. It is unknown (NULL)
what somebody did not do with a campaign whose opens or clicks were not counted, or only together with others'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, false, null, or_, select, true, tuple_

from lists.audience import Narrowing
from lists.segments.segment_sql import Term
from lists.segments.segment_tree import Engaged
from sender.delivery.campaign_emails import emails_of
from sender.links.reader_groups import MODES, is_without_person
from sender.links.sent_mail import compiled_of_delivery, load_emails
from sender.tables import Campaign, Delivery, LinkClicker, Rollup

MOST = 100  # campaigns that a question without a number is about


def engagement(connection: Connection, but: int | None = None) -> Mapping[str, Term]:
    """Return the terms about engagement that a question may have; the campaign `but` is none of the last ones."""
    return dict.fromkeys(("opened", "clicked", "was sent"), partial(_term, connection, but))


def _term(connection: Connection, but: int | None, list_id: int, asked: Engaged) -> Narrowing:
    campaigns = _last(connection, but, list_id, asked.campaigns or MOST)
    if not campaigns:
        return Narrowing(false())
    if asked.what == "was sent":
        sent = _members(campaigns).distinct().subquery()
        return Narrowing(sent.c.member_id.is_not(None), (sent,))
    did = _clicked(connection, campaigns, asked.link) if asked.what == "clicked" else _opened(campaigns)
    yes = did.distinct().subquery()
    if all(_is_counted(each, asked.what) and each.tracking not in MODES for each in campaigns):
        return Narrowing(yes.c.member_id.is_not(None), (yes,))
    unread = or_(
        false(),
        *(
            and_(Delivery.campaign_id == each.id, is_without_person(each.tracking))
            if _is_counted(each, asked.what) else Delivery.campaign_id == each.id
            for each in campaigns
        ),
    )  # fmt: skip
    unknown = _members(campaigns).where(unread).distinct().subquery()
    known = case((yes.c.member_id.is_not(None), true()), (unknown.c.member_id.is_not(None), null()), else_=false())
    return Narrowing(known, (yes, unknown))


def _last(connection: Connection, but: int | None, list_id: int, most: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the last campaigns whose audience was written down."""
    columns = (Campaign.id, Campaign.first_delivery, Campaign.last_delivery, Campaign.opens, Campaign.clicks,
               Campaign.tracking)  # fmt: skip
    found = select(*columns).where(
        Campaign.list_id == list_id, Campaign.kind == "campaign", Campaign.frozen_at.is_not(None),
        Campaign.first_delivery.is_not(None), Campaign.id != (but or 0),
    )  # fmt: skip
    return connection.execute(found.order_by(Campaign.frozen_at.desc(), Campaign.id.desc()).limit(most)).all()


def _is_counted(campaign: Row[*tuple[Any, ...]], what: str) -> bool:
    return bool((campaign.clicks if what == "clicked" else campaign.opens) != "off")


def _members(campaigns: Sequence[Row[*tuple[Any, ...]]]) -> Select[int | None]:
    """Select the members whose mail of one of these campaigns the provider accepted."""
    return select(Delivery.member_id).where(_of(campaigns), Delivery.state == "accepted", Delivery.kind == "member")


def _of(campaigns: Sequence[Row[*tuple[Any, ...]]]) -> ColumnElement[bool]:
    """Return the condition on deliveries; by their range, as they have no index but their key."""
    each = (
        and_(Delivery.campaign_id == row.id, Delivery.id.between(row.first_delivery, row.last_delivery))
        for row in campaigns
    )
    return or_(false(), *each)


def _opened(campaigns: Sequence[Row[*tuple[Any, ...]]]) -> Select[int | None]:
    read = or_(Rollup.first_human_open_at.is_not(None), Rollup.clicks > 0)
    return _members(campaigns).join(Rollup, Rollup.delivery_id == Delivery.id).where(read)


def _clicked(connection: Connection, campaigns: Sequence[Row[*tuple[Any, ...]]], link: str) -> Select[int | None]:
    if not link:
        return _members(campaigns).join(Rollup, Rollup.delivery_id == Delivery.id).where(Rollup.clicks > 0)
    named = tuple_(compiled_of_delivery(), LinkClicker.link).in_(_links(connection, campaigns, link.casefold()))
    clickers = _members(campaigns).join(LinkClicker, LinkClicker.delivery_id == Delivery.id)
    return clickers.join(Campaign, Campaign.id == Delivery.campaign_id).where(named)


def _links(connection: Connection, campaigns: Sequence[Row[*tuple[Any, ...]]], part: str) -> list[tuple[int, int]]:
    """Return the links whose address or text contains `part`, each by its compiled email and its place there."""
    compiled = {id_ for campaign in campaigns for id_ in emails_of(connection, campaign.id).all()}
    return [
        (id_, link.index)
        for id_, email in load_emails(connection, compiled).items()
        for link in email.links
        if part in link.url.casefold() or part in link.text.casefold()
    ]
