"""Find where a link of a mail leads. Most lead everybody to the same place: what decides that is kept.

So the database is asked for the mail itself only if the link holds a member's value, or may do so.
"""

from __future__ import annotations

import time
from functools import lru_cache
from urllib.parse import urlsplit

from flask import Flask, abort, current_app
from werkzeug.urls import iri_to_uri

from daisychain.urls import absolute_url
from newsletters.merge.merge import leads_all_alike, link_url
from pages.context import engine, settings
from pages.mail_of_key import email_of, find, load_email, mail_of, opened
from sender.links.keys import KeyKind
from sender.links.reader_groups import RANDOM_BITS, group_of
from sender.links.sent_mail import Alike, SentMail, find_alike

# Seconds. A database that was restored may give a number to something else.
KEPT = 60
# Campaigns that readers asked for last; more are rarely clicked at the same time.
MOST_CAMPAIGNS = 16


class LinkTargets:
    """The campaigns, groups and links that readers asked for last; an app makes them once."""

    def __init__(self) -> None:
        self.group = lru_cache(maxsize=1024)(lambda group, minute: find(-group << RANDOM_BITS))
        # Until the process ends, as `MailFinder.email` keeps emails: a compiled email never changes.
        self.for_all = lru_cache(maxsize=4096)(_for_all)
        self.common = lru_cache(maxsize=4096)(_common)
        self._campaigns: tuple[tuple[float, Alike], ...] = ()

    def campaign(self, delivery_id: int) -> Alike | None:
        """Return what all mails of a delivery's campaign have in common, if they have one email."""
        now = time.monotonic()
        fresh = [(asked, each) for asked, each in self._campaigns if now - asked < KEPT]
        for _, each in fresh:
            if each.first_delivery <= delivery_id <= each.last_delivery:
                return each
        with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            found = find_alike(connection, delivery_id)
        if found:
            self._campaigns = ((now, found), *fresh[: MOST_CAMPAIGNS - 1])
        return found


def prepare(app: Flask) -> None:
    """Let an app remember where links lead."""
    app.extensions["daisychain.links"] = LinkTargets()


def target(key: str, number: int) -> tuple[int, str]:
    """Return the delivery or reader of a click's key, and where this link of its mail leads; 404 if it leads nowhere.

    The address comes from the compiled email, never from the request. Raises LostMail as `mail_of` does.
    """
    kind, mail = opened(key)
    links: LinkTargets = current_app.extensions["daisychain.links"]
    known: SentMail | Alike | None = None
    if mail < 0:
        known = links.group(group_of(mail), int(time.monotonic()) // KEPT)
    elif kind is not KeyKind.ANY:
        known = links.campaign(mail)
    try:
        if known and (mail < 0 or links.for_all(known.compiled_id, number)):
            return mail, links.common(known.compiled_id, number, known.public_url or settings().pages_url)
        mailed = mail_of(key)
        public_url = mailed.public_url or settings().pages_url
        return mail, _checked(link_url(email_of(mailed), number, mailed.inputs, public_url), public_url)
    except (KeyError, ValueError):
        abort(404)


def _for_all(compiled_id: int, number: int) -> bool:
    return leads_all_alike(load_email(compiled_id), number)


def _common(compiled_id: int, number: int, public_url: str) -> str:
    """Return where a link leads a reader without any values."""
    return _checked(link_url(load_email(compiled_id), number, {}, public_url), public_url)


def _checked(url: str, public_url: str) -> str:
    """Return the URL as an absolute one; raises ValueError if there is none, as a member's value may be anything."""
    url = iri_to_uri(absolute_url(url, public_url))
    if urlsplit(url).scheme.lower() not in {"http", "https", "mailto"}:
        raise ValueError
    return url
