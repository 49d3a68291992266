"""The demo's readers: they open real mails from the outbox, follow what is in them, and a provider reports the rest.

Everything goes over HTTP, to the links in the delivered MIME and to the webhook, signed as SendGrid signs.
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from daisychain.demo.invented_people import OFFICE
from daisychain.errors import DaisychainError

# User agents as they come in: a phone, a desktop, Gmail's proxy (a person behind it), Apple's prefetch (nobody yet).
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Thunderbird/128.4.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
)
APPLE_PREFETCH = "Mozilla/5.0"
# Security gateways call themselves browsers.
SCANNER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
EVENTS_A_POST = 400
# One click, as the reader's mail program does it (RFC 8058).
FORM, ONE_CLICK = {"Content-Type": "application/x-www-form-urlencoded"}, b"List-Unsubscribe=One-Click"


@dataclass(frozen=True)
class ReceivedMail:
    """A mail of the outbox, read back from its file."""

    address: str
    key: str
    pixel: str
    links: tuple[str, ...]
    unsubscribe: str


def read_mail(path: Path) -> ReceivedMail:
    """A mail as a mail program reads it: the HTML part's links and pixel, and the one-click header."""
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("html",))
    html = body.get_content() if body is not None else ""
    links = tuple(dict.fromkeys(unescape(found) for found in re.findall(r'href="([^"]+/c/[^"]+)"', html)))
    pixel = re.search(r'src="([^"]+/o/[^"]+\.gif)"', html)
    return ReceivedMail(
        address=str(message["To"]),
        key=str(message["X-Daisychain-Delivery"]),
        pixel=unescape(pixel[1]) if pixel else "",
        links=links,
        unsubscribe=str(message["List-Unsubscribe"]).strip("<>"),
    )


def play(mails: Sequence[ReceivedMail], webhook: str, key: ec.EllipticCurvePrivateKey, *, seed: int) -> Counter[str]:
    """Let a share of the readers open, click and leave, and the provider report on each mail.

    Returns how many people read, opened, clicked, left, bounced or complained, and how many mails machines fetched.
    """
    chance = random.Random(seed)  # noqa: S311 - invented readers
    played: Counter[str] = Counter()
    fetches: list[tuple[str, str]] = []
    leaving: list[ReceivedMail] = []
    events: list[dict[str, Any]] = []
    for mail in mails:
        fate = chance.random()
        if fate < 0.02:
            played["bounced"] += 1
            events.append(_event(mail, "bounce", type="bounce", status="5.1.1", reason="550 no such mailbox"))
            continue
        events.append(_event(mail, "delivered", response="250 OK"))
        if mail.address.endswith(f"@{OFFICE}"):
            played["scanned"] += 1
            fetches += [(address, SCANNER) for address in (mail.pixel, *mail.links)]
        if fate < 0.023:
            played["complained"] += 1
            events.append(_event(mail, "spamreport"))
        elif fate < 0.03:
            leaving.append(mail)
        elif fate < 0.40:
            played["read"] += 1
            agent = chance.choice(AGENTS)
            if chance.random() < 0.7:  # the others load no images
                played["opened"] += 1
                fetches += [(mail.pixel, agent)] * chance.choice((1, 1, 1, 2))
            if chance.random() < 0.3:
                played["clicked"] += 1
                fetches += [
                    (link, agent)
                    for link in chance.sample(mail.links, k=min(len(mail.links), chance.choice((1, 1, 2))))
                ]
        elif fate < 0.60:
            played["prefetched"] += 1
            fetches.append((mail.pixel, APPLE_PREFETCH))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda fetch: _request("GET", fetch[0], {"User-Agent": fetch[1]}), fetches))
        list(pool.map(lambda mail: _request("POST", mail.unsubscribe, FORM, ONE_CLICK), leaving))
    played["left"] = len(leaving)
    post_events(webhook, key, _shuffled(events, chance))
    return played


def _shuffled(events: list[dict[str, Any]], chance: random.Random) -> list[dict[str, Any]]:
    """As providers deliver them: in any order, and some of them twice."""
    reported = events + chance.sample(events, k=len(events) // 20)
    # The bad news at least once more under another id, which providers do as well.
    reported += [
        {**event, "sg_event_id": f"{event['sg_event_id']}-again"} for event in events if event["event"] == "bounce"
    ]
    chance.shuffle(reported)
    return reported


def _event(mail: ReceivedMail, kind: str, **more: str) -> dict[str, Any]:
    return {
        "event": kind, "email": mail.address, "timestamp": int(time.time()), "daisychain_delivery": mail.key,
        "sg_event_id": f"{kind}-{mail.key}", "sg_message_id": "demo.recvd-0", **more,
    }  # fmt: skip


def post_events(webhook: str, key: ec.EllipticCurvePrivateKey, events: Sequence[dict[str, Any]]) -> None:
    """Post events in signed batches: ECDSA with SHA-256 over the timestamp and the raw body, as SendGrid documents."""
    for start in range(0, len(events), EVENTS_A_POST):
        body = json.dumps(events[start : start + EVENTS_A_POST]).encode()
        timestamp = str(int(time.time()))
        signature = base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        _request("POST", webhook, headers, body)


def webhook_key(path: Path) -> tuple[ec.EllipticCurvePrivateKey, str]:
    """Return the demo's own signing key, made once and kept at `path`, with its public half as SendGrid shows it."""
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.touch(mode=0o600)
        path.write_bytes(pem)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, base64.b64encode(public).decode()


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> None:
    """Ask our own pages; a redirect is where a click ends, as the pages behind it are other people's."""
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.netloc, timeout=20)) as connection:
        connection.request(method, parts.path, body, dict(headers))
        if (status := connection.getresponse().status) >= 400:
            raise DaisychainError(f"The demo's own pages answered {status} to {method} {parts.path}.")
