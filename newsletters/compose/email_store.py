"""Keeping what was compiled, emails and images by their hash, so that what was sent can be shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from newsletters.tables import StoredEmail
from newsletters.toolkits.images import keep_images

if TYPE_CHECKING:
    from newsletters.compose.compiler import Compilation


def keep_email(connection: Connection, compilation: Compilation) -> int:
    """Keep a compiled email and its images, in the caller's transaction; the same email keeps its id."""
    email = compilation.email
    keep_images(connection, compilation.images)
    connection.execute(insert(StoredEmail).values(hash=email.hash, content=email.to_json()).on_conflict_do_nothing())
    return connection.execute(select(StoredEmail.id).where(StoredEmail.hash == email.hash)).scalar_one()
