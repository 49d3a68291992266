"""Keeping what was compiled, emails and images by their hash, so that what was sent can be shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from daisychain.errors import StateError
from newsletters.compiled import CompiledEmail
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


def kept_email(connection: Connection, compiled_id: int) -> CompiledEmail:
    """Return the compiled email with this id; raises StateError."""
    content = connection.scalar(select(StoredEmail.content).where(StoredEmail.id == compiled_id))
    if content is None:
        raise StateError(f"There is no compiled email {compiled_id}.")
    return CompiledEmail.from_json(content)
