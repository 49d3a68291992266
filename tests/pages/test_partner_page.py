"""An organisation's private page: its emails, its own details, and a link that is replaced while the page is open."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import func, select, update

from daisychain.database import Database
from daisychain.errors import InputError
from daisychain.web.try_limits import Limit
from newsletters.logo_files import logo_file
from newsletters.packs.pack_status import withdraw
from newsletters.tables import MadePack
from newsletters.toolkit_store.store import add_toolkit
from pages.context import PRIVATE_HEADERS
from partners import organisation_logos
from partners.contacts import contacts_of
from partners.private_links import LinkKey, write_key
from partners.profiles import PartnerProfile, profile_of, replace_link, save_profile
from partners.tables import PartnerEvent
from tests.command import Daisychain
from tests.newsletters.packs.packing import BODY
from tests.newsletters.sample_toolkits import folder
from tests.pages.test_make_it_yours import put_up, shelve
from tests.partners.hive import DETAILS, add_bees, logo

DOCUMENT = f"---\ntoolkit: spring-fair\ntitle: Fair\nsubject: Fair\n---\n{BODY}"
FORM = {name: text for name, text in DETAILS.items() if name != "region"}


@pytest.fixture
def bees(database: Database) -> PartnerProfile:
    with database.engine.begin() as connection:
        return add_bees(connection)


@pytest.fixture
def page(database: Database, bees: PartnerProfile) -> str:
    """The path of its private page."""
    return f"/p/{write_key(database.settings, bees.link)}"


def now(database: Database, bees: PartnerProfile) -> PartnerProfile:
    with database.engine.connect() as connection:
        found = profile_of(connection, bees.organisation.id)
    assert found is not None
    return found


def events(database: Database, kind: str) -> int:
    with database.engine.connect() as connection:
        counted = select(func.count()).select_from(PartnerEvent).where(PartnerEvent.kind == kind)
        return connection.scalar(counted) or 0


def words(html: str) -> str:
    body = HTMLParser(html).body
    assert body is not None
    return " ".join(body.text(separator=" ").split())


def typed(html: str) -> dict[str, str]:
    """The details as the form has them."""
    tree = HTMLParser(html)
    fields = {str(each.attributes["name"]): each.attributes.get("value") or "" for each in tree.css("form input[name]")}
    areas = {str(each.attributes["name"]): each.text().removeprefix("\n") for each in tree.css("form textarea")}
    chosen = tree.css_first("select#tool option[selected]")
    return {**fields, **areas, "tool": str(chosen.attributes["value"]) if chosen else ""}


def test_the_page_is_private(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "Set-Cookie" not in answer.headers
    assert "maya@" not in answer.text
    assert "m…@bees.example" in answer.text


def test_opening_it_counts_once_a_day_however_often_a_scanner_comes(
    database: Database, client: FlaskClient, page: str
) -> None:
    for _ in range(3):
        client.get(page)
        client.head(page)
    assert events(database, "opened") == 1
    with database.engine.begin() as connection:
        connection.execute(update(PartnerEvent).values(at=PartnerEvent.at - timedelta(days=1)))
    client.get(page)
    assert events(database, "opened") == 2


@pytest.mark.parametrize("key", ["x", "A" * 22, "A" * 21, "é" * 22, "%00" * 22, "../p", "A" * 200])
@pytest.mark.parametrize("path", ["", "/details", "/logo", "/contact"])
def test_any_other_key_is_not_found(client: FlaskClient, page: str, key: str, path: str) -> None:
    ask = client.post if path else client.get
    assert ask(f"/p/{key}{path}").status_code in (404, 405)


def test_a_key_of_another_purpose_installation_or_organisation_opens_nothing(
    database: Database, client: FlaskClient, bees: PartnerProfile
) -> None:
    elsewhere = replace(database.settings, secret_key="another secret of forty characters at least")
    keys = [write_key(elsewhere, bees.link), write_key(database.settings, LinkKey(0, bees.organisation.id + 1)),
            write_key(database.settings, LinkKey(1, bees.organisation.id))]  # fmt: skip
    assert [client.get(f"/p/{key}").status_code for key in keys] == [404, 404, 404]


def test_it_shows_nothing_of_other_organisations(database: Database, client: FlaskClient, page: str) -> None:
    with database.engine.begin() as connection:
        wasps = add_bees(connection, "Wasps of Wells", ("august",))
    text = client.get(page).text
    assert "wasps" not in text.lower()
    assert "wasps-of-wells" not in client.get(f"/p/{write_key(database.settings, wasps.link)}").text.replace(
        "partner=wasps-of-wells", ""
    ).replace("your code, wasps-of-wells", "")


@pytest.mark.parametrize("path", ["", "/details", "/logo", "/contact"])
def test_a_replaced_link_says_who_to_ask_and_loses_nothing_that_was_typed(
    database: Database, client: FlaskClient, bees: PartnerProfile, page: str, path: str
) -> None:
    form = {**FORM, "intro": "We look after\nbees & flowers.", "base": str(bees.version), "contact_name": "Jo & Sons"}
    with database.engine.begin() as connection:
        replace_link(connection, bees.organisation.id)
    answer = client.post(f"{page}{path}", data=form) if path else client.get(page)
    assert answer.status_code == 410
    assert "This link was replaced" in answer.text
    assert "connectioncoalition.example" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    if path:
        assert "bees &amp; flowers." in answer.text
        assert "Jo &amp; Sons" in answer.text
    assert now(database, bees).values == bees.values
    assert client.get(f"/p/{write_key(database.settings, now(database, bees).link)}").status_code == 200


def test_an_organisation_corrects_its_own_details_and_staff_see_who_did(
    database: Database, client: FlaskClient, bees: PartnerProfile, page: str
) -> None:
    form = typed(client.get(page).text)
    assert {name: form[name] for name in FORM} == FORM
    answer = client.post(f"{page}/details", data={**form, "address": "3 Hive Lane\r\nBath", "name": "X", "region": "Y"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{page}?kept=details")
    assert "Your details are saved" in client.get(answer.headers["Location"]).text
    found = now(database, bees)
    assert (found.values["address"], found.updated_by) == ("3 Hive Lane\nBath", "private link")
    assert (found.values["name"], found.values["region"]) == ("Bees of Bath", "South West")


WRONG = {
    "website": "javascript:alert(1)", "reply": "nobody", "colour": "puce", "languages": "Klingonese", "tool": "pigeon",
    "intro": "{{ member.email }}", "address": "x" * 501, "charity_number": "x" * 201,
}  # fmt: skip


@pytest.mark.parametrize("field", WRONG)
def test_what_can_t_be_used_is_said_and_nothing_typed_is_lost(
    database: Database, client: FlaskClient, bees: PartnerProfile, page: str, field: str
) -> None:
    form = {**typed(client.get(page).text), "charity_number": "7", field: WRONG[field]}
    answer = client.post(f"{page}/details", data=form)
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    again = typed(answer.text)
    assert {name: again[name] for name in FORM} == {name: form[name] for name in FORM}
    assert again["base"] == form["base"]
    assert now(database, bees) == bees


def test_two_who_save_at_once_both_see_what_the_other_wrote(
    database: Database, client: FlaskClient, bees: PartnerProfile, page: str
) -> None:
    form = typed(client.get(page).text)
    with database.engine.begin() as connection:
        save_profile(connection, bees.organisation.id, {"charity_number": "99"}, "Priya")
    answer = client.post(f"{page}/details", data={**form, "charity_number": "77"})
    assert answer.status_code == 409
    assert "has saved other details meanwhile" in answer.text
    assert "Charity number 99" in words(answer.text)
    again = typed(answer.text)
    assert again["charity_number"] == "77"
    assert now(database, bees).values["charity_number"] == "99"
    client.post(f"{page}/details", data=again)
    assert now(database, bees).values["charity_number"] == "77"


def test_a_contact_waits_for_staff_and_the_answer_does_not_say_who_is_there(
    database: Database, client: FlaskClient, bees: PartnerProfile, page: str
) -> None:
    answers = [
        client.post(f"{page}/contact", data={"contact_email": address, "contact_name": "Mallory"}).headers["Location"]
        for address in ("new@bees.example", "maya@bees.example", "office@bees.example")
    ]
    assert len(set(answers)) == 1
    with database.engine.connect() as connection:
        found = contacts_of(connection, [bees.organisation.id])[bees.organisation.id]
    assert {(each.name, each.email, each.suggested) for each in found} == {
        ("Maya Bee", "maya@bees.example", False), ("", "office@bees.example", True),
        ("Mallory", "new@bees.example", True),
    }  # fmt: skip
    assert client.post(f"{page}/contact", data={"contact_email": "nobody"}).status_code == 422


def test_a_logo_is_replaced_and_a_broken_one_is_refused(
    database: Database, client: FlaskClient, bees: PartnerProfile, page: str
) -> None:
    before = now(database, bees).logos["logo"]
    answer = client.post(f"{page}/logo", data={"logo": (io.BytesIO(b"broken"), "logo.png")})
    assert (answer.status_code, now(database, bees).logos["logo"]) == (422, before)
    assert client.post(f"{page}/logo", data={}).status_code == 422
    answer = client.post(f"{page}/logo", data={"logo": (io.BytesIO(logo("#0b5c3b")), "logo.png")})
    assert answer.status_code == 303
    assert now(database, bees).logos["logo"] != before


def test_changes_are_limited_and_nothing_typed_is_lost(
    database: Database, client: FlaskClient, bees: PartnerProfile, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.toolkits.partner_page.CHANGES", Limit("changes of details", 2))
    form = {**typed(client.get(page).text), "charity_number": "1"}
    for _ in range(2):
        form |= {"base": str(now(database, bees).version)}
        assert client.post(f"{page}/details", data=form).status_code == 303
    answer = client.post(f"{page}/details", data={**form, "charity_number": "2"})
    assert (answer.status_code, typed(answer.text)["charity_number"]) == (429, "2")


def test_emails_are_shown_as_current_or_with_what_changed_and_the_new_one_is_offered(
    database: Database, client: FlaskClient, daisychain: Daisychain, tmp_path: Path
) -> None:
    kit = folder(tmp_path / "kit")
    daisychain("toolkit", "add", str(kit))
    for name in ("may", "june"):
        (tmp_path / f"{name}.md").write_text(DOCUMENT)
    (tmp_path / "bees.yml").write_text("name: Bees\nfor: brevo, plain\naddress: 1 Road\n")
    daisychain("newsletter", "pack", "may.md", "--brand", "bees.yml", "--out", "packs", "--no-previews")
    for name in ("may", "june"):
        daisychain("pack", "offer", f"{name}.md")
    page = daisychain("partner", "link", "bees").stdout.strip().removeprefix(daisychain.settings.pages_url)

    def shown() -> str:
        return re.sub(r"\s+", " ", client.get(page).text)

    first = words(shown())
    assert "Current" in first
    assert f'href="{page}/emails/spring-fair/may"' in shown()
    assert f'href="{page}/emails/spring-fair/june"' in shown()
    assert "Please look at these first" not in first
    block = next(kit.glob("copy/*.md"))
    block.write_text(block.read_text().replace("version: 2", "version: 3"))
    daisychain("toolkit", "add", str(kit))
    second = words(shown())
    assert "Please look at these first" in second
    assert "was corrected: it is now version 3, and this email has version 2" in second
    assert "Its texts changed last on" in second
    assert "Take the new one" in second
    with database.engine.begin() as connection:
        withdraw(connection, "may", "The date is wrong.")
    third = words(shown())
    assert "Withdrawn" in third
    assert "The date is wrong." in third
    with database.engine.begin() as connection:
        yesterday = func.current_date() - 1
        connection.execute(update(MadePack).values(withdrawn_at=None, expires=yesterday))
    assert "Its time has passed" in words(shown())


@pytest.mark.parametrize(
    ("method", "end", "status"),
    [
        ("GET", "/nothing", 404), ("GET", "/emails/nothing/may", 404), ("GET", "/emails/spring-fair/nothing", 404),
        ("GET", "/social/nothing", 404), ("GET", "/logo", 405),
    ],
)  # fmt: skip
def test_an_answer_that_there_is_no_such_page_keeps_the_link_to_itself_too(
    client: FlaskClient, database: Database, page: str, tmp_path: Path, method: str, end: str, status: int
) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path))
    answer = client.open(page + end, method=method)
    assert answer.status_code == status
    for name, value in PRIVATE_HEADERS.items():
        assert answer.headers[name] == value


@pytest.mark.parametrize(
    "end", ["", "/emails/spring-fair/may", "/emails/spring-fair/may/preview", "/social/spring-fair"]
)
def test_a_link_that_was_replaced_shows_nothing_of_the_organisation_wherever_it_leads(
    client: FlaskClient, database: Database, bees: PartnerProfile, page: str, tmp_path: Path, end: str
) -> None:
    shelve(database, tmp_path)
    put_up(database, tmp_path)
    with database.engine.begin() as connection:
        replace_link(connection, bees.organisation.id)
    answer = client.get(page + end)
    assert answer.status_code in (200, 410)  # a frame is only seen in a page
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not [each for each in ("Bees of Bath", "bees.example", "1234567", "Hive Lane") if each in answer.text]


def test_a_link_that_was_replaced_while_somebody_chose_pictures_loses_nothing_typed(
    client: FlaskClient, database: Database, bees: PartnerProfile, page: str, tmp_path: Path
) -> None:
    with database.engine.begin() as connection:
        add_toolkit(connection, folder(tmp_path))
        replace_link(connection, bees.organisation.id)
    answer = client.post(f"{page}/social/spring-fair", data={"name": "Typed Bees", "accent": "#123456"})
    assert answer.status_code == 410
    assert "This link was replaced" in words(answer.text)
    assert "Typed Bees" in answer.text
    assert "#123456" in answer.text


def test_a_logo_waits_for_others_that_are_read_and_no_transaction_waits_with_it(
    client: FlaskClient, database: Database, bees: PartnerProfile, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logo_file, "_LONGEST_WAIT", 0.01)
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 4"><circle cx="4" cy="2" r="1"/></svg>'
    with logo_file._UNFOLDING:
        answer = client.post(f"{page}/logo", data={"logo": (io.BytesIO(drawing), "logo.svg")})
    assert answer.status_code == 503
    assert "Other logos are being read. Wait for a moment" in words(answer.text)

    def reading(*_: object, **__: object) -> logo_file.LogoFile:
        assert database.engine.pool.checkedout() == 0
        raise InputError("Looked.")

    monkeypatch.setattr(organisation_logos, "read_logo_file", reading)
    assert client.post(f"{page}/logo", data={"logo": (io.BytesIO(drawing), "logo.svg")}).status_code == 422


def test_a_logo_as_large_as_on_other_pages_is_kept(
    client: FlaskClient, database: Database, bees: PartnerProfile, page: str
) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((1900, 1900), 90) for _ in "RGB"])
    file = io.BytesIO()
    noise.save(file, "PNG")
    assert file.tell() > 5 * 1024**2
    file.seek(0)
    answer = client.post(f"{page}/logo", data={"logo": (file, "logo.png")})
    answer.request.environ["wsgi.input"].close()
    assert answer.status_code == 303
    assert now(database, bees).logos["logo"] != bees.logos["logo"]


@pytest.mark.parametrize("name", ["Maya\0 Bee", "Maya\x07 Bee", "\u202eMaya\u2066 Bee", "\r\nMaya\n Bee\0"])
def test_a_suggested_contact_has_a_name_that_is_seen_as_it_is(
    client: FlaskClient, database: Database, bees: PartnerProfile, page: str, name: str
) -> None:
    answer = client.post(f"{page}/contact", data={"contact_email": "new@bees.example", "contact_name": name})
    assert answer.status_code == 303
    with database.engine.connect() as connection:
        found = contacts_of(connection, [bees.organisation.id])[bees.organisation.id]
    assert {each.name for each in found if each.email == "new@bees.example"} == {"Maya Bee"}
