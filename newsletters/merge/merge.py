"""Merging: one compiled email and one member give a finished mail, in microseconds.

A plan is made once per email. It can give finished values for a provider that substitutes them itself
(`tagged_html` once, `values` per member), or the whole mail (`render`); both give exactly the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from newsletters.compiled import CompiledEmail, Image, Link
from newsletters.expressions.escaping import escape, plain, url_part, whole_url
from newsletters.expressions.evaluate import Formulas
from newsletters.tokens import CONDITIONALS, Kind, Token

# Stands for a delivery's key in the strings of `References`.
KEY = "{key}"


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

    def __init__(self, email: CompiledEmail, formulas: Formulas, parts: Sequence[_Part]) -> None:
        self.email = email
        self.fields = email.fields
        self.tagged_subject, self.tagged_html, self.tagged_text = (part.tagged for part in parts)
        self._formulas = formulas
        filled = {tag: formula for part in parts for tag, formula in part.formulas.items()}
        self.tags = tuple(filled)
        pairs = (f"{formulas.constant(tag)}: {formula}" for tag, formula in filled.items())
        self._values_lines = [f"return {{{', '.join(pairs)}}}"]
        # A value that occurs often is worked out once.
        names = {tag: f"v{at}" for at, tag in enumerate(self.tags)}
        whole = (
            formulas.joined(
                [formulas.constant(each) if isinstance(each, str) else names[each[0]] for each in part.pieces]
            )
            for part in parts
        )
        self._render_lines = [
            *(f"{names[tag]} = {formula}" for tag, formula in filled.items()),
            f"return ({', '.join(whole)})",
        ]

    def values(self, member: Mapping[str, Any], key: str) -> dict[str, str]:
        """The finished value of each tag: escaped for its place, a whole condition one value; none holds a tag."""
        return self._values(member.get, key)

    def render(self, member: Mapping[str, Any], key: str) -> Merged:
        """The whole mail for `member`."""
        return Merged(*self._render(member.get, key))

    # Each is made when first asked for: a preview wants no values, and a provider no whole mails.

    @cached_property
    def _values(self) -> Callable[[Any, str], dict[str, str]]:
        return self._formulas.function(self._values_lines)

    @cached_property
    def _render(self) -> Callable[[Any, str], tuple[str, str, str]]:
        return self._formulas.function(self._render_lines)


def plan_merge(email: CompiledEmail, references: References) -> MergePlan:
    """How to merge `email`, with links, images and public pages written as `references` say."""
    html = email.html
    if references.pixel:
        pixel = f'<img src="{email.mint.write(Kind.PIXEL)}" width="1" height="1" alt="" style="border:0" />'
        at = html.rfind("</body>")
        html = html[:at] + pixel + html[at:] if at >= 0 else html + pixel
    formulas = Formulas(email.mint.mark)
    planner = partial(_Planner, email, references, formulas)
    parts = [
        planner("H", plain).part(email.subject),
        planner("M", escape).part(html),
        planner("T", plain).part(email.text),
    ]
    return MergePlan(email, formulas, parts)


def link_url(email: CompiledEmail, index: int, member: Mapping[str, Any], public: str) -> str:
    """Return where the link `index` leads for `member`; raises KeyError if the email has no such link."""
    url = {link.index: link.url for link in email.links}[index]
    slots = {slot.index: slot for slot in email.slots}
    formulas = Formulas(email.mint.mark)

    def formula(piece: str | Token) -> str:
        if isinstance(piece, str) or piece.kind is Kind.PUBLIC:
            return formulas.constant(piece if isinstance(piece, str) else public)
        slot = slots[piece.index]
        return formulas.called(_address_writer(slot.context), formulas.value(slot.expression))

    return str(
        formulas.function([f"return {formulas.joined(list(map(formula, email.mint.split(url))))}"])(member.get, "")
    )


def _address_writer(context: str) -> Callable[[str], str]:
    return whole_url if context == "url" else url_part


# A piece is a literal, or a tag with the formula that fills it; equal tags have equal formulas.
_Piece = str | tuple[str, str]


@dataclass(frozen=True)
class _Part:
    """One of subject, HTML and text, in pieces."""

    pieces: Sequence[_Piece]

    @property
    def tagged(self) -> str:
        return "".join(piece if isinstance(piece, str) else piece[0] for piece in self.pieces)

    @property
    def formulas(self) -> dict[str, str]:
        return dict(piece for piece in self.pieces if not isinstance(piece, str))


class _Planner:
    """Turns one tokenised part into pieces; `letter` keeps the tags of the parts apart."""

    def __init__(
        self,
        email: CompiledEmail,
        references: References,
        formulas: Formulas,
        letter: str,
        escape: Callable[[str], str],
    ) -> None:
        self._email = email
        self._mint = email.mint
        self._references = references
        self._formulas = formulas
        self._letter = letter
        self._escape = escape
        self._slots = {slot.index: slot for slot in email.slots}
        self._tests = {row.index: row.test for row in email.conditions}
        self._links = {link.index: link for link in email.links}
        self._images = {image.index: image for image in email.images}
        self._tags: dict[object, _Piece] = {}
        self._begun = 0

    def part(self, text: str) -> _Part:
        return _Part(_joined(self._pieces(list(self._mint.split(text)))))

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
        test = self._formulas.value(self._tests[index])
        yes, no = self._formula(then), self._formula(otherwise)
        # One condition may stand twice in a part (a title shown and spoken), with different words: each its own tag.
        self._begun += 1
        return self._tag(("condition", self._begun), self._formulas.either(test, yes, no))

    def _formula(self, items: list[str | Token]) -> str:
        pieces = _joined(self._pieces(items))
        return self._formulas.joined(
            [self._formulas.constant(piece) if isinstance(piece, str) else piece[1] for piece in pieces]
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
                    pieces.append(self._tag("key", "key"))
                pieces.append(self._escape(literal))
        return pieces

    def _slot(self, index: int) -> _Piece:
        slot = self._slots[index]
        if slot.context.startswith("url"):
            address = self._formulas.called(_address_writer(slot.context), self._formulas.value(slot.expression))
            return self._tag(index, address if self._escape is plain else f"escape({address})")
        if slot.context in ("html", "attribute"):
            return self._tag(index, self._formulas.escaped(slot.expression))
        return self._tag(index, self._formulas.value(slot.expression))

    def _tag(self, what: object, formula: str) -> _Piece:
        return self._tags.setdefault(what, (self._mint.write(self._letter, len(self._tags)), formula))


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
