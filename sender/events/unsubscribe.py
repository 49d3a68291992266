"""Unsubscribes through a link in a mail: from its list or from everything. Repeating it is harmless."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection

from lists.members import unsubscribe, unsubscribe_everywhere
from lists.suppression import suppress
from sender.events.page_hits import record_unsubscribe
from sender.links.sent_mail import SentMail

Scope = Literal["list", "all"]
SCOPES: dict[str, Scope] = {"list": "list", "all": "all"}


def unsubscribe_by_mail(connection: Connection, mailed: SentMail, scope: Scope, *, how: str) -> None:
    """Unsubscribe the mail's recipient from its list, or from everything, in the caller's transaction.

    A test mail changes nothing. Somebody who is no longer a member is suppressed if they unsubscribe from everything.
    """
    if not mailed.counts:
        return
    record_unsubscribe(connection, mailed, scope)
    if scope == "all":
        if mailed.member_id is None:
            suppress(connection, mailed.address, "unsubscribed from everything", source=how)
        else:
            unsubscribe_everywhere(connection, mailed.member_id, how)
    elif mailed.member_id is not None and mailed.list_id is not None:
        unsubscribe(connection, mailed.list_id, mailed.member_id, how)


def masked(address: str) -> str:
    """Mask an address so that only its owner recognises it: the first letter and the domain."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
