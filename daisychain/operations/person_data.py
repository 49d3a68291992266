"""One person's data in all rooms: who is meant, and where the rooms say that they hold something."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from lists.addresses import require_address
from lists.privacy.held_data import DataSubject, Held
from lists.privacy.lists_hold import LISTS_HOLD
from partners.partners_hold import PARTNERS_HOLD
from reports.reports_hold import REPORTS_HOLD
from sender.events.forget_events import bodies_about
from sender.upkeep.sender_holds import PUBLIC, SENDER_HOLD, find_deliveries

# In the order in which they are erased: others are found through members and memberships.
HOLDS: tuple[Held, ...] = (*SENDER_HOLD, *REPORTS_HOLD, *PARTNERS_HOLD, *LISTS_HOLD)
# What colleagues wrote in their own words, and may name an address. It is replaced; the rest of the text stays.
WORDS = {
    "campaign_decisions": "because", "campaign_overrides": "because findings", "complaints": "about outcome",
    "erasures": "because", "lists": "because", "member_changes": "because", "memberships": "source",
    "organisation_profiles": "notes intro", "pack_partners": "notes", "restorations": "because evidence before",
    "suppressions": "note source", "imports": "file", "segments": "text", "campaigns": "segment",
    "report_notes": "content", "report_links": "for_whom",
}  # fmt: skip
# Earlier addresses of a member whose address was corrected.
_EARLIER = text("""
    SELECT DISTINCT before ->> 'address_key' FROM member_changes
    WHERE member_id = :member AND before ? 'address_key'
""")


def find_subject(connection: Connection, email: str) -> DataSubject:
    """Return who has this address, and find their deliveries; raises InputError if it is no address."""
    key = require_address(email).key
    member = connection.scalar(text("SELECT id FROM members WHERE address_key = :key"), {"key": key})
    earlier = connection.scalars(_EARLIER, {"member": member}).all() if member else []
    subject = DataSubject(member, sorted({key, *earlier}))
    find_deliveries(connection, subject)
    return subject


def parameters(subject: DataSubject) -> dict[str, Any]:
    """Return the parameters that the conditions of HOLDS may name."""
    return {**subject._asdict(), **PUBLIC}


def rows_held(connection: Connection, subject: DataSubject) -> dict[str, list[dict[str, Any]]]:
    """Return everything that is held of a person, by title, as it is shown to them."""
    held = {
        each.title: [dict(row) for row in connection.execute(text(each.select()), parameters(subject)).mappings()]
        for each in reversed(HOLDS)
        if each.title
    }
    events = [event for _, about in bodies_about(connection, subject.keys) for event in about]
    return {**held, "Reports of the email provider, as they came": events}


def counts_held(connection: Connection, subject: DataSubject) -> dict[str, int]:
    """Count what is held of a person, by title, leaving out what is not."""
    counts = {title: len(rows) for title, rows in rows_held(connection, subject).items()}
    return {title: count for title, count in counts.items() if count}


def of_colleague(connection: Connection, subject: DataSubject) -> bool:
    """Whether somebody with this address may sign in at the desk, which is no membership."""
    account = text("SELECT EXISTS (SELECT FROM accounts WHERE email = ANY (CAST(:keys AS text[])))")
    return bool(connection.scalar(account, {"keys": subject.keys}))
