"""Campaigns as the rest of the product reads them: one by its number, and the list of all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, time
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Connection, Float, Select, and_, case, cast, func, select

from daisychain.errors import StateError
from daisychain.settings import Settings
from daisychain.slug import slug
from lists.tables import MailingList
from newsletters.tables import StoredEmail
from sender.delivery.campaign_states import CampaignState
from sender.tables import Batch, Campaign, CampaignEmail


@dataclass(frozen=True)
class CampaignRecord:
    """One campaign: its row (sender/tables.py explains the columns), its list's name, and its email's hash.

    Until it is frozen, its tracking is what its list says now.
    """

    id: int
    kind: str
    name: str
    state: CampaignState
    pause_reason: str
    list_id: int | None
    list_name: str | None
    document: str
    source: str
    compiled_id: int
    hash: str
    provider: str
    from_name: str
    from_address: str
    reply_to: str
    opens: str
    clicks: str
    tracking: str
    tracking_decided_by: str
    tracking_because: str
    public_url: str
    created_at: datetime
    frozen_at: datetime | None
    finished_at: datetime | None
    intended: int
    first_delivery: int | None
    last_delivery: int | None
    of_campaign_id: int | None
    of_whom: str
    segment: str
    segment_people: int | None
    starts_at: datetime | None
    per_minute: int | None
    opens_at: time | None
    closes_at: time | None
    zone: str
    canary: int
    canary_wait: int
    canary_until: datetime | None
    rest_from: int | None
    most_bounces: float
    most_complaints: float
    resumed_at: datetime | None

    @property
    def reading(self) -> str:
        """Say how reading is recorded, and which part of it."""
        what = " and ".join(name for name in ("opens", "clicks") if getattr(self, name) != "off")
        how = {"counted": "counted without persons", "per person": "per person for members who agreed to it"}
        return f"{what} {how.get(self.tracking, 'per person')}" if what else "not recorded"

    @property
    def is_test(self) -> bool:
        """Whether this is a test send, which is in no list and no figure."""
        return self.kind == "test"

    @property
    def is_to_contacts(self) -> bool:
        """Whether this went to people on no list, such as the contacts of organisations."""
        return self.kind == "contacts"


@dataclass(frozen=True)
class CampaignRow:
    """One line of the list of campaigns; `progress` is the share of its people already handled while it is sending."""

    id: int
    name: str
    state: CampaignState
    list_name: str | None
    provider: str
    intended: int
    created_at: datetime
    finished_at: datetime | None
    starts_at: datetime | None
    progress: float | None


AS_IN_DRAFT = "="  # in place of a segment's name: the question that the draft has


class UnknownCampaign(StateError):  # noqa: N818 - the name says it
    """No campaign has that number."""


def _counted_by(column: Any) -> ColumnElement[str]:
    """Return SQL for who counts opens or clicks: nobody, or our own pages, or SendGrid, which names the person."""
    return case(
        (column == "off", "off"),
        (and_(MailingList.tracking == "per person", Campaign.provider == "sendgrid"), "provider"),
        else_="own",
    )


def _until_frozen(column: Any, of_list: Any) -> ColumnElement[str]:
    decides = and_(Campaign.frozen_at.is_(None), Campaign.kind == "campaign", MailingList.id.is_not(None))
    return case((decides, of_list), else_=column)


TRACKING = {
    "opens": _until_frozen(Campaign.opens, _counted_by(MailingList.opens)),
    "clicks": _until_frozen(Campaign.clicks, _counted_by(MailingList.clicks)),
    "tracking": _until_frozen(Campaign.tracking, MailingList.tracking),
    "tracking_decided_by": _until_frozen(Campaign.tracking_decided_by, MailingList.decided_by),
    "tracking_because": _until_frozen(Campaign.tracking_because, MailingList.because),
}
_JOINED = {"list_name": MailingList.name.label("list_name"), "hash": StoredEmail.hash, **TRACKING}
_RECORD = (
    select(*(_JOINED[each.name] if each.name in _JOINED else getattr(Campaign, each.name)
             for each in fields(CampaignRecord)))
    .outerjoin(MailingList, MailingList.id == Campaign.list_id)
    .join(StoredEmail, StoredEmail.id == Campaign.compiled_id)
)  # fmt: skip


def find_campaign(connection: Connection, campaign_id: int, *, lock: bool = False) -> CampaignRecord:
    """Return a campaign; raises UnknownCampaign if there is none.

    `lock` keeps others from changing its state until the caller's transaction ends.
    """
    found = _RECORD.where(Campaign.id == campaign_id)
    row = connection.execute(found.with_for_update(of=Campaign) if lock else found).one_or_none()
    if row is None:
        raise UnknownCampaign(f"There is no campaign {campaign_id}.", hint="`daisychain campaign list` shows them.")
    return CampaignRecord(*row)


def find_campaigns(connection: Connection, campaign_ids: Collection[int]) -> list[CampaignRecord]:
    """Return campaigns in the order of their numbers in `campaign_ids`."""
    rows = connection.execute(_RECORD.where(Campaign.id.in_(campaign_ids)))
    found = {campaign.id: campaign for campaign in (CampaignRecord(*row) for row in rows)}
    return [found[campaign_id] for campaign_id in campaign_ids if campaign_id in found]


def lock_if_sending(connection: Connection, campaign_id: int) -> CampaignRecord | None:
    """Lock and return a campaign that is being sent; None if it is not, or somebody else has locked it."""
    sending = _RECORD.where(Campaign.id == campaign_id, Campaign.state == "sending")
    row = connection.execute(sending.with_for_update(of=Campaign, skip_locked=True)).one_or_none()
    return None if row is None else CampaignRecord(*row)


def list_campaigns(
    connection: Connection,
    *,
    words: str = "",
    before: int | None = None,
    at_most: int | None = None,
    states: Collection[CampaignState] = (),
    lists: Collection[str] | None = None,
) -> list[CampaignRow]:
    """Return campaigns, newest first, without test sends.

    Only campaigns with `words` in their name, made before the one with the number `before`, in one of the `states`, to
    one of the `lists`, if these are given.
    """
    found = (
        select(
            Campaign.id, Campaign.name, Campaign.state, MailingList.name, Campaign.provider, Campaign.intended,
            Campaign.created_at, Campaign.finished_at, Campaign.starts_at, _progress().scalar_subquery(),
        )
        .outerjoin(MailingList, MailingList.id == Campaign.list_id)
        .where(Campaign.kind != "test", Campaign.name.icontains(words, autoescape=True))
        .order_by(Campaign.id.desc())
        .limit(at_most)
    )  # fmt: skip
    if before is not None:
        found = found.where(Campaign.id < before)
    if states:
        found = found.where(Campaign.state.in_(states))
    if lists is not None:
        found = found.where(MailingList.name.in_(lists))
    return [CampaignRow(*row) for row in connection.execute(found)]


def _progress() -> Select[float | None]:
    """Read from the batches, a thousand times fewer than the people, so that listing campaigns is cheap."""
    people = func.sum(Batch.last_id - Batch.first_id + 1)
    handled = people.filter(Batch.state.in_(["done", "uncertain"]))
    return (
        select(cast(func.coalesce(handled, 0) / func.nullif(people, 0), Float))
        .where(Batch.campaign_id == Campaign.id, Batch.state != "split", Campaign.state.in_(["sending", "paused"]))
        .correlate(Campaign)
    )


def sources_of(connection: Connection, campaign_id: int) -> dict[str, str]:
    """Return the document that a campaign was made from, under "", and its translations by language."""
    rows = connection.execute(
        select(CampaignEmail.language, CampaignEmail.source)
        .where(CampaignEmail.campaign_id == campaign_id, CampaignEmail.source != "")
        .order_by(CampaignEmail.language)
    )
    return {"": find_campaign(connection, campaign_id).source, **{row.language: row.source for row in rows}}


def public_face(settings: Settings, list_name: str | None) -> dict[str, str]:
    """Return where a campaign's mails point, and the List-Id they carry: "Name <slug.lists.host>" (RFC 2919)."""
    host = urlsplit(settings.pages_url).hostname
    header = f"{list_name} <{slug(list_name)}.lists.{host}>" if list_name else ""
    return {"public_url": settings.pages_url, "list_header": header}
