"""Choices that people make for themselves: as they are now, and as somebody wants them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from lists.bases import same_organisation
from lists.sign_up.sign_up_form import ListForm, sign_up_form
from lists.sign_up.tables import SignUpForm
from lists.tables import MailingList, Member, Membership, Suppression


@dataclass(frozen=True)
class ListChoice:
    """A list that a person is on, or that takes sign-ups: then `form` has the wording that joining it agrees to."""

    id: int
    title: str
    organisation: str
    on: bool
    ours: bool  # of the organisation whose mail led here
    reads: bool | None = None
    asks: bool = False  # whether it records reading by person, of those who agree
    paused_until: datetime | None = None
    form: ListForm | None = None


@dataclass(frozen=True)
class ReaderChoices:
    """A person's choices as they are."""

    member_id: int
    email: str
    first_name: str
    last_name: str
    language: str
    lists: tuple[ListChoice, ...]

    @property
    def on(self) -> frozenset[int]:
        """The lists whose mails the person gets."""
        return frozenset(each.id for each in self.lists if each.on)

    @property
    def paused_until(self) -> datetime | None:
        """Until when they get nothing, or None."""
        return max((each.paused_until for each in self.lists if each.on and each.paused_until), default=None)

    @property
    def asked(self) -> tuple[ListChoice, ...]:
        """The lists that ask whether somebody's own reading may be recorded, or that somebody agreed to."""
        return tuple(each for each in self.lists if each.on and each.ours and (each.asks or each.reads))

    @property
    def reads(self) -> bool:
        """Whether they agreed that their own reading is recorded."""
        return any(each.reads for each in self.asked)

    def as_wish(self) -> Wish:
        """Return the form as it is shown first."""
        paused = self.paused_until is not None
        names = (self.first_name, self.last_name, self.language)
        return Wish(*names, lists=self.on, shown=self.on, paused=paused, reads=self.reads)


@dataclass(frozen=True)
class Wish:
    """The fields of the form as a person wants them. `shown` are the lists that it showed as theirs.

    `agreed` has, by list, the number of the wording beside its box.
    """

    first_name: str
    last_name: str
    language: str
    lists: frozenset[int]
    shown: frozenset[int]
    paused: bool
    reads: bool
    reason: str = ""
    agreed: Mapping[int, str] = field(default_factory=dict)


def choices_of(
    connection: Connection, member_id: int, organisation: str, *, lock: bool = False
) -> ReaderChoices | None:
    """Return what a member can choose, by a mail of this organisation; None if there is no such member (any more)."""
    found = select(Member.id, Member.email, Member.first_name, Member.last_name, Member.language)
    found = found.where(Member.id == member_id)
    row = connection.execute(found.with_for_update() if lock else found).one_or_none()
    if row is None:
        return None
    lists = tuple(each for each in _lists(connection, member_id, organisation) if each.on or (each.form and each.ours))
    return ReaderChoices(*row, lists=lists)


def _lists(connection: Connection, member_id: int, organisation: str) -> list[ListChoice]:
    suppressed = select(Suppression.address_key).join(Member, Member.address_key == Suppression.address_key)
    on = and_(Membership.state == "subscribed", ~suppressed.where(Member.id == member_id).exists())
    paused_until = case((Membership.paused_until > func.now(), Membership.paused_until))
    rows = connection.execute(
        select(
            MailingList.id, MailingList.name, MailingList.title, MailingList.from_name, MailingList.also_named,
            Membership.reads_agreed,
            func.coalesce(on, False).label("on"), paused_until.label("paused_until"), SignUpForm.is_open,
            (MailingList.tracking == "per person").label("asks"),
        )
        .outerjoin(Membership, and_(Membership.list_id == MailingList.id, Membership.member_id == member_id))
        .outerjoin(SignUpForm, and_(SignUpForm.list_id == MailingList.id, SignUpForm.who == "supporters"))
        .where(or_(Membership.state == "subscribed", SignUpForm.is_open))
        .order_by(MailingList.id)
    ).all()  # fmt: skip
    return [_choice(connection, row, same_organisation(organisation, [row.from_name, *row.also_named])) for row in rows]


def _choice(connection: Connection, row: Any, ours: bool) -> ListChoice:
    form = sign_up_form(connection, row.name) if row.is_open and not row.on else None
    return ListChoice(
        row.id, row.title or row.from_name, row.from_name, row.on, ours, row.reads_agreed, row.asks, row.paused_until,
        form if form and form.wordings else None,
    )  # fmt: skip
