"""Public pages of toolkits: one for each, its images and ready-made emails, and whether a pack is current."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import Connection

from daisychain.built_files import built_file
from daisychain.cache import Cache
from daisychain.errors import InputError
from newsletters.compose.page_look import style_name, style_sheet
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.offers import fitting_tools, offered_pack, offers
from newsletters.packs.pack_status import keep_download, pack_standing
from newsletters.packs.zip_files import zipped
from newsletters.toolkit_store.showcase import Showcase, showcase
from newsletters.toolkit_store.store import UnknownToolkit, find_image, named_toolkit
from newsletters.toolkits.images import EXTENSIONS
from newsletters.toolkits.toolkit import current_day
from pages.context import engine, settings

blueprint = Blueprint("toolkits", __name__)

# The address holds the content's hash, so that what is behind it never changes.
FOR_EVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
A_WHILE = "public, max-age=300"
# By toolkit and its content, public URL and day.
_SHOWN: Cache[Showcase] = Cache(4)


@blueprint.get("/i/<name>")
def image(name: str) -> Response:
    """Return an image of a mail or a toolkit; the ending in its address has to be the right one."""
    hash_, _, ending = name.partition(".")
    if len(hash_) != 64 or not hash_.isalnum():
        abort(404)
    if request.if_none_match.contains(hash_):  # a browser that has the image needs no look at the database
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


@blueprint.get("/style/<name>.css")
def style(name: str) -> Response:
    """Return the style sheet of a brand's colours, which are its name."""
    return Response(style_sheet(name) or abort(404), mimetype="text/css", headers={"Cache-Control": A_DAY})


@blueprint.get("/toolkits/<name>")
def toolkit(name: str) -> tuple[str, dict[str, str]]:
    """Show a toolkit: its manifesto, its copy for each channel, ready to be copied, and its images."""
    with engine().connect() as connection:
        try:
            found = named_toolkit(name, connection)
        except UnknownToolkit:
            abort(404)
    public_url, today = settings().pages_url, current_day()
    shown = _SHOWN.get((name, found.content_hash, public_url, today), lambda: showcase(found, public_url, today))
    with engine().connect() as connection:
        fitting = {each: fitting_tools(each, found, public_url, today) for each in offers(connection, found)}
    # By the names of their tools; the general ones come last.
    tools = sorted(dialects().values(), key=lambda each: (each.reply_to_leave, each.name.casefold()))
    page = render_template(
        "toolkits/toolkit.html", show=shown, extensions=EXTENSIONS, dialects=tools,
        offers=[each for each, keys in fitting.items() if keys], fitting=fitting,
        look={"style": style_name(found.brand.colours)}, script=built_file("public.js"),
    )  # fmt: skip
    return page, {"Cache-Control": A_WHILE}


@blueprint.get("/toolkits/<name>/packs/<newsletter>/<dialect>.zip")
def pack_download(name: str, newsletter: str, dialect: str) -> Response:
    """Return the pack without branding of a newsletter; 404 if it is not offered."""
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
    content = zipped({f"{pack.name}/{path}": content for path, content in pack.files.items()})
    headers = {"Content-Disposition": f'attachment; filename="{pack.name}.zip"', "Cache-Control": A_WHILE}
    return Response(content, mimetype="application/zip", headers=headers)


@blueprint.get("/packs/<pack_key>")
def pack(pack_key: str) -> tuple[str, dict[str, str]]:
    """Show whether a pack is current, superseded, expired or withdrawn."""
    with engine().connect() as connection:
        standing = pack_standing(connection, pack_key, current_day())
        if standing is None:
            abort(404)
        look = _look_of(standing.toolkit, connection)
    tool = dialects().get(standing.dialect)
    page = render_template(
        "toolkits/pack.html", standing=standing, tool=tool.name if tool else "another tool", look=look
    )
    return page, {"Cache-Control": "no-cache"}  # people look right before they send


def _look_of(toolkit_name: str, connection: Connection) -> dict[str, str]:
    try:
        return {"style": style_name(named_toolkit(toolkit_name, connection).brand.colours)}
    except UnknownToolkit:
        return {}
