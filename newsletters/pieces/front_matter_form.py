"""The front matter as a form: one key's value is changed, and every other line stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from daisychain.errors import InputError
from newsletters.documents.characters import characters
from newsletters.documents.yaml_edit import with_scalar
from newsletters.documents.yaml_with_lines import read_sheet
from newsletters.pieces.outline import split_lines
from newsletters.pieces.values import one_line, referenced, single_quotes

# Label and summary; other keys are seen in the source view.
HEAD_FIELDS: Mapping[str, tuple[str, str]] = {
    "subject": ("Subject", "What the inbox shows first."),
    "preheader": ("Preheader", "The line after the subject in an inbox."),
    "from": ("Sender", "Name <address>; empty: the list's own."),
    "reply_to": ("Replies go to", "An address; empty: the sender."),
    "layout": ("Layout", ""),
    "toolkit": ("Toolkit", "Where copy, pictures and brand come from."),
    "title": ("Title", "The name of the page in a browser."),
    "language": ("Language", "A code such as en, cy or ar."),
}
# What YAML reads as it is written, wherever it stands.
_PLAIN = re.compile(r"(?!(?i:null)$)[A-Za-z0-9](?:[\w .,!?()/-]*[\w.,!?()/-])?", re.ASCII)


def read_head(source: str) -> dict[str, str] | None:
    """Return the values of the front matter's simple keys; None if it can't be read as a form."""
    _, inner, _ = _divided(source)
    if inner.lstrip().startswith("{"):  # YAML in one line has no place for another key
        return None
    try:
        sheet = read_sheet(inner.replace("\r\n", "\n").replace("\r", "\n"), "")
        return {key: " ".join(characters(sheet.text(key, "")).split()) for key in HEAD_FIELDS if key in sheet}
    except InputError:
        return None


def write_head(source: str, key: str, value: str) -> str:
    """Return the front matter with another value of `key`; an empty one removes the key. Raises FieldError."""
    before, inner, after = _divided(source)
    typed = " ".join(one_line(value, key, conditions=True).split())
    written = single_quotes(typed)
    if not _PLAIN.fullmatch(written):
        written = json.dumps(referenced(written), ensure_ascii=False)
    return before + with_scalar(inner, (key,), written if typed else None) + after


def _divided(source: str) -> tuple[str, str, str]:
    """Return the first line, what is between the two of ---, and the rest."""
    lines = split_lines(source)
    end = next(at for at, line in enumerate(lines) if at and line.rstrip() == "---")
    return lines[0], "".join(lines[1:end]), "".join(lines[end:])
