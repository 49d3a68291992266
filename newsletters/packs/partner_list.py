"""The packs of each partner: what it has, and what it should hear of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from daisychain.cache import Cache
from newsletters.packs.pack_status import StalePartner, Standing, all_standings, stale_partners
from newsletters.packs.partner_codes import name_key


@dataclass(frozen=True)
class PartnerPacks:
    """The packs of one partner, or those without branding, and what it should hear of, if anything."""

    packs: tuple[Standing, ...] = ()
    stale: StalePartner | None = None

    @property
    def states(self) -> dict[str, int]:
        """Count the packs by state, the most frequent first."""
        return dict(Counter(pack.state for pack in self.packs).most_common())

    def has(self, newsletter: str) -> bool:
        """Whether there is a pack of a newsletter, of its name, in any language."""
        return any(pack.newsletter.partition(".")[0] == newsletter for pack in self.packs)


# The partners of some thousand packs take a quarter of a second. They are kept until a row changes that they are of:
# each change gives it a newer transaction number (xmin).
_KEPT: Cache[Mapping[str, PartnerPacks]] = Cache(2)
_STATE = text("""
    SELECT (SELECT (count(*), sum(CAST(CAST(xmin AS text) AS bigint))) FROM made_packs)::text,
           (SELECT (count(*), sum(CAST(CAST(xmin AS text) AS bigint))) FROM pack_partners)::text,
           (SELECT array_agg(name || content_hash ORDER BY name) FROM toolkits)::text
""")


def packs_by_partner(connection: Connection, today: date) -> Mapping[str, PartnerPacks]:
    """Return the packs of each partner by the key of its name, "" for packs without branding."""
    state = (str(connection.engine.url), today, *connection.execute(_STATE).one())
    return _KEPT.get(state, lambda: _found(connection, today))


def _found(connection: Connection, today: date) -> Mapping[str, PartnerPacks]:
    standings = all_standings(connection, today)
    stale = {name_key(each.partner): each for each in stale_partners(connection, standings)}
    packs: defaultdict[str, list[Standing]] = defaultdict(list)
    for standing in standings:
        packs[name_key(standing.partner)].append(standing)
    return {key: PartnerPacks(tuple(found), stale.get(key)) for key, found in packs.items()}
