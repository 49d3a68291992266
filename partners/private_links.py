"""Keys of private pages: an opaque key is an organisation and the number of its link, so none is stored.

Replacing a link counts its number up: the old key still says whose it was, and opens nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from daisychain.secret import installation_secret
from daisychain.settings import Settings
from sender.links.keys import KeyKind, Keys

_HALF = 1 << 32  # a key has 64 bits: the number above, the organisation below


class LinkKey(NamedTuple):
    """The organisation and the number of its link that a key stands for."""

    link_number: int
    organisation_id: int


def write_key(settings: Settings, key: LinkKey) -> str:
    """Return the 22 characters of a key."""
    return _keys(settings).make(KeyKind.ANY, [key.link_number * _HALF + key.organisation_id])[0]


def read_key(settings: Settings, text: str) -> LinkKey | None:
    """Return what a key stands for; None for any other text, and for a key of another installation."""
    number = _keys(settings).read(KeyKind.ANY, [text]).get(text)
    return None if number is None else LinkKey(*divmod(number, _HALF))


def private_url(settings: Settings, key: LinkKey) -> str:
    """Return the address of an organisation's private page."""
    return f"{settings.pages_url}/p/{write_key(settings, key)}"


def _keys(settings: Settings) -> Keys:
    return Keys(installation_secret(settings), "private pages of organisations")
