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
    texts = NewsletterSave.content["texts"]
    each = func.jsonb_each_text(texts).table_valued("key", "value")
    every_text = select(func.string_agg(each.c.value, "\n")).scalar_subquery()
    name = re.escape(block_id.partition(".")[0])
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
        .where(every_text.regexp_match(rf"(^|\n)\s*:::\s*copy\s+\"?{name}(?![\w-])"))
        .order_by(StoredNewsletter.updated_at.desc())
    )  # fmt: skip
    holds = MadePack.copy_blocks.contains([{"id": block_id}])
    now = MadePack.copy_blocks.contains([{"id": block_id, "version": version}])
    counted = select(func.count(), func.count().filter(~now))
    packs = connection.execute(counted.where(MadePack.toolkit == toolkit, MadePack.withdrawn_at.is_(None), holds)).one()
    return CopyUses([(row.id, row.title) for row in rows], packs[0], packs[1])
