"""What a check is given, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from newsletters.compiled import CompiledEmail
from newsletters.document import Document
from newsletters.people import People
from newsletters.toolkit import Toolkit

Severity = Literal["error", "warning", "hint"]


@dataclass(frozen=True)
class Finding:
    """One thing to look at: where it is (`file:line`), why it matters, and how to mend it."""

    code: str
    severity: Severity
    place: str
    message: str
    why: str
    mend: str


@dataclass(frozen=True)
class Subject:
    """The newsletter under inspection; `people` is None where no list was named."""

    email: CompiledEmail
    document: Document
    toolkit: Toolkit
    people: People | None

    def place_of(self, text: str) -> str:
        """`file:line` of the first line in the document, or else its copy blocks, that holds `text`."""
        for file, first, body in self._sources():
            for number, line in enumerate(body.split("\n"), start=first):
                if text in line:
                    return f"{file}:{number}"
        return self.document.file

    def _sources(self) -> list[tuple[str, int, str]]:
        used = [self.toolkit.copy[use.id] for use in self.email.copy_blocks if use.id in self.toolkit.copy]
        return [
            (self.document.file, self.document.body_line, self.document.body),
            *((block.file, block.line, block.body) for block in used),
        ]
