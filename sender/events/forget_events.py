"""Takes what is about forgotten people out of webhook bodies: of those that are kept, and of those that come late."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select, text, update

from lists.addresses import address_key
from lists.privacy.address_hash import forgotten_among
from sender.tables import WebhookBody

# Of any spelling: what is not ASCII is escaped, and an address has only ASCII.
_SAYING = text("""
    SELECT id FROM webhook_bodies
    WHERE EXISTS (SELECT FROM unnest(CAST(:keys AS text[])) AS key
                  WHERE position(key IN lower(encode(body, 'escape'))) > 0)
    ORDER BY id
""")


def bodies_about(connection: Connection, keys: Collection[str]) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the number of each kept body that names one of these addresses, and its events about them."""
    for body_id in connection.scalars(_SAYING, {"keys": list(keys)}).all():
        yield body_id, [each for each in _events(_body(connection, body_id)) if _key(each) in keys]


def forget_in_bodies(connection: Connection, keys: Collection[str]) -> int:
    """Take the events about these addresses out of all kept bodies; return how many there were."""
    taken = 0
    for body_id, events in bodies_about(connection, keys):
        taken += len(events)
        _without(connection, body_id, _events(_body(connection, body_id)), set(keys))
    return taken


def without_forgotten(connection: Connection, body_id: int, body: bytes) -> bytes:
    """Return a body that came, and keep it, without its events about people who were forgotten."""
    events = _events(body)
    keys = forgotten_among(connection, {key for each in events if (key := _key(each))})
    return _without(connection, body_id, events, keys) if keys else body


def _without(connection: Connection, body_id: int, events: list[dict[str, Any]], keys: Collection[str]) -> bytes:
    """Keep a body without what is about these addresses; its digest stays, so that it is known if it comes again."""
    kept = orjson.dumps([each for each in events if _key(each) not in keys])
    if not events or any(re.search(rb"(?<![\w.+-])" + re.escape(key.encode()), kept.lower()) for key in keys):
        # It can't be read, or names the address elsewhere: then all of it goes.
        connection.execute(delete(WebhookBody).where(WebhookBody.id == body_id))
        return b"[]"
    connection.execute(update(WebhookBody).where(WebhookBody.id == body_id).values(body=kept))
    return kept


def _body(connection: Connection, body_id: int) -> bytes:
    return bytes(connection.scalars(select(WebhookBody.body).where(WebhookBody.id == body_id)).one())


def _events(body: bytes) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(body)
    except ValueError:
        return []
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _key(event: dict[str, Any]) -> str:
    return address_key(str(event.get("email", "")))
