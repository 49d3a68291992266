"""Say what to write instead of something that Jinja2 reads and documents may not use, and of what it can't read."""

from __future__ import annotations

from jinja2 import TemplateSyntaxError, nodes

from daisychain.errors import InputError
from newsletters.expressions.trees import FILTERS

POSSIBLE = (
    'Possible: {{ member.field }}, {{ toolkit.title }}, | default("…"), | '
    + ", | ".join(FILTERS)
    + ', ~, or, {{ "a" if test else "b" }}, and {% if %} with a field, ==, !=, <, >, in ["a", "b"], and, or, not.'
)

_COPY = "Write the text here, or take it from the toolkit: ::: copy NAME"
_NO_NAMES = "A newsletter can't give names to values.", "Write the value itself in each place that has the name."
_NO_MACROS = "There are no macros in a newsletter.", _COPY
_NO_FILES = "A newsletter can't take in another file.", _COPY
_NO_SUMS = "A newsletter can't work out sums.", "Write the result."

_INSTEAD: dict[type[nodes.Node], tuple[str, str]] = {
    nodes.For: ("There are no loops in a newsletter.", "Write out each line, with its own {{ toolkit.links.name }}."),
    nodes.Assign: _NO_NAMES, nodes.AssignBlock: _NO_NAMES, nodes.With: _NO_NAMES,
    nodes.Macro: _NO_MACROS, nodes.CallBlock: _NO_MACROS,
    nodes.Include: _NO_FILES, nodes.Import: _NO_FILES, nodes.FromImport: _NO_FILES, nodes.Extends: _NO_FILES,
    nodes.Block: _NO_FILES,
    nodes.FilterBlock: (
        "A filter is for one value, not for a stretch of text.", "Write it in each value: {{ member.town | upper }}."
    ),
    nodes.Call: ("A call can't be used in a newsletter.", "Use a filter: {{ member.town | upper }}."),
    nodes.Test: (
        "A test such as `is defined` can't be used in a newsletter.",
        'Write {% if member.town %}, which asks if it is filled in, or {% if "join" in toolkit.links %}.',
    ),
    nodes.Add: ("`+` can't be used in a newsletter.", "Join texts with ~, and write the result of a sum."),
    nodes.Sub: _NO_SUMS, nodes.Mul: _NO_SUMS, nodes.Div: _NO_SUMS, nodes.FloorDiv: _NO_SUMS, nodes.Mod: _NO_SUMS,
    nodes.Pow: _NO_SUMS, nodes.Neg: _NO_SUMS, nodes.Pos: _NO_SUMS,
}  # fmt: skip


def not_allowed(node: nodes.Node, file: str, line: int) -> InputError:
    """Return the error for something that can't be used in a newsletter."""
    message, hint = _INSTEAD.get(type(node), ("This can't be used in a newsletter.", POSSIBLE))
    return InputError(message, file=file, line=line, hint=hint)


def unreadable(error: TemplateSyntaxError, file: str, first_line: int) -> InputError:
    """Return the error for a text that Jinja2 can't parse although each of its tags can be read."""
    hint = "A field is written {{ member.town }}, a condition {% if member.town %} … {% endif %}, a text in quotes."
    return InputError("A tag here can't be read.", file=file, line=first_line - 1 + error.lineno, hint=hint)
