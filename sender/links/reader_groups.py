"""Reading that is counted without persons: groups of people, and the readers whose numbers their mails carry.

The links and the pixel of such a mail hold a *reader*: a negative number made of the person's group and 40 random bits.
It is drawn when the mail is merged, and stored nowhere until it is used. Then it is the mail of those opens and clicks,
as a delivery's id is in other campaigns. So two opens can be seen to be of one mail, and a mail to be of somebody in a
group, and nothing leads from there to a person. A retry draws a new one.

A group is at least five people of a campaign who have an email, mailbox provider, domain and dimensions in common.
Fewer are with others in a coarser one, of which the last is everybody with the same email. Only if fewer than five
people get an email (a language) does its last group say as much of them as the campaign's figures do.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from struct import unpack
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, false, func, insert, null, select, text

from sender.mailbox_providers import OTHER, PROVIDER_OF, mailbox_provider
from sender.tables import Delivery, ReaderGroup

MODES = ("counted", "per person")  # of a campaign that has people who are counted so
RANDOM_BITS, LEAST = 40, 5
# More of them would say too little each, and use up ids.
MOST = 2_000
# SQL for the group of a reader, for the first and the last reader of group `g`, and that a number is one of them.
GROUP_OF = f"-{{}} >> {RANDOM_BITS}"
FIRST_READER = f"-((CAST(g.id AS bigint) + 1) << {RANDOM_BITS}) + 1"
LAST_READER = f"-(CAST(g.id AS bigint) << {RANDOM_BITS})"
IN_GROUP = f"{{}} BETWEEN {FIRST_READER} AND {LAST_READER}"


def group_of(reader: int) -> int:
    """Return the id of a reader's group."""
    return -reader >> RANDOM_BITS


def is_without_person(tracking: str) -> ColumnElement[bool]:
    """Return SQL for whether a delivery's reading is counted without the person, in a campaign with this tracking."""
    return Delivery.per_person.is_(None) if tracking in MODES else false()


def count_without_persons(connection: Connection, campaign_ids: Collection[int]) -> dict[int, int]:
    """Count the people of each campaign whose reading is counted without persons, as they were at the freeze."""
    people = select(ReaderGroup.campaign_id, func.sum(ReaderGroup.people))
    rows = connection.execute(people.where(ReaderGroup.campaign_id.in_(campaign_ids)).group_by(ReaderGroup.campaign_id))
    return {row[0]: int(row[1]) for row in rows}


_NONE: frozenset[tuple[str, str]] = frozenset()


class _Kind(NamedTuple):
    """Things that people have in common; a coarser kind has fewer."""

    compiled_id: int
    mailbox: str = OTHER
    domain: str = ""
    dimensions: frozenset[tuple[str, str]] | None = None  # if they have the same

    def coarser(self) -> list[_Kind]:
        """Return this kind and all coarser ones, the finest first."""
        without = self._replace(domain="")
        kinds = (self, without, without._replace(dimensions=None), _Kind(self.compiled_id))
        return list(dict.fromkeys(kinds))


# People are counted by domain first, of which there are few; then at each level those that are enough.
_CELLS = text("""
    WITH cells AS MATERIALIZED (
        SELECT coalesce(compiled_id, :compiled) AS compiled_id, lower(part) AS domain,
               coalesce(dimensions, '{}') AS dimensions, people
        FROM (SELECT compiled_id, split_part(address, '@', -1) AS part, dimensions, count(*) AS people
              FROM deliveries WHERE id > :after AND state = 'waiting' AND per_person IS NULL GROUP BY 1, 2, 3) AS parts
    ), named AS (
        SELECT compiled_id, coalesce(mailbox, :other) AS mailbox,
               CASE WHEN mailbox IS NULL THEN domain ELSE '' END AS domain, dimensions, people
        FROM cells LEFT JOIN json_each_text(CAST(:providers AS json)) AS m (domain, mailbox) USING (domain)
    )
    SELECT compiled_id, mailbox, domain, dimensions, sum(people) AS people
    FROM named
    GROUP BY GROUPING SETS (
        (compiled_id, mailbox, domain, dimensions), (compiled_id, mailbox, dimensions), (compiled_id, mailbox),
        (compiled_id))
    HAVING sum(people) >= :least OR grouping(mailbox) = 1
    ORDER BY grouping(domain, dimensions, mailbox), people DESC
""")


def make_groups(connection: Connection, campaign_id: int, compiled_id: int, *, after: int) -> None:
    """Make the groups of the people frozen after this delivery who are counted without persons."""
    values = {"compiled": compiled_id, "after": after, "other": OTHER, "least": LEAST}
    rows = connection.execute(_CELLS, {**values, "providers": orjson.dumps(PROVIDER_OF).decode()}).all()
    cells = [
        (_Kind(row.compiled_id, row.mailbox or OTHER, row.domain or "", _items(row.dimensions)), int(row.people))
        for row in rows
    ]
    groups = [
        {
            "campaign_id": campaign_id, "compiled_id": kind.compiled_id, "mailbox": kind.mailbox,
            "domain": kind.domain, "people": people,
            "dimensions": null() if kind.dimensions is None else dict(kind.dimensions),
        }
        for kind, people in divide(cells).items()
    ]  # fmt: skip
    if groups:
        connection.execute(insert(ReaderGroup), groups)


def divide(cells: Iterable[tuple[_Kind, int]]) -> dict[_Kind, int]:
    """Divide people into groups, given all kinds that are enough people, the finest first, with how many they are."""
    groups: dict[_Kind, int] = {}
    taken: Counter[_Kind] = Counter()  # people of a kind who are in a finer group
    whole: Counter[_Kind] = Counter()
    for kind, people in cells:
        last = kind.coarser()[-1]
        whole[last] = people
        left = people - taken[kind]
        if kind == last or kind in groups or left < LEAST or len(groups) >= MOST:
            continue
        groups[kind] = left
        taken.update(dict.fromkeys(kind.coarser()[1:], left))
    for last, people in whole.items():
        left = people - taken[last]
        while 0 < left < LEAST:
            # The few who are left would stand out, so the smallest group that has no coarser one joins them.
            free = [kind for kind in groups if last in (others := kind.coarser()[1:]) and not groups.keys() & others]
            if not free:
                break
            left += groups.pop(min(free, key=lambda kind: groups[kind]))
        if left:
            groups[last] = left
    return groups


class Readers:
    """Draws readers for the people of one email of a campaign."""

    def __init__(self, connection: Connection, campaign_id: int, compiled_id: int) -> None:
        group = ReaderGroup.__table__
        rows = connection.execute(
            select(group).where(group.c.campaign_id == campaign_id, group.c.compiled_id == compiled_id)
        )
        self._compiled_id = compiled_id
        self._groups = {_Kind(compiled_id, row.mailbox, row.domain, _items(row.dimensions)): row.id for row in rows}
        self._known: dict[tuple[str, frozenset[tuple[str, str]] | None], int] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def draw(self, people: Sequence[tuple[str, Mapping[str, str] | None]]) -> list[int]:
        """Draw a reader for each of these people, given by address and dimensions."""
        chances = unpack(f">{len(people)}Q", os.urandom(8 * len(people)))
        return [
            -(
                self._group(address.rpartition("@")[2].lower(), _items(dimensions) if dimensions else _NONE)
                << RANDOM_BITS
                | chance >> 64 - RANDOM_BITS
            )
            for (address, dimensions), chance in zip(people, chances, strict=True)
        ]

    def _group(self, domain: str, dimensions: frozenset[tuple[str, str]] | None) -> int:
        found = self._known.get((domain, dimensions))
        if found is None:
            mailbox = mailbox_provider(f"@{domain}")
            kind = _Kind(self._compiled_id, mailbox, domain if mailbox == OTHER else "", dimensions)
            kinds = (self._groups[each] for each in kind.coarser() if each in self._groups)
            found = next(kinds, min(self._groups.values()))  # a group for every person was made at the freeze
            self._known[domain, dimensions] = found
        return found


def _items(dimensions: Mapping[str, Any] | None) -> frozenset[tuple[str, str]] | None:
    return None if dimensions is None else frozenset(dimensions.items())
