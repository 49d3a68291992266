"""A list's past bulletins on public pages: which ones, whose values, and what a feed reader and a cache get."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import pytest
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import insert, select, text, update

from daisychain.database import Database
from daisychain.errors import StateError
from lists.lists import edit_list
from lists.sign_up.sign_up_form import change_form
from newsletters.merge.merge import plan_merge
from newsletters.tables import StoredEmail
from pages.app import create_app
from pages.archive import AT_MOST
from pages.archive_feed import feed_of
from sender.links.tracking import sent_references
from sender.reader_pages.past_bulletins import ListArchive, PastBulletin, html_for_everybody, leave_out
from sender.tables import Campaign, CampaignEmail
from tests.newsletters.compiling import compiled
from tests.sender.returns import Sent, sent

PUBLIC = "http://127.0.0.1:8000"
PAGES = ["", "/feed.xml", "/1"]


@pytest.fixture
def archive(campaign: Sent, database: Database) -> Sent:
    """The list friends shows its bulletins; its one campaign is finished."""
    with database.engine.begin() as connection:
        edit_list(connection, "friends", archive=True, title="Friends & co")
        connection.execute(update(Campaign).values(state="finished", intended=3, frozen_at=text("now()")))
    return campaign


def set_campaign(campaign: Sent, **values: object) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Campaign).values(**values))


@pytest.mark.parametrize("path", PAGES)
def test_a_list_shows_nothing_unless_it_says_so(client: FlaskClient, campaign: Sent, path: str) -> None:
    assert client.get(f"/archive/friends{path}").status_code == 404
    assert client.get(f"/archive/foes{path}").status_code == 404


@pytest.mark.parametrize("values", [
    {"state": "draft"}, {"state": "sending"}, {"state": "paused"}, {"state": "cancelled"}, {"kind": "test"},
    {"kind": "contacts"}, {"of_campaign_id": 1}, {"segment": 'town = "Leeds"'}, {"not_in_archive": True},
    {"intended": 0}, {"list_id": 99},
])  # fmt: skip
def test_what_was_for_some_people_only_is_never_shown(
    client: FlaskClient, archive: Sent, values: dict[str, object]
) -> None:
    assert ">News<" in client.get("/archive/friends").text
    set_campaign(archive, **values)
    assert ">News<" not in client.get("/archive/friends").text
    assert "<item>" not in client.get("/archive/friends/feed.xml").text
    assert client.get("/archive/friends/1").status_code == 404


def test_a_campaign_is_left_out_and_put_back(archive: Sent, database: Database, client: FlaskClient) -> None:
    for left_out in (True, False):
        with database.engine.begin() as connection:
            leave_out(connection, archive.campaign_id, left_out=left_out)
        assert (client.get("/archive/friends/1").status_code == 404) is left_out
    with database.engine.begin() as connection, pytest.raises(StateError):
        leave_out(connection, 99, left_out=True)


def test_a_mail_has_nobody_s_values_and_counts_nothing(archive: Sent, client: FlaskClient) -> None:
    page = client.get("/archive/friends/1")
    assert "Dear friend" in page.text
    assert "P0" not in page.text
    assert "Near you" not in page.text  # only for people with a town
    assert 'href="https://campaign.example/join?name="' in page.text
    for trace in ("/u/", "/v/", "/c/", "/o/", "/preferences/", "Unsubscribe", ">View<"):
        assert trace not in page.text, trace
    assert "Set-Cookie" not in page.headers
    assert not archive.events()
    assert "sandbox" in page.headers["Content-Security-Policy"]


def test_a_condition_is_decided_as_for_somebody_without_values() -> None:
    body = (
        "{% if member.donor %}Thanks, {{ member.first_name }}{% else %}Please give{% endif %} "
        "[Yours]({{ member.own_page }}) [Map](https://a.org/?q={{ member.town }})"
    )
    fields = frozenset({"donor", "first_name", "own_page", "town"})
    email = compiled(body, list_fields=fields).email
    html = html_for_everybody(email, PUBLIC)
    assert "Please give" in html
    assert "Thanks" not in html
    assert 'href=""' not in html
    assert "Yours" in html
    assert "Choose what you get" not in html
    assert "View in your browser" not in html
    assert not re.search(email.mint.mark, html)
    assert (
        "Choose what you get" in plan_merge(email, sent_references(PUBLIC, opens="off", clicks="off")).render({}).html
    )


def test_other_languages_and_the_sign_up_are_links_above_the_mail(
    archive: Sent, database: Database, client: FlaskClient
) -> None:
    assert "Get these by email" not in client.get("/archive/friends/1").text
    with database.engine.begin() as connection:
        first = connection.execute(select(StoredEmail.id, StoredEmail.content)).one()
        welsh = {**first.content, "language": "cy", "subject": "Newyddion", "hash": "x" * 64}
        made = insert(StoredEmail).values(hash="x" * 64, content=welsh).returning(StoredEmail.id)
        rows = [{"language": "en", "compiled_id": first.id}, {"language": "cy", "compiled_id": connection.scalar(made)}]
        connection.execute(insert(CampaignEmail), [{"campaign_id": archive.campaign_id, **row} for row in rows])
        change_form(connection, "friends", by="staff", is_open=True)
    english, welsh_page = (client.get(f"/archive/friends/1{query}").text for query in ("", "?language=cy"))
    assert 'href="/archive/friends/1?language=cy" lang="cy"' in english
    assert 'href="/archive/friends/1?language=en" lang="en"' in welsh_page
    assert 'href="/join/friends"' in english
    assert "Get these by email" in english
    assert "Cael y rhain drwy e-bost" in welsh_page
    assert client.get("/archive/friends/1?language=xx").text == english


def test_a_correction_shows_wherever_the_mail_does(archive: Sent, client: FlaskClient) -> None:
    set_campaign(archive, correction="It is <Saturday>.")
    assert "It is &lt;Saturday&gt;." in client.get("/archive/friends/1").text
    assert "Corrected" in client.get("/archive/friends").text


def test_older_bulletins_are_on_further_pages_each_once(archive: Sent, database: Database, client: FlaskClient) -> None:
    with database.engine.begin() as connection:
        row = dict(connection.execute(select(Campaign.__table__)).mappings().one())
        rows = [{**row, "id": number} for number in range(100, 102 + AT_MOST)]
        connection.execute(insert(Campaign), rows)
    seen: list[str] = []
    path = "/archive/friends"
    while path:
        page = client.get(path).text
        seen += re.findall(r'href="/archive/friends/(\d+)"', page)
        older = re.search(r'href="(/archive/friends\?before=\d+)"', page)
        path = older[1] if older else ""
    assert list(map(int, seen)) == [*range(101 + AT_MOST, 99, -1), 1]
    for before in ("x", "-1", "9" * 30, "9" * 5000):
        assert client.get(f"/archive/friends?before={before}").status_code == 200
    assert client.get(f"/archive/friends/{2**63}").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_caches_keep_it_a_while_and_ask_again_and_search_engines_only_if_the_list_wants_it(
    archive: Sent, database: Database, client: FlaskClient, path: str
) -> None:
    first = client.get(f"/archive/friends{path}")
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert first.headers["X-Robots-Tag"] == "noindex, nofollow"
    again = client.get(f"/archive/friends{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    set_campaign(archive, correction="Wrong.", frozen_at=text("now() - interval '1 day'"))
    with database.engine.begin() as connection:
        edit_list(connection, "friends", archive_indexed=True)
    changed = client.get(f"/archive/friends{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "X-Robots-Tag" not in changed.headers


def test_the_feed_follows_the_rules_of_rss(archive: Sent, client: FlaskClient) -> None:
    page = client.get("/archive/friends").text
    link = re.search(r'<link rel="alternate" type="application/rss\+xml" title="[^"]+" href="([^"]+)"', page)
    assert link
    answer = client.get(link[1])
    assert answer.mimetype == "application/rss+xml"
    channel = etree.fromstring(answer.data).find("channel")
    assert channel is not None
    assert [channel.findtext(name) for name in ("title", "link", "language")] == [
        "Friends & co", f"{PUBLIC}/archive/friends", "en",
    ]  # fmt: skip
    assert channel.findtext("description")
    own = channel.find("{http://www.w3.org/2005/Atom}link")
    assert own is not None
    assert (own.get("rel"), own.get("href")) == ("self", f"{PUBLIC}/archive/friends/feed.xml")
    [item] = channel.findall("item")
    assert [item.findtext(name) for name in ("title", "link", "guid")] == ["News", *[f"{PUBLIC}/archive/friends/1"] * 2]
    assert item.findtext("description")
    assert parsedate_to_datetime(item.findtext("pubDate") or "").tzinfo is not None


def test_a_feed_of_words_that_xml_has_no_place_for_or_of_nothing_is_still_one(
    archive: Sent, client: FlaskClient
) -> None:
    kept = ListArchive(1, "friends", "A\x0bB <&> 🌼", "C", indexed=False, takes_sign_ups=False)
    at = parsedate_to_datetime("Sat, 28 Nov 2026 10:00:00 +0000")
    odd = PastBulletin(7, at, "]]>\ud800\x00 <b>", "", "ar", "rtl", "", {})
    parsed = etree.fromstring(
        feed_of(kept, [odd], "D", f"{PUBLIC}/a", f"{PUBLIC}/a/feed.xml", lambda id_: f"{PUBLIC}/{id_}")
    )
    assert parsed.findtext("channel/title") == "AB <&> 🌼"
    assert parsed.findtext("channel/item/title") == "]]> <b>"
    set_campaign(archive, state="draft")
    empty = etree.fromstring(client.get("/archive/friends/feed.xml").data)
    assert empty.findtext("channel/description")
    assert empty.find("channel/item") is None


def test_a_mail_s_subject_and_preheader_are_read_without_values(database: Database) -> None:
    named = compiled(
        "Hi", front='subject: News for {{ member.first_name | default("you") }}\n'
        "preheader: \"{{ member.town | default('Here') }} & there\"\n",
        list_fields=frozenset({"town"}),
    ).email  # fmt: skip
    campaign = sent(database, email=named)
    with database.engine.begin() as connection:
        edit_list(connection, "friends", archive=True)
        connection.execute(update(Campaign).values(state="finished", intended=3, frozen_at=text("now()")))
    page = create_app(database).test_client().get("/archive/friends").text
    assert "News for you" in page
    assert "Here &amp; there" in page
    assert not campaign.events()
