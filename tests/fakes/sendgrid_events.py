"""Events as SendGrid's Event Webhook writes them, and batches signed as it signs them."""

from __future__ import annotations

import base64
import json
import random
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes.sendgrid_mail import Mail

Event = dict[str, Any]
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
BROWSER = {
    "ip": "203.0.113.7",
    "useragent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
APPLE = {"ip": "104.28.42.16", "useragent": "Mozilla/5.0"}

# The fields of each kind, beyond the common ones.
EXTRA: dict[str, Event] = {
    "processed": {"send_at": 0},
    "delivered": {"response": "250 2.0.0 OK", "ip": "149.72.1.1", "tls": 1, "cert_err": 0},
    "deferred": {"response": "451 4.7.1 try again later", "attempt": "1", "tls": 0},
    "bounce": {
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 5.1.1 no such user",
        "bounce_classification": "Invalid Address",
        "tls": 1,
        "ip": "149.72.1.1",
    },
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "open": {**BROWSER, "sg_content_type": "html"},
    "click": {**BROWSER},
    "spamreport": {},
    "unsubscribe": {},
}
DELIVERY_KINDS = frozenset({"processed", "delivered", "deferred", "bounce", "dropped"})


def event(mail: Mail, kind: str, *, at: float | None = None, category_as_list: bool = False, **fields: Any) -> Event:
    """Make an event about `mail`; `fields` are added, or replace the fields of its kind."""
    made: Event = {
        "email": mail.address,
        "timestamp": int(time.time() if at is None else at),
        "event": kind,
        "sg_event_id": new_event_id(),
        "sg_message_id": mail.sg_message_id,
        **EXTRA.get(kind, {}),
        **mail.custom_args,
        **fields,
    }
    if kind in DELIVERY_KINDS:
        made.setdefault("smtp-id", f"<{mail.message_id}@geopod-ismtpd-1>")
    if mail.categories:
        single = len(mail.categories) == 1 and not category_as_list
        made["category"] = mail.categories[0] if single else mail.categories
    return made


def blocked(mail: Mail, **fields: Any) -> Event:
    """Make a soft bounce, after which SendGrid does not suppress the address."""
    reason = {
        "reason": "554 5.7.1 message refused by policy",
        "status": "5.7.1",
        "bounce_classification": "Reputation",
    }
    return event(mail, "bounce", **{"type": "blocked", **reason, **fields})


def asynchronous_bounce(mail: Mail, **fields: Any) -> Event:
    """Make an asynchronous bounce (one that came by mail): no message id and no custom arguments."""
    made = event(mail, "bounce", **fields)
    for name in ("sg_message_id", "smtp-id", *mail.custom_args):
        del made[name]
    return made


def machine_open(mail: Mail, **fields: Any) -> Event:
    """Make an open by Apple's prefetching; other opens do not have the flag at all."""
    return event(mail, "open", **{**APPLE, "sg_machine_open": True, **fields})


def click(mail: Mail, place: int, **fields: Any) -> Event:
    """Make a click on the link at `place`, counted from 0 over the tracked links."""
    offset = {"index": place, "type": "html"}
    return event(mail, "click", **{"url": mail.links[place], "url_offset": offset, **fields})


def account_status_change(kind: str = "compliance_suspend") -> Event:
    """Make an event about the account, without an address and custom arguments."""
    return {
        "timestamp": int(time.time()),
        "event": "account_status_change",
        "sg_event_id": new_event_id(),
        "type": kind,
    }


def again(original: Event, *, same_id: bool = True) -> Event:
    """Repeat an event, with the same id or, as was reported (sendgrid-nodejs#1435), another one."""
    return dict(original) if same_id else {**original, "sg_event_id": new_event_id()}


def shuffled(events: Sequence[Event], seed: int) -> list[Event]:
    """Shuffle events, in the same way for the same seed."""
    return random.Random(seed).sample(list(events), len(events))


def new_event_id() -> str:
    return secrets.token_urlsafe(24)


@dataclass
class Signer:
    """Signs requests with the P-256 key of one webhook."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> str:
        """Return the DER SubjectPublicKeyInfo in base64, as SendGrid's settings page shows it."""
        encoding, shape = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return base64.b64encode(self.key.public_key().public_bytes(encoding, shape)).decode()

    def headers(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """Sign a body and return the request's headers; `at` is in seconds since 1970, by default now."""
        stamp = str(int(time.time() if at is None else at))
        signature = self.key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "SendGrid Event API",
            SIGNATURE: base64.b64encode(signature).decode(),
            TIMESTAMP: stamp,
        }

    def post(self, url: str, events: Sequence[Event], *, at: float | None = None) -> int:
        """Post one signed batch to `url` and return the status of the answer; redirects are not followed."""
        body = encoded(events)
        request = urllib.request.Request(url, data=body, headers=self.headers(body, at=at), method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        try:
            with opener.open(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


def encoded(events: Sequence[Event]) -> bytes:
    """Encode a batch with SendGrid's final CRLF, which is part of the signed bytes."""
    return json.dumps(list(events)).encode() + b"\r\n"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
