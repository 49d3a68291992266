"""An organisation's private page: with the link anybody sees its emails and corrects its details."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any, NoReturn

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection

from daisychain.built_files import built_file
from daisychain.cache import Busy
from daisychain.errors import InputError
from daisychain.web.networks import network_of
from daisychain.web.row_numbers import row_number
from daisychain.web.try_limits import Limit, within_limits
from newsletters.logo_files.logo_file import LARGEST_LOGO
from newsletters.packs.dialects.dialect import dialects
from newsletters.toolkits.toolkit import current_day
from pages.context import brief_engine, keep_private, settings
from pages.toolkits.own_form import LARGEST_FORM
from partners.contacts import add_contact
from partners.organisation_logos import keep_logo, read_logo
from partners.private_page import OWN_FIELDS, coalition_of, private_page, record_opening
from partners.profile_values import ProfileError
from partners.profiles import BY_LINK, PartnerProfile, ProfileChangedError, profile_of, save_profile
from partners.registry import is_replaced_link, organisation_by_link

blueprint = Blueprint("private", __name__, url_prefix="/p/<link>")

# Somebody who has a link that was passed on can change an organisation's details so often at most.
CHANGES = Limit("changes of details", 30, timedelta(hours=1))
TOO_MANY = "There were too many changes within an hour. Try later."
OF_CONTACT = ("contact_email", "contact_name")
_SAID = {"details": "Thank you. Your details are saved.", "logo": "Thank you. Your logo is kept."}
_SAID["contact"] = "Thank you. We will look at it, and then your contact gets our mail."


@blueprint.get("")
def show(link: str) -> Response:
    """Show the page, and record once a day that it was opened."""
    profile = _profile(link)
    if request.method == "GET":
        with brief_engine().begin() as connection:
            record_opening(connection, profile.organisation.id, current_day())
    return _page(link, profile, said=_SAID.get(request.args.get("kept", ""), ""))


@blueprint.post("/details")
def save(link: str) -> Response:
    """Save the details, unless somebody saved others meanwhile: then both are shown."""
    profile, typed = _profile(link), _typed()
    if not _allowed(profile):
        return _page(link, profile, typed, problem=TOO_MANY, status=429)
    base = request.form.get("base", "")
    try:
        with brief_engine().begin() as connection:
            version = row_number(base)
            save_profile(connection, profile.organisation.id, typed, BY_LINK, base=-1 if version is None else version)
    except ProfileError as error:
        return _page(link, profile, typed, errors=error.problems, base=base, status=422)
    except ProfileChangedError as error:
        return _page(link, error.theirs, typed, collided=True, status=409)
    return _kept(link, "details")


@blueprint.post("/contact")
def suggest(link: str) -> Response:
    """Suggest a contact, who gets no mail until staff accept it; the answer is the same for a known address."""
    profile = _profile(link)
    typed = {field: request.form.get(field, "") for field in OF_CONTACT}
    if not _allowed(profile):
        return _page(link, profile, typed, problem=TOO_MANY, status=429)
    try:
        with brief_engine().begin() as connection:
            add_contact(connection, profile.organisation.id, *typed.values(), suggested=True)
    except InputError as error:
        return _page(link, profile, typed, errors={"contact_email": error.message}, status=422)
    return _kept(link, "contact")


@blueprint.post("/logo")
def upload(link: str) -> Response:
    """Keep a logo, cut to its ink."""
    request.max_content_length = LARGEST_FORM  # before anything of the form is read
    profile, content = _profile(link), b""
    if file := request.files.get("logo"):
        with closing(file):
            content = file.stream.read(LARGEST_LOGO + 1)
    if not _allowed(profile):
        return _page(link, profile, problem=TOO_MANY, status=429)
    try:
        if not content:
            raise InputError("No picture was chosen.", hint="Choose a file first.")
        logo, _ = read_logo(profile.organisation, "logo", content)
    except (InputError, Busy) as error:
        return _page(link, profile, errors={"logo": error.in_one_line}, status=503 if isinstance(error, Busy) else 422)
    with brief_engine().begin() as connection:
        keep_logo(connection, profile.organisation, "logo", logo, BY_LINK)
    return _kept(link, "logo")


def _profile(link: str) -> PartnerProfile:
    """Return whose link this is; answers 410 for one that was replaced, with what was typed, and 404 for any other."""
    with brief_engine().connect() as connection:
        if organisation := organisation_by_link(connection, settings(), link):
            return profile_of(connection, organisation.id) or abort(404)
        typed = {name: request.form[name] for name in (*OWN_FIELDS, *OF_CONTACT) if name in request.form}
        return refuse_link(connection, link, typed)


def refuse_link(connection: Connection, link: str, typed: Mapping[str, str]) -> NoReturn:
    """Answer 410 for a link that was replaced, with what was `typed`, and 404 for any other."""
    if not is_replaced_link(connection, settings(), link):
        abort(404)
    page = render_template("partner/replaced.html", coalition=coalition_of(connection), typed=typed)
    abort(keep_private(make_response(page, 410)))


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in OWN_FIELDS}


def _allowed(profile: PartnerProfile) -> bool:
    network = network_of(request.remote_addr or "")
    return within_limits(brief_engine(), (CHANGES, f"{profile.organisation.id}"), (CHANGES, f"private pages {network}"))


def _kept(link: str, what: str) -> Response:
    return keep_private(make_response(redirect(url_for("private.show", link=link, kept=what), 303)))


def _page(
    link: str, profile: PartnerProfile, typed: Mapping[str, str] | None = None, *, base: str = "", status: int = 200,
    errors: Mapping[str, str] | None = None, **values: Any,
) -> Response:  # fmt: skip
    with brief_engine().begin() as connection:
        shown = private_page(connection, profile, settings().pages_url, current_day())
    page = render_template(
        "partner/page.html", page=shown, link=link, form={**profile.values, **(typed or {})}, errors=errors or {},
        base=base or profile.version, dialects=dialects(), script=built_file("public.js"), **values,
    )  # fmt: skip
    return keep_private(make_response(page, status))
