"""The front page of a toolkit and two of its doors: what is there, in which language, and for whose visitors."""

from __future__ import annotations

import html
import re
from datetime import date
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from daisychain.database import Database
from newsletters.documents.document import parse_document
from newsletters.packs.edition import open_edition
from newsletters.packs.offers import offer
from newsletters.packs.partner_codes import Row
from newsletters.toolkit_store.store import add_toolkit
from newsletters.toolkits.toolkit import load_files
from partners.partner_events import PartnerEventKind
from partners.registry import claim
from partners.tables import PartnerEvent
from tests.newsletters.packs.packing import edition
from tests.newsletters.sample_toolkits import BLOCK, SHEET, files, folder

FAIR = "/toolkits/spring-fair"
SHIPPED = "/toolkits/community-makes-us"
DAY = date(2026, 5, 12)
WELSH = BLOCK.replace("id: welcome", "id: welcome.cy").replace("title: Welcome", "title: Croeso")
WELSH = WELSH.replace("Come to the *fair*.", "Dewch i’r *ffair*. [Ymunwch](https://fairs.org.uk/join)")


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.toolkits.visit.current_day", lambda: DAY)


@pytest.fixture
def added(database: Database, tmp_path: Path) -> None:
    add(database, tmp_path)


def add(database: Database, path: Path, sheet: str = SHEET, **blocks: str) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(path / "kit", files(sheet, **blocks)))


def offered(database: Database, *languages: str, body: str = "Hello.\n\n::: copy welcome\n", **blocks: str) -> None:
    """Offer may.md of the spring fair, and its translations."""
    toolkit = load_files(files(SHEET, **blocks), "kit")
    first = edition(body, front="title: May news\nsubject: Come to the fair\n", toolkit=toolkit)
    with database.engine.begin() as connection:
        offer(connection, first, first)
        for language in languages:
            text = f"---\nsubject: Dewch\ntitle: Newyddion\n---\n{body}"
            document = parse_document(text, f"may.{language}.md", None, first.document, language)
            offer(connection, open_edition(document, toolkit, first.choices, DAY), first)


def reached(database: Database) -> list[tuple[PartnerEventKind, str, int | None]]:
    with database.engine.connect() as connection:
        rows = connection.execute(select(PartnerEvent.kind, PartnerEvent.toolkit, PartnerEvent.organisation_id)).all()
    return [(row.kind, row.toolkit, row.organisation_id) for row in rows]


def words(page: str) -> str:
    """A page's text, without tags."""
    return re.sub(r"\s+([,.;])|\s+", r"\1 ", re.sub(r"<[^>]*>", " ", page)).replace("  ", " ")


def test_the_front_page_is_three_doors_that_say_what_is_behind_them(
    client: FlaskClient, database: Database, added: None
) -> None:
    page = client.get(FAIR).text
    assert "Email your supporters 1 text for your newsletter Post on social None at the moment" in words(page)
    doors = [f"{FAIR}/emails", f"{FAIR}/social", f"{FAIR}/website"]
    assert re.findall(r'class="door" href="([^"]+)"', page) == doors
    offered(database, "cy")
    assert "1 email ready to send, in English and Cymraeg" in words(client.get(FAIR).text)


def test_the_front_page_says_when_in_which_languages_and_whom_to_ask(
    client: FlaskClient, database: Database, tmp_path: Path
) -> None:
    sheet = f"{SHEET}contact: hello@fairs.org.uk\ndates:\n  from: 2026-05-14\n  until: 2026-05-20\n"
    add(database, tmp_path, sheet, a=BLOCK, b=WELSH)
    page = client.get(FAIR).text
    assert "Best between 14 and 20 May" in page
    assert "Languages English and Cymraeg" in words(page)
    assert '<span lang="cy" dir="ltr">Cymraeg</span>' in page
    assert 'href="mailto:hello@fairs.org.uk"' in page
    assert 'href="https://fairs.org.uk/join"' in page


@pytest.mark.parametrize("path", ["", "/emails", "/website"])
@pytest.mark.parametrize("toolkit", [FAIR, SHIPPED])
def test_pages_are_small_set_no_cookie_and_may_be_kept_for_a_while(
    client: FlaskClient, added: None, toolkit: str, path: str
) -> None:
    answer = client.get(toolkit + path)
    assert answer.status_code == 200
    assert len(answer.data) < 50_000
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_an_offered_email_is_a_card_with_one_way_to_go_on(
    client: FlaskClient, database: Database, tmp_path: Path
) -> None:
    dated = BLOCK.replace("length", "expires: 2026-05-20\nlength")
    add(database, tmp_path, welcome=dated)
    offered(database, welcome=dated)
    page = client.get(f"{FAIR}/emails").text
    assert "May news Subject Come to the fair Language English Use until 20 May 2026" in words(page)
    assert page.count(f'href="{FAIR}/emails/may"') == 1
    assert ".zip" not in page


def test_translations_of_an_email_are_one_card(client: FlaskClient, database: Database, added: None) -> None:
    offered(database, "cy")
    page = client.get(f"{FAIR}/emails").text
    assert page.count('class="offer"') == 1
    assert f'<a href="{FAIR}/emails/may.cy?language=cy" lang="cy" hreflang="cy">Cymraeg</a>' in page


def test_a_card_is_in_the_chosen_language(client: FlaskClient, database: Database, tmp_path: Path) -> None:
    add(database, tmp_path, a=BLOCK, b=WELSH)
    offered(database, "cy", a=BLOCK, b=WELSH)
    page = client.get(f"{FAIR}/emails?language=cy").text
    assert '<h2 lang="cy" dir="ltr">Newyddion</h2>' in page
    assert f'href="{FAIR}/emails/may.cy?language=cy"' in page


@pytest.mark.parametrize("had_one", [True, False])
def test_without_an_email_the_other_doors_and_whom_to_ask_are_shown(
    client: FlaskClient, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, had_one: bool
) -> None:
    dated = BLOCK.replace("length", "expires: 2026-05-20\nlength")
    add(database, tmp_path, f"{SHEET}contact: hello@fairs.org.uk\n", welcome=dated)
    if had_one:
        offered(database, welcome=dated)
    monkeypatch.setattr("pages.toolkits.visit.current_day", lambda: date(2026, 5, 21))
    page = client.get(f"{FAIR}/emails").text
    assert ("have expired" in page) is had_one
    assert ("no ready-made email" in page) is not had_one
    assert "Make it yours" not in page
    for link in (f"{FAIR}/social", f"{FAIR}/website", "mailto:hello@fairs.org.uk"):
        assert f'href="{link}"' in page


@pytest.mark.parametrize("sheet", [SHEET, SHEET.replace("links:", "links:\n  website: https://fairs.org.uk/")])
def test_a_toolkit_without_a_contact_names_who_else_can_be_asked(
    client: FlaskClient, database: Database, tmp_path: Path, sheet: str
) -> None:
    add(database, tmp_path, sheet)
    assert "Ask Friends of Fairs" in words(client.get(FAIR).text)


@pytest.mark.parametrize("path", ["/emails", "/website"])
def test_copy_is_in_the_chosen_language_and_says_which_it_is(
    client: FlaskClient, database: Database, tmp_path: Path, path: str
) -> None:
    add(database, tmp_path, a=BLOCK, b=WELSH, c=BLOCK.replace("welcome", "other").replace("Welcome", "Other"))
    english, welsh = (client.get(FAIR + path + query).text for query in ("", "?language=cy"))
    assert "Croeso" not in english
    assert ' lang="cy" dir="ltr">Croeso</h3>' in welsh
    assert ">Welcome</h3>" not in welsh
    assert welsh.count("Come to the <em>fair</em>.</p>") == 1  # what has no translation
    assert f'<a href="{FAIR}{path}?language=cy" lang="cy" hreflang="cy" aria-current="true">Cymraeg</a>' in welsh
    assert client.get(f"{FAIR}{path}?language=xx").text.count("Croeso") == 0


def test_copy_from_right_to_left_has_its_direction(client: FlaskClient, database: Database, tmp_path: Path) -> None:
    add(database, tmp_path, f"{SHEET}language: ur\n", welcome=BLOCK)
    assert 'lang="ur" dir="rtl"' in client.get(FAIR).text
    page = client.get(f"{FAIR}/website").text
    assert '<div id="story" class="prose" lang="ur" dir="rtl">' in page
    assert "&lt;section lang=&#34;ur&#34; dir=&#34;rtl&#34;&gt;" in page


def test_website_copy_and_pictures_come_with_their_code(client: FlaskClient, database: Database, added: None) -> None:
    page = client.get(f"{FAIR}/website").text
    assert "&lt;section lang=&#34;en&#34;&gt;\n  &lt;h2&gt;Spring Fair&lt;/h2&gt;" in page
    code = re.search(
        r"&lt;a href=&#34;([^&]+)&#34;&gt;&lt;img src=&#34;(\S+?)&#34; alt=&#34;A striped tent.&#34; ", page
    )
    assert code is not None
    assert code[1] == f"http://127.0.0.1:8000{FAIR}"  # it has no website of its own
    assert client.get(code[2].removeprefix("http://127.0.0.1:8000")).mimetype == "image/webp"
    assert "width=&#34;8&#34; height=&#34;6&#34;&gt;&lt;/a&gt;" in page


@pytest.mark.parametrize("path", ["", "/emails", "/website"])
def test_a_partner_s_code_is_counted_and_goes_along(
    client: FlaskClient, database: Database, added: None, path: str
) -> None:
    row: Row = {"name": "Bees"}
    with database.engine.begin() as connection:
        claim(connection, [row])
    answer = client.get(f"{FAIR}{path}?partner=bees")
    assert [(kind, toolkit) for kind, toolkit, _ in reached(database)] == [("reached", "spring-fair")]
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-cache"
    own = [link for link in re.findall(r' href="([^"]+)"', answer.text) if link.startswith("/toolkits/")]
    assert own
    assert all("partner=bees" in link for link in own)
    client.get(f"{FAIR}{path}?partner=bees", headers={"Sec-Fetch-Site": "same-origin"})  # on from page to page
    client.get(f"{FAIR}{path}?partner=bees", headers={"Sec-Purpose": "prefetch"})
    client.head(f"{FAIR}{path}?partner=bees")
    assert len(reached(database)) == 1


def test_banners_and_a_badge_come_with_code_in_the_chosen_language(
    client: FlaskClient, database: Database, tmp_path: Path
) -> None:
    add(database, tmp_path, SHEET.replace("links:", "links:\n  website: https://fairs.org.uk/"), a=BLOCK, b=WELSH)
    for query, language in (("", "en"), ("?language=cy", "cy")):
        page = html.unescape(client.get(f"{FAIR}/website{query}").text)
        codes = re.findall(
            r'<a href="https://fairs.org.uk/"><img src="(\S+banners\S+)" srcset="(\S+) 2x" alt="([^"]+)" ', page
        )
        assert len(codes) == 3
        for address, sharper, alt in codes:
            assert address.startswith(f"http://127.0.0.1:8000{FAIR}/banners/{language}/")
            assert "Spring Fair" in alt
            assert client.get(sharper.removeprefix("http://127.0.0.1:8000")).mimetype.startswith("image/")


def test_code_and_links_to_copy_carry_the_partner_s_code(
    client: FlaskClient, database: Database, tmp_path: Path
) -> None:
    add(database, tmp_path, welcome=WELSH.replace("welcome.cy", "welcome"))
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees"}])
    page = client.get(f"{FAIR}/website?partner=bees").text
    assert page.count("https://fairs.org.uk/join?partner=bees") >= 3  # in the text, as rich text and in the code
    assert f"http://127.0.0.1:8000{FAIR}?partner=bees&#34;&gt;&lt;img src=&#34;http" in page
    assert ".webp?partner" not in page
    assert 'href="https://fairs.org.uk/join?partner=bees"' in client.get(f"{FAIR}?partner=bees").text


@pytest.mark.parametrize("code", ["wasps", "", "BEES", "%00", "'", "x" * 5_000, "bees&partner=wasps2"])
def test_an_unknown_code_is_ignored(client: FlaskClient, database: Database, added: None, code: str) -> None:
    answer = client.get(f"{FAIR}/website?partner={code}")
    assert answer.status_code == 200
    assert "partner=" not in answer.text
    assert not reached(database)


def test_a_long_title_and_summary_leave_the_doors_near_the_top(
    client: FlaskClient, database: Database, tmp_path: Path
) -> None:
    summary = "This is a sentence of some forty letters. " * 20
    add(database, tmp_path, SHEET.replace("A fair in every town.", summary.strip()))
    page = client.get(FAIR).text
    before, after = page.split('class="doors"')
    assert before.split('class="lead">')[1].count("forty letters") == 8
    assert after.count("forty letters") == 12


@pytest.mark.parametrize(("approver", "shown"), [("nobody yet", False), ("Priya", True)])
def test_a_copy_block_says_who_approved_it_if_somebody_did(
    client: FlaskClient, database: Database, tmp_path: Path, approver: str, shown: bool
) -> None:
    add(database, tmp_path, welcome=BLOCK.replace("A. Trustee", approver))
    assert ("approved by: " in client.get(f"{FAIR}/emails").text) == shown
