"""Public pages of toolkits: what the campaign is, and two of its three doors: emails, and copy for websites."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, url_for

from daisychain.text_direction import direction_of
from lists.sign_up.sign_up_form import forms_of_toolkit
from lists.sign_up.snippet import embedded_form
from newsletters.documents.language_names import own_name
from newsletters.preview.offer_cards import offer_cards
from newsletters.preview.offer_pictures import find_offer_picture
from newsletters.social.banner_code import banner_codes
from newsletters.toolkit_store.page_pictures import sized_name, widths_for
from newsletters.toolkit_store.website_code import website_pictures, website_pieces
from newsletters.toolkits.campaign import lead_of
from newsletters.toolkits.images import EXTENSIONS
from pages.context import engine, settings
from pages.image_files import A_DAY
from pages.toolkits.visit import visit

blueprint = Blueprint("toolkits", __name__)
blueprint.add_app_template_filter(own_name, "own_name")
blueprint.add_app_template_filter(direction_of, "direction")


@blueprint.app_context_processor
def _for_pictures() -> dict[str, Any]:
    def sized(image: Any, width: int) -> str:
        return url_for("images.image", name=sized_name(image, width))

    return {"sized": sized, "widths_for": widths_for, "extensions": EXTENSIONS}


@blueprint.get("/toolkits/<name>")
def toolkit(name: str) -> Any:
    """Show what a campaign is, and the doors to its emails, posts and website copy."""
    with engine().begin() as connection:
        found = visit(name, connection)
        offered = offer_cards(connection, found.toolkit, settings().pages_url, found.show.today)
        forms = forms_of_toolkit(connection, name)
        links = dict(found.show.links)
        if forms and "join" in links:
            links["join"] = f"{settings().pages_url}/toolkits/{name}/join"
        join = found.path("join") if forms else links.get("join", "")
    lead, rest = lead_of(found.toolkit.summary)
    ways = sorted({"as an organisation" if form.for_organisations else "as a supporter" for form in forms})
    return found.page(
        "toolkits/toolkit.html",
        offered=offered,
        lead=lead,
        rest=rest,
        links=links,
        join=join,
        join_as=", or ".join(ways),
    )


@blueprint.get("/toolkits/<name>/emails")
def emails(name: str) -> Any:
    """Show the ready-made emails that can be taken today, and texts for a newsletter of one's own."""
    with engine().begin() as connection:
        found = visit(name, connection)
        offered = offer_cards(connection, found.toolkit, settings().pages_url, found.show.today)
    return found.page("toolkits/emails.html", offered=offered)


@blueprint.get("/toolkits/<name>/website")
def website(name: str) -> Any:
    """Show a story, texts and pictures for a website, each with its code."""
    with engine().begin() as connection:
        found = visit(name, connection)
        forms = [each for each in forms_of_toolkit(connection, name) if not each.for_organisations]
    codes = [
        (form, embedded_form(form, settings().pages_url, language=found.language, partner=found.partner))
        for form in forms
    ]
    address, mark = settings().pages_url, found.mark.marked
    return found.page(
        "toolkits/website.html", sign_ups=codes, pieces=website_pieces(found.show, found.language),
        banners=banner_codes(found.show, found.language, address, mark),
        pictures=website_pictures(found.show, address, mark),
    )  # fmt: skip


@blueprint.get("/toolkits/<name>/emails/<email>/picture")
def email_picture(name: str, email: str) -> Response:
    """Return the small picture of an offered email."""
    with engine().connect() as connection:
        content = find_offer_picture(connection, name, email) or abort(404)
    return Response(content, mimetype="image/webp", headers={"Cache-Control": A_DAY})
