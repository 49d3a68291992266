"""Isolate what runs from left to right in text that runs the other way: amounts, telephone numbers, addresses.

Without it, browsers show `+44 20 7946 0000` in an Arabic sentence as `0000 7946 20 44+`. Pages get a <span dir>, as
few mail programs know <bdi>; plain text gets the characters that Unicode has for it. What a member's field holds is
not known: it is isolated by its own first letter.
"""

from __future__ import annotations

import html as htmllib
import re
from collections.abc import Callable, Iterator

from newsletters.tokens import CONDITIONALS, Kind, Mint, Token

LEFT_TO_RIGHT, BY_ITSELF, END = "\u2066", "\u2068", "\u2069"
_LRM = "\u200e"

# Letters and signs that run from right to left; their digits do not.
_RTL = "\u0590-\u065f\u066d-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_ANY_RTL = re.compile(f"[{_RTL}]")
_SIGN = rf"[^\s<>{_RTL}]"
# A link's address is left alone: a mail program would take the invisible sign for a part of it.
_WORD = rf"(?!{_SIGN}*(?:://|www\.|\w@\w)){_SIGN}*?[^\W{_RTL}]{_SIGN}*"
_MONEY = "£$€¥₪₹₺"
# Where a run may begin; a hyphen after a letter joins them, as in Hebrew, and is no minus.
_START = rf"(?:(?<!{_SIGN})(?!(?<=[{_RTL}])-)|(?<=[{_RTL}]-))(?:[^\s\w]?[{_MONEY}][ \u00a0])?"
_RUN = re.compile(rf"{_START}{_WORD}(?:[ \u00a0](?:{_WORD}|[{_MONEY}%]))*")
_LATIN = re.compile(rf"[^\W\d_{_RTL}]")
_CORE = re.compile(rf"([^\w+#@({_MONEY}−-]*)(.*?)([^\w%+°){_MONEY}]*)", re.DOTALL)
_PLAIN_NUMBER = re.compile(r"\d+(?:[.,:/٫٬]\d+)*[%٪]?")
_ARABIC_DIGITS = re.compile(r"[٠-٩۰-۹]")

# Given text and whether its direction is known, the text isolated.
Wrap = Callable[[str, bool], str]


def wrapped_in_page(text: str, known: bool) -> str:
    """Return `text` isolated, as HTML."""
    return f'<span dir="{"ltr" if known else "auto"}">{htmllib.escape(text, quote=False)}</span>'


def wrapped_in_text(text: str, known: bool) -> str:
    """Return `text` isolated, as plain text."""
    return f"{LEFT_TO_RIGHT if known else BY_ITSELF}{text}{END}"


def without_isolates(text: str) -> str:
    """Return plain text without the signs that isolate."""
    return re.sub(f"[{LEFT_TO_RIGHT}{BY_ITSELF}{END}{_LRM}]", "", text)


def isolated_text(text: str, mint: Mint, direction: str, *, slots: bool = True) -> str:
    """Return plain text with isolated numbers and addresses; in a mail from left to right, in lines that are not.

    Without `slots`, members' fields are left as they are: a subject is short.
    """
    return "\n".join(_isolated(line, mint, direction, wrapped_in_text, str, slots) for line in text.split("\n"))


def isolated_page(html: str, mint: Mint, direction: str) -> str:
    """Return HTML or MJML with the same isolated in its text; its head is not changed."""
    start = html.find("<mj-body") if "<mj-body" in html else html.find("<body")
    pieces = re.split(r"(<!--.*?-->|<[A-Za-z/!][^<>]*>)", html[start:], flags=re.DOTALL)
    for at in range(0, len(pieces), 2):
        words = htmllib.unescape(pieces[at])
        changed = _isolated(words, mint, direction, wrapped_in_page, _escaped, slots=True)
        if changed != _escaped(words):
            pieces[at] = changed
    return html[:start] + "".join(pieces)


def _escaped(text: str) -> str:
    return htmllib.escape(text, quote=False)


def _isolated(
    text: str, mint: Mint, direction: str, wrap: Wrap, plain: Callable[[str], str], slots: bool
) -> str:  # fmt: skip
    if direction != "rtl" and not _ANY_RTL.search(text):
        return plain(text)
    written, end = "", 0
    for piece in _between_conditions(text, mint):
        if isinstance(piece, Token):
            written += piece.text
            continue
        end = 0
        for run in _RUN.finditer(piece):
            written += plain(piece[end : run.start()]) + "".join(_parts(run[0], mint, wrap, plain, slots))
            end = run.end()
        written += plain(piece[end:])
    return written


def _between_conditions(text: str, mint: Mint) -> Iterator[str | Token]:
    literal = ""
    for piece in mint.split(text):
        if isinstance(piece, Token) and piece.kind in CONDITIONALS:
            yield from (literal, piece)
            literal = ""
        else:
            literal += piece.text if isinstance(piece, Token) else piece
    yield literal


def _parts(run: str, mint: Mint, wrap: Wrap, plain: Callable[[str], str], slots: bool) -> Iterator[str]:
    """Yield the parts of `run`, which has no sign that runs from right to left; some of them isolated."""
    slot = mint.pattern(f"[{Kind.EXPRESSION}{Kind.SLOT}]")
    bare = slot.sub("", run)
    if mint.mark in bare:  # an address, whose token is not filled in yet
        yield plain(run)
    elif bare != run and (_LATIN.search(bare) or not re.search(r"[^\s,.;:!?]", bare)):
        end = 0
        for found in slot.finditer(run):
            yield plain(run[end : found.start()]) + (wrap(found[0], False) if slots else found[0])
            end = found.end()
        yield plain(run[end:])
    elif not _LATIN.search(bare) and ", " in run:  # a list of numbers, which reads as its sentence does
        for part in re.split("(, )", run):
            yield _core(part, wrap, plain)
    else:
        yield _core(run, wrap, plain)


def _core(text: str, wrap: Wrap, plain: Callable[[str], str]) -> str:
    """Return `text` isolated without the signs around it that belong to the sentence, if it needs that."""
    found = _CORE.fullmatch(text)
    before, core, after = found.groups() if found else ("", text, "")
    if core.count("(") != core.count(")"):
        if core.startswith("("):
            before, core = before + "(", core[1:]
        elif core.endswith(")"):
            core, after = core[:-1], ")" + after
    needed = (re.search(r"\d", core) and not _PLAIN_NUMBER.fullmatch(core)) or core[:1] in ("#", "@")
    if not needed:
        return plain(text)
    if _ARABIC_DIGITS.search(core):  # groups of these digits go from right to left even so
        core = core.replace(" ", f"{_LRM} ")
    return plain(before) + wrap(core, True) + plain(after)
