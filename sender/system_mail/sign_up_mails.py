"""Signing up by mail: the mail to confirm, within limits, and the welcome mail after it.

Nothing that a stranger typed is in a mail: it could carry their words, under our name, to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection, Engine

from daisychain.settings import Settings
from daisychain.web.networks import network_of
from daisychain.web.translated_phrases import FALLBACK
from daisychain.web.try_limits import Limit, within_limits
from lists.addresses import Address
from lists.sign_up.asking import keep_sign_up, mail_for
from lists.sign_up.confirming import AskedSignUp, Outcome, confirm_sign_up
from lists.sign_up.sign_up_form import ListForm, wording_that_was_shown
from lists.sign_up.typed_sign_up import TypedSignUp
from sender.system_mail.mail_queue import SIGN_UP, OwnSender, post_mail

MAILS = Limit("sign-up mails", 3, timedelta(days=1))
# A stall at which people sign up by one tablet stays below it.
NETWORK = Limit("sign-ups of a network", 60, timedelta(hours=1))


def network_may_sign_up(engine: Engine, ip: str) -> bool:
    """Count one more sign-up from a network; False if there were too many within the hour."""
    return within_limits(engine, (NETWORK, network_of(ip)))


def ask_by_mail(
    engine: Engine, settings: Settings, form: ListForm, typed: TypedSignUp, *, shown: str, language: str, ip: str
) -> None:
    """Keep a sign-up and mail its link, or mail that they are on the list already; the answer is the same for all.

    Nothing is mailed to an address over its limit, or by a program that filled in the trap; `shown` is the id of the
    wording that the form had.
    """
    address = typed.address
    if address is None or typed.trapped or not within_limits(engine, (MAILS, _mailbox(address))):
        return
    with engine.begin() as connection:
        mailed = mail_for(connection, form, address)
        wording = wording_that_was_shown(connection, form, shown, language)
        with connection.begin_nested() as kept:
            token = keep_sign_up(
                connection, settings, form, typed, wording, language=wording.language, network=network_of(ip)
            )
            if mailed != "confirm":
                kept.rollback()  # at the end, so that it takes as long
        words = form.phrases(language).words
        if mailed == "confirm":
            link = f"{settings.pages_url}/join/confirm/{token}"
            _post(connection, settings, form, address, language, words["mail_subject"],
                  [words["mail_asked"], words["mail_press"], link, words["mail_not"]])  # fmt: skip
        elif mailed == "already":
            _post(connection, settings, form, address, language, words["already_subject"],
                  [words["mail_already"], words["mail_leave"]])  # fmt: skip


def confirm_by_mail(
    connection: Connection, settings: Settings, token: str
) -> tuple[AskedSignUp | None, Outcome | None]:
    """Confirm a sign-up as `confirm_sign_up` does, and mail a welcome to a person who is new on the list."""
    asked, outcome = confirm_sign_up(connection, token)
    if asked and (outcome in ("added", "returned") or (outcome == "already" and asked.form.for_organisations)):
        form = asked.form
        own = form.welcome.get(asked.language) or form.welcome.get(FALLBACK)
        language = FALLBACK if own and asked.language not in form.welcome else asked.language
        words = form.phrases(language).words
        subject, text = (own["subject"], own["text"]) if own else (words["welcome_subject"], words["mail_welcome"])
        paragraphs = [*re.split(r"\n{2,}", text), words["mail_leave"]]
        _post(connection, settings, form, asked.address, language, subject, paragraphs)
    return asked, outcome


def _post(
    connection: Connection, settings: Settings, form: ListForm, to: Address, language: str, subject: str,
    paragraphs: Sequence[str],
) -> None:  # fmt: skip
    language = form.phrases(language).language
    sender = OwnSender(form.organisation, form.from_address, form.reply_to, language)
    post_mail(connection, settings, to.written, subject, paragraphs, kind=SIGN_UP, sender=sender)


def _mailbox(address: Address) -> str:
    """Return what is the same for the many spellings of one mailbox: without dots, and without what follows a +."""
    local, _, domain = address.key.rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"
