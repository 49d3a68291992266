"""Links that work once: for the first admin, for invited people, and for a new password."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, cast

from sqlalchemy import Connection, delete, func, insert, select, update

from accounts.credentials import hash_password, new_totp_secret, require_good_password, sealed
from accounts.rights import ROLES
from accounts.sessions import end_sessions
from accounts.staff import lock_admins
from accounts.tables import AccountLink, StaffAccount
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from daisychain.slug import normal_form
from daisychain.web.random_tokens import new_token, token_hash

LinkKind = Literal["first-admin", "invitation", "reset", "demo"]
LASTS: dict[LinkKind, timedelta] = {
    "first-admin": timedelta(minutes=30),
    "invitation": timedelta(hours=72),
    "reset": timedelta(hours=1),
    "demo": timedelta(minutes=30),
}
# By these somebody becomes a colleague, under a name.
MAKES_ACCOUNT: tuple[LinkKind, ...] = ("first-admin", "invitation")
LONGEST_NAME = 80
ENDED = "This link has ended or was used."
ENDED_HINT = "Ask for a new one where you got it: from an admin, or the command that printed it."


_LINK = select(*AccountLink.__table__.columns).where(AccountLink.ends_at > func.now())


def first_admin_link(connection: Connection, email: str, who: str) -> str:
    """Return the token of a link for the first admin; raises StateError if there is an admin already."""
    if lock_admins(connection):
        raise StateError("There is an admin already.", hint="Ask an admin to invite you: People, Invite.")
    return _new_link(connection, "first-admin", email, "admin", who)


def invite(connection: Connection, email: str, role: str, who: str) -> str:
    """Return the token of an invitation; an earlier one of that address ends. Raises InputError."""
    if role not in ROLES:
        raise InputError("Choose a role.", hint=f"One of {', '.join(ROLES)}.")
    if _account_of(connection, email) is not None:
        raise InputError("Somebody with this address has an account already.", hint="Change the role instead.")
    return _new_link(connection, "invitation", email, role, who)


def demo_link(connection: Connection, settings: Settings, email: str) -> str:
    """Return the token of a link that signs in the demo's admin, who has no password and no phone."""
    if _account_of(connection, email) is None:
        connection.execute(insert(StaffAccount).values(
            email=email, name="Demo", role="admin", password_hash=hash_password(new_token()), made_by="the demo",
            totp_secret=sealed(settings, new_totp_secret()),
        ))  # fmt: skip
    return _new_link(connection, "demo", email, "admin", "the demo")


def reset_link(connection: Connection, email: str, who: str) -> tuple[str, str] | None:
    """Return an account's own address, and the token of a link for a new password; None if there is no such account.

    Mail goes to that address, never as it was typed: other letters may become the same in lower case.
    """
    own = select(StaffAccount.email).where(StaffAccount.email == email.strip().lower())
    address = connection.scalar(own)
    return None if address is None else (address, _new_link(connection, "reset", address, "", who))


def _new_link(connection: Connection, kind: LinkKind, email: str, role: str, who: str) -> str:
    email = email.strip().lower()
    over = AccountLink.ends_at <= func.now()
    connection.execute(delete(AccountLink).where((AccountLink.email == email) | over))
    token = new_token()
    values = {"kind": kind, "email": email, "role": role, "made_by": who, "ends_at": func.now() + LASTS[kind]}
    connection.execute(insert(AccountLink).values(token_hash=token_hash(token), **values))
    return token


def _account_of(connection: Connection, email: str) -> int | None:
    return connection.scalar(select(StaffAccount.id).where(StaffAccount.email == email.strip().lower()))


def find_link(connection: Connection, token: str) -> AccountLink:
    """Return a link that still works; raises StateError if it has ended or was used."""
    row = connection.execute(_LINK.where(AccountLink.token_hash == token_hash(token))).one_or_none()
    if row is None:
        raise StateError(ENDED, hint=ENDED_HINT)
    return cast(AccountLink, row)


def list_invitations(connection: Connection) -> list[AccountLink]:
    """Return the invitations that nobody has taken yet."""
    waiting = _LINK.where(AccountLink.kind.in_(MAKES_ACCOUNT)).order_by(AccountLink.id)
    return cast(list[AccountLink], connection.execute(waiting).all())


def withdraw_invitation(connection: Connection, link_id: int) -> None:
    """End an invitation."""
    connection.execute(delete(AccountLink).where(AccountLink.id == link_id))


def require_good_name(connection: Connection, typed: str) -> str:
    """Return a name as it is shown beside what somebody does; raises InputError if it could be taken for another's."""
    name = " ".join(normal_form("NFKC", typed).split())
    if not name:
        raise InputError("Your name is missing.", hint="As colleagues know you: it is shown beside what you do.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError("This name can't be shown.", hint=f"Use letters, {LONGEST_NAME} at most.")
    if connection.scalar(select(StaffAccount.id).where(func.lower(StaffAccount.name) == name.lower())):
        raise InputError(f"A colleague is called {name} already.", hint="Add what tells you apart, such as your place.")
    return name


def take_link(connection: Connection, token: str, name: str, password: str) -> int:
    """Make the account of an invitation, or set a new password, or neither in the demo; returns the account's id.

    Raises InputError for a bad name or password (the link still works), and StateError if the link has ended.
    """
    link = find_link(connection, token)
    name = require_good_name(connection, name) if link.kind in MAKES_ACCOUNT else ""
    if link.kind != "demo":
        require_good_password(password, (name, link.email))
    if connection.execute(delete(AccountLink).where(AccountLink.id == link.id)).rowcount != 1:
        raise StateError(ENDED, hint=ENDED_HINT)
    if link.kind == "demo":
        return connection.execute(select(StaffAccount.id).where(StaffAccount.email == link.email)).scalar_one()
    hashed = hash_password(password)
    if link.kind == "reset":
        changed = update(StaffAccount).where(StaffAccount.email == link.email).values(password_hash=hashed)
        account_id = connection.execute(changed.returning(StaffAccount.id)).scalar_one()
        end_sessions(connection, account_id)
        return account_id
    if link.kind == "first-admin" and lock_admins(connection):
        raise StateError(ENDED, hint="There is an admin already: ask them to invite you.")
    made = insert(StaffAccount).values(
        email=link.email, name=name, role=link.role, password_hash=hashed, made_by=link.made_by
    )
    return connection.execute(made.returning(StaffAccount.id)).scalar_one()
