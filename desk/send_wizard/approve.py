"""The second look: ask a colleague, and answer with yes or no to exactly what is there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, url_for

from accounts.staff import colleagues_with, find_colleague
from daisychain.errors import InputError
from desk.access import connection, note, person, right, settings, tell_at
from desk.forms import Form
from desk.newsletters.opened import draft_of, opened
from desk.send_wizard.wizard_page import seen_content, signed, wizard_page
from lists.overview import excluded_by
from newsletters.preview.editor_view import mail_policy
from newsletters.stored.newsletters import SavedNewsletter
from sender.campaigns import approvals
from sender.launching.summary import mail_for, summarise
from sender.system_mail.mail_queue import post_mail, provider_is_set

blueprint = Blueprint("approve", __name__, url_prefix="/newsletters/<int:newsletter_id>/send/approve")


@blueprint.get("")
@right("campaigns.prepare")
def show(newsletter_id: int) -> Any:
    """Show who looked at it, and ask somebody; to a colleague, show what the yes is to."""
    return _page(opened(newsletter_id), Form())


@blueprint.post("/ask")
@right("campaigns.prepare")
def ask(newsletter_id: int) -> Any:
    """Ask a colleague for a second look; they get a mail, and it is on their Home."""
    newsletter, form = opened(newsletter_id), Form("approver")
    draft = draft_of(newsletter)
    with form.check("approver"):
        chosen = [each for each in _approvers(newsletter) if str(each.id) == form["approver"]]
        if not chosen:
            raise InputError("Choose who will look at it.")
        approvals.ask(connection(), draft.id, who=person().name, who_id=person().account_id)
        note(campaign=draft.id, approver=chosen[0].name)
        _mail(chosen[0].email, f"{person().name} asks you to look at “{newsletter.title}”",
              ["It is ready to be sent, and waits for your yes. This link leads to it:"], newsletter)  # fmt: skip
    if form.errors:
        return _page(newsletter, form)
    return tell_at("approve.show", f"{chosen[0].name} is asked.", newsletter_id=newsletter.id)


@blueprint.post("")
@right("campaigns.approve", fresh=True)
def answer(newsletter_id: int) -> Any:
    """Say yes or no; a no needs a reason, which goes to the person who asked."""
    newsletter, form, kept = opened(newsletter_id), Form("because", "seen", "answer"), None
    draft = draft_of(newsletter)
    with form.check("because"):
        content, people = seen_content(form["seen"])
        kept = approvals.answer(
            connection(), draft.id, yes=form["answer"] == "yes", who=person().name, who_id=person().account_id,
            because=form["because"], seen=content, people=people,
        )  # fmt: skip
        note(campaign=draft.id, answer=kept.answer)
    if kept is None:
        return _page(newsletter, form)
    asker = find_colleague(connection(), kept.asked_by_id)
    if asker:
        said = "approved" if kept.answer == "yes" else "did not approve"
        _mail(asker.email, f"{person().name} {said} “{newsletter.title}”",
              [kept.because or "It can be sent now."], newsletter)  # fmt: skip
    flash("Approved." if kept.answer == "yes" else "Not approved.")
    return redirect(url_for("approve.show", newsletter_id=newsletter.id))


@blueprint.get("/mail/<int:number>")
@right("people.see")
def mail(newsletter_id: int, number: int) -> Any:
    """Return the draft as a member gets it, as a page of its own policy: no script, nothing but its own pictures."""
    found = mail_for(connection(), settings(), draft_of(opened(newsletter_id)), number)
    if found is None:
        abort(404)
    headers = {"Content-Security-Policy": mail_policy(), "X-Frame-Options": "SAMEORIGIN"}
    return Response(found.html, mimetype="text/html", headers=headers)


def _approvers(newsletter: SavedNewsletter) -> list[Any]:
    """Return who may answer: neither who asks, nor who wrote last."""
    found = colleagues_with(connection(), "campaigns.approve")
    return [each for each in found if each.id != person().account_id and each.name != newsletter.updated_by]


def _mail(address: str, subject: str, paragraphs: list[str], newsletter: SavedNewsletter) -> None:
    if provider_is_set(settings()):
        link = url_for("approve.show", newsletter_id=newsletter.id, _external=True)
        post_mail(connection(), settings(), address, subject, paragraphs, kind="approval", link=link)


def _page(newsletter: SavedNewsletter, form: Form) -> Any:
    draft = draft_of(newsletter)
    assert draft.list_name is not None
    summary = summarise(connection(), settings(), draft, draft.created_at)
    kept, people = approvals.latest(connection(), draft.id), summary.people
    mine = approvals.may_answer(connection(), draft, person().name, person().account_id)
    yes = kept is not None and kept.answer == "yes"
    form.values["seen"] = signed(approvals.content_of(connection(), draft), people)
    return wizard_page(
        form, "approve", newsletter, draft, people=people, summary=summary,
        approvers=[("", "choose"), *((str(each.id), each.name) for each in _approvers(newsletter))],
        may_answer=mine and person().may("campaigns.approve"), needed=approvals.is_needed(settings(), people),
        why=excluded_by(connection(), draft.list_name),
        changes=approvals.why_void(connection(), draft, kept, people) if kept and yes else [],
        gone=bool(kept and kept.answered_by_id and find_colleague(connection(), kept.answered_by_id) is None),
    )  # fmt: skip
