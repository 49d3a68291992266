"""List the names that an editor can complete in a newsletter's source: blocks, copy, pictures, links and fields."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from daisychain.errors import InputError
from newsletters.compose.blocks import Block, registry
from newsletters.documents.document import KEYS, MEMBER_FIELDS
from newsletters.expressions.trees import FILTERS
from newsletters.people import People
from newsletters.stored.manuscripts import StoredManuscript
from newsletters.toolkit_store.store import named_toolkit
from newsletters.toolkits.toolkit import Toolkit, current_day


def completions(
    connection: Connection, manuscript: StoredManuscript, language: str, people: People | None
) -> dict[str, Any]:
    """Return the names by kind, as JSON; without a toolkit's names if it can't be read."""
    fields, toolkit = MEMBER_FIELDS | (people.fields() if people else set()), None
    try:
        document = manuscript.document(language)
        fields |= document.fields
        toolkit = named_toolkit(document.toolkit, connection)
    except InputError:
        pass  # the text is being written
    return {
        "blocks": [_block(each) for each in registry().blocks.values()],
        "fields": sorted(fields), "filters": ["default", *FILTERS], "keys": list(KEYS), "layouts": registry().layouts,
        "pictures": sorted({*manuscript.contents.images, *(toolkit.images if toolkit else ())}),
        **_of_toolkit(toolkit),
    }  # fmt: skip


def _of_toolkit(toolkit: Toolkit | None) -> dict[str, Any]:
    copy = toolkit.copy_for("email", current_day()) if toolkit else []
    return {"copy": {each.id: each.title for each in copy}, "links": dict(toolkit.links) if toolkit else {}}


def _block(block: Block) -> dict[str, Any]:
    return {
        "name": block.name, "summary": block.summary, "within": block.within, "example": block.example.strip(),
        "attributes": [
            {"name": each.name, "type": each.type, "summary": each.summary, "values": each.values}
            for each in block.attributes.values()
        ],
    }  # fmt: skip
