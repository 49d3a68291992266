"""The people who have an account: list them, change a role, end their sessions, reset a factor, remove them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from accounts.rights import ROLES, may
from accounts.second_factor import remove_factor
from accounts.sessions import end_sessions
from accounts.tables import AccountLink, AccountSession, StaffAccount
from daisychain.errors import InputError, StateError


@dataclass(frozen=True)
class Colleague:
    """A person with an account."""

    id: int
    email: str
    name: str
    role: str
    has_factor: bool
    made_by: str
    made_at: datetime
    seen_at: datetime | None


_SEEN = select(func.max(AccountSession.seen_at)).where(AccountSession.account_id == StaffAccount.id).scalar_subquery()
_COLLEAGUE = select(
    StaffAccount.id, StaffAccount.email, StaffAccount.name, StaffAccount.role, StaffAccount.totp_secret.is_not(None),
    StaffAccount.made_by, StaffAccount.made_at, _SEEN,
)  # fmt: skip


def list_colleagues(connection: Connection) -> list[Colleague]:
    """Return everybody who has an account, by name."""
    ordered = _COLLEAGUE.order_by(func.lower(StaffAccount.name), StaffAccount.id)
    return [Colleague(*row) for row in connection.execute(ordered)]


def find_colleague(connection: Connection, account_id: int) -> Colleague | None:
    """Return one person who has an account."""
    row = connection.execute(_COLLEAGUE.where(StaffAccount.id == account_id)).one_or_none()
    return None if row is None else Colleague(*row)


def colleague_of(connection: Connection, email: str) -> Colleague:
    """Return the person with an address; raises InputError if there is none."""
    row = connection.execute(_COLLEAGUE.where(StaffAccount.email == email.strip().lower())).one_or_none()
    if row is None:
        raise InputError(f"{email} has no account.", hint="`daisychain account list` shows them.")
    return Colleague(*row)


def names_with(connection: Connection, right: str) -> list[str]:
    """Return the names of the people who have a right, to name them to somebody who lacks it."""
    roles = [role for role in ROLES if may(role, right)]
    named = select(StaffAccount.name).where(StaffAccount.role.in_(roles)).order_by(StaffAccount.name).limit(5)
    return list(connection.scalars(named))


def colleagues_with(connection: Connection, right: str) -> list[Colleague]:
    """Return the people who have a right."""
    return [each for each in list_colleagues(connection) if may(each.role, right)]


def ids_with(connection: Connection, right: str) -> set[int]:
    """Return the accounts that have a right."""
    return {each.id for each in colleagues_with(connection, right)}


def lock_admins(connection: Connection) -> list[int]:
    """Return the ids of all admins; nobody else changes who is one until the caller's transaction ends."""
    # Not the rows, as the first admin has none yet.
    connection.execute(select(func.pg_advisory_xact_lock(_ADMINS)))
    return list(connection.scalars(select(StaffAccount.id).where(StaffAccount.role == "admin")))


_ADMINS = 0x0DA15ADA


def change_role(connection: Connection, account_id: int, role: str) -> None:
    """Change a role, and end the person's sessions. Raises InputError, and StateError for the last admin."""
    if role not in ROLES:
        raise InputError("Choose a role.", hint=f"One of {', '.join(ROLES)}.")
    _keep_an_admin(connection, account_id, role)
    changed = update(StaffAccount).where(StaffAccount.id == account_id).values(role=role)
    name = connection.scalar(changed.returning(StaffAccount.name))
    end_sessions(connection, account_id)
    if role != "admin":
        # Else somebody could invite themselves again beforehand, as an admin.
        connection.execute(delete(AccountLink).where(AccountLink.made_by == name))


def remove_account(connection: Connection, account_id: int) -> None:
    """Remove an account with its sessions and links, and the invitations that this person gave.

    The name stays in what they did. Raises StateError for the last admin.
    """
    _keep_an_admin(connection, account_id)
    removed = delete(StaffAccount).where(StaffAccount.id == account_id)
    row = connection.execute(removed.returning(StaffAccount.email, StaffAccount.name)).one_or_none()
    if row is not None:
        theirs = (AccountLink.email == row.email) | (AccountLink.made_by == row.name)
        connection.execute(delete(AccountLink).where(theirs))


def reset_factor(connection: Connection, account_id: int) -> None:
    """Forget a lost second factor and end the person's sessions: at the next sign-in they set up another one."""
    remove_factor(connection, account_id)
    end_sessions(connection, account_id)


def _keep_an_admin(connection: Connection, account_id: int, role: str = "") -> None:
    if role != "admin" and lock_admins(connection) == [account_id]:
        raise StateError("This is the last admin.", hint="Make somebody else an admin first.")
