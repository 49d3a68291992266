"""Addresses: checked without the network, and brought to the form in which they are compared.

`Address.written` is what the person wrote, with an international domain turned into ASCII, as providers want it;
`Address.key` is the same in lower case. Nothing is guessed: a likely slip is refused, with what was
probably meant.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from daisychain.errors import InputError

# The common shape, which needs no closer look: email-validator takes some 40 µs an address, this half of one.
# Up to 64 characters no part can be too long. Possessive, because backtracking trebles the time.
_COMMON = re.compile(r"[a-z0-9_+-]++(?:\.[a-z0-9_+-]++)*+@(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)++[a-z]{2,}+").fullmatch
_COMMON_LENGTH = 64
# Domains that email-validator refuses or, as a group, looks at more closely.
_SPECIAL = ("arpa", "invalid", "local", "localhost", "onion", "test")
_NAMED = re.compile(r"[^<>]*<\s*([^<>\s]+)\s*>")


class Address(NamedTuple):
    """An address that may be mailed, as written, and the key by which it is compared."""

    written: str
    key: str


class AddressError(ValueError):
    """The text is no address; the message is for the person who wrote it."""


def common_key(written: str) -> str | None:
    """The key of an address of the common shape; None for any other text, which parse_address will judge."""
    key = written.lower()
    common = written.isascii() and len(key) <= _COMMON_LENGTH and _COMMON(key) and not key.endswith(_SPECIAL)
    return key if common else None


def parse_address(text: str) -> Address:
    """The address in `text`, spaces around it aside; raises AddressError."""
    written = text.strip()
    key = common_key(written)
    return _parse_slowly(written) if key is None else Address(written, key)


def address_key(text: str) -> str:
    """Return the key of an address, as members and suppressions have it; "" if it is not an address."""
    try:
        return parse_address(text).key
    except AddressError:
        return ""


def require_address(text: str, what: str = "address") -> Address:
    """As parse_address, for something a person typed; raises InputError that names `what`."""
    try:
        return parse_address(text)
    except AddressError as problem:
        raise InputError(f"The {what} {text.strip()!r} can't be used: {problem}.") from None


def _parse_slowly(written: str) -> Address:
    # Imported here because it takes a tenth of a second, and most commands see only the common shape.
    from email_validator import EmailNotValidError, validate_email

    if slip := _slip(written):
        raise AddressError(slip)
    try:
        found = validate_email(
            written, check_deliverability=False, allow_smtputf8=False, strict=True, test_environment=True
        )
    except EmailNotValidError as error:
        raise AddressError(_lower_first(str(error).rstrip("."))) from None
    mailable = found.ascii_email or found.normalized
    key = mailable.lower()
    return Address(written if written.lower() == key else mailable, key)


def _slip(written: str) -> str:
    """Return what is wrong with an address, if it is a common slip; empty otherwise."""
    if not written:
        return "no address"
    for character in written:
        if unicodedata.category(character) in {"Cf", "Cc"}:
            return f"holds an invisible character (U+{ord(character):04X})"
    if named := _NAMED.fullmatch(written):
        return f"has a name around the address; write only {named[1]}"
    if written.lower().startswith("mailto:"):
        return f"write only {written[7:]}"
    if written.count("@") > 1 and re.search(r"[\s,;/]", written):
        return "more than one address in one cell"
    if "@" not in written:
        return "has no @"
    return _slip_of_domain(written)


def _slip_of_domain(written: str) -> str:
    local, _, domain = written.rpartition("@")
    corrected = re.sub(r"\s*[,;]\s*", ".", domain).rstrip(".")
    if "," in domain or ";" in domain:
        return f"has a comma or semicolon where a dot belongs; {local}@{corrected}?"
    if domain.endswith("."):
        return f"ends with a dot; {local}@{corrected}?"
    if domain and "." not in domain and not domain.startswith("["):
        return f"the part after the @ has no dot ({domain})"
    return ""


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
