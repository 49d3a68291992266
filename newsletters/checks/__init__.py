"""Checks: what could be wrong with a newsletter before it is sent, a module for each family.

A family is a module of this package with its codes and, below them, a function
`check(subject) -> Iterator[Finding]`. Nothing else registers it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from daisychain.errors import InputError
from newsletters.checks import compile as compile_
from newsletters.checks import translations
from newsletters.checks.finding import Code, Finding, Severity, Subject
from newsletters.checks.reachable import Reach
from newsletters.checks.size import worst_case
from newsletters.compose.compiler import Compilation
from newsletters.compose.languages import FindToolkit, Languages, compile_languages
from newsletters.compose.manuscript import Manuscript
from newsletters.documents.error_list import Mistakes
from newsletters.people import People
from newsletters.toolkits.brand import Brand
from newsletters.toolkits.toolkit import current_day

__all__ = [
    "CheckReport",
    "Code",
    "Finding",
    "Subject",
    "check_file",
    "check_languages",
    "codes",
    "families",
    "run_checks",
    "with_mistakes",
]

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "hint": 2}


def run_checks(
    compilation: Compilation, people: People | None = None, *, online: Reach | None = None, deep: bool = False
) -> list[Finding]:
    """Return all findings, errors first; without `people`, a check that needs a list gives a hint."""
    subject = Subject(compilation, people, current_day(), online, deep)
    return in_order(finding for family in families() if hasattr(family, "check") for finding in family.check(subject))


@dataclass(frozen=True)
class CheckReport:
    """The findings of a check of a file and, by language, the largest mail that somebody could get and its readers.

    `readers` counts people of the list; empty if no list was named.
    """

    findings: list[Finding]
    sizes: Mapping[str, Any]
    readers: Mapping[str, int]


def check_file(
    written: Path | Manuscript,
    find: FindToolkit,
    people: People | None = None,
    *,
    brand: Brand | None = None,
    online: Reach | None = None,
    deep: bool = False,
) -> CheckReport:
    """Check a newsletter (a file, or a manuscript) and its translations, and report mistakes that stop it too.

    Raises InputError if it is not a mistake in a file, such as an unknown toolkit.
    """
    mistakes = Mistakes(collect=True)
    fields = frozenset(people.fields()) if people else frozenset()
    found: list[Finding] = []
    sizes: dict[str, Any] = {}
    readers: dict[str, int] = {}
    try:
        languages = compile_languages(written, find, brand=brand, list_fields=fields, mistakes=mistakes)
        found = check_languages(languages, people, online=online, deep=deep)
        sizes = {
            code: worst_case(made, people and languages.people_for(people, code))
            for code, made in languages.compilations.items()
        }
        readers = languages.readers(people) if people else {}
    except InputError as error:
        if error.file is None:
            raise
        mistakes.found.append(error)
    return CheckReport(with_mistakes(found, mistakes), sizes, readers)


def with_mistakes(found: Iterable[Finding], mistakes: Mistakes) -> list[Finding]:
    """Return the findings about everything that compiled, and one for each mistake that did not."""
    stopped = [compile_.finding(error) for error in mistakes.found]
    # A line that can't be compiled leaves things out; they are not reported as missing too.
    places = {finding.place for finding in stopped}
    return in_order([*stopped, *(finding for finding in found if finding.place not in places)])


def check_languages(
    languages: Languages, people: People | None = None, *, online: Reach | None = None, deep: bool = False
) -> list[Finding]:
    """Return all findings about a newsletter in each of its languages, for the people who get that one."""
    found = [
        finding
        for language, compilation in languages.compilations.items()
        for finding in run_checks(
            compilation, people and languages.people_for(people, language), online=online, deep=deep
        )
    ]
    # A mistake in a toolkit is reported once, however many languages use it.
    return in_order(dict.fromkeys([*found, *translations.compare(languages, people, current_day())]))


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in reading order: errors first, then in the order of the newsletter."""

    def order(finding: Finding) -> tuple[int, str, int, str]:
        file, _, line = finding.place.rpartition(":")
        return _ORDER[finding.severity], file or line, int(line) if line.isdigit() else 0, finding.code

    return sorted(findings, key=order)


@cache
def families() -> tuple[ModuleType, ...]:
    """Return the modules of this package that declare codes, by name."""
    modules = [importlib.import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__)]
    return tuple(module for module in modules if codes_of(module))


def codes_of(family: ModuleType) -> list[Code]:
    """Return the codes that a module declares, in its own order."""
    return [value for value in vars(family).values() if isinstance(value, Code)]


@cache
def codes() -> dict[str, Code]:
    """Return every code by its name."""
    return {code.name: code for family in families() for code in codes_of(family)}
