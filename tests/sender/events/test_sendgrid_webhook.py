"""The webhook's door: whose word is taken, and what one event is in our words."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.serving import make_server

from daisychain.database import Database
from daisychain.errors import ConfigurationError
from daisychain.jobs import Workers
from pages.app import create_app
from sender.events.reader_rules import judge_hit
from sender.events.sendgrid_webhook import LARGEST_BODY, SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, to_events
from sender.links.keys import KeyKind, Keys
from sender.tables import WebhookBody
from tests.fakes.sendgrid_events import Signer
from tests.sender.returns import FIREFOX, sent

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEYS = Keys("a secret for tests, and long enough")
OLD_KEY, KEY = Signer(), Signer()
URL = "/webhooks/sendgrid"

# From the official package's own test: it verifies only with the line end at the body's end.
OFFICIAL_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dA"
    "fSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
OFFICIAL_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
OFFICIAL_STAMP = "1600112502"
OFFICIAL_EVENTS = [
    {
        "email": "hello@world.com",
        "event": "dropped",
        "reason": "Bounced Address",
        "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
        "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
        "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
        "timestamp": 1600112492,
    }
]


@pytest.fixture
def client(database: Database) -> FlaskClient:
    """Make an app with two keys, as during a key rotation."""
    keys = (OLD_KEY.public_key, KEY.public_key)
    database.settings = replace(database.settings, sendgrid_webhook_keys=keys)
    return create_app(database).test_client()


def bodies(database: Database) -> list[bytes]:
    """Return the stored bodies."""
    with database.engine.connect() as connection:
        return [bytes(body) for body in connection.scalars(select(WebhookBody.body))]


def jobs(database: Database) -> list[str]:
    """Return the names of the deferred jobs."""
    with database.engine.connect() as connection:
        return list(connection.scalars(text("SELECT task_name FROM procrastinate_jobs")))


@pytest.mark.parametrize("signer", [OLD_KEY, KEY])
def test_a_body_signed_with_any_of_the_keys_is_kept_as_it_came_with_a_job(
    client: FlaskClient, database: Database, signer: Signer
) -> None:
    body = b'[ {"event": "delivered"} ]\r\n'
    answer = client.post(URL, data=body, headers=signer.headers(body))
    assert (answer.status_code, answer.data) == (204, b"")
    assert bodies(database) == [body]
    assert jobs(database) == ["sender.process_webhook"]


def test_a_body_that_is_played_again_takes_no_room_and_no_work(client: FlaskClient, database: Database) -> None:
    body = b'[{"event": "delivered"}]'
    for headers in [KEY.headers(body), KEY.headers(body), OLD_KEY.headers(body)]:
        assert client.post(URL, data=body, headers=headers).status_code == 204
    assert bodies(database) == [body]
    assert jobs(database) == ["sender.process_webhook"]


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in KEY.headers(b"[{}]").items() if key != name}


DAY = 24 * 3600


@pytest.mark.parametrize(("age", "status"), [(DAY, 204), (3 * DAY - 60, 204), (3 * DAY + 60, 401), (400 * DAY, 401)])
def test_a_body_that_was_signed_more_than_three_days_ago_is_refused(
    client: FlaskClient, database: Database, age: int, status: int
) -> None:
    body = b"[{}]"
    assert client.post(URL, data=body, headers=KEY.headers(body, at=time.time() - age)).status_code == status
    assert len(bodies(database)) == (status == 204)


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1e12", "٣", " 1", "9" * 400, "nan"])
def test_a_timestamp_that_is_no_time_is_refused_though_it_is_signed(client: FlaskClient, stamp: str) -> None:
    signature = KEY.key.sign(stamp.encode() + b"[{}]", ec.ECDSA(hashes.SHA256()))
    headers = {SIGNATURE_HEADER: base64.b64encode(signature).decode(), TIMESTAMP_HEADER: stamp}
    assert client.post(URL, data=b"[{}]", headers=headers).status_code == 401


REFUSED = {
    "another's signature": (b"[{}]", Signer().headers(b"[{}]")),
    "a changed body": (b"[{} ]", KEY.headers(b"[{}]")),
    "a changed timestamp": (b"[{}]", {**KEY.headers(b"[{}]"), TIMESTAMP_HEADER: "1"}),
    "no signature": (b"[{}]", _without(SIGNATURE_HEADER)),
    "no timestamp": (b"[{}]", _without(TIMESTAMP_HEADER)),
    "a signature that is no base64": (b"[{}]", {**KEY.headers(b"[{}]"), SIGNATURE_HEADER: "é%"}),
    "a signature that is none": (b"[{}]", {**KEY.headers(b"[{}]"), SIGNATURE_HEADER: "AAAA"}),
    "no JSON": (b"event=open", KEY.headers(b"event=open")),
    "an object": (b"{}", KEY.headers(b"{}")),
    "an array of other things": (b"[1]", KEY.headers(b"[1]")),
    "nothing": (b"", KEY.headers(b"")),
    "too deep a nest": (b"[" * 100_000, KEY.headers(b"[" * 100_000)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_malformed_and_what_is_wrongly_signed_get_the_same_answer(
    client: FlaskClient, database: Database, case: str
) -> None:
    body, headers = REFUSED[case]
    answer = client.post(URL, data=body, headers=headers)
    assert (answer.status_code, answer.data) == (401, b"Not a signed batch of events.\n")
    assert not bodies(database)


def test_a_body_over_the_limit_is_refused(client: FlaskClient, database: Database) -> None:
    body = b"[" + b" " * LARGEST_BODY + b"]"
    assert client.post(URL, data=body, headers=KEY.headers(body)).status_code == 413
    assert not bodies(database)


def test_without_a_key_there_is_no_webhook(database: Database) -> None:
    body = b"[]"
    answer = create_app(database).test_client().post(URL, data=body, headers=KEY.headers(body))
    assert answer.status_code == 404


def test_the_official_example_verifies_and_only_to_the_last_byte() -> None:
    body = json.dumps(OFFICIAL_EVENTS, sort_keys=True, separators=(",", ":")).encode() + b"\r\n"
    assert is_signed([OFFICIAL_KEY], OFFICIAL_SIGNATURE, OFFICIAL_STAMP, body)
    assert not is_signed([OFFICIAL_KEY], OFFICIAL_SIGNATURE, OFFICIAL_STAMP, body.strip())


@pytest.mark.parametrize("key", ["not base64", "AAAA", "é"])
def test_a_setting_that_is_no_key_is_named(key: str) -> None:
    with pytest.raises(ConfigurationError, match="SENDGRID_WEBHOOK_KEYS"):
        is_signed([key], "AAAA", "1", b"[]")


@pytest.fixture
def served(database: Database) -> Iterator[str]:
    """Start a real server on the database and return its URL."""
    database.settings = replace(database.settings, sendgrid_webhook_keys=(KEY.public_key,))
    server = make_server("127.0.0.1", 0, create_app(database), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_events_go_all_the_way_from_http_to_the_roll_up(served: str, database: Database) -> None:
    campaign = sent(database)
    told = [campaign.event("delivered"), campaign.event("open", useragent=FIREFOX)]
    assert KEY.post(served + URL, told) == 204
    with Workers(database, queues=["events"], until_idle=True) as workers:
        workers.wait()
    rollup = campaign.rollup()
    assert rollup.delivered_at is not None
    assert rollup.human_opens == 1


WORDS = [
    ({"event": "processed"}, {"kind": "queued"}),
    ({"event": "deferred", "response": "451 later"}, {"kind": "deferred", "detail": {"response": "451 later"}}),
    ({"event": "delivered"}, {"kind": "delivered"}),
    ({"event": "dropped", "reason": "Bounced Address"}, {"kind": "rejected", "detail": {"reason": "Bounced Address"}}),
    ({"event": "bounce", "type": "bounce"}, {"kind": "bounced", "bounce": "hard"}),
    ({"event": "bounce", "type": "blocked", "status": "5.7.1"}, {"kind": "bounced", "bounce": "soft"}),
    ({"event": "bounce", "status": "5.1.1"}, {"kind": "bounced", "bounce": "hard"}),
    ({"event": "bounce", "status": "4.2.2"}, {"kind": "bounced", "bounce": "soft"}),
    ({"event": "bounce", "status": "5.7.1", "reason": "554 policy"}, {"kind": "bounced", "bounce": "soft"}),
    ({"event": "bounce", "status": "5.0.0", "reason": "552 mailbox full"}, {"kind": "bounced", "bounce": "soft"}),
    ({"event": "bounce", "reason": "550 5.1.1 No such user"}, {"kind": "bounced", "bounce": "hard"}),
    ({"event": "open", "sg_machine_open": True, "useragent": FIREFOX}, {"kind": "opened", "open_class": "machine"}),
    ({"event": "open", "sg_machine_open": False}, {"kind": "opened", "open_class": "unknown"}),
    ({"event": "open", "useragent": FIREFOX, "ip": "203.0.113.7"},
     {"open_class": "human", "network": "203.0.113.0/24"}),
    ({"event": "click", "url": "https://a.example"}, {"kind": "clicked", "url": "https://a.example"}),
    ({"event": "click", "url_offset": {"index": 2, "type": "html"}}, {"offset": 2}),
    ({"event": "click", "url_offset": {"index": 2, "type": "text"}}, {"offset": None}),
    ({"event": "spamreport"}, {"kind": "complained"}),
    ({"event": "unsubscribe"}, {"kind": "unsubscribed"}),
    ({"event": "group_unsubscribe", "asm_group_id": 7}, {"kind": "unsubscribed"}),
    ({"event": "group_resubscribe"}, {"kind": "subscribed"}),
    ({"event": "account_status_change", "type": "compliance_suspend"}, {"kind": "account"}),
    ({"event": "cancel_drop", "category": ["a", "b"]}, {"kind": "unknown"}),
    ({}, {"kind": "unknown", "at": NOW}),
    ({"event": "open", "timestamp": 1_700_000_000}, {"at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}),
    ({"event": "open", "timestamp": "1700000000"}, {"at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)}),
    ({"event": "delivered", "ip": "149.72.1.1"}, {"network": ""}),
    ({"event": "bounce", "type": "bounce", "reason": "550 <a@b.example> no"},
     {"detail": {"reason": "550 <[address]> no", "type": "bounce"}}),
]  # fmt: skip


@pytest.mark.parametrize(("event", "expected"), WORDS)
def test_each_event_has_its_words(event: dict[str, Any], expected: dict[str, Any]) -> None:
    happening = to_events([event], KEYS, NOW)[0]
    assert {name: getattr(happening, name) for name in expected} == expected


ODD = [None, 7, -1, 1e300, True, "", "\0", "é" * 10_000, [], {}, {"index": []}, {"index": 1e9}, [[]]]


FIELDS = ["event", "timestamp", "email", "useragent", "ip", "url", "url_offset", "type", "status", "reason", "category",
          "daisychain_delivery", "daisychain_attempt"]  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_nothing_in_an_event_breaks_it(name: str) -> None:
    for event in ("open", "bounce", "spam", "account_status_change"):
        for value in ODD:
            happening = to_events([{"event": event, name: value}], KEYS, NOW)[0]
            assert "\0" not in json.dumps(happening.detail, default=str)


def test_the_natural_key_passes_over_the_providers_id_and_nothing_else() -> None:
    event = {"event": "click", "timestamp": 1_700_000_000, "url": "https://a.example", "email": "a@b.example",
             "url_offset": {"index": 0, "type": "html"}, "daisychain_delivery": KEYS.make(KeyKind.HEADER, [1])[0],
             "daisychain_attempt": KEYS.attempt(1), "sg_event_id": "one"}  # fmt: skip

    def key(**changes: Any) -> bytes:
        return to_events([{**event, **changes}], KEYS, NOW)[0].natural_key

    assert key() == key(sg_event_id="two") == key(sg_message_id="x", email="A@b.example")
    others = [
        key(event="open"), key(timestamp=1_700_000_001), key(url="https://b.example"),
        key(daisychain_attempt=KEYS.attempt(2)), key(url_offset={"index": 1, "type": "html"}),
        key(daisychain_delivery=KEYS.make(KeyKind.HEADER, [2])[0]), key(daisychain_delivery=None),
        key(daisychain_delivery=None, email="c@d.example"),
    ]  # fmt: skip
    assert len({key(), *others}) == len(others) + 1


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        (FIREFOX, "human"),
        ("Mozilla/5.0 (Windows NT 5.1) Gecko/20070309 Firefox/11.0 (via ggpht.com GoogleImageProxy)", "human"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "human"),
        ("Mozilla/5.0", "machine"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
         "machine"),
        ("", "unknown"),
    ],
)  # fmt: skip
def test_a_proxy_opens_for_a_person_and_a_prefetch_for_nobody(user_agent: str, expected: str) -> None:
    assert judge_hit(user_agent)[0] == expected
    assert judge_hit(user_agent, known=["provider-flag"])[0] == "machine"
