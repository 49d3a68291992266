"""Copy as it reads for somebody of whom nothing is known: for pages and other places where no member is at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from newsletters.compose.names_in_scope import toolkit_names
from newsletters.expressions.parse import Expressions
from newsletters.expressions.trees import cleaned, worker
from newsletters.merge.merge import branches
from newsletters.tokens import Kind, Mint, Token
from newsletters.toolkits.toolkit import CopyBlock, Toolkit

_FIELD = re.compile(r"\bmember\.(\w+)")


def fields_in(body: str) -> frozenset[str]:
    """The members' fields that Markdown with expressions names."""
    return frozenset(_FIELD.findall(body))


def unmerged(block: CopyBlock, toolkit: Toolkit) -> str:
    """The block's Markdown with every expression worked out for nobody in particular; raises InputError."""
    if "{" not in block.body:
        return block.body
    mint = Mint.fresh()
    fields = fields_in(block.body)
    newsletter = {"title": toolkit.title, "language": ""}
    expressions = Expressions(mint, fields, {**toolkit_names(toolkit), "newsletter": newsletter})
    lines = expressions.evaluate(block.body, block.file, block.line)
    nobody = cleaned({}, sorted(fields), mint.mark)

    def written(items: Sequence[str | Token]) -> str:
        text, position = "", 0
        while position < len(items):
            item = items[position]
            if isinstance(item, str):
                text += item
            elif item.kind is Kind.BEGIN:
                then, otherwise, position = branches(list(items), position)
                text += written(then if worker(expressions.conditions[item.index].tree)(nobody) else otherwise)
            elif item.kind is Kind.EXPRESSION:
                text += str(worker(expressions.slots[item.index].tree)(nobody))
            position += 1
        return text

    return written(list(mint.split("\n".join(line.text for line in lines))))
