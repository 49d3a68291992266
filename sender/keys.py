"""Opaque keys for deliveries and attempts: what stands in links, headers and custom arguments.

A key is base64url (22 characters) of one AES-128 block: 64 bits that tell the kind, then the id. Nobody without the
installation's secret can make one or learn an id from one, and it needs no column and no index (a stored random key
costs three times as long to freeze). What decrypts to another kind is not ours.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from struct import pack, unpack

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from daisychain.secret import derive

KEY_LENGTH = 22
DELIVERY, ATTEMPT = 0, 1


class Keys:
    """Makes and reads the keys of one installation."""

    def __init__(self, secret: str) -> None:
        # One block of a fixed form a message: ECB is exactly the permutation that is wanted here.
        block = algorithms.AES128(derive(secret, "delivery keys")[:16])
        self._cipher = Cipher(block, modes.ECB())  # noqa: S305

    def delivery(self, delivery_id: int) -> str:
        """The key of one delivery."""
        return self.deliveries([delivery_id])[0]

    def deliveries(self, delivery_ids: Iterable[int]) -> list[str]:
        """The keys of many deliveries, in their order."""
        return self._make(DELIVERY, delivery_ids)

    def attempt(self, attempt_id: int) -> str:
        """The key of one attempt."""
        return self._make(ATTEMPT, [attempt_id])[0]

    def read_delivery(self, key: str) -> int | None:
        """The delivery's id; None for anything but a delivery key of this installation."""
        return self._read(DELIVERY, key)

    def read_attempt(self, key: str) -> int | None:
        """The attempt's id; None for anything but an attempt key of this installation."""
        return self._read(ATTEMPT, key)

    def _make(self, kind: int, ids: Iterable[int]) -> list[str]:
        plain = b"".join(pack(">QQ", kind, number) for number in ids)
        blocks = self._cipher.encryptor().update(plain)
        return [urlsafe_b64encode(blocks[i : i + 16])[:KEY_LENGTH].decode("ascii") for i in range(0, len(blocks), 16)]

    def _read(self, kind: int, key: str) -> int | None:
        if len(key) != KEY_LENGTH or not key.isascii():
            return None
        try:
            block = urlsafe_b64decode(key + "==")
        except (ValueError, binascii.Error):
            return None
        # 22 characters hold four bits more than a block: only one spelling of a key is a key.
        if len(block) != 16 or urlsafe_b64encode(block)[:KEY_LENGTH].decode("ascii") != key:
            return None
        found, number = unpack(">QQ", self._cipher.decryptor().update(block))
        return number if found == kind else None
