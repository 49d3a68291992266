"""Lists: who they are for, how many people, by state and by the ground on which they may be mailed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from daisychain.errors import InputError
from desk.access import connection, note, person, right, settings
from lists.overview import overview, overview_of_all
from lists.sign_up.sign_up_form import change_form, form_url, sign_up_counts, sign_up_form
from lists.uploads.import_drafts import waiting_drafts

blueprint = Blueprint("lists", __name__, url_prefix="/lists")


@blueprint.get("")
@right("lists.see")
def index() -> Any:
    """Show all lists."""
    return render_template("desk/lists/index.html", lists=overview_of_all(connection()))


@blueprint.get("/<name>")
@right("lists.see")
def show(name: str) -> Any:
    """Show one list."""
    try:
        found = overview(connection(), name)
    except InputError:
        abort(404)
    form = sign_up_form(connection(), name)
    url, counts = form_url(form, settings().pages_url), sign_up_counts(connection(), form.list_id)
    return render_template(
        "desk/lists/show.html", list=found, sign_up=form, url=url, counts=counts,
        waiting=waiting_drafts(connection(), list_id=form.list_id) if person().may("lists.write") else [],
    )  # fmt: skip


@blueprint.post("/<name>/sign-up")
@right("lists.write")
def open_sign_up(name: str) -> Any:
    """Open or close the sign-up form of a list."""
    is_open = request.form.get("open") == "yes"
    try:
        change_form(connection(), name, by=person().name, is_open=is_open)
    except InputError:
        abort(404)
    note(f"list {name}", sign_up="open" if is_open else "closed")
    flash("The sign-up form is open." if is_open else "The sign-up form is closed.")
    return redirect(url_for("lists.show", name=name))
