"""Lists: how many people over time, on what ground they may be mailed, campaigns, and what was brought onto them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, request

from daisychain import clock
from desk.access import connection, note, or_404, person, right, settings, tell_at
from desk.forms import Form
from lists.consent.list_audit import audit_list
from lists.import_log import UNDO_WITHIN, imports_of
from lists.kept_figures import figure
from lists.lists import edit_list
from lists.overview import overview, overview_of_all
from lists.preferences.leaving_reasons import reasons_for_leaving
from lists.sign_up.sign_up_form import change_form, form_url, sign_up_counts, sign_up_form
from lists.uploads.import_drafts import waiting_drafts
from reports.charts.growth_chart import growth_of
from sender.campaigns.campaign_record import list_campaigns

blueprint = Blueprint("lists", __name__, url_prefix="/lists")
SHOWN = 5  # campaigns, and imports


@blueprint.get("")
@right("lists.see")
def index() -> Any:
    """Show all lists."""
    return index_page(Form(tracking="counted"))


@blueprint.get("/<name>")
@right("lists.see")
def show(name: str) -> Any:
    """Show one list."""
    found = or_404(overview, connection(), name)
    form = sign_up_form(connection(), name)
    url, counts = form_url(form, settings().pages_url), sign_up_counts(connection(), form.list_id)
    writes = person().may("lists.write")
    return Form().page(
        "desk/lists/show.html", list=found, sign_up=form, url=url, counts=counts,
        audit=audit_list(connection(), name, addresses=False),
        waiting=waiting_drafts(connection(), list_id=form.list_id) if writes else [],
        imports=imports_of(connection(), form.list_id)[:SHOWN] if writes else [],
        campaigns=list_campaigns(connection(), at_most=SHOWN, lists=[name]),
        growth=growth_of(figure(connection(), form.list_id, "growth"), datetime.now(clock.home_zone()).date()),
        undoable_since=datetime.now(UTC) - UNDO_WITHIN,
        reasons=reasons_for_leaving(connection(), form.list_id), archive=f"{settings().pages_url}/archive/{name}",
    )  # fmt: skip


@blueprint.post("/<name>/sign-up")
@right("lists.write")
def open_sign_up(name: str) -> Any:
    """Open or close the sign-up form of a list."""
    is_open = request.form.get("open") == "yes"
    or_404(change_form, connection(), name, by=person().name, is_open=is_open)
    note(f"list {name}", sign_up="open" if is_open else "closed")
    return tell_at("lists.show", "The sign-up form is open." if is_open else "The sign-up form is closed.", name=name)


@blueprint.post("/<name>/archive")
@right("lists.write")
def show_archive(name: str) -> Any:
    """Show a list's past bulletins to everybody, or stop that; and let search engines list them, or not."""
    shown, indexed = request.form.get("shown") == "yes", request.form.get("indexed") == "yes"
    or_404(edit_list, connection(), name, archive=shown, archive_indexed=shown and indexed)
    note(f"list {name}", archive="shown" if shown else "not shown", search_engines="yes" if shown and indexed else "no")
    message = "Everybody can read the past bulletins now." if shown else "Nobody sees them after five minutes."
    return tell_at("lists.show", message, name=name)


def index_page(form: Form) -> Any:
    """Return the page of all lists, with the form of a new one."""
    return form.page("desk/lists/index.html", lists=overview_of_all(connection()))
