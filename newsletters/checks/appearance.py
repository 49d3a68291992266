"""Appearance: the colours and sizes in which a reader sees each part of the page, on a light or dark screen.

A small CSS cascade of what our mails use: style sheets and inline styles, importance, specificity and inheritance, for
colour, ground, size, weight and display. Narrow screens, states such as hover, and gradients are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletters.toolkits.contrast import parse_colour

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLOCK = re.compile(r"([^{}]+)\{((?:[^{}]|\{[^{}]*\})*)\}")
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark")
_NAME = re.compile(r"[.#][\w-]+|\[[^\]]*\]|:[\w-]+")
_LENGTH = re.compile(r"([\d.]+)(px|pt|em|rem|%)")
_PART = re.compile(r"[^\s,(]+(?:\([^)]*\))?")

# Browsers' own styles; sizes are multiples of the parent's.
_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 5 / 6, "sub": 5 / 6, "sup": 5 / 6}
_BOLD = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "th"})
_LINK = {False: "#0000ee", True: "#9e9eff"}
_CANVAS = {False: ("#000000", "#ffffff"), True: ("#ffffff", "#121212")}


@dataclass(frozen=True)
class Appearance:
    """The appearance of a part: colours in hex, `size` in px; not `shown` is hidden, or hidden with what holds it."""

    ink: str
    ground: str
    size: float = 16.0
    bold: bool = False
    shown: bool = True

    @property
    def large(self) -> bool:
        """Whether text is large as WCAG has it: 18 pt, or 14 pt and bold."""
        return self.size >= 24 or (self.bold and self.size >= 18.66)


@lru_cache(maxsize=2)  # several families look at the same page, light and dark
def appearances(tree: LexborHTMLParser, *, dark: bool) -> Mapping[int, Appearance]:
    """Return the appearance of each element of the body, by its `mem_id`."""
    given = _given(tree, dark=dark)
    found: dict[int, Appearance] = {}
    if tree.body is None:
        return found
    for node in tree.body.traverse():
        above = found.get(node.parent.mem_id) if node.parent else None
        styles = {name: value for name, (_, value) in given.get(node.mem_id, {}).items()}
        found[node.mem_id] = _appearance(node, styles, above or Appearance(*_CANVAS[dark]), dark=dark)
    return found


def styles_of(node: LexborNode) -> dict[str, str]:
    """Return the inline style of `node`: property to value."""
    return {name: value for name, value, _ in _declarations(node.attributes.get("style") or "")}


def pixels(value: str, base: float = 16.0) -> float | None:
    """Return a CSS length in px, `base` being what em and % are of; None for any other value."""
    found = _LENGTH.fullmatch(value.strip())
    if found is None:
        return 0.0 if value.strip() == "0" else None
    return float(found[1]) * {"px": 1, "pt": 4 / 3, "em": base, "rem": 16, "%": base / 100}[found[2]]


@cache
def colour(value: str) -> str:
    """Return the hex of the first colour that a CSS value names; empty if it names none, or an invisible one."""
    for part in _PART.findall(value):
        if found := parse_colour(part, least_alpha=1):
            return found
    return ""


def _appearance(node: LexborNode, styles: Mapping[str, str], above: Appearance, *, dark: bool) -> Appearance:
    tag, size = node.tag or "", pixels(styles.get("font-size", ""), above.size)
    ink, ground = above.ink, above.ground
    if tag == "mark":
        ink, ground = "#000000", "#ffff00"
    elif tag == "a" and node.attributes.get("href"):
        ink = _LINK[dark]
    painted = styles.get("background-color") or styles.get("background") or node.attributes.get("bgcolor") or ""
    return Appearance(
        ink=colour(styles.get("color", "")) or ink,
        ground=colour(painted) or ground,
        size=above.size * _SIZES.get(tag, 1) if size is None else size,
        bold=_is_bold(styles.get("font-weight", ""), above.bold or tag in _BOLD),
        shown=above.shown and styles.get("display") != "none" and styles.get("visibility") != "hidden",
    )


def _is_bold(weight: str, otherwise: bool) -> bool:
    if weight.isdigit():
        return int(weight) >= 600
    return {"bold": True, "bolder": True, "normal": False}.get(weight, otherwise)


# Property to its strongest value so far, with what makes it strong.
_Given = dict[str, tuple[tuple[int, ...], str]]


def _given(tree: LexborHTMLParser, *, dark: bool) -> dict[int, _Given]:
    """Return the declarations that win for each element, by its `mem_id`."""
    found: dict[int, _Given] = {}

    def give(node: LexborNode, css: str, strength: tuple[int, ...]) -> None:
        held = found.setdefault(node.mem_id, {})
        for name, value, important in _declarations(css):
            rank = (important, *strength)
            if name not in held or held[name][0] <= rank:
                held[name] = (rank, value)

    for order, (selector, css) in enumerate(_rules(tree, dark=dark)):
        for node in tree.css(selector):
            give(node, css, (0, *_specificity(selector), order))
    for node in tree.css("[style]"):
        give(node, node.attributes["style"] or "", (1,))
    return found


def _rules(tree: LexborHTMLParser, *, dark: bool) -> Iterator[tuple[str, str]]:
    """Yield selectors, one at a time, with their declarations on a wide screen."""
    for sheet in tree.css("style:not([media])"):
        for head, body in _BLOCK.findall(_COMMENT.sub("", sheet.text())):
            if not head.strip().startswith("@"):
                yield from ((selector.strip(), body) for selector in head.split(","))
            elif dark and _DARK.search(head):
                for inner, css in _BLOCK.findall(body):
                    yield from ((selector.strip(), css) for selector in inner.split(","))


def _specificity(selector: str) -> tuple[int, int]:
    """Return how many classes and attributes, and how many tags, a selector without ids names."""
    return len(_NAME.findall(selector)), len(re.findall(r"(?:^|[\s>+~])[a-z]", _NAME.sub("", selector)))


@lru_cache(maxsize=1024)  # a page repeats its styles
def _declarations(css: str) -> Sequence[tuple[str, str, bool]]:
    found = []
    for part in css.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            value = value.strip().lower()
            plain = value.removesuffix("!important").strip()
            found.append((name.strip().lower(), plain, plain != value))
    return found
