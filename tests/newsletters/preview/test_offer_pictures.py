"""Pictures of offered emails: drawn once a state of their toolkit, by a real Chromium, and never while a page waits."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from daisychain.database import Database
from newsletters.packs.offers import offer
from newsletters.preview.offer_pictures import draw_offers, drawn_offers, find_offer_picture
from newsletters.toolkit_store.store import add_toolkit
from tests.newsletters.packs.packing import PUBLIC, SOCIAL, edition
from tests.newsletters.sample_toolkits import BLOCK, files, folder
from tests.public_pages import public_app

pytestmark = [pytest.mark.usefixtures("chromium"), pytest.mark.processes]
PICTURE = "/toolkits/spring-fair/emails/may/picture"


def test_an_offered_email_is_drawn_once_until_its_toolkit_or_itself_is_another(
    database: Database, tmp_path: Path
) -> None:
    client = public_app(database).test_client()
    with database.engine.begin() as connection:
        kit, _ = add_toolkit(connection, folder(tmp_path, files(welcome=BLOCK, post=SOCIAL)))
        spring = edition(toolkit=kit)
        offer(connection, spring, spring)
    assert "picture?" not in client.get("/toolkits/spring-fair/emails").text
    assert client.get(PICTURE).status_code == 404
    assert (draw_offers(database.engine, PUBLIC), draw_offers(database.engine, PUBLIC)) == (1, 0)
    with database.engine.connect() as connection:
        assert drawn_offers(connection, "spring-fair") == {"may": kit.content_hash}
        first = find_offer_picture(connection, "spring-fair", "may")
    with Image.open(io.BytesIO(first)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (480, 640))
        assert len(picture.getcolors(400_000) or ()) > 100  # the toolkit's picture is in it
    assert f'src="{PICTURE}?v={kit.content_hash[:12]}"' in client.get("/toolkits/spring-fair/emails").text
    answer = client.get(PICTURE)
    assert (answer.mimetype, answer.data) == ("image/webp", first)
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path, files(welcome=BLOCK.replace("*fair*", "fête"), post=SOCIAL)))
    assert draw_offers(database.engine, PUBLIC) == 1
    with database.engine.begin() as connection:
        assert find_offer_picture(connection, "spring-fair", "may") != first
        offer(connection, spring, spring, stop=True)
        assert not find_offer_picture(connection, "spring-fair", "may")
