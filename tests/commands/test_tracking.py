"""A campaign whose reading is counted without persons, as users send it and readers read it, with each provider."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from daisychain.database import Database
from lists.tables import Membership
from pages.app import create_app
from sender.links.keys import KeyKind, Keys
from tests.command import Daisychain
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.smtp import FakeRelay
from tests.sender.returns import FIREFOX

PEOPLE = [f"reader{number}@{'gmail.com' if number % 2 else 'people.example'}" for number in range(12)]
LETTER = """\
---
subject: News for {{ member.first_name | default("you") }}
toolkit: community-makes-us
---
Dear {{ member.first_name | default("friend") }},

[Read on](https://coalition.example/read) and [answer](https://coalition.example/ask?name={{ member.first_name }}).
"""
BROWSER = {"User-Agent": FIREFOX}


@pytest.fixture
def run(daisychain: Daisychain) -> Daisychain:
    """A newsletter, and a list of twelve people who are counted without persons."""
    (daisychain.folder / "letter.md").write_text(LETTER)
    rows = "".join(f"{address},N{number}\n" for number, address in enumerate(PEOPLE))
    (daisychain.folder / "people.csv").write_text(f"Email,First name\n{rows}")
    daisychain("list", "create", "friends", "--from", "Coalition <hello@coalition.example>")
    daisychain("list", "import", "friends", "people.csv", "--basis", "consent", "--source", "form")
    return daisychain


@pytest.fixture
def relay() -> Iterator[FakeRelay]:
    with FakeRelay() as relay:
        yield relay


@pytest.fixture
def client(database: Database) -> FlaskClient:
    return create_app(database).test_client()


def sent(run: Daisychain, *options: str) -> str:
    campaign_id = str(
        run.json("campaign", "create", "letter.md", "--list", "friends", *options, "--format", "json")["id"]
    )
    run("campaign", "send", campaign_id, "--yes", "--repeat", "--with-warnings", "--processes", "1")
    return campaign_id


def mails(run: Daisychain, campaign_id: str) -> dict[str, str]:
    """The HTML of each mail in the outbox, by address."""
    return dict(read_back(path.read_bytes()) for path in (run.settings.home / "outbox" / campaign_id).glob("*.eml"))


def read_back(mail: bytes) -> tuple[str, str]:
    """The address and the HTML of a mail."""
    message: Any = message_from_bytes(mail, policy=policy.default)
    return str(message["To"]), message.get_body(("html",)).get_content()


def paths(html: str, page: str) -> list[str]:
    return [unescape(found) for found in re.findall(rf'https?://[^/"]+(/{page}/[^"]+)"', html)]


def read(client: FlaskClient, html: str) -> None:
    """Open a mail and follow its counted link."""
    assert client.get(paths(html, "o")[0], headers=BROWSER).status_code == 200
    answer = client.get(paths(html, "c")[0], headers=BROWSER)
    assert (answer.status_code, answer.location) == (302, "https://coalition.example/read")


def decoded(database: Database) -> Iterator[tuple[str, str]]:
    """Every row of every table as text, with bytes also as what they say."""
    with database.engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")).all()
        for table in tables:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608 - our own tables
                parts = [part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in row]
                yield table, " | ".join(parts)


def test_reading_is_counted_and_nothing_in_the_database_leads_to_a_person(
    run: Daisychain, database: Database, client: FlaskClient
) -> None:
    campaign_id = sent(run)
    letters = mails(run, campaign_id)
    assert len(letters) == 12
    for address in PEOPLE[:7]:
        read(client, letters[address])
    figures = run.json("report", "show", campaign_id, "--format", "json")["figures"]
    assert [figures[name]["numerator"] for name in ("opened_human", "clicked", "seen_reading")] == [7, 7, 7]
    assert figures["clicked"]["denominator"] == 12

    keys = Keys(run.settings.secret_key)
    tokens = {
        address: paths(html, "o")[0].removeprefix("/o/").removesuffix(".gif") for address, html in letters.items()
    }
    readers = {address: keys.read(KeyKind.PIXEL, [token])[token] for address, token in tokens.items()}
    assert all(reader < 0 for reader in readers.values())
    rows = list(decoded(database))
    for address, reader in readers.items():
        held = [(table, row) for table, row in rows if str(reader) in row or tokens[address] in row]
        # Who did not read left nothing; who read is where opens and clicks are, and nowhere beside a person.
        assert {table for table, _ in held} == (
            {"events", "delivery_rollups", "link_clickers"} if address in PEOPLE[:7] else set()
        )
        for _, row in held:
            assert not re.search(r"reader\d+@|\bN\d+\b", row)
    with database.engine.connect() as connection:
        deliveries = connection.execute(text("SELECT id, member_id FROM deliveries")).all()
        hits = connection.execute(
            text("SELECT delivery_id, attempt_id, body_id, detail FROM events WHERE kind IN ('opened', 'clicked')")
        ).all()
        groups = connection.execute(text("SELECT people FROM reader_groups")).scalars().all()
    ids = {value for row in deliveries for value in row}
    assert all(row.delivery_id not in ids and row.attempt_id is None and not row.detail for row in hits)
    assert min(groups) >= 5
    story = run("campaign", "who", campaign_id, PEOPLE[0]).stdout
    assert "counted without persons" in story
    assert "opened" not in story


def test_nobody_can_be_followed_up_for_not_clicking(run: Daisychain) -> None:
    campaign_id = sent(run)
    refused = run("campaign", "create", "letter.md", "--from-campaign", campaign_id, "--where", "no-click", code=1)
    assert "counts clicks without persons" in refused.stderr
    run("campaign", "create", "letter.md", "--from-campaign", campaign_id, "--where", "accepted")


def test_a_draft_is_tracked_as_its_list_says_at_the_freeze(run: Daisychain) -> None:
    campaign_id = str(run.json("campaign", "create", "letter.md", "--list", "friends", "--format", "json")["id"])
    run("list", "edit", "friends", "--tracking", "off", "--decided-by", "Ann", "--because", "we need no figures")
    assert "Reading      not recorded (decided by Ann" in run("campaign", "send", campaign_id, "--yes").stderr
    assert paths(mails(run, campaign_id)[PEOPLE[0]], "c") == []


def test_mail_that_is_viewed_or_left_in_a_browser_counts_nobody_s_reading(
    run: Daisychain, database: Database, client: FlaskClient
) -> None:
    letters = mails(run, sent(run))
    html = letters[PEOPLE[3]]
    page = client.get(paths(html, "v")[0], headers=BROWSER)
    assert page.status_code == 200
    assert "/c/" not in page.text
    assert "/o/" not in page.text
    assert client.post(paths(html, "u")[0], data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with database.engine.connect() as connection:
        kinds = connection.execute(text("SELECT kind, delivery_id > 0 FROM events")).all()
    assert [tuple(row) for row in kinds] == [("unsubscribed", True)]


def test_links_with_a_member_s_own_value_are_left_as_they_are_and_not_called_unclicked(
    run: Daisychain, client: FlaskClient
) -> None:
    campaign_id = sent(run)
    html = mails(run, campaign_id)[PEOPLE[0]]
    assert "https://coalition.example/ask?name=N0" in html
    links = run.json("report", "show", campaign_id, "--format", "json")["links"]
    standing = {link["text"]: link["clickers"]["standing"] for link in links}
    assert (standing["Read on"], standing["answer"]) == ("known", "not tracked")


def test_a_token_opens_its_own_page_of_its_own_campaign_only(run: Daisychain, client: FlaskClient) -> None:
    html = mails(run, sent(run))[PEOPLE[0]]
    click, pixel = paths(html, "c")[0].split("/")[2], paths(html, "o")[0].removeprefix("/o/").removesuffix(".gif")
    assert client.get(f"/c/{click}/99").status_code == 404
    for path in (
        f"/v/{click}",
        f"/u/{click}",
        f"/o/{click}.gif",
        f"/c/{pixel}/0",
        f"/v/{pixel}",
        f"/c/{click[:-2]}AA/0",
    ):
        assert client.get(path).status_code == 404


def test_off_leaves_links_untouched_and_has_no_pixel(run: Daisychain) -> None:
    run("list", "edit", "friends", "--tracking", "off", "--decided-by", "Ann", "--because", "we need no figures")
    html = mails(run, sent(run))[PEOPLE[0]]
    assert paths(html, "c") == paths(html, "o") == []
    assert 'href="https://coalition.example/read"' in html


@pytest.mark.parametrize("provider", ["outbox", "sendgrid", "smtp"])
def test_only_members_who_agreed_are_recorded_whatever_the_provider(
    run: Daisychain, database: Database, sendgrid: FakeSendGrid, relay: FakeRelay, provider: str
) -> None:
    agreed = PEOPLE[:5]
    with database.engine.begin() as connection:
        ids = connection.scalars(text("SELECT id FROM members WHERE email = ANY (:of)"), {"of": agreed}).all()
        connection.execute(update(Membership).where(Membership.member_id.in_(ids)).values(reads_agreed=True))
    run = run.with_settings(sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url, smtp_url=relay.url)
    run("list", "edit", "friends", "--tracking", "per-person", "--decided-by", "Ann", "--because", "asked on the form")
    campaign_id = sent(run, "--provider", provider)
    with database.engine.connect() as connection:
        batches = connection.execute(text("""
            SELECT array_agg(DISTINCT coalesce(per_person, false)) AS modes, count(*) FROM batches b
            JOIN deliveries d ON d.id BETWEEN b.first_id AND b.last_id GROUP BY b.id ORDER BY 2
        """)).all()  # fmt: skip
    assert all(len(row.modes) == 1 for row in batches)  # a batch has people of one kind
    assert [sum(row.count for row in batches if row.modes == [mode]) for mode in (True, False)] == [5, 7]
    keys = Keys(run.settings.secret_key)
    if provider == "sendgrid":
        letters = {mail.address: mail for mail in sendgrid.mails}
        settings = {address: mail.body["tracking_settings"] for address, mail in letters.items()}
        for address, found in settings.items():
            wanted = address in agreed
            assert [found[name]["enable"] for name in ("click_tracking", "open_tracking")] == [wanted, wanted]
        html = {address: mail.html for address, mail in letters.items() if address not in agreed}
    else:
        html = mails(run, campaign_id) if provider == "outbox" else dict(map(read_back, relay.raw))
        assert html.keys() == {*PEOPLE}
    for address, letter in html.items():
        key = paths(letter, "c")[0].split("/")[2]
        assert (keys.read(KeyKind.CLICK, [key])[key] > 0) == (address in agreed)
    report = run.json("report", "show", campaign_id, "--format", "json")
    assert any("7 of 12 people are counted without persons" in note for note in report["notes"])
    run("campaign", "create", "letter.md", "--from-campaign", campaign_id, "--where", "no-click", "--name", "again")
    said = run("campaign", "send", str(int(campaign_id) + 1), code=None, stdin="n\n").output
    assert "7 of 12 people are counted without persons and left out" in said
