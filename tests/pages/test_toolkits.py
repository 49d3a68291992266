"""The public pages of newsletters, and the commands that put a toolkit on them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from PIL import Image

import pages.toolkits.visit
from commands.newsletters.toolkit import toolkit
from daisychain.database import Database
from daisychain.installation import Installation
from daisychain.settings import LOCAL_URL
from newsletters.toolkit_store.store import add_toolkit, named_toolkit
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder
from tests.public_pages import public_app

SHIPPED = "community-makes-us"


@pytest.fixture
def client(database: Database) -> FlaskClient:
    return public_app(database).test_client()


def test_an_image_is_served_for_ever_and_without_a_cookie(client: FlaskClient) -> None:
    hero = named_toolkit(SHIPPED, None).images["hero"]
    answer = client.get(hero.path)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/png", hero.content)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert client.get(hero.path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_who_has_an_image_is_told_so_before_it_is_looked_for(client: FlaskClient) -> None:
    known = "0" * 64
    answer = client.get(f"/i/{known}.png", headers={"If-None-Match": f'"{known}"'})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_page_names_this_installation_and_not_the_host_that_was_asked_for(
    client: FlaskClient, database: Database
) -> None:
    database.settings = replace(database.settings, public_url="")
    page = client.get(f"/toolkits/{SHIPPED}", headers={"Host": "evil.example"}).text
    assert "evil.example" not in page
    assert f"{LOCAL_URL}/toolkits/{SHIPPED}" in page


@pytest.mark.parametrize("name", ["0" * 64 + ".png", "hero.png", "x", "%00" * 64 + ".png", "é" * 64 + ".png"])
def test_an_image_that_is_not_there_is_not_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/i/{name}").status_code == 404


def test_an_image_answers_to_its_own_ending_only(client: FlaskClient) -> None:
    assert client.get(named_toolkit(SHIPPED, None).images["hero"].path.replace(".png", ".jpg")).status_code == 404


@pytest.mark.parametrize(
    "name", ["{hash}-100.webp", "{hash}-480.png", "{hash}-.webp", "{hash}-480-1.webp", "{none}-480.webp"]
)
def test_a_smaller_picture_is_there_in_a_few_widths_only(client: FlaskClient, name: str) -> None:
    hero = named_toolkit(SHIPPED, None).images["hero"]
    answer = client.get(f"/i/{hero.hash}-480.webp")
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert len(answer.data) < len(hero.content) / 3
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (480, 240))
    assert client.get(f"/i/{hero.hash}-480.webp", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get("/i/" + name.format(hash=hero.hash, none="0" * 64)).status_code == 404


@pytest.mark.parametrize("mode", ["P", "LA", "CMYK", "L", "RGBA"])
def test_a_picture_in_any_colours_can_be_shown_smaller(
    client: FlaskClient, database: Database, tmp_path: Path, mode: str
) -> None:
    file = io.BytesIO()
    Image.new(mode, (700, 350), 0).save(file, "JPEG" if mode == "CMYK" else "PNG")
    with database.engine.begin() as connection:
        kit, _ = add_toolkit(connection, folder(tmp_path, {**files(), "images/tent.png": file.getvalue()}))
    with Image.open(io.BytesIO(client.get(f"/i/{kit.images['tent'].hash}-320.webp").data)) as picture:
        assert picture.size == (320, 160)


def test_the_pages_of_the_shipped_toolkit_show_all_its_copy_for_emails_and_websites(client: FlaskClient) -> None:
    kit = named_toolkit(SHIPPED, None)
    page = "".join(client.get(f"/toolkits/{SHIPPED}{part}").text for part in ("", "/emails", "/website"))
    blocks = [block for block in kit.copy.values() if block.channels != ("social",)]
    assert all(block.title.replace("'", "&#39;") in page for block in blocks)
    assert all(image.hash in page and image.alt in page for image in kit.images.values())
    assert "Everyone has value. Every connection helps." in page
    assert f'href="http://127.0.0.1:8000/toolkits/{SHIPPED}"' in page
    assert "Join the Coalition" in page
    assert "<style" not in page
    assert "style=" not in page


def test_a_page_asks_nothing_of_other_hosts(client: FlaskClient) -> None:
    for path in ("", "/emails", "/website"):
        page = client.get(f"/toolkits/{SHIPPED}{path}").text
        assert not [part for part in page.split(' src="')[1:] if not part.startswith("/")]
    for name in ("daisychain.css", "toolkits.css", "daisy.svg"):
        with client.get(f"/static/{name}") as answer:
            assert answer.status_code == 200


def test_somebody_elses_markdown_is_shown_and_not_run(client: FlaskClient, database: Database, tmp_path: Path) -> None:
    text = BLOCK.replace("Come to", "<script>x</script> [bad](javascript:x) ![tent](https://spy.example/p.gif)")
    text = text.replace("email, web", "web")  # for email it would be refused
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path, files(welcome=text)))
    page = client.get("/toolkits/spring-fair/website").text
    assert "Come to" not in page
    assert "<script>x" not in page
    assert "javascript:x&quot;" not in page
    assert 'href="javascript' not in page
    assert "spy.example" not in page


def test_a_page_s_copy_is_worked_out_once_until_its_toolkit_is_another(
    client: FlaskClient, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    showcase = pages.toolkits.visit.showcase
    monkeypatch.setattr(
        pages.toolkits.visit, "showcase", lambda *args: (written.append(args[0].summary), showcase(*args))[1]
    )
    for summary in (f"One {tmp_path}", f"Two {tmp_path}"):
        with database.engine.begin() as connection:
            add_toolkit(connection, folder(tmp_path / summary[:3], files(SHEET.replace("A fair", summary))))
        for _ in range(3):
            assert summary in client.get("/toolkits/spring-fair").text
    assert len(written) == 2


@pytest.mark.parametrize("line", ["embargo: 2999-01-01", "expires: 2000-01-01"])
def test_copy_that_may_not_be_used_today_is_not_shown(
    client: FlaskClient, database: Database, tmp_path: Path, line: str
) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path, files(welcome=BLOCK.replace("length", f"{line}\nlength"))))
    for path in ("", "/emails", "/website"):
        page = client.get(f"/toolkits/spring-fair{path}")
        assert page.status_code == 200
        assert "Come to the" not in page.text


@pytest.mark.parametrize("name", ["nobody", "..", "%2e%2e", "%00", "Community-Makes-Us"])
def test_a_toolkit_that_is_not_there_is_not_found(client: FlaskClient, name: str) -> None:
    for path in ("", "/emails", "/website"):
        assert client.get(f"/toolkits/{name}{path}").status_code == 404


def run(database: Database, *arguments: str) -> dict[str, object] | list[dict[str, object]]:
    installation = Installation()
    installation.__dict__["database"] = database
    result = CliRunner().invoke(toolkit, [*arguments, "--format", "json"], obj=installation, catch_exceptions=False)
    assert result.exit_code == 0
    answer: dict[str, object] | list[dict[str, object]] = json.loads(result.stdout)
    return answer


def test_the_commands_add_list_and_show(database: Database, tmp_path: Path) -> None:
    path = str(folder(tmp_path, files(SHEET.replace("Spring Fair", "Fête"))))
    assert run(database, "add", path, "--dry-run")["changed"] is False  # type: ignore[call-overload]
    assert [entry["name"] for entry in run(database, "list")] == [SHIPPED]  # type: ignore[index]
    assert run(database, "add", path)["changed"] is True  # type: ignore[call-overload]
    assert [entry["name"] for entry in run(database, "list")] == [SHIPPED, "spring-fair"]  # type: ignore[index]
    shown = run(database, "show", "spring-fair")
    assert shown["title"] == "Fête"  # type: ignore[call-overload]
    assert shown["copy"][0]["available"] is True  # type: ignore[call-overload]
