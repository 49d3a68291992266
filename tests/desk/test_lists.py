"""Lists at the desk: made and changed there, with growth, campaigns, and imports that can be undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from daisychain.database import Database
from lists.imports import import_members
from lists.lists import create_list, find_list
from lists.members import add_member
from reports.charts.growth_chart import HEIGHT, growth_of
from reports.trend import growth
from tests.desk.staff import Browser
from tests.desk.test_campaigns import words
from tests.sender.staging import staged

As = Callable[[str], Browser]


def test_a_list_is_made_and_changed_at_the_desk(as_role: As, database: Database) -> None:
    sender = as_role("sender")
    assert "Make a list" in sender.get("/desk/lists").text
    answer = sender.post("/desk/lists", name="Our Friends", sender="Bees <news@bees.example>", tracking="counted")
    assert answer.status_code == 422
    assert "For instance: our-friends" in answer.text
    assert 'value="Bees &lt;news@bees.example&gt;"' in answer.text
    made = {"name": "friends", "sender": "Bees <news@bees.example>"}
    assert "needs a recorded decision" in sender.post("/desk/lists", **made, tracking="per person").text
    answer = sender.post("/desk/lists", **made, title="Our Friends", tracking="counted")
    assert answer.request.path == "/desk/lists/friends"
    answer = sender.post("/desk/lists/friends/settings", name="friends", sender="x", tracking="counted")
    assert "has no clear name and address" in answer.text
    changed = {"name": "bees", "title": "Bees", "sender": "Bees of Bath <news@bees.example>", "tracking": "off"}
    answer = sender.post("/desk/lists/friends/settings", **changed)
    assert answer.status_code == 422
    assert "Say why reading is recorded in another way" in answer.text
    answer = sender.post("/desk/lists/friends/settings", **changed, because="nobody looks at it")
    assert answer.request.path == "/desk/lists/bees"
    assert "Bees of Bath" in answer.text
    assert "Sender Example: nobody looks at it" in words(answer.text)
    with database.engine.connect() as connection:
        assert find_list(connection, "bees")["tracking"] == "off"


def test_editors_see_lists_and_change_none(as_role: As, database: Database) -> None:
    staged(database, 1)
    editor = as_role("editor")
    page = editor.get("/desk/lists").text + editor.get("/desk/lists/friends").text
    for words_ in ("Make a list", "Change…", "Bring people onto it", "Addresses that must not be mailed"):
        assert words_ not in page


def test_a_list_shows_growth_campaigns_and_imports_with_their_undo(
    as_role: As, database: Database, under_way: int, tmp_path: Path
) -> None:
    path = tmp_path / "may.csv"
    path.write_text("email\nzoe@x.org\n")
    with database.engine.begin() as connection:
        import_members(connection, 1, path)
        connection.execute(text("UPDATE memberships SET joined_at = now() - interval '70 days' WHERE member_id = 1"))
    sender = as_role("sender")
    page = sender.get("/desk/lists/friends").text
    assert "now: 7" in words(page)
    assert f"/desk/campaigns/{under_way}" in page
    assert "may.csv" in page
    assert 'action="/desk/imports/undo/1"' in page
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE imports SET at = at - interval '8 days'"))
    assert 'action="/desk/imports/undo/1"' not in sender.get("/desk/lists/friends").text
    with database.engine.connect() as connection:
        assert sum(joined - left for _, joined, left in growth(connection, 1)) == 7


def test_a_list_shows_consent_by_basis_and_what_to_do_about_a_basis_that_cannot_hold(
    as_role: As, database: Database
) -> None:
    with database.engine.begin() as connection:
        list_id = create_list(connection, "friends", sender="Friends <news@friends.example>")
        for email, basis in (("ann@x.org", "consent"), ("bob@x.org", "unknown")):
            add_member(connection, list_id, email, basis=basis, source="stall")
    sender, editor = as_role("sender"), as_role("editor")
    page = sender.get("/desk/lists/friends").text
    assert "On what ground consent 1 unknown 1" in words(page)
    assert "1 person: No basis is recorded" in words(page)
    assert '<a href="/desk/uploads/for/friends">Bring the record of their consent</a>' in page
    assert "Each of these can hold" not in page
    assert "Bring the record of their consent" not in (seen := editor.get("/desk/lists/friends").text)
    assert "bob@x.org" not in page + seen
    change = "UPDATE memberships SET basis = 'consent', collected_by = 'Friends of Bath' WHERE basis = 'unknown'"
    with database.engine.begin() as connection:
        connection.execute(text(change))
    page = words(sender.get("/desk/lists/friends").text)
    assert "1 person: A basis does not pass from the organisation" in page
    assert "1 person: Their membership is not what the consent ledger adds up to" in page
    assert "daisychain list" not in page
    with database.engine.begin() as connection:
        others = create_list(connection, "others", sender="Friends <news@friends.example>")
        add_member(connection, others, "cy@x.org", basis="consent", source="stall")
    assert "Each of these can hold" in sender.get("/desk/lists/others").text


@pytest.mark.parametrize(
    ("moves", "ends"),
    [
        ([["2026-09-01", 10, 0], ["2026-11-01", 5, 3]], [10, 10, 12]),
        ([["2026-11-01", 4, 0]], [4]),
        # What came before the first month that is drawn counts.
        ([["2020-01-01", 100, 10], ["2026-11-01", 1, 0]], [*([90] * 23), 91]),
    ],
)
def test_growth_has_each_month_with_how_many_there_were_at_its_end(moves: list[list[object]], ends: list[int]) -> None:
    found = growth_of(moves, date(2026, 11, 28))
    assert found is not None
    assert [there for *_, there in found.months] == ends
    assert found.line.count(",") == max(len(ends), 2)
    assert found.line.endswith(f",{HEIGHT - ends[-1] / max(ends) * HEIGHT:.1f}")


def test_a_list_of_nobody_has_no_growth() -> None:
    assert growth_of([], date(2026, 11, 28)) is None
