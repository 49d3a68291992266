"""The settings and database of the current app, and headers and plain answers for all pages."""

from __future__ import annotations

from typing import cast

from flask import Response, current_app
from sqlalchemy import Engine

from daisychain.settings import Settings

# Pages about what may change at any time, and is the same for everybody.
A_WHILE = "public, max-age=300"
# Links to members carry secrets in their paths: no cache keeps them, no other site learns them, no index lists them.
PRIVATE_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


def settings() -> Settings:
    """The settings of the current app."""
    return cast(Settings, current_app.extensions["daisychain"].settings)


def engine() -> Engine:
    """The database engine of the current app."""
    return cast(Engine, current_app.extensions["daisychain"].engine)


def brief_engine() -> Engine:
    """The same for forms that can be sent again: it raises LockedError rather than wait for an import's end."""
    return cast(Engine, current_app.extensions["daisychain"].brief_engine)


def keep_private(response: Response) -> Response:
    """Give a page about one member the headers that keep its address to itself."""
    response.headers.update(PRIVATE_HEADERS)
    return response


def privacy_contact(settings: Settings) -> dict[str, str] | None:
    """Return who answers for people's data, and the link to them: an address, or a page; None if that is not set."""
    contact = settings.privacy_contact
    link = contact if contact.startswith(("https://", "http://")) else f"mailto:{contact}"
    return {"said": contact.removeprefix("https://"), "link": link} if contact else None


def plain(message: str, status: int = 200) -> Response:
    """Return one line of text, for programs."""
    return Response(f"{message}\n", status, mimetype="text/plain")
