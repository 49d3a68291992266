"""Write a question as text, each in one way: reading the text gives the same question."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from lists.segments.segment_tree import (
    AgreedToTracking,
    AllOf,
    AnyOf,
    Engaged,
    FieldTest,
    Negated,
    OnList,
    Period,
    Question,
    Value,
)

_NEGATIVE = {"is": "is not", "is empty": "is not empty", "contains": "does not contain", "in": "not in"}


def write(question: Question) -> str:
    """Return the text of a question."""
    match question:
        case AllOf(parts) | AnyOf(parts):
            return (" and " if isinstance(question, AllOf) else " or ").join(map(_grouped, parts))
        case Negated(FieldTest() as part) if part.how in _NEGATIVE:
            return _comparison(part, _NEGATIVE[part.how])
        case Negated(part):
            return f"not {_grouped(part)}"
        case FieldTest():
            return _comparison(question, question.how)
        case OnList(name):
            return f"on list {_value(name)}"
        case AgreedToTracking():
            return "agreed to tracking"
        case Engaged(what, campaigns, link):
            named = f"{what} {_value(link)}" if link else what
            return named if campaigns is None else f"{named} {_last(campaigns, 'of' if link else 'any of')}"


def _grouped(question: Question) -> str:
    return f"({write(question)})" if isinstance(question, AllOf | AnyOf) else write(question)


def _comparison(each: FieldTest, how: str) -> str:
    values = ", ".join(map(_value, each.values))
    if each.how == "in":
        values = f"({values})"
    if each.how == "ago":
        return f"{each.subject} more than {values} ago"
    return " ".join(filter(None, (each.subject, how, values)))


def _value(value: Value) -> str:
    match value:
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case Period(count, unit):
            return f"{count} {unit}{'' if count == 1 else 's'}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _last(campaigns: int, of: str) -> str:
    return f"{of} last {campaigns} campaigns" if campaigns > 1 else "last campaign"
