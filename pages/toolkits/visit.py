"""A visit to a toolkit's pages: in which language, and through which member organisation's link.

No cookie remembers either: both are in the page's own links.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from flask import abort, make_response, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.wrappers import Response

from daisychain.built_files import built_file
from daisychain.cache import Cache
from newsletters.compose.languages import language_given
from newsletters.compose.page_look import style_name
from newsletters.packs.partner_codes import CODE
from newsletters.packs.partner_links import PARTNER, Marking, hosts_of
from newsletters.toolkit_store.showcase import Showcase, showcase
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from newsletters.toolkits.toolkit import Toolkit, current_day
from pages.context import A_WHILE, settings
from partners.partner_events import record_partner_event
from partners.registry import organisation_by_code

# By toolkit and its content, public URL and day.
_SHOWN: Cache[Showcase] = Cache(4)


@dataclass(frozen=True)
class Visit:
    """The toolkit that is looked at, the chosen `language`, and the code of the `partner` that sent the visitor."""

    show: Showcase
    language: str
    partner: str
    mark: Marking

    @property
    def toolkit(self) -> Toolkit:
        """The toolkit that is looked at."""
        return self.show.toolkit

    def path(self, *parts: str, **query: str) -> str:
        """Return the path of a page of this toolkit, which goes on with the language and the partner's code."""
        kept = {"language": self.language} if "language" in request.args else {}
        kept |= query
        kept |= {PARTNER: self.partner} if self.partner else {}
        path = "/".join((url_for("toolkits.toolkit", name=self.toolkit.name), *map(quote, parts)))
        return f"{path}?{urlencode(kept)}" if kept else path

    def page(self, template: str, **values: Any) -> Response:
        """Return a page of this toolkit."""
        look = {"style": style_name(self.toolkit.brand.colours)}
        page = render_template(
            template, visit=self, kit=self.toolkit, show=self.show, look=look, script=built_file("public.js"), **values
        )
        answer = make_response(page)
        # A page that was reached with a partner's code is counted each time.
        answer.headers["Cache-Control"] = "no-cache" if self.partner else A_WHILE
        return answer


def visit(name: str, connection: Connection) -> Visit:
    """Return the visit to the toolkit of this name, counted for the partner whose code it came with; 404 if unknown."""
    try:
        found = named_toolkit(name, connection)
    except UnknownToolkit:
        abort(404)
    public_url, today = settings().pages_url, current_day()
    show = _SHOWN.get((name, found.content_hash, public_url, today), lambda: showcase(found, public_url, today))
    language = language_given(request.args.get("language"), show.languages, show.languages[0])
    partner = _reached(connection, name, language)
    mark = Marking(hosts_of(show.links.values(), public_url), {PARTNER: partner} if partner else {})
    return Visit(show, language, partner, mark)


def _reached(connection: Connection, toolkit: str, language: str) -> str:
    """Return the code in this page's address if an organisation has it; somebody who comes from outside is counted."""
    code = request.args.get(PARTNER, "")
    organisation = organisation_by_code(connection, code) if CODE.fullmatch(code) else None
    if organisation is None:
        return ""
    # From page to page of ours is one visit; browsers say so, and programs that fetch ahead say that.
    within = request.headers.get("Sec-Fetch-Site") == "same-origin" or "Sec-Purpose" in request.headers
    if request.method == "GET" and not within:
        record_partner_event(connection, "reached", toolkit=toolkit, language=language, organisation_id=organisation.id)
    return organisation.code
