"""Public pages of toolkits: what the campaign is, and its copy, images and ready-made emails."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from daisychain.built_files import built_file
from daisychain.cache import Cache
from newsletters.compose.page_look import style_name
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.offers import fitting_tools, offers
from newsletters.toolkit_store.showcase import Showcase, showcase
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from newsletters.toolkits.images import EXTENSIONS
from newsletters.toolkits.toolkit import current_day
from pages.context import A_WHILE, engine, settings

blueprint = Blueprint("toolkits", __name__)

# By toolkit and its content, public URL and day.
_SHOWN: Cache[Showcase] = Cache(4)


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
