"""Small pictures of stored newsletters, for their list: drawn by a chore if there is a Chromium, one a version.

No transaction is open while Chromium works: the server ends one that has been idle for long.
"""

from __future__ import annotations

import io
from contextlib import suppress

from PIL import Image
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.cache import Busy
from daisychain.errors import InputError
from newsletters.browser.browser import Browser, BrowserError, Page, View, chromium, open_browser
from newsletters.preview.editor_view import show
from newsletters.stored.manuscripts import stored_manuscript
from newsletters.tables import NewsletterThumbnail, StoredNewsletter
from newsletters.toolkit_store.store import find_image

# Of a mail 600 px wide, in half its size, which is sharp at 72 px on every screen.
_VIEW = View(width=600, height=800, scale=0.4)
_AT_ONCE = 10
# Nobody writes on it just now.
_CALM = func.make_interval(0, 0, 0, 0, 0, 1)


def draw_thumbnails(engine: Engine) -> int:
    """Draw the newsletters that have changed since their pictures were made, the newest first; returns how many.

    One that can't be shown has an empty picture until it changes again.
    """
    table = NewsletterThumbnail
    due = (
        select(StoredNewsletter.id, StoredNewsletter.name, StoredNewsletter.version)
        .outerjoin(table, table.newsletter_id == StoredNewsletter.id)
        .where(StoredNewsletter.deleted_at.is_(None), StoredNewsletter.updated_at < func.now() - _CALM)
        .where(table.version.is_distinct_from(StoredNewsletter.version))
        .order_by(StoredNewsletter.updated_at.desc())
        .limit(_AT_ONCE)
    )
    with engine.connect() as connection:
        rows = connection.execute(due).all()
    if not rows or not chromium():
        return 0
    drawn = 0
    with open_browser() as browser:
        for row in rows:
            try:
                values = {"version": row.version, "content": _drawn(engine, browser, row.name)}
            except Busy:  # slow texts have used up the time of this process; the others come next time
                break
            drawn += 1
            new = insert(table).values(newsletter_id=row.id, **values)
            with engine.begin() as connection:
                connection.execute(new.on_conflict_do_update(index_elements=[table.newsletter_id], set_=values))
    return drawn


def find_thumbnail(connection: Connection, newsletter_id: int) -> bytes:
    """Return a newsletter's picture, a JPEG; empty if it has none."""
    table = NewsletterThumbnail
    return connection.scalar(select(table.content).where(table.newsletter_id == newsletter_id)) or b""


def _drawn(engine: Engine, browser: Browser, name: str) -> bytes:
    def file(path: str) -> bytes | None:
        with engine.connect() as connection:
            found = find_image(connection, path.rpartition("/")[2].partition(".")[0])
        return found[1] if found else None

    with suppress(InputError, BrowserError):
        with engine.connect() as connection:
            mail = show(connection, stored_manuscript(connection, name))
        if mail:
            return as_picture(browser.picture(Page(mail.html, file), _VIEW), "JPEG")
    return b""


def as_picture(png: bytes, format_: str) -> bytes:
    """Return a screenshot as a small JPEG or WebP."""
    made = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(made, format_, quality=80)
    return made.getvalue()
