"""Keep what was typed while somebody signs in again, or proves who they are: it travels through these pages, signed.

The form is bound to the person it was typed by, and is sent only when they press a button again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from flask import current_app, g, redirect, render_template, request, session, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from desk.forms import Form

# What is never kept: passwords and codes, and the token of the form itself.
NEVER = {"csrf_token", "password", "old", "code", "proof", "kept", "to"}
LONGEST_SECONDS = 12 * 3600
# Whose form it is: the account that this browser was signed in with last.
OWNER = "owner"
# A header can't have control characters, and browsers take a backslash for a slash.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")


@dataclass(frozen=True)
class KeptForm:
    """A form that waits: where it goes, and its fields."""

    path: str
    fields: list[tuple[str, str]]


def ask(endpoint: str) -> Response:
    """Lead to a page such as the sign-in, and from there back; a form that was sent is kept in that page."""
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for(endpoint, to=_back()))
    kept = _signer().dumps([_back(), _fields(), session.get(OWNER)])
    page = render_template(f"desk/{endpoint.replace('.', '/')}.html", form=Form(kept=kept))
    return Response(page, 401, mimetype="text/html")


def show_again() -> Response:
    """Show a form that was sent with the token of another session, to be sent again."""
    page = render_template("desk/session/go_on.html", waiting=KeptForm(_back(), _fields()))
    return Response(page, 400, mimetype="text/html")


def _fields() -> list[tuple[str, str]]:
    return [pair for pair in request.form.items(multi=True) if pair[0] not in NEVER]


def kept_in(text: str) -> KeptForm | None:
    """Return the form that a page carries; None if there is none, or it is not this person's."""
    try:
        path, fields, owner = _signer().loads(text, max_age=LONGEST_SECONDS)
    except BadSignature:
        return None
    return KeptForm(path, fields) if g.person and owner == g.person.account_id else None


def go_on(kept: str, to: str) -> Any:
    """Answer after a sign-in or a proof: show the form that was kept, else lead to where they wanted to go."""
    if form := kept_in(kept):
        return render_template("desk/session/go_on.html", waiting=form)
    return redirect(safe_path(to) or url_for("home.show"))


def safe_path(to: str) -> str:
    """Return a path of the desk, below which it is; "" for any other address, which could lead elsewhere."""
    root = url_for("home.show")
    ours = to == root.rstrip("/") or to.startswith(root)
    # Browsers take "%2e%2e" for "..", too.
    leads_out = _UNSAFE.search(to) or "//" in to or ".." in unquote(to.partition("?")[0])
    return to if ours and not leads_out else ""


def _back() -> str:
    return f"{request.script_root}{request.full_path if request.query_string else request.path}"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="kept form")
