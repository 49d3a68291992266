"""A report that was shared by a link: no account, no cookie, no names, no small numbers."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from time import monotonic

from flask import Blueprint, Response, abort, make_response, render_template, request

from accounts.audit import record
from daisychain.cache import Cache
from daisychain.web.networks import network_of
from pages.context import engine, keep_private, settings
from reports.document.html_report import html_report
from reports.handed_on.report_links import follow_link
from reports.whole_report import whole_report

blueprint = Blueprint("shared_report", __name__)
# Somebody who reloads a page makes nobody wait: it is made once in so many seconds.
SECONDS = 60
_MADE: Cache[bytes] = Cache(20)


@blueprint.get("/report/<token>")
def show(token: str) -> Response:
    """Show the report of a link; 410 and why if it has expired or was revoked."""
    with engine().begin() as connection:
        link, first_today = follow_link(connection, settings(), token)
        if link is None:
            abort(404)
        if first_today or link.state != "open":  # not each time: a line a day is enough to see that it is used
            outcome = "done" if link.state == "open" else "refused"
            record(connection, f"link {link.number}", "shared_report.show", str(link.campaign_id), outcome,
                   network=network_of(request.remote_addr or ""))  # fmt: skip
    if link.state != "open":
        return keep_private(make_response(render_template("report_ended.html", link=link), 410))
    campaign_id = link.campaign_id
    page = _MADE.get((engine(), campaign_id, int(monotonic() / SECONDS)), lambda: _made(campaign_id))
    answer = keep_private(Response(page, mimetype="text/html"))
    style = page.partition(b"<style>")[2].partition(b"</style>")[0]
    allowed = b64encode(sha256(style).digest()).decode()
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
    )
    return answer


def _made(campaign_id: int) -> bytes:
    return html_report(engine(), whole_report(engine(), campaign_id, small_cells=False, wait=False))
