"""Opaque keys of deliveries and attempts, for links, headers and custom arguments.

A key is base64url (22 characters) of one AES-128 block: 64 bits for the kind, then the id. Without the installation's
secret nobody can make a key or learn an id from it. It needs no column and no index (a freeze with stored random keys
takes three times as long). Each kind has one purpose, and a key of another kind opens nothing: a link to the toolkit
that a reader passes on neither shows their copy of the mail nor unsubscribes them.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum
from struct import iter_unpack, pack

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from daisychain.secret import derive
from newsletters.merge.merge import LinkKeys

KEY_LENGTH = 22
# 22 characters have four bits more than a block: accept only one spelling of a key.
_SPELLING = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
# Mail servers may change the case of an address, so there a key is 26 characters of base32.
_RETURN_SPELLING = re.compile(r"[a-z2-7]{25}[aeimquy4]")


class KeyKind(IntEnum):
    """The purpose of a key. The numbers are in mails already sent."""

    ANY = 0  # of mails from before keys had purposes (`Campaign.one_key`): all of their links, and their header
    ATTEMPT = 1
    MESSAGE = 2  # the Message-ID, which logs and replies show
    RETURN = 3  # the envelope sender, that bounces go to
    CLICK = 4
    PIXEL = 5
    VIEW = 6
    UNSUBSCRIBE = 7
    HEADER = 8  # our header, and the provider's custom arguments
    PREFERENCES = 9
    REPORT = 20  # a link to a report, for people without an account


class Keys:
    """Makes and reads the keys of one installation; keys of another `purpose` have a secret of their own."""

    def __init__(self, secret: str, purpose: str = "delivery keys") -> None:
        # Each message is one block with a fixed prefix, so ECB is just the permutation that we need.
        block = algorithms.AES128(derive(secret, purpose)[:16])
        self._cipher = Cipher(block, modes.ECB())  # noqa: S305

    def returns(self, delivery_ids: Iterable[int]) -> list[str]:
        """Make keys for envelope senders, which are in lower case."""
        keys = self.make(KeyKind.RETURN, delivery_ids)
        return [b32encode(urlsafe_b64decode(key + "==")).decode("ascii").rstrip("=").lower() for key in keys]

    def read_return(self, key: str) -> int | None:
        """Return the delivery's id of an envelope sender's key in any case; None for anything else."""
        if not _RETURN_SPELLING.fullmatch(key.lower()):
            return None
        spelled = urlsafe_b64encode(b32decode(key.upper() + "======")).decode("ascii")[:KEY_LENGTH]
        return self.read(KeyKind.RETURN, [spelled]).get(spelled)

    def of_links(self, delivery_ids: Sequence[int], readers: Sequence[int] | None = None) -> list[LinkKeys]:
        """Make the keys in the addresses of many deliveries' mails; `readers` are what their reading counts for.

        That is the deliveries, or numbers that say of nobody who they are (sender/links/reader_groups.py).
        """
        reading = delivery_ids if readers is None else readers
        made = ((KeyKind.CLICK, reading), (KeyKind.PIXEL, reading), (KeyKind.VIEW, delivery_ids),
                (KeyKind.UNSUBSCRIBE, delivery_ids), (KeyKind.PREFERENCES, delivery_ids))  # fmt: skip
        # Not by LinkKeys(…), which lets a purpose be forgotten: its links would lead nowhere.
        return [*map(LinkKeys._make, zip(*(self.make(kind, ids) for kind, ids in made), strict=True))]

    def attempt(self, attempt_id: int) -> str:
        """Make the key of one attempt."""
        return self.make(KeyKind.ATTEMPT, [attempt_id])[0]

    def read_headers(self, keys: Collection[str]) -> dict[str, tuple[int, bool]]:
        """Return the deliveries' ids by the keys in headers and custom arguments, and whether a mail has only that."""
        found = {key: (id_, False) for key, id_ in self.read(KeyKind.HEADER, keys).items()}
        return found | {key: (id_, True) for key, id_ in self.read(KeyKind.ANY, keys).items()}

    def read_attempts(self, keys: Collection[str]) -> dict[str, int]:
        """Return the attempts' ids by key, leaving out everything but attempt keys of this installation."""
        return self.read(KeyKind.ATTEMPT, keys)

    def make(self, kind: KeyKind, ids: Iterable[int]) -> list[str]:
        """Make the keys of one kind for many deliveries or attempts, in their order."""
        # Whole columns of bytes at a time, which is several times faster than key by key.
        numbers = list(ids)
        packed = pack(f">{len(numbers)}q", *numbers)
        plain = bytearray(pack(">qq", kind, 0) * len(numbers))
        for place in range(8):
            plain[8 + place :: 16] = packed[place::8]
        blocks = self._cipher.encryptor().update(plain)
        # 16 bytes and two of padding give 24 characters.
        padded = bytearray(len(numbers) * 18)
        for place in range(16):
            padded[place::18] = blocks[place::16]
        text = urlsafe_b64encode(padded).decode("ascii")
        return [text[start : start + KEY_LENGTH] for start in range(0, len(text), 24)]

    def read(self, kind: KeyKind, keys: Collection[str]) -> dict[str, int]:
        """Return the ids by key, leaving out everything but keys of this kind and installation."""
        spelled = [key for key in keys if _SPELLING.fullmatch(key)]
        blocks = b"".join(urlsafe_b64decode(key + "==") for key in spelled)
        plain = iter_unpack(">qq", self._cipher.decryptor().update(blocks))
        return {key: number for key, (found, number) in zip(spelled, plain, strict=True) if found == kind}
