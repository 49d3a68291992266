"""Parity: readers of the plain text must find the same links and fields as readers of the HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass

from newsletters.compiled import CompiledEmail
from newsletters.compose.plain_text import as_read, link_text
from newsletters.tokens import Kind

# Of an address in text: what ends a sentence or a bracket is not of it.
_ADDRESS = re.compile(r"https?://[^\s<>\"]+")
_TRAILING = ".,;:!?)]}"


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
    text = " ".join(email.text.split())
    lacking = {
        link.url for link in email.links if as_read(link.url) not in text and link_text(link.text, link.url) not in text
    }
    fields = [_fields(email, email.html + "".join(link.url for link in email.links)), _fields(email, email.text)]
    return Parity(
        links_in_html=tuple(sorted(map(as_read, lacking))),
        links_in_text=tuple(sorted(_addresses(email) - {link.url for link in email.links})),
        fields_in_html=tuple(sorted(fields[0] - fields[1])),
        fields_in_text=tuple(sorted(fields[1] - fields[0])),
    )


def _addresses(email: CompiledEmail) -> set[str]:
    ours = rf"{email.mint.mark}{Kind.PUBLIC}0z[^\s<>\"]+"
    return {found.rstrip(_TRAILING) for found in re.findall(rf"{ours}|{_ADDRESS.pattern}", email.text)}


def _fields(email: CompiledEmail, part: str) -> set[str]:
    slots = email.mint.pattern(Kind.SLOT).findall(part)
    conditions = email.mint.pattern(Kind.BEGIN).findall(part)
    used = [email.slots[int(index)].fields for _, index in slots]
    used += [email.conditions[int(index)].fields for _, index in conditions]
    return {name for fields in used for name in fields}
