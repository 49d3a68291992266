"""Organisations at the desk: found, added, edited by two people at once, imported; their contacts, logos and links."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from accounts.tables import AuditLine
from daisychain.database import Database
from newsletters.packs.pack_status import keep_packs, withdraw
from partners.contacts import contacts_of
from partners.partner_events import record_partner_event
from partners.partner_import import MOST_UPLOADED
from partners.profiles import PartnerProfile, profile_of, profiles, save_profile
from partners.registry import claim
from partners.tables import OrganisationProfile
from tests.desk.staff import Browser
from tests.desk.test_campaigns import words
from tests.newsletters.packs.packing import packed
from tests.partners.hive import DETAILS, add_bees, logo

As = Callable[[str], Browser]


@pytest.fixture
def bees(database: Database) -> PartnerProfile:
    with database.engine.begin() as connection:
        return add_bees(connection)


def now(database: Database, bees: PartnerProfile) -> PartnerProfile:
    with database.engine.connect() as connection:
        found = profile_of(connection, bees.organisation.id)
    assert found is not None
    return found


def page_of(bees: PartnerProfile) -> str:
    return f"/desk/partners/{bees.organisation.id}"


def upload(browser: Browser, path: str, content: bytes, name: str) -> TestResponse:
    """Send a file; the test's request keeps a large one in a file of its own, which is closed here."""
    answer = browser.post(path, file=(io.BytesIO(content), name))
    for each in (answer, *answer.history):
        each.request.environ["wsgi.input"].close()
    return answer


def form_of(html: str, action: str) -> dict[str, str]:
    """The fields of a form as a browser has them."""
    form = HTMLParser(html).css_first(f'form[action="{action}"]')
    assert form is not None, action
    fields = {str(each.attributes["name"]): each.attributes.get("value") or "" for each in form.css("input[name]")}
    areas = {str(each.attributes["name"]): each.text().removeprefix("\n") for each in form.css("textarea")}
    return {name: text for name, text in {**fields, **areas}.items() if name != "csrf_token"}


def test_nobody_is_there_yet_and_the_page_says_how_to_begin(as_role: As) -> None:
    page = as_role("editor").get("/desk/partners").text
    assert "No organisation yet" in page
    assert "/desk/partners/import" in page


def test_the_list_shows_packs_and_those_to_replace(database: Database, as_role: As, bees: PartnerProfile) -> None:
    editor = as_role("editor")
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Wasps & Co"}])
        keep_packs(connection, [packed("brevo").row | {"key": "x", "partner": ""}])
    page = words(editor.get("/desk/partners").text)
    assert "2 organisations" in page
    assert "Bees of Bath Brevo · South West · 1 current" in page
    assert "Wasps & Co no pack yet · no contact" in page
    assert "Packs without branding 1 current" in page
    assert "All their packs are current." in editor.get("/desk/partners?stale=1").text
    with database.engine.begin() as connection:
        withdraw(connection, "may", "The fair is off.")
    page = words(editor.get("/desk/partners?stale=1").text)
    assert "1 of 2 organisations" in page
    assert "withdrawn" in page
    page = words(editor.get("/desk/partners/packs?name=BEES of Bath").text)
    assert "Somebody should tell them. The fair is off." in page
    assert "for Brevo" in page
    assert editor.get("/desk/partners/packs?name=nobody").status_code == 404


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("words=BEES", True), ("words=bees-of", True), ("words=wasp", False), ("tool=brevo", True),
        ("tool=outlook", False), ("language=cy", True), ("language=c", False), ("region=South+West", True),
        ("region=South", False), ("has_not=may", False), ("has_not=june", True), ("has=may", True),
        ("has=june", False), ("tool=brevo&language=cy&has_not=june", True),
    ],
)  # fmt: skip
def test_the_list_is_filtered(as_role: As, bees: PartnerProfile, query: str, fits: bool) -> None:
    page = as_role("sender").get(f"/desk/partners?{query}").text
    assert ("<b>Bees of Bath</b>" in page) == fits
    assert "of 1 organisations" in page


def test_an_address_is_looked_for_by_the_search_that_is_in_no_url(as_role: As, bees: PartnerProfile) -> None:
    sender = as_role("sender")
    page = sender.get("/desk/partners?words=maya@bees.example").text
    assert "Addresses are never part of a link" in page
    assert "maya@bees" not in page
    for sought in ("Maya@bees.example", "bees of"):
        assert "<b>Bees of Bath</b>" in sender.post("/desk/search", sought=sought).text
    assert "Bees of Bath" not in as_role("analyst").post("/desk/search", sought="bees").text


def test_what_an_organisation_took_counts_as_taken(database: Database, as_role: As, bees: PartnerProfile) -> None:
    with database.engine.begin() as connection:
        record_partner_event(connection, "taken", newsletter="june.cy", organisation_id=bees.organisation.id)
    assert "<b>Bees of Bath</b>" in as_role("sender").get("/desk/partners?has=june").text


def test_a_thousand_organisations_are_paged_by_name(database: Database, as_role: As) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": f"Charity {number:04}"} for number in range(1_000)])
    editor, seen = as_role("editor"), []
    page = editor.get("/desk/partners").text
    assert len(page.encode()) < 50_000
    while True:
        seen += re.findall(r"<b>(Charity \d+)", page)
        more = HTMLParser(page).css_first('main a[href*="after="]')
        if more is None:
            break
        page = editor.get(str(more.attributes["href"])).text
    assert seen == [f"Charity {number:04}" for number in range(1_000)]


def test_a_new_organisation_gets_a_code_and_one_that_is_there_is_named(database: Database, as_role: As) -> None:
    editor = as_role("editor")
    page = editor.post("/desk/partners/new", name="Bees of Bath").text
    assert "Its code is bees-of-bath" in page
    answer = editor.post("/desk/partners/new", name="BEES  of bath")
    assert answer.status_code == 422
    assert "There is an organisation ‘Bees of Bath’ already" in answer.text.replace("&#39;", "‘", 1).replace(
        "&#39;", "’", 1
    )
    assert "Open Bees of Bath" in answer.text
    assert editor.post("/desk/partners/new", name="{{ 1 }}").status_code == 422


def test_details_are_saved_and_the_audit_names_the_fields_only(
    database: Database, as_role: As, bees: PartnerProfile
) -> None:
    editor = as_role("editor")
    fields = form_of(editor.get(page_of(bees)).text, page_of(bees))
    assert {name: fields[name] for name in DETAILS} == DETAILS
    changes = {"address": "3 Hive Lane\r\nBath", "note_name": "Chair", "note_text": "Flip", "note:since": ""}
    page = editor.post(page_of(bees), **fields | changes).text
    assert "Saved." in page
    found = now(database, bees)
    assert (found.values["address"], found.notes, found.updated_by) == (
        "3 Hive Lane\nBath", {"chair": "Flip"}, "Editor Example",
    )  # fmt: skip
    with database.engine.connect() as connection:
        line = connection.execute(select(AuditLine.__table__).where(AuditLine.action == "partners.save")).one()
    assert (line.object, line.details) == ("bees-of-bath", {"changed": "address"})
    assert "Postal address (before: 2 Hive Lane" in page


WRONG = {
    "name": ["", "Wasps", "a\nb", "{{ x }}", "a" * 201], "tool": ["pigeon"], "languages": ["Klingonese"],
    "website": ["ftp://x"], "reply": ["nobody", "a@b"], "colour": ["puce", "#12"], "intro": ["x" * 2_001, "{% if %}"],
    "address": ["x" * 501], "charity_number": ["x" * 201],
}  # fmt: skip


@pytest.mark.parametrize(("field", "text"), [(field, text) for field, texts in WRONG.items() for text in texts])
def test_what_can_t_be_used_is_said_beside_its_field_and_nothing_typed_is_lost(
    database: Database, as_role: As, bees: PartnerProfile, field: str, text: str
) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Wasps"}])
    editor = as_role("editor")
    fields = form_of(editor.get(page_of(bees)).text, page_of(bees)) | {"region": "Wales", field: text}
    answer = editor.post(page_of(bees), **fields)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    again = form_of(answer.text, page_of(bees))
    assert (again["region"], again[field], again["base"]) == ("Wales", text, fields["base"])
    assert now(database, bees) == bees


def test_the_second_of_two_saves_is_refused_and_shows_both(
    database: Database, as_role: As, bees: PartnerProfile
) -> None:
    editor = as_role("editor")
    fields = form_of(editor.get(page_of(bees)).text, page_of(bees))
    with database.engine.begin() as connection:
        save_profile(connection, bees.organisation.id, {"region": "Wales"}, "private link")
    answer = editor.post(page_of(bees), **fields | {"region": "Kent"})
    assert answer.status_code == 409
    assert "private link has saved other details meanwhile" in answer.text
    assert "Wales" in answer.text
    assert now(database, bees).values["region"] == "Wales"
    again = form_of(answer.text, page_of(bees))
    assert again["region"] == "Kent"
    editor.post(page_of(bees), **again)
    assert now(database, bees).values["region"] == "Kent"


def test_a_mistake_after_a_colleague_s_save_does_not_overwrite_it(
    database: Database, as_role: As, bees: PartnerProfile
) -> None:
    editor = as_role("editor")
    fields = form_of(editor.get(page_of(bees)).text, page_of(bees))
    with database.engine.begin() as connection:
        save_profile(connection, bees.organisation.id, {"region": "Wales"}, "Sam")
    answer = editor.post(page_of(bees), **fields | {"colour": "puce"})
    assert answer.status_code == 422
    again = form_of(answer.text, page_of(bees)) | {"colour": "#123456"}
    assert editor.post(page_of(bees), **again).status_code == 409
    assert now(database, bees).values["region"] == "Wales"


def test_contacts_are_added_accepted_stopped_and_removed(database: Database, as_role: As, bees: PartnerProfile) -> None:
    editor, id_ = as_role("editor"), bees.organisation.id
    assert editor.post(f"{page_of(bees)}/contacts", contact_email="willi@", contact_name="Willi").status_code == 422
    editor.post(f"{page_of(bees)}/contacts", contact_email="willi@bees.example", contact_name="Willi")

    def found() -> dict[str, tuple[bool, bool]]:
        with database.engine.connect() as connection:
            return {each.email: (each.receives, each.suggested) for each in contacts_of(connection, [id_])[id_]}

    assert found() == {
        "maya@bees.example": (True, False), "office@bees.example": (True, True), "willi@bees.example": (True, False),
    }  # fmt: skip
    with database.engine.connect() as connection:
        ids = {each.email.partition("@")[0]: each.id for each in contacts_of(connection, [id_])[id_]}
    for who, what in (("office", "accept"), ("maya", "stop"), ("willi", "remove")):
        assert editor.post(f"{page_of(bees)}/contacts/{ids[who]}/{what}").status_code == 200
    assert found() == {"maya@bees.example": (False, False), "office@bees.example": (True, False)}
    assert editor.post(f"{page_of(bees)}/contacts/{ids['willi']}/remove").status_code == 404
    assert editor.post(f"{page_of(bees)}/contacts/{ids['maya']}/promote").status_code == 404


def test_a_contact_of_another_organisation_is_out_of_reach(
    database: Database, as_role: As, bees: PartnerProfile
) -> None:
    with database.engine.begin() as connection:
        wasps = add_bees(connection, "Wasps", ())
        [mine, *_] = contacts_of(connection, [bees.organisation.id])[bees.organisation.id]
    assert as_role("editor").post(f"{page_of(wasps)}/contacts/{mine.id}/remove").status_code == 404


LOGOS = {
    "a broken file": (b"\x89PNG\r\n\x1a\nbroken", 422), "a text": (b"hello", 422), "nothing": (b"", 422),
    "an empty picture": (logo("#ffffff00"), 422), "too many bytes": (b"x" * (5 * 1024**2 + 1), 422),
    "a logo": (logo(), 200), "a white logo": (logo("#ffffff"), 200),
}  # fmt: skip


@pytest.mark.parametrize("name", LOGOS)
@pytest.mark.parametrize("kind", ["logo", "logo_white", "logo_square"])
def test_logos_are_looked_at_and_kept(database: Database, as_role: As, name: str, kind: str) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Ants"}])
        [ants] = profiles(connection)
    content, status = LOGOS[name]
    editor = as_role("editor")
    answer = upload(editor, f"{page_of(ants)}/logos/{kind}", content, "logo.png")
    assert answer.status_code == status
    assert bool(now(database, ants).logos[kind]) == (status == 200)
    if status == 200:
        assert answer.text.count('src="/i/') == 2  # on light and on dark
        editor.post(f"{page_of(ants)}/logos/{kind}/remove")
        assert not now(database, ants).logos[kind]


def test_a_private_link_is_replaced_and_the_audit_says_so(
    database: Database, as_role: As, bees: PartnerProfile
) -> None:
    editor = as_role("editor")
    before = re.search(r"/p/[\w-]{22}", editor.get(page_of(bees)).text)
    after = re.search(r"/p/[\w-]{22}", editor.post(f"{page_of(bees)}/link").text)
    assert before is not None
    assert after is not None
    assert before[0] != after[0]
    with database.engine.connect() as connection:
        line = connection.execute(
            select(AuditLine.__table__).where(AuditLine.action == "partner_contacts.replace")
        ).one()
    assert (line.object, line.details) == ("bees-of-bath", {"link": "replaced"})


def test_a_file_is_looked_at_before_it_is_imported(database: Database, as_role: As) -> None:
    editor = as_role("editor")
    file = b"name,tool,since\nBees,brevo,2019\nAnts,pigeon,\n"
    page = upload(editor, "/desk/partners/import/look", file, "members.csv")
    assert page.status_code == 200
    assert "Kept as notes, and never part of an email: since." in page.text
    assert "There is no tool &#39;pigeon&#39;" in page.text
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(OrganisationProfile)) == 0
    answer = editor.post("/desk/partners/import", **form_of(page.text, "/desk/partners/import"))
    assert "1 added, 0 updated" in answer.text
    with database.engine.connect() as connection:
        assert [each.organisation.name for each in profiles(connection)] == ["Bees"]
        line = connection.execute(select(AuditLine.__table__).where(AuditLine.action == "partner_file.take")).one()
    assert line.details == {"added": 1, "updated": 0, "refused": 1}


@pytest.mark.parametrize(("rows", "status"), [(MOST_UPLOADED, 200), (MOST_UPLOADED + 1, 422)])
def test_a_file_with_so_many_rows_that_partners_would_wait_is_for_the_command(
    as_role: As, rows: int, status: int
) -> None:
    page = upload(as_role("editor"), "/desk/partners/import/look", b"name\n" + b"Bees\n" * rows, "members.csv")
    assert page.status_code == status
    assert ("The file has more than 2,000 rows." in page.text) == (status == 422)
    assert ("ask for an import by command" in page.text) == (status == 422)


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.4", b"PK\x03\x04broken", b"tool,since\nbrevo,1\n", b"name\n" + b"x" * 2**20]
)
def test_a_file_that_is_no_list_of_organisations_is_refused(as_role: As, content: bytes) -> None:
    answer = upload(as_role("editor"), "/desk/partners/import/look", content, "x.csv")
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text
    assert "/x.csv" not in answer.text
    assert as_role("admin").post("/desk/partners/import", name="x.csv", content="?").status_code == 422
