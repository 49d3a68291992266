"""New pieces: what the editor adds, with words to replace, which the checks find as long as they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from daisychain.errors import InputError
from newsletters.compose.blocks import Attribute, Block, registry
from newsletters.pieces.outline import cut_body
from newsletters.pieces.regions import regions_of
from newsletters.pieces.sentences import Sentence, new_condition
from newsletters.pieces.values import write_value

WORDS = "[Add your text]\n"


def new_piece(what: str, detail: str = "", suggested: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return the source of a new piece: `words`, `copy` NAME, `picture` NAME ALT TEXT, `some`, or a block's name.

    `suggested` are values of the toolkit, by the type of attribute: what must have one gets the first. Raises
    InputError.
    """
    if what in ("words", "some"):
        return WORDS if what == "words" else new_condition(Sentence("first_name", "known"), WORDS)
    if what in ("copy", "picture") and detail:
        name, _, alt = detail.partition(" ")
        plain = name.replace("-", "").replace("_", "").isalnum()
        line = f"::: {'copy' if what == 'copy' else 'image'} {name if plain else write_value(name, what)}"
        return f"{line} alt={write_value(alt, 'alt')}\n" if alt else f"{line}\n"
    block = registry().blocks.get(what)
    if block is None:
        raise InputError("Choose what to add.")
    return _new_block(block, suggested or {})


def _new_block(block: Block, suggested: Mapping[str, Sequence[str]]) -> str:
    given = [_given(each, suggested) for each in block.attributes.values() if each.required]
    line = " ".join([f"::: {block.name}", *given])
    if block.body == "none":
        return f"{line}\n"
    # Cards are two: a container that says how many it holds is begun full.
    items = [_new_block(registry().blocks[block.holds[0]], suggested)] * max(block.most, 1) if block.holds else []
    return f"{line}\n{''.join(items) or _new_body(block)}:::\n"


def _new_body(block: Block) -> str:
    """Return text to replace; a table, whose text has a form of its own, begins with its example."""
    piece = cut_body(block.example)[0]
    example = "".join(each.text(piece) for each in regions_of(piece))
    return example if example.startswith("|") else WORDS


def _given(each: Attribute, suggested: Mapping[str, Sequence[str]]) -> str:
    value = next(iter(suggested.get(each.type, ())), "") or f"[Add the {each.name}]"
    return write_value(value, each.name) if each.main else f"{each.name}={write_value(value, each.name)}"
