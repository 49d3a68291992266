"""Hand-outs, outdated copy and adoption at the desk: choose, write, look, send once; who may, and what is noted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select

from accounts.tables import AuditLine
from daisychain.database import Database
from newsletters.packs.pack_status import withdraw
from partners.contacts import add_contact, contacts_of, remove_address
from partners.hand_out import HIDDEN_LINK, KeptHandOut, find_hand_out
from partners.hand_out_links import hand_out_links
from partners.partner_events import record_partner_event
from sender.campaigns.status import campaign_status
from sender.tables import Delivery
from sender.upkeep.foreground import work_until_over
from tests.desk.chromium import broken_rules, scrolls_sideways
from tests.desk.staff import Browser
from tests.partners.coalition import SENDER, TEXT, TOOLKIT, add_coalition, kept, make_pack, offer_email
from tests.sender.staging import add_list

As = Callable[[str], Browser]
WRITE = "/desk/partners/hand-out"
FIELDS = {"subject": "Ready for {{ member.organisation }}", "message": TEXT, "in_language": "en", "sender": SENDER}
CHOICE = dict.fromkeys(("email", "tool", "language", "region", "not_taken", "named"), "") | {"toolkit": TOOLKIT}


@pytest.fixture
def coalition(database: Database) -> dict[str, int]:
    with database.engine.begin() as connection:
        add_list(connection)  # whose sender is that of system mail
        offer_email(connection)
        return add_coalition(connection)


@pytest.fixture
def draft(database: Database, coalition: dict[str, int]) -> KeptHandOut:
    with database.engine.begin() as connection:
        return kept(connection, email="may")


def words(html: str) -> str:
    found = HTMLParser(html).css_first("main")
    assert found is not None
    return " ".join(found.text(separator=" ").split())


def seen_of(html: str) -> str:
    """Return the fingerprint of what a page showed."""
    found = re.search(r'name="seen" value="(\w+)"', html)
    assert found is not None
    return found[1]


def lines(database: Database) -> list[tuple[str, str, str]]:
    with database.engine.connect() as connection:
        rows = connection.execute(select(AuditLine.action, AuditLine.object, AuditLine.outcome).order_by(AuditLine.id))
        return [
            (row.action, row.object, row.outcome)
            for row in rows
            if "hand_out" in row.action or "outdated" in row.action
        ]


def test_the_choice_says_at_once_how_many_that_is(as_role: As, coalition: dict[str, int]) -> None:
    editor = as_role("editor")
    assert "3 organisations , 4 contacts" in words(editor.get(WRITE).text)
    found = words(editor.get(f"{WRITE}?toolkit={TOOLKIT}&language=cy").text)
    assert "1 organisation , 2 contacts" in found
    assert "Elusen Cymru" in found
    nobody = words(editor.get(f"{WRITE}?region=Wales&tool=mailchimp").text)
    assert "0 organisations" in nobody
    assert "What you write" not in nobody
    assert "no contact who gets mail" in words(editor.get(f"{WRITE}?region=Wales").text)
    answer = editor.get(f"{WRITE}?named=Bee+of+Bath")
    assert answer.status_code == 422
    assert "There is no organisation 'Bee of Bath'" in words(answer.text)
    assert editor.get(f"{WRITE}?toolkit=nothing").status_code == 404


def test_a_hand_out_is_written_looked_at_and_sent_once(
    as_role: As, database: Database, coalition: dict[str, int]
) -> None:
    sender = as_role("sender")
    page = sender.post(WRITE, **CHOICE | {"email": "may", "named": "Bees of Bath, Elusen Cymru"}, **FIELDS)
    assert page.request.path.startswith(f"{WRITE}/")
    assert "2 organisations, 3 contacts" in words(page.text)
    mails = re.findall(r'src="([^"]+/example/\d+)"', page.text)
    assert len(mails) == 2
    mail = sender.get(mails[0])
    assert "Hello Maya Bee," in mail.text
    assert HIDDEN_LINK in mail.text
    assert "default-src 'none'" in mail.headers["Content-Security-Policy"]
    seen = seen_of(page.text)
    answer = sender.post(f"{page.request.path}/send", organisations="2", seen=seen)
    assert "is on its way" in answer.text
    assert "contacts of organisations" in words(answer.text)
    campaign_id = int(answer.request.path.rpartition("/")[2])
    again = sender.post(f"{page.request.path}/send", organisations="2", seen=seen)
    assert "was sent before your press" in again.text
    assert again.request.path == answer.request.path
    work_until_over(database, campaign_id, processes=1, late_values=hand_out_links)
    with database.engine.connect() as connection:
        status = campaign_status(connection, campaign_id)
        assert status.ledger.balances
        assert status.ledger.accepted == 3
        assert set(connection.scalars(select(Delivery.kind))) == {"contact"}
    assert sender.get(page.request.path).request.path == f"/desk/campaigns/{campaign_id}"
    assert "To all" not in sender.get(WRITE).text
    assert [line for line in lines(database) if line[2] == "done"] == [
        ("write_hand_out.keep", "hand-out 1", "done"),
        ("look_hand_out.send", "hand-out 1", "done"),
        ("look_hand_out.send", "hand-out 1", "done"),
    ]


def test_what_was_typed_comes_back_with_the_line_that_is_wrong(as_role: As, coalition: dict[str, int]) -> None:
    editor = as_role("editor")
    answer = editor.post(WRITE, **CHOICE, **FIELDS | {"message": "One.\n\n{{ member.shoe_size }}"})
    assert answer.status_code == 422
    assert "Line 3: " in answer.text
    assert "{{ member.shoe_size }}" in answer.text
    assert "named" in editor.page


def test_a_draft_can_be_changed_and_is_sent_only_to_the_number_on_the_button(
    as_role: As, database: Database, draft: KeptHandOut, coalition: dict[str, int]
) -> None:
    sender, path = as_role("sender"), f"{WRITE}/{draft.id}"
    assert "Better" in sender.post(path, **FIELDS | {"subject": "Better"}).text
    assert sender.post(path, **FIELDS | {"subject": ""}).status_code == 422
    looked = seen_of(sender.get(path).text)
    sender.post(path, **FIELDS | {"subject": "Better still"})
    changed = sender.post(f"{path}/send", organisations="3", seen=looked)
    assert changed.status_code == 422
    assert "A colleague has changed this" in changed.text
    assert sender.post(f"{path}/send", organisations="3").status_code == 422
    moved = sender.post(f"{path}/send", organisations="7", seen=seen_of(sender.get(path).text))
    assert moved.status_code == 422
    assert "It goes to 3 organisations now, not 7" in moved.text
    looked = seen_of(sender.get(path).text)
    with database.engine.begin() as connection:  # one goes and one comes, so that the number stays
        found = contacts_of(connection, coalition.values())
        remove_address(connection, coalition["Bees of Bath"], "maya@bees.example")
        assert not found[coalition["Nobody There"]]
        add_contact(connection, coalition["Nobody There"], "new@there.example")
    others = sender.post(f"{path}/send", organisations="3", seen=looked)
    assert others.status_code == 422
    assert "It goes to other people now" in others.text
    with database.engine.connect() as connection:
        assert find_hand_out(connection, draft.id).subject == "Better still"
        assert not connection.scalars(select(Delivery.id)).all()
    assert sender.get(f"{WRITE}/99").status_code == 404
    assert sender.get(f"{path}/example/99").status_code == 404


def test_sending_needs_a_fresh_proof_and_the_right_to_send(as_role: As, database: Database, draft: KeptHandOut) -> None:
    editor = as_role("editor")
    assert "can send this" in editor.get(f"{WRITE}/{draft.id}").text
    assert editor.post(f"{WRITE}/{draft.id}/send", organisations="3").status_code == 403
    analyst = as_role("analyst")
    for path in (WRITE, f"{WRITE}/{draft.id}", "/desk/partners/changes"):
        assert analyst.get(path).status_code == 403
    from desk.access import access_of

    with editor.app.app_context():
        assert access_of("look_hand_out.send") == ("campaigns.send", True, False)
    with database.engine.connect() as connection:
        assert not connection.scalars(select(Delivery.id)).all()


def test_outdated_copy_is_on_home_and_those_who_hold_it_are_told_once(
    as_role: As, database: Database, coalition: dict[str, int]
) -> None:
    sender = as_role("sender")
    assert "outdated copy" not in sender.get("/desk/").text
    assert "Nobody holds outdated copy" in sender.get("/desk/partners/changes").text
    with database.engine.begin() as connection:
        make_pack(connection, "Bees of Bath")
        make_pack(connection, "Nobody There")
        withdraw(connection, "may", "A wrong number.")
    assert "2 organisations hold outdated copy" in words(sender.get("/desk/").text)
    page = words(sender.get("/desk/partners/changes").text)
    assert "maya@bees.example" in page
    assert page.count("A wrong number.") == 2
    assert "nobody to mail" in page
    assert "Mail 1 organisation" in page
    look = sender.post("/desk/partners/changes/tell", toolkit=TOOLKIT)
    assert "1 organisation, 1 contact" in words(look.text)
    mail = sender.get(re.findall(r'src="([^"]+/example/\d+)"', look.text)[0]).text
    assert "A wrong number." in mail
    sender.post(f"{look.request.path}/send", organisations="1", seen=seen_of(look.text))
    page = words(sender.get("/desk/partners/changes").text)
    assert "Mail 1 organisation" not in page
    assert "Mailed" in page
    assert "Nobody is left" in sender.get(sender.post("/desk/partners/changes/tell", toolkit=TOOLKIT).request.path).text


def test_analysts_see_adoption_without_anybodys_address(
    as_role: As, database: Database, coalition: dict[str, int]
) -> None:
    with database.engine.begin() as connection:
        record_partner_event(
            connection, "taken", toolkit=TOOLKIT, newsletter="may", tool="mailchimp", language="cy",
            organisation_id=coalition["Bees of Bath"],
        )  # fmt: skip
        record_partner_event(connection, "looked", toolkit=TOOLKIT, newsletter="may")
    analyst = as_role("analyst")
    assert "taken by 1 of 4 organisations" in words(analyst.get("/desk/reports/toolkits").text)
    page = analyst.get(f"/desk/reports/toolkits/{TOOLKIT}")
    found = words(page.text)
    assert "Taken by 1 of 4 organisations" in found
    assert "may (Mailchimp, cy, " in found
    assert "What members' own sends did is not known" in found
    assert "without persons" in found
    assert "@" not in found
    assert "Bees of Bath" not in words(analyst.get(f"/desk/reports/toolkits/{TOOLKIT}?who=taken&not=1").text)
    assert "Elusen Cymru" not in words(analyst.get(f"/desk/reports/toolkits/{TOOLKIT}?who=taken").text)
    file = analyst.get(f"/desk/reports/toolkits/{TOOLKIT}/adoption.csv")
    assert file.mimetype == "text/csv"
    assert "@" not in file.text
    assert analyst.get("/desk/reports/toolkits/nothing").status_code == 404
    assert analyst.get(f"/desk/reports/toolkits/{TOOLKIT}?who=nothing").status_code == 404


@pytest.mark.parametrize(("width", "scheme"), [(375, "dark"), (1280, "light")])
def test_the_pages_are_usable_by_everybody_in_both_looks(
    opened_as: Callable[..., Page], url: str, database: Database, draft: KeptHandOut, width: int, scheme: str
) -> None:
    with database.engine.begin() as connection:
        make_pack(connection, "Bees of Bath")
        withdraw(connection, "may", "A wrong number.")
    page = opened_as("sender", width, scheme)
    for path in (WRITE, f"{WRITE}/{draft.id}", "/desk/partners/changes", "/desk/reports/toolkits",
                 f"/desk/reports/toolkits/{TOOLKIT}"):  # fmt: skip
        page.goto(f"{url}{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert broken_rules(page) == [], path
        assert not scrolls_sideways(page), path
    page.goto(f"{url}{WRITE}/{draft.id}")
    page.get_by_text("Change the message").click()
    page.get_by_label("Subject").fill("Ready")
    with page.expect_navigation():
        page.get_by_role("button", name="Look at the mails again").click()
    page.get_by_role("button", name="Send to 3 organisations").click()
    expect(page.get_by_text("is on its way")).to_be_visible()
