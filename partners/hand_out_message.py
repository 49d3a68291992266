"""The mail of a hand-out: what staff write, between a greeting and the organisation's private link.

The message is Markdown, as in newsletters, and may use `{{ member.organisation }}` and `{{ member.contact }}`. Its line
`[button]` says where the button to the private page is; without one it comes last. The link is a late value of the
sender's, so the page that shows the mail again has a sentence in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import yaml
from sqlalchemy import Connection

from daisychain.errors import InputError
from lists.lists import parse_sender
from newsletters.compose.languages import Languages, compile_languages
from newsletters.documents.document import Document, parse_document
from newsletters.toolkit_store.store import named_toolkit
from newsletters.toolkits.toolkit import Toolkit

# So many changes are listed in a mail; the private page has all.
MOST_CHANGES = 8
LONGEST_SUBJECT, LONGEST_MESSAGE = 200, 20_000
BUTTON = "[button]"
FIELDS = ("organisation", "contact", "private_link", "email_link", "more_changes")


@dataclass(frozen=True)
class Message:
    """The text that staff wrote for a hand-out; `newsletter` is the ready-made email that it is about, if any."""

    toolkit: str
    subject: str
    text: str
    sender: str
    newsletter: str = ""
    language: str = "en"
    lists_changes: bool = False

    @property
    def origin(self) -> str:
        """Return the name by which its campaign shows what it was made from."""
        return f"hand-out:{self.toolkit}"


@dataclass(frozen=True)
class WrittenMessage:
    """A message as the compiler reads it."""

    document: Document
    origin: str
    file: str = "message"

    def documents(self) -> Iterator[Document]:
        """Yield the one document."""
        yield self.document


def languages_of_messages() -> list[str]:
    """Return the languages in which a hand-out has words of its own."""
    return list(_phrases())


def usual_message(toolkit: str, email: str, who: str) -> dict[str, str]:
    """Return a subject and a message to begin with, by the titles of the toolkit and of the email it is about."""
    what = f"a new ready-made email, **{email}**" if email else f"new material: **{toolkit}**"
    return {
        "subject": f"{email or toolkit}: ready for {{{{ member.organisation }}}}",
        "message": f"We have {what}. Put your name and logo on it, choose the tool that you send with, and it is "
                   f"yours. That takes five minutes.\n\n{BUTTON}\n\nThank you!\n\n{who}\n",
    }  # fmt: skip


def changes_message(toolkit: str, sender: str, language: str = "en", *, subject: str = "", text: str = "") -> Message:
    """Return the message that lists what changed in an organisation's packs, in the usual words if none are given."""
    words = _phrases().get(language, _phrases()["en"])
    return Message(
        toolkit, subject or words["changes_subject"], text or f"{words['changes']}\n\n{BUTTON}\n", sender,
        language=language, lists_changes=True,
    )  # fmt: skip


def compile_message(connection: Connection, message: Message) -> tuple[WrittenMessage, Languages]:
    """Return a message as a newsletter and compiled; raises InputError with the line of the message."""
    if not message.subject.strip() or not message.text.strip():
        raise InputError("A hand-out needs a subject and a message.")
    if len(message.subject) > LONGEST_SUBJECT or len(message.text) > LONGEST_MESSAGE:
        raise InputError(f"A subject has {LONGEST_SUBJECT} characters at most, a message {LONGEST_MESSAGE:,}.")
    if message.language not in _phrases():
        raise InputError(f"A hand-out can't be in {message.language!r}.", hint=f"It can be in {', '.join(_phrases())}.")
    parse_sender(message.sender)
    toolkit = named_toolkit(message.toolkit, connection)
    written = WrittenMessage(_document(message, toolkit), message.origin)
    words = _phrases()[message.language]
    why = words["why"].format(coalition=toolkit.coalition)
    brand = replace(toolkit.brand, footer=replace(toolkit.brand.footer, why=why))
    try:
        return written, compile_languages(written, lambda *_: toolkit, brand=brand)
    except InputError as error:
        raise _as_typed(error, message, written.document) from None


def _as_typed(error: InputError, message: Message, document: Document) -> InputError:
    """Return an error with the line of what staff typed: below the button, the mail has further lines."""
    typed = len(message.text.strip("\n").splitlines())
    further = len(document.body.rstrip("\n").splitlines()) + document.body_line - 1 - typed
    before, _ = _around_button(message.text.strip("\n"))
    if error.line and error.line > len(before.splitlines()) + 1:
        error.line = min(error.line - further, typed)
    return error


def _document(message: Message, toolkit: Toolkit) -> Document:
    reply = toolkit.contact if "@" in toolkit.contact and "/" not in toolkit.contact else ""
    changes = [f"{part}_{number}" for number in range(1, MOST_CHANGES + 1) for part in ("title", "tool", "why")]
    head = {
        "subject": message.subject, "toolkit": message.toolkit, "layout": "letter", "language": message.language,
        "title": toolkit.title, "from": message.sender, **({"reply_to": reply} if reply else {}),
    }  # fmt: skip
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items()]
    source = "\n".join(["---", *lines, f"fields: [{', '.join((*FIELDS, *changes))}]", "---", ""])
    words = _phrases()[message.language]
    greeting = f"{words['hello']}{{% if member.contact %}} {{{{ member.contact }}}}{{% endif %}},\n\n"
    before, after = _around_button(message.text.strip("\n"))
    link = "\n\n".join([*(_changes(words) if message.lists_changes else []), _link(message, words)])
    document = parse_document(f"{source}{greeting}{before}\n\n{link}\n\n{after}\n", "message", None)
    # Errors name the line of what staff wrote, which begins below the greeting.
    return replace(document, body_line=1 - greeting.count("\n"))


def _around_button(text: str) -> tuple[str, str]:
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines) if line.strip() == BUTTON), len(lines))
    return "\n".join(lines[:at]), "\n".join(lines[at + 1 :])


def _changes(words: Mapping[str, str]) -> Iterator[str]:
    for number in range(1, MOST_CHANGES + 1):
        line = words["changed"]
        for name in ("title", "tool", "why"):
            line = line.replace(f"{{{name}}}", f"{{{{ member.{name}_{number} }}}}")
        yield f"{{% if member.title_{number} %}}\n- {line}\n{{% endif %}}"
    more = words["more"].replace("{count}", "{{ member.more_changes }}")
    yield f"{{% if member.more_changes %}}\n{more}\n{{% endif %}}"


def _link(message: Message, words: Mapping[str, str]) -> str:
    """Return the button and what belongs to it, or the sentence that a page shows in their place."""
    label, link = ("make", "email_link") if message.newsletter else ("open", "private_link")
    whole = words["whole"].replace("{link}", "{{ member.private_link }}") if message.newsletter else ""
    said = f"{whole} {words['private']}".replace("{organisation}", "{{ member.organisation }}").strip()
    return (
        f'{{% if member.private_link %}}\n::: button "{words[label]}" href="{{{{ member.{link} }}}}" size=large\n\n'
        f"{said}\n{{% else %}}\n::: note\n{words['hidden']}\n:::\n{{% endif %}}"
    )


@cache
def _phrases() -> Mapping[str, Mapping[str, str]]:
    text = files("templates").joinpath("email/hand_out.yml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return found
