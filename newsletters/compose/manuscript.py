"""Manuscripts: a newsletter as written, its first text with translations, pictures and brand, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from newsletters.documents.document import Document, first_of, language_of, read_document


class Manuscript(Protocol):
    """A newsletter as the compiler reads it; `newsletters.stored` has the kind that is kept in the database."""

    @property
    def origin(self) -> str:
        """Return the name by which a campaign finds it again."""

    @property
    def file(self) -> str:
        """Return the name of the first text's file."""

    def documents(self) -> Iterator[Document]:
        """Yield the first document, then its translations; raises InputError with file and line."""


@dataclass(frozen=True)
class FolderManuscript:
    """The newsletter in the file `path`, with what is beside it."""

    path: Path

    @property
    def origin(self) -> str:
        """Return its path from the root."""
        return str(self.path.resolve())

    @property
    def file(self) -> str:
        """Return its file's name."""
        return self.path.name

    def documents(self) -> Iterator[Document]:
        """Yield each when it is asked for, so that the first can be compiled if a translation can't be read."""
        yield read_document(self.path)
        yield from map(read_document, translations(self.path))


def manuscript_of(written: Path | Manuscript) -> Manuscript:
    """Return the manuscript in a file, or the manuscript itself."""
    return FolderManuscript(written) if isinstance(written, Path) else written


def translations(path: Path) -> list[Path]:
    """Return the translations beside the newsletter `path`, by name; none for a file that is a translation itself."""
    if first_of(path):
        return []
    found = path.parent.glob(f"{path.stem}.*{path.suffix}")
    return sorted(each for each in found if language_of(each) and first_of(each) == path)
