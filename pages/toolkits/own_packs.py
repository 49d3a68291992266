"""Take an email that was made one's own: as a zip, onto the clipboard, or mailed to one of its people."""

from __future__ import annotations

import base64
import re
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request, url_for

from daisychain.web.row_numbers import row_number
from newsletters.make_it_yours.own_email import lacks_address
from newsletters.make_it_yours.own_preview import POLICY
from newsletters.packs.dialects.dialect import Dialect, dialects
from newsletters.packs.pack import Pack
from newsletters.toolkits.images import EXTENSIONS
from pages.context import brief_engine, keep_private, settings
from pages.toolkits.make_it_yours import PRIVATE, PUBLIC, look_of, shown_again
from pages.toolkits.own_form import OwnForm
from pages.toolkits.own_visit import OwnVisit, own_visit
from partners.taken_packs import Taker, mail_pack, mailed_pack, take_pack, zip_of

blueprint = Blueprint("own_packs", __name__)

_PICTURE = re.compile(r'(?<=src=")images/([^"]+)')


@blueprint.post(f"{PUBLIC}/take")
@blueprint.post(f"{PRIVATE}/take")
def take(toolkit: str, email: str, link: str = "") -> Any:
    """Return the pack as a zip; 422 and the page with its messages if something is missing."""
    seen, form = _asked(toolkit, email, link)
    pack = _taken(seen, form, "take")
    return _zip(pack.name, zip_of(pack)) if pack else shown_again(seen, form, 422)


@blueprint.post(f"{PUBLIC}/copy")
@blueprint.post(f"{PRIVATE}/copy")
def copy(toolkit: str, email: str, link: str = "") -> Any:
    """Return the email to be copied: its code, or for a mailbox the page with its pictures inside."""
    seen, form = _asked(toolkit, email, link)
    if (pack := _taken(seen, form, "copy")) is None:
        return shown_again(seen, form, 422)
    html, text = pack.files["email.html"].decode(), pack.files["email.txt"].decode()
    if pack.dialect.simple:
        html = _PICTURE.sub(lambda found: _inside(pack, found[1]), html)
    if request.accept_mimetypes.best == "application/json":
        return keep_private(jsonify(html=html, text=text))
    if pack.dialect.simple:
        return keep_private(Response(html, mimetype="text/html", headers={"Content-Security-Policy": POLICY}))
    shown = render_template("toolkits/copy_code.html", html=html, pack=pack, look=look_of(seen))
    return keep_private(Response(shown, mimetype="text/html"))


@blueprint.post(f"{PRIVATE}/mail")
def mail(toolkit: str, email: str, link: str) -> Any:
    """Mail the pack to one of the organisation's contacts, who is chosen by number: nobody types an address here."""
    seen, form = _asked(toolkit, email, link)
    if seen.organisation is None or seen.replaced:
        return shown_again(seen, form, 422)
    dialect = dialects().get(request.form.get("mail", "")) or abort(400)
    if not _fits(seen, form, dialect):
        return shown_again(seen, form, 422)
    contact_id = request.form.get("contact", "")
    with brief_engine().connect() as connection, form.check("tool"), connection.begin():
        pack = _make(connection, seen, form, dialect)
        chosen = row_number(contact_id) or 0
        contact = mail_pack(connection, settings(), seen.organisation, chosen, pack, _mailed_url)
        form.done = f"It is on its way to {contact.name or contact.masked}."
    return shown_again(seen, form, 422 if form.errors else 200)


@blueprint.get("/mailed-packs/<token>")
def mailed(token: str) -> Any:
    """Show a button that downloads a pack that was mailed: programs that open links use none up."""
    with brief_engine().begin() as connection:
        found = mailed_pack(connection, token)
    return _mailed_page(found[0] if found else "")


@blueprint.post("/mailed-packs/<token>")
def download_mailed(token: str) -> Any:
    """Return the pack, once."""
    with brief_engine().begin() as connection:
        found = mailed_pack(connection, token, take=True)
    return _zip(*found) if found else _mailed_page("")


def _mailed_page(name: str) -> Response:
    page = render_template("toolkits/mailed_pack.html", name=name)
    return keep_private(Response(page, 200 if name else 410, mimetype="text/html"))


def _mailed_url(token: str) -> str:
    return settings().pages_url + url_for("own_packs.mailed", token=token)


def _asked(toolkit: str, email: str, link: str) -> tuple[OwnVisit, OwnForm]:
    seen = own_visit(toolkit, email, link)
    return seen, OwnForm(seen.email, seen.kept)


def _taken(seen: OwnVisit, form: OwnForm, button: str) -> Pack | None:
    """Return the pack for the tool of a button; None if the form has errors, which it then shows."""
    dialect = dialects().get(request.form.get(button, "")) or abort(400)
    if not _fits(seen, form, dialect):
        return None
    with brief_engine().connect() as connection, form.check("tool"), connection.begin():
        return _make(connection, seen, form, dialect)
    return None


def _fits(seen: OwnVisit, form: OwnForm, dialect: Dialect) -> bool:
    form.tool = dialect.key
    form.otherwise = dialect.key in request.form.getlist("otherwise")
    form.all_errors()
    if lacks := lacks_address(form.typed.partner, dialect):
        form.errors.setdefault("address", lacks)
    return not form.errors and not seen.replaced


def _make(connection: Any, seen: OwnVisit, form: OwnForm, dialect: Dialect) -> Pack:
    taker = Taker(seen.organisation, own=seen.kept is not None)
    return take_pack(
        connection, seen.email, form.with_code, dialect, taker, otherwise=form.otherwise,
        hosted=dialect.key in request.form.getlist("hosted"),
    )  # fmt: skip


def _inside(pack: Pack, name: str) -> str:
    ending = name.rpartition(".")[2]
    media_type = next(kind for kind, each in EXTENSIONS.items() if each == ending)
    return f"data:{media_type};base64,{base64.b64encode(pack.files[f'images/{name}']).decode()}"


def _zip(name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return keep_private(Response(content, mimetype="application/zip", headers=headers))
