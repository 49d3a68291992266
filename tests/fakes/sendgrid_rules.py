"""What SendGrid documents that it refuses in a body of `POST /v3/mail/send`, and a little that it is said to.

Where its pages contradict each other the narrower figure holds (10,000 bytes of substitutions, not 50,000).
One of its messages speaks of "10,000 substitutions"; its own later correction says that bytes are meant.
Whether it refuses unknown keys was never seen; refusing them here catches our misspellings.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

MAX_BODY = 30 * 1024 * 1024
MAX_RECIPIENTS = MAX_PERSONALIZATIONS = 1_000
MAX_SUBSTITUTION_BYTES = MAX_CUSTOM_ARG_BYTES = 10_000
MAX_SUBSTITUTIONS = 150
MAX_CATEGORIES, MAX_CATEGORY_LENGTH = 10, 255
MAX_SEND_AHEAD = 72 * 3600

ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]"
)
HEADER_NAME = re.compile(r"[!-9;-~]+")
RESERVED_HEADERS = frozenset(
    [
        *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
        *("to", "from", "subject", "reply-to", "cc", "bcc"),
    ]
)


class Problem(NamedTuple):
    """One entry of the `errors` in an answer; `field` is a dotted path, None for the body as a whole."""

    message: str
    field: str | None


Problems = Iterator[Problem]
Check = Callable[[Any, str], Problems]


def problems(body: object) -> list[Problem]:
    """Return everything that is wrong with a decoded body, in the order of the documentation."""
    if not isinstance(body, dict):
        return [Problem("Bad Request", None)]
    return list(_request(body))


def _request(body: dict[str, Any]) -> Problems:
    yield from _keys(body, TOP_LEVEL, "")
    yield from _personalizations(body.get("personalizations"))
    if "from" not in body:
        yield Problem("The from object must be provided for every email send.", "from.email")
    if "reply_to" in body and "reply_to_list" in body:
        yield Problem("Use either reply_to or reply_to_list, not both.", "reply_to")
    persons = body.get("personalizations")
    every_subject = isinstance(persons, list) and all(isinstance(p, dict) and p.get("subject") for p in persons)
    if not body.get("subject") and not every_subject:
        yield Problem("The subject is required.", "subject")
    if "content" not in body:
        yield Problem("Unless a valid template_id is provided, the content parameter is required.", "content")


def _keys(value: Any, known: dict[str, Check], path: str) -> Problems:
    if not isinstance(value, dict):
        yield Problem("This must be an object.", path or None)
        return
    for key, inner in value.items():
        where = f"{path}.{key}" if path else key
        if key in known:
            yield from known[key](inner, where)
        else:
            yield Problem(f"Unknown property {key!r}.", where)


def _personalizations(value: Any) -> Problems:
    if not isinstance(value, list) or not value:
        yield Problem("You must have at least one personalization.", "personalizations")
        return
    if len(value) > MAX_PERSONALIZATIONS:
        yield Problem("The personalization block is limited to 1000 personalizations.", "personalizations")
        return
    recipients = 0
    for number, personalization in enumerate(value):
        path = f"personalizations.{number}"
        yield from _keys(personalization, PERSONALIZATION, path)
        if isinstance(personalization, dict):
            yield from _recipients(personalization, path)
            recipients += sum(len(personalization.get(part) or ()) for part in ("to", "cc", "bcc"))
    if recipients > MAX_RECIPIENTS:
        yield Problem("There is a limit of 1000 total recipients (to + cc + bcc) per request.", "personalizations")


def _recipients(personalization: dict[str, Any], path: str) -> Problems:
    if not personalization.get("to"):
        yield Problem("The to array is required for all personalization objects.", f"{path}.to")
    seen: set[str] = set()
    for part in ("to", "cc", "bcc"):
        for person in personalization.get(part) or ():
            address = str(person.get("email", "")).lower() if isinstance(person, dict) else ""
            if address and address in seen:
                yield Problem(
                    "Each email address in the personalization block should be unique between to, cc, and "
                    f"bcc. We found the first duplicate instance of [{address}] in the {path}.{part} field.",
                    path,
                )
            seen.add(address)


def _content(value: Any, path: str) -> Problems:
    if not isinstance(value, list) or not value:
        yield Problem("There must be at least one defined content block.", path)
        return
    types = []
    for number, part in enumerate(value):
        yield from _keys(part, {"type": _nothing, "value": _nothing}, f"{path}.{number}")
        kind, text = (part.get("type"), part.get("value")) if isinstance(part, dict) else (None, None)
        if not isinstance(text, str) or not text:
            yield Problem(
                "The content value must be a string at least one character in length.",
                f"{path}.{number}.value",
            )
        if not isinstance(kind, str) or not kind or re.search(r"[;,\r\n]", kind):
            yield Problem(
                "The content type must be a MIME type without ';', ',' or line ends.", f"{path}.{number}.type"
            )
        types.append(str(kind))
    order = [{"text/plain": 0, "text/html": 1}.get(kind, 2) for kind in types]
    if order != sorted(order):
        yield Problem("If present, text/plain must be first, followed by text/html, then any other content.", path)
    if len(set(types)) < len(types):
        yield Problem("Each content type may only be provided once.", path)


def _substitutions(value: Any, path: str) -> Problems:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        yield Problem("Substitutions must be an object of strings.", path)
        return
    if len(value) > MAX_SUBSTITUTIONS:
        yield Problem(f"Substitutions are limited to {MAX_SUBSTITUTIONS} items per personalization block.", path)
    if sum(len(tag.encode()) + len(text.encode()) for tag, text in value.items()) > MAX_SUBSTITUTION_BYTES:
        yield Problem(f"Substitutions are limited to {MAX_SUBSTITUTION_BYTES} bytes per personalization block.", path)
    for tag in value:
        if not tag or re.search(r"[\s<>&]", tag):
            yield Problem(f"The substitution tag {tag!r} holds a space, '<', '>' or '&', or nothing.", path)


def _custom_args(value: Any, path: str) -> Problems:
    # The real service was seen to answer exactly this little, with no field, when a value is no string.
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        yield Problem("Bad Request", None)
    elif not value:
        yield Problem("custom_args can't be empty.", path)
    elif len(json.dumps(value)) >= MAX_CUSTOM_ARG_BYTES:
        yield Problem(f"Custom arguments must stay under {MAX_CUSTOM_ARG_BYTES} bytes.", path)


def _headers(value: Any, path: str) -> Problems:
    if not isinstance(value, dict):
        yield Problem("Headers must be an object.", path)
        return
    for name, text in value.items():
        if name.lower() in RESERVED_HEADERS:
            yield Problem(f"The header {name!r} is reserved.", f"{path}.{name}")
        if not HEADER_NAME.fullmatch(name):
            yield Problem("Header names must be ASCII, without spaces.", f"{path}.{name}")
        if not isinstance(text, str) or re.search(r"[\r\n]", text):
            yield Problem("Header values must be strings on one line.", f"{path}.{name}")


def _categories(value: Any, path: str) -> Problems:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        yield Problem("Categories must be a list of strings.", path)
        return
    if len(value) > MAX_CATEGORIES or len(set(value)) < len(value):
        yield Problem(f"At most {MAX_CATEGORIES} categories, each once.", path)
    if any(len(name) > MAX_CATEGORY_LENGTH or not name.isascii() for name in value):
        yield Problem(f"A category is ASCII, at most {MAX_CATEGORY_LENGTH} characters.", path)


def _person(value: Any, path: str) -> Problems:
    yield from _keys(value, {"email": _nothing, "name": _string}, path)
    address = value.get("email") if isinstance(value, dict) else None
    if not isinstance(address, str) or not ADDRESS.fullmatch(address) or len(address) > 254:
        yield Problem("Does not contain a valid address.", f"{path}.email")


def _people(value: Any, path: str) -> Problems:
    if not isinstance(value, list):
        yield Problem("This must be an array.", path)
        return
    for number, person in enumerate(value):
        yield from _person(person, f"{path}.{number}")


def _send_at(value: Any, path: str) -> Problems:
    if type(value) is not int or value > time.time() + MAX_SEND_AHEAD:
        yield Problem("send_at is a unix timestamp at most 72 hours ahead.", path)


def _string(value: Any, path: str) -> Problems:
    if not isinstance(value, str):
        yield Problem("This must be a string.", path)


def _boolean(value: Any, path: str) -> Problems:
    if not isinstance(value, bool):
        yield Problem("This must be a boolean.", path)


def _nothing(value: Any, path: str) -> Problems:
    yield from ()


def _attachments(value: Any, path: str) -> Problems:
    for number, file in enumerate(value if isinstance(value, list) else [None]):
        known = dict.fromkeys(("content", "type", "filename", "disposition", "content_id"), _string)
        yield from _keys(file, known, f"{path}.{number}")
        if not isinstance(file, dict) or not file.get("content") or not file.get("filename"):
            yield Problem("An attachment needs content and filename.", f"{path}.{number}")


def _unsupported(value: Any, path: str) -> Problems:
    yield Problem("This stand-in does not know what the service would do with it.", path)


def _object(**known: Check) -> Check:
    return lambda value, path: _keys(value, known, path)


PERSONALIZATION: dict[str, Check] = {
    "from": _person,
    "to": _people,
    "cc": _people,
    "bcc": _people,
    "subject": _string,
    "headers": _headers,
    "substitutions": _substitutions,
    "custom_args": _custom_args,
    "send_at": _send_at,
}
TOP_LEVEL: dict[str, Check] = {
    "personalizations": _nothing,  # has a check of its own, as it is required
    "from": _person,
    "reply_to": _person,
    "reply_to_list": _people,
    "subject": _string,
    "content": _content,
    "headers": _headers,
    "categories": _categories,
    "custom_args": _custom_args,
    "send_at": _send_at,
    "batch_id": _string,
    "attachments": _attachments,
    "template_id": _unsupported,
    "asm": _unsupported,
    "ip_pool_name": _string,
    "mail_settings": _object(
        bypass_list_management=_unsupported,
        bypass_spam_management=_unsupported,
        bypass_bounce_management=_unsupported,
        bypass_unsubscribe_management=_unsupported,
        footer=_object(enable=_boolean, text=_string, html=_string),
        sandbox_mode=_object(enable=_boolean),
    ),
    "tracking_settings": _object(
        click_tracking=_object(enable=_boolean, enable_text=_boolean),
        open_tracking=_object(enable=_boolean, substitution_tag=_string),
        subscription_tracking=_object(enable=_boolean, text=_string, html=_string, substitution_tag=_string),
        ganalytics=_object(
            enable=_boolean,
            utm_source=_string,
            utm_medium=_string,
            utm_term=_string,
            utm_content=_string,
            utm_campaign=_string,
        ),
    ),
}
