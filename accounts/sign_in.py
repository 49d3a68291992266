"""Sign in: a password, then a second factor; and prove again who you are for what can't be undone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, select, update

from accounts.credentials import hash_password, password_matches, require_good_password
from accounts.limits import EVERYWHERE, HERE
from accounts.second_factor import TOO_MANY, TOO_MANY_HINT, take_code
from accounts.sessions import SignedIn, drop_ended_sessions, end_sessions, renew_session, start_session
from accounts.tables import StaffAccount
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from daisychain.web.networks import network_of
from daisychain.web.try_limits import Limit, forget_tries, within_limits

# The same for an unknown address: nobody learns who has an account.
WRONG = "The address or the password is wrong."


@dataclass(frozen=True)
class Caller:
    """The address that a sign-in comes from, and what the browser calls itself."""

    address: str
    browser: str


def sign_in(engine: Engine, email: str, password: str, caller: Caller) -> str:
    """Check a password and start a session; returns its token. It is complete unless a second factor is set up.

    Raises InputError if address or password is wrong, and StateError after too many tries.
    """
    email = email.strip().lower()
    tries = _count_try(engine, email, caller)
    columns = (StaffAccount.id, StaffAccount.password_hash, StaffAccount.totp_secret)
    with engine.connect() as connection:
        row = connection.execute(select(*columns).where(StaffAccount.email == email)).one_or_none()
    if not password_matches(row and row.password_hash, password):
        raise InputError(WRONG, hint="Passwords tell capital and small letters apart.")
    assert row is not None
    with engine.begin() as connection:
        drop_ended_sessions(connection)
        forget_tries(connection, *tries)
        complete = row.totp_secret is None
        return start_session(connection, row.id, caller.address, caller.browser, complete=complete)


def give_code(engine: Engine, settings: Settings, person: SignedIn, typed: str) -> str:
    """Complete a sign-in, or prove it again, by a code; returns the session's new token. Raises as `take_code`."""
    take_code(engine, settings, person.account_id, typed)
    with engine.begin() as connection:
        return renew_session(connection, person.session_id)


def prove_by_password(engine: Engine, person: SignedIn, password: str, caller: Caller) -> str:
    """Prove again who it is, by the password; returns the session's new token. Raises as `sign_in`."""
    _require_password(engine, person, password, caller)
    with engine.begin() as connection:
        return renew_session(connection, person.session_id)


def change_password(engine: Engine, person: SignedIn, old: str, new: str, caller: Caller) -> str:
    """Change a password, and end all other sessions; returns the session's new token. Raises as `sign_in`.

    Knowing the old one proves no more than before: who has a second factor is asked for it where a proof is needed.
    """
    _require_password(engine, person, old, caller)
    require_good_password(new, (person.name, person.email))
    with engine.begin() as connection:
        changed = update(StaffAccount).where(StaffAccount.id == person.account_id)
        connection.execute(changed.values(password_hash=hash_password(new)))
        end_sessions(connection, person.account_id, but=person.session_id)
        return renew_session(connection, person.session_id, proved=not person.has_factor)


def _require_password(engine: Engine, person: SignedIn, password: str, caller: Caller) -> None:
    _count_try(engine, person.email, caller)
    with engine.connect() as connection:
        stored = connection.scalar(select(StaffAccount.password_hash).where(StaffAccount.id == person.account_id))
    if not password_matches(stored, password):
        raise InputError("That is not your password.", hint="If you have forgotten it, sign out and ask for a new one.")


def _count_try(engine: Engine, email: str, caller: Caller) -> list[tuple[Limit, str]]:
    tries = [(HERE, f"{network_of(caller.address)} {email}"), (EVERYWHERE, email)]
    if not within_limits(engine, *tries):
        raise StateError(TOO_MANY, hint=TOO_MANY_HINT)
    return tries
