"""The preview of a copy block in each channel, as it is saved and as it is typed; stores nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, request

from daisychain.errors import InputError
from desk.access import leave_no_line, person, right
from desk.newsletters.opened import public_root
from desk.newsletters.unsaved import inbox_of
from desk.toolkits.opened_toolkit import frame_of, opened_toolkit
from newsletters.preview.draft_view import show_block
from newsletters.preview.editor_view import ShownMail
from newsletters.toolkits.toolkit import CHANNELS, UNAPPROVED, CopyBlock

blueprint = Blueprint("copy_preview", __name__, url_prefix="/toolkits/<toolkit>/copy")


@blueprint.post("/_/look")
@right("toolkits.write")
def look(toolkit: str) -> Any:
    """Return title and length of a block that is being typed, or why it can't be shown."""
    return inbox_of(lambda: _typed_block(toolkit))


@blueprint.post("/_/frame")
@right("toolkits.write")
def typed_frame(toolkit: str) -> Any:
    """Return the preview of a block that is being typed."""
    return frame_of(lambda: _typed_block(toolkit))


@blueprint.get("/<block_id>/frame")
@right("toolkits.write")
def frame(toolkit: str, block_id: str) -> Any:
    """Return the preview of a block as it is saved."""
    draft = opened_toolkit(toolkit)
    block = draft.toolkit.copy.get(block_id) or abort(404)
    return frame_of(lambda: show_block(draft.toolkit, block, _channel(), public_root(), person().name))


def _typed_block(toolkit: str) -> ShownMail:
    """Return the preview of what is typed: of the block whose form it is, or of a new one."""
    draft = opened_toolkit(toolkit)
    leave_no_line()
    known = draft.toolkit.copy.get(request.form.get("block", "")) or CopyBlock(
        "new-block", "", "1", UNAPPROVED, None, None, ("email",), "short", "", "the new block", 1
    )
    words = request.form.get("words", "").replace("\r\n", "\n").strip("\n")
    if not words.strip():
        raise InputError("Write some words first.")
    block = replace(known, title=request.form.get("title", ""), body=f"{words}\n", file="the words", line=1)
    return show_block(draft.toolkit, block, _channel(), public_root(), person().name)


def _channel() -> str:
    asked = request.args.get("channel", "")
    return asked if asked in CHANNELS else CHANNELS[0]
