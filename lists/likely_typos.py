"""Likely typos in the domains of addresses: one slip away from a common mail provider, or in the ending."""

from __future__ import annotations

from functools import cache
from string import ascii_lowercase

_PROVIDERS = (
    "gmail.com", "googlemail.com", "hotmail.com", "hotmail.co.uk", "outlook.com", "yahoo.com", "yahoo.co.uk",
    "icloud.com", "btinternet.com", "live.co.uk", "aol.com", "sky.com", "talktalk.net", "virginmedia.com",
)  # fmt: skip
# Real domains, and providers, that are one slip away from those.
_REAL = {
    *_PROVIDERS, "mail.com", "email.com", "ymail.com", "live.com", "gmx.com", "aol.co", "ol.com", "ao.com", "all.com",
    "sly.com", "ski.com", "spy.com", "sk.com", "ky.com", "say.com", "stay.com", "hotmail.co", "yahoo.co", "ahoo.com",
    "col.com", "al.com", "aal.com", "kmail.com", "tmail.com", "qmail.com", "dmail.com",
}  # fmt: skip
_ENDINGS = {
    "con": "com", "cmo": "com", "ocm": "com", "vom": "com", "xom": "com", "comm": "com", "coom": "com", "cpm": "com",
    "rog": "org", "ogr": "org", "orgg": "org", "ork": "org", "couk": "co.uk", "nte": "net",
    "ent": "net",
}  # fmt: skip


@cache
def likely_typos() -> dict[str, str]:
    """Return domain → the domain that was probably meant."""
    return {slip: meant for meant in _PROVIDERS if len(meant) > 7 for slip in _slips(meant) if slip not in _REAL}


def meant_domain(domain: str) -> str:
    """Return the domain that was probably meant, or "" if `domain` looks right."""
    if found := likely_typos().get(domain):
        return found
    name, _, ending = domain.rpartition(".")
    return f"{name}.{_ENDINGS[ending]}" if ending in _ENDINGS else ""


def _slips(word: str) -> set[str]:
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    slips = {start + end[1] + end[0] + end[2:] for start, end in halves if len(end) > 1}
    for start, end in halves:
        if end:
            slips.add(start + end[1:])
            slips.update(start + letter + end[1:] for letter in ascii_lowercase)
        slips.update(start + letter + end for letter in ascii_lowercase)
    return slips
