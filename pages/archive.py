"""A list's past bulletins, if it shows them: a page, an RSS feed, and each mail without anybody's values.

Nothing here is counted, and every visitor gets the same, so caches may keep it.
"""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for
from sqlalchemy import Connection

from daisychain.web.row_numbers import row_number
from daisychain.web.translated_phrases import phrases_for
from newsletters.compose.languages import language_given
from newsletters.documents.language_names import own_name
from pages.archive_feed import feed_of
from pages.context import A_WHILE, engine, settings
from pages.phrases import day_in
from pages.readers import MAIL_POLICY
from sender.campaigns.follow_ups import at_the_top, with_correction
from sender.reader_pages.past_bulletins import ListArchive, archived_mail, find_archive, past_bulletins

blueprint = Blueprint("archive", __name__)

PHRASES = "web/archive/phrases.yml"
AT_MOST, IN_FEED = 30, 20
_BAR = (
    "margin:0;padding:4px 24px;background:#ffffff;background:light-dark(#ffffff,#14181a);font:16px/1.5 sans-serif;"
    "text-align:center"
)
_LINK = "display:inline-block;padding:10px 12px;color:#0b5d3b;color:light-dark(#0b5d3b,#8fdccc)"


@blueprint.get("/archive/<name>")
def index(name: str) -> Response:
    """List the bulletins, the newest first."""
    before = row_number(request.args.get("before", ""))
    with engine().connect() as connection:
        archive = _open(connection, name)
        found = past_bulletins(connection, archive, before=before, at_most=AT_MOST + 1)
    shown, more = found[:AT_MOST], len(found) > AT_MOST
    words = phrases_for(PHRASES, shown[0].language if shown else "en")
    older = url_for("archive.index", name=name, before=shown[-1].id) if more else ""
    days = {each.id: day_in(words.language, each.sent_at) for each in shown}
    page = render_template(
        "archive/index.html", archive=archive, bulletins=shown, days=days, older=older, own_name=own_name,
        look=shown[0].look if shown else {}, **words._asdict(),
    )  # fmt: skip
    return _public(make_response(page), archive)


@blueprint.get("/archive/<name>/feed.xml")
def feed(name: str) -> Response:
    """Return the newest bulletins as RSS."""
    with engine().connect() as connection:
        archive = _open(connection, name)
        found = past_bulletins(connection, archive, at_most=IN_FEED)
    words = phrases_for(PHRASES, found[0].language if found else "en").words
    described = words[archive.intro].format(organisation=archive.organisation, list=archive.title)
    page, own = (_whole(url_for(f"archive.{view}", name=name)) for view in ("index", "feed"))
    written = feed_of(
        archive, found, described, page, own, lambda id_: _whole(url_for("archive.bulletin", name=name, number=id_))
    )
    return _public(Response(written, mimetype="application/rss+xml"), archive)


@blueprint.get("/archive/<name>/<int:number>")
def bulletin(name: str, number: int) -> Response:
    """Show one bulletin, in the language that is asked for, or its first one."""
    with engine().connect() as connection:
        archive = _open(connection, name)
        mail = archived_mail(connection, archive, number, request.args.get("language", ""), settings().pages_url)
    if mail is None:
        abort(404)
    html = at_the_top(with_correction(mail.html, mail.correction), _bar(archive, number, mail.email.language, mail))
    response = Response(html, mimetype="text/html")
    origin = urlsplit(settings().pages_url)
    response.headers["Content-Security-Policy"] = MAIL_POLICY.format(images=f"{origin.scheme}://{origin.netloc}")
    return _public(response, archive)


def _bar(archive: ListArchive, number: int, language: str, mail: Any) -> str:
    """Return the links above a mail: to the archive, to its other languages, and to sign up."""
    words = phrases_for(PHRASES, language)
    links = [(url_for("archive.index", name=archive.name), words.words["all"], words.language)]
    others = [code for code in mail.languages if code != language_given(language, mail.languages, "")]
    links += [(url_for("archive.bulletin", name=archive.name, number=number, language=code), own_name(code), code)
              for code in others]  # fmt: skip
    if archive.takes_sign_ups:
        links.append((url_for("join.show", name=archive.name), words.words["join"], words.language))
    written = " ".join(
        f'<a href="{escape(url)}" lang="{code}" style="{_LINK}">{escape(label)}</a>' for url, label, code in links
    )
    return f'<div dir="{words.direction}" style="{_BAR}">{written}</div>'


def _open(connection: Connection, name: str) -> ListArchive:
    return find_archive(connection, name) or abort(404)


def _whole(path: str) -> str:
    return f"{settings().pages_url}{path}"


def _public(response: Response, archive: ListArchive) -> Response:
    """Let caches keep it a while and ask whether it changed, and search engines list it if the list wants that."""
    response.headers["Cache-Control"] = A_WHILE
    if not archive.indexed:
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.add_etag()
    response.make_conditional(request)
    return response
