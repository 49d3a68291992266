"""One member: fields, lists with their consent, campaigns, suppression. Found by a form, as addresses are in no URL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, redirect, request, url_for

from daisychain.errors import InputError, StateError
from desk.access import connection, note, or_404, right, tell_at
from desk.forms import Form
from lists.consent.member_history import member_history, what_happened
from lists.lists import find_list
from lists.members import describe_person, email_of, find_member, unsubscribe
from lists.resubscribe import UNDO_WITHIN, find_undoable, undo_unsubscribe
from sender.campaigns.campaign_record import list_campaigns

blueprint = Blueprint("members", __name__, url_prefix="/members")
BY_STAFF = "by staff"
CAMPAIGNS = 10
EVENTS = 20  # of their consent, the newest; an export has all


@blueprint.post("/find")
@right("people.see")
def find() -> Any:
    """Lead to the member with an address; say so if it is nobody's."""
    try:
        found = find_member(connection(), request.form.get("email", ""))
    except InputError as error:
        return tell_at("suppressions.index", error.message)
    return redirect(url_for("members.show", member_id=found["id"]))


@blueprint.get("/<int:member_id>")
@right("people.see")
def show(member_id: int) -> Any:
    """Show a member."""
    return member_page(Form(), member_id)


@blueprint.post("/<int:member_id>/unsubscribe")
@right("lists.write")
def leave(member_id: int) -> Any:
    """Take a member off one list, which can be undone for an hour."""
    address_of(member_id)
    name = request.form.get("list", "")
    unsubscribe(connection(), or_404(find_list, connection(), name)["id"], member_id, how=BY_STAFF)
    note(unsubscribed_from=name)
    return tell_at("members.show", f"Unsubscribed from {name}. For an hour it can be undone.", member_id=member_id)


@blueprint.post("/<int:member_id>/undo")
@right("lists.write")
def undo(member_id: int) -> Any:
    """Take back what staff last unsubscribed a member from."""
    email = address_of(member_id)
    at = find_undoable(connection(), member_id, email, BY_STAFF)
    if at is None or not undo_unsubscribe(connection(), member_id, email, BY_STAFF, at):
        raise StateError("There is nothing to undo: that is possible for an hour.")
    note(undone="unsubscribe")
    return tell_at("members.show", "Subscribed again, as before.", member_id=member_id)


def address_of(member_id: int) -> str:
    """Return a member's address, and name them in the audit log by their number; 404 if there is none."""
    if request.method == "POST":
        note(f"member {member_id}")
    return email_of(connection(), member_id) or abort(404)


def member_page(form: Form, member_id: int) -> Any:
    """Return the page of a member, with a form that may have errors."""
    email = address_of(member_id)
    who = describe_person(connection(), email)
    history = member_history(connection(), email)["events"]
    campaigns = list_campaigns(connection(), at_most=CAMPAIGNS, lists=[each["list"] for each in who["lists"]])
    known = {name: who[name] for name in ("email", "first_name", "last_name", "language")} | who["fields"]
    return form.page(
        "desk/lists/member.html", who=who, member_id=member_id, known=known,
        campaigns=[each for each in campaigns if each.intended],
        undoable=_undoable(who["lists"]), history=history[: -EVENTS - 1 : -1], earlier=len(history[:-EVENTS]),
        what_happened=what_happened,
    )  # fmt: skip


def _undoable(lists: list[dict[str, Any]]) -> datetime | None:
    """Return when staff last unsubscribed somebody, within the hour; from what was read, as memberships are many."""
    since = datetime.now(UTC) - UNDO_WITHIN
    by_staff = (each["left_at"] for each in lists if each["left_how"] == BY_STAFF)
    return max((at for at in by_staff if at > since), default=None)
