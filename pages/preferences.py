"""The page on which readers choose what they get: lists, language, a pause, what is recorded, and their name.

Its key, from the footer of their mail, is the only token: no cookie, no script. A GET changes nothing, as programs that
guard a mailbox follow every link. What a save changed goes back and forth in its answer, sealed, so that the button
takes back just that within the hour, and nothing has to be stored for it.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from flask import Blueprint, abort, render_template, request, url_for
from sqlalchemy import Connection

from daisychain.secret import derive, installation_secret
from daisychain.web.row_numbers import row_number
from lists.preferences.changing import ReaderChange, ReadingWording, restored_change
from lists.preferences.choices import ReaderChoices, Wish
from lists.preferences.leaving_reasons import REASONS
from lists.resubscribe import UNDO_WITHIN
from lists.sign_up.typed_sign_up import read_names
from newsletters.compose.languages import language_given
from newsletters.documents.language_names import own_name
from pages.context import brief_engine, engine, keep_private, settings
from pages.mail_of_key import email_of, mail_of, unsubscribe_key
from pages.phrases import PREFERENCES, UNSUBSCRIBE, day_in, page_words
from pages.unsubscribe import already_left, with_title
from sender.events.unsubscribe import masked
from sender.links.sent_mail import SentMail
from sender.reader_pages.preferences_by_mail import Offered, change_by_mail, offered_by_mail, undo_by_preferences

blueprint = Blueprint("preferences", __name__)
blueprint.after_request(keep_private)

_REASONS = [(reason, reason.replace(" ", "_")) for reason in REASONS]


@blueprint.get("/preferences/<key>")
def show(key: str) -> str:
    """Show what there is to choose; it changes nothing."""
    mailed = mail_of(key)
    with engine().connect() as connection:
        offered = offered_by_mail(connection, mailed)
        return _gone(key, mailed) if offered is None else _form(connection, key, mailed, offered)


@blueprint.post("/preferences/<key>")
def save(key: str) -> str | tuple[str, int]:
    """Do what the form says, and offer to take it back."""
    mailed = mail_of(key)
    if "first_name" not in request.form:
        abort(400, "Please use the button of the page.")
    page = _of_mail(key, mailed)
    with brief_engine().begin() as connection:
        offered = offered_by_mail(connection, mailed, lock=True)
        if offered is None:
            return _gone(key, mailed)
        wish, errors = _wish(offered)
        if errors:
            return _form(connection, key, mailed, offered, wish, errors), 422
        if not mailed.counts:
            return _done(page, page["words"]["unchanged"], [page["words"]["test_saved"]])
        done = change_by_mail(connection, mailed, offered.choices, wish, _reading(page))
    if not done and not done.refused:
        return _done(page, page["words"]["unchanged"], [page["words"]["same"]])
    sealed = _seal().encrypt(orjson.dumps(asdict(done), option=orjson.OPT_NON_STR_KEYS)).decode() if done else ""
    return _done(page, page["words"]["saved"], _said(page, offered.choices, done, wish), undo=sealed)


@blueprint.post("/preferences/<key>/undo")
def take_back(key: str) -> str:
    """Take back what a save changed, within the hour."""
    mailed = mail_of(key)
    page = _of_mail(key, mailed)
    words = page["words"]
    with suppress(InvalidToken):
        opened = _seal().decrypt(request.form.get("change", "").encode(), ttl=int(UNDO_WITHIN.total_seconds()))
        with brief_engine().begin() as connection:
            if undo_by_preferences(connection, mailed, restored_change(orjson.loads(opened)), _reading(page)):
                return _done(page, words["saved"], [words["as_before"]])
    return _done(page, words["late"], [words["late_means"].format(**page)])


def _wish(offered: Offered) -> tuple[Wish, dict[str, str]]:
    """Return what the form says, and its errors; a name that is as it was is right as it is."""
    form, choices = request.form, offered.choices
    names, errors = read_names(form)
    same = [name for name in names if form[name] == getattr(choices, name)] if "last_name" in form else []
    names |= {name: form[name] for name in same}
    languages = ("", *offered.languages)
    chosen = form.get("language", _chosen(offered))
    language = chosen if chosen in languages and chosen != _chosen(offered) else choices.language
    ids = {each.id for each in choices.lists}
    agreed = {id_: form[f"wording-{id_}"] for id_ in ids if f"wording-{id_}" in form}
    numbers = {name: ids.intersection(map(row_number, form.getlist(name))) for name in ("list", "shown")}
    wish = Wish(
        **names, language=language, lists=frozenset(numbers["list"]), shown=frozenset(numbers["shown"]),
        paused="paused" in form, reads="reads" in form, reason=form.get("reason", ""), agreed=agreed,
    )  # fmt: skip
    return wish, {name: error for name, error in errors.items() if name not in same}


def _chosen(offered: Offered) -> str:
    return language_given(offered.choices.language, offered.languages, "") if offered.languages else ""


def _form(
    connection: Connection,
    key: str,
    mailed: SentMail,
    offered: Offered,
    wish: Wish | None = None,
    errors: dict[str, str] | None = None,
) -> str:
    page, choices, leaving = _of_mail(key, mailed), offered.choices, unsubscribe_key(mailed)
    left = already_left(connection, leaving, mailed)
    page["words"], page["list_name"] = with_title(page["words"], mailed)
    return render_template(
        "preferences/form.html", choices=choices, wish=wish or choices.as_wish(), errors=errors or {},
        languages=[(code, own_name(code)) for code in offered.languages], chosen=_chosen(offered),
        reading=_reading(page).wording,
        paused_until=choices.paused_until and day_in(page["language"], choices.paused_until), reasons=_REASONS,
        address=masked(choices.email), leave=url_for("unsubscribe.ask", key=leaving), **left, **page,
    )  # fmt: skip


def _gone(key: str, mailed: SentMail) -> str:
    page = _of_mail(key, mailed)
    return _done(page, page["words"]["gone"], [page["words"]["gone_means"].format(**page)], gone=True)


def _done(page: dict[str, Any], heading: str, said: list[str], **values: Any) -> str:
    return render_template("preferences/done.html", heading=heading, said=said, **values, **page)


def _said(page: dict[str, Any], before: ReaderChoices, done: ReaderChange, wish: Wish) -> list[str]:
    """Return a line for each thing that was done."""
    words, titles = page["words"], {each.id: each.title for each in before.lists}
    lists = (("did_leave", done.left), ("did_join", done.joined), ("did_not_join", done.refused))
    said = [words[name].format(list=titles[id_], **page) for name, ids in lists for id_ in ids]
    if done.paused:
        until = done.paused_until
        said.append(words["did_pause"].format(day=day_in(page["language"], until)) if until else words["did_resume"])
    if done.reads:
        said.append(words["did_agree" if wish.reads else "did_not_agree"])
    return [*said, words["did_fields"]] if done.fields else said


def _reading(page: dict[str, Any]) -> ReadingWording:
    return ReadingWording(page["words"]["reading_box"].format(**page), page["language"])


def _seal() -> Fernet:
    key = derive(installation_secret(settings()), "a change on the preferences page")
    return Fernet(base64.urlsafe_b64encode(key))


def _of_mail(key: str, mailed: SentMail) -> dict[str, Any]:
    """Return the values of all templates: the key, the sender, test or not; look and phrases of the mail."""
    email = email_of(mailed)
    page = page_words(email, UNSUBSCRIBE, PREFERENCES)
    return {**page, "key": key, "organisation": mailed.organisation, "test": not mailed.counts, "look": email.look}
