"""The sign-up form of a list: read it, open and close it, and keep the wordings that people agree to by version."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.errors import InputError
from daisychain.web.translated_phrases import FALLBACK, Phrases, phrases_for
from lists.lists import find_list
from lists.sign_up.tables import SignUp, SignUpForm, SignUpWording
from lists.tables import MailingList

PHRASES = "web/join/phrases.yml"
WHO = ("supporters", "organisations")
LASTS = timedelta(days=7)  # how long a link to confirm works
LONGEST_TEXT = 4_000
LONGEST_SUBJECT = 150
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_FIELDS = re.compile(r"{{|{%|\*\|")


@dataclass(frozen=True)
class AgreedWording:
    """The words that people agree to, in one language and version."""

    id: int
    language: str
    version: int
    text: str
    created_at: datetime


@dataclass(frozen=True)
class ListForm:
    """The form of one list, with its latest wording and its welcome mail by language."""

    list_id: int
    name: str
    title: str
    organisation: str
    from_address: str
    reply_to: str
    is_open: bool = False
    who: str = WHO[0]
    toolkits: Sequence[str] = ()
    welcome: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    wordings: Mapping[str, AgreedWording] = field(default_factory=dict)

    @property
    def for_organisations(self) -> bool:
        """Whether it asks for an organisation."""
        return self.who == "organisations"

    def wording(self, language: str) -> AgreedWording:
        """Return the latest wording in a language, or else in English, or else the first."""
        first = next(iter(self.wordings.values()))
        return self.wordings.get(language) or self.wordings.get(FALLBACK) or first

    def phrases(self, language: str) -> Phrases:
        """Return what page and mails say in a language, with the names of list and organisation filled in."""
        found = phrases_for(PHRASES, language)
        # The variants of a phrase for organisations replace those for supporters.
        own = {key.removesuffix("_as_organisation"): words for key, words in found.words.items()
               if self.for_organisations and key.endswith("_as_organisation")}  # fmt: skip
        names = {"organisation": self.organisation, "address": self.reply_to or self.from_address}
        return found._replace(words={key: _filled(words, names) for key, words in {**found.words, **own}.items()})


def _filled(words: str, names: Mapping[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda found: names.get(found[1], found[0]), words)


def sign_up_form(connection: Connection, name: str) -> ListForm:
    """Return the form of a list, closed if it never had one; raises InputError."""
    row = find_list(connection, name)
    form = connection.execute(select(SignUpForm.__table__).where(SignUpForm.list_id == row["id"])).mappings().first()
    wordings = select(SignUpWording.__table__).where(SignUpWording.list_id == row["id"]).order_by(SignUpWording.id)
    latest = {each["language"]: _wording(each) for each in connection.execute(wordings).mappings()}
    own = {key: form[key] for key in ("is_open", "who", "toolkits", "welcome")} if form else {}
    return ListForm(
        row["id"], name, row["title"], row["from_name"], row["from_address"], row["reply_to"], wordings=latest, **own
    )


def _wording(row: Mapping[Any, Any]) -> AgreedWording:
    return AgreedWording(row["id"], row["language"], row["version"], row["text"], row["created_at"])


def form_url(form: ListForm, public_url: str) -> str:
    """Return the address of a list's form."""
    return f"{public_url}/join/{form.name}"


def wording_that_was_shown(connection: Connection, form: ListForm, shown: str | int, language: str) -> AgreedWording:
    """Return the wording of this list that a form says it showed; the latest if it names none."""
    if str(shown).isdecimal() and len(str(shown)) < 19:
        this = (SignUpWording.id == int(shown), SignUpWording.list_id == form.list_id)
        if row := connection.execute(select(SignUpWording.__table__).where(*this)).mappings().first():
            return _wording(row)
    return form.wording(language)


def forms_of_toolkit(connection: Connection, toolkit: str) -> list[ListForm]:
    """Return the open forms on a toolkit's page; the ones for organisations come first."""
    names = (
        select(MailingList.name)
        .join(SignUpForm, SignUpForm.list_id == MailingList.id)
        .where(SignUpForm.is_open, SignUpForm.toolkits.contains([toolkit]))
        .order_by(SignUpForm.who, MailingList.id)
    )
    return [sign_up_form(connection, name) for name in connection.scalars(names)]


def change_form(
    connection: Connection, name: str, *, by: str, is_open: bool | None = None, who: str | None = None,
    toolkits: Sequence[str] = (),
) -> ListForm:  # fmt: skip
    """Open or close a list's form, and change who it is for and its toolkits; an empty toolkit means none.

    An open form has a wording: without one of its own, it gets ours in English. Raises InputError.
    """
    given: dict[str, Any] = {"is_open": is_open, "who": who}
    if toolkits:
        given["toolkits"] = list(dict.fromkeys(filter(None, toolkits)))
    form = _written(connection, name, by, **{key: value for key, value in given.items() if value is not None})
    if form.is_open and not form.wordings:
        return add_wording(connection, name, form.phrases(FALLBACK).words["wording"], by=by)
    return form


def _written(connection: Connection, name: str, by: str, **changed: Any) -> ListForm:
    """Write a list's form, made if there is none; its row is locked, so that versions are counted by one at a time."""
    changed = {**changed, "changed_by": by}
    new = upsert(SignUpForm).values(list_id=find_list(connection, name)["id"], **changed)
    set_ = {**changed, "changed_at": func.now()}
    connection.execute(new.on_conflict_do_update(index_elements=["list_id"], set_=set_))
    return sign_up_form(connection, name)


def add_wording(connection: Connection, name: str, text: str, *, by: str, language: str = FALLBACK) -> ListForm:
    """Add a version of the wording, unless the latest one has the same words; raises InputError."""
    text = _require_text(text, "wording", language)
    form = _written(connection, name, by)
    latest = form.wordings.get(language)
    if latest is None or latest.text != text:
        connection.execute(insert(SignUpWording).values(
            list_id=form.list_id, language=language, version=latest.version + 1 if latest else 1, text=text,
            hash=hashlib.sha256(text.encode()).hexdigest(), created_by=by,
        ))  # fmt: skip
    return sign_up_form(connection, name)


def set_welcome(connection: Connection, name: str, text: str, *, by: str, language: str = FALLBACK) -> ListForm:
    """Set the welcome mail: a line `Subject: …`, an empty line, and paragraphs of text. Raises InputError."""
    head, _, body = text.strip().replace("\r\n", "\n").partition("\n")
    key, colon, subject = head.partition(":")
    if key.strip().lower() != "subject" or not colon or not subject.strip() or len(subject) > LONGEST_SUBJECT:
        raise InputError(
            "A welcome mail begins with its subject.", hint="A first line such as `Subject: Welcome`, then its text."
        )
    body = _require_text(body, "welcome mail", language)
    welcome = {**_written(connection, name, by).welcome, language: {"subject": subject.strip(), "text": body}}
    return _written(connection, name, by, welcome=welcome)


def _require_text(text: str, what: str, language: str) -> str:
    text = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))
    if not _LANGUAGE.fullmatch(language):
        raise InputError(f"{language!r} is no language code.", hint="Such as en, cy or pt-BR.")
    if not text or len(text) > LONGEST_TEXT:
        raise InputError(
            f"The {what} is {'too long' if text else 'empty'}.", hint=f"Up to {LONGEST_TEXT:,} characters."
        )
    if any(unicodedata.category(each) == "Cc" and each != "\n" for each in text):
        raise InputError(f"The {what} holds a control character.", hint="Write it as plain text.")
    if found := _FIELDS.search(text):
        raise InputError(
            f"The {what} has {found[0]}, but nothing is filled in there.", hint="Write the same words for everybody."
        )
    return text


def sign_up_counts(connection: Connection, list_id: int) -> dict[str, int]:
    """Count sign-ups: asked for within a month or confirmed, confirmed, and waiting for their confirmation."""
    waiting = func.count().filter(SignUp.used_at.is_(None), SignUp.asked_at > func.now() - LASTS)
    counts = select(func.count(), func.count(SignUp.confirmed_at), waiting).where(SignUp.list_id == list_id)
    return dict(zip(("asked", "confirmed", "waiting"), connection.execute(counts).one(), strict=True))
