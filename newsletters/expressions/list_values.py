"""Read values as people write them in lists: numbers with signs and separators, words for "no value", web addresses."""

from __future__ import annotations

import re
from functools import lru_cache

from daisychain.missing_values import DASHES, MISSING

NO_VALUE = MISSING | DASHES
# A regular expression that both Python and PostgreSQL read; so is the next.
NO_VALUE_PATTERN = rf"^\s*({'|'.join(map(re.escape, sorted(NO_VALUE)))})\s*$"
NOT_PLAIN_NUMBER = r"^(?!\s*-?[0-9]+(\.[0-9]+)?\s*$)"

_CURRENCY = r"(?:[$£€¥¢₹₺₽₴₦₵₱₩₪]|GBP|EUR|USD|CHF|PLN|INR|[Kk]r\.?|Fr\.?|Rs\.?|zł)"
_WRITTEN = re.compile(
    rf"(?P<before>[-−+]?)\s*(?P<currency>{_CURRENCY})?\s*(?P<sign>[-−+]?)\s*"
    rf"(?P<digits>[\d.](?:[\d.,٫٬'’\s]*\d)?(?:e\+?\d\d?)?)(?:[.,][-–—]*)?\s*(?P<after>{_CURRENCY}|%)?",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?<=\d)[\s'’٬](?=\d{3}(?!\d))")  # between thousands, whatever the decimals' sign is
# The first that matches: what separates thousands, and decimals. 1,700 is a thousand and more; 1.700 only if it is
# money; with both separators the last one is the decimals'. India groups by two.
_FORMS = (
    (re.compile(r"[1-9]\d?\d?(?:,\d\d\d?)*,\d{3}(?:\.\d+)?"), ",", "."),
    (re.compile(r"[1-9]\d?\d?(?:\.\d{3})+,\d+|[1-9]\d?\d?(?:\.\d{3}){2,}"), ".", ","),
    (re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:e\+?\d\d?)?", re.IGNORECASE), "", "."),
    (re.compile(r"\d+,\d+"), "", ","),
)
_MONEY = re.compile(r"[1-9]\d?\d?\.\d{3}"), ".", ","
_LONGEST = 40
# A host with a letters-only end, and what may follow it; an @ before the path would be a user's name.
_HOST = re.compile(r"((?:[^\W_](?:[\w-]*[^\W_])?\.)+(?:[^\W\d_]{2,}|xn--[\w-]+)\.?(?::\d+)?(?:[/?#].*)?)", re.DOTALL)


@lru_cache(maxsize=4096)
def number_of(text: str) -> str:
    """Return the number that `text` is, as £1,700.50, 1.700,50 or 1 700, with a plain dot; empty if it is none."""
    found = _WRITTEN.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if not found or (found["before"] and found["sign"]):
        return ""
    money = found["currency"] or (found["after"] or "%") != "%"
    digits = _SPACED.sub("", found["digits"]).replace("٫", ".")
    for form, thousands, decimal in (*([_MONEY] if money else []), *_FORMS):
        if form.fullmatch(digits):
            minus = "-" if (found["before"] or found["sign"]) in ("-", "−") else ""
            return minus + digits.replace(thousands, "").replace(decimal, ".")
    return ""


def is_no_value(text: str) -> bool:
    """Report whether `text` is empty, or says so as other tools do: NULL, N/A, a dash."""
    bare = text.strip()
    return not bare or bare in NO_VALUE


def web_address(text: str) -> str:
    """Return `text` with https:// before it if it is a web address without a scheme."""
    found = _HOST.fullmatch(text.strip())
    return f"https://{found[1]}" if found else text
