"""Pages that show what is there: reports, lists, toolkits, and what search finds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import func, update

from daisychain.database import Database
from lists.members import unsubscribe
from lists.suppression import suppress
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import create
from reports.figure_cells import cells
from reports.whole_report import figures
from sender.tables import Attempt, Campaign
from tests.desk.staff import Browser
from tests.desk.test_campaigns import words
from tests.reports.test_figures import LINK, tell
from tests.sender.returns import FIREFOX, resent, sent
from tests.sender.staging import staged

As = Callable[[str], Browser]


def test_no_button_is_left_to_the_browser_s_look_which_is_small_and_grey() -> None:
    desk = Path(__file__).parents[2] / "templates/web/desk"
    files = [path for path in desk.rglob("*.html") if path.name not in ("blocks.html", "palette.html")]  # with menus
    assert files
    tags = {(path.name, tag) for path in files for tag in re.findall(r"<button\b[^>]*>", path.read_text())}
    looks = re.compile(r'class="[^"]*\b(button|as-link|hidden)\b')
    assert not {(name, tag) for name, tag in tags if not looks.search(tag)}


def test_reports_say_what_comes_here_and_are_paged(database: Database, as_role: As) -> None:
    analyst = as_role("analyst")
    assert "No campaign has been sent yet" in analyst.get("/desk/reports").text
    first = sent(database, people=2)
    with database.engine.begin() as connection:
        for number in range(11):
            campaign = resent(database, connection, first.list_id, first.members)
            connection.execute(
                update(Campaign).where(Campaign.id == campaign.campaign_id).values(name=f"Bulletin {number}")
            )
    page = analyst.get("/desk/reports").text
    assert len(page.encode()) < 50_000
    assert page.count('<li class="panel">') == 10
    older = HTMLParser(page).css_first('main a[href*="before="]')
    assert older is not None
    assert analyst.get(str(older.attributes["href"])).text.count('<li class="panel">') == 2
    assert "no older ones" in analyst.get(f"/desk/reports?before={first.campaign_id}").text


def test_a_report_has_each_figure_as_the_command_has_it_with_its_definition(database: Database, as_role: As) -> None:
    campaign = sent(database, people=6, opens="provider", clicks="provider")
    tell(
        campaign, *(campaign.event("delivered", number) for number in range(5)),
        campaign.event("click", 1, useragent=FIREFOX, **LINK),
    )  # fmt: skip
    sender = as_role("sender")
    page = sender.get(f"/desk/reports/{campaign.campaign_id}").text
    with database.engine.connect() as connection:
        report = figures(connection, campaign.campaign_id)
    shown = words(page)
    for figure in report.figures.values():
        label, *rest = cells(figure)
        assert " ".join(filter(None, [f"{label} {figure.definition}"])) in shown
        assert " ".join(filter(None, rest)) in shown
    assert "people.example" not in page
    assert "/desk/campaigns/" not in as_role("analyst").get(f"/desk/reports/{campaign.campaign_id}").text
    assert len(page.encode()) < 50_000
    file = sender.get(f"/desk/reports/{campaign.campaign_id}/figures.csv")
    assert {row["figure"] for row in csv.DictReader(io.StringIO(file.text))} >= set(report.figures)


def test_ticked_campaigns_are_compared_at_equal_age(database: Database, as_role: As) -> None:
    first = sent(database, people=6, clicks="provider", frozen_at=datetime.now(UTC) - timedelta(days=4))
    with database.engine.begin() as connection:
        second = resent(database, connection, first.list_id, first.members)
        connection.execute(update(Campaign).values(state="finished"))
        connection.execute(update(Attempt).values(ended_at=func.now() - timedelta(days=4)))
    for each in (first, second):
        tell(each, *(each.event("delivered", number) for number in range(6)))
    analyst, both = as_role("analyst"), f"campaign={first.campaign_id}&campaign={second.campaign_id}"
    ticks = HTMLParser(analyst.get("/desk/reports").text).css('input[name="campaign"]')
    assert [each.attributes["value"] for each in ticks] == [str(second.campaign_id), str(first.campaign_id)]
    page = words(analyst.get(f"/desk/reports/compare?{both}").text)
    assert "Compare 2 campaigns" in page
    assert "each of them may be chance" in page
    for query in ("", f"campaign={first.campaign_id}", "&".join(f"campaign={number}" for number in range(1, 8))):
        assert "Tick two to 6 campaigns." in analyst.get(f"/desk/reports/compare?{query}").text
    assert analyst.get(f"/desk/reports/compare?{both}&campaign=999").status_code == 404
    assert analyst.get(f"/desk/reports/compare?{both}&campaign=x").status_code == 404


def test_a_draft_has_no_report_and_a_test_send_is_not_there(database: Database, as_role: As) -> None:
    analyst = as_role("analyst")
    answer = analyst.get(f"/desk/reports/{staged(database, 1, name='others')}")
    assert answer.status_code == 409
    assert "has not been sent" in answer.text
    assert "daisychain campaign" not in answer.text
    test = sent(database, kind="test")
    assert analyst.get(f"/desk/reports/{test.campaign_id}").status_code == 404
    assert analyst.get("/desk/reports/999/figures.csv").status_code == 404


def test_lists_show_people_by_state_sender_and_tracking(database: Database, as_role: As) -> None:
    editor = as_role("editor")
    assert "No list yet" in editor.get("/desk/lists").text
    staged(database, 5)
    with database.engine.begin() as connection:
        unsubscribe(connection, 1, 1, "one-click")
        suppress(connection, "person1@people.example", "complaint")
    page = words(editor.get("/desk/lists").text)
    assert "from Connection Coalition <hello@coalition.example> · 1 left · 1 suppressed" in page
    assert "3 people" in page
    page = words(editor.get("/desk/lists/friends").text)
    assert "May be mailed 3 Left 1 Suppressed 1" in page
    assert "consent 3" in page
    assert "people.example" not in page
    assert editor.get("/desk/lists/nothing").status_code == 404


def test_toolkits_show_copy_with_version_and_dates_pictures_and_links(as_role: As) -> None:
    editor = as_role("editor")
    assert "Community Makes Us" in editor.get("/desk/toolkits").text
    answer = editor.get("/desk/toolkits/community-makes-us")
    page = words(answer.text)
    assert "version 1, approved by" in page
    assert "approved" in page
    assert "/pictures/hero/file" in editor.get("/desk/toolkits/community-makes-us/pictures").text
    assert len(answer.data) < 50_000
    assert editor.get("/desk/toolkits/nothing").status_code == 404


def test_search_finds_a_person_and_asks_which_campaign(database: Database, as_role: As) -> None:
    campaign = sent(database, people=2)
    sender = as_role("sender")
    page = words(sender.post("/desk/search", sought=" Person1@people.example ").text)
    assert "person1@people.example" in page
    assert "friends : subscribed" in page.replace("friends:", "friends :")
    assert "Did they get it?" in page
    answer = sender.post(f"/desk/campaigns/{campaign.campaign_id}/who", email="person1@people.example")
    assert "was written down" in answer.text
    assert "Nobody here has the address" in sender.post("/desk/search", sought="ann@nowhere.example").text
    with database.engine.begin() as connection:
        suppress(connection, "person1@people.example", "complaint")
    assert "Suppressed" in sender.post("/desk/search", sought="person1@people.example").text


def test_search_finds_campaigns_and_newsletters_by_words(database: Database, as_role: As) -> None:
    campaign_id = staged(database, 1)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(name="May bulletin"))
        create(connection, "May in Wales", Contents({"": "Hello"}, {}, {}), who="the test")
    editor = as_role("editor")
    page = editor.post("/desk/search", sought="may").text
    assert f'href="/desk/campaigns/{campaign_id}"' in page
    assert "May in Wales" in page
    assert "Nothing has “100%” in its name" in editor.post("/desk/search", sought="100%").text
    assert "Type an address" in editor.post("/desk/search").text


@pytest.mark.parametrize("role", ["editor", "analyst"])
def test_search_shows_nothing_that_a_role_may_not_see(database: Database, as_role: As, role: str) -> None:
    sent(database, people=2)
    as_role("sender")
    browser = as_role(role)
    page = browser.post("/desk/search", sought="person1@people.example").text
    assert "Sender Example can look people up" in page
    assert "subscribed" not in page
    if role == "analyst":
        assert "Nothing has “News” in its name" in browser.post("/desk/search", sought="News").text
