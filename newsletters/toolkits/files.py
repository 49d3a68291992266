"""The files of a toolkit, from a folder or from the database: read when asked for, and never from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from daisychain.errors import InputError
from newsletters.documents.text_files import MAX_TEXT_BYTES, decoded
from newsletters.toolkits.images import MAX_BYTES

SHEET = "toolkit.yml"
BRAND = "brand.yml"
MAX_FILES = 2_000
MAX_COPY = 1_000_000  # characters, of all blocks together
MAX_IMAGES = 100
# A toolkit is held in memory whole while a newsletter is made of it, and while its page is asked for.
MAX_TOTAL_BYTES = 40 * 1024 * 1024


class ToolkitFiles:
    """The files of a toolkit as the loader reads them; `used` gathers those that it read."""

    def __init__(self, files: Mapping[str, bytes], origin: str) -> None:
        self._files = files
        self._origin = origin
        self.used: dict[str, bytes] = {}
        self._total = 0

    def __contains__(self, path: str) -> bool:
        return path in self._files

    def place(self, path: str) -> str:
        return f"{self._origin}/{path}"

    def copy_paths(self) -> list[str]:
        paths = sorted(path for path in self._files if path.startswith("copy/") and path.endswith(".md"))
        if len(paths) > MAX_FILES:
            raise InputError(
                f"There are {len(paths):,} copy blocks; {MAX_FILES:,} are allowed.", file=self.place("copy")
            )
        return paths

    def text(self, path: str) -> str:
        """Return the text of a file, its lines ended by a single newline."""
        place = self.place(path)
        text = decoded(self.read(path, MAX_TEXT_BYTES, file=place, line=None), place)
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise InputError("There is a zero character in the text.", file=place, line=line)
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def read(self, path: str, limit: int, *, file: str, line: int | None) -> bytes:
        """Return the content of `path`; InputError at `file`:`line` if it is missing, too large or outside."""
        parts = PurePosixPath(path).parts
        if path.startswith("/") or ".." in parts or "\\" in path or "\0" in path or str(PurePosixPath(path)) != path:
            raise InputError(f"The path {path!r} must lead to a file inside the toolkit.", file=file, line=line)
        try:
            content = self._files[path]
        except KeyError:
            raise InputError(f"The file {path!r} is missing.", file=file, line=line) from None
        except InputError as error:
            raise InputError(error.message, file=file, line=line) from None
        if len(content) > limit:
            raise InputError(f"The file {path!r} is too large: {limit:,} bytes are allowed.", file=file, line=line)
        if path not in self.used:
            self.used[path] = content
            self._total += len(content)
        if self._total > MAX_TOTAL_BYTES:
            raise InputError(
                f"The files up to {path!r} are too large together: {MAX_TOTAL_BYTES:,} bytes are allowed.",
                file=file, line=line, hint="Pictures can be made smaller: mail shows them at most 1,200 pixels wide.",
            )  # fmt: skip
        return content


class Folder(Mapping[str, bytes]):
    """A toolkit's folder as a mapping of files, each read when it is asked for and never from outside.

    Of a file that is too large, only a byte more than the largest may have is read. Raises InputError for a link that
    leads out of the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def __getitem__(self, path: str) -> bytes:
        found = self._root / path
        real = found.resolve()
        if not real.is_relative_to(self._root):
            raise InputError(f"The path {path!r} leaves the toolkit's folder.", file=found)
        if not real.is_file():
            raise KeyError(path)
        with real.open("rb") as file:
            return file.read(MAX_BYTES + 1)  # a toolkit's largest file is an image

    def __iter__(self) -> Iterator[str]:
        for path in [self._root / SHEET, *sorted((self._root / "copy").rglob("*.md"))]:
            yield path.relative_to(self._root).as_posix()

    def __len__(self) -> int:
        return sum(1 for _ in self)
