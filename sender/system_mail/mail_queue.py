"""One queue for single mails: written down with what they are about, sent by any worker, retried, never tracked.

Their links are secrets that open an account, so they are in no page, and their text is encrypted until it is sent.
A mail that may or may not have been taken is sent again: twice the same invitation does no harm.
"""

from __future__ import annotations

import base64
import html
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from procrastinate import JobContext
from sqlalchemy import Connection, Row, and_, delete, func, insert, select, text, update

from daisychain.database import Database
from daisychain.errors import ConfigurationError, DaisychainError, InputError
from daisychain.jobs import BEFORE_BATCHES, app, defer
from daisychain.scrub import scrub
from daisychain.secret import derive, installation_secret
from daisychain.settings import Settings
from daisychain.text_direction import direction_of
from daisychain.web.translated_phrases import FALLBACK
from lists.lists import parse_sender
from lists.tables import MailingList
from newsletters.compiled import CompiledEmail
from newsletters.merge.merge import NO_KEYS, References, plan_merge
from newsletters.tokens import STILL
from sender.providers.open_provider import open_provider
from sender.providers.provider import Mailing, MailPage, Provider, Recipient, Verdict
from sender.tables import SystemMail

log = logging.getLogger("daisychain.system_mail")

# The chores' queue, which has slots of its own: nobody waits for a campaign to get a new password.
QUEUE = "chores"
# How long to wait before each further try; then the mail has failed.
RETRIES = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240, 720)]
KEPT = timedelta(days=30)
SETTING = "DAISYCHAIN_SYSTEM_SENDER"


# Anybody may type an address that no mailbox has: it is no problem of the installation if one is refused or comes back.
SIGN_UP = "sign-up"
_OF_A_STRANGER = and_(SystemMail.kind == SIGN_UP, SystemMail.state == "failed", SystemMail.tries <= len(RETRIES))


@dataclass(frozen=True)
class SystemMailProblem:
    """Mails of one kind that have not been accepted, and why."""

    kind: str
    mails: int
    since: datetime
    problem: str


def provider_is_set(settings: Settings) -> bool:
    """Whether mail really leaves; if not, pages show the links that would be mailed."""
    return settings.provider != "outbox"


@dataclass(frozen=True)
class OwnSender:
    """The sender of a mail that comes from a list and not from the installation, and the language of its text."""

    from_name: str = ""
    from_address: str = ""
    reply_to: str = ""
    language: str = ""


def post_mail(
    connection: Connection, settings: Settings, to: str, subject: str, paragraphs: Sequence[str], *, kind: str,
    link: str = "", sender: OwnSender | None = None, page: MailPage | None = None,
) -> None:  # fmt: skip
    """Write a mail down and let a worker send it, in the caller's transaction. `link` has a line of its own.

    `page` is the same as HTML, for a mail with pictures; other mails have their paragraphs only.
    """
    text_: Any = [*paragraphs, *([link] if link else [])]
    if page:
        pictures = {name: base64.b64encode(content).decode() for name, content in page.pictures.items()}
        text_ = {"paragraphs": text_, "html": page.html, "pictures": pictures}
    content = _cipher(settings).encrypt(orjson.dumps(text_))
    own = asdict(sender or OwnSender())
    connection.execute(insert(SystemMail).values(kind=kind, address=to, subject=subject, content=content, **own))
    defer(connection, send_system_mails, [{}], queue=QUEUE)


@app.task(name="sender.send_system_mails", queue=QUEUE, priority=BEFORE_BATCHES, pass_context=True)
def send_system_mails(context: JobContext) -> None:
    """Send the mails that are due; if this process can't, the chore reports it, and another one tries."""
    try:
        send_due_mails(context.additional_context["database"])
    except (DaisychainError, ConfigurationError) as error:
        log.warning("no system mail is sent from here: %s", error)


# The next try is noted before this one: a worker that dies leaves the mail to it. Many strangers who sign up at once
# hold up no colleague's new password.
_CLAIM = text("""
    UPDATE system_mails SET tries = tries + 1,
        due_at = now() + (CAST(:waits AS interval[]))[least(tries + 1, :tries)]
    WHERE id = (SELECT id FROM system_mails WHERE state = 'waiting' AND due_at <= now()
                ORDER BY kind = :last, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, address, subject, content, tries, from_name, from_address, reply_to, language
""")


def forget_old_mails(connection: Connection) -> int:
    """Delete the mails that were written a month ago; return how many."""
    return connection.execute(delete(SystemMail).where(SystemMail.made_at < func.now() - KEPT)).rowcount


def send_due_mails(database: Database) -> str:
    """Send each mail that is due; returns how many were accepted. One that fails holds up no other.

    A process that lacks the provider's settings uses up no tries: another one may have them.
    """
    due = update(SystemMail).where(SystemMail.state == "waiting", SystemMail.due_at <= func.now())
    try:
        with database.engine.begin() as connection:
            forget_old_mails(connection)
            if not connection.execute(due.values(problem=SystemMail.problem)).rowcount:
                return ""
            sender = system_sender(connection, database.settings)
        # Its bounces go to the sender: a key in the envelope would look like a mail that this database has forgotten.
        provider = open_provider(database.settings.provider, replace(database.settings, smtp_bounce_address=""))
        provider.check(sender[1])
    except (DaisychainError, ConfigurationError) as error:
        with database.engine.begin() as connection:
            connection.execute(due.values(problem=scrub(str(error))))
        raise
    sent = 0
    while (mail := _claimed(database)) is not None:
        problem, permanent = _send(database.settings, provider, sender, mail)
        failed = bool(problem) and (permanent or mail.tries > len(RETRIES))
        state = "failed" if failed else "waiting" if problem else "accepted"
        # The link in a mail that was sent is its reader's only.
        over = {} if state == "waiting" else {"content": None, "ended_at": func.now()}
        with database.engine.begin() as connection:
            changed = update(SystemMail).where(SystemMail.id == mail.id)
            connection.execute(changed.values(state=state, problem=problem, **over))
        sent += not problem
    return f"{sent} accepted" if sent else ""


def _claimed(database: Database) -> Row[Any] | None:
    with database.engine.begin() as connection:
        return connection.execute(_CLAIM, {"waits": RETRIES, "tries": len(RETRIES), "last": SIGN_UP}).one_or_none()


def _send(settings: Settings, provider: Provider, sender: tuple[str, str], mail: Row[Any]) -> tuple[str, bool]:
    """Send one mail; returns what went wrong ("" for nothing), and whether trying again is of no use."""
    try:
        content = orjson.loads(_cipher(settings).decrypt(mail.content))
        if mail.from_address:
            sender = (mail.from_name, mail.from_address)
        outcome = provider.send(_mailing(mail, content, *sender), [_recipient(mail)], "")
    except InvalidToken:
        return "it was written with another secret key", True
    except Exception as error:  # whatever it is, the other mails go on
        log.exception("a system mail failed")
        return type(error).__name__, False
    if outcome.verdict is Verdict.ACCEPTED and not outcome.refused and not outcome.waiting and not outcome.uncertain:
        return "", False
    reasons = (*outcome.refused.values(), *outcome.deferred.values(), outcome.detail, outcome.verdict.value)
    return next(scrub(reason) for reason in reasons if reason), bool(outcome.refused)


def system_sender(connection: Connection, settings: Settings) -> tuple[str, str]:
    """Return name and address that these mails come from: the setting's, or the first list's.

    Raises ConfigurationError if there is neither.
    """
    if settings.system_sender:
        try:
            return parse_sender(settings.system_sender)
        except InputError as error:
            raise ConfigurationError(SETTING, f"can't be used: {error.message}") from None
    first = select(MailingList.from_name, MailingList.from_address).where(MailingList.from_address != "")
    row = connection.execute(first.order_by(MailingList.id).limit(1)).one_or_none()
    if row is None:
        raise ConfigurationError(
            SETTING, "is not set, and there is no list whose sender could be used.",
            hint="For example: Connection Coalition <news@your-charity.org>.",
        )  # fmt: skip
    return row.from_name, row.from_address


def note_bounces(connection: Connection, reasons: Mapping[str, str]) -> None:
    """Let mails that were accepted fail if they came back; `reasons` are by address, as events name it."""
    if reasons:
        connection.execute(_BOUNCED, {"addresses": list(reasons), "reasons": list(map(scrub, reasons.values()))})


# Only the last mail of each address: a later invitation may have another problem, or none.
_BOUNCED = text("""
    UPDATE system_mails SET state = 'failed', problem = 'it came back: ' || said.reason
    FROM unnest(CAST(:addresses AS text[]), CAST(:reasons AS text[])) AS said (address, reason)
    WHERE system_mails.state = 'accepted' AND system_mails.made_at > now() - interval '7 days' AND system_mails.id = (
        SELECT max(id) FROM system_mails last WHERE lower(last.address) = said.address)
""")


def problems_of(connection: Connection, kind: str) -> dict[str, str]:
    """Return what went wrong with the last mail of this kind to each address, in lower case, if anything did."""
    last = select(func.lower(SystemMail.address), SystemMail.problem).where(SystemMail.kind == kind)
    found = connection.execute(last.order_by(SystemMail.id))
    return {address: problem for address, problem in dict(map(tuple, found)).items() if problem}


def unsent_mails(connection: Connection) -> list[SystemMailProblem]:
    """Return the mails of the last days that failed or wait for another try, by kind and reason."""
    rows = connection.execute(
        select(SystemMail.kind, func.count(), func.min(SystemMail.made_at), SystemMail.problem)
        .where(SystemMail.problem != "", SystemMail.state != "accepted", ~_OF_A_STRANGER)
        .group_by(SystemMail.kind, SystemMail.problem)
        .order_by(func.min(SystemMail.id))
    )
    return [SystemMailProblem(*row) for row in rows]


def _mailing(mail: Row[Any], content: Any, name: str, address: str) -> Mailing:
    made = content if isinstance(content, dict) else {"paragraphs": content}
    paragraphs, language = made["paragraphs"], mail.language or FALLBACK
    lines = "".join(f"<p>{_linked(each)}</p>" for each in paragraphs)
    # No picture, no style: it reads the same everywhere, and nothing in it is loaded.
    page = made.get("html") or (
        f'<!doctype html><html lang="{language}" dir="{direction_of(language)}"><head><meta charset="utf-8">'
        f"</head><body>{lines}</body></html>"
    )
    email = CompiledEmail(STILL, mail.subject, "", page, "\n\n".join(paragraphs) + "\n")
    plan = plan_merge(email, References(lambda link: link.url, lambda image: image.name, unsubscribe="", view=""))
    pictures = tuple((name, base64.b64decode(each)) for name, each in made.get("pictures", {}).items())
    return Mailing(
        0, plan, name, address, mail.reply_to, "", "", opens="off", clicks="off", pictures=pictures
    )  # fmt: skip


def _linked(paragraph: str) -> str:
    shown = html.escape(paragraph).replace("\n", "<br>")
    return f'<a href="{shown}">{shown}</a>' if paragraph.startswith(("https://", "http://")) else shown


def _recipient(mail: Row[Any]) -> Recipient:
    # Not one of our keys: nothing that comes back for it is looked for among the deliveries.
    key = f"system-{mail.id}"
    return Recipient(0, NO_KEYS, key, f"{key}-{secrets.token_hex(8)}", mail.address, {})


def _cipher(settings: Settings) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derive(installation_secret(settings), "system mail")))
