"""Whatever happens to people, in whatever order: their events add up to what their memberships say."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress as ignored
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from daisychain.database import Database
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from lists.bases import CHARITY
from lists.consent.consent_tables import ConsentEvent
from lists.consent.ledger_state import differing_members
from lists.import_log import undo_import
from lists.imports import ImportOptions, import_members
from lists.lists import create_list, find_list
from lists.members import add_member, unsubscribe, unsubscribe_everywhere
from lists.resubscribe import find_undoable, resubscribe, undo_unsubscribe
from lists.sign_up.asking import keep_sign_up
from lists.sign_up.confirming import confirm_sign_up
from lists.sign_up.sign_up_form import change_form
from lists.sign_up.typed_sign_up import read_typed
from lists.suppression import suppress, unsuppress
from lists.tables import BY_PAGE, Import, Member, Membership
from lists.unsubscribe_file import unsubscribe_file

Action = Callable[[Connection, str, str], object]
NUMBERS = itertools.count()


def number_of(connection: Connection, list_name: str) -> int:
    return int(find_list(connection, list_name)["id"])


def member_of(connection: Connection, email: str) -> int:
    return connection.scalar(select(Member.id).where(Member.email == email)) or 0


def take_in(path: Path, rows: str, basis: str, connection: Connection, list_name: str, email: str) -> None:
    """Import somebody and others of the same family; `{}` in the rows is what comes before the @."""
    header = "email,unsubscribed,collected by,consented_at\n"
    path.write_text(header + rows.replace("{}", email.partition("@")[0]))
    options = ImportOptions(basis=basis, source="a file", by="Jo", mapping={
        "collected by": "collected_by", "consented_at": "consented_at"})  # fmt: skip
    import_members(connection, number_of(connection, list_name), path, options)


def undo(connection: Connection, list_name: str, _: str) -> None:
    these = (Import.list_id == number_of(connection, list_name), Import.undone_at.is_(None))
    if number := connection.scalar(select(func.max(Import.id)).where(*these)):
        undo_import(connection, number, by="Jo")


def add(basis: str, connection: Connection, list_name: str, email: str) -> None:
    add_member(connection, number_of(connection, list_name), email, basis=basis, source="stall", collected_by="Friends")


def leave(how: str, connection: Connection, list_name: str, email: str) -> None:
    unsubscribe(connection, number_of(connection, list_name), member_of(connection, email), how)


def leave_everything(how: str, connection: Connection, _: str, email: str) -> None:
    unsubscribe_everywhere(connection, member_of(connection, email), how)


def leave_by_file(path: Path, connection: Connection, list_name: str, email: str) -> None:
    path.write_text(f"email\n{email}\n")
    unsubscribe_file(connection, number_of(connection, list_name), path, how="by staff", by="Jo")


def say_that_was_a_mistake(connection: Connection, _: str, email: str) -> None:
    number = member_of(connection, email) or None
    if at := find_undoable(connection, number, email, BY_PAGE):
        undo_unsubscribe(connection, number, email, BY_PAGE, at)


def come_back(connection: Connection, list_name: str, email: str) -> None:
    resubscribe(connection, number_of(connection, list_name), email, because="asked", evidence="a letter", by="Jo")


def sign_up(kept: Settings, connection: Connection, list_name: str, email: str) -> None:
    form = change_form(connection, list_name, by="Jo", is_open=True)
    typed, words = read_typed({"email": email}, for_organisations=False), form.wording("en")
    confirm_sign_up(connection, keep_sign_up(connection, kept, form, typed, words, language="en", network="192.0.2.1"))


def suppressed(connection: Connection, _: str, email: str) -> None:
    suppress(connection, email, "asked by phone")


def unsuppressed(connection: Connection, _: str, email: str) -> None:
    unsuppress(connection, email, because="a mistake")


SHEETS = (
    "{}@x.org,,The Friends,2026-05-03\nb{}@x.org,,,\n",
    "{}@x.org,,,\nb{}@x.org,yes,,\n",
    "{}@x.org,yes,,\n",
    "{}@x.org,never mail again,,\nb{}@x.org,,Friends,2026-05-04\n",
)


def actions(path: Path, kept: Settings) -> list[Action]:
    bases = ("unknown", "consent", "soft-opt-in-sale", CHARITY)
    ways = ("one-click", BY_PAGE, "sendgrid")
    return [
        *(partial(take_in, path, rows, basis) for rows in SHEETS for basis in bases),
        *[undo] * 6,
        *(partial(add, basis) for basis in bases[:3]),
        *(partial(leave, way) for way in ways),
        *(partial(leave_everything, way) for way in ways),
        partial(leave_by_file, path), partial(sign_up, kept), partial(sign_up, kept),
        say_that_was_a_mistake, say_that_was_a_mistake, come_back, suppressed, unsuppressed,
    ]  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 100), st.booleans(), st.booleans()), min_size=2, max_size=9))
def test_the_state_that_events_add_up_to_is_the_membership(
    database: Database, tmp_path: Path, steps: list[tuple[int, bool, bool]]
) -> None:
    example = next(NUMBERS)
    known = actions(tmp_path / "people.csv", database.settings)
    with database.engine.begin() as connection:
        ids = [create_list(connection, f"l{example}-{at}", sender="Friends <news@friends.org>") for at in (0, 1)]
    for choice, second, other in steps:
        action = known[choice % len(known)]
        email = f"{'b' if other else ''}ann{example}@x.org"
        # Each in a transaction of its own: what an import made is known by the time of its transaction.
        with ignored(InputError, StateError), database.engine.begin() as connection:
            action(connection, f"l{example}-{int(second)}", email)
        with database.engine.connect() as connection:
            assert not [differing_members(connection, id_) for id_ in ids if differing_members(connection, id_)]


def test_the_actions_of_this_test_do_something(database: Database, tmp_path: Path) -> None:
    """Every kind of event comes up, so that the test above is about them."""
    path = tmp_path / "people.csv"
    people = "{}@x.org,,The Friends,2026-05-03\nb{}@x.org,,,\n"
    story: list[Action] = [
        partial(take_in, path, people, "unknown"), partial(take_in, path, people, "consent"), undo, undo,
        partial(add, "consent"), partial(leave, BY_PAGE), say_that_was_a_mistake, partial(leave, BY_PAGE), come_back,
    ]  # fmt: skip
    with database.engine.begin() as connection:
        create_list(connection, "friends", sender="Friends <news@friends.org>")
    for action in story:
        with database.engine.begin() as connection:
            action(connection, "friends", "ann@x.org")
    with database.engine.connect() as connection:
        kinds = list(connection.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id)))
        assert connection.scalar(select(Membership.state)) == "subscribed"
        assert not differing_members(connection, number_of(connection, "friends"))
    assert kinds == ["given", "given", "given", "given", "corrected", "corrected", "undone", "undone",
                     "given", "withdrawn", "restored", "withdrawn", "returned"]  # fmt: skip


def test_a_no_of_a_file_and_its_undo_add_up_too(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    noes = partial(take_in, path, "{}@x.org,yes,,\nnew{}@x.org,yes,,\n", "unknown")
    with database.engine.begin() as connection:
        create_list(connection, "friends", sender="Friends <news@friends.org>")
    for action in (partial(add, "consent"), noes, undo, noes, noes, undo):
        with database.engine.begin() as connection:
            action(connection, "friends", "ann@x.org")
        with database.engine.connect() as connection:
            assert not differing_members(connection, number_of(connection, "friends"))
    with database.engine.connect() as connection:
        kinds = list(connection.scalars(select(ConsentEvent.kind).order_by(ConsentEvent.id)))
    assert kinds == ["given", "withdrawn", "withdrawn", "restored", "undone", *["withdrawn"] * 4]
