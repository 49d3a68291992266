"""The demo's consent to reading: half of the invented people agreed that theirs is recorded; the others are counted."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sqlalchemy import func, select, update

from daisychain.database import Database
from daisychain.settings import load_settings
from lists.consent.consent_ledger import record_consents
from lists.lists import find_list
from lists.tables import Membership

WORDING = "You may record which of your emails I open and which links I follow."


def agree_to_reading(list_name: str) -> int:
    """Record the consent of every second person who was not asked yet; returns how many."""
    with closing(Database(load_settings())) as database, database.engine.begin() as connection:
        list_id = find_list(connection, list_name)["id"]
        these = (Membership.list_id == list_id, Membership.reads_agreed.is_(None), Membership.member_id % 2 == 0)
        people: Any = select(Membership.member_id, func.now()).where(*these)
        record_consents(
            connection, people, list_id, "given", purpose="reading", basis="consent", wording=WORDING, language="en",
            source="made up for the demo", by="the demo",
        )  # fmt: skip
        return connection.execute(update(Membership).where(*these).values(reads_agreed=True)).rowcount
