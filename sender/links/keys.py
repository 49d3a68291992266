"""Opaque keys for deliveries and attempts: what stands in links, headers and custom arguments.

A key is base64url (22 characters) of one AES-128 block: 64 bits that tell the kind, then the id. Nobody without the
installation's secret can make one or learn an id from one, and it needs no column and no index (a stored random key
costs three times as long to freeze). What decrypts to another kind is not ours.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable
from struct import iter_unpack, pack

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from daisychain.secret import derive

KEY_LENGTH = 22
# 22 characters hold four bits more than a block: only one spelling of a key is a key.
_SPELLING = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
DELIVERY, ATTEMPT, MESSAGE, RETURN = 0, 1, 2, 3
# Mail servers may change the case of letters in an address: there a key is 26 characters of base32.
_RETURN_SPELLING = re.compile(r"[a-z2-7]{25}[aeimquy4]")


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

    def messages(self, delivery_ids: Iterable[int]) -> list[str]:
        """Keys for the Message-IDs of many deliveries: logs and replies show them, so they open no page of ours."""
        return self._make(MESSAGE, delivery_ids)

    def returns(self, delivery_ids: Iterable[int]) -> list[str]:
        """Keys for the envelope senders of many deliveries; they open no page of ours, and know no upper case."""
        keys = self._make(RETURN, delivery_ids)
        return [b32encode(urlsafe_b64decode(key + "==")).decode("ascii").rstrip("=").lower() for key in keys]

    def read_return(self, key: str) -> int | None:
        """The delivery's id of an envelope sender's key in whatever case; None for anything else."""
        if not _RETURN_SPELLING.fullmatch(key.lower()):
            return None
        spelled = urlsafe_b64encode(b32decode(key.upper() + "======")).decode("ascii")[:KEY_LENGTH]
        return self._read(RETURN, [spelled]).get(spelled)

    def attempt(self, attempt_id: int) -> str:
        """The key of one attempt."""
        return self._make(ATTEMPT, [attempt_id])[0]

    def read_delivery(self, key: str) -> int | None:
        """The delivery's id; None for anything but a delivery key of this installation."""
        return self._read(DELIVERY, [key]).get(key)

    def read_deliveries(self, keys: Collection[str]) -> dict[str, int]:
        """The delivery's id by key, without what is no delivery key of this installation."""
        return self._read(DELIVERY, keys)

    def read_attempt(self, key: str) -> int | None:
        """The attempt's id; None for anything but an attempt key of this installation."""
        return self._read(ATTEMPT, [key]).get(key)

    def read_attempts(self, keys: Collection[str]) -> dict[str, int]:
        """The attempt's id by key, without what is no attempt key of this installation."""
        return self._read(ATTEMPT, keys)

    def _make(self, kind: int, ids: Iterable[int]) -> list[str]:
        numbers = [part for number in ids for part in (kind, number)]
        blocks = self._cipher.encryptor().update(pack(f">{len(numbers)}Q", *numbers))
        # All of them in one go, which is several times quicker: 16 bytes and two that are padding give 24 characters.
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
