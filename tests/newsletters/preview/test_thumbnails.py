"""Small pictures of newsletters: drawn once a version, when nobody is writing, by a real Chromium."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from PIL import Image
from sqlalchemy import Connection, text, update

from daisychain.cache import Busy
from daisychain.database import Database
from newsletters.browser.browser import Page, View
from newsletters.preview.thumbnails import draw_thumbnails, find_thumbnail
from newsletters.stored.contents import Change, Contents
from newsletters.stored.newsletters import create, list_newsletters
from newsletters.stored.saving import save
from newsletters.tables import StoredNewsletter

pytestmark = [pytest.mark.usefixtures("chromium"), pytest.mark.processes]
HEAD = "---\nsubject: Hello\ntoolkit: community-makes-us\nlayout: bulletin\n---\n"


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def hour_ago(connection: Connection) -> None:
    table = StoredNewsletter
    connection.execute(update(table).values(updated_at=table.updated_at.op("-")(timedelta(hours=1))))


def test_a_newsletter_is_drawn_once_a_version_and_one_that_can_t_be_shown_has_none(connection: Connection) -> None:
    made = create(connection, "May", Contents({"": f"{HEAD}::: hero Hi image=hero\n:::\n"}), who="Ann")
    broken = create(connection, "June", Contents({"": "no front matter"}), who="Ann")
    assert draw_thumbnails(connection.engine) == 0  # somebody may be writing
    hour_ago(connection)
    assert draw_thumbnails(connection.engine) == 2
    first = find_thumbnail(connection, made.id)
    with Image.open(io.BytesIO(first)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (240, 320))
        assert len(picture.getcolors(100_000) or range(100_000)) > 500  # the toolkit's picture is in it
    assert find_thumbnail(connection, broken.id) == b""
    assert {each.title: each.drawn for each in list_newsletters(connection)} == {"May": 1, "June": None}
    assert draw_thumbnails(connection.engine) == 0
    save(connection, made.id, 1, Change({"": f"{HEAD}Other\n"}), who="Ann")
    hour_ago(connection)
    assert draw_thumbnails(connection.engine) == 1
    assert find_thumbnail(connection, made.id) != first


def test_a_text_that_uses_up_the_time_keeps_no_other_from_being_drawn(connection: Connection) -> None:
    create(connection, "May", Contents({"": f"{HEAD}One\n"}), who="Ann")
    create(connection, "June", Contents({"": f"{HEAD}Two\n"}), who="Ann")
    hour_ago(connection)
    with patch("newsletters.preview.thumbnails.show", side_effect=[None, Busy("This takes long.")]):
        assert draw_thumbnails(connection.engine) == 1
    assert draw_thumbnails(connection.engine) == 1


class Watching:
    """A browser that looks for open transactions while it takes a picture."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.found = connection, list[int]()

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def picture(self, page: Page, _: View) -> bytes:
        """Return a picture, after a look at one of the page's files."""
        page.files("images/none.png")
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in tr%'"
        self.found.append(self.connection.execute(text(others)).scalar_one())
        made = io.BytesIO()
        Image.new("RGB", (4, 4)).save(made, "PNG")
        return made.getvalue()


def test_no_transaction_is_open_while_the_browser_works(connection: Connection) -> None:
    """PostgreSQL ends one that has been idle for long, as on a busy machine."""
    create(connection, "May", Contents({"": f"{HEAD}One\n"}), who="Ann")
    hour_ago(connection)
    watching = Watching(connection)
    with patch("newsletters.preview.thumbnails.open_browser", return_value=watching):
        assert draw_thumbnails(connection.engine) == 1
    assert watching.found == [0]
