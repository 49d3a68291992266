"""Render copy for web pages, which have no member: every field is empty."""

from __future__ import annotations

import re

from newsletters.compose.names_in_scope import toolkit_names
from newsletters.expressions.parse import Expressions
from newsletters.tokens import Mint
from newsletters.toolkits.toolkit import CopyBlock, Toolkit

_FIELD = re.compile(r"\bmember\.(\w+)")


def fields_in(body: str) -> frozenset[str]:
    """Return the members' fields that Markdown with expressions names."""
    return frozenset(_FIELD.findall(body))


def render_without_member(block: CopyBlock, toolkit: Toolkit) -> str:
    """Return the block's Markdown as read by somebody whose fields are all empty; raises InputError."""
    if "{" not in block.body:
        return block.body
    names = {
        **toolkit_names(toolkit),
        "newsletter": {"title": toolkit.title, "language": ""},
        "member": dict.fromkeys(fields_in(block.body), ""),
    }
    lines = Expressions(Mint.fresh(), frozenset(), names).evaluate(block.body, block.file, block.line)
    return "\n".join(line.text for line in lines)
