"""MJML rules: tags and attributes checked against the official tables, since mjml-python checks nothing.

A fault knows the last mark before it. A mark is a comment, `<!--@7-->`, before what the author's part number 7
became, so that a mistake in a block is reported with the line of the newsletter that uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import yaml

from daisychain.suggestions import nearest

TAG = re.compile(r"""<([A-Za-z][\w:-]*)((?:\s+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(/?)>""")
ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?""")
MARK = re.compile(r"<!--@(\d+)-->")
_PIECE = re.compile(rf"<!--.*?-->|</([A-Za-z][\w:-]*)\s*>|{TAG.pattern}|<", re.DOTALL)

_SIZE = r"(?:\d+(?:\.\d+)?(?:px|%)|0)"
_VALUES = {
    "text": r".*",
    "colour": r"#[0-9A-Fa-f]{3}(?:[0-9A-Fa-f]{3})?|rgba?\([\d\s.,%]+\)|[A-Za-z]+",
    "px": r"\d+(?:\.\d+)?px|0",
    "size": rf"{_SIZE}|auto",
    "sizes": rf"{_SIZE}(?:\s+{_SIZE}){{0,3}}",
    "spacing": r"-?\d+(?:\.\d+)?(?:px|em)|0",
    "line": r"\d+(?:\.\d+)?(?:px|%)?",
    "whole": r"\d+",
}
_EVERYWHERE = ("css-class", "mj-class")
_SIDES = ("top", "right", "bottom", "left")
_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


class Broken(Exception):  # noqa: N818 - it says what the MJML is
    """MJML that can't become HTML; `mark` is the number of the author's part at fault, if known."""

    def __init__(self, message: str, mark: int | None = None) -> None:
        super().__init__(message)
        self.mark = mark


@dataclass(frozen=True)
class Rules:
    """By tag: what it may hold, and its attributes with the pattern of their values; `words` hold HTML or text."""

    holds: Mapping[str, frozenset[str]]
    words: frozenset[str]
    attributes: Mapping[str, Mapping[str, str]]


@cache
def rules() -> Rules:
    """Return the rules of `mjml_rules.yml`."""
    read = yaml.safe_load(files("newsletters.compose").joinpath("mjml_rules.yml").read_text(encoding="utf-8"))
    attributes = {tag: _attributes(kinds) for tag, kinds in read["attributes"].items()}
    any_of_them: dict[str, str] = {}
    for known in attributes.values():
        any_of_them |= known
    attributes |= {"mj-all": any_of_them, "mj-class": {**any_of_them, "name": ".*"}}
    holds = {tag: frozenset(names.split()) for tag, names in read["holds"].items()}
    return Rules(holds, frozenset(read["words"].split()), attributes)


def _attributes(kinds: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for kind, names in kinds.items():
        pattern = _VALUES.get(kind) or "|".join(re.escape(word) for word in kind.split("/"))
        for name in names.split():
            plain = name.removesuffix("*")
            found[plain] = pattern
            if plain != name:
                found |= {f"{plain}-{side}": _VALUES["size"] if kind == "sizes" else pattern for side in _SIDES}
    return found


def faults(source: str) -> Iterator[Broken]:
    """Return all that is wrong with `source`, from top to bottom; the content of a wrong tag may be reported too."""
    return _MjmlReader(source).faults()


class _MjmlReader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._open: list[tuple[str, int | None]] = []
        self._mark: int | None = None

    def faults(self) -> Iterator[Broken]:
        end = 0
        for piece in _PIECE.finditer(self._source):
            yield from self._text(self._source[end : piece.start()])
            end = piece.end()
            if mark := MARK.fullmatch(piece[0]):
                self._mark = int(mark[1])
            elif piece[0] == "<":
                yield self._fault('a < that begins no tag, or a tag whose attributes are not written as name="value"')
            elif piece[1]:
                yield from self._end(piece[1])
            elif piece[2]:
                yield from self._begin(piece[2], piece[3], closed=bool(piece[4]))
        yield from self._text(self._source[end:])
        for name, begun in reversed(self._open):
            yield Broken(f"<{name}> is not closed", begun)

    def _fault(self, message: str) -> Broken:
        return Broken(message, self._mark)

    @property
    def _inside(self) -> str:
        """The MJML tag that is open, looking through HTML."""
        return next((name for name, _ in reversed(self._open) if _is_ours(name)), "")

    def _text(self, text: str) -> Iterator[Broken]:
        if text.strip() and self._inside not in rules().words:
            yield self._fault(f"text directly in <{self._inside}>: {' '.join(text.split())[:40]!r}")

    def _begin(self, name: str, attributes: str, *, closed: bool) -> Iterator[Broken]:
        yield from self._known(name, attributes) if _is_ours(name) else self._html(name)
        if not closed and name.lower() not in _VOID:
            self._open.append((name, self._mark))
        elif not closed and self._inside != "mj-style":
            yield self._fault(f"<{name}> has to be written <{name} />")

    def _html(self, name: str) -> Iterator[Broken]:
        if self._inside not in rules().words:
            yield self._fault(f"<{name}> directly in <{self._inside}>")

    def _known(self, name: str, attributes: str) -> Iterator[Broken]:
        held = rules()
        if name not in held.attributes:
            yield self._fault(f"unknown tag <{name}>: {nearest(name, held.attributes)}")
            return
        inside = self._open[-1][0] if self._open else ""
        if inside and name not in held.holds.get(inside, ()):
            yield self._fault(f"<{name}> can't be in <{inside}>")
        for message in _wrong_attributes(name, attributes):
            yield self._fault(message)

    def _end(self, name: str) -> Iterator[Broken]:
        if self._open and self._open[-1][0] == name:
            self._open.pop()
            return
        yield self._fault(f"</{name}> closes nothing")
        names = [open_ for open_, _ in self._open]
        if name in names:  # go on as if everything between had been closed
            del self._open[len(names) - 1 - names[::-1].index(name) :]


@lru_cache(maxsize=2048)  # the same newsletter in many brands has the same tags
def _wrong_attributes(tag: str, attributes: str) -> tuple[str, ...]:
    """Return what is wrong with the attributes of a tag, in any place."""
    known, seen, wrong = rules().attributes[tag], set[str](), []
    for key, double, single in (found.groups() for found in ATTRIBUTE.finditer(attributes)):
        if key in seen:
            wrong.append(f"attribute {key} twice in <{tag}>")
        seen.add(key)
        value = double if double is not None else single
        if key in _EVERYWHERE:
            continue
        if key not in known:
            wrong.append(f"<{tag}> has no attribute {key}: {nearest(key, known)}")
        elif value is not None and not re.fullmatch(known[key], value.strip(), re.DOTALL):
            wrong.append(f"{key} of <{tag}> can't be {value!r}")
    return tuple(wrong)


def _is_ours(name: str) -> bool:
    return name == "mjml" or name.startswith("mj-")
