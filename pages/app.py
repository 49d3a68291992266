"""The web application: all public pages, their protection and their errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, render_template, request
from flask.sessions import NullSession, SessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import text
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from daisychain.built_files import seconds_kept
from daisychain.cache import Busy
from daisychain.database import Database
from daisychain.errors import LockedError
from daisychain.secret import derive, installation_secret
from daisychain.web.own_address import at_own_address
from daisychain.web.row_numbers import RowNumber
from newsletters.toolkit_store.store import list_toolkits
from pages import (
    archive,
    image_files,
    join,
    link_targets,
    mail_of_key,
    metrics,
    preferences,
    readers,
    shared_report,
    unsubscribe,
    webhooks,
)
from pages.compressed import compress
from pages.context import engine, keep_private, privacy_contact, settings
from pages.toolkits import make_it_yours, own_packs, packs, partner_page, social, social_images, toolkit
from sender.events.hit_spool import HitSpool

OWN = (make_it_yours, own_packs, social, social_images)
ROOT = Path(__file__).parent.parent
# A webhook batch is the largest thing that anybody may post.
LARGEST_REQUEST = 4 * 1024 * 1024


class NoSessions(SessionInterface):
    """Gives each request a session that holds nothing and can't be written to: a public page sets no cookie."""

    def open_session(self, *_: object) -> NullSession:
        """Return that session."""
        return NullSession()


class Pages(Flask):
    """Flask that keeps members' keys, which are in paths, out of its log."""

    session_interface = NoSessions()

    def log_exception(self, exc_info: Any) -> None:
        """Log an error by the name of its page."""
        self.logger.error("Exception on %s [%s]", request.endpoint, request.method, exc_info=exc_info)


def create_app(database: Database) -> Flask:
    """Return the application of one database; raises ConfigurationError if a secret is missing."""
    app = Pages("daisychain", template_folder=str(ROOT / "templates/web"), static_folder=str(ROOT / "templates/static"))
    app.extensions["daisychain"] = database
    app.extensions["daisychain.hits"] = HitSpool(lambda: app.extensions["daisychain"].engine, database.settings.home)
    app.get_send_file_max_age = seconds_kept  # type: ignore[assignment, method-assign]
    app.config.update(
        SECRET_KEY=derive(installation_secret(database.settings), "cookies"),  # CSRF protection wants one
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        # It would want a Referer on https, and our pages send none: their addresses hold members' keys.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.context_processor(lambda: {"privacy_contact": privacy_contact(database.settings)})
    app.url_map.converters["int"] = RowNumber
    app.before_request(_refuse_nul)
    # Before CSRF protection: a key that is not ours is refused before a form is read to look for its token.
    mail_of_key.prepare(app, database)
    link_targets.prepare(app)
    of_readers = (readers, unsubscribe, preferences, join, archive)
    for pages in (image_files, toolkit, packs, partner_page, *OWN, *of_readers, webhooks, metrics, shared_report):
        app.register_blueprint(pages.blueprint)
    protect = CSRFProtect(app)
    # These posts come without a cookie, as public pages set none: an unguessable key or a signature is the token.
    protect.exempt(unsubscribe.blueprint)
    protect.exempt(preferences.blueprint)
    protect.exempt(webhooks.blueprint)
    protect.exempt(partner_page.blueprint)
    # A sign-up may come from a partner's own site; it leads to one mail, whose token is the key of the second post.
    protect.exempt(join.blueprint)
    # Nor do these: they keep a count and a pack's state, and nothing about the sender of the form.
    # Pictures with somebody's own name and logo are drawn and handed back; nothing of what was sent is stored.
    for pages in OWN:
        protect.exempt(pages.blueprint)

    @app.get("/")
    def front() -> str:
        with engine().connect() as connection:
            return render_template("front.html", toolkits=list_toolkits(connection))

    @app.get("/healthz")
    def healthz() -> Response:
        with engine().connect() as connection:
            connection.execute(text("SELECT 1"))
        return Response("ok\n", mimetype="text/plain")

    app.wsgi_app = at_own_address(app.wsgi_app, database.settings)  # type: ignore[assignment]
    app.after_request(_secure)
    app.after_request(compress)
    app.register_error_handler(CSRFError, _explain)
    app.register_error_handler(HTTPException, _explain)
    for kind in (Busy, LockedError):
        app.register_error_handler(kind, lambda error: _explain(ServiceUnavailable(error.in_one_line)))
    return app


def _refuse_nul() -> None:
    """Answer 404 to a path with a NUL, which no name in a database or file system has, and 400 to a broken query."""
    if "\0" in request.path:
        abort(404)
    try:
        request.query_string.decode()
    except UnicodeDecodeError:  # browsers escape every byte that is not ASCII
        abort(400, "This address is broken. Please open it from where you found it.")


def _secure(response: Response) -> Response:
    if response.status_code >= 400:  # also for a key that is replaced or mistyped, or a method that there is not
        keep_private(response)
    if settings().public_url.startswith("https://"):
        # A year, for our own host only: what else is in its domain is not ours to decide.
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
    return response


def _explain(error: HTTPException) -> tuple[str | Response, int]:
    """Show an error in plain words to people, or as plain text to programs."""
    code = error.code or 500
    if request.accept_mimetypes.accept_html:
        return render_template("error.html", code=code, message=error.description), code
    return Response(f"{error.name}\n", mimetype="text/plain"), code
