"""Parity: readers of the plain text must find the same links and fields as readers of the HTML."""

from __future__ import annotations

import html as htmllib
import re
from dataclasses import dataclass
from urllib.parse import unquote

from newsletters.compiled import CompiledEmail, Link
from newsletters.compose.bare_addresses import NOTE, SIGN
from newsletters.compose.plain_text import as_read, link_text
from newsletters.tokens import Kind

# What ends a sentence or a bracket may belong to the address or not: it is left out on both sides.
_ADDRESS = re.compile(rf"https?://(?:(?!{NOTE}){SIGN})+", re.IGNORECASE)
_TRAILING = ".,:;!?)]}*_~'’”»،؛؟۔।॥。、，！？：；）…"
_TAG = re.compile(r"<[^>]*>")
_ISOLATES = re.compile("[\u2066-\u2069]")
_PREHEADER = re.compile(r'<div style="display:none;.*?</div>', re.DOTALL)


@dataclass(frozen=True)
class Parity:
    """The differences of the two: links by address, fields by name, each sorted."""

    links_in_html: tuple[str, ...]
    links_in_text: tuple[str, ...]
    fields_in_html: tuple[str, ...]
    fields_in_text: tuple[str, ...]

    def __bool__(self) -> bool:
        """Return whether HTML and text say the same."""
        return not (self.links_in_html or self.links_in_text or self.fields_in_html or self.fields_in_text)


def parity(email: CompiledEmail) -> Parity:
    """Return how the HTML and the text of `email` differ."""
    text = _ISOLATES.sub("", " ".join(email.text.split()))
    text += unquote(text).casefold()
    lacking = {link.url for link in email.links if not any(shown in text for shown in _forms(link))}
    page = _PREHEADER.sub("", email.html, count=1)  # inboxes show it; plain text has no place for it
    seen = " ".join([*(link.url for link in email.links), htmllib.unescape(_TAG.sub(" ", page))])
    fields = [_fields(email, page + "".join(link.url for link in email.links)), _fields(email, email.text)]
    return Parity(
        links_in_html=tuple(sorted(map(as_read, lacking))),
        links_in_text=tuple(sorted(_addresses(email, email.text) - _addresses(email, seen))),
        fields_in_html=tuple(sorted(fields[0] - fields[1])),
        fields_in_text=tuple(sorted(fields[1] - fields[0])),
    )


def _forms(link: Link) -> tuple[str, ...]:
    """Return the forms in which people may find a link in plain text."""
    typed = unquote(as_read(link.url)).casefold()  # as people type addresses: with capitals, accents, from www. on
    return as_read(link.url), link_text(link.text, link.url), typed.replace("https://www.", "www.", 1)


def _addresses(email: CompiledEmail, words: str) -> set[str]:
    """Return the web addresses in `words`, each without what may be of the sentence around it."""
    whole = email.mint.strip(_ISOLATES.sub("", words.replace(email.mint.write(Kind.PUBLIC), "https://ours")))
    return {found.rstrip(_TRAILING) for found in _ADDRESS.findall(whole)}


def _fields(email: CompiledEmail, part: str) -> set[str]:
    slots = email.mint.pattern(Kind.SLOT).findall(part)
    conditions = email.mint.pattern(Kind.BEGIN).findall(part)
    used = [email.slots[int(index)].fields for _, index in slots]
    used += [email.conditions[int(index)].fields for _, index in conditions]
    return {name for fields in used for name in fields}
