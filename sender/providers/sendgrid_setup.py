"""Checks how a SendGrid account is set up: key, sender authentication, link branding, webhook and credits.

It only reads. The answers' shapes are in SendGrid's OpenAPI files (twilio/sendgrid-oai: scopes, domain_authentication,
link_branding, verified_senders, webhooks, user).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal
from urllib.parse import urlencode

from daisychain.errors import ProviderError
from daisychain.settings import both_names
from sender.providers.sendgrid_account import Account, SendGridUnavailableError, dicts

# Optional scopes (any of the names, as SendGrid's own lists differ), and what they are for.
SCOPES = (
    (("suppression.read", "suppressions.read"), "syncing its suppression lists daily, as the webhook may miss bounces"),
    (("email_activity.read", "messages.read"), "looking uncertain requests up in its log"),
    (("whitelabel.read",), "checking sender authentication"),
    (("user.webhooks.event.settings.read",), "checking the Event Webhook"),
    (("user.credits.read",), "checking credits"),
)
# Without these, deliveries and suppressions are incomplete; the others are only for figures.
NEEDED_EVENTS = ("delivered", "bounce", "dropped", "spam_report")
USEFUL_EVENTS = ("processed", "deferred", "open", "click", "unsubscribe", "group_unsubscribe")
_KEYS_PAGE = "Settings, API Keys"
_DOMAINS_PAGE = "Settings, Sender Authentication"
_WEBHOOK_PAGE = "Settings, Mail Settings, Event Webhook"
_UNKNOWN = "SendGrid does not know this domain, and refuses mail from unknown addresses (403)."


@dataclass(frozen=True)
class SetupFinding:
    """The result of one check: its state, and a message with what to do."""

    subject: str
    state: Literal["good", "missing", "wrong", "not known"]
    words: str


@dataclass(frozen=True)
class AuthenticatedDomains:
    """The host names that SendGrid chose for a domain, to check in the DNS; empty if it does not say."""

    return_path: str = ""
    links: str = ""
    selectors: tuple[str, ...] = ()


class Setup:
    """The setup of one account; each request is made once."""

    def __init__(self, account: Account) -> None:
        self._ask = cache(partial(_require, account))
        self._unavailable = False
        self._keys = account.settings.sendgrid_webhook_keys
        public = account.settings.public_url
        self._webhook_url = f"{public}/webhooks/sendgrid" if public else ""

    def findings(self, domains: Sequence[str]) -> Iterator[SetupFinding]:
        """Run all checks; `domains` are those that mail is sent from."""
        checks: list[tuple[str, Callable[[], Iterator[SetupFinding]]]] = [("SendGrid key", self._scopes)]
        for domain in domains:
            checks.append((f"sender authentication {domain}", partial(self._authentication, domain)))
            checks.append((f"link branding {domain}", partial(self._branding, domain)))
        checks += [("SendGrid webhook", self._webhook), ("SendGrid credits", self._credits)]
        for subject, check in checks:
            try:
                yield from check()
            except SendGridUnavailableError as error:
                self._unavailable = True
                yield SetupFinding(subject, "not known", f"{error}\n  The other checks were skipped.")
                return
            except ProviderError as error:
                yield SetupFinding(subject, "not known", str(error))

    def names(self, domain: str) -> AuthenticatedDomains:
        """Return the host names of a domain's records; empty if SendGrid does not say."""
        if self._unavailable:
            return AuthenticatedDomains()
        try:
            domain_records, link_records = (_records(found(domain)) for found in (self._domain, self._link))
        except ProviderError:
            return AuthenticatedDomains()
        selectors = [str(record.get("host")).partition("._domainkey.") for record in domain_records.values()]
        return AuthenticatedDomains(
            str(domain_records.get("mail_cname", {}).get("host") or ""),
            str(link_records.get("domain_cname", {}).get("host") or ""),
            tuple(selector for selector, dkim, _ in selectors if dkim),
        )

    def _scopes(self) -> Iterator[SetupFinding]:
        scopes = set(self._field("/v3/scopes", "scopes") or ())
        if "mail.send" in scopes:
            yield SetupFinding("SendGrid key", "good", "may send mail")
        else:
            words = f"may not send mail.\n  Give it Mail Send under {_KEYS_PAGE}."
            yield SetupFinding("SendGrid key", "wrong", words)
        lacking = [f"{names[0]}: {why}" for names, why in SCOPES if not scopes.intersection(names)]
        if lacking:
            words = "The key lacks these scopes, which sending does not need:\n  " + "\n  ".join(lacking)
            yield SetupFinding("SendGrid scopes", "missing", words)

    def _authentication(self, domain: str) -> Iterator[SetupFinding]:
        subject, found = f"sender authentication {domain}", self._domain(domain)
        if found:
            yield _judged(subject, found, "SendGrid signs mail from it: ")
            return
        count = self._single_senders(domain)
        known = f"SendGrid knows only {count} single addresses of it, and signs their mail with its own domain"
        words = f"{known}: Gmail and Yahoo refuse such mail from bulk senders." if count else _UNKNOWN
        yield SetupFinding(subject, "wrong", f"{words}\n  Authenticate it under {_DOMAINS_PAGE}.")

    def _branding(self, domain: str) -> Iterator[SetupFinding]:
        subject, found = f"link branding {domain}", self._link(domain)
        if found:
            yield _judged(subject, found, "")
            return
        words = f"Tracked links have SendGrid's own domain.\n  If it tracks clicks, brand links under {_DOMAINS_PAGE}."
        yield SetupFinding(subject, "missing", words)

    def _domain(self, domain: str) -> dict[str, Any]:
        query = urlencode({"domain": domain, "limit": 50})
        return _best(dicts(self._ask(f"/v3/whitelabel/domains?{query}")), domain)

    def _link(self, domain: str) -> dict[str, Any]:
        return _best(dicts(self._ask("/v3/whitelabel/links?limit=500")), domain)

    def _single_senders(self, domain: str) -> int:
        """Count a domain's addresses that were verified one by one; 0 if SendGrid does not say."""
        try:
            senders = dicts(self._field("/v3/verified_senders?limit=500", "results"))
        except ProviderError:
            return 0
        theirs = [each for each in senders if str(each.get("from_email")).lower().endswith(f"@{domain}")]
        return sum(each.get("verified") is True for each in theirs)

    def _webhook(self) -> Iterator[SetupFinding]:
        subject = "SendGrid webhook"
        if not self._webhook_url:
            yield SetupFinding(subject, "missing", f"{both_names('public_url')} is not set: SendGrid can't report.")
            return
        hooks = dicts(self._field("/v3/user/webhooks/event/settings/all", "webhooks"))
        hook = next((each for each in hooks if str(each.get("url") or "").rstrip("/") == self._webhook_url), None)
        if hook is None:
            words = f"None posts to {self._webhook_url}.\n  Create one under {_WEBHOOK_PAGE}."
            yield SetupFinding(subject, "wrong", words)
            return
        if hook.get("enabled") is True:
            yield SetupFinding(subject, "good", self._webhook_url)
        else:
            words = f"{self._webhook_url} is turned off.\n  Turn it on under {_WEBHOOK_PAGE}."
            yield SetupFinding(subject, "wrong", words)
        yield self._signature(str(hook.get("public_key") or "").strip())
        yield _events(hook)

    def _signature(self, key: str) -> SetupFinding:
        subject = "SendGrid signature"
        if not key:
            words = f"Signed events are off; unsigned ones are refused.\n  Turn them on under {_WEBHOOK_PAGE}."
            return SetupFinding(subject, "wrong", words)
        if key in self._keys:
            return SetupFinding(subject, "good", "on, and its key is in SENDGRID_WEBHOOK_KEYS")
        kept = "has another key" if self._keys else "is not set"
        return SetupFinding(subject, "wrong", f"On, and SENDGRID_WEBHOOK_KEYS {kept}.\n  Set it to {key}")

    def _credits(self) -> Iterator[SetupFinding]:
        subject, answer = "SendGrid credits", self._ask("/v3/user/credits")
        left = answer.get("remain") if isinstance(answer, dict) else None
        if not isinstance(left, int):
            yield SetupFinding(subject, "not known", "SendGrid does not say.")
            return
        words = f"{left:,} of {answer.get('total') or 0:,} left until {answer.get('next_reset') or 'an unknown date'}"
        todo = "\n  Further mail is refused or costs extra. See Settings, Account Details."
        yield SetupFinding(subject, "good" if left > 0 else "wrong", words if left > 0 else words + todo)

    def _field(self, path: str, name: str) -> Any:
        """Return one field of an answer; None if the answer is not an object."""
        answer = self._ask(path)
        return answer.get(name) if isinstance(answer, dict) else None


def _require(account: Account, path: str) -> Any:
    answer = account.ask(path)
    if answer is None:
        raise ProviderError(f"SendGrid has no {path.partition('?')[0]}.")
    return answer


def _best(entries: Sequence[dict[str, Any]], domain: str) -> dict[str, Any]:
    """Return the entry of a domain, preferably a valid one; {} if there is none."""
    theirs = [each for each in entries if str(each.get("domain") or "").lower() == domain]
    return max(theirs, key=lambda each: each.get("valid") is True, default={})


def _records(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    records = entry.get("dns")
    return {name: each for name, each in records.items() if isinstance(each, dict)} if isinstance(records, dict) else {}


def _judged(subject: str, entry: Mapping[str, Any], good: str) -> SetupFinding:
    """Report what SendGrid itself found when it checked a domain's records; `good` introduces the valid ones."""
    records = _records(entry).values()
    if entry.get("valid") is True:
        return SetupFinding(subject, "good", good + ", ".join(str(record.get("host")) for record in records))
    wrong = [each for each in records if each.get("valid") is not True]
    lines = [f"{each.get('host')} {str(each.get('type')).upper()} {each.get('data')}" for each in wrong]
    wanted = "".join(f"\n  wanted: {line}" for line in lines) or " it does not say which."
    todo = f"Set them in the DNS, then press Verify under {_DOMAINS_PAGE}."
    return SetupFinding(subject, "wrong", f"SendGrid finds these records wrong:{wanted}\n  {todo}")


def _events(hook: Mapping[str, Any]) -> SetupFinding:
    subject = "SendGrid events"
    needed, useful = (
        [name for name in names if hook.get(name) is not True] for names in (NEEDED_EVENTS, USEFUL_EVENTS)
    )
    if needed:
        words = f"Not sent to us: {', '.join([*needed, *useful])}.\n  Choose them under {_WEBHOOK_PAGE}."
        return SetupFinding(subject, "wrong", words)
    if useful:
        words = f'Not sent to us: {", ".join(useful)}; figures that need them show "not known".'
        return SetupFinding(subject, "missing", words)
    return SetupFinding(subject, "good", "all useful events are on")
