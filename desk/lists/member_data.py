"""A person's data for themselves, and forgetting them: what goes, what stays and why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request

from daisychain.operations.erasure import erase_person, plan_erasure
from daisychain.operations.person_export import person_export
from desk.access import connection, engine, note, person, right, settings
from desk.forms import Form
from desk.lists.member_page import address_of

blueprint = Blueprint("member_data", __name__, url_prefix="/members/<int:member_id>")


@blueprint.post("/data")
@right("privacy.act", fresh=True)
def data(member_id: int) -> Response:
    """Return everything that is held of a member, as a page to read or for programs."""
    kind = "json" if request.form.get("kind") == "json" else "html"
    found = person_export(connection(), address_of(member_id))
    note(exported=kind)
    content = found.as_json() if kind == "json" else found.as_page()
    headers = {"Content-Disposition": f'attachment; filename="member-{member_id}.{kind}"'}
    return Response(content, mimetype="application/json" if kind == "json" else "text/html", headers=headers)


@blueprint.get("/erase")
@right("privacy.act")
def ask_to_erase(member_id: int) -> Any:
    """Show what erasing a member deletes, and what stays and why."""
    return _erase_page(Form(), member_id)


@blueprint.post("/erase")
@right("privacy.act", fresh=True)
def erase(member_id: int) -> Any:
    """Erase a member."""
    email, form = address_of(member_id), Form("because")
    with form.check("because"):
        because = form.given("because", "Say why: who asked for it, and when.")
        # In transactions of its own: files go once the rows have gone.
        plan = erase_person(engine(), settings(), email, by=person().name, because=because)
        note(rows=sum(plan.goes.values()))
    if form.errors:
        return _erase_page(form, member_id)
    return render_template("desk/lists/erased.html", plan=plan)


def _erase_page(form: Form, member_id: int) -> Any:
    plan = plan_erasure(connection(), settings(), address_of(member_id))
    return form.page("desk/lists/erase.html", plan=plan, member_id=member_id)
