"""An account at SendGrid, as its key opens it: whether it may be used, and what it answers to questions.

Its log and its lists are asked here; what sends is sender/providers/sendgrid.py.
"""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import orjson

from daisychain.errors import ConfigurationError, ProviderError
from daisychain.hosts import is_loopback
from daisychain.scrub import scrub
from daisychain.settings import Settings
from sender.providers.guards import check_encrypted, check_sendgrid_host
from sender.providers.http import opener
from sender.providers.provider import Listed

TIMEOUT = 15.0  # seconds, for each wait on an answer to a question

# Its lists of addresses; only a block is for now, and it goes on mailing them.
LISTS: dict[str, Literal["bounce", "invalid", "complaint", "unsubscribe", "block"]] = {
    "bounces": "bounce",
    "invalid_emails": "invalid",
    "spam_reports": "complaint",
    "unsubscribes": "unsubscribe",
    "blocks": "block",
}
LIST_PAGE = 500
_HINTS = {
    401: "SENDGRID_API_KEY is not known to it.",
    403: "The key lacks the scope for that, or the account does not have it.",
    429: "It asks us to come back later.",
}


class SilentError(ProviderError):
    """SendGrid can't be reached, or does not know the key: no other question would fare better."""


class Account:
    """What `settings` say of SendGrid; safe to use from several threads at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        parts = urlsplit(settings.sendgrid_api_host)
        self.host, self._encrypted = parts.hostname or "", parts.scheme == "https"

    @cached_property
    def opener(self) -> urllib.request.OpenerDirector:
        """What requests leave through, made when there is one: reading the machine's certificates takes a while."""
        return opener(encrypted=self._encrypted, direct=is_loopback(self.host))

    def check_account(self) -> None:
        """Raise ConfigurationError unless key and host are fit for use."""
        key = self.settings.need("sendgrid_api_key", why="to send through SendGrid")
        if not re.fullmatch(r"[!-~]+", key):
            raise ConfigurationError("SENDGRID_API_KEY", "holds a space or a character that no key has.")
        if not self.host or urlsplit(self.settings.sendgrid_api_host).scheme not in ("http", "https"):
            raise ConfigurationError("SENDGRID_API_HOST", "is not a URL.", hint="For example https://api.sendgrid.com.")
        check_sendgrid_host(self.host)
        check_encrypted("SENDGRID_API_HOST", self.host, encrypted=self._encrypted)

    def reach(self) -> None:
        """Raise ProviderError unless SendGrid answers, knows the key, and lets it send mail."""
        request = urllib.request.Request(  # noqa: S310 - `check` has looked at the scheme
            f"{self.settings.sendgrid_api_host}/v3/scopes",
            headers={"Authorization": f"Bearer {self.settings.sendgrid_api_key}"},
        )
        try:
            with self.opener.open(request, timeout=TIMEOUT) as answer:
                scopes = orjson.loads(answer.read()).get("scopes", [])
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 401:
                raise ProviderError(
                    "SendGrid does not know this key.", hint="Make one under Settings, API Keys, for SENDGRID_API_KEY."
                ) from None
            return  # it answers, which is all that was asked: keys may be kept from looking at themselves
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise ProviderError(
                f"{self.host} can't be reached: {scrub(str(reason), [self.settings.sendgrid_api_key])}.",
                hint="Nothing was sent. Look at the network, and at SENDGRID_API_HOST.",
            ) from None
        if "mail.send" not in scopes:
            raise ProviderError("SendGrid does not let this key send mail.", hint="Give it the scope Mail Send.")

    def look_up(self, attempt_key: str, addresses: Iterable[str], since: datetime, until: datetime) -> str:
        """What SendGrid's log has of a request to these people between two times, in words; "" proves nothing.

        Its log can be searched by address and time; that a mail is of this request is proved by the attempt key in
        its custom arguments, which only the mail's own entry has. Raises ProviderError where the log can't be read.
        """
        for address in addresses:
            if "'" in address or "\\" in address:  # how its query language quotes them is not documented
                continue
            query = f"to_email = '{address}' AND {_between('sg_message_id_created_at', since, until)}"
            found = self.ask("/v3/logs", body={"query": query, "limit": 100})
            for entry in dicts(found.get("messages") if isinstance(found, dict) else None):
                id_ = str(entry.get("sg_message_id") or "")
                mail = self.ask(f"/v3/logs/{quote(id_, safe='')}") if id_ else None
                if isinstance(mail, dict) and attempt_key in _attempts_of(mail):
                    return scrub(f"the log has {id_}, {mail.get('status')}")
        return ""

    def listed(self, since: datetime, until: datetime) -> Iterator[Listed]:
        """Whom SendGrid put on its lists between two times; raises ProviderError."""
        times = {"start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
        for name, kind in LISTS.items():
            for offset in count(0, LIST_PAGE):
                page = self.ask(f"/v3/suppression/{name}", {**times, "limit": LIST_PAGE, "offset": offset})
                entries = dicts(page)
                for entry in entries:
                    at = datetime.fromtimestamp(int(entry.get("created") or 0), UTC)
                    yield Listed(kind, str(entry.get("email") or ""), at, scrub(str(entry.get("reason") or "")))
                if len(entries) < LIST_PAGE:
                    break

    def ask(self, path: str, query: Mapping[str, int] | None = None, *, body: Mapping[str, Any] | None = None) -> Any:
        """What SendGrid answers to a question, read from JSON; None for what it does not have. Raises ProviderError."""
        self.check_account()
        request = urllib.request.Request(  # noqa: S310 - the scheme was just looked at
            f"{self.settings.sendgrid_api_host}{path}{'?' + urlencode(query) if query else ''}",
            data=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self.settings.sendgrid_api_key}", "Content-Type": "application/json"},
        )
        what = "/".join(path.partition("?")[0].split("/")[:4])
        try:
            with self.opener.open(request, timeout=TIMEOUT) as answer:
                return orjson.loads(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            kind = SilentError if error.code == 401 else ProviderError
            raise kind(f"SendGrid answered {error.code} to {what}.", hint=_HINTS.get(error.code, "")) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            raise SilentError(
                f"SendGrid gave no answer to {what}: {scrub(reason, [self.settings.sendgrid_api_key])}."
            ) from None


def _between(field: str, since: datetime, until: datetime) -> str:
    start, end = (f'TIMESTAMP "{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"' for at in (since, until))
    return f"{field} >= {start} AND {field} <= {end}"


def dicts(value: object) -> list[dict[str, Any]]:
    """The objects of a JSON list; none where it is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _attempts_of(mail: Mapping[str, Any]) -> set[object]:
    """The attempt keys that a mail's entry in the log carries, itself or in its events."""
    arguments = [holder.get("custom_args") for holder in (mail, *dicts(mail.get("events")))]
    return {each.get("daisychain_attempt") for each in arguments if isinstance(each, dict)}
