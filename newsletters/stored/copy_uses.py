"""Uses of a toolkit's copy block: newsletters in the desk, and packs that were handed out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from newsletters.stored.newsletters import TOOLKIT_KEY
from newsletters.tables import MadePack, NewsletterSave, StoredNewsletter


@dataclass(frozen=True)
class CopyUses:
    """The newsletters that name a block, and how many packs with it are out there, by whether it is its version now."""

    newsletters: list[tuple[int, str]]  # id and title
    packs: int
    packs_of_older: int


def copy_uses(connection: Connection, toolkit: str, block_id: str, version: str) -> CopyUses:
    """Return the uses of a block; packs that were withdrawn don't count."""
    name = re.escape(block_id.partition(".")[0])
    found = _newsletters(connection, toolkit, rf"(^|\n)\s*:::\s*copy\s+\"?{name}(?![\w-])")
    holds = MadePack.copy_blocks.contains([{"id": block_id}])
    now = MadePack.copy_blocks.contains([{"id": block_id, "version": version}])
    counted = select(func.count(), func.count().filter(~now))
    packs = connection.execute(counted.where(MadePack.toolkit == toolkit, MadePack.withdrawn_at.is_(None), holds)).one()
    return CopyUses(found, packs[0], packs[1])


def newsletters_with_picture(connection: Connection, toolkit: str, picture: str) -> list[str]:
    """Return the titles of newsletters that use a toolkit's picture, by its name."""
    name = re.escape(picture)
    pattern = rf"(\({name}[\s)])|((^|\n)\s*:::[^\n]*[\s=\"]{name}(\"|\s|$))"
    return [f"the newsletter “{title}”" for _, title in _newsletters(connection, toolkit, pattern)]


def _newsletters(connection: Connection, toolkit: str, pattern: str) -> list[tuple[int, str]]:
    """Return id and title of the newsletters of a toolkit whose texts match a pattern, the newest change first."""
    texts = NewsletterSave.content["texts"]
    each = func.jsonb_each_text(texts).table_valued("key", "value")
    every_text = select(func.string_agg(each.c.value, "\n")).scalar_subquery()
    rows = connection.execute(
        select(StoredNewsletter.id, StoredNewsletter.title)
        .join(
            NewsletterSave,
            and_(
                NewsletterSave.newsletter_id == StoredNewsletter.id, NewsletterSave.version == StoredNewsletter.version,
                NewsletterSave.kind != "collided", StoredNewsletter.deleted_at.is_(None),
            ),
        )
        .where(func.substring(texts[""].astext, TOOLKIT_KEY) == toolkit)
        .where(every_text.regexp_match(pattern))
        .order_by(StoredNewsletter.updated_at.desc())
    )  # fmt: skip
    return [(row.id, row.title) for row in rows]
