"""Leaving by a mail: this list, or all that this organisation sends. Nothing asks why, and doing it twice is fine."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection

from lists.members import unsubscribe, unsubscribe_everywhere
from lists.suppression import suppress
from sender.events.page_hits import record_leaving
from sender.links.sent_mail import Mailed

Scope = Literal["list", "all"]
SCOPES: dict[str, Scope] = {"list": "list", "all": "all"}


def leave(connection: Connection, mailed: Mailed, scope: Scope, *, how: str) -> None:
    """Take the person whom this mail went to off its list, or off all; in the caller's transaction.

    A test mail changes nothing. Who is no member any more is suppressed where they want to hear nothing at
    all.
    """
    if not mailed.counts:
        return
    record_leaving(connection, mailed, scope)
    if scope == "all":
        if mailed.member_id is None:
            suppress(connection, mailed.address, "unsubscribed from everything", source=how)
        else:
            unsubscribe_everywhere(connection, mailed.member_id, how)
    elif mailed.member_id is not None and mailed.list_id is not None:
        unsubscribe(connection, mailed.list_id, mailed.member_id, how)


def masked(address: str) -> str:
    """An address that its owner knows again and nobody else learns: the first letter, and the domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
