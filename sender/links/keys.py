"""Opaque keys of deliveries and attempts, for links, headers and custom arguments.

A key is base64url (22 characters) of one AES-128 block: 64 bits for the kind, then the id. Without the installation's
secret nobody can make a key or learn an id from it. It needs no column and no index (a freeze with stored random keys
takes three times as long). A block that decrypts to another kind is not accepted.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable
from struct import iter_unpack, pack

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from daisychain.secret import derive

KEY_LENGTH = 22
# 22 characters have four bits more than a block: accept only one spelling of a key.
_SPELLING = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
DELIVERY, ATTEMPT, MESSAGE, RETURN = 0, 1, 2, 3
# Mail servers may change the case of an address, so there a key is 26 characters of base32.
_RETURN_SPELLING = re.compile(r"[a-z2-7]{25}[aeimquy4]")


class Keys:
    """Makes and reads the keys of one installation."""

    def __init__(self, secret: str) -> None:
        # Each message is one block with a fixed prefix, so ECB is just the permutation that we need.
        block = algorithms.AES128(derive(secret, "delivery keys")[:16])
        self._cipher = Cipher(block, modes.ECB())  # noqa: S305

    def delivery(self, delivery_id: int) -> str:
        """Make the key of one delivery."""
        return self.deliveries([delivery_id])[0]

    def deliveries(self, delivery_ids: Iterable[int]) -> list[str]:
        """Make the keys of many deliveries, in their order."""
        return self._make(DELIVERY, delivery_ids)

    def messages(self, delivery_ids: Iterable[int]) -> list[str]:
        """Make keys for Message-IDs, which logs and replies show: they open none of our pages."""
        return self._make(MESSAGE, delivery_ids)

    def returns(self, delivery_ids: Iterable[int]) -> list[str]:
        """Make keys for envelope senders: they open none of our pages, and are in lower case."""
        keys = self._make(RETURN, delivery_ids)
        return [b32encode(urlsafe_b64decode(key + "==")).decode("ascii").rstrip("=").lower() for key in keys]

    def read_return(self, key: str) -> int | None:
        """Return the delivery's id of an envelope sender's key in any case; None for anything else."""
        if not _RETURN_SPELLING.fullmatch(key.lower()):
            return None
        spelled = urlsafe_b64encode(b32decode(key.upper() + "======")).decode("ascii")[:KEY_LENGTH]
        return self._read(RETURN, [spelled]).get(spelled)

    def attempt(self, attempt_id: int) -> str:
        """Make the key of one attempt."""
        return self._make(ATTEMPT, [attempt_id])[0]

    def read_delivery(self, key: str) -> int | None:
        """Return the delivery's id; None for anything but a delivery key of this installation."""
        return self._read(DELIVERY, [key]).get(key)

    def read_deliveries(self, keys: Collection[str]) -> dict[str, int]:
        """Return the deliveries' ids by key, leaving out everything but delivery keys of this installation."""
        return self._read(DELIVERY, keys)

    def read_attempts(self, keys: Collection[str]) -> dict[str, int]:
        """Return the attempts' ids by key, leaving out everything but attempt keys of this installation."""
        return self._read(ATTEMPT, keys)

    def _make(self, kind: int, ids: Iterable[int]) -> list[str]:
        numbers = [part for number in ids for part in (kind, number)]
        blocks = self._cipher.encryptor().update(pack(f">{len(numbers)}Q", *numbers))
        # All in one call, which is several times faster: 16 bytes and two of padding give 24 characters.
        padded = bytearray(len(blocks) // 16 * 18)
        for place in range(16):
            padded[place::18] = blocks[place::16]
        text = urlsafe_b64encode(padded).decode("ascii")
        return [text[start : start + KEY_LENGTH] for start in range(0, len(text), 24)]

    def _read(self, kind: int, keys: Collection[str]) -> dict[str, int]:
        spelled = [key for key in keys if _SPELLING.fullmatch(key)]
        blocks = b"".join(urlsafe_b64decode(key + "==") for key in spelled)
        plain = iter_unpack(">QQ", self._cipher.decryptor().update(blocks))
        return {key: number for key, (found, number) in zip(spelled, plain, strict=True) if found == kind}
