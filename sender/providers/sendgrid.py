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
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import python_http_client
import sendgrid
from python_http_client.client import Response
from python_http_client.exceptions import HTTPError

from daisychain.errors import ConfigurationError
from daisychain.scrub import scrub
from daisychain.settings import Settings
from newsletters.merge.merge import KEY, Merged
from sender.providers.failures import verdict_of
from sender.providers.guards import check_links, check_real_send, check_sender
from sender.providers.http import NotConnectedError
from sender.providers.provider import Mailing, Outcome, Recipient, Verdict
from sender.providers.sendgrid_account import Account

TIMEOUT = 60.0  # seconds, for connecting and for each wait on the other side

# Its pages name two limits each; these are the lower ones.
MAX_SUBSTITUTIONS = 150
MAX_SUBSTITUTION_BYTES = 10_000
MAX_BODY = 30 * 1024 * 1024  # bytes, also of what is compressed
LONGEST_WAIT = timedelta(days=1)


def provider(settings: Settings) -> SendGrid:
    """The SendGrid that `settings` name."""
    return SendGrid(settings)


class SendGrid(Account):
    """Sends through SendGrid's v3 API; safe to use from several threads at once."""

    name = "sendgrid"
    batch_size = 1_000
    repeatable = False

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT) -> None:
        super().__init__(settings)
        self._timeout = timeout

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ConfigurationError unless key, host, public URL and From address are fit."""
        self.check_account()
        check_real_send(self.settings, self.host)
        check_sender(self.settings, self.host, from_address)
        check_links(self.settings, self.host, links)

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Send one request for up to 1,000 people; what went wrong is in the outcome, not raised.

        Whoever's merge values are over SendGrid's limits gets a request of their own, with the mail rendered: as
        long as others are in the batch, nothing is sent, and the outcome says who has to be set apart.
        """
        try:
            self.check(mailing.from_address)
        except ConfigurationError as error:
            return Outcome(verdict_of("sendgrid", "settings"), scrub(str(error)))
        ids = [person.delivery_id for person in recipients]
        personalizations = _personalizations(mailing, recipients)
        plan = mailing.plan
        content = Merged(plan.tagged_subject, plan.tagged_html, plan.tagged_text)
        room = MAX_SUBSTITUTION_BYTES - len("".join(plan.tags).encode())
        over = [place for place, each in enumerate(personalizations) if _too_much(each["substitutions"], room)]
        if over and len(recipients) > 1:
            words = f"{len(over)} people's merge values are over SendGrid's limits: a request each"
            return Outcome(verdict_of("sendgrid", "fitting"), words, apart=frozenset(ids[place] for place in over))
        if over:
            del personalizations[0]["substitutions"]
            content = plan.render(recipients[0].inputs, recipients[0].key)
        return self._post(_request(mailing, content, personalizations, attempt_key), ids)

    def _post(self, body: Mapping[str, Any], ids: Sequence[int]) -> Outcome:
        _quiet()
        key = self.settings.sendgrid_api_key
        # A client of its own for each request: its headers are shared between calls, and changed by them.
        client = sendgrid.SendGridAPIClient(key, host=self.settings.sendgrid_api_host)
        client.client = _Client(self.opener, client.host, client.client.request_headers, version=3)
        try:
            answer = client.client.mail.send.post(request_body=body, timeout=self._timeout)
        except _TooLargeError as error:
            return Outcome(verdict_of("sendgrid", "building"), str(error))
        except HTTPError as error:
            return _answered(error.status_code, error.headers, error.body, ids, key)
        except urllib.error.URLError as error:
            return _broken(error.reason, key)
        except (OSError, http.client.HTTPException) as error:
            return _broken(error, key)
        return _answered(answer.status_code, answer.headers, answer.body, ids, key)


def _request(
    mailing: Mailing, content: Merged, personalizations: list[dict[str, Any]], attempt_key: str
) -> dict[str, Any]:
    """The body of a request; every tracking setting is written out: one left out follows the account."""
    body: dict[str, Any] = {
        "personalizations": personalizations,
        "from": _person(mailing.from_address, mailing.from_name),
        "subject": mailing.subject_prefix + content.subject,
        "content": [
            {"type": "text/plain", "value": content.text},
            {"type": "text/html", "value": content.html},
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


def _personalizations(mailing: Mailing, recipients: Iterable[Recipient]) -> list[dict[str, Any]]:
    """What goes to each person."""
    values, headers = mailing.plan.values, mailing.headers(mailing.unsubscribe_url)
    leave = headers["List-Unsubscribe"]
    return [
        {
            "to": [{"email": person.address}],
            "substitutions": values(person.inputs, person.key),
            "headers": {**headers, "List-Unsubscribe": leave.replace(KEY, person.key)},
            "custom_args": {"daisychain_delivery": person.key},
        }
        for person in recipients
    ]


def _too_much(values: Mapping[str, str], room: int) -> bool:
    """Whether a person's merge values are over SendGrid's limits; `room` is what the tags leave, in bytes of UTF-8."""
    if len(values) > MAX_SUBSTITUTIONS:
        return True
    text = "".join(values.values())
    # No character has more than four bytes; mostly that is all that need be known.
    return 4 * len(text) > room and len(text.encode()) > room


def _person(address: str, name: str = "") -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}


def _answered(status: int, headers: Mapping[str, str], body: bytes, ids: Sequence[int], key: str) -> Outcome:
    if (verdict := verdict_of("sendgrid", "answer", status)) is Verdict.ACCEPTED:
        return Outcome(verdict, status=status, message_id=headers.get("X-Message-Id") or "")
    errors = _errors(body)
    named = _named(errors, ids, key) if verdict is Verdict.REFUSED_REQUEST else {}
    if named:
        verdict = verdict_of("sendgrid", "answer that names people", status)
    detail = "; ".join(
        f"{error['field']}: {error['message']}" if error["field"] else error["message"] for error in errors
    )
    return Outcome(
        verdict,
        f"SendGrid answered {status}: {scrub(detail, [key])}" if detail else f"SendGrid answered {status}",
        status=status,
        refused=named,
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
    unmet = isinstance(reason, NotConnectedError)
    before = "could not be reached" if unmet else "did not answer"
    verdict = verdict_of("sendgrid", "connecting" if unmet else "no answer")
    return Outcome(verdict, f"SendGrid {before}: {scrub(str(reason) or type(reason).__name__, [key])}")


def _quiet() -> None:
    # At DEBUG this logger prints the key and every address.
    logger = logging.getLogger("python_http_client.client")
    if logger.level < logging.INFO:
        logger.setLevel(logging.INFO)


class _TooLargeError(ValueError):
    """A request that SendGrid would not take for its size; it may hang up halfway, and then nobody would know."""


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
        data = orjson.dumps(request_body)
        if len(data) >= MAX_BODY:
            raise _TooLargeError(f"the request has {len(data):,} bytes; SendGrid takes less than {MAX_BODY:,}")
        request = urllib.request.Request(  # noqa: S310 - `check` has looked at the scheme
            self._build_url(None), data=data, headers=headers, method="POST"
        )
        return Response(self._make_request(None, request, timeout=timeout))

    def _make_request(self, opener: object, request: urllib.request.Request, timeout: float | None = None) -> Any:
        return super()._make_request(self._opener, request, timeout=timeout)
