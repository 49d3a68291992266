"""Notes that staff add to a campaign's report: what happened on a day that may explain its figures."""

from __future__ import annotations

import re
from datetime import date

from sqlalchemy import Connection, delete, insert, select

from daisychain import clock
from daisychain.database import database_now
from daisychain.errors import InputError
from reports.report import Note
from reports.tables import StaffNote
from sender.campaigns.campaign_record import find_campaign

LONGEST = 200
_ADDRESS = re.compile(r"\S@\S+\.\w")


def add_note(connection: Connection, campaign_id: int, content: str, by: str, day: date | None = None) -> int:
    """Add a note, for today unless another day is given, and return its number; raises InputError."""
    find_campaign(connection, campaign_id)
    content = " ".join(content.split())
    if not content or len(content) > LONGEST:
        raise InputError(f"A note has 1 to {LONGEST} letters; this one has {len(content)}.")
    if _ADDRESS.search(content):
        raise InputError("A note can't have an email address: reports are for people who may see none.")
    today = database_now(connection).astimezone(clock.home_zone()).date()
    values = {"campaign_id": campaign_id, "day": day or today, "content": content, "written_by": by}
    return int(connection.execute(insert(StaffNote).values(values).returning(StaffNote.id)).scalar_one())


def remove_note(connection: Connection, campaign_id: int, number: int) -> str:
    """Remove a note of a campaign and return what it said; raises InputError if there is none of that number."""
    which = (StaffNote.id == number) & (StaffNote.campaign_id == campaign_id)
    removed = connection.scalar(delete(StaffNote).where(which).returning(StaffNote.content))
    if removed is None:
        raise InputError(f"Campaign {campaign_id} has no note {number}.")
    return str(removed)


def read_notes(connection: Connection, campaign_id: int) -> list[Note]:
    """Return the notes on a campaign, by day."""
    columns = StaffNote.id, StaffNote.day, StaffNote.content, StaffNote.written_by
    which = select(*columns).where(StaffNote.campaign_id == campaign_id)
    return [Note(*row) for row in connection.execute(which.order_by(StaffNote.day, StaffNote.id))]
