"""Partners and their packs: who has which, and whose are stale."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select, text

from daisychain.cache import Cache
from newsletters.packs.pack_status import StalePartner, Standing, all_standings, stale_partners
from newsletters.packs.partner_codes import name_key
from newsletters.tables import PackPartner


@dataclass(frozen=True)
class PartnerEntry:
    """An organisation with its packs ("" for packs without branding), and what it should hear of, if anything."""

    name: str
    reply: str
    notes: dict[str, str]
    packs: list[Standing]
    stale: StalePartner | None

    @property
    def states(self) -> dict[str, int]:
        """Count the packs by state, the most frequent first."""
        return dict(Counter(pack.state for pack in self.packs).most_common())


# The partners of some thousand packs take a quarter of a second. They are kept until a row changes that they are of:
# each change gives it a newer transaction number (xmin).
_KEPT: Cache[list[PartnerEntry]] = Cache(2)
_STATE = text("""
    SELECT (SELECT (count(*), sum(CAST(CAST(xmin AS text) AS bigint))) FROM made_packs)::text,
           (SELECT (count(*), sum(CAST(CAST(xmin AS text) AS bigint))) FROM pack_partners)::text,
           (SELECT array_agg(name || content_hash ORDER BY name) FROM toolkits)::text
""")


def list_partners(connection: Connection, today: date) -> list[PartnerEntry]:
    """Return every organisation that has a code or a pack, by name; packs without branding come last."""
    state = (str(connection.engine.url), today, *connection.execute(_STATE).one())
    return _KEPT.get(state, lambda: _listed(connection, today))


def _listed(connection: Connection, today: date) -> list[PartnerEntry]:
    standings = all_standings(connection, today)
    known = {name_key(row.name): row for row in connection.execute(select(PackPartner.__table__).order_by("given_at"))}
    stale = {name_key(each.partner): each for each in stale_partners(connection, standings)}
    packs: defaultdict[str, list[Standing]] = defaultdict(list)
    for standing in standings:
        packs[name_key(standing.partner)].append(standing)
    found = []
    for key in sorted({*known, *packs}, key=lambda key: (not key, key)):
        row = known.get(key)
        name = row.name if row else packs[key][-1].partner
        notes = {note: value for note, value in row.notes.items() if value} if row else {}
        found.append(PartnerEntry(name, row.reply if row else "", notes, packs[key], stale.get(key)))
    return found
