"""Isolate what runs from left to right in text that runs the other way: amounts, telephone numbers, addresses.

Without it, browsers show `+44 20 7946 0000` in an Arabic sentence as `0000 7946 20 44+`. Plain text gets the signs that
Unicode has for it; pages get a <span dir>, as few mail programs know <bdi>. What a member's field holds is not known:
it is isolated by its own first letter.
"""

from __future__ import annotations

import html as htmllib
import re

from newsletters.tokens import Mint

LEFT_TO_RIGHT, BY_ITSELF, END = "\u2066", "\u2068", "\u2069"
_LRM = "\u200e"
_AS_HTML = {ord(LEFT_TO_RIGHT): '<span dir="ltr">', ord(BY_ITSELF): '<span dir="auto">', ord(END): "</span>"}

# Letters and signs that run from right to left; their digits do not.
_RTL = "\u0590-\u065f\u066d-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_ANY_RTL = re.compile(f"[{_RTL}]")
_SIGN = rf"[^\s<>{_RTL}]"
_MONEY = "£$€¥₪₹₺"
# A link's address is left alone: a mail program would take the invisible sign for a part of it.
_WORD = rf"(?!{_SIGN}*(?:://|www\.|\w@\w)){_SIGN}*?[^\W{_RTL}]{_SIGN}*"
# Where a run may begin; a hyphen after a letter joins them, as in Hebrew, and is no minus.
_START = rf"(?:(?<!{_SIGN})(?!(?<=[{_RTL}])-)|(?<=[{_RTL}]-))(?:[^\s\w]?[{_MONEY}][ \u00a0])?"
_RUN = re.compile(rf"{_START}{_WORD}(?:[ \u00a0](?:{_WORD}|[{_MONEY}%]))*")
_MARKS = re.compile(r'([~“”„«»"\[\]] ?)')  # they come in pairs, which a run must not part: ~£10~ £5
_LATIN = re.compile(rf"[^\W\d_{_RTL}]")
_CORE = re.compile(rf"([^\w+#@({_MONEY}−-]*)((?:.*[\w%+°){_MONEY}])?)([^\w%+°){_MONEY}]*)", re.DOTALL)
_NEEDED = re.compile(r"(?!\d+(?:[.,:/٫٬]\d+)*[%٪]?$)(?=.*\d|[#@])")  # plain numbers keep their order by themselves
_ARABIC_DIGITS = re.compile(r"[٠-٩۰-۹]")
_TAGS = re.compile(r"(<!--.*?-->|<[A-Za-z/!][^<>]*>)", re.DOTALL)


def without_isolates(text: str) -> str:
    """Return plain text without the signs that isolate."""
    return re.sub(f"[{LEFT_TO_RIGHT}{BY_ITSELF}{END}{_LRM}]", "", text)


def isolated_page(html: str, mint: Mint, direction: str) -> str:
    """Return HTML or MJML with the same isolated in its text as `isolated_text` does; its head is not changed."""
    if direction != "rtl" and not _ANY_RTL.search(html):
        return html
    start = max(html.find("<mj-body"), html.find("<body"), 0)
    pieces = _TAGS.split(html[start:])
    for at in range(0, len(pieces), 2):
        text = htmllib.unescape(pieces[at])
        if without_isolates(text) == text and (isolated := isolated_text(text, mint, direction)) != text:
            pieces[at] = htmllib.escape(isolated, quote=False).translate(_AS_HTML)
    return html[:start] + "".join(pieces)


def isolated_text(text: str, mint: Mint, direction: str, *, slots: bool = True) -> str:
    """Return plain text with isolated numbers and addresses; in a mail from left to right, in lines that are not.

    Without `slots`, members' fields are left as they are: a subject is short.
    """

    def part(found: re.Match[str]) -> str:
        return "".join(_run(piece, mint, slots=slots) for piece in _MARKS.split(found[0]))

    lines = text.split("\n")
    for at, line in enumerate(lines):
        if direction == "rtl" or _ANY_RTL.search(line):
            # A run never goes beyond a condition.
            pieces = re.split(rf"({mint.mark}[BOE]\d+z)", line)
            lines[at] = "".join(piece if odd % 2 else _RUN.sub(part, piece) for odd, piece in enumerate(pieces))
    return "\n".join(lines)


def _run(run: str, mint: Mint, *, slots: bool) -> str:
    """Return a run, which has no sign that runs from right to left, with the parts isolated that need it."""
    slot = mint.pattern("[XS]")
    bare = slot.sub("", run)
    if mint.mark in bare:  # an address, whose token is not filled in yet
        return run
    if bare != run and (_LATIN.search(bare) or not re.search(r"[^\s,.;:!?]", bare)):
        return slot.sub(lambda found: f"{BY_ITSELF}{found[0]}{END}", run) if slots else run
    if not _LATIN.search(bare):  # a list of numbers reads as its sentence does
        return ", ".join(map(_isolated, run.split(", ")))
    return _isolated(run)


def _isolated(text: str) -> str:
    """Return `text` isolated without the signs around it that belong to the sentence, if it needs that."""
    found = _CORE.fullmatch(text)
    before, core, after = found.groups() if found else ("", text, "")
    if core.count("(") != core.count(")"):
        if core.startswith("("):
            before, core = f"{before}(", core[1:]
        elif core.endswith(")"):
            core, after = core[:-1], f"){after}"
    if not _NEEDED.match(core):
        return text
    if _ARABIC_DIGITS.search(core):  # groups of these digits go from right to left even so
        core = core.replace(" ", f"{_LRM} ")
    return f"{before}{LEFT_TO_RIGHT}{core}{END}{after}"
