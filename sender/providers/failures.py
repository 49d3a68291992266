"""Everything that can go wrong with an attempt: what is seen, what that means, and what the ledger does about it.

    what is seen ── TABLE ──► verdict ── CONSEQUENCES ──► what becomes of people and batch (sender/delivery/outcomes.py)

Two questions decide each row: is it certain that nothing was taken, and whom would another try serve? Where
nothing is certain the verdict is uncertain, and nobody is sent to again by itself.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Literal

from sender.providers.provider import Verdict
from sender.tables import State

# Where a provider names no time to try again.
DEFAULT_PAUSE = timedelta(seconds=30)
# Halving finds one bad person of 1,000 in ten refusals, with acceptances between; more in a row of one batch and its
# parts are no person's fault.
REFUSALS_IN_A_ROW = 12
# So many people refused one by one, and nobody taken between: a relay that has had enough of us, or a wrong sender.
PEOPLE_REFUSED_IN_A_ROW = 50

Way = Literal["sendgrid", "smtp", "outbox", "any"]
Moment = Literal[
    # before anything leaves
    "settings", "preparing", "fitting", "building", "connecting", "securing", "signing in",
    # SendGrid's answer to a request, with its status
    "answer", "answer that names people", "no answer",
    # a relay's reply, with its code (0: none came): to commands, while a mail is on its way, and to the end of it
    "MAIL", "RCPT", "DATA", "content", "end",
    # the outbox's disk; and what stops ourselves
    "writing", "our own fault", "death", "death, repeatable",
]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One thing that may be seen: by which way out, at which moments, with which codes (None: any, or none)."""

    way: Way
    at: tuple[Moment, ...]
    codes: Container[int] | None
    verdict: Verdict
    because: str


_ANY = None
# The relay wants other credentials, or none of us at all; it would say so for every person.
_CREDENTIALS = frozenset({530, 534, 535, 538})
_COMMANDS: tuple[Moment, ...] = ("MAIL", "RCPT", "DATA")

# The first row that fits counts.
# fmt: off
TABLE = (
    Row("any", ("settings",), _ANY, Verdict.REFUSED_ACCOUNT, "our own guards forbid it until a setting is mended"),
    Row("any", ("preparing",), _ANY, Verdict.REFUSED_ACCOUNT, "the provider was not called: nothing has left"),
    Row("any", ("our own fault",), _ANY, Verdict.UNCERTAIN, "it may have struck before or after the mail left"),
    Row("any", ("death, repeatable",), _ANY, Verdict.WAIT, "doing it again does no harm"),
    Row("any", ("death",), _ANY, Verdict.UNCERTAIN, "the sender died before an answer came"),

    Row("sendgrid", ("fitting",), _ANY, Verdict.APART, "merge values over its limits: a request each, rendered"),
    Row("sendgrid", ("building",), _ANY, Verdict.REFUSED_REQUEST, "larger than it takes; nothing has left"),
    Row("sendgrid", ("connecting",), _ANY, Verdict.WAIT, "no connection, or no TLS: not one byte has left"),
    Row("sendgrid", ("no answer",), _ANY, Verdict.UNCERTAIN, "a timeout or reset: nobody knows what arrived"),
    Row("sendgrid", ("answer that names people",), {400, 413}, Verdict.REFUSED_PERSON, "all at personalizations.N"),
    Row("sendgrid", ("answer",), {202}, Verdict.ACCEPTED, "its only yes: 200 is the sandbox's, or another server's"),
    Row("sendgrid", ("answer",), {400, 413}, Verdict.REFUSED_REQUEST, "something in it, or its size"),
    Row("sendgrid", ("answer",), {401}, Verdict.REFUSED_ACCOUNT, "a wrong key, and also used-up credits"),
    Row("sendgrid", ("answer",), {403}, Verdict.REFUSED_ACCOUNT, "a scope the key lacks, or a sender not verified"),
    Row("sendgrid", ("answer",), {404, 405, 415}, Verdict.REFUSED_ACCOUNT, "a wrong host: smaller ones fare no better"),
    Row("sendgrid", ("answer",), {429}, Verdict.WAIT, "until the time that it names"),
    Row("sendgrid", ("answer",), _ANY, Verdict.UNCERTAIN, "redirects, 5xx, and what nobody documented"),

    Row("smtp", ("building",), _ANY, Verdict.REFUSED_PERSON, "an address or a value that SMTP can't carry"),
    Row("smtp", ("connecting",), _ANY, Verdict.WAIT, "nobody there, or not in the mood"),
    Row("smtp", ("securing",), _ANY, Verdict.REFUSED_ACCOUNT, "a certificate nobody vouches for; no STARTTLS, no AUTH"),
    Row("smtp", ("signing in",), range(400, 500), Verdict.WAIT, "it can't look passwords up just now"),
    Row("smtp", ("signing in",), _ANY, Verdict.REFUSED_ACCOUNT, "a wrong password stays wrong"),
    Row("smtp", (*_COMMANDS, "end"), {421}, Verdict.WAIT, "it is going away, and did not take the mail"),
    Row("smtp", (*_COMMANDS, "end"), _CREDENTIALS, Verdict.REFUSED_ACCOUNT, "it would say so for every person"),
    Row("smtp", (*_COMMANDS, "end"), range(400, 500), Verdict.PUT_OFF, "greylisting, a full mailbox, a limit"),
    Row("smtp", ("MAIL",), range(500, 600), Verdict.REFUSED_ACCOUNT, "all mails have this sender: no person's fault"),
    Row("smtp", ("RCPT", "DATA", "end"), range(500, 600), Verdict.REFUSED_PERSON, "for good, this person's mail"),
    Row("smtp", (*_COMMANDS, "content"), _ANY, Verdict.WAIT, "lost before a mail's end: it was not taken"),
    Row("smtp", ("end",), _ANY, Verdict.UNCERTAIN, "all was said, and no reply that means anything came"),

    Row("outbox", ("building",), _ANY, Verdict.REFUSED_PERSON, "an address or a value that no mail can carry"),
    Row("outbox", ("writing",), _ANY, Verdict.WAIT, "the disk is full or away; a file that is there is whole"),
)
# fmt: on


@cache
def verdict_of(way: Way, at: Moment, code: int = 0) -> Verdict:
    """What it means where that is seen; raises LookupError for what the table does not know."""
    for row in TABLE:
        if row.way in (way, "any") and at in row.at and (row.codes is None or code in row.codes):
            return row.verdict
    raise LookupError(f"{way} {at} {code}")


@dataclass(frozen=True)
class Consequence:
    """What the ledger does: where the people go whom the outcome does not name, and what becomes of their batch.

    A batch is done, in doubt, cut in halves, cut around those who need batches of their own, or goes `again`:
    at the time that the provider named, else `after` that pause. `pauses` stops the campaign, with the reason.
    """

    people: State
    batch: Literal["done", "uncertain", "halves", "apart", "again"]
    after: timedelta = timedelta(0)
    pauses: bool = False


# People whom an outcome names as refused fail whatever the verdict; PUT_OFF is of single mails only.
CONSEQUENCES = {
    Verdict.ACCEPTED: Consequence("accepted", "done"),
    Verdict.REFUSED_PERSON: Consequence("waiting", "again"),
    Verdict.REFUSED_REQUEST: Consequence("waiting", "halves"),
    Verdict.REFUSED_ACCOUNT: Consequence("waiting", "again", pauses=True),
    Verdict.APART: Consequence("waiting", "apart"),
    Verdict.WAIT: Consequence("waiting", "again", after=DEFAULT_PAUSE),
    Verdict.UNCERTAIN: Consequence("uncertain", "uncertain"),
}
