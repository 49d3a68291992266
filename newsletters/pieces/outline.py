"""Cut a newsletter's text by line into pieces: front matter, blocks with all they hold, conditions, text between.

The text stays what it is: joined, the pieces give the same bytes. The compiler reads expressions first and
directives after them, so lines within a `{{ … }}` or an HTML comment are no directives here either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from newsletters.compose.blocks import registry
from newsletters.compose.directives import CODE_SPAN, COPY, DIRECTIVE, FENCE, NAME
from newsletters.expressions.broken_tags import tags

# `unknown` is a directive that no block has, or an end without its block: shown as source.
PieceKind = Literal["head", "words", "copy", "block", "condition", "unknown"]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_STATEMENT = re.compile(r"\w*")


@dataclass(frozen=True)
class SourcePiece:
    """One piece: its lines as they are, the first line's number in the text, and the block's or the copy's name.

    Empty lines belong to the piece before them. A piece that is not `closed` takes everything up to the end.
    """

    kind: PieceKind
    name: str
    line: int
    source: str
    closed: bool = True

    @property
    def last_line(self) -> int:
        """Return the number of its last line."""
        return self.line + len(split_lines(self.source)) - 1


def split_lines(text: str) -> list[str]:
    """Return the lines of `text` with their ends, as the compiler counts them."""
    return _LINE.findall(text)


def same_line_ends(typed: str, source: str) -> str:
    """Return a text from a browser, whose lines end with CR LF, with the line ends of the source that it goes into."""
    plain = typed.replace("\r\n", "\n").replace("\r", "\n")
    return plain.replace("\n", "\r\n") if "\r\n" in source else plain


def cut(text: str) -> tuple[SourcePiece, ...]:
    """Return the pieces of a whole newsletter, its front matter first if it has one."""
    lines = split_lines(text)
    length = _head_length(lines)
    head = (SourcePiece("head", "", 1, "".join(lines[:length])),) if length else ()
    return (*head, *cut_body("".join(lines[length:]), length + 1))


def cut_body(text: str, line: int = 1) -> tuple[SourcePiece, ...]:
    """Return the pieces of a text without front matter, which begins on `line`: a body, or the inside of a piece."""
    return _Cutter(line).cut(text)


def joined(pieces: Iterable[SourcePiece]) -> str:
    """Return the text that was cut into `pieces`."""
    return "".join(piece.source for piece in pieces)


def piece_at(pieces: Iterable[SourcePiece], line: int) -> int | None:
    """Return the position of the piece with this line of the text; None if there is no such line."""
    return next((at for at, piece in enumerate(pieces) if piece.line <= line <= piece.last_line), None)


def _head_length(lines: list[str]) -> int:
    """Return how many lines the front matter has, with the empty ones below it; 0 if it is missing or not closed."""
    if not lines or lines[0].removeprefix("\ufeff").rstrip() != "---":
        return 0
    end = next((at for at, line in enumerate(lines) if at and line.rstrip() == "---"), -1) + 1
    while end and end < len(lines) and not lines[end].strip():
        end += 1
    return end


class Reading:
    """Reads lines one after the other, and knows what is open."""

    def __init__(self) -> None:
        self._fence = ""
        self._comment = False
        self._depth = self._ifs = 0
        self.within = False  # a tag that began on an earlier line

    @property
    def closed(self) -> bool:
        """Whether the next line is outside of everything."""
        return not (self._fence or self._comment or self._depth or self._ifs or self.within)

    def directive(self, line: str, statements: Iterable[str]) -> str | None:
        """Read a line, without tags, and the names of its statements; return what follows its colons, if it has any."""
        text = None if self.within else self._uncommented(line.rstrip("\r\n"))
        for name in statements:
            self._ifs = max(0, self._ifs + (name == "if") - (name == "endif"))
        fence = None if text is None else FENCE.fullmatch(text)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not fence[2].strip():
                self._fence = ""
            return None
        if fence:
            self._fence = fence[1]
            return None
        found = DIRECTIVE.fullmatch(text) if text is not None else None
        if found is None:
            return None
        block = registry().blocks.get(name_of(found[1]))
        if not found[1].strip():
            self._depth = max(0, self._depth - 1)
        elif block and block.body != "none":
            self._depth += 1
        return found[1]

    def _uncommented(self, text: str) -> str | None:
        if self._fence:
            return text
        if self._comment:
            _, end, text = text.partition("-->")
            if not end:
                return None
            self._comment = False
        start = CODE_SPAN.sub(lambda found: " " * len(found[0]), text).rfind("<!--")
        if start >= 0 and "-->" not in text[start:]:
            self._comment, text = True, text[:start]
        return text


def name_of(directive: str) -> str:
    """Return the block's name in what follows a directive's colons; empty if there is none."""
    found = NAME.match(directive)
    return found[1] if found else ""


class _Cutter:
    def __init__(self, line: int) -> None:
        self._first = line
        self._reading = Reading()
        self._pieces: list[SourcePiece] = []
        self._held: list[str] = []
        self._kind: PieceKind = "words"
        self._name = ""

    def cut(self, text: str) -> tuple[SourcePiece, ...]:
        for line, bare, statements, within in tagged_lines(text):
            top = self._reading.closed and not within
            self._reading.within = within
            directive = self._reading.directive(bare, statements)
            self._reading.within = False
            if top and line.strip():
                self._begin(directive, "if" in statements and not bare.strip())
            self._held.append(line)
        self._flush(closed=self._reading.closed)
        return tuple(self._pieces)

    def _begin(self, directive: str | None, condition: bool) -> None:
        """Begin another piece if a line at the top does not go on with what is held."""
        if directive is None and not condition:
            if self._kind != "words":
                self._flush()
            return
        if self._pieces or any(map(str.strip, self._held)):
            self._flush()  # empty lines above the first piece are its own
        if directive is None:
            self._kind = "condition"
        elif not directive.strip():
            self._kind = "unknown"
            self._take_back()
        else:
            self._name = name_of(directive)
            self._kind = "block" if self._name in registry().blocks else "unknown"
            if self._name == COPY:
                self._kind, self._name = "copy", directive.strip().removeprefix(COPY).strip().strip("\"'")

    def _take_back(self) -> None:
        """Join an end that closes nothing to the unknown block above that it was written for, if there is one."""
        begun = next((at for at in reversed(range(len(self._pieces))) if self._pieces[at].kind == "unknown"), None)
        if begun is not None and self._pieces[begun].name:
            self._first = self._pieces[begun].line
            self._held = split_lines(joined(self._pieces[begun:]))
            del self._pieces[begun:]

    def _flush(self, *, closed: bool = True) -> None:
        if self._held:
            self._pieces.append(SourcePiece(self._kind, self._name, self._first, "".join(self._held), closed))
        self._first += len(self._held)
        self._held, self._kind, self._name = [], "words", ""


def tagged_lines(text: str) -> Iterator[tuple[str, str, list[str], bool]]:
    """Yield each line, what it is without tags, the names of its statements, and whether it begins within a tag.

    A sign stands for each expression.
    """
    found = tags(text)
    tag, at, end = next(found, None), 0, 0
    for line in split_lines(text):
        within, statements, bare, seen = at < end, [], "", min(end, at + len(line)) if at < end else at
        while tag is not None and tag.start() < at + len(line):
            bare += text[seen : tag.start()]
            complete = tag["value_end"] or tag["statement_end"] or tag[0].endswith("#}")
            if complete and tag["statement"] is not None:
                statements.append(_STATEMENT.findall(tag["statement"].strip())[0])
            seen = end = tag.end() if complete else tag.start()
            bare += "" if complete and tag["value"] is None else "…"
            tag = next(found, None)
        bare += text[seen : at + len(line)]
        at += len(line)
        yield line, bare, statements, within
