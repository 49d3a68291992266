"""Pictures of a toolkit's posts, and its banners and badge, drawn when they are first asked for."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from daisychain.cache import Busy
from daisychain.errors import InputError
from newsletters.social.banners import BANNERS, FORMS, drawn_banner
from newsletters.social.post_pictures import SIZES, drawn_post
from newsletters.social.social_picture import DrawnPicture
from newsletters.toolkit_store.showcase import CopyToPaste
from newsletters.toolkits.images import EXTENSIONS
from pages.context import engine
from pages.image_files import A_DAY
from pages.toolkits.visit import Visit, visit

blueprint = Blueprint("social_images", __name__)


@blueprint.get("/toolkits/<name>/social/<post>/<size>")
def picture(name: str, post: str, size: str) -> Response:
    """Return a picture of a post, drawn when it is first asked for."""
    if size not in SIZES:
        abort(404)
    with engine().begin() as connection:
        seen = visit(name, connection)
    piece = post_of(seen, post)
    try:
        return _image(drawn_post(seen.toolkit, piece, size), f"{name}-{post}-{size}")
    except (InputError, Busy) as error:
        abort(503 if isinstance(error, Busy) else 404, error.message)


@blueprint.get("/toolkits/<name>/banners/<language>/<file>")
def banner(name: str, language: str, file: str) -> Response:
    """Return a banner or badge in a language; its address stays the same when the campaign's words change."""
    key, _, form = file.partition(".")
    with engine().begin() as connection:
        seen = visit(name, connection)
    if key not in BANNERS or form not in FORMS or language not in seen.show.languages:
        abort(404)
    try:
        answer = _image(drawn_banner(seen.toolkit, key, language, form), "")
    except InputError as error:
        abort(404, error.message)
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # other websites show it
    return answer


def post_of(seen: Visit, post: str) -> CopyToPaste:
    """Return the post with this id; 404 if it may not be used today."""
    pieces = seen.show.channels.get("social", [])
    return next((piece for piece in pieces if piece.block.id == post), None) or abort(404)


def _image(drawn: DrawnPicture, name: str) -> Response:
    answer = Response(drawn.content, mimetype=drawn.media_type, headers={"Cache-Control": A_DAY})
    if name:
        answer.headers["Content-Disposition"] = f'inline; filename="{name}.{EXTENSIONS[drawn.media_type]}"'
    return answer
