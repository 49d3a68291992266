"""The SendGrid provider: one request for up to 1,000 people, each with their own values.

The only module that imports `sendgrid`. That package is unmaintained (sendgrid-python#1128), so only its call
`client.mail.send.post` is used. It has no default timeout (#757), follows redirects (a POST becomes a GET, and a 302
looks like success), and logs the API key and all addresses at DEBUG; this module prevents each of these.

SendGrid has no idempotency key: a request whose answer is lost must not be sent again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import re
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import python_http_client
import sendgrid

from daisychain.errors import ConfigurationError
from daisychain.scrub import scrub
from daisychain.settings import Settings
from newsletters.merge.merge import KEY, Merged, MergePlan
from sender.providers.failures import verdict_of
from sender.providers.guards import check_mailing
from sender.providers.http import ClosedMeanwhileError, NotConnectedError, read_answer
from sender.providers.provider import Mailing, Outcome, Recipient, Verdict
from sender.providers.retry_times import at_once, when_to_return
from sender.providers.sendgrid_account import Account

TIMEOUT = 60.0  # seconds, for connecting, for the whole request, and for the whole answer

# SendGrid's documentation contradicts itself about substitutions for one person: 10,000 bytes (OpenAPI file, January
# 2026) or 50,000 (its page about substitution tags). These are the lower limits.
MAX_SUBSTITUTIONS = 150
MAX_SUBSTITUTION_BYTES = 10_000
MAX_BODY = 30 * 1024 * 1024  # bytes, before and after compression

_KEY = KEY.encode()
_HEADER_KEY = "{header key}"  # the place of a mail's own key

_LOG = logging.getLogger("python_http_client.client")


class SendGrid(Account):
    """Sends through SendGrid's v3 API; safe to use from several threads at once."""

    batch_size = most_at_once = 1_000
    by_conditions = True
    repeatable = False

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT) -> None:
        super().__init__(settings)
        self._timeout = timeout
        # Python runs one thread at a time. Slots that prepare side by side are all late, and then all wait for answers
        # while the core is idle; one after the other, a quarter more requests a second (12 slots, answers after 0.3 s).
        self._preparing = threading.Lock()

    def check(self, from_address: str, links: Iterable[str] = ()) -> None:
        """Raise ConfigurationError unless key, host, public URL and From address allow sending."""
        self.check_account()
        check_mailing(self.settings, self.host, from_address, links)

    def send(self, mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> Outcome:
        """Send one request for up to 1,000 people; errors are in the outcome, not raised.

        People whose merge values are over SendGrid's limits get their own request, with the mail rendered. If they
        share a batch with others, nothing is sent and the outcome names them.
        """
        try:
            self.check(mailing.from_address)
        except ConfigurationError as error:
            return Outcome(verdict_of("sendgrid", "settings"), scrub(str(error)))
        with self._preparing:
            data = _body(mailing, recipients, attempt_key)
        return data if isinstance(data, Outcome) else self._post(data, [person.delivery_id for person in recipients])

    def _post(self, data: bytes, ids: Sequence[int]) -> Outcome:
        # At DEBUG the package logs the API key and every address.
        _LOG.setLevel(max(_LOG.level, logging.INFO))
        key = self.settings.sendgrid_api_key
        # A new client for each request: calls share its headers dict and change it.
        client = sendgrid.SendGridAPIClient(key, host=self.settings.sendgrid_api_host)
        client.client = _Client(client.host, client.client.request_headers, version=3)
        begun = time.monotonic()
        try:
            answer = client.client.mail.send.post(request_body=data, timeout=self._timeout, opener=self.opener)
        except urllib.error.HTTPError as error:
            answer = error
        except urllib.error.URLError as error:
            return _connection_error(error.reason, key)
        except (OSError, http.client.HTTPException) as error:
            return _connection_error(error, key)
        answered_in = time.monotonic() - begun
        with contextlib.closing(answer):
            outcome = _outcome(answer.status, answer.headers, read_answer(answer), ids, key)
        return replace(outcome, answered_in=answered_in)


def _body(mailing: Mailing, recipients: Sequence[Recipient], attempt_key: str) -> bytes | Outcome:
    """Build the JSON of a request, or say why nothing is sent."""
    plan = mailing.plan.for_people([person.inputs for person in recipients])
    personalizations, over = _personalizations(plan, mailing, recipients)
    if over and plan is not mailing.plan:  # short conditions of many fields have fewer values as they are
        plan = mailing.plan
        personalizations, over = _personalizations(plan, mailing, recipients)
    content = Merged(plan.tagged_subject, plan.tagged_html, plan.tagged_text)
    if over and len(recipients) > 1:
        reason = f"{len(over)} people's merge values are over SendGrid's limits: a request each"
        return Outcome(verdict_of("sendgrid", "merge values"), reason, over_limits=frozenset(over))
    if over:
        personalizations = [_without_substitutions(personalizations[0])]
        content = plan.render(recipients[0].inputs, recipients[0].keys)
    data = orjson.dumps(_request(mailing, content, personalizations, attempt_key))
    if len(data) >= MAX_BODY:  # SendGrid could hang up halfway, which would leave everybody uncertain
        reason = f"the request has {len(data):,} bytes; SendGrid takes less than {MAX_BODY:,}"
        return Outcome(verdict_of("sendgrid", "building"), reason)
    return data


def _request(mailing: Mailing, content: Merged, personalizations: Sequence[bytes], attempt_key: str) -> dict[str, Any]:
    """Build a request's body. Every tracking setting is explicit: an omitted one would follow the account's default."""
    body: dict[str, Any] = {
        "personalizations": orjson.Fragment(b"[%b]" % b",".join(personalizations)),
        "from": _person(mailing.from_address, mailing.from_name),
        "subject": mailing.subject_prefix + content.subject,
        "content": [{"type": "text/plain", "value": content.text}, {"type": "text/html", "value": content.html}],
        "custom_args": {"daisychain_attempt": attempt_key},
        "tracking_settings": {
            "click_tracking": {"enable": mailing.clicks == "provider", "enable_text": False},
            "open_tracking": {"enable": mailing.opens == "provider"},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    if mailing.pictures:
        body["attachments"] = [
            {"content": b64encode(content).decode(), "type": "image/png", "filename": f'{name.partition("@")[0]}.png',
             "disposition": "inline", "content_id": name}
            for name, content in mailing.pictures
        ]  # fmt: skip
    if mailing.reply_to:
        body["reply_to"] = _person(mailing.reply_to)
    return body


def _personalizations(
    plan: MergePlan, mailing: Mailing, recipients: Sequence[Recipient]
) -> tuple[list[bytes], set[int]]:
    """Return each person's part of a request as JSON, and whose merge values are over SendGrid's limits.

    A thousand dicts would take twice the time: everything but address and values is escaped once, and keys need no
    escaping.
    """
    values = plan.values
    # SendGrid's staff can read custom_args, and they can't be deleted later: no personal data.
    same = {"headers": mailing.headers(mailing.unsubscribe_url), "custom_args": {"daisychain_delivery": _HEADER_KEY}}
    headers, closing = orjson.dumps(same)[1:].split(_HEADER_KEY.encode())
    room = MAX_SUBSTITUTION_BYTES - len("".join(plan.tags).encode())
    parts, over = [], set()
    for person in recipients:
        substitutions = orjson.dumps(own := values(person.inputs, person.keys))
        # The JSON is never shorter than the values in it, which mostly decides.
        if (len(substitutions) > room or len(own) > MAX_SUBSTITUTIONS) and _over(own, room):
            over.add(person.delivery_id)
        parts.append(
            b'{"to":[{"email":%b}],"substitutions":%b,%b%b%b'
            % (
                orjson.dumps(person.address), substitutions,
                headers.replace(_KEY, person.keys.unsubscribe.encode()), person.header_key.encode(), closing,
            )
        )  # fmt: skip
    return parts, over


def _without_substitutions(part: bytes) -> bytes:
    return orjson.dumps({name: value for name, value in orjson.loads(part).items() if name != "substitutions"})


def _over(values: Mapping[str, str], room: int) -> bool:
    """Whether a person's merge values are over SendGrid's limits; `room` is what the tags leave, in UTF-8 bytes."""
    if len(values) > MAX_SUBSTITUTIONS:
        return True
    return len("".join(values.values()).encode()) > room


def _person(address: str, name: str = "") -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}


def _outcome(status: int, headers: Mapping[str, str], body: bytes, ids: Sequence[int], key: str) -> Outcome:
    if (verdict := verdict_of("sendgrid", "answer", status)) is Verdict.ACCEPTED:
        return Outcome(verdict, status=status, message_id=headers.get("X-Message-Id") or "")
    errors = _errors(body)
    named = _people_in(errors, ids, key) if verdict is Verdict.REFUSED_REQUEST else {}
    if named:
        verdict = verdict_of("sendgrid", "answer that names people", status)
    detail = "; ".join(f"{field}: {message}" if field else message for field, message in errors)
    return Outcome(
        verdict,
        f"SendGrid answered {status}: {scrub(detail, [key])}" if detail else f"SendGrid answered {status}",
        status=status,
        refused=named,
        retry_at=when_to_return(headers) if verdict is Verdict.RETRY else None,
    )


def _errors(body: bytes) -> list[tuple[str, str]]:
    """Read an answer's `errors` as fields and messages; none if the body is a proxy's error page."""
    try:
        entries = json.loads(body)["errors"]
        return [(str(entry.get("field") or ""), str(entry.get("message") or "")) for entry in entries]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def _people_in(errors: Iterable[tuple[str, str]], ids: Sequence[int], key: str) -> dict[int, str]:
    """Return the people named in the errors, with reasons; nobody if one error is about the whole request."""
    named: dict[int, str] = {}
    for field, message in errors:
        place = re.match(r"personalizations\.(\d+)(?:\.|$)", field)
        if not place or int(place[1]) >= len(ids):
            return {}
        named[ids[int(place[1])]] = scrub(message, [key])
    return named


def _connection_error(reason: object, key: str) -> Outcome:
    """Judge a failed connection: safe to retry if the request's body never left; otherwise it may have arrived."""
    reason_shown = scrub(str(reason) or type(reason).__name__, [key])
    if isinstance(reason, ClosedMeanwhileError):  # it takes requests: another connection can have this one at once
        verdict = verdict_of("sendgrid", "kept connection")
        return Outcome(verdict, f"SendGrid closed the connection: {reason_shown}", retry_at=at_once())
    never_open = isinstance(reason, NotConnectedError)
    what = "could not be reached" if never_open else "did not answer"
    verdict = verdict_of("sendgrid", "connecting" if never_open else "no answer")
    return Outcome(verdict, f"SendGrid {what}: {reason_shown}")


class _Client(python_http_client.Client):  # type: ignore[misc]
    """The package's client, whose `post` takes our opener; its own makes one with urllib's defaults each time."""

    def _build_client(self, name: str | None = None) -> _Client:
        path = [*self._url_path, name] if name else self._url_path
        return _Client(self.host, self.request_headers, self._version, path)

    def post(self, *, request_body: bytes, timeout: float, opener: urllib.request.OpenerDirector) -> Any:
        """Do what the package's own `post` does, 80 ms faster for 1,000 people; returns the answer before its body.

        The original formats body and key for a log that is off, and its json takes nine times as long as orjson. It
        also takes a 202 whose body breaks off for an error.
        """
        request = urllib.request.Request(  # noqa: S310 - `check` has looked at the scheme
            self._build_url(None),
            data=request_body,
            headers={**self.request_headers, "Content-Type": "application/json", "Connection": "keep-alive"},
            method="POST",
        )
        return opener.open(request, timeout=timeout)
