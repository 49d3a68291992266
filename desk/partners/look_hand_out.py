"""Look at a hand-out: three of its mails as organisations get them, then send it. The button works once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, redirect, url_for

from daisychain.errors import StateError
from daisychain.web.row_numbers import row_number
from desk.access import connection, database, note, person, right, settings, tell_at
from desk.forms import Form
from desk.partners.write_hand_out import WRITTEN, keep_typed
from newsletters.preview.editor_view import mail_policy
from newsletters.toolkits.toolkit import current_day
from partners.hand_out import (
    KeptHandOut,
    UnknownHandOut,
    example,
    find_hand_out,
    hand_out_people,
    repeated,
    send_hand_out,
)
from partners.hand_out_message import languages_of_messages
from sender.delivery import confirmed_places

blueprint = Blueprint("look_hand_out", __name__, url_prefix="/partners/hand-out/<int:hand_out_id>")


@blueprint.get("")
@right("partners.manage")
def look(hand_out_id: int) -> Any:
    """Show three examples, and the button; of one that was sent, its campaign."""
    kept = found(hand_out_id)
    if kept.campaign_id is not None:
        return redirect(url_for("campaigns.show", campaign_id=kept.campaign_id))
    return _page(Form(), kept)


@blueprint.post("")
@right("partners.manage")
def change(hand_out_id: int) -> Any:
    """Keep another message, and show the examples again."""
    form, kept = Form(*WRITTEN), found(hand_out_id)
    changed = keep_typed(form, kept)
    if changed is None:
        return _page(form, kept)
    note(f"hand-out {kept.id}", toolkit=kept.toolkit)
    return redirect(url_for("look_hand_out.look", hand_out_id=kept.id))


@blueprint.get("/example/<int:contact_id>")
@right("partners.manage")
def mail(hand_out_id: int, contact_id: int) -> Any:
    """Return the mail of one contact, as a page of its own policy: no script, nothing but its own pictures."""
    kept = found(hand_out_id)
    people = hand_out_people(connection(), current_day(), kept)
    contact = next((each for each in people.contacts if each.contact_id == contact_id), None) or abort(404)
    headers = {"Content-Security-Policy": mail_policy(), "X-Frame-Options": "SAMEORIGIN"}
    html = example(connection(), settings(), kept, contact).html
    return Response(html, mimetype="text/html", headers=headers)


@blueprint.post("/send")
@right("campaigns.send", fresh=True)
def send(hand_out_id: int) -> Any:
    """Send it to as many organisations as the button said."""
    form, kept, started = Form("organisations", "seen", "repeat"), found(hand_out_id), None
    with form.check("send"):
        confirmed_places.require_here(database())
        started = send_hand_out(
            connection(), settings(), kept.id, current_day(), who=person().name,
            organisations=row_number(form["organisations"]) or 0, seen=form["seen"] or "nothing",
            repeat=bool(form["repeat"]),
        )  # fmt: skip
    if started is None:
        return _page(form, kept)
    note(f"hand-out {kept.id}", campaign=started.campaign.id, organisations=form["organisations"])
    was = "was sent before your press. Nobody is mailed twice." if started.already else "is on its way."
    return tell_at("campaigns.show", f"“{started.campaign.name}” {was}", campaign_id=started.campaign.id)


def found(hand_out_id: int) -> KeptHandOut:
    """Return a hand-out; 404 if there is none."""
    try:
        return find_hand_out(connection(), hand_out_id)
    except UnknownHandOut:
        abort(404)


def _page(form: Form, kept: KeptHandOut) -> Any:
    written = {"subject": kept.subject, "message": kept.message, "in_language": kept.language, "sender": kept.sender}
    form.values = written | form.values
    people = hand_out_people(connection(), current_day(), kept)
    try:
        subjects = [example(connection(), settings(), kept, each).subject for each in people.examples[:1]]
    except StateError:  # its toolkit is gone
        abort(404)
    return form.page(
        "desk/partners/look_hand_out.html", kept=kept, people=people, subject=subjects[0] if subjects else kept.subject,
        repeats=repeated(connection(), kept, people), written_in=languages_of_messages(),
        may_send=person().may("campaigns.send"),
    )  # fmt: skip
