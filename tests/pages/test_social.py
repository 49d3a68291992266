"""Door 2 of a toolkit: posts, their pictures with and without an own brand, banners and the timetable."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

import pages.image_files
import pages.join
import pages.toolkits.packs
import pages.toolkits.social
import pages.toolkits.social_images
import pages.toolkits.toolkit
from daisychain.database import Database
from newsletters.social.banners import BANNERS
from newsletters.social.shapes import SHAPES
from newsletters.toolkit_store.store import add_toolkit
from partners.tables import PartnerEvent
from tests.newsletters.sample_toolkits import SHEET, files, folder, picture

SHIPPED = "community-makes-us"
SOCIAL = f"/toolkits/{SHIPPED}/social"
POST = "social-small-acts"
ROOT = Path(pages.image_files.__file__).parent.parent
LONG = "A post that is long. " * 20


@pytest.fixture
def client(database: Database) -> FlaskClient:
    app = Flask("test", template_folder=str(ROOT / "templates/web"), static_folder=str(ROOT / "templates/static"))
    app.extensions["daisychain"] = database
    for module in (
        pages.image_files, pages.toolkits.toolkit, pages.toolkits.packs, pages.join, pages.toolkits.social,
        pages.toolkits.social_images,
    ):  # fmt: skip
        app.register_blueprint(module.blueprint)
    return app.test_client()


def block(id_: str, body: str = "Come to the fair. https://fairs.org.uk/join", **more: str) -> str:
    """A copy block for social channels."""
    lines = {
        "id": id_,
        "title": id_.title(),
        "version": "1",
        "approved by": "A",
        "channels": "social",
        "length": "short",
    }
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in (lines | more).items()) + f"---\n{body}\n"


@pytest.fixture
def add(database: Database, tmp_path: Path) -> Callable[..., None]:
    """Add the sample toolkit with the given blocks."""

    def added(**blocks: str) -> None:
        with database.engine.begin() as connection:
            add_toolkit(connection, folder(tmp_path / "fair", files(SHEET, **blocks)))

    return added


def in_zip(content: bytes) -> dict[str, bytes]:
    """The files of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_page_shows_posts_pictures_and_alt_texts_and_sets_no_cookie(client: FlaskClient) -> None:
    answer = client.get(SOCIAL)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    page = unescape(answer.text)
    assert "Small acts snowball. Every connection helps. A neighbour leaves a bag of shopping" in page
    assert "fits X, Bluesky, Mastodon" in page
    for key in SHAPES:
        assert f"{SOCIAL}/{POST}/{key}?v=" in page
    assert len(answer.data) < 60_000


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_picture_has_the_size_of_its_network_and_its_small_one_is_light(client: FlaskClient, shape) -> None:
    answer = client.get(f"{SOCIAL}/{POST}/{shape.key}")
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.data)).size == (shape.width, shape.height)
    ending = {"image/png": "png", "image/jpeg": "jpg"}[answer.mimetype]
    assert answer.headers["Content-Disposition"].endswith(f'"{SHIPPED}-{POST}-{shape.key}.{ending}"')
    assert "Set-Cookie" not in answer.headers
    small = client.get(f"{SOCIAL}/{POST}/{shape.key}-small")
    assert (small.mimetype, len(small.data) < 40_000) == ("image/webp", True)


@pytest.mark.parametrize(
    "path",
    [f"{SOCIAL}/{POST}/huge", f"{SOCIAL}/{POST}/square-small-small", f"{SOCIAL}/no/square",
     f"{SOCIAL}/summary/square",
     "/toolkits/none/social", "/toolkits/none/social/x/square", f"/toolkits/{SHIPPED}/banners/xx/badge.png",
     f"/toolkits/{SHIPPED}/banners/en/badge.gif", f"/toolkits/{SHIPPED}/banners/en/skyscraper.png"],
)  # fmt: skip
def test_an_unknown_picture_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_network_shows_the_posts_that_fit_it_with_their_count(client: FlaskClient, add) -> None:
    add(short=block("short"), long=block("long", LONG))
    whole = client.get("/toolkits/spring-fair/social").text
    assert '<h2 id="posts-heading">2 posts</h2>' in whole
    assert 'network=x">X <span class="meta">1</span>' in whole
    chosen = client.get("/toolkits/spring-fair/social?network=x").text
    assert "1 post for X" in chosen
    assert 'id="long"' not in chosen
    assert client.get("/toolkits/spring-fair/social?network=none").text.count('class="piece post"') == 2


def test_a_toolkit_without_posts_says_whom_to_ask(client: FlaskClient, add) -> None:
    add()
    assert "no posts here at the moment" in client.get("/toolkits/spring-fair/social").text


def test_a_post_that_no_font_can_show_has_no_pictures_and_says_why(client: FlaskClient, add) -> None:
    add(one=block("one", headline="社区造就我们"))
    page = unescape(client.get("/toolkits/spring-fair/social").text)
    assert "No pictures: There is no font here for '社'" in page
    assert client.get("/toolkits/spring-fair/social/one/square").status_code == 404


def test_pictures_with_an_own_logo_come_as_a_zip_and_nothing_of_it_is_stored(
    client: FlaskClient, database: Database
) -> None:
    sent = {
        "name": "Bees of Bath",
        "accent": "#8a2be2",
        "post": POST,
        "logo_file": (io.BytesIO(picture(300, 90)), "l.png"),
    }
    answer = client.post(SOCIAL, data=sent)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    found = in_zip(answer.data)
    assert len(found) == len(SHAPES) + 1
    assert found[f"{POST}-alt-text.txt"].decode().endswith("Connection Coalition and Bees of Bath.\n")
    square = next(content for name, content in found.items() if "-square." in name)
    assert Image.open(io.BytesIO(square)).convert("RGB").getpixel((10, 900)) == pytest.approx((138, 43, 226), abs=6)
    with database.engine.connect() as connection:
        [event] = connection.execute(select(PartnerEvent)).all()
    assert (event.kind, event.toolkit, event.organisation_id, event.detail) == ("pictures", SHIPPED, None, {})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": ""}, "Type your organisation’s name."),
        ({"name": "x" * 121}, "A name can have 120 characters."),
        ({"accent": "beige-ish"}, "beige-ish is not a colour."),
        ({"logo_file": (io.BytesIO(b"no picture"), "logo.png")}, "logo"),
        ({"logo_file": (io.BytesIO(picture(50, 50).replace(b"IDAT", b"IDAX")), "logo.png")}, "logo"),
        ({"logo": "%%%"}, "The logo got lost on the way."),
        ({"name": "漢字"}, "There is no font here for '漢'"),
    ],
    ids=["nameless", "long name", "colour", "no picture", "broken", "lost", "no font"],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(client: FlaskClient, values: dict, said: str) -> None:
    logo = base64.b64encode(picture(30, 20)).decode()
    answer = client.post(SOCIAL, data={"name": "Bees", "accent": "#123456", "logo": logo, "post": POST} | values)
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert said in page
    assert ("#123456" in page) == ("accent" not in values)
    assert ('value="Bees"' in page) == ("name" not in values)
    assert ("We have your logo" in page) == ("logo" not in values and "logo_file" not in values)


def test_a_logo_that_nobody_can_see_is_refused(client: FlaskClient) -> None:
    file = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(file, "PNG")
    sent = {"name": "Bees", "post": POST, "logo_file": (io.BytesIO(file.getvalue()), "clear.png")}
    assert "Nothing can be seen in this logo" in client.post(SOCIAL, data=sent).text


def test_a_form_that_is_too_large_is_refused_before_it_is_read(client: FlaskClient) -> None:
    whole = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + b"x" * 18_000_000 + b"\r\n--x--\r\n"
    answer = client.post(SOCIAL, data=whole, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 413


def test_a_post_s_links_and_the_link_to_share_carry_the_partner_s_code(client: FlaskClient, monkeypatch) -> None:
    class Bees:
        id, code = None, "bees"

    monkeypatch.setattr(
        "pages.toolkits.visit.organisation_by_code", lambda connection, code: Bees if code == "bees" else None
    )
    page = client.get(f"{SOCIAL}?partner=bees").text
    assert "https://connectioncoalition.example/?partner=bees" in page
    assert f"/toolkits/{SHIPPED}?partner=bees" in page
    assert "partner=" not in client.get(f"{SOCIAL}?partner=nobody").text


def test_a_private_link_that_is_not_ours_is_not_found(client: FlaskClient) -> None:
    assert client.get(f"/p/AAAAAAAAAAAAAAAAAAAAAA/social/{SHIPPED}").status_code == 404


def test_a_private_link_draws_with_the_organisation_s_brand(client: FlaskClient, monkeypatch) -> None:
    from newsletters.packs.partner import Partner

    kept = Partner("Bees of Bath", "bees", accent="#8a2be2")
    monkeypatch.setattr("pages.toolkits.social._kept", lambda link: kept if link else None)
    monkeypatch.setattr("pages.toolkits.social.organisation_by_link", lambda connection, settings, link: None)
    page = client.get(f"/p/somekey/social/{SHIPPED}")
    assert "Pictures for Bees of Bath" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    answer = client.post(f"/p/somekey/social/{SHIPPED}", data={"post": POST})
    assert b"Bees of Bath" in in_zip(answer.data)[f"{POST}-alt-text.txt"]


@pytest.mark.parametrize("banner", BANNERS.values(), ids=BANNERS)
@pytest.mark.parametrize("scale", [1, 2])
def test_banners_have_stable_public_addresses_and_two_sizes(client: FlaskClient, banner, scale: int) -> None:
    form = "png" if scale == 1 else "2x.png"
    answer = client.get(f"/toolkits/{SHIPPED}/banners/en/{banner.key}.{form}")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.data)).size == (banner.width * scale, banner.height * scale)
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer.headers


def test_the_timetable_is_a_table_and_a_calendar(client: FlaskClient) -> None:
    page = unescape(client.get(SOCIAL).text)
    assert "Each Thursday, 19:30" in page
    answer = client.get(f"{SOCIAL}/timetable.ics")
    assert answer.mimetype == "text/calendar"
    assert answer.data.startswith(b"BEGIN:VCALENDAR\r\n")
    assert answer.data.count(b"RRULE:FREQ=WEEKLY;COUNT=8\r\n") == 6
    assert "Set-Cookie" not in answer.headers


def test_the_page_names_this_installation_in_the_calendar(client: FlaskClient, database: Database) -> None:
    database.settings = replace(database.settings, public_url="https://news.example")
    answer = client.get(f"{SOCIAL}/timetable.ics", headers={"Host": "evil.example"}).data
    assert b"evil.example" not in answer
    assert b"URL:https://news.example/toolkits/community-makes-us/social\r\n" in answer
