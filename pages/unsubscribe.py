"""The unsubscribe page: its form, and the one click of a mail program (RFC 8058).

What unsubscribing does is in `sender/events/unsubscribe.py`. A GET changes nothing: programs that guard a reader's
mailbox follow every link in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for
from sqlalchemy import Connection

from daisychain.errors import InputError
from lists.tables import BY_PAGE, ONE_CLICK
from pages.context import brief_engine, engine, keep_private, plain
from pages.mail_of_key import LostMail, email_of, explain_lost, mail_of, may_be_passed_on, preferences_key
from pages.phrases import PREFERENCES, UNSUBSCRIBE, page_words
from sender.delivery.contact_batches import CONTACT
from sender.events.unsubscribe import (
    SCOPES,
    is_to,
    masked,
    undo_by_mail,
    undoable_by_mail,
    unsubscribe_by_lost_mail,
    unsubscribe_by_mail,
    unsubscribed_from,
)
from sender.links.sent_mail import SentMail

_WITH_TITLE = ("this_list_means", "left_list")  # phrases that name the list
blueprint = Blueprint("unsubscribe", __name__)
blueprint.after_request(keep_private)


@blueprint.get("/u/<key>")
def ask(key: str) -> str:
    """Show the form; it changes nothing."""
    return _form(key, mail_of(key))


def _form(key: str, mailed: SentMail, *, wrong: bool = False) -> str:
    """Return the form; with a view's key it says nothing about the reader, and asks for their address."""
    form = {"action": url_for("unsubscribe.by_form", key=key), "wrong": wrong}
    if not may_be_passed_on(key):
        if mailed.kind != CONTACT:
            form["choices"] = url_for("preferences.show", key=preferences_key(mailed))
        with engine().connect() as connection:
            form |= {"address": masked(mailed.address), **already_left(connection, key, mailed)}
    return render_template("unsubscribe/form.html", **form, **_of_mail(mailed))


@blueprint.post("/u/<key>/leave")
def by_form(key: str) -> str | Response:
    """Unsubscribe a person from what they chose on the form."""
    try:
        mailed = mail_of(key)
    except LostMail as lost:
        return _by_address(lost)
    scope = SCOPES.get(request.form.get("scope", ""))
    if scope is None:
        abort(400, "Please choose what to leave.")
    by_view = may_be_passed_on(key)
    if by_view and not is_to(mailed, request.form.get("address", "")):
        return _form(key, mailed, wrong=True)
    with engine().begin() as connection:
        unsubscribe_by_mail(connection, mailed, scope, how=BY_PAGE)
        undo = None if by_view else _undo_of(connection, key, mailed)
    return render_template("unsubscribe/done.html", scope=scope, undo=undo, **_of_mail(mailed))


@blueprint.post("/u/<key>/undo")
def undo(key: str) -> str:
    """Restore what a click on the form changed, within the hour; the key is enough, as it was for the click."""
    mailed = mail_of(key)
    try:
        at = datetime.fromisoformat(request.args.get("at", "")).astimezone()
    except (ValueError, OverflowError):
        abort(400, "Please use the button of the page.")
    with brief_engine().begin() as connection:
        restored = undo_by_mail(connection, mailed, at)
        still = unsubscribed_from(connection, mailed)
    state = "late" if not restored else "undone" if still else "back"
    return render_template("unsubscribe/undone.html", state=state, **_of_mail(mailed))


@blueprint.post("/u/<key>")
def by_one_click(key: str) -> Response:
    """Unsubscribe a reader whose mail program posts for them (RFC 8058), without cookies and without a redirect."""
    with engine().begin() as connection:
        mailed = mail_of(key, connection)
        if request.form.get("List-Unsubscribe") != "One-Click":
            return plain("Post List-Unsubscribe=One-Click to unsubscribe (RFC 8058).", 400)
        unsubscribe_by_mail(connection, mailed, "list", how=ONE_CLICK)
    return plain("Unsubscribed." if mailed.counts else "This was a test mail; nothing has changed.")


def already_left(connection: Connection, key: str, mailed: SentMail) -> dict[str, str | None]:
    """Return what the mail's recipient has left, as `already`, and where to undo it, if that can still be done."""
    already = unsubscribed_from(connection, mailed)
    return {"already": already, "undo": _undo_of(connection, key, mailed) if already else None}


def _undo_of(connection: Connection, key: str, mailed: SentMail) -> str | None:
    at = undoable_by_mail(connection, mailed)
    return url_for("unsubscribe.undo", key=key, at=at.isoformat()) if at else None


def _by_address(lost: LostMail) -> Response:
    """Unsubscribe the address that a reader entered whose mail is not known any more."""
    if "address" not in request.form or may_be_passed_on(lost.key):
        return explain_lost(lost)
    try:
        with engine().begin() as connection:
            done = unsubscribe_by_lost_mail(connection, lost.delivery_id, request.form["address"], how=BY_PAGE)
    except InputError:
        return explain_lost(lost, "wrong")
    return explain_lost(lost, "done" if done else "often")


def _of_mail(mailed: SentMail) -> dict[str, Any]:
    """Return the values of all templates: the list's title, the sender, test or not; look and phrases of the mail."""
    email = email_of(mailed)
    page = page_words(email, PREFERENCES, UNSUBSCRIBE)
    words, title = with_title(page["words"], mailed)
    return {
        **page, "words": words, "list_name": title, "organisation": mailed.organisation, "test": not mailed.counts,
        "look": email.look,
    }  # fmt: skip


def with_title(words: dict[str, str], mailed: SentMail) -> tuple[dict[str, str], str]:
    """Return the phrases that fit the list's title, and the title: the sender's name if it has no other."""
    title = words["contacts"] if mailed.kind == CONTACT else mailed.list_title
    if not title or title.casefold() == mailed.organisation.casefold():
        # The sender's name is in these sentences already.
        title, words = mailed.organisation, {**words, **{key: words[f"{key}_untitled"] for key in _WITH_TITLE}}
    return words, title
