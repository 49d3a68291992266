"""Manuscripts from the database, and where a newsletter that somebody names is kept: in a file, or here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select

from daisychain.cache import Cache
from daisychain.errors import InputError
from newsletters.compose.manuscript import FolderManuscript, Manuscript
from newsletters.documents.document import Document, parse_document
from newsletters.stored.contents import Contents
from newsletters.stored.newsletters import NAME, SavedNewsletter, UnknownNewsletter, find
from newsletters.tables import StoredImage

_PREFIX = "newsletter:"
# By hash: a preview is made after every keystroke.
_PICTURES: Cache[bytes] = Cache(32)


class _Files(Mapping[str, bytes]):
    """The pictures and brands of a newsletter, each read when it is asked for."""

    def __init__(self, connection: Connection, contents: Contents) -> None:
        self._connection = connection
        self._contents = contents

    def __getitem__(self, path: str) -> bytes:
        if path in self._contents.brands:
            return self._contents.brands[path].encode()
        hash_ = self._contents.images[path]
        return _PICTURES.get(hash_, lambda: self._read(hash_))

    def _read(self, hash_: str) -> bytes:
        return self._connection.execute(select(StoredImage.content).where(StoredImage.hash == hash_)).scalar_one()

    def __contains__(self, path: object) -> bool:
        return path in self._contents.brands or path in self._contents.images

    def __iter__(self) -> Iterator[str]:
        return iter([*self._contents.images, *self._contents.brands])

    def __len__(self) -> int:
        return len(self._contents.images) + len(self._contents.brands)


def origin_of(name: str) -> str:
    """Return what a campaign calls the newsletter `name`, which no file can be called."""
    return f"{_PREFIX}{name}"


def name_of_origin(origin: str) -> str:
    """Return the name of the newsletter that a campaign was made from; empty if it was a file."""
    return origin.removeprefix(_PREFIX) if origin.startswith(_PREFIX) else ""


@dataclass(frozen=True)
class StoredManuscript:
    """A newsletter from the database; not `saved` if it is contents that somebody is writing."""

    name: str
    contents: Contents
    connection: Connection = field(repr=False)
    saved: SavedNewsletter | None = None

    @property
    def origin(self) -> str:
        """Return the name by which a campaign finds it again."""
        return origin_of(self.name)

    @property
    def file(self) -> str:
        """Return the name that its file would have."""
        return self.file_of("")

    def file_of(self, language: str) -> str:
        """Return the name that the file of a language would have, as findings name it."""
        return f"{self.name}.{language}.md" if language else f"{self.name}.md"

    def documents(self) -> Iterator[Document]:
        """Yield the first document, then its translations; raises InputError with file and line."""
        first = self.document("")
        yield first
        for language in filter(None, self.contents.texts):
            yield self.document(language, first)

    def document(self, language: str, first: Document | None = None) -> Document:
        """Return the document in one language, with what it takes from the `first`; raises InputError."""
        first = self.document("") if language and first is None else first
        files, text = _Files(self.connection, self.contents), self.contents.texts[language]
        return parse_document(text, self.file_of(language), None, first, language, files)


def stored_manuscript(connection: Connection, name: str) -> StoredManuscript:
    """Return the newsletter `name` from the database; raises UnknownNewsletter."""
    found = find(connection, name)
    return StoredManuscript(name, found.contents, connection, found)


def find_manuscript(connection: Connection, written: str | Path) -> Manuscript:
    """Return the newsletter in the file that `written` names, or else the stored one of that name.

    Raises InputError if there is neither.
    """
    name = str(written)
    if name.startswith(_PREFIX):
        return stored_manuscript(connection, name.removeprefix(_PREFIX))
    if Path(name).is_file() or not NAME.fullmatch(name):
        return FolderManuscript(Path(name))
    try:
        return stored_manuscript(connection, name)
    except UnknownNewsletter:
        raise InputError(
            f"There is no newsletter {name!r}.", hint="Name a file, or one of `daisychain newsletter list`."
        ) from None
