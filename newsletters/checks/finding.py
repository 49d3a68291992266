"""Findings: a check's subject, and the codes and places that it reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from newsletters.checks.reachable import Reach
from newsletters.checks.source_text import SourceText
from newsletters.compiled import CompiledEmail
from newsletters.compose.compiler import Compilation
from newsletters.compose.mjml import mark_number, marked_html
from newsletters.documents.document import Document
from newsletters.people import People
from newsletters.toolkit_store.store import is_shipped
from newsletters.toolkits.brand import Brand
from newsletters.toolkits.toolkit import Toolkit

# To distinguish a paragraph from others of its part, and few enough to end before there is emphasis in it.
_ENOUGH_WORDS = 3

Severity = Literal["error", "warning", "hint"]


@dataclass(frozen=True)
class Finding:
    """One mistake: its place (`file:line`), why it matters, and how to fix it.

    An error that is `overridable` blocks a send only until somebody gives a reason to accept it.
    """

    code: str
    severity: Severity
    place: str
    message: str
    why: str
    fix: str
    overridable: bool = False


@dataclass(frozen=True)
class Code:
    """One kind of mistake, as its family declares it; `name` begins with the family's name and a hyphen.

    `title` says in a few words what is wrong, `why` in one sentence why it matters, `fix` what to do. A `firm`
    error can't be overridden.
    """

    name: str
    severity: Severity
    title: str
    why: str
    fix: str
    firm: bool = False

    @property
    def overridable(self) -> bool:
        """Whether a person may accept it, with a reason."""
        return self.severity == "error" and not self.firm

    def at(self, place: str, message: str, *, fix: str = "") -> Finding:
        """Return a finding at `place` (`file:line`); `fix` if there is a better fix than the code's own."""
        return Finding(self.name, self.severity, place, message, self.why, fix or self.fix, self.overridable)


@dataclass(frozen=True)
class Subject:
    """The newsletter under inspection; `people` is None if no list was named.

    `online` lets checks ask websites, `deep` allows slow checks; dates are judged as of `today`.
    """

    compilation: Compilation
    people: People | None
    today: date
    online: Reach | None = None
    deep: bool = False

    @property
    def email(self) -> CompiledEmail:
        """The compiled email, with tokens where something is filled in."""
        return self.compilation.email

    @property
    def document(self) -> Document:
        """The newsletter's document."""
        return self.compilation.document

    @property
    def toolkit(self) -> Toolkit:
        """The toolkit it takes its copy from."""
        return self.compilation.toolkit

    @property
    def is_demonstration(self) -> bool:
        """Whether its toolkit is one that ships, unchanged, with links and an address that are invented."""
        return is_shipped(self.toolkit)

    @property
    def brand(self) -> Brand:
        """The brand it is in: the toolkit's, or the one that took its place."""
        return self.compilation.toolkit.brand

    @property
    def image_contents(self) -> Mapping[str, bytes]:
        """The bytes of its images, by hash."""
        return self.compilation.image_contents

    @cached_property
    def marked(self) -> str:
        """Its HTML with marks at the parts that the author wrote."""
        return marked_html(self.compilation.mjml, self.compilation.css)

    @cached_property
    def tree(self) -> LexborHTMLParser:
        """The page as a browser reads it, parsed once for all checks; links have their addresses, images tokens.

        `place(node)` says where the author wrote a node of it, `plain(text)` takes tokens out.
        """
        return LexborHTMLParser(self.marked)

    def plain(self, text: str) -> str:
        """Return `text` without tokens."""
        return self.email.mint.strip(text)

    def place(self, node: LexborNode, text: str = "") -> str:
        """Return `file:line` of `text`, or else the node's own first words, in the part that `node` comes from.

        If they are not found, it is the part's first line; for text of the layout itself, the line that chose it.
        """
        mark = self._marks.get(node.mem_id)
        return self.place_at(mark, text or " ".join(self._opening(node)[:_ENOUGH_WORDS]))

    def _opening(self, node: LexborNode) -> list[str]:
        """Return the words of `node` before the first token."""
        return self.email.mint.pattern().split(node.text(deep=True))[0].split()

    def place_at(self, mark: int | None, text: str = "") -> str:
        """Return the same for a part by its mark; None is the layout's own text."""
        if mark is None:
            return self.document.place("layout")
        file, line = self.compilation.places[mark]
        return f"{file}:{self._line(file, text, line) or line}" if text else f"{file}:{line}"

    def place_of(self, text: str) -> str:
        """Return `file:line` of the first line in the document, or else its copy blocks, that holds `text`."""
        return next(self._places_of(text), self.document.file)

    def places_of(self, text: str) -> list[str]:
        """Return the same for each line that holds `text`; the document's file if no line does."""
        return list(dict.fromkeys(self._places_of(text))) or [self.document.file]

    def _places_of(self, text: str) -> Iterator[str]:
        return (f"{file}:{line}" for file, source in self._sources.items() for line in source.lines_of(text))

    @cached_property
    def _marks(self) -> dict[int, int]:
        return marks_in(self.tree)

    def _line(self, file: str, text: str, after: int = 0) -> int:
        """Return the line of `file`, from `after` on, on which `text` first begins; 0 if there is none."""
        return next(self._sources[file].lines_of(text, after), 0) if file in self._sources else 0

    @cached_property
    def _sources(self) -> dict[str, SourceText]:
        """The text of each source file."""
        used = [self.toolkit.copy[use.id] for use in self.email.copy_blocks if use.id in self.toolkit.copy]
        return {
            self.document.file: SourceText(self.document.body_line, self.document.body),
            **{block.file: SourceText(block.line, block.body) for block in used},
        }


def marks_in(tree: LexborHTMLParser) -> dict[int, int]:
    """Return the last mark before each node of `tree` that has one before it, by the node's `mem_id`."""
    found: dict[int, int] = {}
    mark = None
    for node in tree.root.traverse(include_text=True) if tree.root else ():
        if node.is_comment_node:
            mark = mark_number(node.comment_content or "", mark)
        elif mark is not None:
            found[node.mem_id] = mark
    return found


def ancestors(node: LexborNode) -> Iterator[LexborNode]:
    """Yield the elements around `node`, the nearest first."""
    above = node.parent
    while above is not None and above.is_element_node:
        yield above
        above = above.parent
