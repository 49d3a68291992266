"""The choices of an editor: the toolkit's copy, pictures and links, own pictures, and the fields of the lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daisychain.errors import InputError
from desk.access import connection
from lists.list_people import open_people
from lists.lists import list_names
from newsletters.compose.blocks import Block, registry
from newsletters.documents.document import MEMBER_FIELDS, language_of, parse_document
from newsletters.stored.newsletters import SavedNewsletter
from newsletters.stored.uploads import own_pictures
from newsletters.toolkit_store.store import named_toolkit
from newsletters.toolkits.images import ToolkitImage
from newsletters.toolkits.toolkit import CopyBlock, current_day

# Blocks in the order of how often they are wanted; the others follow.
_FIRST = ("heading", "image", "button", "story", "cards", "quote", "dates", "numbers", "links", "divider")


@dataclass(frozen=True)
class Palette:
    """The choices for one newsletter; `unread` says why the toolkit's part is missing."""

    copy: Sequence[CopyBlock]
    own: Sequence[str]  # names of pictures that were uploaded
    pictures: Mapping[str, ToolkitImage]
    links: Mapping[str, str]
    fields: Sequence[str]
    unread: str = ""

    @property
    def blocks(self) -> list[Block]:
        """Return the blocks that may be anywhere."""
        found = [each for each in registry().blocks.values() if each.example and not each.within]
        return sorted(found, key=lambda each: _FIRST.index(each.name) if each.name in _FIRST else len(_FIRST))

    @property
    def suggested(self) -> dict[str, list[str]]:
        """Return what a new block may begin with, by type of attribute."""
        return {"image": list(self.pictures), "url": [written_link(name) for name in self.links]}

    def copy_named(self, name: str) -> CopyBlock | None:
        """Return a copy block; None if the toolkit has none of that name."""
        return next((each for each in self.copy if each.id == name), None)


def written_link(name: str) -> str:
    """Return one of the toolkit's links as a field has it."""
    return f"{{{{ toolkit.links.{name} }}}}" if name.isidentifier() else f"{{{{ toolkit.links['{name}'] }}}}"


def palette_of(newsletter: SavedNewsletter) -> Palette:
    """Return the palette of a newsletter; without a toolkit that can be read, it has only what is our own."""
    own = {each.name: each for each in own_pictures(connection(), newsletter.contents)}
    lists = [open_people(connection(), each).fields() for each in list_names(connection())]
    fields = sorted(MEMBER_FIELDS.union(*lists))
    try:
        document = parse_document(newsletter.contents.texts[""], "newsletter.md", None)
        toolkit = named_toolkit(document.toolkit, connection())
    except InputError as error:
        return Palette((), list(own), own, {}, fields, error.message)
    copy = [
        each for each in toolkit.copy.values()
        if "email" in each.channels and not language_of(Path(f"{each.id}.md"))
    ]  # fmt: skip
    copy.sort(key=lambda each: bool(each.unavailable(current_day())))
    return Palette(copy, list(own), {**own, **toolkit.images}, toolkit.links, fields)
