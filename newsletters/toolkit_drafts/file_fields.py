"""The fields of a form as values in a toolkit's files: read, and written so that only what was changed differs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from daisychain.errors import InputError
from newsletters.documents.text_files import decoded
from newsletters.documents.yaml_edit import line_of, value_at, with_scalar, with_value
from newsletters.pieces.outline import split_lines
from newsletters.pieces.values import FieldError
from newsletters.toolkits.brand import DEFAULT_COLOURS
from newsletters.toolkits.files import BRAND, SHEET

Files = Mapping[str, bytes]

WORDS = "words"
COPY_FIELDS = ("title", "channels", "length", "embargo", "expires", "version", "approved by")
ABOUT_FIELDS = ("title", "coalition", "campaign", "summary", "approval")
_FOOTER = ("organisation", "address", "charity number")
BRAND_FIELDS = (
    "name", "font", "heading font", "logo", "dark logo", "logo plate", "radius", *DEFAULT_COLOURS, *_FOOTER,
)  # fmt: skip
_BOM = "\ufeff"


@dataclass(frozen=True)
class FileFields:
    """Fields that are values in one file, each at a path of keys; in a copy block also `words`, its text.

    The fields in `explicit` are written even if they are empty, as an alt text; fields in `required` can't be empty.
    """

    file: str
    paths: Mapping[str, Sequence[str]]
    required: Collection[str] = ()
    explicit: Collection[str] = ()

    @property
    def _is_copy(self) -> bool:
        return self.file.startswith("copy/")

    def read(self, files: Files) -> dict[str, str]:
        """Return the fields' values as they are in `files`. Raises InputError."""
        _, head, behind = self._parts(files)
        values = {field: value_at(head, path) for field, path in self.paths.items()}
        return {**values, WORDS: _words(behind)} if self._is_copy else values

    def write(self, files: Files, values: Mapping[str, str]) -> bytes:
        """Return the file with these values; a line whose value is the same stays as it is. Raises InputError."""
        first, head, behind = self._parts(files)
        for field in (*self.paths, WORDS):
            if values.get(field) == "" and field in self.required:
                raise FieldError(field, "This can’t be empty.")
        for field, path in self.paths.items():
            value = values.get(field)
            if value == "" and field in self.explicit:
                head = head if line_of(head, path) and not value_at(head, path) else with_scalar(head, path, '""')
            elif value is not None:
                head = with_value(head, path, value)
        if self._is_copy and values.get(WORDS, _words(behind)) != _words(behind):
            ends = "\r\n" if behind.startswith("---\r\n") else "\n"
            behind = f"---\n\n{values[WORDS]}\n".replace("\n", ends)
        return f"{first}{head}{behind}".encode()

    def field_at(self, content: bytes, line: int | None) -> str:
        """Return the field that is in a line of the file, to show an error beside it; empty if none is."""
        first, head, _ = self._parts({self.file: content})
        above = bool(first.strip(_BOM))
        if self._is_copy and line and line > len(split_lines(head)) + above:
            return WORDS
        return next((field for field, path in self.paths.items() if line_of(head, path) + above == line), "")

    def _parts(self, files: Files) -> tuple[str, str, str]:
        """Return the file's beginning, its YAML, and what is behind that."""
        content = files.get(self.file, b"")
        text, mark = decoded(content, self.file), _BOM * content.startswith(_BOM.encode())
        if not self._is_copy:
            return mark, text, ""
        lines = split_lines(text)
        end = next((at for at, line in enumerate(lines) if at and line.rstrip() == "---"), None)
        if end is None:
            raise InputError("The front matter is not closed.", file=self.file, line=1)
        return mark + lines[0], "".join(lines[1:end]), "".join(lines[end:])


def copy_fields(path: str) -> FileFields:
    """Return the fields of the copy block in the file `path`."""
    return FileFields(path, {field: (field,) for field in COPY_FIELDS}, {*COPY_FIELDS, WORDS} - {"embargo", "expires"})


def about_fields(links: Iterable[str] = ()) -> FileFields:
    """Return the fields of the campaign itself, and the address of each of its `links` as `link NAME`."""
    paths = {field: (field,) for field in ABOUT_FIELDS} | {f"link {name}": ("links", name) for name in links}
    return FileFields(SHEET, paths, {"title", "coalition", "summary"})


def brand_fields(files: Files) -> FileFields:
    """Return the fields of the brand, in the file that it is in."""
    above = () if BRAND in files else ("brand",)
    inner = {**dict.fromkeys(DEFAULT_COLOURS, ("colours",)), **dict.fromkeys(_FOOTER, ("footer",))}
    paths = {field: (*above, *inner.get(field, ()), field) for field in BRAND_FIELDS}
    return FileFields(BRAND if BRAND in files else SHEET, paths)


def picture_fields(name: str) -> FileFields:
    """Return the fields of a picture: its file and its alt text."""
    return FileFields(SHEET, {each: ("images", name, each) for each in ("file", "alt")}, {"file"}, {"alt"})


def file_hash(content: bytes) -> str:
    """Return the SHA-256 of a file's content, in hex."""
    return hashlib.sha256(content).hexdigest()


def _words(behind: str) -> str:
    """Return the text behind the line of ---, without empty lines around it."""
    lines = behind.replace("\r\n", "\n").replace("\r", "\n").split("\n")[1:]
    return "\n".join(lines).strip("\n").rstrip()
