"""Public pages of the sender: pixel, click redirect, leaving, view in browser, and the webhook.

Links to members carry a delivery's opaque key and nothing else. A GET changes nothing but the events:
programs that guard a reader's mailbox follow every link in it. Whatever is not ours is the same 404.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response as BaseResponse

from daisychain.database import Database
from daisychain.secret import installation_secret
from daisychain.urls import absolute_url
from newsletters.compiled import CompiledEmail
from newsletters.merge.merge import link_url, plan_merge
from pages.context import engine, keep_private, settings
from pages.phrases import page_words
from sender.campaigns.follow_ups import with_correction
from sender.events.intake import store_body
from sender.events.page_hits import record_hit
from sender.events.sendgrid_webhook import LARGEST_BODY, SIGNATURE_HEADER, TIMESTAMP_HEADER, is_signed, parse_body
from sender.events.unsubscribe import SCOPES, masked, unsubscribe_by_mail
from sender.links.keys import Keys
from sender.links.sent_mail import SentMail, find_sent_mail, load_emails
from sender.links.tracking import sent_references

blueprint = Blueprint("sender", __name__)
blueprint.after_request(keep_private)

# Mail programs and providers post here without cookies; an unguessable key or a signature is what they show.
WITHOUT_CSRF = ("sender.leave_by_one_click", "sender.sendgrid_webhook")

PIXEL = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
# A mail is somebody's HTML: it may look as it likes, and do nothing.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' {images}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


class _Cabinet:
    """What is made once for an app: the installation's keys, and the compiled emails that readers ask for."""

    def __init__(self, database: Database) -> None:
        self.keys = Keys(installation_secret(database.settings))
        self.email = lru_cache(maxsize=32)(self._load)

    def _load(self, compiled_id: int) -> CompiledEmail:
        with engine().connect() as connection:
            return load_emails(connection, [compiled_id])[compiled_id]


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    state.app.extensions["daisychain.sender"] = _Cabinet(state.app.extensions["daisychain"])


def _cabinet() -> _Cabinet:
    cabinet: _Cabinet = current_app.extensions["daisychain.sender"]
    return cabinet


@blueprint.before_app_request
def _refuse_foreign_keys() -> None:
    """Answer 404 to what is no key of ours before anything reads the body that came with it."""
    key = (request.view_args or {}).get("key")
    if key is not None and request.blueprint == blueprint.name:
        _delivery_id(key)


def _delivery_id(key: str) -> int:
    found = _cabinet().keys.read_delivery(key)
    return abort(404) if found is None else found


def _mailed(key: str) -> SentMail:
    """The delivery of a key; anything but a key of ours is 404."""
    delivery_id = _delivery_id(key)
    with engine().connect() as connection:
        mailed = find_sent_mail(connection, delivery_id)
    return mailed or abort(404)


@blueprint.get("/o/<key>.gif")
def pixel(key: str) -> Response:
    """The pixel of a mail; fetching it is an open, where the list's decision says that opens are counted."""
    mailed = _mailed(key)
    if mailed.counts and mailed.opens == "own" and request.method == "GET":
        with engine().begin() as connection:
            record_hit(connection, mailed, "opened", user_agent=_user_agent(), address=request.remote_addr or "")
    return Response(PIXEL, mimetype="image/gif")


@blueprint.get("/c/<key>/<int:number>")
def click(key: str, number: int) -> BaseResponse:
    """On to where a link of the mail leads; the address comes from the compiled email, never from the request."""
    mailed = _mailed(key)
    public_url = mailed.public_url or settings().pages_url
    try:
        url = link_url(_cabinet().email(mailed.compiled_id), number, mailed.inputs, public_url)
        # A link may be a member's own value, which may be nothing to go to, or no address at all.
        url = iri_to_uri(absolute_url(url, public_url))
        if urlsplit(url).scheme.lower() not in {"http", "https", "mailto"}:
            abort(404)
    except (KeyError, ValueError):
        abort(404)
    if mailed.counts and mailed.clicks == "own":
        with engine().begin() as connection:
            record_hit(
                connection, mailed, "clicked", user_agent=_user_agent(), address=request.remote_addr or "",
                link=number, machine=request.method == "HEAD",
            )  # fmt: skip
    return redirect(url, 302)


@blueprint.get("/u/<key>")
def ask_to_leave(key: str) -> str:
    """The form to leave by; it changes nothing."""
    mailed = _mailed(key)
    return render_template(
        "unsubscribe.html",
        list_name=mailed.list_name or mailed.organisation,
        organisation=mailed.organisation,
        address=masked(mailed.address),
        action=url_for("sender.leave_by_form", key=key),
        test=not mailed.counts,
        **page_words(_cabinet().email(mailed.compiled_id)),
    )


@blueprint.post("/u/<key>/leave")
def leave_by_form(key: str) -> str:
    """What a person chose on the form."""
    mailed = _mailed(key)
    scope = SCOPES.get(request.form.get("scope", ""))
    if scope is None:
        abort(400, "Please choose what to leave.")
    with engine().begin() as connection:
        unsubscribe_by_mail(connection, mailed, scope, how="unsubscribe page")
    return render_template(
        "unsubscribed.html",
        list_name=mailed.list_name or mailed.organisation,
        organisation=mailed.organisation,
        scope=scope,
        test=not mailed.counts,
        **page_words(_cabinet().email(mailed.compiled_id)),
    )


@blueprint.post("/u/<key>")
def leave_by_one_click(key: str) -> Response:
    """RFC 8058: a mail program posts on its reader's word, without cookies, and is not sent anywhere else."""
    mailed = _mailed(key)
    if request.form.get("List-Unsubscribe") != "One-Click":
        return _plain("Post List-Unsubscribe=One-Click to unsubscribe (RFC 8058).", 400)
    with engine().begin() as connection:
        unsubscribe_by_mail(connection, mailed, "list", how="one-click")
    return _plain("Unsubscribed." if mailed.counts else "This was a test mail; nothing has changed.")


@blueprint.get("/v/<key>")
def view(key: str) -> Response:
    """The mail as it was sent to this person, without the pixel."""
    mailed = _mailed(key)
    public_url = mailed.public_url or settings().pages_url
    references = sent_references(public_url, opens="off", clicks=mailed.clicks)
    merged = plan_merge(_cabinet().email(mailed.compiled_id), references).render(mailed.inputs, key)
    response = Response(with_correction(merged.html, mailed.correction), mimetype="text/html")
    origin = urlsplit(public_url)
    response.headers["Content-Security-Policy"] = MAIL_POLICY.format(images=f"{origin.scheme}://{origin.netloc}")
    return response


@blueprint.post("/webhooks/sendgrid")
def sendgrid_webhook() -> Response:
    """Keep what SendGrid tells, if it is SendGrid; the events are taken in by a job."""
    keys = settings().sendgrid_webhook_keys
    if not keys:
        abort(404)
    signature, timestamp = request.headers.get(SIGNATURE_HEADER), request.headers.get(TIMESTAMP_HEADER)
    if not signature or not timestamp:  # before the body is read, which may take its sender's own time
        return _plain("Not a signed batch of events.", 401)
    request.max_content_length = LARGEST_BODY
    body = request.get_data(cache=False)
    if not is_signed(keys, signature, timestamp, body) or not _is_readable(body):
        return _plain("Not a signed batch of events.", 401)
    with engine().begin() as connection:
        store_body(connection, body)
    return Response(status=204)


def _is_readable(body: bytes) -> bool:
    try:
        parse_body(body)
    except ValueError:
        return False
    return True


def _user_agent() -> str:
    return request.headers.get("User-Agent", "")


def _plain(message: str, status: int = 200) -> Response:
    return Response(f"{message}\n", status, mimetype="text/plain")
