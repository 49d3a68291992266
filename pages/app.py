"""The front door for the web: gathers the rooms' pages. Private by default; the pages here are the public ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy import text
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from daisychain.database import Database
from daisychain.secret import derive, installation_secret
from newsletters.toolkit_store.store import list_toolkits
from pages import metrics, readers, toolkits
from pages.request_limits import Intake

ROOT = Path(__file__).parent.parent
# A webhook batch is the largest thing that anybody may post.
LARGEST_REQUEST = 4 * 1024 * 1024


class Pages(Flask):
    """Flask that keeps members' keys, which stand in paths, out of its log."""

    def log_exception(self, exc_info: Any) -> None:
        """Log an error by the name of its page."""
        self.logger.error("Exception on %s [%s]", request.endpoint, request.method, exc_info=exc_info)


def create_app(database: Database) -> Flask:
    """The application over one database; raises ConfigurationError where a secret is missing."""
    app = Pages("daisychain", template_folder=str(ROOT / "templates/web"), static_folder=str(ROOT / "templates/static"))
    app.extensions["daisychain"] = database
    app.config.update(
        SECRET_KEY=derive(installation_secret(database.settings), "cookies"),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=database.settings.public_url.startswith("https://"),
        # A form that lies open for a week is still the reader's own wish to leave.
        WTF_CSRF_TIME_LIMIT=None,
        # It would want a Referer on https, and our pages send none: their addresses hold members' keys.
        WTF_CSRF_SSL_STRICT=False,
    )
    # The rooms come first: a key that is none of ours is refused before a form is read to look for its token.
    for room in (toolkits, readers):
        app.register_blueprint(room.blueprint)
    app.register_blueprint(metrics.blueprint)
    protect = CSRFProtect(app)
    for endpoint in readers.WITHOUT_CSRF:
        protect.exempt(app.view_functions[endpoint])

    @app.get("/")
    def front() -> str:
        with database.engine.connect() as connection:
            return render_template("front.html", toolkits=list_toolkits(connection))

    @app.get("/healthz")
    def healthz() -> Response:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return Response("ok\n", mimetype="text/plain")

    app.wsgi_app = Intake(app.wsgi_app)  # type: ignore[method-assign]
    app.after_request(_secure)
    app.register_error_handler(CSRFError, _explain)
    app.register_error_handler(HTTPException, _explain)
    if database.settings.public_url.startswith("https://"):
        # We speak http ourselves, so one proxy stands in front; it tells the reader's network and the scheme.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
    return app


def _secure(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault(
        "Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
    return response


def _explain(error: HTTPException) -> tuple[str | Response, int]:
    """An error in plain words for people, or plain text for machines."""
    code = error.code or 500
    if request.accept_mimetypes.accept_html:
        return render_template("error.html", code=code, message=error.description), code
    return Response(f"{error.name}\n", mimetype="text/plain"), code
