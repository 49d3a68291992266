"""Packs without branding as downloads, and whether a pack is current."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template
from sqlalchemy import Connection

from daisychain.errors import InputError
from newsletters.compose.page_look import style_name
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.offers import offered_pack, offers
from newsletters.packs.pack_status import keep_download, pack_standing
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from newsletters.toolkits.toolkit import current_day
from pages.context import A_WHILE, brief_engine, engine, settings
from partners.taken_packs import zip_of

blueprint = Blueprint("packs", __name__)


@blueprint.get("/toolkits/<name>/packs/<newsletter>/<dialect>.zip")
def download(name: str, newsletter: str, dialect: str) -> Response:
    """Return the pack without branding of a newsletter; 404 if it is not offered."""
    chosen = dialects().get(dialect) or abort(404)
    try:
        with engine().connect() as connection:
            found = named_toolkit(name, connection)
            offered = next((each for each in offers(connection, found) if each.name == newsletter), None) or abort(404)
        pack = offered_pack(offered, found, chosen, settings().pages_url, current_day())
    except UnknownToolkit:
        abort(404)
    except InputError as error:
        abort(404, error.message)
    with brief_engine().begin() as connection:
        keep_download(connection, pack.row)
    headers = {"Content-Disposition": f'attachment; filename="{pack.name}.zip"', "Cache-Control": A_WHILE}
    return Response(zip_of(pack), mimetype="application/zip", headers=headers)


@blueprint.get("/packs/<pack_key>")
def pack(pack_key: str) -> tuple[str, dict[str, str]]:
    """Show whether a pack is current, superseded, expired or withdrawn."""
    with engine().connect() as connection:
        standing = pack_standing(connection, pack_key, current_day()) or abort(404)
        look = _look_of(standing.toolkit, connection)
    tool = dialects().get(standing.dialect)
    tool_name = tool.name if tool else "another tool"
    page = render_template("toolkits/pack.html", standing=standing, tool=tool_name, look=look)
    return page, {"Cache-Control": "no-cache"}  # people look right before they send


def _look_of(toolkit_name: str, connection: Connection) -> dict[str, str]:
    try:
        return {"style": style_name(named_toolkit(toolkit_name, connection).brand.colours)}
    except UnknownToolkit:
        return {}
