"""Public pages of newsletters: images by content hash, and a page for each toolkit that anybody may use."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request

from daisychain.web import engine, settings
from newsletters.images import EXTENSIONS
from newsletters.shelf import UnknownToolkit, find_image, named_toolkit
from newsletters.showcase import showcase
from newsletters.toolkit import current_day

blueprint = Blueprint("newsletters", __name__)

# The address holds the content's hash, so that what is behind it never changes.
FOR_EVER = "public, max-age=31536000, immutable"
A_WHILE = "public, max-age=300"


@blueprint.get("/i/<name>")
def image(name: str) -> Response:
    """An image of a mail or a toolkit; the ending in its address has to be the right one."""
    hash_, _, ending = name.partition(".")
    if len(hash_) != 64 or not hash_.isalnum():
        abort(404)
    with engine().connect() as connection:
        found = find_image(connection, hash_)
    if found is None or EXTENSIONS[found[0]] != ending:
        abort(404)
    media_type, content = found
    response = Response(content, mimetype=media_type)
    response.set_etag(hash_)
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # webmail shows it on pages of its own
    response.make_conditional(request)
    return response


@blueprint.get("/toolkits/<name>")
def toolkit(name: str) -> Response:
    """What a campaign is, its manifesto, its copy per channel ready to be copied, and its images."""
    with engine().connect() as connection:
        try:
            found = named_toolkit(name, connection)
        except UnknownToolkit:
            abort(404)
    public_url = settings().public_url or request.url_root.rstrip("/")
    shown = showcase(found, public_url, current_day())
    page = Response(render_template("toolkit.html", show=shown, extensions=EXTENSIONS))
    page.headers["Cache-Control"] = A_WHILE
    return page
