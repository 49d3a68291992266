"""Doing what a person wants, and taking it back within the hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, literal_column, select, update

from lists.addresses import require_address
from lists.consent.consent_ledger import record_reading
from lists.members import unsubscribe
from lists.preferences.choices import ListChoice, ReaderChoices, Wish
from lists.preferences.leaving_reasons import count_reason
from lists.resubscribe import undo_unsubscribe
from lists.sign_up.confirming import AskedSignUp, subscribe_by_wish
from lists.sign_up.sign_up_form import wording_that_was_shown
from lists.tables import BY_PREFERENCES, Member, Membership

PAUSE: ColumnElement[timedelta] = literal_column("interval '3 months'")
FIELDS = ("first_name", "last_name", "language")


class ReadingWording(NamedTuple):
    """The exact words beside the box about reading, and their language."""

    wording: str
    language: str


@dataclass
class ReaderChange:
    """Changes made at `at`, in the form in which they can be taken back: values before, by list or field."""

    member_id: int
    at: datetime
    reason: str = ""
    left: list[int] = field(default_factory=list)
    joined: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)  # an email came back or was reported as spam: staff decide
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)  # before and after
    paused: dict[int, datetime | None] = field(default_factory=dict)
    paused_until: datetime | None = None
    reads: dict[int, bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything was changed."""
        return bool(self.left or self.joined or self.fields or self.paused or self.reads)


def change(connection: Connection, now: ReaderChoices, wish: Wish, said: ReadingWording) -> ReaderChange:
    """Make what differs from `now` as the person wants it; what the form did not show stays as it is."""
    at = connection.execute(select(func.now())).scalar_one()
    done = ReaderChange(now.member_id, at, wish.reason, sorted((now.on & wish.shown) - wish.lists))
    for list_id in done.left:
        unsubscribe(connection, list_id, now.member_id, BY_PREFERENCES)
        count_reason(connection, list_id, wish.reason)
    for each in now.lists:
        if not each.on and each.id in wish.lists and each.id in wish.agreed:
            (done.joined if _join(connection, now, each, wish) else done.refused).append(each.id)
    wanted = ((name, getattr(now, name), getattr(wish, name)) for name in FIELDS)
    done.fields = {name: (before, after) for name, before, after in wanted if before != after}
    if done.fields:
        values = {name: after for name, (_, after) in done.fields.items()}
        connection.execute(update(Member).where(Member.id == now.member_id).values(**values, updated_at=func.now()))
    if wish.paused != (now.paused_until is not None):
        done.paused = {each.id: each.paused_until for each in now.lists if each.id in now.on.difference(done.left)}
        done.paused_until = connection.scalar(select(func.now() + PAUSE)) if wish.paused else None
    for list_id in (*done.paused, *(done.joined if wish.paused else ())):
        _pause(connection, now.member_id, list_id, done.paused_until if done.paused else now.paused_until)
    for each in now.asked:
        if each.id in wish.shown.difference(done.left) and wish.reads != bool(each.reads):
            done.reads[each.id] = bool(each.reads)
            record_reading(connection, now.member_id, each.id, wish.reads, source=BY_PREFERENCES, **said._asdict())
    return done


def undo(connection: Connection, now: ReaderChoices, done: ReaderChange, said: ReadingWording) -> bool:
    """Take a change back, each part if it is still as it was made; return whether there was anything to take back."""
    back = undo_unsubscribe(connection, now.member_id, now.email, BY_PREFERENCES, done.at) if done.left else False
    for list_id in done.left if back else ():
        count_reason(connection, list_id, done.reason, undone=True)
    for list_id in now.on.intersection(done.joined):
        back = unsubscribe(connection, list_id, now.member_id, BY_PREFERENCES) or back
    for name, (before, after) in done.fields.items():
        column = Member.__table__.c[name]
        again = update(Member).where(Member.id == now.member_id, column == after).values({name: before})
        back = connection.execute(again).rowcount > 0 or back
    for list_id, until in done.paused.items():
        back = _pause(connection, now.member_id, list_id, until, was=done.paused_until) or back
    reads = {each.id: bool(each.reads) for each in now.lists}
    for list_id, before_ in done.reads.items():
        if reads.get(list_id, before_) != before_:
            record_reading(connection, now.member_id, list_id, before_, source=BY_PREFERENCES, **said._asdict())
            back = True
    return back


def _join(connection: Connection, now: ReaderChoices, each: ListChoice, wish: Wish) -> bool:
    """Put somebody on a list by the wording that they saw; False if they complained or mail to them bounced."""
    assert each.form is not None
    wording = wording_that_was_shown(connection, each.form, wish.agreed[each.id], now.language)
    asked = AskedSignUp(
        0, each.form, "waiting", require_address(now.email), ("", ""), "", "", "", wording, how=BY_PREFERENCES
    )
    return subscribe_by_wish(connection, asked) != "refused"


def _pause(
    connection: Connection, member_id: int, list_id: int, until: datetime | None, *, was: datetime | str | None = ""
) -> bool:
    this = [Membership.member_id == member_id, Membership.list_id == list_id]
    if was != "":
        this.append(Membership.paused_until.is_not_distinct_from(was))
    return connection.execute(update(Membership).where(*this).values(paused_until=until)).rowcount > 0


def restored_change(kept: Mapping[str, Any]) -> ReaderChange:
    """Return a change as JSON kept it."""
    by_list = {name: {int(id_): value for id_, value in kept[name].items()} for name in ("paused", "reads")}
    paused = {id_: value and datetime.fromisoformat(value) for id_, value in by_list["paused"].items()}
    until = kept["paused_until"] and datetime.fromisoformat(kept["paused_until"])
    at = datetime.fromisoformat(kept["at"])
    return ReaderChange(**{**kept, "at": at, "paused": paused, "paused_until": until, "reads": by_list["reads"]})
