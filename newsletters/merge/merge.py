"""Merge one compiled email with one member into a finished mail, in microseconds.

A plan is made once per email. It gives values for a provider that substitutes them itself (`tagged_html` once,
`values` per member), or the whole mail (`render`); both give exactly the same. People who see the same parts of the
email can have a smaller plan, in which its conditions are decided; its mails are the same too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from newsletters.compiled import CompiledEmail, Image, Link, Slot
from newsletters.expressions.escaping import escape, url_part, whole_url
from newsletters.expressions.evaluate import Formulas
from newsletters.merge.branching import Conditions, branches
from newsletters.merge.link_removal import without_footer_link
from newsletters.tokens import Kind, Token

# The place of a delivery's key in the strings of `References`; which key, their purpose says.
KEY = "{key}"
# The plans with decided conditions that are kept of one email.
DECIDED = 64


class LinkKeys(NamedTuple):
    """The keys in the addresses of one person's mail, one for each purpose, so that none opens another's page."""

    click: str = ""
    pixel: str = ""
    view: str = ""
    unsubscribe: str = ""
    preferences: str = ""


NO_KEYS = LinkKeys()
_PURPOSES = {
    Kind.LINK: "click", Kind.PIXEL: "pixel", Kind.VIEW: "view", Kind.UNSUBSCRIBE: "unsubscribe",
    Kind.PREFERENCES: "preferences",
}  # fmt: skip


@dataclass(frozen=True)
class References:
    """The addresses of links, images and public pages in a mail; each string may hold `KEY`.

    `link` and `image` are called once per plan; `link` may return a link's own URL. An empty `pixel` means no pixel,
    and without `preferences` the footer has no link there.
    `public` is the installation's URL, for links to its own pages.
    """

    link: Callable[[Link], str]
    image: Callable[[Image], str]
    unsubscribe: str
    view: str
    pixel: str = ""
    preferences: str = ""
    public: str = ""


@dataclass(frozen=True)
class Merged:
    """A mail for one person."""

    subject: str
    html: str
    text: str


# A piece of subject, HTML or text is a literal, or a tag with the formula of its value; equal tags, equal formulas.
_Piece = str | tuple[str, str]


class MergePlan:
    """Fills in one compiled email for any member; made by `plan_merge`."""

    def __init__(
        self, email: CompiledEmail, formulas: Formulas, parts: Sequence[Sequence[_Piece]], references: References
    ) -> None:
        self.email = email
        self._decided = lru_cache(DECIDED)(lambda outcomes: plan_merge(email, references, outcomes))
        self.tagged_subject, self.tagged_html, self.tagged_text = (
            "".join(piece if isinstance(piece, str) else piece[0] for piece in part) for part in parts
        )
        self._formulas = formulas
        filled = dict(piece for part in parts for piece in part if not isinstance(piece, str))
        self.tags = tuple(filled)
        pairs = (f"{formulas.constant(tag)}: {formula}" for tag, formula in filled.items())
        self._values_lines = [f"return {{{', '.join(pairs)}}}"]
        # A value that occurs often is computed once.
        names = {tag: f"v{at}" for at, tag in enumerate(filled)}
        whole = (
            formulas.joined([formulas.constant(each) if isinstance(each, str) else names[each[0]] for each in part])
            for part in parts
        )
        self._render_lines = [
            *(f"{names[tag]} = {formula}" for tag, formula in filled.items()),
            f"return ({', '.join(whole)})",
        ]

    def values(self, member: Mapping[str, Any], keys: LinkKeys = NO_KEYS) -> dict[str, str]:
        """Return the finished value of each tag, escaped for its place. A condition is one value; none holds a tag."""
        return self._values(member.get, keys)

    def render(self, member: Mapping[str, Any], keys: LinkKeys = NO_KEYS) -> Merged:
        """Return the whole mail for `member`."""
        return Merged(*self._render(member.get, keys))

    def for_people(self, members: Iterable[Mapping[str, Any]]) -> MergePlan:
        """Return the plan in which conditions are decided, if `members` see the same parts; otherwise this one."""
        outcomes = self._conditions.shared(members) if self.email.conditions else None
        return self if outcomes is None else self._decided(outcomes)

    # Each is made when first asked for: a preview wants no values, and a provider no whole mails.

    @cached_property
    def _conditions(self) -> Conditions:
        return Conditions(self.email)

    @cached_property
    def _values(self) -> Callable[[Any, LinkKeys], dict[str, str]]:
        return self._formulas.function(self._values_lines)

    @cached_property
    def _render(self) -> Callable[[Any, LinkKeys], tuple[str, str, str]]:
        return self._formulas.function(self._render_lines)


def plan_merge(email: CompiledEmail, references: References, outcomes: Sequence[bool] | None = None) -> MergePlan:
    """Return the plan that merges `email`, with links, images and public pages written as `references` say.

    With the `outcomes` of its conditions it is only for members who have these.
    """
    if not references.preferences:
        email = without_footer_link(email, Kind.PREFERENCES)
    html = email.html
    if references.pixel:
        pixel = f'<img src="{email.mint.write(Kind.PIXEL)}" width="1" height="1" alt="" style="border:0" />'
        at = html.rfind("</body>")
        html = html[:at] + pixel + html[at:] if at >= 0 else html + pixel
    formulas = Formulas(email.mint.mark)
    tags: dict[str, _Piece] = {}
    parts = [
        _Planner(email, references, formulas, tags, letter, outcomes).pieces(list(email.mint.split(text)))
        for letter, text in (("H", email.subject), ("M", html), ("T", email.text))
    ]
    return MergePlan(email, formulas, parts, references)


def link_url(email: CompiledEmail, index: int, member: Mapping[str, Any], public: str) -> str:
    """Return the URL of the link `index` for `member`; raises KeyError if the email has no such link."""
    url = {link.index: link.url for link in email.links}[index]
    slots = {slot.index: slot for slot in email.slots}
    formulas = Formulas(email.mint.mark)

    def formula(piece: str | Token) -> str:
        if isinstance(piece, str) or piece.kind is Kind.PUBLIC:
            return formulas.constant(piece if isinstance(piece, str) else public)
        return _address(slots[piece.index], formulas)

    whole = formulas.joined([formula(piece) for piece in email.mint.split(url)])
    return str(formulas.function([f"return {whole}"])(member.get, NO_KEYS))


def leads_all_alike(email: CompiledEmail, index: int) -> bool:
    """Whether the link `index` has the same URL for every member; raises KeyError if the email has no such link."""
    url = {link.index: link.url for link in email.links}[index]
    return all(isinstance(piece, str) or piece.kind is Kind.PUBLIC for piece in email.mint.split(url))


def _address(slot: Slot, formulas: Formulas) -> str:
    return formulas.called(whole_url if slot.context == "url" else url_part, formulas.value(slot.expression))


class _Planner:
    """Turns one tokenised part into pieces; `letter` says where a tag came first: H, T, or M for the HTML.

    `tags` has the tags of all parts, by formula: what has the same value everywhere has one.
    """

    def __init__(
        self, email: CompiledEmail, references: References, formulas: Formulas, tags: dict[str, _Piece], letter: str,
        outcomes: Sequence[bool] | None,
    ) -> None:  # fmt: skip
        self._decided = dict(zip((row.index for row in email.conditions), outcomes or (), strict=False))
        self._mint = email.mint
        self._references = references
        self._formulas = formulas
        self._letter = letter
        self._slots = {slot.index: slot for slot in email.slots}
        self._tests = {row.index: row.test for row in email.conditions}
        self._links = {link.index: link for link in email.links}
        self._images = {image.index: image for image in email.images}
        self._tags = tags

    def pieces(self, items: list[str | Token]) -> list[_Piece]:
        """Return the pieces of `items`, with literals joined."""
        pieces: list[_Piece] = []
        position = 0
        while position < len(items):
            item = items[position]
            if isinstance(item, Token) and item.kind is Kind.BEGIN:
                then, otherwise, position = branches(items, position)
                decided = self._decided.get(item.index)
                if decided is None:
                    pieces.append(self._condition(item.index, then, otherwise))
                else:
                    pieces += self.pieces(then if decided else otherwise)
            else:
                pieces += [item] if isinstance(item, str) else self._token(item)
            position += 1
        return _joined(pieces)

    def _condition(self, index: int, then: list[str | Token], otherwise: list[str | Token]) -> _Piece:
        test = self._formulas.value(self._tests[index])
        yes, no = self._formula(then), self._formula(otherwise)
        return self._tag(self._formulas.either(test, yes, no))

    def _formula(self, items: list[str | Token]) -> str:
        return self._formulas.joined(
            [self._formulas.constant(piece) if isinstance(piece, str) else piece[1] for piece in self.pieces(items)]
        )

    def _token(self, token: Token) -> list[_Piece]:
        if token.kind is Kind.SLOT:
            return [self._slot(self._slots[token.index])]
        pieces: list[_Piece] = []
        for item in self._mint.split(self._reference(token)):
            if isinstance(item, Token):
                pieces += self._token(item)
                continue
            for position, literal in enumerate(item.split(KEY)):
                if position:
                    purpose = _PURPOSES[token.kind]
                    pieces.append(self._tag(f"keys.{purpose}"))
                pieces.append(escape(literal) if self._letter == "M" else literal)
        return pieces

    def _reference(self, token: Token) -> str:
        match token.kind:
            case Kind.LINK:
                return self._references.link(self._links[token.index])
            case Kind.IMAGE:
                return self._references.image(self._images[token.index])
            case Kind.UNSUBSCRIBE | Kind.VIEW | Kind.PREFERENCES | Kind.PIXEL | Kind.PUBLIC:
                return str(getattr(self._references, token.kind.name.lower()))
        raise ValueError(f"{token.text} has no place in a compiled email")

    def _slot(self, slot: Slot) -> _Piece:
        formulas = self._formulas
        if slot.context.startswith("url"):
            address = _address(slot, formulas)
            return self._tag(f"escape({address})" if self._letter == "M" else address)
        escaped = slot.context in ("html", "attribute")
        return self._tag(formulas.value(slot.expression, escaped=escaped))

    def _tag(self, formula: str) -> _Piece:
        return self._tags.setdefault(formula, (self._mint.write(self._letter, len(self._tags)), formula))


def _joined(pieces: Iterable[_Piece]) -> list[_Piece]:
    joined: list[_Piece] = []
    literals: list[str] = []
    for piece in [*pieces, None]:
        if isinstance(piece, str):
            literals.append(piece)
            continue
        if literal := "".join(literals):
            joined.append(literal)
        literals = []
        if piece:
            joined.append(piece)
    return joined
