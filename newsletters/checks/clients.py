"""Clients: HTML and CSS that some of the main mail programs lack, and that our layouts do not replace.

The facts are caniemail.com's; `newsletters/checks/clients.toml` has them, each with the day of its test.
"""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from newsletters.checks.accessibility import place_of_link, words_of
from newsletters.checks.client_support import Feature, features
from newsletters.checks.finding import Code, Finding, Subject

LOST = Code(
    "clients-lost", "warning", "Something that some mail programs don't support",
    why="Their readers miss what it was for.", fix="Do without it, or put something beside it that works without it.",
)  # fmt: skip
PLAINER = Code(
    "clients-plainer", "hint", "Something that looks plainer in some mail programs",
    why="Nothing is missing there, as long as the mail does not depend on it.",
    fix="Check that the mail makes sense without it.",
)  # fmt: skip
FONT = Code(
    "clients-font", "warning", "A font without a fallback",
    why="Most mail programs have only the fonts of their machine; Outlook shows Times for a font that it lacks.",
    fix="End the brand's `font` with names that are everywhere: Arial, sans-serif; or Georgia, serif.",
)  # fmt: skip

# A kind of font, or one that every machine has.
_EVERYWHERE = frozenset({
    "serif", "sans-serif", "monospace", "cursive", "arial", "helvetica", "verdana", "tahoma", "georgia",
    "times new roman", "trebuchet ms",
})  # fmt: skip


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about what mail programs lack; features that our own layouts replace are left out."""
    styles = [(node, _style(node)) for node in subject.tree.css("style, [style]")]
    together = "\n".join({style for _, style in styles})  # a page repeats its styles
    for feature in features():
        if feature.ours:
            continue
        if feature.style is None:
            node = subject.tree.css_first(feature.selector)
        elif feature.style.search(together):
            node = next(node for node, style in styles if feature.style.search(style))
        else:
            node = None
        if node is not None:
            yield _lacking(subject, feature, node)
    for name, font in (("font", subject.brand.font), ("heading font", subject.brand.heading_font)):
        if font and font.rpartition(",")[2].strip(" '").lower() not in _EVERYWHERE:
            words = f"The {name} {font!r} ends with a font that not every machine has."
            yield FONT.at(f"brand {subject.brand.name}", words)


def _lacking(subject: Subject, feature: Feature, node: LexborNode) -> Finding:
    known = "Not supported by" if feature.lacking else "Only partly supported by"
    return (PLAINER if feature.graceful else LOST).at(
        place_of_link(subject, node) if node.tag == "a" else subject.place(node, words_of(subject, node)),
        f"{known} {', '.join(feature.lacking or feature.partly)}: {feature.what}. {feature.effect} "
        f"(caniemail.com, {feature.page}, tested {feature.tested})",
    )


def _style(node: LexborNode) -> str:
    return node.text() if node.tag == "style" else node.attributes["style"] or ""
