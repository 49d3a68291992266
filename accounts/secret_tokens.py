"""Tokens and codes: made by chance, given out once, and stored as hashes."""

from __future__ import annotations

import hashlib
import secrets

# Without letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_token() -> str:
    """Return 256 random bits for a cookie or a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is stored of a token. It can't be guessed, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def new_recovery_code() -> str:
    """Return a code that a person can copy by hand, such as "k3fq-8mzt-yd2a": 59 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def recovery_code_hash(account_id: int, typed: str) -> bytes:
    """Return what is stored of a recovery code, however its letters and dashes were typed."""
    return token_hash(f"{account_id} {''.join(filter(str.isalnum, typed.lower()))}")
