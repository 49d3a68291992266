"""Accounts without their pages: rights, links, limits, second factors, and the last admin."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import func, select, text, update

from accounts import credentials
from accounts.credentials import hash_password, password_matches, require_good_password, sealed, unsealed
from accounts.invitations import find_link, first_admin_link, invite, reset_link, take_link
from accounts.limits import CODE
from accounts.rights import RIGHTS, ROLES, may
from accounts.second_factor import count_recovery_codes, renew_recovery_codes, take_code
from accounts.sessions import describe_browser
from accounts.staff import change_role, colleague_of, list_colleagues, names_with, remove_account
from accounts.tables import AccountLink, AccountSession, RecoveryCode, StaffAccount
from daisychain.database import Database
from daisychain.errors import InputError, StateError
from daisychain.web.try_limits import TryCounter
from tests.desk.staff import PASSWORD, app_code, make_account


def test_rights_are_those_of_the_four_roles() -> None:
    assert all(may("admin", right) for right in RIGHTS)
    assert [right for right in RIGHTS if may("analyst", right)] == ["figures.see"]
    lacking = {right for right in RIGHTS if not may("sender", right)}
    assert lacking == {
        "toolkits.write", "copy.approve", "people.export", "privacy.act", "accounts.manage", "audit.read",
        "settings.see",
    }  # fmt: skip
    assert may("editor", "campaigns.pause")
    for right in ("campaigns.send", "campaigns.steer", "campaigns.decide", "people.see", "lists.write"):
        assert not may("editor", right)


@pytest.mark.parametrize("password", [
    "short", "elevenchars", "passwordpassword", "123456789012", "qwertyuiopas", "aaaaaaaaaaaaaa",
    "daisychaindaisychain", "PriyaExample", "x" * 201,
])  # fmt: skip
def test_a_password_that_is_short_or_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(InputError):
        require_good_password(password, ("Priya Example", "priya@coalition.example"))


@pytest.mark.parametrize("password", [PASSWORD, "naïve café über straße", "correct horse battery staple"])
def test_words_in_any_language_are_a_password_without_rules_of_composition(password: str) -> None:
    require_good_password(password, ("Priya Example", "priya@coalition.example"))


def test_a_stored_hash_that_can_t_be_read_matches_nothing() -> None:
    assert not password_matches("", "anything")
    assert not password_matches(None, "anything")


def test_a_password_is_hashed_by_argon2id_with_64_mebibytes_and_three_rounds(
    real_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_HASHER", real_hasher)
    stored = hash_password(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert password_matches(stored, PASSWORD)
    assert not password_matches(stored, "otter lantern gravel violet")


def test_to_check_a_password_without_an_account_is_the_same_work_and_nothing_matches(
    real_hasher: PasswordHasher,
) -> None:
    of_nobody = credentials._of_nobody(real_hasher)
    assert extract_parameters(of_nobody) == extract_parameters(real_hasher.hash(PASSWORD))
    with pytest.raises(VerifyMismatchError):
        real_hasher.verify(of_nobody, "")


def test_an_invitation_works_once_for_its_address_and_role(database: Database) -> None:
    with database.engine.begin() as connection:
        token = invite(connection, "Sam@Coalition.example ", "sender", "Priya")
        link = find_link(connection, token)
        assert (link.email, link.role, link.made_by) == ("sam@coalition.example", "sender", "Priya")
        assert link.ends_at - link.made_at == timedelta(hours=72)
        account_id = take_link(connection, token, " Sam  Example ", PASSWORD)
        with pytest.raises(StateError):
            take_link(connection, token, "Somebody else", PASSWORD)
        [sam] = list_colleagues(connection)
    assert (sam.id, sam.name, sam.email, sam.role) == (account_id, "Sam Example", "sam@coalition.example", "sender")


def test_of_two_people_who_take_a_link_at_once_one_gets_the_account(database: Database) -> None:
    with database.engine.begin() as connection:
        token = invite(connection, "sam@coalition.example", "sender", "Priya")

    def take(name: str) -> bool:
        try:
            with database.engine.begin() as connection:
                take_link(connection, token, name, PASSWORD)
        except StateError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(take, ("Sam", "Bo"))) == [False, True]


@pytest.mark.parametrize(("make", "lasts"), [
    (lambda connection: first_admin_link(connection, "a@coalition.example", "root"), "30 minutes"),
    (lambda connection: invite(connection, "a@coalition.example", "editor", "Priya"), "72 hours"),
])  # fmt: skip
def test_a_link_ends(database: Database, make: Callable[..., str], lasts: str) -> None:
    with database.engine.begin() as connection:
        token = make(connection)
        moved = text(f"now() + (account_links.ends_at - now()) - interval '{lasts}' + interval '1 second'")
        connection.execute(update(AccountLink).values(ends_at=moved))
        find_link(connection, token)
        connection.execute(update(AccountLink).values(ends_at=text("account_links.ends_at - interval '1 second'")))
        with pytest.raises(StateError, match="ended"):
            find_link(connection, token)


def test_a_later_invitation_ends_the_earlier_one_of_that_address(database: Database) -> None:
    with database.engine.begin() as connection:
        first = invite(connection, "sam@coalition.example", "admin", "Priya")
        second = invite(connection, "sam@coalition.example", "analyst", "Priya")
        assert find_link(connection, second).role == "analyst"
        with pytest.raises(StateError):
            find_link(connection, first)


def test_tokens_and_codes_are_not_in_the_database(database: Database) -> None:
    account_id, secret = make_account(database, "admin")
    with database.engine.begin() as connection:
        token = invite(connection, "sam@coalition.example", "editor", "Priya")
        codes = renew_recovery_codes(connection, account_id)
        tables = (StaffAccount, AccountLink, AccountSession, RecoveryCode)
        stored = repr([connection.execute(select(*table.__table__.columns)).all() for table in tables])
    for value in (token, PASSWORD, *codes, repr(secret)[2:-1]):
        assert value not in stored


def test_a_secret_is_worth_nothing_to_another_installation(database: Database) -> None:
    stored = sealed(database.settings, b"a secret")
    assert unsealed(database.settings, stored) == b"a secret"
    assert unsealed(replace(database.settings, secret_key="another secret, and long enough too"), stored) is None


def test_the_last_admin_can_t_be_removed_or_made_anything_else(database: Database) -> None:
    priya, _ = make_account(database, "admin")
    with database.engine.begin() as connection:
        for change in (lambda: remove_account(connection, priya), lambda: change_role(connection, priya, "sender")):
            with pytest.raises(StateError, match="last admin"):
                change()
        change_role(connection, priya, "admin")
        token = invite(connection, "bo@coalition.example", "admin", "Priya")
        bo = take_link(connection, token, "Bo", PASSWORD)
        remove_account(connection, priya)
        with pytest.raises(StateError, match="last admin"):
            remove_account(connection, bo)


def test_two_admins_who_remove_each_other_at_once_leave_one(database: Database) -> None:
    ids = [make_account(database, "admin")[0]]
    with database.engine.begin() as connection:
        token = invite(connection, "bo@coalition.example", "admin", "Priya")
        ids.append(take_link(connection, token, "Bo", PASSWORD))

    def remove(account_id: int) -> bool:
        try:
            with database.engine.begin() as connection:
                remove_account(connection, account_id)
        except StateError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, ids)) == [False, True]


def test_a_removed_account_leaves_no_session_code_or_link(database: Database) -> None:
    make_account(database, "admin", name="Priya")
    account_id, _ = make_account(database, "sender")
    with database.engine.begin() as connection:
        reset_link(connection, "sender@coalition.example", "the person")
        renew_recovery_codes(connection, account_id)
        remove_account(connection, account_id)
        assert count_recovery_codes(connection, account_id) == 0
        assert connection.scalar(select(func.count()).select_from(AccountLink)) == 0
        with pytest.raises(InputError):
            colleague_of(connection, "sender@coalition.example")


def test_an_admin_who_becomes_something_else_leaves_no_invitation_that_would_make_them_one_again(
    database: Database,
) -> None:
    make_account(database, "admin", name="Priya")
    with database.engine.begin() as connection:
        bo = take_link(connection, invite(connection, "bo@coalition.example", "admin", "Priya"), "Bo", PASSWORD)
        theirs, other = (invite(connection, f"by-{who}@coalition.example", "admin", who) for who in ("Bo", "Priya"))
        change_role(connection, bo, "editor")
        assert find_link(connection, other)
        with pytest.raises(StateError):
            find_link(connection, theirs)


@pytest.mark.parametrize(
    "name", ["Priya Example", " priya  EXAMPLE", "\uff30riya Example", "x" * 81, "Bo\u202ePriya", ""]
)
def test_nobody_takes_a_colleague_s_name_or_one_that_can_t_be_read(database: Database, name: str) -> None:
    make_account(database, "admin", name="Priya Example")
    with database.engine.begin() as connection:
        token = invite(connection, "bo@coalition.example", "sender", "Priya Example")
        with pytest.raises(InputError):
            take_link(connection, token, name, PASSWORD)
        assert take_link(connection, token, "Bo Example", PASSWORD)


def test_a_new_password_is_sent_to_the_account_s_own_address_however_it_was_typed(database: Database) -> None:
    """The Kelvin sign becomes a k in lower case, and may be part of somebody else's address."""
    make_account(database, "admin", name="Priya")
    with database.engine.begin() as connection:
        take_link(connection, invite(connection, "kim@coalition.example", "editor", "Priya"), "Kim", PASSWORD)
        found = reset_link(connection, "\u212aim@coalition.example", "the person")
        assert found is not None
        assert found[0] == "kim@coalition.example"
        assert reset_link(connection, "nobody@coalition.example", "the person") is None


def test_people_who_have_a_right_can_be_named(database: Database) -> None:
    for role in ROLES:
        make_account(database, role, factor=False)
    with database.engine.connect() as connection:
        assert names_with(connection, "campaigns.send") == ["Admin Example", "Sender Example"]


def test_codes_of_the_minute_around_are_taken_and_older_ones_are_not(database: Database) -> None:
    account_id, secret = make_account(database, "sender")
    for steps, taken in ((-3, False), (3, False), (1, True)):
        code = app_code(database, secret, steps)
        if taken:
            take_code(database.engine, database.settings, account_id, f"{code[:3]} {code[3:]}")
        else:
            with pytest.raises(InputError):
                take_code(database.engine, database.settings, account_id, code)


def test_after_ten_wrong_codes_even_the_right_one_waits(database: Database) -> None:
    account_id, secret = make_account(database, "sender")
    for _ in range(CODE.most):
        with pytest.raises(InputError):
            take_code(database.engine, database.settings, account_id, "000000")
    with pytest.raises(StateError, match="Too many"):
        take_code(database.engine, database.settings, account_id, app_code(database, secret))


def test_codes_are_not_guessed_for_weeks(database: Database) -> None:
    account_id, secret = make_account(database, "sender")
    for _ in range(5):
        for _ in range(CODE.most):
            with pytest.raises(InputError):
                take_code(database.engine, database.settings, account_id, "000000")
        with database.engine.begin() as connection:
            earlier = text("since - interval '20 minutes'")
            connection.execute(update(TryCounter).values(since=earlier))
    with pytest.raises(StateError, match="Too many"):
        take_code(database.engine, database.settings, account_id, app_code(database, secret))


@pytest.mark.parametrize(("agent", "shown"), [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604", "Safari on iPhone"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
    ("curl/8", "a browser"),
])  # fmt: skip
def test_a_browser_is_shown_as_people_know_it(agent: str, shown: str) -> None:
    assert describe_browser(agent) == shown
