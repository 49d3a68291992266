"""Passwords and codes of authenticator apps. The only module that imports argon2, zxcvbn, segno or a TOTP."""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Collection
from urllib.parse import quote

import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from zxcvbn import zxcvbn

from daisychain.errors import InputError
from daisychain.secret import derive, installation_secret
from daisychain.settings import Settings

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
# Powers of ten. A sign-in is limited to a few hundred guesses a day, and argon2 makes guessing at a stolen hash slow.
FEWEST_GUESSES = 8
STEP_SECONDS = 30
# argon2-cffi's defaults, RFC 9106's second choice: argon2id, 64 MiB, 3 rounds. Measured: 60 to 200 ms.
_HASHER = PasswordHasher()
# Each hash takes its 64 MiB: one at a time, whoever tries to sign in from however many places.
_TURN = threading.Lock()


def _of_nobody(hasher: PasswordHasher) -> str:
    """Return a hash of no password, which takes as long to check; to make a real one took 0.2 s of each start."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (base64.b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19${cost}${salt}${digest}"


# Checked for addresses without an account, so that both take as long.
_NOBODY = _of_nobody(_HASHER)


def require_good_password(password: str, about: Collection[str] = ()) -> None:
    """Raise InputError if a password is too short or easy to guess; `about` has the person's name and address."""
    if len(password) < SHORTEST_PASSWORD:
        raise InputError(f"The password needs {SHORTEST_PASSWORD} characters at least.", hint="Four words are good.")
    if len(password) > LONGEST_PASSWORD:
        raise InputError(f"The password is longer than {LONGEST_PASSWORD} characters.", hint="Shorten it.")
    # zxcvbn looks at 72 characters at most, and knows 30,000 passwords, names, keyboards and dates.
    known = [part for text in (*about, "daisychain") for part in re.split(r"\W+", text.lower()) if part]
    if float(zxcvbn(password[:72], known)["guesses_log10"]) < FEWEST_GUESSES:
        raise InputError("This password is easy to guess.", hint="Four words that don't belong together are good.")


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    with _TURN:
        return _HASHER.hash(password)


def password_matches(stored: str | None, password: str) -> bool:
    """Whether it is the password; takes as long if there is no account (`stored` is None)."""
    try:
        with _TURN:
            return _HASHER.verify(stored or _NOBODY, password[:LONGEST_PASSWORD]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def new_totp_secret() -> bytes:
    """Return a secret for an authenticator app: 160 bits, as RFC 4226 recommends."""
    return os.urandom(20)


def sealed(settings: Settings, secret: bytes) -> bytes:
    """Return a secret encrypted for the database, under a key of this installation."""
    nonce = os.urandom(12)
    return nonce + _cipher(settings).encrypt(nonce, secret, None)


def unsealed(settings: Settings, stored: bytes) -> bytes | None:
    """Return a secret as it was sealed; None if it was sealed with another installation's key."""
    try:
        return _cipher(settings).decrypt(stored[:12], stored[12:], None)
    except InvalidTag:
        return None


def _cipher(settings: Settings) -> AESGCM:
    return AESGCM(derive(installation_secret(settings), "second factor"))


def matching_step(secret: bytes, typed: str, seconds: float) -> int | None:
    """Return the 30-second step whose code was typed: this one or a neighbour, as phones' clocks differ."""
    code = "".join(typed.split())
    if not re.fullmatch(r"[0-9]{6}", code):
        return None
    totp, now = TOTP(secret, 6, SHA1(), STEP_SECONDS), int(seconds // STEP_SECONDS)  # noqa: S303 - what apps know
    return next((step for step in (now, now - 1, now + 1) if totp.generate(step * STEP_SECONDS) == code.encode()), None)


def written_secret(secret: bytes) -> str:
    """Return a secret as people type it into an app."""
    letters = base64.b32encode(secret).decode()
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def totp_picture(secret: bytes, email: str, organisation: str) -> str:
    """Return the QR code that an authenticator app reads, as the address of a picture (`data:`)."""
    key = base64.b32encode(secret).decode()
    uri = f"otpauth://totp/{quote(organisation)}:{quote(email)}?secret={key}&issuer={quote(organisation)}"
    return segno.make(uri, error="m").svg_data_uri(scale=5, border=3, light="#fff")
