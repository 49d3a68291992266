"""Public pages for readers of a mail: its pixel, its links, and the mail in a browser.

Links to members carry an opaque key for one page and one mail, and nothing else. A GET changes nothing but the events:
programs that guard a reader's mailbox follow every link in it. Any other key gets the same 404.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from daisychain.web.networks import network_of
from newsletters.merge.link_removal import without_links
from newsletters.merge.merge import plan_merge
from newsletters.tokens import Kind
from pages.context import keep_private, settings
from pages.link_targets import target
from pages.mail_of_key import email_of, id_of, link_keys, mail_of
from sender.campaigns.follow_ups import with_correction
from sender.event import LONGEST_USER_AGENT
from sender.events.hit_spool import HitSpool
from sender.events.page_hits import Hit
from sender.links.tracking import sent_references

blueprint = Blueprint("readers", __name__)
blueprint.after_request(keep_private)

PIXEL = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
# A mail is somebody's HTML: it may look as it likes, and do nothing.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' {images}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


@blueprint.get("/o/<key>.gif")
def pixel(key: str) -> Response:
    """Return the pixel of a mail, also of one that is not known; fetching it is an open if the list counts opens."""
    _keep("opened", id_of(key))
    return Response(PIXEL, mimetype="image/gif")


@blueprint.get("/c/<key>/<int:number>")
def click(key: str, number: int) -> BaseResponse:
    """Redirect to where a link of the mail leads."""
    mail, url = target(key, number)
    _keep("clicked", mail, number)
    return redirect(url, 302)


def _keep(kind: Literal["opened", "clicked"], mail: int, link: int | None = None) -> None:
    """Keep a hit to be stored in a moment; of the reader's own address only the network."""
    spool: HitSpool = current_app.extensions["daisychain.hits"]
    program, network = request.headers.get("User-Agent", "")[:LONGEST_USER_AGENT], network_of(request.remote_addr or "")
    spool.add(Hit(mail, kind, program, network, link, head=request.method == "HEAD"))


@blueprint.get("/v/<key>")
def view(key: str) -> Response:
    """Show the mail as it was sent to this person, for twelve months.

    The pixel is left out, and so are the links to this page and to the reader's choices: a view may be passed on.
    """
    mailed = mail_of(key)
    if mailed.view_ended:
        return make_response(render_template("view_ended.html", organisation=mailed.organisation), 410)
    public_url = mailed.public_url or settings().pages_url
    references = sent_references(public_url, opens="off", clicks=mailed.clicks, preferences=False)
    email = email_of(mailed)
    email = replace(email, html=without_links(email.html, email.mint.write(Kind.VIEW)))
    merged = plan_merge(email, references).render(mailed.inputs, link_keys(mailed))
    response = Response(with_correction(merged.html, mailed.correction), mimetype="text/html")
    origin = urlsplit(public_url)
    response.headers["Content-Security-Policy"] = MAIL_POLICY.format(images=f"{origin.scheme}://{origin.netloc}")
    return response
