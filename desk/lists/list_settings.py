"""Making a list, and changing its name, title, sender, and how reading is recorded, with who decided it and why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from desk.access import connection, note, or_404, person, right, tell_at
from desk.forms import Form
from desk.lists.list_page import index_page
from lists.lists import create_list, decide_tracking, edit_list, find_list

blueprint = Blueprint("list_settings", __name__, url_prefix="/lists")
FIELDS = ("name", "title", "sender", "tracking", "because")


@blueprint.post("")
@right("lists.write")
def create() -> Any:
    """Make a list."""
    form = Form(*FIELDS)
    with form.check("name"):
        decision = {"decided_by": person().name, "because": form["because"]} if form["because"] else {}
        create_list(
            connection(), form["name"], sender=form["sender"], title=form["title"], tracking=form["tracking"],
            **decision,
        )  # fmt: skip
        note(f"list {form['name']}", sender=form["sender"], tracking=form["tracking"])
    if form.errors:
        return index_page(form)
    message = "The list is made. Now bring people onto it, or open its sign-up form."
    return tell_at("lists.show", message, name=form["name"])


@blueprint.get("/<name>/settings")
@right("lists.write")
def ask(name: str) -> Any:
    """Show what can be changed of a list."""
    return _page(Form(), name)


@blueprint.post("/<name>/settings")
@right("lists.write")
def change(name: str) -> Any:
    """Change a list; campaigns that exist keep their sender, and their tracking if they were sent."""
    row, form = or_404(find_list, connection(), name), Form(*FIELDS)
    note(f"list {name}")
    other = form["tracking"] != row["tracking"]
    with form.check("because"):
        because = form.given("because", "Say why reading is recorded in another way from now on.") if other else ""
    if form.errors:
        return _page(form, name)
    with form.check("name"):
        new = edit_list(connection(), name, title=form["title"], rename=form["name"], sender=form["sender"])
        if other:
            decide_tracking(connection(), new, form["tracking"], decided_by=person().name, because=because)
        note(renamed=new if new != name else "", sender=form["sender"], tracking=form["tracking"])
    if form.errors:
        return _page(form, name)
    return tell_at("lists.show", "Changed.", name=new)


def _page(form: Form, name: str) -> Any:
    row = or_404(find_list, connection(), name)
    if not form.values:
        sender = f"{row['from_name']} <{row['from_address']}>"
        form.values |= {"name": name, "title": row["title"], "sender": sender, "tracking": row["tracking"]}
    return form.page("desk/lists/settings.html", list=row)
