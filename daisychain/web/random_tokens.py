"""Tokens of links and cookies: made by chance, given out once, and stored as hashes, so that a backup opens nothing."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """Return 256 random bits for a cookie or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is stored of a token. It can't be guessed, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()
