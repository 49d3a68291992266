"""Read YAML with line numbers, for the files that staff write: toolkits, brands, front matter.

Values stay YAML nodes until they are read as the expected type. So `charity number: 0123` and `title: no` keep the
characters that were typed, each error has its line, and aliases can't grow a small file into a large one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import NoReturn
from urllib.parse import urlsplit

import yaml

from daisychain.errors import InputError
from daisychain.suggestions import nearest

_NULL, _TEXT = "tag:yaml.org,2002:null", "tag:yaml.org,2002:str"
_HASH = re.compile(r"([ \t]+)(#(?:.*[^ \t])?)[ \t]*")
# Browsers read a backslash as a slash, so that `/\\host` would lead to another host.
_NEVER_IN_A_URL = frozenset('\\"<>')


class YamlMapping:
    """A YAML mapping, read by key as text, dates, links, words or sheets; raises InputError for mistakes."""

    def __init__(self, node: yaml.MappingNode, file: str, offset: int = 0) -> None:
        self.file = file
        self._offset = offset
        self._node = node
        self._values: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1 + offset
            if not isinstance(key, yaml.ScalarNode):
                raise InputError("A key must be a plain word.", file=file, line=line)
            if key.value in self._lines:
                first = self._lines[key.value]
                raise InputError(f"{key.value!r} is given twice, first on line {first}.", file=file, line=line)
            self._values[key.value] = value
            self._lines[key.value] = line

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values and not _is_null(self._values[str(key)])

    @property
    def line(self) -> int:
        """Return the line on which the mapping begins, counted from 1."""
        return int(self._node.start_mark.line) + 1 + self._offset

    def line_of(self, key: str) -> int:
        """Return the line of `key`, or of the mapping if the key is missing."""
        return self._lines.get(key, self.line)

    def fail(self, message: str, key: str = "", *, hint: str = "") -> NoReturn:
        """Raise InputError with the place of `key`."""
        raise InputError(message, file=self.file, line=self.line_of(key), hint=hint)

    def allow(self, known: Collection[str], what: str) -> None:
        """Raise InputError for the first key that is not `known`, with the nearest that is."""
        for key in self:
            if key not in known:
                self.fail(f"{what} has no key {key!r}.", key, hint=nearest(key, known))

    def text(self, key: str, default: str | None = None) -> str:
        """Return the value of `key` as typed, stripped. A missing key gives the default, or an error without one."""
        if key not in self:
            if default is None:
                self.fail(f"{key!r} is {'empty' if key in self._lines else 'missing'}.", key)
            return default
        node = self._values[key]
        if not isinstance(node, yaml.ScalarNode):
            self.fail(f"{key!r} must be text.", key, hint=_YAML_HINT)
        value = str(node.value).strip()
        if not value and default is None:
            self.fail(f"{key!r} is empty.", key)
        return value

    def day(self, key: str) -> date | None:
        """Return the date under `key`, or None."""
        if key not in self:
            return None
        try:
            return date.fromisoformat(self.text(key))
        except ValueError:
            self.fail(f"{key!r} is no date: {self.text(key)!r}.", key, hint="Write year, month and day: 2026-05-31.")

    def url(self, key: str) -> str:
        """Return the link under `key`: http(s), or a path on our public URL, which begins with `/`."""
        value = self.text(key)
        if not is_link(value):
            self.fail(
                f"{key!r} is no web address: {value!r}.", key,
                hint="Write https://…, or a path that begins with / for a page of this installation.",
            )  # fmt: skip
        return value

    def words(self, key: str, known: Collection[str] | None = None) -> tuple[str, ...]:
        """Return the words under `key`, at least one, from a list or `a, b`; each must be in `known` if given."""
        found = self.texts(key) if self.is_list(key) else tuple(word.strip() for word in self.text(key).split(","))
        for word in found:
            if known is not None and word not in known:
                self.fail(f"{key!r} can't be {word!r}.", key, hint=nearest(word, known))
        if not found:
            self.fail(f"{key!r} is empty.", key)
        return tuple(dict.fromkeys(found))

    def is_list(self, key: str) -> bool:
        """Return whether there is a list under `key`."""
        return isinstance(self._values.get(key), yaml.SequenceNode)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts in the list under `key`, none of them empty; no texts if the key is missing."""
        if key not in self:
            return ()
        node = self._values[key]
        if not isinstance(node, yaml.SequenceNode):
            self.fail(f"{key!r} must be a list.", key, hint="Write each on a line of its own, after `- `.")
        for item in node.value:
            if not isinstance(item, yaml.ScalarNode) or not item.value.strip():
                self.fail(f"Each of {key!r} must be text.", key, hint=_YAML_HINT)
        return tuple(str(item.value).strip() for item in node.value)

    def sheet(self, key: str) -> YamlMapping | None:
        """Return the mapping under `key`, or None if it is missing."""
        if key not in self:
            return None
        node = self._values[key]
        if not isinstance(node, yaml.MappingNode):
            self.fail(f"{key!r} must hold lines of `name: value`.", key)
        return YamlMapping(node, self.file, self._offset)

    def sheets(self, key: str) -> list[YamlMapping]:
        """Return the mappings in the list under `key`; none if it is missing."""
        if key not in self:
            return []
        node, kind = self._values[key], yaml.MappingNode
        if not isinstance(node, yaml.SequenceNode) or not all(isinstance(each, kind) for each in node.value):
            self.fail(f"{key!r} must be a list of lines of `name: value`.", key, hint="Begin each with `- `.")
        return [YamlMapping(each, self.file, self._offset) for each in node.value]


def read_sheet(text: str, file: str, *, first_line: int = 1) -> YamlMapping:
    """Return the mapping in `text`, which starts on `first_line` of `file`; raises InputError with file and line."""
    offset = first_line - 1
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = (mark.line + 1 if mark else 1) + offset
        raise InputError(f"This is not valid YAML: {error.problem}.", file=file, line=line, hint=_YAML_HINT) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 + offset
        raise InputError(f"This is not valid YAML: {error.reason}.", file=file, line=line) from None
    except RecursionError:
        raise InputError("This YAML is nested too deeply.", file=file, line=first_line) from None
    if not isinstance(node, yaml.MappingNode):
        raise InputError("Lines of `name: value` are expected here.", file=file, line=first_line)
    _take_whole(node, re.split("\r\n|[\r\n\x85\u2028\u2029]", text), file, offset)
    return YamlMapping(node, file, offset)


def _take_whole(root: yaml.Node, lines: Sequence[str], file: str, offset: int) -> None:
    """Give values back what follows a `#` that begins no comment: YAML cuts `Join #Kindness` off after "Join".

    A comment has a space after its `#` and two before it, or an empty or quoted value; raises InputError if unclear.
    """
    nodes, seen = [root], set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if not isinstance(node, yaml.ScalarNode):
            nodes += [each for item in node.value for each in (item if isinstance(item, tuple) else (item,))]
            continue
        first = node.start_mark.column
        sign = lines[node.start_mark.line][first : first + 1]
        if node.style is None and sign in ("&", "!"):  # YAML takes the word for an anchor or a tag, and drops it
            message = f"A value can't begin with {sign!r} without quotes."
            raise InputError(message, file=file, line=node.start_mark.line + 1 + offset, hint=_YAML_HINT)
        number = node.end_mark.line
        if node.style in ("|", ">") or number >= len(lines):
            continue
        if not (found := _HASH.fullmatch(lines[number], node.end_mark.column)):
            continue
        spaces, words = found.groups()
        if words.startswith("# ") and (node.style or _is_null(node) or len(spaces) > 1):
            continue
        if node.style or words.startswith("# ") or words == "#":
            message = f"It is not clear if {words!r} is part of this value or a comment."
            hint = "Put the whole value in quotes, or the comment on a line of its own."
            raise InputError(message, file=file, line=number + 1 + offset, hint=hint)
        node.value, node.tag = f"{node.value}{spaces if node.value else ''}{words}", _TEXT


_YAML_HINT = "A value that holds `: ` or begins with a sign such as * & # @ or { must be in quotes."


def is_link(value: str) -> bool:
    """Report whether `value` is an http(s) address with a host, or a path that begins with a single `/`."""
    if any(sign.isspace() or sign in _NEVER_IN_A_URL or not sign.isprintable() for sign in value):
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme:
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    return value.startswith("/") and not parts.netloc


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == _NULL
