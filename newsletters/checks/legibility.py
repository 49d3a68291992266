"""Legibility: whether text can be read and buttons can be pressed, on light screens and dark ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from selectolax.lexbor import LexborNode

from newsletters.checks.accessibility import words_of
from newsletters.checks.appearance import Appearance, appearances, pixels, styles_of
from newsletters.checks.finding import Code, Finding, Subject
from newsletters.toolkits.contrast import ENOUGH_CONTRAST, ENOUGH_FOR_LARGE, contrast

SMALLEST_TEXT = 14
# What a finger hits: WCAG 2.2, 2.5.5, and Apple's own guide.
SMALLEST_TARGET = 44

CONTRAST = Code(
    "legibility-contrast", "warning", "Text with too little contrast to its background",
    why="Many people can't read it, and in the sun nobody can.",
    fix=f"Change a colour of the brand or block until it has {ENOUGH_CONTRAST}:1 ({ENOUGH_FOR_LARGE:g}:1 if large).",
)  # fmt: skip
DARK_CONTRAST = Code(
    "legibility-dark-contrast", "warning", "Text with too little contrast on dark screens",
    why="On dark screens our dark colours replace the brand's; text without a dark colour can't be read.",
    fix="Give the block's text a class that templates/email/head.css.j2 has a dark colour for.",
)  # fmt: skip
SMALL_TEXT = Code(
    "legibility-small-text", "warning", f"Text under {SMALLEST_TEXT} px",
    why="On a phone it can't be read without zooming.",
    fix=f"Set it in {SMALLEST_TEXT} px or more; <small> inside small print is too small.",
)  # fmt: skip
TARGET = Code(
    "legibility-target", "warning", f"A button lower than {SMALLEST_TARGET} px",
    why="Fingers miss it, especially fingers that tremble.", fix="Give it more padding or a larger line height.",
)  # fmt: skip
LINK = Code(
    "legibility-link", "warning", "A link that looks like text",
    why="Readers can't see that it can be pressed.",
    fix="Underline it, or add a text link below it that leads to the same place.",
)  # fmt: skip

# Above or below the line.
_APART = frozenset({"sub", "sup"})


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about what is seen."""
    light, dark = appearances(subject.tree, dark=False), appearances(subject.tree, dark=True)
    yield from _contrast(subject, CONTRAST, light)
    yield from _contrast(subject, DARK_CONTRAST, dark)
    for node, words in _texts(subject):
        seen = light[node.mem_id]
        if seen.shown and node.tag not in _APART and seen.size < SMALLEST_TEXT - 0.05:
            yield SMALL_TEXT.at(subject.place(node, words), f"{words!r} is {seen.size:.0f} px high.")
    yield from _links(subject, light)


def _contrast(subject: Subject, code: Code, by_node: Mapping[int, Appearance]) -> Iterator[Finding]:
    """Yield text without enough contrast, each pair of colours once."""
    reported = set()
    for node, words in _texts(subject):
        seen = by_node[node.mem_id]
        if seen.shown and (seen.ink, seen.ground) not in reported and not _stands_out(seen):
            reported.add((seen.ink, seen.ground))
            yield code.at(
                subject.place(node, words),
                f"{words!r} is {seen.ink} on {seen.ground}: {contrast(seen.ink, seen.ground):.1f}:1.",
            )


def _links(subject: Subject, by_node: Mapping[int, Appearance]) -> Iterator[Finding]:
    links = subject.tree.css("a[href]")
    found = {link.attributes["href"] for link in links if _looks_like_a_link(link, by_node)}
    for link in links:
        words = words_of(subject, link)
        height = _height(link, by_node[link.mem_id])
        if "padding" in (link.attributes.get("style") or "") and height < SMALLEST_TARGET:
            yield TARGET.at(subject.place(link, words), f"The button {words!r} is {height:.0f} px high.")
        if link.attributes["href"] not in found:
            yield LINK.at(subject.place(link, words), f"The link {words!r} looks like the text around it.")


def _texts(subject: Subject) -> Iterator[tuple[LexborNode, str]]:
    """Yield each element that holds words of its own, with its longest run; decoration is left out."""
    body = subject.tree.body
    for node in body.traverse() if body else ():
        own = [each.text_content or "" for each in node.iter(include_text=True) if each.is_text_node]
        words = [piece.strip() for text in own for piece in subject.email.mint.pattern().sub("\n", text).split("\n")]
        if any(words) and node.attributes.get("aria-hidden") != "true":
            yield node, max(words, key=len)[:60]


def _looks_like_a_link(link: LexborNode, by_node: Mapping[int, Appearance]) -> bool:
    """Return whether a link differs from text: by a line, a colour, a button's room, or because it is a picture."""
    styles, above = styles_of(link), link.parent
    lined = "none" not in styles.get("text-decoration", "underline")
    coloured = above is not None and by_node[link.mem_id].ink != by_node[above.mem_id].ink
    return lined or coloured or "padding" in styles or bool(link.css("img"))


def _stands_out(seen: Appearance) -> bool:
    return contrast(seen.ink, seen.ground) >= (ENOUGH_FOR_LARGE if seen.large else ENOUGH_CONTRAST)


def _height(link: LexborNode, seen: Appearance) -> float:
    """Return how high a padded link is, in px: its line, padding and border, from its inline style."""
    styles = styles_of(link)
    sides = (styles.get("padding") or "0").split()
    above, below = sides[0], sides[2 if len(sides) > 2 else 0]
    above, below = styles.get("padding-top", above), styles.get("padding-bottom", below)
    line = styles.get("line-height", "1.2")
    high = float(line) * seen.size if line.replace(".", "", 1).isdigit() else pixels(line, seen.size)
    border = pixels((styles.get("border") or "0").split()[0]) or 0
    return (1.2 * seen.size if high is None else high) + (pixels(above) or 0) + (pixels(below) or 0) + 2 * border
