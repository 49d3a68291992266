"""Sessions are rows: each can be seen and ended, and ends by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from sqlalchemy import Connection, delete, func, insert, select, text, update

from accounts.rights import NEEDS_SECOND_FACTOR, may
from accounts.tables import AccountSession, StaffAccount
from daisychain.web.networks import network_of
from daisychain.web.random_tokens import new_token, token_hash

# After so long without a request, by role; after twelve hours in any case.
IDLE_SECONDS, IDLE_SECONDS_OTHERS, LONGEST_SECONDS = 30 * 60, 12 * 3600, 12 * 3600
# A second factor must be given soon after the password.
INCOMPLETE_SECONDS = 10 * 60
# How long a proof lasts for what can't be undone.
FRESH_SECONDS = 10 * 60
# A busy page writes its session's row once a minute.
SEEN_EVERY = 60


@dataclass(frozen=True)
class SignedIn:
    """The person of a request and their session; `complete` once a second factor was given, if one is set up."""

    account_id: int
    session_id: int
    name: str
    email: str
    role: str
    has_factor: bool
    complete: bool
    fresh: bool

    def may(self, right: str) -> bool:
        """Whether this person has a right."""
        return may(self.role, right)

    @property
    def lacks_factor(self) -> bool:
        """Whether this person's role needs a second factor that is not set up yet."""
        return self.role in NEEDS_SECOND_FACTOR and not self.has_factor


def start_session(
    connection: Connection, account_id: int, address: str, browser: str, *, complete: bool, always_fresh: bool = False
) -> str:
    """Sign a browser in; returns the token for its cookie. `always_fresh` is for the demo, whose admin has no phone."""
    token = new_token()
    proved = func.now() + timedelta(seconds=LONGEST_SECONDS if always_fresh else 0)
    connection.execute(insert(AccountSession).values(
        token_hash=token_hash(token), account_id=account_id, complete=complete, proved_at=proved,
        network=network_of(address), browser=describe_browser(browser),
    ))  # fmt: skip
    return token


_IDLE = text("""
    account_sessions.seen_at > now() - interval '1 second' * CASE
        WHEN NOT account_sessions.complete THEN :incomplete
        WHEN accounts.role = ANY(:strict) THEN :idle ELSE :others END
    AND account_sessions.started_at > now() - interval '1 second' * :longest
""").bindparams(
    incomplete=INCOMPLETE_SECONDS, idle=IDLE_SECONDS, others=IDLE_SECONDS_OTHERS, longest=LONGEST_SECONDS,
    strict=sorted(NEEDS_SECOND_FACTOR),
)  # fmt: skip
_AGO = "now() - interval '1 second' * {}"
_FOUND = (
    select(
        StaffAccount.id.label("account_id"), AccountSession.id.label("session_id"),
        StaffAccount.name, StaffAccount.email,
        StaffAccount.role, StaffAccount.totp_secret.is_not(None).label("has_factor"), AccountSession.complete,
        (AccountSession.proved_at > text(_AGO.format(FRESH_SECONDS))).label("fresh"),
        (AccountSession.seen_at < text(_AGO.format(SEEN_EVERY))).label("stale"),
    )
    .join(StaffAccount, StaffAccount.id == AccountSession.account_id)
    .where(_IDLE)
)  # fmt: skip


def find_session(connection: Connection, token: str, *, seen: bool = True) -> SignedIn | None:
    """Return who is signed in with this token; None if the session has ended. `seen` says that a person asks."""
    row = connection.execute(_FOUND.where(AccountSession.token_hash == token_hash(token))).one_or_none()
    if row is None:
        return None
    if row.stale and seen:
        of_this = update(AccountSession).where(AccountSession.id == row.session_id)
        connection.execute(of_this.values(seen_at=func.now()))
    return SignedIn(**{name: value for name, value in row._mapping.items() if name != "stale"})


def renew_session(connection: Connection, session_id: int, *, proved: bool = True) -> str:
    """Give a complete session a new token; `proved` says that the person has just proved who they are."""
    token = new_token()
    values = {"complete": True, "seen_at": func.now()} | ({"proved_at": func.now()} if proved else {})
    changed = update(AccountSession).where(AccountSession.id == session_id)
    connection.execute(changed.values(token_hash=token_hash(token), **values))
    return token


def list_sessions(connection: Connection, account_id: int) -> list[AccountSession]:
    """Return the browsers that an account is signed in with, the last seen first."""
    alive = select(*AccountSession.__table__.columns).join(StaffAccount, StaffAccount.id == AccountSession.account_id)
    theirs = alive.where(AccountSession.account_id == account_id, AccountSession.complete, _IDLE)
    found = connection.execute(theirs.order_by(AccountSession.seen_at.desc(), AccountSession.id))
    return cast(list[AccountSession], found.all())


def end_session(connection: Connection, account_id: int, session_id: int) -> None:
    """End one session of an account."""
    ended = delete(AccountSession).where(AccountSession.id == session_id, AccountSession.account_id == account_id)
    connection.execute(ended)


def end_sessions(connection: Connection, account_id: int, *, but: int | None = None) -> int:
    """End all sessions of an account, `but` one if that is given; returns how many."""
    ended = delete(AccountSession).where(AccountSession.account_id == account_id)
    return connection.execute(ended if but is None else ended.where(AccountSession.id != but)).rowcount


def drop_ended_sessions(connection: Connection) -> None:
    """Delete the rows of sessions that ended by themselves."""
    alive = select(AccountSession.id).join(StaffAccount, StaffAccount.id == AccountSession.account_id).where(_IDLE)
    connection.execute(delete(AccountSession).where(AccountSession.id.not_in(alive)))


# Of Edge's and Chrome's agents only the first word that is found counts.
_BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "Mac",
            "Linux": "Linux"}  # fmt: skip


def describe_browser(agent: str) -> str:
    """Return a browser as people know it, such as "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS.items() if mark in agent), "a browser")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{browser} on {system}" if system else browser
