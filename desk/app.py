"""The web application of the desk: its pages, its cookie, its headers and its errors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request, url_for
from flask_wtf.csrf import CSRFProtect
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from accounts.staff import names_with
from daisychain import clock
from daisychain.built_files import built_file, seconds_kept
from daisychain.cache import Busy
from daisychain.database import Database
from daisychain.errors import ConfigurationError, DaisychainError, InputError
from daisychain.secret import derive, installation_secret
from daisychain.web.own_address import at_own_address
from daisychain.web.row_numbers import RowNumber
from desk import access, home, search
from desk.account import forgotten, overview, second_factor, session, welcome
from desk.admin import audit, invitations, people, settings
from desk.admission import admit
from desk.campaigns import campaign_people, progress, steering, uncertain
from desk.forms import ASK, hint_of
from desk.imports import import_check, import_files, import_wizard
from desk.lists import list_page, list_settings, member_data, member_page, member_rights, suppression_page
from desk.navigation import menu
from desk.newsletters import blocks, editor, index, pictures, preview, test_mail, unsaved, versions
from desk.partners import (
    applications,
    look_hand_out,
    organisations,
    outdated,
    partner_contacts,
    partner_file,
    partner_logos,
    write_hand_out,
)
from desk.reports import adoption_page, report_compare, report_files, report_pages, report_sharing, trend_page
from desk.segments import question_form, segment_pages
from desk.send_wizard import approve, send_check, send_look, send_when
from desk.toolkits import (
    brand_page,
    campaign_page,
    copy_blocks,
    copy_preview,
    pictures_of_toolkit,
    publish_page,
    toolkit_list,
    toolkit_uploads,
)
from lists.kept_figures import counted_at
from newsletters.documents.language_names import language_name

ROOT = Path(__file__).parent.parent
PREFIX = "/desk"
# What a form may hold; a newsletter with all its languages is the largest.
LARGEST_FORM = 2 * 1024 * 1024
ACCOUNT = (session, forgotten, welcome, overview, second_factor)
NEWSLETTERS = (
    index, blocks, pictures, editor, preview, unsaved, versions, test_mail, send_check, send_when, approve, send_look,
)  # fmt: skip
TOOLKITS = (
    toolkit_list, toolkit_uploads, copy_blocks, copy_preview, pictures_of_toolkit, brand_page, campaign_page,
    publish_page,
)  # fmt: skip
CAMPAIGNS = (progress, campaign_people, steering, uncertain, report_pages, report_compare, report_files, report_sharing,
             adoption_page, trend_page)  # fmt: skip
ADMIN = (people, invitations, audit, settings)
PARTNERS = (
    applications, organisations, partner_contacts, partner_file, partner_logos, write_hand_out, look_hand_out, outdated,
)  # fmt: skip
LISTS = (
    list_page, list_settings, question_form, segment_pages, member_data, member_page, member_rights, suppression_page,
    import_files, import_wizard, import_check,
)  # fmt: skip
PARTS = (home, search, *LISTS, *PARTNERS, *ACCOUNT, *NEWSLETTERS, *TOOLKITS, *CAMPAIGNS, *ADMIN)
# Parts that take a file; it may be larger than a form, so that one that is too large is refused with a message.
WITH_FILES = {part.blueprint.name for part in (pictures, partner_logos, partner_file, toolkit_uploads, import_files)}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


class Desk(Flask):
    """Flask that keeps tokens, which are in paths, out of its log."""

    def log_exception(self, exc_info: Any) -> None:
        """Log an error by the name of its page."""
        self.logger.error("Exception on %s [%s]", request.endpoint, request.method, exc_info=exc_info)


def create_desk(database: Database) -> Flask:
    """Return the application of one database; raises ConfigurationError if a secret is missing."""
    app = Desk(
        "daisychain.desk", template_folder=str(ROOT / "templates/web"), static_folder=str(ROOT / "templates/static"),
        static_url_path="/static",
    )  # fmt: skip
    app.extensions["daisychain"] = database
    app.get_send_file_max_age = seconds_kept  # type: ignore[assignment, method-assign]
    https = database.settings.public_url.startswith("https://")
    path = database.settings.pages_url.partition("://")[2].partition("/")[2]
    app.config.update(
        SECRET_KEY=derive(installation_secret(database.settings), "desk"),
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        # A browser sends it to no other page of this host, public pages included.
        SESSION_COOKIE_NAME="__Secure-desk" if https else "desk",
        SESSION_COOKIE_PATH=f"{f'/{path}' if path else ''}{PREFIX}",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # The token is worth as much as the session that it belongs to.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,  # desk.admission checks, once it knows who asks
        WTF_CSRF_SSL_STRICT=False,  # Sec-Fetch-Site says it better than a Referer, which may be left out
    )
    CSRFProtect(app)
    app.before_request(_room_for_pictures)
    app.before_request(admit)
    app.after_request(_secure)
    app.url_map.converters["int"] = RowNumber
    for part in PARTS:
        app.register_blueprint(part.blueprint, url_prefix=f"{PREFIX}{part.blueprint.url_prefix or ''}")
    for kind in (HTTPException, DaisychainError, ConfigurationError):
        app.register_error_handler(kind, _explain)
    app.register_error_handler(403, _who_may)
    app.jinja_env.globals.update(
        menu=menu, who_may=access.who_may, static=_static, built_file=built_file, now=partial(datetime.now, UTC),
        endpoints=app.view_functions, counted_at=lambda: counted_at(access.connection()),
    )  # fmt: skip
    app.jinja_env.filters.update(moment=clock.shown_with_day, day=_day, language=language_name, tight=_tight)
    app.wsgi_app = at_own_address(app.wsgi_app, database.settings)  # type: ignore[assignment]
    return app


def _room_for_pictures() -> None:
    if request.blueprint in WITH_FILES:
        request.max_content_length = pictures.LARGEST_UPLOAD


def _secure(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if access.settings().public_url.startswith("https://"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _day(at: datetime | None) -> str:
    """Return a moment's day, such as "12 May", with its year if that is not this one."""
    if at is None:
        return ""
    local = at.astimezone(clock.home_zone())
    year = "" if local.year == datetime.now(UTC).year else f" {local.year}"
    return f"{local.day} {local:%B}{year}"


def _tight(html: Markup) -> Markup:
    """Return HTML of many small parts without the empty lines and indents between its tags."""
    return Markup(re.sub(r">[^\S\n]*+\n\s*+<", ">\n<", html))  # noqa: S704 - it was markup before


def _static(name: str) -> str:
    return url_for("static", filename=name)


def _explain(error: HTTPException | DaisychainError | ConfigurationError) -> tuple[str, int]:
    """Show an error in plain words; 422 if something was typed wrong, 409 if things have changed meanwhile."""
    if isinstance(error, DaisychainError):
        code, message, hint = _status(error), error.message, hint_of(error)
    elif isinstance(error, ConfigurationError):
        code, message, hint = 409, str(error).partition("\n")[0], ASK
    else:
        code, message, hint = error.code or 500, error.description or "", ""
    return render_template("desk/error.html", code=code, message=message, hint=hint), code


def _status(error: DaisychainError) -> int:
    return 422 if isinstance(error, InputError) else 503 if isinstance(error, Busy) else 409


def _who_may(error: HTTPException) -> tuple[str, int]:
    """Show who can do what this person can't."""
    name = str(error.description)
    names: list[str] = []
    if "." in name:
        with access.engine().connect() as connection:
            names = names_with(connection, name)
    return render_template("desk/error.html", code=403, message="", hint="", names=names), 403
