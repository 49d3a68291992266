"""Turn member expressions into slots: one slot for each pair of an expression and the context it is escaped for."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from daisychain.urls import absolute_url
from newsletters.compiled import Context, Slot
from newsletters.expressions.parse import Expressions, Line
from newsletters.expressions.trees import fields_of
from newsletters.tokens import Kind

_SCHEMES = ("http", "https", "mailto", "tel", "sms")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"(?:https?:)?//[^/?#]*", re.IGNORECASE)


class Slots:
    """Replaces the tokens of expressions with tokens of slots."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self._mint = expressions.mint
        self._token = self._mint.pattern(Kind.EXPRESSION)
        self._conditional = self._mint.pattern("[BOE]")
        self._found: dict[tuple[str, str], Slot] = {}

    @property
    def rows(self) -> tuple[Slot, ...]:
        """Return all slots placed so far, each at its index."""
        return tuple(self._found.values())

    def place(self, text: str, context: Context) -> str:
        """Return `text` with each expression replaced by its slot in `context`."""
        if self._mint.mark not in text:  # nearly every piece of a page
            return text
        return self._token.sub(lambda match: self._slot(int(match[2]), context), text)

    def url(self, url: str, line: Line) -> str:
        """Return a link's address with its slots, as `Link.url` holds it; raises InputError if it can't have them."""
        if self._conditional.search(url):
            raise line.wrong("A condition can't be inside a link's address.", "Put {% if %} around the whole link.")
        whole = self._token.fullmatch(url)
        if whole:
            return self._slot(int(whole[2]), "url")
        first = self._token.search(url)
        scheme = _SCHEME.match(url)
        if scheme and scheme[1].lower() not in _SCHEMES:
            raise line.wrong(f"A link can't lead to {scheme[1]}:…", "Use https:// or mailto:.")
        host = _HOST.match(url)
        if first and (first.start() == 0 or (host and first.start() < host.end())):
            raise line.wrong(
                "A member's field can't choose the site that a link leads to, unless it is the whole address.",
                "Write https://a.example/path?name={{ member.first_name }}",
            )
        # Braces would be read as the place of a delivery's key.
        url = quote(url, safe="!#$%&'()*+,/:;=?@[]~-._")
        return self.place(absolute_url(url, self._mint.write(Kind.PUBLIC)), "url_part")

    def words(self, text: str) -> str:
        """Return `text` as people read it, with the names of fields in place of slots."""
        found = self._expressions.slots
        named = self._token.sub(lambda match: f"[{', '.join(fields_of(found[int(match[2])].tree))}]", text)
        return self._mint.strip(named)

    def _slot(self, expression: int, context: Context) -> str:
        found = self._expressions.slots[expression]
        tree = ["address", found.tree] if context == "url" else found.tree
        key = (json.dumps(tree), context)
        slot = self._found.setdefault(
            key, Slot(len(self._found), tree, context, fields_of(tree), found.line, found.file)
        )
        return self._mint.write(Kind.SLOT, slot.index)
