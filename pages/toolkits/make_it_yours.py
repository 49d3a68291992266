"""Make it yours: a ready-made email in an organisation's own name, logo and colour, for the tool that it sends with.

Nothing is stored until something is taken: what was typed travels with the form. These posts need no token: they
change nothing but counts, and a private link is a token itself.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, render_template, request

from daisychain.built_files import built_file
from newsletters.compose.page_look import style_name
from newsletters.documents.language_names import language_name
from newsletters.make_it_yours.own_email import FOR_SAM
from newsletters.make_it_yours.own_preview import POLICY, preview
from newsletters.packs.dialects.dialect import dialects
from pages.context import engine, keep_private, settings
from pages.toolkits.own_form import OwnForm
from pages.toolkits.own_visit import OwnVisit, own_visit

blueprint = Blueprint("make_it_yours", __name__)

PUBLIC, PRIVATE = "/toolkits/<toolkit>/emails/<email>", "/p/<link>/emails/<toolkit>/<email>"
# The logo is in the page itself, as it is stored nowhere.
_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
    "object-src 'none'"
)


@blueprint.get(PUBLIC)
@blueprint.get(PRIVATE)
def page(toolkit: str, email: str, link: str = "") -> Any:
    """Show the email, the form beside it, and the tools to take it for."""
    seen = own_visit(toolkit, email, link)
    if request.method == "GET" and not seen.replaced:
        with engine().begin() as connection:
            seen.record_look(connection)
    return shown_again(seen, OwnForm(seen.email, seen.kept))


@blueprint.post(PUBLIC)
@blueprint.post(PRIVATE)
def check(toolkit: str, email: str, link: str = "") -> Any:
    """Show the same page with what was typed, what is wrong with it, and the logo as it is used."""
    seen = own_visit(toolkit, email, link)
    return shown_again(seen, OwnForm(seen.email, seen.kept))


@blueprint.get(f"{PUBLIC}/preview")
@blueprint.get(f"{PRIVATE}/preview")
@blueprint.post(f"{PUBLIC}/preview")
@blueprint.post(f"{PRIVATE}/preview")
def frame(toolkit: str, email: str, link: str = "") -> Any:
    """Return the email itself for the frame, under a policy of its own."""
    seen = own_visit(toolkit, email, link)
    form = OwnForm(seen.email, seen.kept)
    root = re.sub(r"^\w+://[^/]*", "", settings().pages_url)  # on this host, whatever its name is
    shown = preview(seen.email.edition, form.typed.partner, dialects()[FOR_SAM], seen.stored_pictures(), root)
    headers = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return keep_private(Response(shown.html, mimetype="text/html", headers=headers))


def shown_again(seen: OwnVisit, form: OwnForm, status: int = 200) -> Any:
    """Return the page with the form as it was sent."""
    edition = seen.email.edition
    html = render_template(
        "toolkits/make_it_yours.html", seen=seen, form=form, kit=edition.toolkit, edition=edition, email=seen.email,
        tools=seen.email.tools, language_name=language_name, contacts=seen.contacts(), look=look_of(seen),
        script=built_file("own-email.js"),
    )  # fmt: skip
    response = Response(html, 410 if seen.replaced else status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return keep_private(response) if request.method == "POST" or seen.link else response


def look_of(seen: OwnVisit) -> dict[str, str]:
    """Return the look of a page in the colours of the email's toolkit."""
    return {"style": style_name(seen.email.edition.toolkit.brand.colours)}
