"""Markup: Markdown, HTML and characters that did not become what was meant, so that readers would see their signs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from newsletters.checks.finding import Code, Finding, Subject, ancestors

LINK = Code(
    "markup-link", "error", "A link or picture that did not become one",
    why="Readers would see its brackets, and could not press it.",
    fix="Write [words](https://…), without a space between the brackets or in the address.",
)  # fmt: skip
SIGNS = Code(
    "markup-signs", "warning", "Signs of Markdown that readers would see",
    why="They were meant to make a heading, a list, a table, or bold or struck-out words, and did not.",
    fix="Write **bold**, ## Heading, - item: no space inside the stars, one after the others; "
    "a list or table begins after an empty line.",
)  # fmt: skip
CHARACTER = Code(
    "markup-character", "error", "The code of a character, or an HTML tag, that readers would see",
    why="It was to become a character or a format, and did not.", fix="Type the character itself, or use Markdown.",
)  # fmt: skip

# Each is searched in one paragraph, cell or heading, whose lines are those of the source.
_LINK = re.compile(
    r"!?\[[^\[\]\n]+\](?:[ \t]*+(?:\n[ \t]*+)?\(\s*(?:<|/|#|www\.|[a-z]{2,}:|[^\s()]+[.@]\w)|\()"
    r"|\([^()\n]+\)\[(?:https?:|www\.|mailto:)[^\[\]\n]*\]|\bhttps?://\s+[\w-]+\.\w+|\bwww\.\s+[\w-]+\.\w+"
    r"|!\[[^\[\]\n]*\]\s?\(|\[[^\[\]\n]+\]\[[^\[\]\n]*\]|^[^\S\n]*\[[^\[\]\n]+\]:\s*\S+",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNS = re.compile(
    r"\*{2,}|~~|(?<!_)__(?!_)|`"
    r"|(?<![\w*])\* [^*\n\d]{2,80} \*(?![\w*])|(?<!\w)_ [^_\n]{1,80} _(?!\w)"
    r"|^[ \t]*#{2,}[^\s#].*|^[ \t]*(?:#{1,6}|>) \S.*|^[ \t]*\|.*\|[ \t]*$"
    r"|==\w[^=\n]*\w==|(?<!\S):[a-z]+(?:_[a-z]+)*:(?!\S)",
    re.MULTILINE,
)
_ITEM = re.compile(r"^[ \t]*(?:[-+*–](?=\w)|[•·‣▪■●○◦]|– |o (?=\w)|\d{1,2}[.)](?=\s*[A-Za-z])).*", re.MULTILINE)
_CHARACTER = re.compile(
    r"&(?:amp|nbsp|lt|gt|quot|apos|pound|euro|copy|[nm]dash|[lr][sd]quo|hellip|[aeiou](?:acute|grave|circ|uml)"
    r"|#\d{2,6}|#x[0-9a-f]{2,5});"
    r"|&(?:nbsp|amp|lt|gt|quot|apos|pound|euro|#\d{2,5})(?![\w;=])"
    r"|</?(?:a|b|i|u|p|br|hr|em|strong|div|span|img|font|center|table|t[dhr]|[ou]l|li|h[1-6])(?:\s[^<>]*)?/?>?(?!\w)",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"\S*(?:\s\S+)?")
_CELLS = frozenset({"p", "li", "td", "th", "div", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"})
# Who writes a sign like this means to show it; it is not in the source as it is shown.
_ESCAPED = re.compile(r"\\[*_~`\[\]#|<>=]|&(?:lt|amp|#\d+);")
_ADDRESS = re.compile(r"<[^<>]*>$")
_LONGEST = 40  # of what a finding shows


def check(subject: Subject) -> Iterator[Finding]:
    """Yield findings about signs in subject, preheader and text."""
    seen: set[tuple[Code, str]] = set()
    for text, place in _texts(subject):
        for code, words in _signs(text):
            if (code, words) not in seen:
                seen.add((code, words))
                shown = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
                where = place or subject.place_of(words)
                meant = where == subject.document.file and _ESCAPED.search(subject.document.body)
                if not meant or words.startswith("&"):
                    yield code.at(where, f"{shown!r} would be shown as it was typed.")


def _signs(text: str) -> Iterator[tuple[Code, str]]:
    for code, pattern in ((LINK, _LINK), (CHARACTER, _CHARACTER)):
        yield from ((code, found[0].strip()) for found in pattern.finditer(text))
    for found in _SIGNS.finditer(_LINK.sub("", text)):
        # A sign by itself is found again in the source with the word beside it, each time where it stands first.
        yield SIGNS, (_BESIDE.match(text, text.find(found[0])) or found)[0].strip()
    if len(items := _ITEM.findall(text)) > 1:
        yield SIGNS, items[0].strip()


def _texts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the texts that readers see, each with its place, if that is not to be searched: code is left out."""
    yield subject.plain(subject.email.subject), subject.document.place("subject")
    yield subject.plain(subject.email.preheader), subject.document.place("preheader")
    yield _ADDRESS.sub("", subject.email.from_address), subject.document.place("from")
    held: dict[int, list[str]] = defaultdict(list)
    for node in subject.tree.root.traverse(include_text=True) if subject.tree.root else ():
        if text := "\n" if node.tag == "br" else node.text_content if node.tag == "-text" else "":
            above = list(ancestors(node))
            cell = next((each for each in above if each.tag in _CELLS), None)
            if cell is not None and not any(each.tag in ("code", "pre", "style", "title") for each in above):
                held[cell.mem_id].append(text)
    for texts in held.values():
        yield subject.plain("".join(texts)), ""
