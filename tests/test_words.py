"""Plain English: habits that make prose hard to read are counted, and their number only falls.

`python -m tests.test_words` (or `make words`) lists every place, with what to write instead.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PRODUCT = ("daisychain", "newsletters", "lists", "sender", "partners", "reports", "accounts", "commands", "pages",
           "desk", "benchmarks")  # fmt: skip

# How many places may be left; a handful are right as they are. Lower it when fewer are found; never raise it.
ALLOWED = 3

# What to look for, and what to write instead. A space stands for any white space, so a line may break there.
HABITS = {
    # rule 1: a docstring begins with a verb, or names the thing
    r"\A\s*(what|how|who|whom|those|where|whatever|whoever|all that)\b(?![^.]*\?)": "Return …, Report …, or a noun",
    # rule 2: the common word
    r"\btell(s|ing)?( \w+)? (of|what|whether|that|how|why|which|whose|about|all|each|nobody|as)\b": "report, show, say",
    r"\b(is|are|be|was|were|been|not) told\b|\btold (by|once|apart|at|in|with)\b": "reported, shown",
    r"\b(is|are|was|were|be|been) (not )?said\b": "given, reported",
    r"\bstands?\b(?!-| for\b| in for\b| still\b| out\b)": "is",
    r"\b(?<!leave.it.)(?<!left.)alone\b": "only, by itself",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bput(s|ting)? (\w+ )?off\b": "retry later, deferred",
    r"\bpatience\b": "rate limit, retry time",
    r"\b(tries|tried) (\w+ )?(again|anew)\b|\bwaits? again\b": "retry",
    r"\b(anew|besides|whence|hence|thereof|lest|nought)\b": "again, also, everywhere, 0",
    r"\bin (our|its|their) words\b": "as text, as our events",
    # rule 2: if, not where
    r"\b(?<!say.)(?<!says.)(?<!know.)where (there|it|they|one|none|nobody|nothing) (is|are|was|has|does|can)\b": "if",
    r"(?<!-)\bwhere (none|nobody|nothing|neither|no)\b": "if no",
    r"\braises? [^.;]{1,60}? where\b": "raises X if …",
    r"\b(none|empty|true|false|nothing) where\b": "if",
    # rule 3: the subject first, and named
    r"\b(whoever|whomever|whosoever)\b": "anyone who, the people who",
    r"\bwhatever (is|was|can|comes|came|has|posts|needs|touches|raises|they|it)\b": "everything that, any",
    r"\bwhom\b": "who, or turn the sentence",
    r"\bthose (who|which|of|whose|for|in|with)\b": "name them: the members who …",
    r"\bnobody knows\b|\bnothing is known\b": "unknown, uncertain",
    # rule 4: no private turns of speech
    r"\b(of|none of) (ours|yours|theirs|its own kind)\b": "our, your, their",
    r"\b(be|been) had\b": "available",
    r"\bfor good\b": "permanently",
    r"\bon top\b(?! of\b)": "also, above the limit",
    r"\bas far as\b": "if known, known so far",
    r"\b(became|becomes|become) of\b": "the result, what happened to",
    r"\b(speaks?|spoken|speaking) against\b": "a reason to stop",
    r"\bsome days\b": "a few days",
    r"\bat hand\b": "installed, available",
    r"\bways? out\b": "provider",
    r"\blet(s|ting)? (\w+ )?(go|wait|in|through)\b": "release, retry, allow",
    r"\b(is|are|be) not there\b|\bis there (already|or else|for)\b": "is missing, exists",
}
PATTERN = {re.compile(habit.replace(" ", r"\s+"), re.IGNORECASE): instead for habit, instead in HABITS.items()}
CODE = re.compile(r"`[^`\n]*`|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
DOCSTRINGS_ONLY = next(iter(PATTERN))


class Prose(NamedTuple):
    """A piece of text that people read, the file and line where it begins, and whether it is a docstring."""

    file: Path
    line: int
    text: str
    docstring: bool = False


class Hit(NamedTuple):
    """One habit in one place."""

    place: str
    found: str
    instead: str


def pages() -> Iterator[Prose]:
    """The documentation; not the page of checks, which is made from strings in the code."""
    for file in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        if file.name != "checks.md":
            yield Prose(file, 1, file.read_text(encoding="utf-8"))


def templates() -> Iterator[Prose]:
    """What pages, packs and starters of newsletters say."""
    for file in (ROOT / "templates").rglob("*"):
        if file.suffix in {".html", ".j2", ".yml"}:
            yield Prose(file, 1, file.read_text(encoding="utf-8"))


def code() -> Iterator[Prose]:
    """The docstrings of the product (help texts of commands are some of them), and its other strings of words."""
    for file in sorted(path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
                yield Prose(file, node.lineno, node.value, id(node) in docstrings)


def hits() -> Iterator[Hit]:
    """Every habit in everything that users and newcomers read, code left out."""
    for prose in (*pages(), *templates(), *code()):
        text = CODE.sub(lambda code: re.sub(r"[^\n]", "-", code[0]), prose.text)
        for pattern, instead in PATTERN.items():
            if pattern is DOCSTRINGS_ONLY and not prose.docstring:
                continue
            for match in pattern.finditer(text):
                line = prose.line + text.count("\n", 0, match.start())
                found = " ".join(prose.text[match.start() : match.end() + 30].split())
                yield Hit(f"{prose.file.relative_to(ROOT)}:{line}", found, instead)


def listing(found: list[Hit]) -> str:
    """The hits, a line each, as editors and terminals can jump to them."""
    return "\n".join(f"{hit.place}: {hit.found!r} (say: {hit.instead})" for hit in sorted(found))


def test_prose_has_no_more_habits_that_are_hard_to_read_than_were_left() -> None:
    found = list(hits())
    assert len(found) <= ALLOWED, f"{len(found)} places, {ALLOWED} allowed:\n{listing(found)}"


if __name__ == "__main__":
    everything = list(hits())
    sys.stdout.write(f"{listing(everything)}\n{len(everything)} places, {ALLOWED} allowed\n")
