"""Changes: organisations that hold packs which are not current any more, what changed and since when, and who knows.

A change is one pack with its state and the reasons. A mail reports each change to an organisation once; one that
was refused, or had nobody to go to, does not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, func, insert, select

from daisychain.clock import home_zone
from lists.organisations import Organisation
from newsletters.packs.dialects.dialect import tool_name
from newsletters.packs.pack_status import Standing
from newsletters.tables import MadePack, StoredToolkit
from partners.contacts import Contact
from partners.hand_out_message import MOST_CHANGES
from partners.organisation_list import OrganisationFilter, find_organisations
from partners.tables import HandOut, HandOutMail, ToldChange
from sender.tables import Delivery


@dataclass(frozen=True)
class PackChange:
    """A pack that is not current, since when if that is known, and when a mail reported it to its organisation."""

    pack: Standing
    since: date | None
    told_at: datetime | None

    @property
    def tool(self) -> str:
        """Return the name of the tool that the pack is for."""
        return tool_name(self.pack.dialect)

    @property
    def text(self) -> str:
        """Return what changed, for the organisation."""
        why = " ".join(self.pack.why)
        return f"It must not be used any more. {why}".strip() if self.pack.state == "withdrawn" else why


@dataclass(frozen=True)
class OrganisationChanges:
    """An organisation with what changed in its packs, and the contacts who get its mail."""

    organisation: Organisation
    contacts: tuple[Contact, ...]
    changes: tuple[PackChange, ...]

    @property
    def untold(self) -> tuple[PackChange, ...]:
        """Return the changes that no mail has reported to the organisation."""
        return tuple(each for each in self.changes if each.told_at is None)

    @property
    def since(self) -> date | None:
        """Return since when something of it is not current."""
        return min((each.since for each in self.changes if each.since), default=None)

    def values(self) -> dict[str, str]:
        """Return the values of the mail that reports the changes which are new to it."""
        shown = self.untold[:MOST_CHANGES]
        more = len(self.untold) - len(shown)
        found = {"more_changes": str(more) if more else ""}
        for number, each in enumerate(shown, 1):
            title = each.pack.title or each.pack.newsletter
            found |= {f"title_{number}": title, f"tool_{number}": each.tool, f"why_{number}": each.text}
        return found


def find_changes(connection: Connection, today: date, toolkit: str = "") -> list[OrganisationChanges]:
    """Return each organisation that holds outdated packs once, by name; only of one toolkit if it is given."""
    found = []
    stale = [
        (entry, [pack for pack in entry.stale.packs if toolkit in ("", pack.toolkit)])
        for entry in find_organisations(connection, today, OrganisationFilter(stale=True)) if entry.stale
    ]  # fmt: skip
    since = _since(connection, [pack for _, packs in stale for pack in packs])
    told = _told(connection)
    for entry, packs in stale:
        id_ = entry.organisation.id
        changes = tuple(PackChange(pack, since.get(pack.key), told.get((id_, _id(pack)))) for pack in packs)
        if changes:
            receiving = tuple(each for each in entry.contacts if each.receives and not each.suggested)
            found.append(OrganisationChanges(entry.organisation, receiving, changes))
    return found


def keep_told(connection: Connection, told: Mapping[int, OrganisationChanges]) -> None:
    """Keep which changes each mail reports to its organisation, by its delivery, in the caller's transaction."""
    rows = [
        {"organisation_id": each.organisation.id, "change": _id(change.pack), "delivery_id": delivery_id}
        for delivery_id, each in told.items()
        for change in each.untold
    ]
    if rows:
        connection.execute(insert(ToldChange), rows)


def _id(pack: Standing) -> str:
    """Return what makes a change another one than an earlier change of the same pack."""
    return sha256(repr((pack.key, pack.state, pack.why)).encode()).hexdigest()[:32]


def _told(connection: Connection) -> dict[tuple[int, str], datetime]:
    """Return when mails reported changes to organisations; one that failed or was excluded reported nothing."""
    rows = connection.execute(
        select(ToldChange.organisation_id, ToldChange.change, func.max(HandOut.sent_at).label("at"))
        .join(HandOutMail, HandOutMail.delivery_id == ToldChange.delivery_id)
        .join(HandOut, HandOut.id == HandOutMail.hand_out_id)
        .join(Delivery, Delivery.id == ToldChange.delivery_id)
        .where(Delivery.state.in_(["waiting", "accepted", "uncertain"]))
        .group_by(ToldChange.organisation_id, ToldChange.change)
    )
    return {(row.organisation_id, row.change): row.at for row in rows}


def _since(connection: Connection, packs: Collection[Standing]) -> dict[str, date]:
    """Return since when packs are not current: withdrawn, past their last day, or the newer text was there."""
    keys = [pack.key for pack in packs if pack.state == "withdrawn"]
    rows = connection.execute(select(MadePack.key, MadePack.withdrawn_at).where(MadePack.key.in_(keys)))
    found = {row.key: _day(row.withdrawn_at) for row in rows}
    found |= {pack.key: pack.expires + timedelta(days=1) for pack in packs if pack.state == "expired" and pack.expires}
    added = {row.name: row.added_at for row in connection.execute(select(StoredToolkit.name, StoredToolkit.added_at))}
    newer = _editions(connection)
    for pack in packs:
        if pack.state == "superseded":
            later = [at for at in newer[pack.toolkit, pack.newsletter] if at > pack.made_at]
            at = min(later, default=None) or added.get(pack.toolkit)
            found |= {pack.key: _day(at)} if at and at > pack.made_at else {}
    return found


def _editions(connection: Connection) -> defaultdict[tuple[str, str], list[datetime]]:
    """Return when packs of each edition were first made, by toolkit and newsletter."""
    of = (MadePack.toolkit, MadePack.newsletter, MadePack.edition)
    found: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
    for row in connection.execute(select(*of, func.min(MadePack.made_at).label("at")).group_by(*of)):
        found[row.toolkit, row.newsletter].append(row.at)
    return found


def _day(at: datetime) -> date:
    return at.astimezone(home_zone()).date()
