"""Rights and the roles that have them, in one table. Each page of the desk names one right."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["admin", "sender", "editor", "analyst"]
ROLES: tuple[Role, ...] = get_args(Role)
# Roles that can mail people or appoint others: a stolen password must not be enough.
NEEDS_SECOND_FACTOR = frozenset({"admin", "sender"})

# Pages without a right of their own: for anybody, and for everybody who is signed in.
ANYBODY, SIGNED_IN = "anybody", "signed in"

ROLE_MEANS: dict[str, str] = {
    "admin": "everything, people and settings included",
    "sender": "writes, approves, sends and follows campaigns, and brings people onto lists",
    "editor": "writes newsletters and toolkit copy; may pause a campaign, but not send one",
    "analyst": "sees figures, and nobody's address",
}

_EVERYBODY = frozenset(ROLES)
_STAFF: frozenset[Role] = frozenset({"admin", "sender", "editor"})
_SENDERS: frozenset[Role] = frozenset({"admin", "sender"})
_ADMINS: frozenset[Role] = frozenset({"admin"})

RIGHTS: dict[str, frozenset[Role]] = {
    "figures.see": _EVERYBODY,
    # Notes on a report, links to it for people without an account, and mails of it.
    "reports.share": _STAFF,
    "campaigns.see": _STAFF,
    "people.see": _SENDERS,
    "newsletters.write": _STAFF,
    "tests.send": _STAFF,
    "toolkits.write": frozenset({"admin", "editor"}),
    "copy.approve": frozenset({"admin", "editor"}),
    "lists.see": _STAFF,
    "lists.write": _SENDERS,
    "campaigns.prepare": _STAFF,
    "campaigns.send": _SENDERS,
    # Stopping is no privilege: anybody who sees a campaign may pause it.
    "campaigns.pause": _STAFF,
    "campaigns.steer": _SENDERS,
    "campaigns.approve": _SENDERS,
    "campaigns.decide": _SENDERS,
    "people.export": _ADMINS,
    "privacy.act": _ADMINS,
    "packs.take": _STAFF,
    "partners.manage": _STAFF,
    "accounts.manage": _ADMINS,
    "audit.read": _ADMINS,
    "settings.see": _ADMINS,
}


def may(role: str, right: str) -> bool:
    """Whether a role has a right."""
    return role in RIGHTS[right]
