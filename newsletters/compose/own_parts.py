"""Own parts: what a member organisation changes in an email, if its toolkit lets it.

The main button is the first one, and leads where the organisation says. A story that is left out goes with the divider
above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from daisychain.errors import InputError
from daisychain.suggestions import nearest
from newsletters.compose.directives import BlockNode, ConditionNode, Node, TextNode
from newsletters.tokens import Mint


@dataclass(frozen=True)
class ChangeableParts:
    """The label of the main button (empty if there is none), and the titles of the stories."""

    button: str = ""
    stories: tuple[str, ...] = ()


def changeable_parts(nodes: Sequence[Node], mint: Mint) -> ChangeableParts:
    """Return what could be changed in an email; a title with fields in it names no story."""
    blocks = list(_blocks(nodes))
    button = next((each.attributes["label"] for each in blocks if each.block.name == "button"), "")
    titles = (each.attributes["title"] for each in blocks if each.block.name == "story")
    return ChangeableParts(mint.strip(button), tuple(dict.fromkeys(each for each in titles if mint.mark not in each)))


def with_own_parts(
    nodes: Sequence[Node], button: str, left_out: Iterable[str], mint: Mint, place: str
) -> tuple[Node, ...]:
    """Return `nodes` with the main button leading to `button`, if any, and without some stories; raises InputError."""
    known = changeable_parts(nodes, mint)
    for title in left_out:
        if title not in known.stories:
            raise InputError(f"{place}: there is no story {title!r} to leave out.", hint=nearest(title, known.stories))
    if button and not known.button:
        raise InputError(f"{place}: this email has no button.", hint="Take out 'button'.")
    return _Changing(button, frozenset(left_out)).changed(nodes)


class _Changing:
    def __init__(self, button: str, left_out: frozenset[str]) -> None:
        self._button, self._left_out = button, left_out

    def changed(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        kept: list[Node] = []
        for node in nodes:
            if isinstance(node, BlockNode) and self._is_left_out(node):
                _drop_divider(kept)
            elif (again := self._changed(node)) is not None:
                kept.append(again)
        return tuple(kept)

    def _changed(self, node: Node) -> Node | None:
        if isinstance(node, ConditionNode):
            again = replace(node, then=self.changed(node.then), otherwise=self.changed(node.otherwise))
            return again if again.then or again.otherwise else None
        if not isinstance(node, BlockNode):
            return node
        if node.block.name == "button" and self._button:
            node = replace(node, attributes=node.attributes | {"href": self._button})
            self._button = ""
        return replace(node, body=self.changed(node.body)) if node.body else node

    def _is_left_out(self, node: BlockNode) -> bool:
        return node.block.name == "story" and node.attributes.get("title") in self._left_out


def _drop_divider(kept: list[Node]) -> None:
    above = len(kept)
    while above and isinstance(text := kept[above - 1], TextNode) and not any(line.text.strip() for line in text.lines):
        above -= 1
    if above and isinstance(block := kept[above - 1], BlockNode) and block.block.name == "divider":
        del kept[above - 1 :]


def _blocks(nodes: Iterable[Node]) -> Iterator[BlockNode]:
    for node in nodes:
        if isinstance(node, BlockNode):
            yield node
            yield from _blocks(node.body)
        elif isinstance(node, ConditionNode):
            yield from _blocks((*node.then, *node.otherwise))
