"""Offers: newsletters whose packs without branding anybody may take from the page of their toolkit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.cache import Cache
from daisychain.errors import InputError
from newsletters.documents.document import language_of, parse_document
from newsletters.packs.dialects.dialect import Dialect, dialects
from newsletters.packs.edition import Choices, Edition, open_edition
from newsletters.packs.material import gather
from newsletters.packs.pack import Pack, make_pack, pack_key
from newsletters.packs.pack_status import keep_packs, row_of, withdrawn_why
from newsletters.tables import OfferedNewsletter
from newsletters.toolkits.toolkit import Toolkit


@dataclass(frozen=True)
class Offer:
    """A newsletter that can be taken; `name` is a part of its packs' addresses, `first` the source it translates."""

    name: str
    title: str
    source: str
    first: str = ""


def offer(connection: Connection, edition: Edition, first: Edition, *, stop: bool = False) -> None:
    """Offer the edition's newsletter, or no more; raises InputError if it has pictures that are not the toolkit's.

    `first` is what it is a translation of, or the same again.
    """
    toolkit = edition.toolkit.name
    connection.execute(
        delete(OfferedNewsletter).where(OfferedNewsletter.toolkit == toolkit, OfferedNewsletter.name == edition.name)
    )
    if stop:
        return
    source = first.document.source if first is not edition else ""
    found = Offer(edition.name, edition.title, edition.document.source, source)
    again = offered_edition(found, edition.toolkit, edition.choices.public_url, edition.today)
    if (why := withdrawn_why(connection, toolkit, edition.name, again.hash)) is not None:
        raise InputError(
            f"This text was withdrawn: {why}",
            hint=f"Change the text, or type: daisychain pack withdraw {edition.name} --undo",
        )
    row = {"toolkit": toolkit, "name": found.name, "title": found.title, "source": found.source}
    connection.execute(insert(OfferedNewsletter).values(row))
    # Their public pages must know them before anybody downloads one: a download adds its sheet, no more.
    keep_packs(connection, [row_of(pack_key(again, None, each), again, None, each) for each in dialects().values()])


def offers(connection: Connection, toolkit: Toolkit) -> Sequence[Offer]:
    """Return the newsletters that `toolkit` offers, the newest first."""
    table = OfferedNewsletter
    rows = connection.execute(
        select(table.name, table.title, table.source)
        .where(table.toolkit == toolkit.name)
        .order_by(table.offered_at.desc(), table.name)
    ).all()
    sources = {row.name: row.source for row in rows}
    return [Offer(row.name, row.title, row.source, _first(row.name, sources)) for row in rows]


def offered_edition(offered: Offer, toolkit: Toolkit, public_url: str, today: date) -> Edition:
    """Return the edition of an offered newsletter; raises InputError if its copy may not be used today."""
    file = Path(f"{offered.name}.md")
    first = parse_document(offered.first, str(file), None) if offered.first else None
    document = parse_document(offered.source, str(file), None, first, language_of(file) if first else "")
    return open_edition(document, toolkit, Choices(public_url), today)


def offered_pack(offered: Offer, toolkit: Toolkit, dialect: Dialect, public_url: str, today: date) -> Pack:
    """Return the pack without branding; made once for each state of its words, as anybody may ask for it."""

    def made() -> Pack:
        return make_pack(gather(offered_edition(offered, toolkit, public_url, today), None), dialect)

    return _MADE.get((offered, toolkit.content_hash, dialect.key, public_url, today), made)


def _first(name: str, sources: Mapping[str, str]) -> str:
    """Return the source of what `name` is a translation of: that of may for may.cy."""
    return sources.get(Path(name).stem, "") if language_of(Path(f"{name}.md")) else ""


_MADE: Cache[Pack] = Cache(32)
