"""Find the mail of a reader's link: its key, its delivery, and the compiled email that it was made from."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from flask import Flask, Response, abort, current_app, g, make_response, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException

from daisychain.database import Database
from daisychain.secret import installation_secret
from newsletters.compiled import CompiledEmail
from newsletters.merge.merge import LinkKeys
from pages.context import engine, plain
from sender.delivery.confirmed_places import notice_forgotten
from sender.links.keys import KeyKind, Keys
from sender.links.sent_mail import SentMail, find_sent_mail, load_emails

# By the first part of a page's address: the kind of key that opens it.
_OPENED_BY = {"o": KeyKind.PIXEL, "c": KeyKind.CLICK, "v": KeyKind.VIEW, "u": KeyKind.UNSUBSCRIBE,
              "preferences": KeyKind.PREFERENCES}  # fmt: skip
# A view may be passed on: its unsubscribe link has the view's own key, and opens a form that asks for the address.
_ALSO_BY_VIEW = {"unsubscribe.ask", "unsubscribe.by_form"}


class LostMail(HTTPException):
    """A link of a mail that the database does not know any more: it was restored, or old parts were removed."""

    code = 410

    def __init__(self, key: str, delivery_id: int) -> None:
        super().__init__()
        self.key, self.delivery_id = key, delivery_id


class MailFinder:
    """The installation's keys, and the emails that readers asked for last; an app makes them once."""

    def __init__(self, database: Database) -> None:
        self.keys = Keys(installation_secret(database.settings))
        self.email = lru_cache(maxsize=32)(self._load)

    def _load(self, compiled_id: int) -> CompiledEmail:
        with engine().connect() as connection:
            return load_emails(connection, [compiled_id])[compiled_id]


def prepare(app: Flask, database: Database) -> None:
    """Let pages whose address holds a `key` find its mail, and answer 404 to any other key before a body is read."""
    app.extensions["daisychain.mails"] = MailFinder(database)
    app.before_request(_refuse_foreign_keys)
    app.register_error_handler(LostMail, explain_lost)


def mail_of(key: str, connection: Connection | None = None) -> SentMail:
    """Return the delivery of a key; 404 for any other text, and for a key that is for another page.

    Raises LostMail if the key is this installation's, and the database does not know its delivery.
    """
    kind, delivery_id = opened(key)
    mailed = find(delivery_id) if connection is None else find_sent_mail(connection, delivery_id)
    if mailed is None:
        with engine().begin() as own:
            notice_forgotten(own, delivery=max(delivery_id, 0))
        raise LostMail(key, delivery_id)
    return mailed if kind is not KeyKind.ANY or mailed.one_key else abort(404)


def find(delivery_id: int) -> SentMail | None:
    """Find the delivery with this id, or what is known of the reader with it; nothing else is asked."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:  # one question
        return find_sent_mail(connection, delivery_id)


def opened(key: str) -> tuple[KeyKind, int]:
    """Return the kind of a key, and the delivery's id or the reader that it holds; 404 as in `mail_of`."""
    keys: dict[str, tuple[KeyKind, int]] = g.setdefault("opened", {})  # it is asked up to three times a request
    if key not in keys:
        keys[key] = _read(key)
    return keys[key]


def id_of(key: str) -> int:
    """Return the delivery's id or the reader of a key, known or not; 404 as in `mail_of`."""
    kind, delivery_id = opened(key)
    if kind is KeyKind.ANY:
        with suppress(LostMail):
            mail_of(key)  # only mails with one key for all links are looked up
    return delivery_id


def explain_lost(lost: LostMail, state: str = "ask") -> Response:
    """Say that a mail is not known any more; the mail's own unsubscribe link asks for the address."""
    if not request.accept_mimetypes.accept_html:
        return plain("This email is not known any more. Nothing has been changed.", 410)
    asks = request.endpoint is not None and request.endpoint.startswith("unsubscribe.")
    asks = asks and not may_be_passed_on(lost.key)
    action = url_for("unsubscribe.by_form", key=lost.key) if asks else ""
    page = render_template("lost_mail.html", action=action, state=state)
    return make_response(page, 200 if state == "done" else 410)


def link_keys(mailed: SentMail) -> LinkKeys:
    """Return the keys for the links of a mail that is shown again, none of which unsubscribes anybody by itself."""
    keys = _mails().keys.of_links([mailed.delivery_id])[0]
    return keys._replace(unsubscribe=keys.view, preferences="")


def preferences_key(mailed: SentMail) -> str:
    """Return the key of a mail for the page of its reader's choices, also of one that was sent without it."""
    return _mails().keys.make(KeyKind.PREFERENCES, [mailed.delivery_id])[0]


def unsubscribe_key(mailed: SentMail) -> str:
    """Return the key of a mail for the page on which its reader unsubscribes."""
    return _mails().keys.make(KeyKind.UNSUBSCRIBE, [mailed.delivery_id])[0]


def may_be_passed_on(key: str) -> bool:
    """Whether a key is of a view, so that somebody else than its reader may have it."""
    return bool(_mails().keys.read(KeyKind.VIEW, [key]))


def email_of(mailed: SentMail) -> CompiledEmail:
    """Return the compiled email that a mail was made from."""
    return load_email(mailed.compiled_id)


def load_email(compiled_id: int) -> CompiledEmail:
    """Return the compiled email with this id, which is kept."""
    return _mails().email(compiled_id)


def _mails() -> MailFinder:
    mails: MailFinder = current_app.extensions["daisychain.mails"]
    return mails


def _refuse_foreign_keys() -> None:
    key = (request.view_args or {}).get("key")
    if key is not None:
        opened(key)


def _read(key: str) -> tuple[KeyKind, int]:
    page = request.url_rule.rule.split("/")[1] if request.url_rule else ""
    # A mail with one key for all may have been passed on by its view: its reader's choices have a key of their own.
    old = () if page == "preferences" else (KeyKind.ANY,)
    for kind in (_OPENED_BY[page], *old, *([KeyKind.VIEW] if request.endpoint in _ALSO_BY_VIEW else [])):
        if (found := _mails().keys.read(kind, [key]).get(key)) is not None:
            return kind, found
    return abort(404)
