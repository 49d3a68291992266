"""Pictures: the images that a newsletter shows, from its toolkit or from the document's own folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from daisychain.suggestions import nearest
from newsletters.compiled import Image
from newsletters.compose.resize import fitted
from newsletters.documents.document import Document
from newsletters.expressions.parse import Line
from newsletters.tokens import Kind, Mint
from newsletters.toolkits.images import ToolkitImage, image_among, read_image
from newsletters.toolkits.toolkit import Toolkit

# A logo is shown with this many px², within these sides, so that a long one and a square one look equally large.
_LOGO_AREA = 9_600
_LOGO_WIDTH = 230
_LOGO_HEIGHT = 72


@dataclass(frozen=True)
class Room:
    """The room for a picture in the layout, in px; a height of 0 is as high as it comes."""

    width: int
    height: int = 0

    def shown(self, image: Image | ToolkitImage) -> tuple[int, int]:
        """Return the width and height at which `image` is shown: all of it, and never larger than it is."""
        scale = min(1, self.width / image.width, self.height / image.height if self.height else 1)
        return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def logo_room(logo: ToolkitImage) -> Room:
    """Return the room of a logo: of equal area whatever its shape."""
    ratio = logo.width / logo.height
    width = min(_LOGO_WIDTH, (_LOGO_AREA * ratio) ** 0.5, _LOGO_HEIGHT * ratio)
    return Room(max(1, round(width)))


class Pictures:
    """Finds images by name, and keeps each that was asked for once for each alt text."""

    def __init__(self, toolkit: Toolkit, document: Document, mint: Mint) -> None:
        self._toolkit = toolkit
        self._document = document
        self._mint = mint
        self._rows: dict[tuple[str, str], Image] = {}
        self.contents: dict[str, bytes] = {}

    @property
    def rows(self) -> tuple[Image, ...]:
        """The images asked for so far, each at its index."""
        return tuple(self._rows.values())

    def show(self, name: str, alt: str | None, line: Line, room: Room) -> tuple[str, Image]:
        """Return the token for the image `name`, and its row; no `alt` means the toolkit's own. Raises InputError."""
        found = self._find(unquote(name), line)
        return self.keep(found, found.alt if alt is None else alt, room)

    def keep(self, found: ToolkitImage, words: str, room: Room) -> tuple[str, Image]:
        """Return the token and row of the image `found`, made as small as `room` allows, with `words` as alt text."""
        found = fitted(found, 2 * room.shown(found)[0])
        row = self._rows.setdefault(
            (found.hash, words),
            Image(len(self._rows), found.hash, found.media_type, found.name, found.width, found.height, words),
        )
        self.contents[found.hash] = found.content
        return self._mint.write(Kind.IMAGE, row.index), row

    def _find(self, name: str, line: Line) -> ToolkitImage:
        if name in self._toolkit.images:
            return self._toolkit.images[name]
        if self._mint.mark in name:
            raise line.wrong(
                "A picture can't be chosen by a member's field.", "Put {% if %} around one picture for each."
            )
        if "://" in name or name.startswith(("//", "data:", "cid:")):
            raise line.wrong(
                "An image from somebody else's server would tell them who reads.",
                "Save the image beside the document and name the file.",
            )
        folder, files = self._document.folder, self._document.files
        if folder is None:
            hint = nearest(name, [*self._toolkit.images, *files])
            return image_among(files, name, file=line.file, line=line.number, hint=hint)
        return read_image(folder, name, name, file=line.file, line=line.number, hint=self._known(name, folder))

    def _known(self, name: str, folder: Path) -> str:
        beside = [
            each.name
            for each in (folder.iterdir() if folder.is_dir() else ())
            if each.suffix.lower() in {".png", ".jpg", ".jpeg", ".gif", ".webp"}
        ]
        return nearest(name, [*self._toolkit.images, *beside])
