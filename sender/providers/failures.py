"""The table of failures: what was observed, what it means, and what the ledger does about it.

    observed ── FAILURES ──► verdict ── CONSEQUENCES ──► people and batch (sender/delivery/outcomes.py)

Two questions decide each rule: is it certain that nothing was accepted, and who would gain from a retry? If it is not
certain, the verdict is uncertain and nobody is mailed again automatically.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Literal

from sender.providers.provider import Verdict
from sender.providers.retry_times import DEFAULT_PAUSE
from sender.tables import State

# Halving finds one bad person of 1,000 in ten refusals, with acceptances between. More in a row, of one batch and its
# parts, are not caused by one person.
REFUSALS_IN_A_ROW = 12
# This many people refused one by one and nobody accepted between: the relay blocks us, or the sender is wrong.
PEOPLE_REFUSED_IN_A_ROW = 50

Transport = Literal["sendgrid", "smtp", "outbox", "any"]
Stage = Literal[
    # before anything is sent
    "settings", "preparing", "merge values", "building", "connecting", "kept connection", "TLS", "sign-in",
    # SendGrid's answer to a request, with its HTTP status
    "answer", "answer that names people", "no answer",
    # a relay's reply, with its code (0: no reply): to commands, while the content is sent, and to its end
    "size", "MAIL", "RCPT", "DATA", "content", "end",
    # the outbox's disk; and our own failures
    "writing", "bug", "sender died", "sender died, repeatable",
]  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """One kind of failure: through which transport, at which stages, with which codes (None: any or none)."""

    transport: Transport
    stages: tuple[Stage, ...]
    codes: Container[int] | None
    verdict: Verdict
    because: str


_ANY = None
# The relay wants other credentials, or does not want us: it would say the same for every person.
_CREDENTIALS = frozenset({530, 534, 535, 538})
_COMMANDS: tuple[Stage, ...] = ("MAIL", "RCPT", "DATA")

# The first rule that matches counts.
# fmt: off
FAILURES = (
    Rule("any", ("settings",), _ANY, Verdict.REFUSED_ACCOUNT, "a guard forbids it until a setting is fixed"),
    Rule("any", ("preparing",), _ANY, Verdict.REFUSED_ACCOUNT, "the provider was not called: nothing was sent"),
    Rule("any", ("bug",), _ANY, Verdict.UNCERTAIN, "it may have happened before or after the mail was sent"),
    Rule("any", ("sender died, repeatable",), _ANY, Verdict.RETRY, "repeating it is harmless"),
    Rule("any", ("sender died",), _ANY, Verdict.UNCERTAIN, "the sender died before an answer came"),

    Rule("sendgrid", ("merge values",), _ANY, Verdict.OVER_LIMITS, "too large: a request each, rendered by us"),
    Rule("sendgrid", ("building",), _ANY, Verdict.REFUSED_REQUEST, "over the size limit; nothing was sent"),
    Rule("sendgrid", ("connecting",), _ANY, Verdict.RETRY, "no connection, or no TLS: not one byte was sent"),
    Rule("sendgrid", ("kept connection",), _ANY, Verdict.RETRY, "closed meanwhile: no byte of the body was written"),
    Rule("sendgrid", ("no answer",), _ANY, Verdict.UNCERTAIN, "a timeout or reset: it may have arrived"),
    Rule("sendgrid", ("answer that names people",), {400, 413}, Verdict.REFUSED_PERSON, "at personalizations.N"),
    # 200 is the sandbox's answer, or that of another server after a redirect.
    Rule("sendgrid", ("answer",), {202}, Verdict.ACCEPTED, "the only status that means accepted"),
    Rule("sendgrid", ("answer",), {400, 413}, Verdict.REFUSED_REQUEST, "something in it, or its size"),
    # SendGrid answers 401 for used-up credits too, "Maximum credits exceeded" (sendgrid-nodejs#1032).
    Rule("sendgrid", ("answer",), {401}, Verdict.REFUSED_ACCOUNT, "a wrong key, or used-up credits"),
    Rule("sendgrid", ("answer",), {403}, Verdict.REFUSED_ACCOUNT, "a missing scope, or an unverified sender"),
    Rule("sendgrid", ("answer",), {404, 405, 415}, Verdict.REFUSED_ACCOUNT, "a wrong host; halving can't help"),
    Rule("sendgrid", ("answer",), {429}, Verdict.RETRY, "the rate limit, until its reset time"),
    Rule("sendgrid", ("answer",), _ANY, Verdict.UNCERTAIN, "redirects, 5xx, and undocumented answers"),

    Rule("smtp", ("building",), _ANY, Verdict.REFUSED_PERSON, "an address or value that SMTP can't carry"),
    Rule("smtp", ("connecting",), _ANY, Verdict.RETRY, "the relay is down, or turns connections away"),
    Rule("smtp", ("TLS",), _ANY, Verdict.REFUSED_ACCOUNT, "an untrusted certificate; no STARTTLS, no AUTH"),
    Rule("smtp", ("sign-in",), range(400, 500), Verdict.RETRY, "it can't check passwords at the moment"),
    Rule("smtp", ("sign-in",), _ANY, Verdict.REFUSED_ACCOUNT, "a wrong password stays wrong"),
    # RFC 5321, 3.8: 421 closes the connection; the mail was not accepted.
    Rule("smtp", (*_COMMANDS, "end"), {421}, Verdict.RETRY, "the relay shuts down or hangs up"),
    Rule("smtp", (*_COMMANDS, "end"), _CREDENTIALS, Verdict.REFUSED_ACCOUNT, "the same for every person"),
    Rule("smtp", (*_COMMANDS, "end"), range(400, 500), Verdict.DEFERRED, "greylisting, full mailbox, rate limit"),
    # RFC 1870: what the relay takes is in its greeting; 552 to MAIL is its answer to the size that we name there.
    Rule("smtp", ("size",), _ANY, Verdict.REFUSED_PERSON, "larger than the relay takes: it is not transferred"),
    Rule("smtp", ("MAIL",), {552}, Verdict.REFUSED_PERSON, "too large, as the relay sees from its size"),
    Rule("smtp", ("MAIL",), range(500, 600), Verdict.REFUSED_ACCOUNT, "all mails have this sender"),
    Rule("smtp", ("RCPT", "DATA", "end"), range(500, 600), Verdict.REFUSED_PERSON, "permanent, for this mail"),
    Rule("smtp", (*_COMMANDS, "content"), _ANY, Verdict.RETRY, "lost before the end of the mail: not accepted"),
    # RFC 1047: a reply that is lost after the final dot is how mail gets duplicated.
    Rule("smtp", ("end",), _ANY, Verdict.UNCERTAIN, "the mail was sent, and no valid reply came"),

    Rule("outbox", ("building",), _ANY, Verdict.REFUSED_PERSON, "an address or value that no mail can carry"),
    Rule("outbox", ("writing",), _ANY, Verdict.RETRY, "the disk is full or gone; existing files are complete"),
)
# fmt: on


@cache
def verdict_of(transport: Transport, stage: Stage, code: int = 0) -> Verdict:
    """Look up what a failure means; raises LookupError if no rule matches."""
    for rule in FAILURES:
        if rule.transport in (transport, "any") and stage in rule.stages and (rule.codes is None or code in rule.codes):
            return rule.verdict
    raise LookupError(f"{transport} {stage} {code}")


@dataclass(frozen=True)
class Consequence:
    """The ledger's treatment of a batch, and of its people that the outcome does not name.

    A batch is done, uncertain, halved, `split` around people who need their own batches, or goes `again`: at the time
    that the provider named, else `after` that pause. `pauses` pauses the campaign, with the reason.
    """

    people: State
    batch: Literal["done", "uncertain", "halves", "split", "again"]
    after: timedelta = timedelta(0)
    pauses: bool = False


# People named as refused fail whatever the verdict. DEFERRED is about a single mail only, so it has no entry.
CONSEQUENCES = {
    Verdict.ACCEPTED: Consequence("accepted", "done"),
    Verdict.REFUSED_PERSON: Consequence("waiting", "again"),
    Verdict.REFUSED_REQUEST: Consequence("waiting", "halves"),
    Verdict.REFUSED_ACCOUNT: Consequence("waiting", "again", pauses=True),
    Verdict.OVER_LIMITS: Consequence("waiting", "split"),
    Verdict.RETRY: Consequence("waiting", "again", after=DEFAULT_PAUSE),
    Verdict.UNCERTAIN: Consequence("uncertain", "uncertain"),
}
