"""Keyed hashes of addresses: people who were forgotten are recognised by them, and by nothing else.

A hash is HMAC-SHA256 under a key of the installation. SQL works it out too, with PostgreSQL's own sha256, so that a
million addresses are compared in the database; the key is only in the parameters of a statement, never in the database.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, text

from daisychain.database import settings_of
from daisychain.secret import derive, installation_secret
from daisychain.settings import Settings

FORGOTTEN = "asked to be forgotten"  # why a row of a file is refused
_BLOCK = 64  # bytes of SHA-256's block, which HMAC pads its key to (RFC 2104)
_ANY = text("SELECT EXISTS (SELECT FROM erasures WHERE lifted_at IS NULL)")


def hash_of(column: str) -> str:
    """Return SQL for the hash of an address's key; its parameters come from `hash_keys`."""
    return f"sha256(CAST(:outer AS bytea) || sha256(CAST(:inner AS bytea) || convert_to({column}, 'UTF8')))"


def hash_keys(settings: Settings) -> dict[str, bytes]:
    """Return the two parameters of `hash_of`."""
    key = derive(installation_secret(settings), "erased addresses").ljust(_BLOCK, b"\0")
    return {"inner": bytes(byte ^ 0x36 for byte in key), "outer": bytes(byte ^ 0x5C for byte in key)}


def is_forgotten(column: str) -> str:
    """Return the SQL condition that an address's key is of somebody who was forgotten, and has not come back."""
    return f"{hash_of(column)} IN (SELECT address_hash FROM erasures WHERE lifted_at IS NULL)"  # noqa: S608


def anybody_forgotten(connection: Connection) -> bool:
    """Whether there is anybody to look for; without, nothing needs a secret or a hash."""
    return bool(connection.scalar(_ANY))


def forgotten_among(connection: Connection, keys: Collection[str]) -> set[str]:
    """Return which of these keys of addresses are of people who were forgotten."""
    if not keys or not anybody_forgotten(connection):
        return set()
    found = text(f"SELECT key FROM unnest(CAST(:keys AS text[])) AS key WHERE {is_forgotten('key')}")  # noqa: S608
    return set(connection.scalars(found, {"keys": list(keys), **hash_keys(settings_of(connection))}))


def suppressed_as(connection: Connection, key: str) -> str:
    """Return what stands for an address's key in the suppressions once it is forgotten."""
    found = text(f"SELECT encode({hash_of('CAST(:key AS text)')}, 'hex')")
    return f"erased:{connection.scalar(found, {'key': key, **hash_keys(settings_of(connection))})}"
