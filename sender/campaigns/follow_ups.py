"""A further campaign for the people of an earlier one: a correction, a reminder, a retry with another provider.

Consent and suppression are checked as always: the earlier campaign only narrows the list's audience, as a segment does.
"""

from __future__ import annotations

from html import escape

from sqlalchemy import Connection, Select, func, select, update

from daisychain.errors import InputError, StateError
from lists.audience import Audience, column_of
from lists.segments.segment_sql import narrowing_of
from sender.campaigns.campaign_record import CampaignRecord, find_campaign
from sender.delivery.campaign_emails import Emails, email_given
from sender.delivery.ledger import read_ledger
from sender.links.reader_groups import count_without_persons, is_without_person
from sender.segments.engagement import engagement
from sender.tables import Campaign, Delivery, Rollup

# "no-click": they got the mail, without a known bounce, and clicked nothing.
WHOM = ("accepted", "failed", "no-click")


def check_whom(connection: Connection, campaign_id: int, whom: str) -> CampaignRecord:
    """Return the earlier campaign if its people can get a further one; raises InputError, StateError."""
    campaign = find_campaign(connection, campaign_id)
    if whom not in WHOM:
        raise InputError(f"There is no --where {whom!r}.", hint=f"Choose one of {', '.join(WHOM)}.")
    if campaign.frozen_at is None or campaign.is_test or campaign.list_id is None:
        raise StateError(f"Campaign {campaign_id} has mailed no members, so there is nobody to follow up.")
    if whom == "no-click" and campaign.clicks == "off":
        raise StateError(f"Campaign {campaign_id} does not count clicks, so it is unknown who clicked nothing.")
    if whom == "no-click" and campaign.tracking == "counted":
        raise StateError(
            f"Campaign {campaign_id} counts clicks without persons, so it is unknown who clicked nothing.",
            hint="Follow up everybody who got it: --where accepted.",
        )
    return campaign


def audience_of(connection: Connection, campaign: CampaignRecord) -> Audience:
    """Return a campaign's audience: its list, or of it the people of an earlier campaign and of a segment.

    Raises StateError if the earlier campaign is gone, and QuestionError if the segment can't be answered any more.
    """
    assert campaign.list_id is not None
    segment = None
    if campaign.segment:
        segment = narrowing_of(connection, campaign.list_id, campaign.segment, engagement(connection, campaign.id))
    return Audience(campaign.list_id, _people_of_earlier(connection, campaign), segment)


def _people_of_earlier(connection: Connection, campaign: CampaignRecord) -> Select[int | None] | None:
    if campaign.of_campaign_id is None:
        return None
    earlier = connection.execute(
        select(Campaign.id, Campaign.first_delivery, Campaign.last_delivery, Campaign.tracking).where(
            Campaign.id == campaign.of_campaign_id
        )
    ).one_or_none()
    if earlier is None:
        raise StateError(
            f"Campaign {campaign.of_campaign_id}, whose people this one is for, is missing.",
            hint="Cancel it, and make a new one for the whole list or for another campaign's people.",
        )
    members = select(Delivery.member_id).where(
        Delivery.campaign_id == earlier.id,
        Delivery.id.between(earlier.first_delivery, earlier.last_delivery),
        Delivery.kind == "member",
        Delivery.state == ("failed" if campaign.of_whom == "failed" else "accepted"),
    )
    if campaign.of_whom == "no-click":
        clicked = select(Rollup.delivery_id).where(Rollup.delivery_id == Delivery.id, Rollup.clicks > 0)
        gone = select(Rollup.delivery_id).where(Rollup.delivery_id == Delivery.id, Rollup.hard_bounced_at.isnot(None))
        members = members.where(~clicked.exists(), ~gone.exists(), ~is_without_person(earlier.tracking))
    return members


def left_out(connection: Connection, campaign: CampaignRecord) -> str:
    """Say how many people a follow-up by reading leaves out, as they are counted without persons; "" if nobody."""
    if campaign.of_campaign_id is None or campaign.of_whom != "no-click":
        return ""
    people = count_without_persons(connection, [campaign.of_campaign_id]).get(campaign.of_campaign_id, 0)
    whole = read_ledger(connection, campaign.of_campaign_id)
    mailed = whole.intended - whole.excluded
    return f"{people:,} of {mailed:,} people are counted without persons and left out" if people else ""


def count_languages(connection: Connection, audience: Audience, emails: Emails) -> dict[int, int]:
    """Count the people that a freeze would find right now for each compiled email, by its id."""
    given = email_given(emails, column_of("language")).label("given")
    counted = audience.mailable(given, func.count()).group_by("given")
    return {row[0]: int(row[1]) for row in connection.execute(counted)}


def correct(connection: Connection, campaign_id: int, text: str) -> None:
    """Show `text` above a campaign's mail wherever it is viewed in a browser; an empty one removes it."""
    if find_campaign(connection, campaign_id).frozen_at is None:
        raise StateError(f"Campaign {campaign_id} has not been sent: change the newsletter itself.")
    connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(correction=text.strip()))


def correction_of(connection: Connection, campaign_id: int) -> str:
    """Return the correction that is shown above a campaign's mail; "" if there is none."""
    return connection.scalar(select(Campaign.correction).where(Campaign.id == campaign_id)) or ""


def with_correction(html: str, text: str) -> str:
    """Return a mail's HTML with a correction at the top of its body, or unchanged if there is none."""
    if not text:
        return html
    banner = (
        '<div role="note" style="margin:0;padding:16px 24px;background:#fff3cd;color:#3d2c00;'
        f'font:16px/1.5 sans-serif;text-align:center"><strong>Correction:</strong> {escape(text)}</div>'
    )
    return at_the_top(html, banner)


def at_the_top(html: str, banner: str) -> str:
    """Return a mail's HTML with a banner at the top of its body."""
    body = html.lower().find("<body")
    end = html.find(">", body) + 1 if body >= 0 else 0
    return html[:end] + banner + html[end:]
