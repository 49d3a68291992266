"""Past bulletins at the desk: a list shows them or not, one campaign is left out, and why people left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text, update

from daisychain.database import Database
from lists.lists import find_list
from lists.preferences.leaving_reasons import count_reason
from sender.reader_pages.past_bulletins import in_archive
from sender.tables import Campaign
from tests.desk.staff import Browser
from tests.sender.returns import Sent, sent

As = Callable[[str], Browser]


@pytest.fixture
def campaign(database: Database) -> Sent:
    campaign = sent(database)
    with database.engine.begin() as connection:
        connection.execute(update(Campaign).values(state="finished", intended=3, frozen_at=text("now()")))
    return campaign


def archive(database: Database) -> tuple[bool, bool]:
    with database.engine.connect() as connection:
        row = find_list(connection, "friends")
        return row["archive"], row["archive_indexed"]


def test_a_colleague_shows_a_list_s_past_bulletins_and_stops_that(
    as_role: As, campaign: Sent, database: Database
) -> None:
    sender = as_role("sender")
    assert "Show them to everybody" in sender.get("/desk/lists/friends").text
    sender.post("/desk/lists/friends/archive", shown="yes")
    assert archive(database) == (True, False)
    assert "http://127.0.0.1:8000/archive/friends" in sender.get("/desk/lists/friends").text
    sender.post("/desk/lists/friends/archive", shown="yes", indexed="yes")
    assert archive(database) == (True, True)
    # The pages are kept by browsers for as long.
    assert "after five minutes" in sender.post("/desk/lists/friends/archive", shown="").text
    assert archive(database) == (False, False)
    assert sender.post("/desk/lists/foes/archive", shown="yes").status_code == 404


def test_one_campaign_is_left_out_on_its_page(as_role: As, campaign: Sent, database: Database) -> None:
    sender, page = as_role("sender"), f"/desk/campaigns/{campaign.campaign_id}"
    assert "past bulletins" not in sender.get(page).text
    sender.post("/desk/lists/friends/archive", shown="yes")
    assert "It is among the list’s past bulletins" in sender.get(page).text
    for left_out in ("yes", ""):
        sender.post(f"{page}/archive", left_out=left_out)
        with database.engine.connect() as connection:
            assert in_archive(connection, campaign.campaign_id) is (left_out == "")
    assert as_role("analyst").post(f"{page}/archive", left_out="yes").status_code == 403


def test_who_may_only_see_lists_can_show_nothing(as_role: As, campaign: Sent, database: Database) -> None:
    editor = as_role("editor")
    assert "Show them to everybody" not in editor.get("/desk/lists/friends").text
    assert editor.post("/desk/lists/friends/archive", shown="yes").status_code == 403
    assert archive(database) == (False, False)


def test_a_list_s_page_says_why_people_left(as_role: As, campaign: Sent, database: Database) -> None:
    editor = as_role("editor")
    assert "Why people left" not in editor.get("/desk/lists/friends").text
    with database.engine.begin() as connection:
        for reason in ("too many", "too many", "other"):
            count_reason(connection, campaign.list_id, reason)
    page = editor.get("/desk/lists/friends").text
    assert "<dt>too many</dt><dd>2</dd>" in page
