"""Make it yours: a ready-made email in an organisation's own name, logo and colour, for the tool that it sends with.

Nothing is stored until something is taken: what was typed travels with the form. These posts need no token: they
change nothing but counts, and a private link is a token itself.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request

from daisychain.built_files import built_file
from daisychain.errors import InputError
from newsletters.compose.page_look import style_name
from newsletters.documents.language_names import language_name
from newsletters.make_it_yours.own_email import FOR_SAM, lacks_address
from newsletters.make_it_yours.own_preview import POLICY, preview
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.pack import Pack
from newsletters.packs.pack_status import keep_download
from newsletters.packs.partner_codes import code_for_visitor
from newsletters.packs.zip_files import zipped
from newsletters.toolkits.images import EXTENSIONS
from pages.context import engine, keep_private, settings
from pages.own_form import OwnForm
from pages.own_visit import OwnVisit, own_visit

blueprint = Blueprint("make_it_yours", __name__)

_PUBLIC, _PRIVATE = "/toolkits/<toolkit>/emails/<email>", "/p/<link>/emails/<toolkit>/<email>"
# The logo is in the page itself, as it is stored nowhere.
_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
    "object-src 'none'"
)
_PICTURE = re.compile(r'(?<=src=")images/([^"]+)')


@blueprint.get(_PUBLIC)
@blueprint.get(_PRIVATE)
def page(toolkit: str, email: str, link: str = "") -> Any:
    """Show the email, the form beside it, and the tools to take it for."""
    seen = own_visit(toolkit, email, link)
    if request.method == "GET" and not seen.replaced:
        with engine().begin() as connection:
            seen.record(connection, "looked")
    return _shown(seen, OwnForm(seen.email, seen.kept))


@blueprint.post(_PUBLIC)
@blueprint.post(_PRIVATE)
def check(toolkit: str, email: str, link: str = "") -> Any:
    """Show the same page with what was typed, what is wrong with it, and the logo as it is used."""
    seen = own_visit(toolkit, email, link)
    return _shown(seen, OwnForm(seen.email, seen.kept))


@blueprint.get(f"{_PUBLIC}/preview")
@blueprint.get(f"{_PRIVATE}/preview")
@blueprint.post(f"{_PUBLIC}/preview")
@blueprint.post(f"{_PRIVATE}/preview")
def frame(toolkit: str, email: str, link: str = "") -> Any:
    """Return the email itself for the frame, under a policy of its own."""
    seen = own_visit(toolkit, email, link)
    form = OwnForm(seen.email, seen.kept)
    root = re.sub(r"^\w+://[^/]*", "", settings().pages_url)  # on this host, whatever its name is
    shown = preview(seen.email.edition, form.typed.partner, dialects()[FOR_SAM], seen.stored_pictures(), root)
    headers = {"Content-Security-Policy": POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return keep_private(Response(shown.html, mimetype="text/html", headers=headers))


@blueprint.post(f"{_PUBLIC}/take")
@blueprint.post(f"{_PRIVATE}/take")
def take(toolkit: str, email: str, link: str = "") -> Any:
    """Return the pack as a zip; 422 and the page with its messages if something is missing."""
    seen = own_visit(toolkit, email, link)
    form = OwnForm(seen.email, seen.kept)
    if (pack := _pack(seen, form, request.form.get("take", ""))) is None:
        return _shown(seen, form, 422)
    content = zipped({f"{pack.name}/{path}": content for path, content in pack.files.items()})
    headers = {"Content-Disposition": f'attachment; filename="{pack.name}.zip"'}
    return keep_private(Response(content, mimetype="application/zip", headers=headers))


@blueprint.post(f"{_PUBLIC}/copy")
@blueprint.post(f"{_PRIVATE}/copy")
def copy(toolkit: str, email: str, link: str = "") -> Any:
    """Return the email to be copied: its code, or for a mailbox the page with its pictures inside."""
    seen = own_visit(toolkit, email, link)
    form = OwnForm(seen.email, seen.kept)
    if (pack := _pack(seen, form, request.form.get("copy", ""))) is None:
        return _shown(seen, form, 422)
    html, text = pack.files["email.html"].decode(), pack.files["email.txt"].decode()
    if pack.dialect.simple:
        html = _PICTURE.sub(lambda found: _inside(pack, found[1]), html)
    if request.accept_mimetypes.best == "application/json":
        return keep_private(jsonify(html=html, text=text))
    if pack.dialect.simple:
        return keep_private(Response(html, mimetype="text/html", headers={"Content-Security-Policy": POLICY}))
    shown = render_template("toolkits/copy_code.html", html=html, pack=pack, look=_look(seen))
    return keep_private(Response(shown, mimetype="text/html"))


def _inside(pack: Pack, name: str) -> str:
    ending = name.rpartition(".")[2]
    media_type = next(kind for kind, each in EXTENSIONS.items() if each == ending)
    return f"data:{media_type};base64,{base64.b64encode(pack.files[f'images/{name}']).decode()}"


def _pack(seen: OwnVisit, form: OwnForm, tool: str) -> Pack | None:
    """Return the pack, and keep that it was taken; None if the form has errors, which it then shows."""
    if seen.replaced:
        return None
    dialect = dialects().get(tool) or abort(400)
    form.tool = tool
    if lacks := lacks_address(form.typed.partner, dialect):
        form.errors.setdefault("address", lacks)
    if form.errors:
        return None
    with engine().begin() as connection:
        code = seen.kept.code if seen.kept else code_for_visitor(connection, form["name"])
        try:
            pack = seen.email.pack(form.with_code(code), dialect, otherwise=form.otherwise)
        except InputError as error:
            form.errors["tool"] = f"{error.message} {error.hint}".strip()
            return None
        # Somebody who only typed a name is not that organisation: nothing is kept under it.
        keep_download(connection, pack.row if seen.kept else pack.row | {"partner": ""})
        seen.record(connection, "taken", dialect.key)
    return pack


def _shown(seen: OwnVisit, form: OwnForm, status: int = 200) -> Any:
    edition = seen.email.edition
    html = render_template(
        "toolkits/make_it_yours.html", seen=seen, form=form, kit=edition.toolkit, edition=edition, email=seen.email,
        tools=seen.email.tools, language_name=language_name, look=_look(seen),
        script=built_file("own-email.js"),
    )  # fmt: skip
    response = Response(html, 410 if seen.replaced else status, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    return keep_private(response) if request.method == "POST" or seen.link else response


def _look(seen: OwnVisit) -> dict[str, str]:
    return {"style": style_name(seen.email.edition.toolkit.brand.colours)}
