"""Keys of private pages: an opaque key is an organisation and the number of its link, so none is stored.

Replacing a link counts its number up: the old key still says whose it was, and opens nothing.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from struct import pack, unpack
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from daisychain.secret import derive, installation_secret
from daisychain.settings import Settings

# 22 characters have four bits more than a block: accept only one spelling of a key.
_SPELLING = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")


class LinkKey(NamedTuple):
    """The organisation and the number of its link that a key stands for."""

    link_number: int
    organisation_id: int


def write_key(settings: Settings, key: LinkKey) -> str:
    """Return the 22 characters of a key."""
    block = _cipher(settings).encryptor().update(pack(">QII", 0, *key))
    return urlsafe_b64encode(block).decode("ascii").rstrip("=")


def read_key(settings: Settings, text: str) -> LinkKey | None:
    """Return what a key stands for; None for any other text, and for a key of another installation."""
    if not _SPELLING.fullmatch(text):
        return None
    zeros, *parts = unpack(">QII", _cipher(settings).decryptor().update(urlsafe_b64decode(text + "==")))
    return None if zeros else LinkKey(*parts)


def private_url(settings: Settings, key: LinkKey) -> str:
    """Return the address of an organisation's private page."""
    return f"{settings.pages_url}/p/{write_key(settings, key)}"


def _cipher(settings: Settings) -> Cipher[modes.ECB]:
    # Each message is one block with 64 zero bits, so ECB is just the permutation that we need.
    secret = derive(installation_secret(settings), "private pages of organisations")
    return Cipher(algorithms.AES128(secret[:16]), modes.ECB())  # noqa: S305
