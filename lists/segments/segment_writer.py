"""Write a question as text, each in one way: reading the text gives the same question."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from lists.segments import segment_tree as tree

NEGATIVE = {"is": "is not", "is empty": "is not empty", "contains": "does not contain", "in": "not in"}


def write(question: tree.Question) -> str:
    """Return the text of a question."""
    match question:
        case tree.AllOf(parts) | tree.AnyOf(parts):
            return (" and " if isinstance(question, tree.AllOf) else " or ").join(map(_grouped, parts))
        case tree.Negated(tree.FieldTest() as part) if part.how in NEGATIVE:
            return _comparison(part, NEGATIVE[part.how])
        case tree.Negated(part):
            return f"not {_grouped(part)}"
        case tree.FieldTest():
            return _comparison(question, question.how)
        case tree.OnList(name):
            return f"on list {as_text(name)}"
        case tree.AgreedToTracking():
            return "agreed to tracking"
        case tree.Engaged(what, campaigns, link):
            named = f"{what} {as_text(link)}" if link else what
            return named if campaigns is None else f"{named} {_last(campaigns, 'of' if link else 'any of')}"


def _grouped(question: tree.Question) -> str:
    return f"({write(question)})" if isinstance(question, tree.AllOf | tree.AnyOf) else write(question)


def _comparison(each: tree.FieldTest, how: str) -> str:
    values = ", ".join(map(as_text, each.values))
    if each.how == "in":
        values = f"({values})"
    if each.how == "ago":
        return f"{each.subject} more than {values} ago"
    return " ".join(filter(None, (each.subject, how, values)))


def as_text(value: tree.Value) -> str:
    """Return a value as it is written in a question."""
    match value:
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case tree.Period(count, unit):
            return f"{count} {unit}{'' if count == 1 else 's'}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _last(campaigns: int, of: str) -> str:
    return f"{of} last {campaigns} campaigns" if campaigns > 1 else "last campaign"
