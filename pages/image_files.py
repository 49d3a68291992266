"""Images of mails and toolkits, and style sheets of brands, as public files."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from newsletters.compose.page_look import style_sheet
from newsletters.toolkit_store.page_pictures import WIDTHS, sized_picture
from newsletters.toolkit_store.store import find_image
from newsletters.toolkits.images import EXTENSIONS
from pages.context import engine

blueprint = Blueprint("images", __name__)

# The address holds the content's hash, so that what is behind it never changes.
FOR_EVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
_SIZED = {f"{width}.webp" for width in WIDTHS}


@blueprint.get("/i/<name>")
def image(name: str) -> Response:
    """Return an image of a mail or a toolkit; the ending in its address has to be the right one.

    With a width behind its hash, it is a smaller one for web pages.
    """
    stem, _, ending = name.partition(".")
    hash_, _, width = stem.partition("-")
    if len(hash_) != 64 or not hash_.isalnum() or (width and f"{width}.{ending}" not in _SIZED):
        abort(404)
    if request.if_none_match.contains(stem):  # a browser that has the image needs no look at the database
        return _lasting(Response(status=304), stem)
    with engine().connect() as connection:
        found = find_image(connection, hash_)
    if found is None or (not width and EXTENSIONS[found[0]] != ending):
        abort(404)
    media_type, content = ("image/webp", sized_picture(found[1], hash_, int(width))) if width else found
    response = _lasting(Response(content, mimetype=media_type), stem)
    response.make_conditional(request)
    return response


def _lasting(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # webmail shows it on pages of its own
    return response


@blueprint.get("/style/<name>.css")
def style(name: str) -> Response:
    """Return the style sheet of a brand's colours, which are its name."""
    return Response(style_sheet(name) or abort(404), mimetype="text/css", headers={"Cache-Control": A_DAY})
