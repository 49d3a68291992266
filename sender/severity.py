"""Judges whether a refusal means that the address does not exist ("hard"), by its status (RFC 3463) and its wording.

Everything else is soft: a full mailbox, a rate limit, policy, spam filters, or something about the sender. Wording
outranks the status, as servers send 5.1.1 for policy too, and 5.7.1 for unknown users.
"""

from __future__ import annotations

import re
from typing import Literal

from daisychain.slug import normal_form
from sender.severity_wording import NO_MAILBOX, NOT_THE_ADDRESS, TELLING_NAME

# The mailbox or its domain does not exist; 5.4.310 is Microsoft's for a domain that does not exist.
_NO_MAILBOX_STATUS = re.compile(r"5\.(1\.([1-3]|6|10)|2\.1|4\.(4|310))")
# About the sender, a full mailbox, a system, a route, the protocol, the mail or security, whatever the wording.
_OTHER_STATUS = re.compile(r"[^5].*|5\.(1\.[78]|2\.[2-4]|3\.[1-5]|4\.([67]|14)|5\.[2-6]|6\.\d+|7\.([2-9]|\d\d+))")
# Microsoft's edge says this for an address that is not in the organisation's directory.
_MICROSOFT = re.compile(r"5\.4\.1\b.{0,40}recipient address rejected: access denied")
_ADDRESS = re.compile(r"(?<!\S)\S[^\s@]*@\S+")
# A host from the first sign of its first label only, so that many labels are read once.
_HOST = re.compile(r"https?://\S+|\[[^\[\]\s]*\]|(?<![\w-])(?<![\w-]\.)(?:[\w-]++\.)+[a-z]{2,}\b")
# A relay's answer about the sender: it relays nothing for us, or wants a sign-in.
_NOT_FOR_US = re.compile(
    r"\brelay(ing|ed)?\b.{0,40}?\b(denied|not|prohibited|forbidden|rejected|refused|disabled|blocked)|"
    r"\b(unable|not|cannot|can't|won't|refus\w+|denied|permission) (\S+ )?(to )?relay|not a gateway|rcpthosts|"
    r"authentication (is )?required|must (be )?(first )?(authenticat|sign|log)|(client host|sender|helo)\b.{0,60}"
    r"(rejected|denied|blocked)"
)
# A status is one only beside a reply code, after a hash or a label: Mailsrv 2.8.28 and SmtpGate 4.25.1 are versions.
_STATUS = re.compile(
    r"(?<![\w.])[45]\d\d[ -]+\#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)|"
    r"(?:\#|[(\[:;=>]|\b(?:status|code|error|errors|fehler|erreur|dsn|said|response))[ \t]*\#?"
    r"([245]\.[0-7]\.\d{1,3})(?![\d.]*\d)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(version|release|build|\bver?)[\s.:=]*$", re.IGNORECASE)
# Likewise a reply code: rooms, prices and sizes are none.
_CODE = re.compile(
    r"(?:^|[:;>(\[#]|\b(?:said|error|code|reply|response|status|fehler|erreur))[ \t]{0,3}(?:smtp;? ?)?"
    r"(421|4[35]\d|5[0257]\d)(?=[ \t\-:)\],]|$)",
    re.IGNORECASE | re.MULTILINE,
)


# What Unicode does not decompose.
_NOT_FOLDED = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "ı": "i", "\u2019": "'"})


def severity(status: str, text: str) -> Literal["hard", "soft"]:
    """Tell hard from soft by the enhanced status, if there is one, and the text of a refusal."""
    words = plain(text)
    statuses = [each for each in (status, find_status(f": {text}")) if each]
    if any(map(_OTHER_STATUS.fullmatch, statuses)) or (not statuses and reply_code(text).startswith("4")):
        return "soft"
    if _MICROSOFT.search(f"{status} {words}"):
        return "hard"
    telling_name = TELLING_NAME.search(words)
    words = " ".join(_HOST.sub(" ", _ADDRESS.sub(" @ ", words)).split())
    if telling_name or NOT_THE_ADDRESS.search(words):
        return "soft"
    return "hard" if _NO_MAILBOX_STATUS.fullmatch(status) or NO_MAILBOX.search(words) else "soft"


def is_gone(reply: str) -> bool:
    """Whether a relay's reply to a mail says that the address does not exist.

    A relay that answers 5.7 or "access denied" itself may mean us, so for it that is not enough, as it is in a report.
    """
    status = find_status(reply)
    if not re.match(r"5\d\d", reply) or status.startswith("5.7.") or "access denied" in reply.lower():
        return False
    return severity(status, reply) == "hard"


def is_about_us(reply: str) -> bool:
    """Whether a relay's refusal is about the sender: it relays nothing for us, or wants a sign-in."""
    return bool(re.match(r"5\d\d", reply) and _NOT_FOR_US.search(plain(reply)))


def find_status(text: str) -> str:
    """Return the first permanent enhanced status in a text, else the first temporary one, else ""."""
    found = [
        match[1] or match[2]
        for match in _STATUS.finditer(text)
        if not _VERSION.search(text, max(0, match.start() - 19), match.start() + 1)
    ]
    return next((each for each in found if each[0] == "5"), found[0] if found else "")


def reply_code(text: str) -> str:
    """Return the first permanent SMTP reply code in a text, else the first temporary one, else ""."""
    found = _CODE.findall(text)
    return next((each for each in found if each[0] == "5"), found[0] if found else "")


def plain(text: str) -> str:
    """Return a text in lower case on one line, without accents, as the wordings are written."""
    folded = re.sub("[\u0300-\u036f]", "", normal_form("NFKD", text.lower()))
    return " ".join(normal_form("NFC", folded).translate(_NOT_FOLDED).split())
