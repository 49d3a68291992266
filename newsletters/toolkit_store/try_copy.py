"""Try a toolkit's copy before it is added, so that errors reach its author and not the people who use it later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from newsletters.compose.compiler import compile_document
from newsletters.documents.document import Document, parse_document
from newsletters.toolkit_store.render_without_member import fields_in, render_without_member
from newsletters.toolkits.toolkit import CopyBlock, Toolkit, load_files


def checked_files(files: Mapping[str, bytes], origin: str) -> Toolkit:
    """Return the toolkit in `files`, its copy tried as well; raises InputError with `origin` before the file."""
    toolkit = load_files(files, origin)
    refuse_broken_copy(toolkit)
    return toolkit


def refuse_broken_copy(toolkit: Toolkit, *, only: str = "") -> None:
    """Raise InputError, with file and line, for copy that a page can't show or a newsletter can't hold.

    `only` is the id of one block to try.
    """
    blocks = [block for name, block in toolkit.copy.items() if only in ("", name)]
    for block in blocks:
        render_without_member(block, toolkit)
    # Copy under embargo will be used one day.
    free = {name: replace(block, embargo=None, expires=None) for name, block in toolkit.copy.items()}
    compile_document(_of_copy(blocks, toolkit), replace(toolkit, copy=free))


def _of_copy(blocks: Sequence[CopyBlock], toolkit: Toolkit) -> Document:
    """Return a newsletter that holds each of the blocks that is for email, and has all fields they use."""
    blocks = [block for block in blocks if "email" in block.channels]
    fields = sorted({name for block in blocks for name in fields_in(block.body)})
    body = "\n\n".join(f"::: copy {block.id}" for block in blocks)
    head = f"subject: copy\ntoolkit: {toolkit.name}\n" + (f"fields: [{', '.join(fields)}]\n" if fields else "")
    return parse_document(f"---\n{head}---\n{body}\n", f"the copy of {toolkit.name}", None)
