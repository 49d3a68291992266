"""A provider's own words, made fit for logs, screens and the ledger: no address, no secret, no novel."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 500

_ADDRESS = re.compile(r"[^\s<>\[\]\"'(),;:]+@[^\s<>\[\]\"'(),;:]+")


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` on one line, without any address and without any of `secrets`, at most 500 characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    text = _ADDRESS.sub("[address]", " ".join(text.split()))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
