"""A SendGrid account: checks its key, and reads its log and suppression lists. sendgrid.py does the sending."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson

from daisychain.errors import ConfigurationError, ProviderError
from daisychain.scrub import scrub
from daisychain.settings import Settings
from sender.providers.guards import check_encrypted, check_sendgrid_host
from sender.providers.http import opener
from sender.providers.provider import ProviderSuppression, SuppressionKind

TIMEOUT = 15.0  # seconds, for connecting, and for the whole answer

# Its suppression lists. A block is temporary: SendGrid goes on mailing these addresses.
LISTS: dict[str, SuppressionKind] = {
    "bounces": "bounce",
    "invalid_emails": "invalid",
    "spam_reports": "complaint",
    "unsubscribes": "unsubscribe",
    "blocks": "block",
}
LIST_PAGE = 500
_HINTS = {
    401: "SendGrid does not know this key. Create one under Settings, API Keys, and put it into SENDGRID_API_KEY.",
    403: "The key lacks the scope for this, or the account lacks the feature.",
    429: "SendGrid's rate limit is reached; retry later.",
}


class SendGridUnavailableError(ProviderError):
    """SendGrid can't be reached, or does not know the key: further requests would fail too."""


class Account:
    """The account that `settings` name; safe to use from several threads."""

    name = "sendgrid"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        parts = urlsplit(settings.sendgrid_api_host)
        self.host, self._scheme = parts.hostname or "", parts.scheme

    @cached_property
    def opener(self) -> urllib.request.OpenerDirector:
        """The opener for requests, made on first use: reading the machine's certificates is slow."""
        return opener(self.settings.sendgrid_api_host)

    def check_account(self) -> None:
        """Raise ConfigurationError unless key and host are usable."""
        key = self.settings.need("sendgrid_api_key", why="to send through SendGrid")
        if not re.fullmatch(r"[!-~]+", key):
            raise ConfigurationError("SENDGRID_API_KEY", "contains a space, or a character that is never in a key.")
        if not self.host or self._scheme not in ("http", "https"):
            raise ConfigurationError("SENDGRID_API_HOST", "is not a URL.", hint="For example https://api.sendgrid.com.")
        check_sendgrid_host(self.host)
        check_encrypted("SENDGRID_API_HOST", self.host, encrypted=self._scheme == "https")

    def reach(self) -> None:
        """Raise ProviderError unless SendGrid answers, knows the key, and lets it send mail."""
        try:
            answer = self.ask("/v3/scopes")
        except SendGridUnavailableError:
            raise
        except ProviderError:
            return  # it answers; a key may lack the right to list its own scopes
        if isinstance(answer, dict) and "mail.send" not in (answer.get("scopes") or []):
            raise ProviderError("SendGrid does not let this key send mail.", hint="Give it the scope Mail Send.")

    def look_up(self, attempt_key: str, addresses: Iterable[str], since: datetime, until: datetime) -> str:
        """Search SendGrid's log for a request to these people between two times; "" proves nothing.

        The log can be searched by address and time. The attempt key in a mail's custom arguments, which only the mail's
        own entry contains, proves that it belongs to this request. Raises ProviderError if the log can't be read.
        """
        start, end = (f'TIMESTAMP "{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"' for at in (since, until))
        times = f"sg_message_id_created_at >= {start} AND sg_message_id_created_at <= {end}"
        for address in addresses:
            if "'" in address or "\\" in address:  # the query language documents no escaping
                continue
            found = self.ask("/v3/logs", body={"query": f"to_email = '{address}' AND {times}", "limit": 100})
            for entry in dicts(found.get("messages") if isinstance(found, dict) else None):
                id_ = str(entry.get("sg_message_id") or "")
                mail = self.ask(f"/v3/logs/{quote(id_, safe='')}") if id_ else None
                if isinstance(mail, dict) and attempt_key in _attempts_of(mail):
                    return scrub(f"the log has {id_}, {mail.get('status')}")
        return ""

    def suppressions(self, since: datetime, until: datetime) -> Iterator[ProviderSuppression]:
        """Read the addresses that SendGrid put on its lists between two times; raises ProviderError."""
        times = {"start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
        for name, kind in LISTS.items():
            for offset in count(0, LIST_PAGE):
                page = self.ask(f"/v3/suppression/{name}", {**times, "limit": LIST_PAGE, "offset": offset})
                for entry in dicts(page):
                    try:
                        at = datetime.fromtimestamp(int(entry.get("created") or 0), UTC)
                    except (ValueError, TypeError, OverflowError, OSError):
                        at = until  # the address matters more than since when
                    reason = scrub(str(entry.get("reason") or ""))
                    yield ProviderSuppression(kind, str(entry.get("email") or ""), at, reason)
                if not isinstance(page, list) or len(page) < LIST_PAGE:
                    break

    def ask(self, path: str, query: Mapping[str, int] | None = None, *, body: Mapping[str, Any] | None = None) -> Any:
        """Request a path and return its JSON; None for a 404. Raises ProviderError."""
        self.check_account()
        request = urllib.request.Request(  # noqa: S310 - the scheme was just checked
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
            kind = SendGridUnavailableError if error.code == 401 else ProviderError
            raise kind(f"SendGrid answered {error.code} to {what}.", hint=_HINTS.get(error.code, "")) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            raise SendGridUnavailableError(
                f"{self.host} can't be reached ({what}): {scrub(reason, [self.settings.sendgrid_api_key])}.",
                hint="Check the network and SENDGRID_API_HOST.",
            ) from None


def dicts(value: object) -> list[dict[str, Any]]:
    """Return the objects in a JSON list; none if it is not a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _attempts_of(mail: Mapping[str, Any]) -> set[object]:
    """Return the attempt keys in a mail's log entry, its own and its events'."""
    arguments = [holder.get("custom_args") for holder in (mail, *dicts(mail.get("events")))]
    return {each.get("daisychain_attempt") for each in arguments if isinstance(each, dict)}
