"""Change one value of a YAML text, and leave every other line as it is: comments, order, quotes and line ends."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import yaml

from newsletters.documents.yaml_with_lines import read_sheet

# What YAML reads as it is written, wherever it is; a colon only inside a word, as in an address.
_PLAIN = re.compile(r"(?!(?i:null)$)[^\W_](?:[\w .,!?()/%&=+'’–-]|:(?=[\w/]))*(?<! )")
_BREAKS = re.compile(r"\r\n|[\n\r]")
# A value's rest that YAML takes for a comment, and our reader does not: `Join #Kindness`.
_SPACE, _COMMENT = re.compile(r"[ \t]+"), re.compile(r"[ \t]+#[^\r\n]*")
_TAIL = re.compile(r"[ \t]+#(?! )\S[^\r\n]*")


def value_at(text: str, path: Sequence[str]) -> str:
    """Return the value at a path of keys as the loader reads it, a list with commas; empty if it is missing.

    Raises InputError.
    """
    sheet = read_sheet(text, "") if text.strip() else None
    for key in path[:-1]:
        sheet = sheet.sheet(key) if sheet else None
    if sheet is None:
        return ""
    return ", ".join(sheet.texts(path[-1])) if sheet.is_list(path[-1]) else sheet.text(path[-1], "")


def line_of(text: str, path: Sequence[str]) -> int:
    """Return the line of the last key of a path, counted from 1; 0 if it is missing. Raises InputError."""
    sheet = read_sheet(text, "") if text.strip() else None
    for key in path[:-1]:
        sheet = sheet.sheet(key) if sheet else None
    return sheet.line_of(path[-1]) if sheet and path[-1] in list(sheet) else 0


def with_value(text: str, path: Sequence[str], value: str) -> str:
    """Return the YAML with `value` at a path of keys, its parents made if need be; an empty one takes the key out.

    What has this value already stays as it is written.
    """
    if value_at(text, path) == value:
        return text
    return with_scalar(text, path, scalar(value, len(path) - 1) if value else None)


def scalar(value: str, depth: int = 0) -> str:
    """Return a value as YAML that reads as exactly this, for a key that is `depth` levels deep."""
    if _PLAIN.fullmatch(value):
        return value
    lines = value.split("\n")
    indent = "  " * (depth + 1)
    if len(lines) > 1 and all(line.isprintable() and line == line.strip() for line in lines) and lines[0]:
        return "|-\n" + "\n".join(f"{indent}{line}".rstrip() for line in lines)
    # YAML's reader refuses signs that can't be seen, and folds some of them.
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)


def with_scalar(text: str, path: Sequence[str], written: str | None) -> str:
    """Return the YAML with `written`, which is YAML itself, at a path of keys; None takes the key and its value out."""
    ends = "\r\n" if "\r\n" in text else "\n"
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    place, indent = len(text), 0  # where a key that is missing goes
    for depth, name in enumerate(path):
        if not isinstance(node, yaml.MappingNode) or not node.value:
            return _inserted(text, place, indent, path[depth:], written, ends)
        if node.flow_style:  # in one line, between braces
            return with_scalar(_in_lines(text, node, indent, ends), path, written)
        found = next((pair for pair in node.value if pair[0].value == name), None)
        key, value = found or node.value[-1]
        indent, place = key.start_mark.column, _line_end(text, _end(text, key, value))
        if found is None:
            return _inserted(text, place, indent, path[depth:], written, ends)
        node, indent = value, indent + 2
    if written is None:
        return text[: key.start_mark.index - key.start_mark.column] + text[place:]
    start, end = text.index(":", key.end_mark.index) + 1, _end(text, key, value)
    space, comment = _SPACE.match(text, start), _COMMENT.match(text, end)
    start = space.end() if space and space.end() < end else start
    behind = comment[0] if comment else ""
    if len(behind) - len(behind.lstrip()) == 1:
        behind = f" {behind}"  # our reader wants two spaces before a comment
    first, newline, more = written.replace("\n", ends).partition(ends)
    gap = "" if text[start - 1] in " \t" else " "
    return f"{text[:start]}{gap}{first}{behind}{newline}{more}{text[comment.end() if comment else end :]}"


def _inserted(text: str, place: int, indent: int, names: Sequence[str], written: str | None, ends: str) -> str:
    """Put a key in a line of its own, below a line for each parent that is missing."""
    if written is None:
        return text
    before, lines = text[:place], []
    if before and not before.endswith(("\n", "\r")):
        before += ends
    for deeper, name in enumerate(names):
        value = f" {written}" if deeper == len(names) - 1 else ""
        lines.append(f"{' ' * (indent + 2 * deeper)}{scalar(name)}:{value}\n")
    return before + "".join(lines).replace("\n", ends) + text[place:]


def _in_lines(text: str, node: yaml.MappingNode, indent: int, ends: str) -> str:
    """Write a mapping that is between braces as a line for each key."""
    node.flow_style = False
    lines = yaml.serialize(node, allow_unicode=True, width=10_000).rstrip("\n").split("\n")
    start, inner = node.start_mark.index, "".join(f"{ends}{' ' * indent}{line}" for line in lines)
    return text[:start].rstrip(" ") + (inner if start else inner.lstrip()) + text[node.end_mark.index :]


def _end(text: str, key: yaml.Node, value: yaml.Node) -> int:
    """Return where a key's value ends: before what is behind it in its line, and before empty lines and comments."""
    if isinstance(value, yaml.CollectionNode) and value.value and not value.flow_style:
        last = value.value[-1]
        return _end(text, *(last if isinstance(last, tuple) else (last, last)))
    start, end = value.start_mark.index, value.end_mark.index
    if start == end:  # nothing behind the colon
        start = end = text.index(":", key.end_mark.index) + 1
    written = text[start:end]
    end -= len(written) - len(written.rstrip())
    tail = None if getattr(value, "style", None) else _TAIL.match(text, end)
    return tail.end() if tail else end


def _line_end(text: str, at: int) -> int:
    found = _BREAKS.search(text, at)
    return found.end() if found else len(text)
