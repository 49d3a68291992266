"""Beginnings: what a new newsletter may start with. Another's are its contents, a campaign's its sources."""

from __future__ import annotations

from sqlalchemy import Connection

from newsletters.compose.starter import starter
from newsletters.stored.contents import Contents
from newsletters.toolkit_store.store import named_toolkit


def from_starter(connection: Connection, toolkit: str, layout: str) -> Contents:
    """Return the starter of a layout, with the copy of the toolkit of that name; raises InputError."""
    return Contents({"": starter(named_toolkit(toolkit, connection), toolkit, layout)})
