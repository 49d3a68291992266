"""Webhooks: what providers post to us. A signature is what they show; no form and no cookie is involved."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from pages.context import engine, keep_private, plain, settings
from sender.events.sendgrid_webhook import (
    LARGEST_BODY,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    is_recent,
    is_signed,
    parse_body,
)
from sender.events.webhook_jobs import store_body

blueprint = Blueprint("webhooks", __name__)
blueprint.after_request(keep_private)


@blueprint.post("/webhooks/sendgrid")
def sendgrid() -> Response:
    """Keep a batch of SendGrid's events if it is signed; a job takes the events in."""
    keys = settings().sendgrid_webhook_keys
    if not keys:
        abort(404)
    signature, timestamp = request.headers.get(SIGNATURE_HEADER), request.headers.get(TIMESTAMP_HEADER)
    # Before the body is read, which may take its sender's own time.
    if not signature or not timestamp or not is_recent(timestamp):
        return plain("Not a signed batch of events.", 401)
    request.max_content_length = LARGEST_BODY
    body = request.get_data(cache=False)
    if not is_signed(keys, signature, timestamp, body) or not _is_readable(body):
        return plain("Not a signed batch of events.", 401)
    with engine().begin() as connection:
        store_body(connection, body)
    return Response(status=204)


def _is_readable(body: bytes) -> bool:
    try:
        parse_body(body)
    except ValueError:
        return False
    return True
