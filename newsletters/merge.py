"""Merging: one compiled email and one member give a finished mail, in microseconds.

A plan is made once per email. It can give finished values for a provider that substitutes them itself
(`tagged_html` once, `values` per member), or the whole mail (`render`); both give exactly the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from newsletters.compiled import CompiledEmail, Image, Link
from newsletters.tokens import CONDITIONALS, Kind, Token
from newsletters.trees import Work, cleaned, worker

# Stands for a delivery's key in the strings of `References`.
KEY = "{key}"

Fill = Callable[[Mapping[str, Any], str], str]


@dataclass(frozen=True)
class References:
    """How links, images and the public pages are written in a mail; each string may hold `KEY`.

    `link` and `image` are asked once per plan; a link's own URL may be handed back as it is. An empty `pixel`
    means that none is put in. `public` is the installation's URL, for links to its own pages.
    """

    link: Callable[[Link], str]
    image: Callable[[Image], str]
    unsubscribe: str
    view: str
    pixel: str = ""
    public: str = ""


@dataclass(frozen=True)
class Merged:
    """A mail for one person."""

    subject: str
    html: str
    text: str


class MergePlan:
    """How to fill one compiled email in for any member; made by `plan_merge`."""

    def __init__(self, email: CompiledEmail, subject: _Part, html: _Part, text: _Part) -> None:
        self.email = email
        self.fields = email.fields
        self._parts = (subject, html, text)
        self.tagged_subject, self.tagged_html, self.tagged_text = (part.tagged for part in self._parts)
        self._fills = {tag: fill for part in self._parts for tag, fill in part.fills.items()}
        self.tags = tuple(self._fills)
        self._items = tuple(self._fills.items())
        self._mark = email.mint.mark

    def values(self, member: Mapping[str, Any], key: str) -> dict[str, str]:
        """The finished value of each tag: escaped for its place, a whole condition one value; none holds a tag."""
        clean = cleaned(member, self.fields, self._mark)
        return {tag: fill(clean, key) for tag, fill in self._items}

    def render(self, member: Mapping[str, Any], key: str) -> Merged:
        """The whole mail for `member`."""
        clean = cleaned(member, self.fields, self._mark)
        subject, html, text = (part.fill(clean, key) for part in self._parts)
        return Merged(subject, html, text)


def plan_merge(email: CompiledEmail, references: References) -> MergePlan:
    """How to merge `email`, with links, images and public pages written as `references` say."""
    html = email.html
    if references.pixel:
        pixel = f'<img src="{email.mint.write(Kind.PIXEL)}" width="1" height="1" alt="" style="border:0" />'
        at = html.rfind("</body>")
        html = html[:at] + pixel + html[at:] if at >= 0 else html + pixel
    return MergePlan(
        email,
        _Planner(email, references, "H", _plain).part(email.subject),
        _Planner(email, references, "M", _escape).part(html),
        _Planner(email, references, "T", _plain).part(email.text),
    )


def link_url(email: CompiledEmail, index: int, member: Mapping[str, Any], public: str) -> str:
    """Where the link `index` leads for `member`; raises KeyError where the email has no such link."""
    url = next((link.url for link in email.links if link.index == index), None)
    if url is None:
        raise KeyError(index)
    slots = {slot.index: slot for slot in email.slots}
    clean = cleaned(member, email.fields, email.mint.mark)

    def written(piece: str | Token) -> str:
        if isinstance(piece, str):
            return piece
        if piece.kind is Kind.PUBLIC:
            return public
        slot = slots[piece.index]
        return _addressed(slot.context, worker(slot.expression))(clean)

    return "".join(written(piece) for piece in email.mint.split(url))


def _plain(text: str) -> str:
    return text


def _escape(text: str) -> str:
    # Looking first is several times quicker than replacing always: most values are harmless.
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&#34;")
    if "'" in text:
        text = text.replace("'", "&#39;")
    return text


_WHOLE_URL = re.compile(r"(?:https?://[^\s/?#]|mailto:[^\s])", re.IGNORECASE)


def _whole_url(text: str) -> str:
    text = text.strip()
    # A member's own text never becomes a script: anything but a web or mail address leads nowhere.
    try:
        urlsplit(text)
    except ValueError:
        return "#"
    return quote(text, safe="!#$%&'()*+,/:;=?@[]~") if _WHOLE_URL.match(text) else "#"


def _url_part(text: str) -> str:
    return quote(text, safe="")


def _addressed(context: str, work: Work) -> Callable[[Mapping[str, Any]], str]:
    write = _whole_url if context == "url" else _url_part
    return lambda member: write(str(work(member)))


@dataclass(frozen=True)
class _Part:
    """One of subject, HTML and text: as one function, and as tagged text with a function for each tag."""

    fill: Fill
    tagged: str
    fills: dict[str, Fill]


# A piece is a literal or a tag with the function that fills it; equal tags have equal functions.
_Piece = str | tuple[str, Fill]


class _Planner:
    """Turns one tokenised part into pieces; `letter` keeps the tags of the parts apart."""

    def __init__(self, email: CompiledEmail, references: References, letter: str, escape: Callable[[str], str]) -> None:
        self._email = email
        self._mint = email.mint
        self._references = references
        self._letter = letter
        self._escape = escape
        self._slots = {slot.index: slot for slot in email.slots}
        self._tests = {row.index: worker(row.test) for row in email.conditions}
        self._links = {link.index: link for link in email.links}
        self._images = {image.index: image for image in email.images}
        self._tags: dict[object, _Piece] = {}
        self._begun = 0

    def part(self, text: str) -> _Part:
        pieces = _joined(self._pieces(list(self._mint.split(text))))
        return _Part(
            fill=_filler(pieces),
            tagged="".join(piece if isinstance(piece, str) else piece[0] for piece in pieces),
            fills=dict(piece for piece in pieces if not isinstance(piece, str)),
        )

    def _pieces(self, items: list[str | Token]) -> list[_Piece]:
        pieces: list[_Piece] = []
        position = 0
        while position < len(items):
            item = items[position]
            if isinstance(item, Token) and item.kind is Kind.BEGIN:
                then, otherwise, position = branches(items, position)
                pieces.append(self._condition(item.index, then, otherwise))
            else:
                pieces.extend([item] if isinstance(item, str) else self._token(item))
            position += 1
        return pieces

    def _condition(self, index: int, then: list[str | Token], otherwise: list[str | Token]) -> _Piece:
        test = self._tests[index]
        yes, no = _filler(_joined(self._pieces(then))), _filler(_joined(self._pieces(otherwise)))
        # One condition may stand twice in a part (a title shown and spoken), with different words: each its own tag.
        self._begun += 1
        return self._tag(
            ("condition", self._begun), lambda member, key: yes(member, key) if test(member) else no(member, key)
        )

    def _token(self, token: Token) -> list[_Piece]:
        if token.kind is Kind.SLOT:
            return [self._slot(token.index)]
        return self._reference(self._reference_text(token))

    def _reference_text(self, token: Token) -> str:
        match token.kind:
            case Kind.LINK:
                return self._references.link(self._links[token.index])
            case Kind.IMAGE:
                return self._references.image(self._images[token.index])
            case Kind.UNSUBSCRIBE:
                return self._references.unsubscribe
            case Kind.VIEW:
                return self._references.view
            case Kind.PIXEL:
                return self._references.pixel
            case Kind.PUBLIC:
                return self._references.public
        raise ValueError(f"{token.text} has no place in a compiled email")

    def _reference(self, text: str) -> list[_Piece]:
        pieces: list[_Piece] = []
        for item in self._mint.split(text):
            if isinstance(item, Token):
                pieces.extend(self._token(item))
                continue
            for position, literal in enumerate(item.split(KEY)):
                if position:
                    pieces.append(self._tag("key", lambda member, key: key))
                pieces.append(self._escape(literal))
        return pieces

    def _slot(self, index: int) -> _Piece:
        slot = self._slots[index]
        work = worker(slot.expression)
        # This is where a send spends its time: no layer more than the context needs.
        if slot.context.startswith("url"):
            escape, written = self._escape, _addressed(slot.context, work)
            return self._tag(index, lambda member, key: escape(written(member)))
        if slot.context in ("html", "attribute"):
            return self._tag(index, lambda member, key: _escape(work(member)))
        return self._tag(index, lambda member, key: work(member))

    def _tag(self, what: object, fill: Fill) -> _Piece:
        return self._tags.setdefault(what, (self._mint.write(self._letter, len(self._tags)), fill))


def branches(items: list[str | Token], begin: int) -> tuple[list[str | Token], list[str | Token], int]:
    """What stands between BEGIN at `begin`, its OTHERWISE and its END; and where its END is."""
    first = items[begin]
    index = first.index if isinstance(first, Token) else -1
    split = end = None
    for position in range(begin + 1, len(items)):
        item = items[position]
        if isinstance(item, Token) and item.kind in CONDITIONALS and item.index == index:
            if item.kind is Kind.END:
                end = position
                break
            split = position
    if end is None:
        raise ValueError(f"condition {index} is not closed")
    return items[begin + 1 : split or end], items[split + 1 : end] if split else [], end


def _joined(pieces: Iterable[_Piece]) -> list[_Piece]:
    joined: list[_Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        elif piece:
            joined.append(piece)
    return joined


def _filler(pieces: list[_Piece]) -> Fill:
    if not pieces:
        return lambda member, key: ""
    if len(pieces) == 1:
        only = pieces[0]
        return (lambda member, key: only) if isinstance(only, str) else only[1]
    # A value that occurs often is worked out once: positions point into the list of distinct values.
    distinct = list(dict(piece for piece in pieces if not isinstance(piece, str)).items())
    places = {tag: index for index, (tag, _) in enumerate(distinct)}
    fills = [fill for _, fill in distinct]
    template = [piece if isinstance(piece, str) else "" for piece in pieces]
    holes = [(position, places[piece[0]]) for position, piece in enumerate(pieces) if not isinstance(piece, str)]

    def fill(member: Mapping[str, Any], key: str) -> str:
        values = [each(member, key) for each in fills]
        filled = template.copy()
        for position, index in holes:
            filled[position] = values[index]
        return "".join(filled)

    return fill
