"""Find the tags that Jinja2 can't read, each with its line and in the reader's words, and take them out.

Jinja2 stops at the first, and names the line where it noticed. Here each {{ … }} and {% … %} is tried by itself, and
each {% if %} has its {% endif %} looked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError

# A quote holds what it likes, and another one behind a backslash; a tag without its end stops where the next begins.
_COMMENT = r"\{\#(?:.*?\#\})?"
_OTHERS = r"""
    |\{\{(?P<value>(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\["']|(?!\}\}|\{\{|\{%).)*)(?P<value_end>\}\})?
    |\{%[-+]?(?P<statement>(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\["']|(?![-+]?%\}|\{\{|\{%).)*)(?P<statement_end>[-+]?%\})?"""
_TAG = re.compile(_COMMENT + _OTHERS, re.DOTALL | re.VERBOSE)
_TAG_AFTER_COMMENTS = re.compile(r"\{\#" + _OTHERS, re.DOTALL | re.VERBOSE)
_KNOWN = "Known: {% if %}, {% elif %}, {% else %} and {% endif %}."
# Jinja2 knows these, and `not_allowed` says what to write instead.
_JINJA = re.compile(r"(?:end)?(?:for|set|macro|call|filter|block|with|raw|autoescape)|include|import|from|extends")
_ELIF = re.compile(r"(?:else\s*if|elsif|elseif)\b")
# What people write who know another language, or a word processor.
_SLIPS = (
    (re.compile(r"[“”„‟«»‘’‚]"), "These quotes are curly.", "Type straight ones: \"…\"."),
    (re.compile(r"(?<![=!<>~])=(?![=~])"), "One = compares nothing.", "Write == to compare."),
    (re.compile(r"&&|&amp;&amp;"), "`&&` can't be read.", "Write `and`."),
    (re.compile(r"\|\|"), "`||` can't be read.", "Write `or`."),
    (re.compile(r"!(?!=)"), "`!` can't be read.", "Write `not`."),
    (re.compile(r"<>|=/="), "`<>` can't be read.", "Write != for: is not the same."),
    (re.compile(r"&[a-z#]\w*;"), "A character is written as HTML here.", "Type the character itself, such as > or &."),
    (re.compile(r"\bmember\.\w+ +(?!and\b|or\b|in\b|not\b|if\b|else\b|is\b)\w+"), "A field's name is one word.",
     "Write it as the list has it, such as {{ member.first_name }}."),
)  # fmt: skip


@dataclass(frozen=True)
class BrokenTag:
    """A tag that can't be read, whose first sign is `at`; `instead` replaces the text from `start` to `end`."""

    at: int
    start: int
    end: int
    message: str
    hint: str
    instead: str = ""


def tags(text: str) -> Iterator[re.Match[str]]:
    """Yield the tags of `text`, with the groups value and statement and their ends; closed or not."""
    # Below the last #} no comment is looked through to its end, or many open ones would take forever.
    last, at = text.rfind("#}"), 0
    while tag := (_TAG if at <= last else _TAG_AFTER_COMMENTS).search(text, at):
        yield tag
        at = tag.end()


def broken_tags(text: str, environment: Environment, stand_in: str) -> Iterator[BrokenTag]:
    """Yield the tags of `text` that can't be read, each with what to write `instead` so that the rest can be read."""
    opened: list[re.Match[str]] = []
    for tag in tags(text):

        def broken(message: str, hint: str, instead: str = "", tag: re.Match[str] = tag) -> BrokenTag:
            return BrokenTag(tag.start(), tag.start(), tag.end(), message, hint, instead)

        if tag[0] == "{#":
            yield broken("This {# is not closed.", "Write #} at its end.")
        elif tag["value"] is not None:
            yield from _value(tag, environment, broken, stand_in)
        elif tag["statement"] is not None:
            words = tag["statement"].strip()
            name = (re.match(r"\w*", words) or tag)[0]
            if not tag["statement_end"]:
                yield broken("This {% is not closed.", "Write %} at its end.")
            elif name == "if":
                opened.append(tag)
                if wrong := _wrong(words[2:], environment):
                    yield broken(*wrong, "{% if true %}")
            elif name == "endif" and words == "endif":
                if not opened:
                    yield broken("This {% endif %} belongs to no {% if %}.", _KNOWN)
                else:
                    opened.pop()
            elif name in ("elif", "else") and not _ELIF.match(words):
                if not opened:
                    yield broken(f"This {{% {name} %}} belongs to no {{% if %}}.", _KNOWN)
                elif name == "elif" and (wrong := _wrong(words[4:], environment)):
                    yield broken(*wrong, "{% elif true %}")
                elif name == "else" and words != "else":
                    yield broken("An {% else %} asks nothing.", "Write {% elif … %} to ask again.", "{% elif true %}")
            elif _ELIF.match(words):
                hint = "Write {% elif … %}: `elif` is one word here."
                yield broken(f"There is no {{% {_ELIF.match(words)[0]} %}}.", hint, "{% elif true %}" if opened else "")  # type: ignore[index]
            elif re.match(r"end\s*(if)?$", words):
                yield broken(f"There is no {{% {words} %}}.", "Write {% endif %}.", "{% endif %}" if opened else "")
                opened = opened[:-1]
            elif not _JINJA.fullmatch(name):
                yield broken(f"There is no {{% {name} %}} in a newsletter.", _KNOWN)
    for tag in opened:
        hint = "Put {% endif %} after its text."
        yield BrokenTag(tag.start(), len(text), len(text), "This {% if %} is not closed.", hint, "{% endif %}")


def _value(
    tag: re.Match[str], environment: Environment, broken: Callable[..., BrokenTag], stand_in: str
) -> Iterator[BrokenTag]:
    if not tag["value_end"]:
        yield broken("This {{ is not closed.", "Write }} at its end.", stand_in)
    elif not tag["value"].strip():
        yield broken("There is nothing between {{ and }}.", "Name a field: {{ member.first_name }}.", stand_in)
    elif wrong := _wrong(tag["value"], environment):
        yield broken(*wrong, stand_in)


def _wrong(expression: str, environment: Environment) -> tuple[str, str] | None:
    """Return what is wrong with an expression and what to write, or None if it can be read."""
    if not expression.strip():
        return "This {% if %} asks nothing.", "Name a field: {% if member.town %}."
    try:
        environment.parse(f"{{{{ ({expression}\n) }}}}")
    except TemplateSyntaxError:
        bare = re.sub(r"\"[^\"]*\"|'[^']*'", '""', expression)
        for slip, message, hint in _SLIPS:
            if slip.search(bare):
                return message, hint
        hint = "A field is written {{ member.town }}, a condition {% if member.town %} … {% endif %}, a text in quotes."
        return f"This can't be read: {' '.join(expression.split())}", hint
    except (ValueError, RecursionError):  # reported as such when the whole text is read
        return None
    return None
