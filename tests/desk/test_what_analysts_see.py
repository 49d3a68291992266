"""All that an analyst may open, and all that is handed on, has nobody's address, name or number in it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

import pandas as pd
import pypdf
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import insert, text, update

from accounts.rights import ANYBODY, SIGNED_IN, may
from commands.reports.report import report as report_group
from daisychain.database import Database
from daisychain.installation import Installation
from desk.access import access_of
from lists.segments.saved_segments import create_segment
from lists.suppression import suppress
from newsletters.browser import browser
from reports.charts.chart import WIDTHS
from reports.document.file_formats import FORMATS
from reports.handed_on.report_links import links_of, make_link
from reports.handed_on.report_mails import mail_due_reports, schedule_report
from reports.staff_notes import add_note
from sender.links.keys import KeyKind
from sender.system_mail.mail_queue import send_due_mails
from sender.tables import Alert, Campaign
from tests.desk.every_page import There, every_page
from tests.desk.staff import Browser
from tests.fakes.smtp import FakeRelay
from tests.partners.coalition import TOOLKIT, add_coalition, kept
from tests.public_pages import public_app
from tests.reports.campaigns import over_days, told
from tests.reports.test_together import followed_up
from tests.sender.returns import FIREFOX, Sent, resent

As = Callable[[str], Browser]
# Of nobody on a list: the analyst, the sender of each mail, and the examples in forms.
NO_MEMBERS = {"analyst@coalition.example", "hello@coalition.example", "news@coalition.example"}
ADDRESS = re.compile(r"[\w.+%-]+(?:@|%40|&#64;)[\w-]+\.[\w.-]*\w")
MEMBERS, DELIVERIES = 7_310_000_001, 8_420_000_001  # the first numbers, which are nothing else's
ONE_PERSON = 'first_name is "Quill7"'
# A rare value of a dimension names one person, and an address that was clicked may have anything in it.
_PEOPLE = text("""
    UPDATE members SET first_name = 'Quill' || id - :members, last_name = 'Zephyrine' || id - :members,
                       email = 'quill' || id - :members || '@members.example',
                       address_key = 'quill' || id - :members || '@members.example'
""")
_DELIVERIES = text("""
    UPDATE deliveries SET inputs = jsonb_build_object('first_name', 'Quill' || member_id - :members),
        dimensions = CASE WHEN member_id = :members + 7 THEN '{"region": "Zephyrine Hall"}'::jsonb ELSE dimensions END
""")


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


@pytest.fixture
def campaigns(database: Database, relay: FakeRelay) -> list[Sent]:
    """A campaign to a segment, its follow-up, and another one, with all that is kept about them."""
    database.settings = replace(
        database.settings, provider="smtp", smtp_url=relay.url, system_sender="C <news@coalition.example>"
    )
    with database.engine.begin() as connection:
        connection.execute(text(f"ALTER SEQUENCE members_id_seq RESTART WITH {MEMBERS}"))
        connection.execute(text(f"ALTER SEQUENCE deliveries_id_seq RESTART WITH {DELIVERIES}"))
    first = over_days(database, people=(40, 30, 12))
    clicks = [
        ("https://campaign.example/join?name=Quill7", 2),
        ("https://elsewhere.example/?to=quill8@members.example", 9),
    ]
    told(first, *(
        first.event("click", number, at=9000, useragent=FIREFOX, url=url, url_offset={"index": place, "type": "html"},
                    email=f"person{number}@gmail.com")
        for number in range(2, 12, 2) for url, place in clicks
    ))  # fmt: skip
    again, _ = followed_up(first, range(20, 60))
    with database.engine.begin() as connection:
        other = resent(database, connection, first.list_id, first.members, opens="provider", clicks="provider")
        for statement in (_PEOPLE, _DELIVERIES):
            connection.execute(statement, {"members": MEMBERS})
        connection.execute(update(Campaign).values(state="finished", finished_at=text("now() - interval '4 days'")))
        of_one = update(Campaign).where(Campaign.id == first.campaign_id)
        connection.execute(of_one.values(segment=ONE_PERSON, segment_people=1))
        create_segment(connection, "friends", "quill7", ONE_PERSON, by="Sam Example")
        suppress(connection, "quill9@members.example", "complaint")
        connection.execute(insert(Alert).values(cause="x", subject="quill7@members.example", words="Quill7"))
        add_coalition(connection)
        kept(connection)
        for each in (first, again, other):
            add_note(connection, each.campaign_id, "Story in the press", "Priya")
            make_link(connection, each.campaign_id, "Priya", "trustees")
            schedule_report(connection, database.settings, each.campaign_id, ["trustees@charity.example"], "Priya")
    return [first, again, other]


def texts(name: str, content: bytes) -> str:
    """Return all text of a file, as far as a program or a person finds any."""
    if name.endswith("pdf"):
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    if name.endswith("xlsx"):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return "\n".join(parts.read(each).decode() for each in parts.namelist())
    if name.endswith("parquet"):
        return pd.read_parquet(io.BytesIO(content)).to_csv() + re.sub(r"[^ -~]+", "\n", content.decode("latin-1"))
    return "" if name.endswith("png") else content.decode()


def people_in(content: str, campaigns: list[Sent]) -> set[str]:
    """Return what in a text is about one person."""
    found = {each for each in ADDRESS.findall(content) if each not in NO_MEMBERS}
    found |= set(re.findall(r"(?i)person\d+|quill\w*|zephyrine\w*", content))
    found |= set(re.findall(rf"\b(?:{MEMBERS // 1000}|{DELIVERIES // 1000})\d{{3}}\b", content.replace(",", "")))
    keys = {campaigns[0].key(number, kind) for number in range(3) for kind in KeyKind}
    return found | {key for key in keys if key in content}


def paths(app: Flask, campaigns: list[Sent]) -> Iterator[str]:
    """Yield every address that an analyst may open, of each campaign, with each chart and each format."""
    values: dict[str, object] = {
        "newsletter_id": 1, "account_id": 1, "save_id": 1, "name": "friends", "organisation_id": 1, "token": "x",
        "kept_as": 1, "hand_out_id": 1, "contact_id": 1, "what": "words", "number": 1, "segment": "quill7",
        "toolkit": TOOLKIT, "block_id": "manifesto", "picture": "hero", "version_id": 1, "draft_id": 1,
        "step": "columns", "member_id": MEMBERS,
    }  # fmt: skip
    toolkit = {each: {"name": TOOLKIT} for each in ("adoption.show", "adoption.download")}
    charts = ("curve", "mailboxes", "links", "ledger")
    found = set()
    for each, chart, width, kind in product(campaigns, charts, WIDTHS, FORMATS):
        if kind == "pdf" and each is not campaigns[0]:
            continue  # as slow as it is alike
        of_report = {"campaign_id": each.campaign_id, "chart": chart, "width": width, "kind": kind}
        found |= {
            page.path for page in every_page(app, There({**values, **of_report}, toolkit))
            if (right := access_of(page.endpoint)) and (right[0] in (ANYBODY, SIGNED_IN) or may("analyst", right[0]))
        }  # fmt: skip
    yield from sorted(found)


@pytest.mark.usefixtures("chromium")
def test_no_page_or_file_that_analysts_open_tells_who_somebody_is(campaigns: list[Sent], as_role: As) -> None:
    analyst, opened, wrong = as_role("analyst"), {}, {}
    for path in paths(analyst.app, campaigns):
        answer = analyst.client.get(path)
        assert answer.status_code in (200, 302, 404, 409, 410), path
        opened[path] = answer.status_code
        wrong[path] = people_in(texts(path, answer.data), campaigns)
    shown = [path for path, status in opened.items() if status == 200]
    assert {kind for kind in FORMATS if any(path.endswith(f"report.{kind}") for path in shown)} == set(FORMATS)
    for path in ("/desk/", "/desk/reports", "/desk/reports/compare?campaign=1&campaign=2", "/desk/reports/1",
                 "/desk/reports/1/figures.csv", "/desk/reports/1/charts/wide/curve.svg", "/desk/account",
                 f"/desk/reports/toolkits/{TOOLKIT}", f"/desk/reports/toolkits/{TOOLKIT}/adoption.csv"):  # fmt: skip
        assert path in shown
    assert not {path: found for path, found in wrong.items() if found}
    searched = analyst.post("/desk/search", sought="Quill7").text
    assert not people_in(searched, campaigns) - {"Quill7"}


def test_nothing_that_is_handed_on_tells_who_somebody_is(
    campaigns: list[Sent], database: Database, relay: FakeRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "chromium", lambda: "")
    client, found = public_app(database).test_client(), {}
    for each in campaigns:
        with database.engine.connect() as connection:
            [link] = links_of(connection, database.settings, each.campaign_id)
        answer = client.get(link.url[link.url.index("/report/") :])
        assert answer.status_code == 200
        found["shared", each.campaign_id] = people_in(answer.text, campaigns)
    assert mail_due_reports(database) == "3 reports mailed"
    send_due_mails(database)
    for number, (_, mail) in enumerate(relay.mails()):
        for part in mail.walk():
            if part.get_content_maintype() == "text":
                found[part.get_content_type(), number] = people_in(part.get_content(), campaigns)
    assert len(found) == 3 * len(campaigns)
    assert not {what: people for what, people in found.items() if people}


@pytest.mark.parametrize("arguments", [
    ["list"], ["compare", "1", "2"], ["trend", "--list", "friends"], ["show", "1"],
    ["show", "1", "--by", "mailbox"],
])  # fmt: skip
def test_no_report_of_the_command_line_has_an_address_or_a_number(
    campaigns: list[Sent], database: Database, arguments: list[str]
) -> None:
    installation = Installation()
    installation.database = database
    for format_ in ("table",) if "--by" in arguments else ("table", "json", "csv"):
        done = CliRunner().invoke(report_group, [*arguments, "--format", format_], obj=installation)
        assert done.exit_code == 0, done.output
        # Whoever runs it may look at small cells, and so at the rare value of a dimension.
        assert not people_in(done.output, campaigns) - {"Zephyrine"}, (arguments, format_)
