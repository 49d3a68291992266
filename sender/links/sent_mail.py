"""A sent mail: a delivery with its campaign's data, as the public pages and the events need it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, exists, false, func, literal_column, not_, or_, select
from sqlalchemy.sql.elements import ColumnElement

from lists.tables import MailingList, Member
from newsletters.compiled import CompiledEmail
from newsletters.tables import StoredEmail
from sender.links.reader_groups import group_of
from sender.links.tracking import without_persons
from sender.tables import Campaign, CampaignEmail, Delivery, ReaderGroup, without_address

# How long a mail can be viewed in a browser: anybody whom its address was passed on to can read it.
VIEWED_FOR: ColumnElement[timedelta] = literal_column("interval '12 months'")


@dataclass(frozen=True)
class SentMail:
    """One delivery. `member_id` is None for a test mail or a deleted member; `list_title` for a deleted list.

    Of a reader without a person (sender/links/reader_groups.py) there is no more than a group has: `mailbox`.
    """

    delivery_id: int
    campaign_id: int
    kind: str
    address: str
    inputs: Mapping[str, Any]
    member_id: int | None
    list_id: int | None
    list_title: str | None
    organisation: str
    opens: str
    clicks: str
    public_url: str
    compiled_id: int
    found_at: datetime  # by the database's clock
    correction: str = ""  # what the pages of this campaign's mail say about its mistake
    one_key: bool = False  # whether all its links have one key, as mails had before keys had purposes
    view_ended: bool = False
    mailbox: str = ""

    @property
    def counts(self) -> bool:
        """Whether it counts; a test mail counts nowhere and changes nothing."""
        return self.kind != "test"


@dataclass(frozen=True)
class Alike:
    """A campaign's range of deliveries, and what these have in common; only of campaigns with one email."""

    first_delivery: int
    last_delivery: int
    public_url: str
    compiled_id: int


_OF_CAMPAIGN = (
    MailingList.id.label("list_id"), MailingList.title.label("list_title"), Campaign.from_name.label("organisation"),
    Campaign.public_url, Campaign.correction, Campaign.one_key, func.clock_timestamp().label("found_at"),
    func.coalesce(Campaign.frozen_at < func.now() - VIEWED_FOR, false()).label("view_ended"),
)  # fmt: skip


def compiled_of_delivery() -> ColumnElement[int]:
    """Return SQL for a delivery's compiled email; a campaign in several languages has several."""
    return func.coalesce(Delivery.compiled_id, Campaign.compiled_id)


# Made once: making a statement takes as long as asking it. Of an old mail, whose address is gone after its time, it is
# the member's of today. A mail that is counted without persons has no link that would count for its delivery.
_OWN = or_(Campaign.tracking == "", Delivery.per_person.is_(True))
_ERASED = and_(without_address, Delivery.member_id.is_(None), Delivery.kind != "test")
_IDS = func.any(bindparam("ids"))
_DELIVERIES = (
    select(
        Delivery.id.label("delivery_id"), Delivery.campaign_id, Delivery.kind, Delivery.inputs,
        case((without_address, func.coalesce(Member.email, "")), else_=Delivery.address).label("address"),
        Member.id.label("member_id"), case((_OWN, Campaign.opens), else_="off").label("opens"),
        case((_OWN, Campaign.clicks), else_="off").label("clicks"), compiled_of_delivery().label("compiled_id"),
        *_OF_CAMPAIGN,
    )
    .join(Campaign, Campaign.id == Delivery.campaign_id)
    .join(Member, Member.id == Delivery.member_id, isouter=True)
    .join(MailingList, MailingList.id == Campaign.list_id, isouter=True)
    .where(not_(_ERASED))
)  # fmt: skip
# PostgreSQL plans an array of ids anew each time, which takes longer than to find one.
_ONE_DELIVERY = _DELIVERIES.where(Delivery.id == bindparam("ids"))
_DELIVERIES = _DELIVERIES.where(Delivery.id == _IDS)
_GROUPS = (
    select(ReaderGroup.id.label("delivery_id"), ReaderGroup.campaign_id, ReaderGroup.compiled_id, ReaderGroup.mailbox,
           Campaign.opens, Campaign.clicks, *_OF_CAMPAIGN)
    .join(Campaign, Campaign.id == ReaderGroup.campaign_id)
    .join(MailingList, MailingList.id == Campaign.list_id, isouter=True)
    .where(ReaderGroup.id == _IDS)
)  # fmt: skip
# One freeze at a time gives out ids, so a campaign's are a range of their own.
_SEVERAL = exists().where(CampaignEmail.campaign_id == Campaign.id, CampaignEmail.compiled_id != Campaign.compiled_id)
_ALIKE = (
    select(Campaign.first_delivery, Campaign.last_delivery, Campaign.public_url, Campaign.compiled_id)
    .where(bindparam("id").between(Campaign.first_delivery, Campaign.last_delivery))
    .where(Campaign.kind != "test", not_(_SEVERAL))
)


def find_sent_mail(connection: Connection, delivery_id: int) -> SentMail | None:
    """Find the delivery with this id, or what is known of the reader with it.

    None also if its person was erased, so that nothing more is kept of them.
    """
    return find_sent_mails(connection, [delivery_id]).get(delivery_id)


def find_sent_mails(connection: Connection, delivery_ids: Collection[int]) -> dict[int, SentMail]:
    """Find the deliveries and readers with these ids, without those that `find_sent_mail` does not find."""
    deliveries = [each for each in delivery_ids if each >= 0]
    one = len(deliveries) == 1
    these = {"ids": deliveries[0] if one else deliveries}
    rows = connection.execute(_ONE_DELIVERY if one else _DELIVERIES, these) if deliveries else ()
    found = {row.delivery_id: SentMail(**row._mapping) for row in rows}
    readers = {each: group_of(each) for each in delivery_ids if each < 0}
    rows = connection.execute(_GROUPS, {"ids": sorted(set(readers.values()))}) if readers else ()
    groups = {row.delivery_id: _read_mail(row) for row in rows}
    return found | {each: replace(groups[id_], delivery_id=each) for each, id_ in readers.items() if id_ in groups}


def find_alike(connection: Connection, delivery_id: int) -> Alike | None:
    """Find what a delivery's mail has in common with all others; None for test mails and several languages.

    The delivery itself is not looked up, and may be forgotten.
    """
    rows = connection.execute(_ALIKE, {"id": delivery_id}).all()
    return Alike(**rows[0]._mapping) if len(rows) == 1 else None


def _read_mail(row: Row[Any]) -> SentMail:
    counted = {"opens": without_persons(row.opens), "clicks": without_persons(row.clicks)}
    nobody: dict[str, Any] = {"kind": "member", "address": "", "inputs": {}, "member_id": None}
    return SentMail(**{**row._mapping, **counted, **nobody})


def load_emails(connection: Connection, compiled_ids: Iterable[int]) -> dict[int, CompiledEmail]:
    """Load the compiled emails with these ids."""
    rows = connection.execute(select(StoredEmail.id, StoredEmail.content).where(StoredEmail.id.in_(set(compiled_ids))))
    return {row.id: CompiledEmail.from_json(row.content) for row in rows}
