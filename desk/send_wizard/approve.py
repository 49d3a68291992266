"""The second look: ask a colleague, and answer with yes or no to exactly what is there."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, url_for

from accounts.staff import colleagues_with, find_colleague
from daisychain.errors import InputError
from desk.access import connection, note, person, right, settings
from desk.forms import Form
from desk.newsletters.opened import draft_of, opened
from desk.send_wizard.seen import seen_content, signed
from newsletters.stored.newsletters import SavedNewsletter
from sender.campaigns.summary import summarise
from sender.launching import approvals
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
        chosen = [each for each in _approvers() if str(each.id) == form["approver"]]
        if not chosen:
            raise InputError("Choose who will look at it.")
        approvals.ask(connection(), draft.id, who=person().name, who_id=person().account_id)
        note(campaign=draft.id, approver=chosen[0].name)
        _mail(chosen[0].email, f"{person().name} asks you to look at “{newsletter.title}”",
              ["It is ready to be sent, and waits for your yes. This link leads to it:"], newsletter)  # fmt: skip
    if form.errors:
        return _page(newsletter, form)
    flash(f"{chosen[0].name} is asked.")
    return redirect(url_for("approve.show", newsletter_id=newsletter.id))


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


def _approvers() -> list[Any]:
    found = colleagues_with(connection(), "campaigns.approve")
    return [each for each in found if each.id != person().account_id]


def _mail(address: str, subject: str, paragraphs: list[str], newsletter: SavedNewsletter) -> None:
    if provider_is_set(settings()):
        link = url_for("approve.show", newsletter_id=newsletter.id, _external=True)
        post_mail(connection(), settings(), address, subject, paragraphs, kind="approval", link=link)


def _page(newsletter: SavedNewsletter, form: Form) -> Any:
    draft = draft_of(newsletter)
    kept, people = approvals.latest(connection(), draft.id), approvals.count_people(connection(), draft)
    may_answer = (
        kept is not None and kept.answer == "asked" and kept.asked_by_id != person().account_id
        and person().may("campaigns.approve")
    )  # fmt: skip
    form.values["seen"] = signed(approvals.content_of(connection(), draft), people)
    return form.page(
        "desk/newsletters/send/approve.html", newsletter=newsletter, draft=draft, kept=kept, people=people,
        approvers=[("", "choose"), *((str(each.id), each.name) for each in _approvers())], may_answer=may_answer,
        needed=approvals.is_needed(settings(), people),
        summary=summarise(connection(), settings(), draft, draft.created_at),
        changes=approvals.why_void(connection(), draft, kept) if kept and kept.answer == "yes" else [],
        gone=bool(kept and kept.answered_by_id and find_colleague(connection(), kept.answered_by_id) is None),
    )  # fmt: skip
