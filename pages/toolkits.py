"""Public pages of newsletters: images by content hash, and a page for each toolkit that anybody may use."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request

from daisychain.cache import Recent
from daisychain.errors import InputError
from newsletters.packs.dialects.dialect import Dialect, dialects
from newsletters.packs.offers import offered_pack, offers
from newsletters.packs.pack_status import keep_download, pack_standing
from newsletters.packs.zip_files import zipped
from newsletters.toolkit_store.showcase import Showcase, showcase
from newsletters.toolkit_store.store import UnknownToolkit, find_image, named_toolkit
from newsletters.toolkits.images import EXTENSIONS
from newsletters.toolkits.toolkit import current_day
from pages.context import engine, settings

blueprint = Blueprint("newsletters", __name__)

# The address holds the content's hash, so that what is behind it never changes.
FOR_EVER = "public, max-age=31536000, immutable"
A_WHILE = "public, max-age=300"
# By toolkit and its content, public URL and day.
_SHOWN: Recent[Showcase] = Recent(4)


@blueprint.get("/i/<name>")
def image(name: str) -> Response:
    """An image of a mail or a toolkit; the ending in its address has to be the right one."""
    hash_, _, ending = name.partition(".")
    if len(hash_) != 64 or not hash_.isalnum():
        abort(404)
    if request.if_none_match.contains(hash_):  # who has it needs nothing from us, not even that we look
        return _lasting(Response(status=304), hash_)
    with engine().connect() as connection:
        found = find_image(connection, hash_)
    if found is None or EXTENSIONS[found[0]] != ending:
        abort(404)
    media_type, content = found
    response = _lasting(Response(content, mimetype=media_type), hash_)
    response.make_conditional(request)
    return response


def _lasting(response: Response, hash_: str) -> Response:
    response.set_etag(hash_)
    response.headers["Cache-Control"] = FOR_EVER
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # webmail shows it on pages of its own
    return response


@blueprint.get("/toolkits/<name>")
def toolkit(name: str) -> Response:
    """What a campaign is, its manifesto, its copy per channel ready to be copied, and its images."""
    with engine().connect() as connection:
        try:
            found = named_toolkit(name, connection)
        except UnknownToolkit:
            abort(404)
    public_url, today = settings().pages_url, current_day()
    shown = _SHOWN.get((name, found.content_hash, public_url, today), lambda: showcase(found, public_url, today))
    with engine().connect() as connection:
        offered = offers(connection, found)
    page = Response(
        render_template("toolkit.html", show=shown, extensions=EXTENSIONS, offers=offered, dialects=_tools())
    )
    page.headers["Cache-Control"] = A_WHILE
    return page


def _tools() -> list[Dialect]:
    """The dialects by the names of their tools, those for whatever is left last."""
    return sorted(dialects().values(), key=lambda each: (each.reply_to_leave, each.name.casefold()))


@blueprint.get("/toolkits/<name>/packs/<newsletter>/<dialect>.zip")
def pack_download(name: str, newsletter: str, dialect: str) -> Response:
    """The pack without branding of a newsletter that is offered; 404 where it is not, or not any more."""
    chosen = dialects().get(dialect)
    with engine().connect() as connection:
        try:
            found = named_toolkit(name, connection)
        except UnknownToolkit:
            abort(404)
        offered = next((each for each in offers(connection, found) if each.name == newsletter), None)
    if chosen is None or offered is None:
        abort(404)
    try:
        pack = offered_pack(offered, found, chosen, settings().pages_url, current_day())
    except InputError as error:
        abort(404, error.message)
    with engine().begin() as connection:
        keep_download(connection, pack.row)
    response = Response(zipped({f"{pack.name}/{path}": content for path, content in pack.files.items()}))
    response.headers["Content-Type"] = "application/zip"
    response.headers["Content-Disposition"] = f'attachment; filename="{pack.name}.zip"'
    response.headers["Cache-Control"] = A_WHILE
    return response


@blueprint.get("/packs/<key>")
def pack(key: str) -> Response:
    """Whether a pack is current, superseded, expired or withdrawn, for whoever holds one."""
    with engine().connect() as connection:
        standing = pack_standing(connection, key, current_day())
    if standing is None:
        abort(404)
    tool = dialects().get(standing.dialect)
    page = Response(render_template("pack.html", standing=standing, tool=tool.name if tool else standing.dialect))
    page.headers["Cache-Control"] = "no-cache"  # it is asked right before sending
    return page
