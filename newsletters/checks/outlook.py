"""Outlook: how Outlook for Windows shows the page; it can't be rendered here, so its branches are read instead.

Outlook lays mails out with Word, which reads conditional comments: tables around parts that would else be as wide as
its window, and VML for shapes that it can't draw.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletters.checks.appearance import styles_of
from newsletters.checks.finding import Code, Finding, Subject, ancestors, marks_in
from newsletters.compose.mjml_rules import MARK

COMMENTS = Code(
    "outlook-comments", "error", "Outlook's conditional comments do not close",
    why="Outlook for Windows would hide the rest of the mail, or other programs would show Outlook's part.",
    fix="Close each `<!--[if mso]>` with `<![endif]-->`, and each `<!--[if !mso]><!-->` with `<!--<![endif]-->`.",
)  # fmt: skip
TABLES = Code(
    "outlook-tables", "error", "Tables or VML that do not close for Outlook",
    why="Word puts everything that follows into a cell of the open table.",
    fix="Close the tags in a second conditional comment, in reverse order.",
)  # fmt: skip
WIDTH = Code(
    "outlook-width", "warning", "A part that is as wide as Outlook's window",
    why="Word supports max-width on tables only, so lines run across the whole screen.",
    fix="Put a table of the same width around it in `<!--[if mso]>`, or build it of mj-section and mj-column.",
)  # fmt: skip
BACKGROUND = Code(
    "outlook-background", "warning", "A background picture that Outlook does not show",
    why="Word draws background pictures from VML only; white text on it would be on white.",
    fix="Set it as the background-url of an mj-section, which writes the VML, with a background colour beside it.",
)  # fmt: skip
HIDDEN = Code(
    "outlook-hidden", "warning", "Something hidden that Outlook shows",
    why="With display:none, Word hides neither pictures nor tables inside the hidden part.",
    fix="Add mso-hide:all beside display:none, on each of them.",
)  # fmt: skip
BUTTON = Code(
    "outlook-button", "warning", "A button that looks like text in Outlook",
    why="Word draws no rounded corners: a button without background, border or underline looks like text.",
    fix="Give it a background colour or a border, or use the block `button`.",
)  # fmt: skip

# A condition ends before another tag, and a branch before another one: so each is read once, closed or not.
_BRACKET = re.compile(r"<!--\[if([^\]<]*)\]>(\s*<!--+>)?|<!(?:--<!)?\[endif\](?:--)?>")
_HIDDEN_BRANCH = re.compile(r"<!--\[if[^\]<!]*+![^\]<]*+\]>\s*+<!--+>(?:(?!<!--\[if).)*?<!--<!\[endif\]-->", re.DOTALL)
_BRACKETS = re.compile(r"<!--\[if(?=[^\]<]*(?:mso|IE))[^\]<]*+\]>|<!\[endif\]-->")
_PAIRED = frozenset({"table", "tbody", "thead", "tr", "td", "th", "div", "center"})


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about Outlook for Windows, placed where the layout or block was chosen."""
    html, layout = subject.marked, subject.document.place("layout")
    found = [*unclosed_comments(html)]
    for message in found:
        yield COMMENTS.at(layout, message)
    if found:
        return
    word = as_word_reads(html)
    for message in unclosed_tags(word):
        yield TABLES.at(layout, message)
    yield from _reliance(subject, LexborHTMLParser(word))


def unclosed_comments(html: str) -> Iterator[str]:
    """Yield what is wrong with the conditional comments of `html`."""
    opened: re.Match[str] | None = None
    for bracket in _BRACKET.finditer(html):
        if bracket[1] is None:
            if opened is None:
                yield f"{bracket[0]} closes nothing."
            elif bool(opened[2]) != bracket[0].startswith("<!--"):
                yield f"{opened[0]} is closed by {bracket[0]}."
            opened = None
        elif opened is not None:
            yield f"{bracket[0]} opens inside {opened[0]}."
        else:
            opened = bracket
    if opened is not None:
        yield f"{opened[0]} is not closed."


def as_word_reads(html: str) -> str:
    """Return `html` with the parts for Outlook, and without the parts hidden from it."""
    return _BRACKETS.sub("", _HIDDEN_BRANCH.sub("", html))


def unclosed_tags(html: str) -> list[str]:
    """Return the first fault of the tables and VML of `html`; others follow from it."""
    pairs = _Pairs()
    pairs.feed(MARK.sub("", html))
    pairs.close()
    return pairs.faults[:1] or [f"<{tag}> is not closed." for tag in pairs.open[-1:]]


class _Pairs(HTMLParser):
    """Tags that must close in order, as Word reads them; an HTML5 parser would fix them unseen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _PAIRED or tag.startswith(("v:", "w:")):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag in _PAIRED or tag.startswith(("v:", "w:")):
            if self.open[-1:] == [tag]:
                self.open.pop()
            else:
                inside = f"inside <{self.open[-1]}>" if self.open else "with no tag open"
                self.faults.append(f"</{tag}> is {inside}.")


def _reliance(subject: Subject, word: LexborHTMLParser) -> Iterator[Finding]:
    """Yield findings about CSS that Word does not support and that nothing replaces."""
    marks = marks_in(word)
    for node in word.css("[style], [background]"):
        for code, message in _relied_on(node):
            words = " ".join(node.text().split()) if code is BUTTON else ""
            yield code.at(subject.place_at(marks.get(node.mem_id), words), message)


def _relied_on(node: LexborNode) -> Iterator[tuple[Code, str]]:
    styles = styles_of(node)
    most, hidden = styles.get("max-width", ""), styles.get("display") == "none"
    if hidden and styles.get("mso-hide") != "all" and (node.tag in ("img", "table") or node.css("table, img")):
        yield HIDDEN, f"A hidden <{node.tag}> has no mso-hide:all."
    if hidden:
        return
    if most.endswith("px") and node.tag not in ("table", "img") and "width" not in styles and not _within_width(node):
        yield WIDTH, f"A part at most {most} wide has no width that Outlook knows."
    ground = styles.get("background", "") + styles.get("background-image", "")
    if ("url(" in ground or node.attributes.get("background")) and not _within_vml(node):
        yield BACKGROUND, "A background picture has no VML for Outlook."
    if node.tag == "a" and "border-radius" in styles and _is_bare(node, styles):
        yield BUTTON, f"The button {' '.join(node.text().split())!r} differs from text only by its shape."


def _within_width(node: LexborNode) -> bool:
    """Return whether a table or cell of a width in px holds `node`."""
    return any(
        (above.attributes.get("width") or "").isdigit() or styles_of(above).get("width", "").endswith("px")
        for above in ancestors(node)
        if above.tag in ("table", "td")
    )


def _within_vml(node: LexborNode) -> bool:
    return any((above.tag or "").startswith("v:") for above in ancestors(node))


def _is_bare(link: LexborNode, styles: Mapping[str, str]) -> bool:
    """Return whether only round corners show that a link is not text."""
    drawn = "background" in styles or "background-color" in styles or "border" in styles
    lined = "underline" in styles.get("text-decoration", "underline")
    return not drawn and not lined and not any(above.attributes.get("bgcolor") for above in [*ancestors(link)][:1])
