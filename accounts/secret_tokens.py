"""Recovery codes: made by chance, given out once, and stored as hashes."""

from __future__ import annotations

import secrets

from daisychain.web.random_tokens import token_hash

# Without letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_recovery_code() -> str:
    """Return a code that a person can copy by hand, such as "k3fq-8mzt-yd2a": 59 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def recovery_code_hash(account_id: int, typed: str) -> bytes:
    """Return what is stored of a recovery code, however its letters and dashes were typed."""
    return token_hash(f"{account_id} {''.join(filter(str.isalnum, typed.lower()))}")
