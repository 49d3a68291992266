"""Signing up: the form of a list, on a toolkit's page or by itself, and the page at which its link is confirmed.

A GET changes nothing: programs that guard a mailbox follow every link in it. A form may come from a partner's own site,
so nothing here needs a cookie: the first post leads to one mail, within limits, and the second's token is its key.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from daisychain.errors import InputError
from daisychain.text_direction import direction_of
from daisychain.web.translated_phrases import FALLBACK, phrases_for
from lists.sign_up.confirming import AskedSignUp, find_sign_up
from lists.sign_up.sign_up_form import PHRASES, ListForm, forms_of_toolkit, sign_up_form
from lists.sign_up.typed_sign_up import read_typed
from newsletters.compose.languages import language_given
from newsletters.compose.page_look import page_look
from newsletters.documents.language_names import own_name
from newsletters.packs.partner_codes import CODE
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from pages.context import brief_engine, keep_private, settings
from pages.toolkits.visit import visit
from partners.applications import confirm_and_credit
from sender.events.unsubscribe import masked
from sender.system_mail.sign_up_mails import ask_by_mail, network_may_sign_up

blueprint = Blueprint("join", __name__)
blueprint.after_request(keep_private)

Page = tuple[str, int]


@blueprint.get("/toolkits/<name>/join")
def of_toolkit(name: str) -> Page | Response:
    """Ask who somebody is if a toolkit has several forms; lead to its one form, or to its own link."""
    with brief_engine().begin() as connection:
        found = visit(name, connection)
        forms = forms_of_toolkit(connection, name)
        kept: dict[str, Any] = {key: request.args[key] for key in ("language",) if key in request.args}
        kept |= {"partner": found.partner} if found.partner else {}
        ways = [(form, url_for("join.show", name=form.name, toolkit=name, **kept)) for form in forms]
        if len(ways) > 1:
            shown = [(form.phrases(_language(form)).words, url) for form, url in ways]
            return _page(connection, "choice", forms[0], _language(forms[0]), ways=shown)
    own = found.show.links.get("join", "")
    if not ways and (not own or own == f"{settings().pages_url}{request.path}"):
        abort(404)
    return redirect(ways[0][1] if ways else own)


@blueprint.get("/join/<name>")
def show(name: str) -> Page:
    """Show the form of a list."""
    with brief_engine().connect() as connection:
        form = _open_form(connection, name)
        return _page(connection, "form", form, _language(form), typed={"partner": request.args.get("partner", "")})


@blueprint.post("/join/<name>")
def ask(name: str) -> Page | Response:
    """Mail a link to confirm; the answer is the same for every address, and for a program in the trap."""
    ip = request.remote_addr or ""
    # Before the page's own connection: a thread has one at a time.
    allowed = network_may_sign_up(brief_engine(), ip)
    with brief_engine().connect() as connection:
        form = _open_form(connection, name)
        language = _language(form)
        if not allowed:
            return _page(connection, "message", form, language, 429, state="often")
        typed = read_typed(request.form, for_organisations=form.for_organisations)
        if typed.errors:
            return _page(connection, "form", form, language, 422, typed=request.form, errors=typed.errors)
    ask_by_mail(
        brief_engine(), settings(), form, typed, shown=request.form.get("wording", ""), language=language, ip=ip
    )
    return redirect(url_for("join.asked", name=name, language=language, **_kept(form)), 303)


@blueprint.get("/join/asked/<name>")
def asked(name: str) -> Page:
    """Say that a mail is on its way."""
    with brief_engine().connect() as connection:
        form = _open_form(connection, name)
        return _page(connection, "message", form, _language(form), state="asked")


@blueprint.get("/join/confirm/<token>")
def look(token: str) -> Page:
    """Show what is to be confirmed, in the words that were shown; it changes nothing, however often it is asked."""
    with brief_engine().connect() as connection:
        return _standing(connection, find_sign_up(connection, token))


@blueprint.post("/join/confirm/<token>")
def confirm(token: str) -> Page:
    """Put somebody on the list by the button, once."""
    with brief_engine().begin() as connection:
        found, outcome = confirm_and_credit(connection, settings(), token)
        if found is None or outcome is None:
            return _standing(connection, found)
        state = "refused" if outcome == "refused" else "done"
        return _page(connection, "message", found.form, found.language, state=state)


def _standing(connection: Connection, found: AskedSignUp | None) -> Page:
    """Show a sign-up that waits, or say what to do next with a link that does not work, or not any more."""
    if found is None:
        words = phrases_for(PHRASES, request.accept_languages.best or FALLBACK)
        return render_template("join/message.html", state="lost", again="", look={}, **words._asdict()), 404
    if found.standing == "waiting":
        address = masked(found.address.written)
        return _page(
            connection, "confirm", found.form, found.language, wording=found.wording, found=found, address=address
        )
    state = "refused" if found.outcome == "refused" else found.standing
    return _page(connection, "message", found.form, found.language, 410 if state == "ended" else 200, state=state)


def _open_form(connection: Connection, name: str) -> ListForm:
    """Return a list's form; 404 if it has none, and a page that says so if it is closed."""
    try:
        form = sign_up_form(connection, name)
    except InputError:
        abort(404)
    if not form.wordings:
        abort(404)
    if not form.is_open:
        abort(make_response(*_page(connection, "message", form, _language(form), 404, state="closed")))
    return form


def _language(form: ListForm) -> str:
    """Return the language that was chosen, or else the reader's, if the form has a wording in it."""
    wanted = request.values.get("language") or request.accept_languages.best_match(list(form.wordings))
    return form.wording(language_given(wanted, form.wordings, FALLBACK)).language


def _kept(form: ListForm) -> dict[str, Any]:
    """Return what goes on from page to page: the toolkit whose look they have, and the partner's code."""
    toolkit, partner = request.values.get("toolkit", ""), request.values.get("partner", "")
    kept = {"toolkit": toolkit} if toolkit in form.toolkits else {}
    return kept | ({"partner": partner} if CODE.fullmatch(partner) else {})


def _page(
    connection: Connection, template: str, form: ListForm, language: str, status: int = 200, **values: Any
) -> Page:
    """Return a page in the look of the toolkit that led here, or of the form's first one."""
    kept = _kept(form)
    toolkit = kept.get("toolkit", "")
    values = {"wording": form.wording(language), **values}
    here = {code: url_for("join.show", name=form.name, language=code, **kept) for code in form.wordings}
    languages = [(code, own_name(code), url) for code, url in here.items() if code != language]
    page = render_template(
        f"join/{template}.html", form=form, look=_look(connection, [toolkit, *form.toolkits]), toolkit=toolkit,
        again=here.get(language, "") if form.is_open else "", languages=languages,
        wording_direction=direction_of(values["wording"].language), **values, **form.phrases(language)._asdict(),
    )  # fmt: skip
    return page, status


def _look(connection: Connection, toolkits: list[str]) -> dict[str, str]:
    for name in filter(None, toolkits):
        try:
            brand = named_toolkit(name, connection).brand
        except UnknownToolkit:
            continue
        files = (logo.path.rpartition("/")[2] if logo else "" for logo in (brand.logo, brand.dark_logo))
        return page_look(brand, *files)
    return {}
