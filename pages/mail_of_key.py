"""Find the mail of a reader's link: its key, its delivery, and the compiled email that it was made from."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask, abort, current_app, request

from daisychain.database import Database
from daisychain.secret import installation_secret
from newsletters.compiled import CompiledEmail
from pages.context import engine
from sender.links.keys import Keys
from sender.links.sent_mail import SentMail, find_sent_mail, load_emails


class MailFinder:
    """The installation's keys, and the compiled emails that readers asked for last; an app makes them once."""

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


def mail_of(key: str) -> SentMail:
    """Return the delivery of a key; 404 for any other text."""
    delivery_id = _delivery_id(key)
    with engine().connect() as connection:
        mailed = find_sent_mail(connection, delivery_id)
    return mailed or abort(404)


def email_of(mailed: SentMail) -> CompiledEmail:
    """Return the compiled email that a mail was made from."""
    return _mails().email(mailed.compiled_id)


def _mails() -> MailFinder:
    mails: MailFinder = current_app.extensions["daisychain.mails"]
    return mails


def _refuse_foreign_keys() -> None:
    key = (request.view_args or {}).get("key")
    if key is not None:
        _delivery_id(key)


def _delivery_id(key: str) -> int:
    found = _mails().keys.read_delivery(key)
    return abort(404) if found is None else found
