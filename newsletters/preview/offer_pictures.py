"""Pictures of the emails that toolkits offer, for their cards: drawn by a chore if there is a Chromium.

No transaction is open while Chromium works: the server ends one that has been idle for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.errors import InputError
from newsletters.browser.browser import Browser, BrowserError, Page, View, chromium, open_browser
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.material import Material, gather
from newsletters.packs.offers import Offer, offered_edition, offers
from newsletters.packs.preview_files import preview_files
from newsletters.preview.thumbnails import as_picture
from newsletters.tables import OfferedNewsletter, OfferPicture
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from newsletters.toolkits.toolkit import Toolkit, current_day

# The beginning of a mail 600 px wide, at 480 px: sharp on a card, and some 25 KB.
_VIEW = View(width=600, height=800, scale=0.8)
_AT_ONCE = 10


def draw_offers(engine: Engine, public_url: str) -> int:
    """Draw the offered emails that have changed since their pictures were made; returns how many.

    One that can't be shown has an empty picture until its toolkit changes, or it is offered again.
    """
    with engine.connect() as connection:
        due = _due(connection)[:_AT_ONCE]
    if not due or not chromium():
        return 0
    with open_browser() as browser:
        for toolkit, offer in due:
            values = {"state": toolkit.content_hash, "content": _drawn(browser, offer, toolkit, public_url)}
            new = insert(OfferPicture).values(toolkit=toolkit.name, newsletter=offer.name, **values)
            key = [OfferPicture.toolkit, OfferPicture.newsletter]
            with engine.begin() as connection:
                connection.execute(new.on_conflict_do_update(index_elements=key, set_=values))
    return len(due)


def drawn_offers(connection: Connection, toolkit: str) -> Mapping[str, str]:
    """Return the states of the pictures that a toolkit's emails have, by the emails' names."""
    table = OfferPicture
    found = select(table.newsletter, table.state).where(table.toolkit == toolkit, table.content != b"")
    return {row.newsletter: row.state for row in connection.execute(found)}


def find_offer_picture(connection: Connection, toolkit: str, newsletter: str) -> bytes:
    """Return the picture of an offered email, a WebP; empty if it has none."""
    table = OfferPicture
    found = select(table.content).where(table.toolkit == toolkit, table.newsletter == newsletter)
    return connection.scalar(found) or b""


def _due(connection: Connection) -> list[tuple[Toolkit, Offer]]:
    drawn = {(row.toolkit, row.newsletter): row.state for row in connection.execute(
        select(OfferPicture.toolkit, OfferPicture.newsletter, OfferPicture.state)
    )}  # fmt: skip
    due = []
    for name in connection.scalars(select(OfferedNewsletter.toolkit).distinct()).all():
        with suppress(UnknownToolkit):
            toolkit = named_toolkit(name, connection)
            rows = offers(connection, toolkit)
            due += [(toolkit, each) for each in rows if drawn.get((name, each.name)) != toolkit.content_hash]
    return due


def _drawn(browser: Browser, offer: Offer, toolkit: Toolkit, public_url: str) -> bytes:
    with suppress(InputError, BrowserError):
        material = gather(offered_edition(offer, toolkit, public_url, current_day()), None)
        files = {f"images/{name}": content for name, content in material.pictures.items()}
        return as_picture(browser.picture(Page(_page(material), files.get), _VIEW), "WEBP")
    return b""


def _page(material: Material) -> str:
    """Return the email as its readers get it from the first tool that can express it; raises InputError."""
    for dialect in dialects().values():
        if not dialect.simple:
            with suppress(InputError):
                return preview_files(material, dialect)["preview/email.html"].decode().replace("../images/", "images/")
    raise InputError("No tool can express this email.")
