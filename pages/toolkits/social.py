"""Door 2 of a toolkit: posts by network, their pictures and a timetable.

A post draws pictures with somebody's own name, logo and colour. It stores nothing but that pictures were taken, so it
needs no token; from a private link the organisation's link is the token.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for

from daisychain.cache import Busy
from daisychain.database import database_now
from daisychain.errors import InputError
from newsletters.packs.partner import Partner
from newsletters.packs.social_posts import NETWORKS, length
from newsletters.social.post_pictures import branded_zip, on_picture, why_no_pictures
from newsletters.social.posting_plan import calendar_file, posting_plan
from newsletters.social.shapes import SHAPES
from pages.context import PRIVATE_HEADERS, engine, keep_private, settings
from pages.toolkits.own_form import LARGEST_FORM
from pages.toolkits.partner_page import refuse_link
from pages.toolkits.picture_form import PictureForm
from pages.toolkits.social_images import post_of
from pages.toolkits.visit import Visit, visit
from partners.partner_events import record_partner_event
from partners.registry import organisation_by_code, organisation_by_link, partner_of_organisation

blueprint = Blueprint("social", __name__)

_PUBLIC, _PRIVATE = "/toolkits/<name>/social", "/p/<link>/social/<name>"


@blueprint.get(_PUBLIC)
@blueprint.get(_PRIVATE)
def posts(name: str, link: str = "") -> Any:
    """Show the posts that fit the chosen network, or all, with their pictures, and when to post what."""
    with engine().begin() as connection:
        seen = visit(name, connection)
    return _page(seen, PictureForm(_kept(link)), link)


@blueprint.post(_PUBLIC)
@blueprint.post(_PRIVATE)
def branded(name: str, link: str = "") -> Any:
    """Return the pictures of one post with somebody's own name, logo and colour, as a zip; nothing of it is kept."""
    with engine().begin() as connection:
        seen = visit(name, connection)
    form = PictureForm(_kept(link))
    piece = post_of(seen, request.form.get("post", ""))
    if form.errors:
        return _page(seen, form, link, 422)
    try:
        content = branded_zip(seen.toolkit, piece, form.partner)
    except (InputError, Busy) as error:
        form.errors["name"] = error.in_one_line
        return _page(seen, form, link, 503 if isinstance(error, Busy) else 422)
    with engine().begin() as connection:
        code = seen.partner
        found = organisation_by_link(connection, settings(), link) if link else organisation_by_code(connection, code)
        record_partner_event(
            connection, "pictures", toolkit=name, language=piece.language, organisation_id=found.id if found else None
        )
    named = {"Content-Disposition": f'attachment; filename="{name}-{piece.block.id}.zip"'}
    return keep_private(Response(content, mimetype="application/zip", headers=named))


@blueprint.get("/toolkits/<name>/social/timetable.ics")
def timetable(name: str) -> Response:
    """Return when to post what, as a file for calendars."""
    with engine().begin() as connection:
        seen, now = visit(name, connection), database_now(connection)
    page = f"{settings().pages_url}{seen.path('social')}"
    content = calendar_file(posting_plan(seen.show, seen.language), seen.toolkit.title, page, now)
    named = {"Content-Disposition": f'attachment; filename="{name}-timetable.ics"'}
    return Response(content, mimetype="text/calendar", headers=named)


def _kept(link: str) -> Partner | None:
    """Return the brand of the organisation with this private link; 410 if it was replaced, 404 if there is none."""
    if not link:
        return None
    with engine().connect() as connection:
        if (found := organisation_by_link(connection, settings(), link)) is None:
            request.max_content_length = LARGEST_FORM  # before anything of the form is read
            refuse_link(connection, link, {name: request.form.get(name, "") for name in ("name", "accent")})
        return partner_of_organisation(connection, found)


def _page(seen: Visit, form: PictureForm, link: str, status: int = 200) -> Any:
    network = request.args.get("network", "")
    pieces = seen.show.pieces("social", seen.language)
    fits = {
        piece.block.id: [each for each in NETWORKS if length(seen.mark.in_text(piece.text), each) <= NETWORKS[each][1]]
        for piece in pieces
    }
    counts = {each: sum(each in found for found in fits.values()) for each in NETWORKS}
    on = {piece.block.id: on_picture(seen.toolkit, piece) for piece in pieces}
    action = url_for("social.branded", name=seen.toolkit.name, link=link) if link else seen.path("social")
    answer = seen.page(
        "toolkits/social.html", form=form, networks=NETWORKS, network=network if network in NETWORKS else "",
        pieces=[piece for piece in pieces if network not in NETWORKS or network in fits[piece.block.id]],
        fits=fits, counts=counts, on=on, missing={post: why_no_pictures(each) for post, each in on.items()},
        plan=posting_plan(seen.show, seen.language), shapes=SHAPES, action=action, link=link,
    )  # fmt: skip
    answer.status_code = status
    if link or request.method == "POST":
        answer.headers.update(PRIVATE_HEADERS)
    return answer
