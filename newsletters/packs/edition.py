"""Editions: one newsletter that packs are made of, and its form in each partner's brand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from daisychain.errors import InputError
from newsletters.compose.compiler import Compilation, compile_document
from newsletters.compose.compose import phrases
from newsletters.documents.document import Document, language_of
from newsletters.documents.language_names import is_english, language_name
from newsletters.packs.dialect_writer import Wording, write_lines
from newsletters.packs.dialects.dialect import dialects
from newsletters.packs.partner import Partner, partner_brand
from newsletters.packs.partner_links import PARTNER, UTM, Marking, hosts_of, refuse_traces
from newsletters.tokens import Kind, Mint
from newsletters.toolkit_store.showcase import MANIFESTO, in_language
from newsletters.toolkits.toolkit import Toolkit, current_day

# In a value of `--utm`, the partner's code.
CODE = "{partner}"


@dataclass(frozen=True)
class Choices:
    """The coalition's choices for the packs of one run; `utm` and `code` are added to links to its own pages.

    With `otherwise`, a tool that can't express a condition shows its `else` part.
    """

    public_url: str
    hosted: bool = False
    utm: tuple[tuple[str, str], ...] = ()
    code: bool = True
    pictures: bool = False
    otherwise: bool = False


@dataclass(frozen=True)
class Edition:
    """A newsletter with one state of its text; `hash` is the same for all partners, and changes with the text.

    `used` are the copy blocks in its email, `beside` those that are only in other files of its packs, such as posts.
    """

    document: Document
    toolkit: Toolkit
    choices: Choices
    today: date
    hash: str
    title: str
    used: tuple[str, ...]
    beside: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # fields, taken as empty
    subject: str = ""  # as somebody without a name gets it
    # The same for all partners: what is looked for in a page is then a pattern that need not be compiled anew.
    mint: Mint = field(default_factory=Mint.fresh)

    @property
    def name(self) -> str:
        """The name of its file, which later editions of the same newsletter share."""
        return Path(self.document.file).stem

    @property
    def language(self) -> str:
        """The language that it is written in."""
        return self.document.language

    def is_foreign(self, text: str) -> bool:
        """Return whether `text` is in English, and the newsletter is not."""
        return language_name(self.language) != language_name("en") and is_english(text)

    @property
    def translated(self) -> str:
        """The language of a translation, as its file's name says it; empty for the first document."""
        return language_of(Path(self.document.file))

    @property
    def expires(self) -> date | None:
        """The last day on which all the copy of its email may be used: an old post ends no email."""
        days = [block.expires for name in self.used if (block := self.toolkit.copy[name]).expires]
        return min(filter(None, days), default=None)


def open_edition(document: Document, toolkit: Toolkit, choices: Choices, today: date | None = None) -> Edition:
    """Return the edition of `document`; raises InputError, with its place, for what can't be compiled or sent."""
    day = today or current_day()
    compilation = compile_document(document, toolkit, today=day, any_field=True)
    for link in compilation.email.links:
        refuse_traces(_whole(link.url, compilation, choices), choices.public_url)
    _refuse_written_traces(compilation, choices)
    email = compilation.email
    used = tuple(dict.fromkeys(use.id for use in email.copy_blocks))
    beside = tuple(dict.fromkeys(name for name in _beside(toolkit, day, document.language) if name not in used))
    subject = _plain_subject(compilation)
    named = replace(document, title=document.title or subject)
    return Edition(
        named, toolkit, choices, day, _hash(compilation), named.title, used, beside, compilation.unknown, subject
    )


def branded(edition: Edition, partner: Partner | None, *, simple: bool = True) -> Compilation:
    """Return the edition in the brand of `partner`, or without one; the postal address is a word to be replaced."""
    brand = partner_brand(partner, edition.toolkit, phrases(edition.document.language))
    # Who answers should reach the partner: the coalition's own address never leaves in a pack.
    document = replace(edition.document, from_address="", reply_to=partner.reply if partner else "")
    return compile_document(
        document, edition.toolkit, brand=brand, today=edition.today, mint=edition.mint, simple=simple, any_field=True
    )


def marking(edition: Edition, partner: Partner | None) -> Marking:
    """Return what is added to links to the coalition's pages in the packs of `partner`."""
    values = {
        name: value.replace(CODE, partner.code if partner else "")
        for name, value in edition.choices.utm
        if partner or CODE not in value
    }
    if partner and edition.choices.code:
        values[PARTNER] = partner.code
    return Marking(hosts_of(edition.toolkit.links.values(), edition.choices.public_url), values)


def utm_choices(given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return `source=newsletter` and so on, as they go into links; raises InputError."""
    found = []
    for each in given:
        name, equals, value = each.partition("=")
        key = name if name.startswith("utm_") else f"utm_{name}"
        if not equals or not value or key not in UTM:
            raise InputError(
                f"{each!r} can't be added to links.", hint=f"Write source=newsletter; known: {', '.join(UTM)}."
            )
        found.append((key, value))
    return tuple(found)


def _beside(toolkit: Toolkit, today: date, language: str) -> Iterator[str]:
    """Yield the copy blocks in the posts, the website's piece and the texts that are in a pack beside its email."""
    for channel in ("email", "web", "social"):
        for block in toolkit.copy_for(channel, today):
            if block.id != MANIFESTO and (name := in_language(toolkit, block.id, language, today)):
                yield name


def _plain_subject(compilation: Compilation) -> str:
    """Return the subject as somebody without a name gets it."""
    try:
        wording = Wording(lambda link: link.url, lambda image: image.name, "", "")
        return write_lines(compilation.email, dialects()["plain"], wording)[0]
    except InputError:
        return compilation.toolkit.title


def _whole(url: str, compilation: Compilation, choices: Choices) -> str:
    mint = compilation.email.mint
    return mint.strip(url.replace(mint.write(Kind.PUBLIC), choices.public_url))


def _refuse_written_traces(compilation: Compilation, choices: Choices) -> None:
    """Raise InputError for such an address in the text, linked or not."""
    text = _whole(compilation.email.text, compilation, choices)
    for word in text.split():
        if choices.public_url in word:
            refuse_traces(word[word.index(choices.public_url) :].strip("<>()[].,;"), choices.public_url)


def _hash(compilation: Compilation) -> str:
    """Return the hash of the text and pictures only: a new layout makes no partner's pack out of date."""
    email, toolkit = compilation.email, compilation.toolkit
    whole = hashlib.sha256(compilation.document.source.encode())
    for use in email.copy_blocks:
        whole.update(f"\0{use.id}\0{use.version}\0{toolkit.copy[use.id].body}".encode())
    for image in sorted({image.hash for image in email.images}):
        whole.update(image.encode())
    return whole.hexdigest()
