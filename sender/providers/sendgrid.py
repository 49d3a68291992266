"""SendGrid: a thousand people a request, each with their own values; the one module that imports `sendgrid`.

Of the official package, which has no maintainer left, one call is used: `client.mail.send.post`. It has no
default timeout, follows redirects (with our key, and turning the POST into a GET), and logs key and addresses
at DEBUG; each of these is dealt with here.
"""

from __future__ import annotations

import http.client
import json
import logging
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import orjson
import python_http_client
import sendgrid
from python_http_client.client import Response
from python_http_client.exceptions import HTTPError

from daisychain.errors import ConfigurationError, ProviderError
from daisychain.settings import Settings
from newsletters.merge import KEY
from sender.guards import check_encrypted, check_links, check_real_send, check_sender, check_sendgrid_host, is_loopback
from sender.mailing import Listed, Mailing, Outcome, Recipient, Verdict
from sender.scrub import scrub
from sender.transport import NotConnectedError, opener

TIMEOUT = 60.0  # seconds, for connecting and for each wait on the other side
REACH_TIMEOUT = 15.0  # seconds, for a first look at whether anybody is there

# Its pages name two limits each; these are the lower ones.
MAX_SUBSTITUTIONS = 150
MAX_SUBSTITUTION_BYTES = 10_000
LONGEST_WAIT = timedelta(days=1)

# What each answer means. Only 202 is a yes: 200 is the sandbox's answer or another server's. Whatever is not
# listed (redirects, 5xx, statuses that nobody documented) leaves open whether the mails were taken.
VERDICTS = {
    202: Verdict.ACCEPTED,
    400: Verdict.REFUSED_REQUEST,
    413: Verdict.REFUSED_REQUEST,
    401: Verdict.REFUSED_ACCOUNT,  # a wrong key, and also used-up credits
    403: Verdict.REFUSED_ACCOUNT,  # a scope that the key lacks, or a sender that is not verified
    404: Verdict.REFUSED_ACCOUNT,  # 404, 405, 415: a wrong host; smaller requests would fare no better
    405: Verdict.REFUSED_ACCOUNT,
    415: Verdict.REFUSED_ACCOUNT,
    429: Verdict.WAIT,
}

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


def provider(settings: Settings) -> SendGrid:
    """The SendGrid that `settings` name."""
    return SendGrid(settings)


class SendGrid:
    """Sends through SendGrid's v3 API; safe to use from several threads at once."""

    name = "sendgrid"
    batch_size = 1_000
    repeatable = False

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._timeout = timeout
        parts = urlsplit(settings.sendgrid_api_host)
        self._host, self._encrypted = parts.hostname or "", parts.scheme == "https"

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        # Only when something is sent: reading the machine's certificates takes a while.
        return opener(encrypted=self._encrypted, direct=is_loopback(self._host))

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ConfigurationError unless key, host, public URL and From address are fit."""
        self._check_account()
        check_real_send(self._settings, self._host)
        check_sender(self._settings, self._host, from_address)
        check_links(self._settings, self._host, links)

    def _check_account(self) -> None:
        key = self._settings.need("sendgrid_api_key", why="to send through SendGrid")
        if not re.fullmatch(r"[!-~]+", key):
            raise ConfigurationError("SENDGRID_API_KEY", "holds a space or a character that no key has.")
        if not self._host or urlsplit(self._settings.sendgrid_api_host).scheme not in ("http", "https"):
            raise ConfigurationError("SENDGRID_API_HOST", "is not a URL.", hint="For example https://api.sendgrid.com.")
        check_sendgrid_host(self._host)
        check_encrypted("SENDGRID_API_HOST", self._host, encrypted=self._encrypted)

    def reach(self) -> None:
        """Raise ProviderError unless SendGrid answers, knows the key, and lets it send mail."""
        request = urllib.request.Request(  # noqa: S310 - `check` has looked at the scheme
            f"{self._settings.sendgrid_api_host}/v3/scopes",
            headers={"Authorization": f"Bearer {self._settings.sendgrid_api_key}"},
        )
        try:
            with self._opener.open(request, timeout=REACH_TIMEOUT) as answer:
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
                f"{self._host} can't be reached: {scrub(str(reason), [self._settings.sendgrid_api_key])}.",
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
            found = self._ask("/v3/logs", body={"query": query, "limit": 100})
            for entry in _dicts(found.get("messages") if isinstance(found, dict) else None):
                id_ = str(entry.get("sg_message_id") or "")
                mail = self._ask(f"/v3/logs/{quote(id_, safe='')}") if id_ else None
                if isinstance(mail, dict) and attempt_key in _attempts_of(mail):
                    return scrub(f"the log has {id_}, {mail.get('status')}")
        return ""

    def listed(self, since: datetime, until: datetime) -> Iterator[Listed]:
        """Whom SendGrid put on its lists between two times; raises ProviderError."""
        times = {"start_time": int(since.timestamp()), "end_time": int(until.timestamp())}
        for name, kind in LISTS.items():
            for offset in count(0, LIST_PAGE):
                page = self._ask(f"/v3/suppression/{name}", {**times, "limit": LIST_PAGE, "offset": offset})
                entries = _dicts(page)
                for entry in entries:
                    at = datetime.fromtimestamp(int(entry.get("created") or 0), UTC)
                    yield Listed(kind, str(entry.get("email") or ""), at, scrub(str(entry.get("reason") or "")))
                if len(entries) < LIST_PAGE:
                    break

    def _ask(self, path: str, query: Mapping[str, int] | None = None, *, body: Mapping[str, Any] | None = None) -> Any:
        """What SendGrid answers to a question, read from JSON; None for what it does not have. Raises ProviderError."""
        self._check_account()
        request = urllib.request.Request(  # noqa: S310 - the scheme was just looked at
            f"{self._settings.sendgrid_api_host}{path}{'?' + urlencode(query) if query else ''}",
            data=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self._settings.sendgrid_api_key}", "Content-Type": "application/json"},
        )
        what = "/".join(path.split("/")[:4])
        try:
            with self._opener.open(request, timeout=REACH_TIMEOUT) as answer:
                return orjson.loads(answer.read())
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            raise ProviderError(f"SendGrid answered {error.code} to {what}.", hint=_HINTS.get(error.code, "")) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            raise ProviderError(
                f"SendGrid gave no answer to {what}: {scrub(reason, [self._settings.sendgrid_api_key])}."
            ) from None

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Send one request for up to 1,000 people; what went wrong is in the outcome, not raised."""
        try:
            self.check(mailing.from_address)
        except ConfigurationError as error:
            return Outcome(Verdict.REFUSED_ACCOUNT, scrub(str(error)))
        personalizations, refused = _personalizations(mailing, recipients)
        if not personalizations:
            return Outcome(Verdict.ACCEPTED, refused=refused)
        outcome = self._post(_request(mailing, list(personalizations.values()), attempt_key), list(personalizations))
        return _with_refused(outcome, refused)

    def _post(self, body: Mapping[str, Any], ids: Sequence[int]) -> Outcome:
        _quiet()
        key = self._settings.sendgrid_api_key
        # A client of its own for each request: its headers are shared between calls, and changed by them.
        client = sendgrid.SendGridAPIClient(key, host=self._settings.sendgrid_api_host)
        client.client = _Client(self._opener, client.host, client.client.request_headers, version=3)
        try:
            answer = client.client.mail.send.post(request_body=body, timeout=self._timeout)
        except HTTPError as error:
            return _answered(error.status_code, error.headers, error.body, ids, key)
        except urllib.error.URLError as error:
            return _broken(error.reason, key)
        except (OSError, http.client.HTTPException) as error:
            return _broken(error, key)
        return _answered(answer.status_code, answer.headers, answer.body, ids, key)


def _request(mailing: Mailing, personalizations: list[dict[str, Any]], attempt_key: str) -> dict[str, Any]:
    """The body of a request; every tracking setting is written out: one left out follows the account."""
    plan = mailing.plan
    body: dict[str, Any] = {
        "personalizations": personalizations,
        "from": _person(mailing.from_address, mailing.from_name),
        "subject": mailing.subject_prefix + plan.tagged_subject,
        "content": [
            {"type": "text/plain", "value": plan.tagged_text},
            {"type": "text/html", "value": plan.tagged_html},
        ],
        "custom_args": {"daisychain_attempt": attempt_key},
        "tracking_settings": {
            "click_tracking": {"enable": mailing.clicks == "provider", "enable_text": False},
            "open_tracking": {"enable": mailing.opens == "provider"},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    if mailing.reply_to:
        body["reply_to"] = _person(mailing.reply_to)
    return body


def _personalizations(
    mailing: Mailing, recipients: Iterable[Recipient]
) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    """What goes to each person, by delivery id, and the people whose values are over SendGrid's limits."""
    fit: dict[int, dict[str, Any]] = {}
    refused: dict[int, str] = {}
    for person in recipients:
        values = mailing.plan.values(person.inputs, person.key)
        if reason := _too_much(values):
            refused[person.delivery_id] = reason
            continue
        fit[person.delivery_id] = {
            "to": [{"email": person.address}],
            "substitutions": values,
            "headers": mailing.headers(mailing.unsubscribe_url.replace(KEY, person.key)),
            "custom_args": {"daisychain_delivery": person.key},
        }
    return fit, refused


def _too_much(values: Mapping[str, str]) -> str:
    if len(values) > MAX_SUBSTITUTIONS:
        return f"the mail has {len(values)} merge values; SendGrid takes {MAX_SUBSTITUTIONS}"
    size = len("".join([*values, *values.values()]).encode())
    if size > MAX_SUBSTITUTION_BYTES:
        return f"the merge values have {size} bytes; SendGrid takes {MAX_SUBSTITUTION_BYTES}"
    return ""


def _between(field: str, since: datetime, until: datetime) -> str:
    start, end = (f'TIMESTAMP "{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"' for at in (since, until))
    return f"{field} >= {start} AND {field} <= {end}"


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _attempts_of(mail: Mapping[str, Any]) -> set[object]:
    """The attempt keys that a mail's entry in the log carries, itself or in its events."""
    arguments = [holder.get("custom_args") for holder in (mail, *_dicts(mail.get("events")))]
    return {each.get("daisychain_attempt") for each in arguments if isinstance(each, dict)}


def _person(address: str, name: str = "") -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}


def _answered(status: int, headers: Mapping[str, str], body: bytes, ids: Sequence[int], key: str) -> Outcome:
    verdict = VERDICTS.get(status, Verdict.UNCERTAIN)
    if verdict is Verdict.ACCEPTED:
        return Outcome(verdict, status=status, message_id=headers.get("X-Message-Id") or "")
    errors = _errors(body)
    detail = "; ".join(
        f"{error['field']}: {error['message']}" if error["field"] else error["message"] for error in errors
    )
    return Outcome(
        verdict,
        f"SendGrid answered {status}: {scrub(detail, [key])}" if detail else f"SendGrid answered {status}",
        status=status,
        refused=_named(errors, ids, key) if verdict is Verdict.REFUSED_REQUEST else {},
        retry_at=_retry_at(headers) if verdict is Verdict.WAIT else None,
    )


def _errors(body: bytes) -> list[dict[str, str]]:
    """The `errors` of an answer; nothing where the body is not SendGrid's, as a proxy's page is not."""
    try:
        entries = json.loads(body)["errors"]
        return [{name: str(entry.get(name) or "") for name in ("field", "message")} for entry in entries]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def _named(errors: Iterable[Mapping[str, str]], ids: Sequence[int], key: str) -> dict[int, str]:
    """The people whom the errors name, with reasons; nobody where an error is about the whole request."""
    named: dict[int, str] = {}
    for error in errors:
        place = re.match(r"personalizations\.(\d+)(?:\.|$)", error["field"])
        if not place or int(place[1]) >= len(ids):
            return {}
        named[ids[int(place[1])]] = scrub(error["message"], [key])
    return named


def _retry_at(headers: Mapping[str, str]) -> datetime | None:
    """When SendGrid says to come back; None where it does not say, or says something past or absurd."""
    now = datetime.now(UTC)
    try:
        at = datetime.fromtimestamp(int(headers.get("X-RateLimit-Reset") or ""), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if now < at <= now + LONGEST_WAIT else None


def _broken(reason: object, key: str) -> Outcome:
    """A connection that failed: harmless before it stood, and afterwards nobody knows what arrived."""
    verdict = Verdict.WAIT if isinstance(reason, NotConnectedError) else Verdict.UNCERTAIN
    before = "could not be reached" if verdict is Verdict.WAIT else "did not answer"
    return Outcome(verdict, f"SendGrid {before}: {scrub(str(reason) or type(reason).__name__, [key])}")


def _with_refused(outcome: Outcome, refused: Mapping[int, str]) -> Outcome:
    """The outcome with the people who were never asked for; they fail whatever became of the others."""
    if not refused:
        return outcome
    return Outcome(
        outcome.verdict,
        outcome.detail,
        status=outcome.status,
        message_id=outcome.message_id,
        refused={**outcome.refused, **refused},
        retry_at=outcome.retry_at,
    )


def _quiet() -> None:
    # At DEBUG this logger prints the key and every address.
    logger = logging.getLogger("python_http_client.client")
    if logger.level < logging.INFO:
        logger.setLevel(logging.INFO)


class _Client(python_http_client.Client):  # type: ignore[misc]
    """The package's client with an opener of ours, in place of a new one with all defaults a request."""

    def __init__(self, opener: urllib.request.OpenerDirector, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opener = opener

    def _build_client(self, name: str | None = None) -> _Client:
        path = [*self._url_path, name] if name else self._url_path
        return _Client(self._opener, self.host, self.request_headers, version=self._version, url_path=path)

    def post(self, *, request_body: Mapping[str, Any], timeout: float) -> Response:
        """As the package's own, which takes 80 ms longer for 1,000 people.

        That one writes the whole body, and the key, out for a log that nobody keeps, and json needs nine times as
        long as orjson.
        """
        headers = {**self.request_headers, "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - `check` has looked at the scheme
            self._build_url(None), data=orjson.dumps(request_body), headers=headers, method="POST"
        )
        return Response(self._make_request(None, request, timeout=timeout))

    def _make_request(self, opener: object, request: urllib.request.Request, timeout: float | None = None) -> Any:
        return super()._make_request(self._opener, request, timeout=timeout)
