"""Copy buttons: DNS records, recovery codes and links of the desk, and the copy of a toolkit's public page."""

from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, insert

from daisychain.database import Database
from daisychain.operations.dns_records import NameServer, Sending, examine
from daisychain.operations.tables import Examination
from sender.providers import sendgrid_setup
from tests.daisychain.operations.test_dns_records import DOMAIN, Zone, name_server, zone
from tests.desk.chromium import broken_rules, scrolls_sideways, served
from tests.desk.staff import Browser, app_code
from tests.fakes import sendgrid_account
from tests.public_pages import public_app

__all__ = ["name_server", "zone"]  # fixtures


@pytest.fixture
def examined(database: Database, zone: Zone) -> None:
    """What the doctor found of a domain that has no records yet: asked of a name server, and of SendGrid."""
    zone.records = {(DOMAIN, "A"): ["192.0.2.1"]}
    known = Sending(DOMAIN, True, ("s1",), f"em1.{DOMAIN}", f"url1.{DOMAIN}")
    findings = [*examine(NameServer(zone.server), known), *examine(NameServer(zone.server), Sending(DOMAIN))]
    findings.append(sendgrid_setup._judged("sender authentication", sendgrid_account.domain(DOMAIN, valid=False), ""))
    with database.engine.begin() as connection:
        values = {"ended_at": func.now(), "findings": [vars(each) for each in findings]}
        connection.execute(insert(Examination).values(values))


@pytest.fixture
def pasted() -> Callable[[Page], str]:
    """Returns what is in the clipboard."""

    def paste(page: Page) -> str:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        text: str = page.evaluate("navigator.clipboard.readText()")
        return text

    return paste


@pytest.mark.usefixtures("examined")
def test_dns_records_are_a_table_and_examples_are_not_there_to_be_copied(admin: Browser) -> None:
    page = admin.get("/desk/settings").text
    copied = re.findall(r'<dc-copy label="([^"]+)"><code>([^<]+)</code>', page)
    records = dict(copied)
    assert records[f"value of _dmarc.{DOMAIN}"] == f"v=DMARC1; p=none; rua=mailto:dmarc@{DOMAIN}"
    assert records[f"value of s1._domainkey.{DOMAIN}"] == "s1.domainkey.u1.wl1.sendgrid.net"
    assert records[f"name of s1._domainkey.{DOMAIN}"] == f"s1._domainkey.{DOMAIN}"
    assert records[f"value of url1.{DOMAIN}"] == "sendgrid.net"
    assert not [value for value in records.values() if "…" in value or "u1234567" in value or "your mail" in value]
    assert "u1234567.wl123.sendgrid.net" in page, "an example, to be read"
    assert {text.strip() for text in re.findall("wanted: [^<]+", page)} <= {"wanted: comes with the return path"}


@pytest.mark.processes
@pytest.mark.usefixtures("chromium", "scripts", "examined")
@pytest.mark.parametrize("width", [375, 1280])
def test_a_record_is_copied_without_the_quotes_of_a_zone_file(
    opened_as: Callable[..., Page], url: str, pasted: Callable[[Page], str], width: int
) -> None:
    page = opened_as("admin", width)
    page.goto(f"{url}/desk/settings")
    button = page.get_by_role("button", name=f"Copy value of _dmarc.{DOMAIN}").first
    button.click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(1)
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert pasted(page) == f"v=DMARC1; p=none; rua=mailto:dmarc@{DOMAIN}"
    expect(button).to_have_accessible_name(f"Copy value of _dmarc.{DOMAIN}")
    assert broken_rules(page) + ["scrolls sideways"] * scrolls_sideways(page) == []


@pytest.mark.processes
@pytest.mark.usefixtures("chromium", "scripts")
def test_without_a_clipboard_as_on_plain_http_the_older_way_copies(
    opened_as: Callable[..., Page], url: str, pasted: Callable[[Page], str]
) -> None:
    page = opened_as("admin")
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{url}/desk/people/invite")
    page.get_by_label("Their email address").fill("sam@coalition.example")
    page.get_by_text("writes newsletters and toolkit copy").click()
    page.get_by_role("button", name="Invite").click()
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.locator("dc-copy code").inner_text()
    page.get_by_label("Search for").focus()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("Search for")).to_have_value(link)
    assert "/desk/welcome/" in link


@pytest.mark.processes
@pytest.mark.usefixtures("chromium", "scripts")
def test_all_recovery_codes_are_copied_a_line_each(
    opened_as: Callable[..., Page], url: str, database: Database, pasted: Callable[[Page], str]
) -> None:
    page = opened_as("editor")
    page.goto(f"{url}/desk/account/second-factor")
    key = page.locator(".key").text_content() or ""
    page.get_by_label("Code").fill(app_code(database, b32decode(key.replace(" ", ""))))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Copy all codes").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert pasted(page).splitlines() == page.locator(".codes code").all_inner_texts()
    assert len(pasted(page).splitlines()) == 10


@pytest.mark.processes
@pytest.mark.usefixtures("chromium", "scripts")
def test_a_toolkit_s_page_copies_words_with_their_looks_and_as_plain_text(
    opened: Callable[..., Page], database: Database, pasted: Callable[[Page], str]
) -> None:
    with served(public_app(database)) as public:
        page = opened(375)
        page.goto(f"{public}/toolkits/community-makes-us")
        page.locator("#manifesto summary").click()
        page.locator("#manifesto").get_by_role("button").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        plain = pasted(page)
        html = page.evaluate(
            "navigator.clipboard.read().then(([item]) => item.getType('text/html')).then((part) => part.text())"
        )
    assert "<p" in html
    assert plain
    assert "<" not in plain
