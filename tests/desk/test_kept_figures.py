"""Counts of large lists: kept for pages, with their time, and counted again by a worker; decisions count anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import Database
from daisychain.jobs import Workers
from lists import kept_figures
from lists.consent.list_audit import DIFFERS, audit_list
from lists.kept_figures import BeingCountedError, counted_at, give_kept
from lists.list_people import open_people
from lists.members import unsubscribe
from lists.overview import excluded_of_all, overview, overview_of_all
from lists.tables import ListFigure
from sender.delivery.senders import LiveSender
from sender.upkeep import list_counts
from sender.upkeep.list_counts import ask_to_count
from tests.desk.staff import Browser
from tests.desk.test_campaigns import words
from tests.sender.staging import staged


@pytest.fixture
def large(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of five people, which is large here, and another of two."""
    monkeypatch.setattr(kept_figures, "LARGE", 3)
    staged(database, 5)
    staged(database, 2, name="others")


def one_leaves(database: Database, list_id: int = 1, member_id: int = 1) -> None:
    with database.engine.begin() as connection:
        unsubscribe(connection, list_id, member_id, "one-click")


def older(database: Database) -> None:
    """Let a minute pass."""
    with database.engine.begin() as connection:
        connection.execute(update(ListFigure).values(counted_at=ListFigure.counted_at - 2 * kept_figures.KEEP))


@pytest.mark.usefixtures("large")
def test_a_page_is_given_what_was_counted_of_a_large_list_and_when_and_a_small_one_is_counted(
    database: Database, as_role: Callable[[str], Browser]
) -> None:
    editor = as_role("editor")
    for path in ("/desk/lists", "/desk/lists/friends"):
        editor.get(path)
    one_leaves(database)
    one_leaves(database, 2, 6)
    page = words(editor.get("/desk/lists").text)
    assert "5 people" in page
    assert "1 person" in page
    assert "people of large lists were counted" in page
    assert "May be mailed 5" in words(editor.get("/desk/lists/friends").text)
    assert "were counted" not in words(editor.get("/desk/lists/others").text)


@pytest.mark.usefixtures("large")
def test_what_decides_counts_now(database: Database) -> None:
    with database.engine.begin() as connection:
        give_kept(connection, ask_to_count)
        assert open_people(connection, "friends").count() == 5
    one_leaves(database)
    with database.engine.begin() as connection:
        assert open_people(connection, "friends").count() == 4
        assert overview(connection, "friends")["mailable"] == 4
        assert counted_at(connection) is None
        give_kept(connection, ask_to_count)
        assert open_people(connection, "friends").count() == 5
        assert counted_at(connection) is not None


@pytest.mark.usefixtures("large")
def test_an_old_count_is_counted_again_by_a_worker_which_is_asked_once(database: Database) -> None:
    def counted() -> int:
        with database.engine.begin() as connection:
            give_kept(connection, ask_to_count)
            return open_people(connection, "friends").count()

    assert counted() == 5
    one_leaves(database)
    older(database)
    assert [counted(), counted()] == [5, 5]
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'chores'")) == 1
    counted_by_a_worker(database)
    assert counted() == 4
    with database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).where(ListFigure.asked_at.is_not(None))) == 0


@pytest.mark.usefixtures("large")
def test_what_no_page_asks_for_any_more_is_not_counted_again_and_goes_after_a_day(database: Database) -> None:
    def asked_for(*, longest: bool) -> None:
        with database.engine.begin() as connection:
            give_kept(connection, ask_to_count)
            people = open_people(connection, "friends")
            people.count(), people.excluded(), people.longest("email") if longest else ""

    asked_for(longest=True)
    with database.engine.begin() as connection:
        connection.execute(update(ListFigure).values(counted_at=ListFigure.counted_at - 2 * list_counts.FORGET))
    asked_for(longest=False)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'chores'")) == 1
    counted_by_a_worker(database)
    with database.engine.connect() as connection:
        fresh = ListFigure.counted_at > func.now() - kept_figures.KEEP
        kept = connection.execute(select(ListFigure.name, fresh).order_by(ListFigure.name)).all()
    assert kept == [('["people","null","everybody"]', True), ('["people","null","languages"]', True)]


@pytest.mark.usefixtures("large")
def test_the_memberships_that_differ_from_the_ledger_are_kept_and_counted_again(database: Database) -> None:
    def differing(*, addresses: bool = False) -> int:
        with database.engine.begin() as connection:
            give_kept(connection, ask_to_count)
            findings = audit_list(connection, "friends", addresses=addresses).findings
            return sum(each.people for each in findings if each.finding == DIFFERS)

    assert differing() == 5
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM memberships WHERE member_id = 1"))
    assert (differing(), differing(addresses=True)) == (5, 4)
    older(database)
    differing()
    counted_by_a_worker(database)
    assert differing() == 4


def slow_count(count: Callable[..., Any], connection: Connection, *of: Any) -> Any:
    """Count as if it took an hour for whoever doesn't wait so long."""
    if connection.scalar(text("SELECT current_setting('statement_timeout')")) != "0":
        connection.execute(text("SELECT pg_sleep(3600)"))
    return count(connection, *of)


def counted_by_a_worker(database: Database) -> None:
    with Workers(database, queues=[list_counts.QUEUE], until_idle=True) as workers:
        workers.wait()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("path", "slow"),
    [("/desk/lists", "why"), ("/desk/lists/friends", "growth"), ("/desk/lists/friends", "differing")],
)
def test_a_page_that_would_wait_for_the_first_count_says_so_and_comes_once_a_worker_has_counted(
    database: Database, as_role: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch, path: str, slow: str
) -> None:
    """A page waits for no plan of PostgreSQL, however slow; what it had counted until then is kept."""
    sender = as_role("sender")
    monkeypatch.setitem(kept_figures.COUNTS, slow, partial(slow_count, kept_figures.COUNTS[slow]))
    sender.post("/desk/lists/friends/sign-up", open="yes")
    for _ in range(2):
        page = sender.get(path)
        assert (page.status_code, page.headers["Refresh"]) == (503, "2")
        assert "being counted" in words(page.text)
    counted_by_a_worker(database)
    page = sender.get(path)
    assert page.status_code == 200
    assert "The sign-up form is open." in words(page.text)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize(
    ("at_work", "says"),
    [("nobody", "No worker is running"), ("a send", "No worker is running"), ("a worker", "the worker’s log")],
)
def test_a_page_that_no_worker_counts_for_stops_loading_and_says_what_to_do(
    database: Database, as_role: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch, at_work: str, says: str
) -> None:
    sender = as_role("sender")
    monkeypatch.setitem(kept_figures.COUNTS, "why", partial(slow_count, kept_figures.COUNTS["why"]))
    assert sender.get("/desk/lists").headers["Refresh"] == "2"
    with database.engine.begin() as connection:
        connection.execute(update(ListFigure).values(asked_at=ListFigure.asked_at - kept_figures.LATE))
    working = nullcontext() if at_work == "nobody" else LiveSender(database, chores=at_work == "a worker")
    with working:
        page = sender.get("/desk/lists")
    assert page.status_code == 503
    assert says in words(page.text)
    assert not {"Refresh", "Retry-After"} & set(page.headers.keys())


@pytest.mark.usefixtures("large")
def test_a_form_that_needs_what_a_page_waits_for_counts_it_and_is_not_lost(
    database: Database, as_role: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = as_role("admin")
    with monkeypatch.context() as patch, database.engine.begin() as connection:
        patch.setitem(kept_figures.COUNTS, "people", partial(slow_count, kept_figures.COUNTS["people"]))
        give_kept(connection, ask_to_count, wait=0.01)
        with pytest.raises(BeingCountedError):
            open_people(connection, "friends").fields()
    page = admin.post("/desk/lists/friends/segments/ask", text='first_name is "Ann"', segment="", name="")
    assert page.status_code == 200
    assert "first_name is" in words(page.text)


@pytest.mark.usefixtures("large")
def test_a_page_that_gives_up_leaves_what_was_counted_meanwhile(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise every page after it waits for a worker that has counted already."""
    count = kept_figures.COUNTS["people"]

    def overtaken(connection: Connection, list_id: int, *of: str) -> None:
        with database.engine.begin() as other:
            key = orjson.dumps(["people", *of]).decode()
            monkeypatch.setitem(kept_figures.COUNTS, "people", count)
            kept_figures.count_now(other, list_id, key)
        connection.execute(text("SELECT pg_sleep(3600)"))

    monkeypatch.setitem(kept_figures.COUNTS, "people", overtaken)
    with database.engine.begin() as connection:
        give_kept(connection, ask_to_count, wait=0.1)
        assert open_people(connection, "friends").count() == 5


@pytest.mark.usefixtures("large")
def test_a_figure_that_can_not_be_counted_stops_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def counted() -> int:
        with database.engine.begin() as connection:
            give_kept(connection, ask_to_count)
            return overview(connection, "friends")["mailable"]

    def fails(connection: Connection, list_id: int, *of: str) -> object:
        return connection.scalar(text("SELECT 1 / 0"))

    assert counted() == 5
    one_leaves(database)
    older(database)
    assert counted() == 5
    monkeypatch.setitem(kept_figures.COUNTS, "people", fails)
    counted_by_a_worker(database)
    assert counted() == 4
    assert "a figure of list 1 can't be counted" in caplog.text


@pytest.mark.usefixtures("large")
def test_a_count_in_time_leaves_the_rest_of_the_page_its_own_limit(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = '77s'"))
        give_kept(connection, ask_to_count)
        overview(connection, "friends")
        assert connection.scalar(text("SHOW statement_timeout")) == "77s"


@pytest.mark.usefixtures("large")
def test_kept_figures_are_what_would_be_counted(database: Database) -> None:
    def everything(connection: Connection) -> list[object]:
        people = open_people(connection, "friends")
        english, others = people.speaking(["en"]), people.speaking(["", "cy"])
        return [
            (each.count(), each.fields(), each.filled, each.basis(), each.longest("email"), each.languages(),
             each.values("email", "^person"), each.excluded())
            for each in (people, english, others, people.speaking([]))
        ] + [overview_of_all(connection), overview(connection, "friends"), excluded_of_all(connection)]  # fmt: skip

    one_leaves(database)
    with database.engine.begin() as connection:
        expected = everything(connection)
        for _ in range(2):
            give_kept(connection, ask_to_count)
            assert everything(connection) == expected
        assert excluded_of_all(connection) == {"friends": {"unsubscribed": 1}, "others": {}}
