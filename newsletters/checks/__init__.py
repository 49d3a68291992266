"""Checks: what could be wrong with a newsletter before it is sent, a module for each family.

A family is a module of this package with a function `check(subject) -> Iterator[Finding]`; it is found by being here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache

from newsletters.checks.finding import Finding, Subject
from newsletters.compiler import Compilation
from newsletters.people import People

__all__ = ["Finding", "Subject", "run_checks"]

_ORDER = {"error": 0, "warning": 1, "hint": 2}


def run_checks(compilation: Compilation, people: People | None = None) -> list[Finding]:
    """All findings, errors first; without `people`, what needs a list is told as a hint."""
    subject = Subject(compilation.email, compilation.document, compilation.toolkit, people)
    return sorted(
        (finding for check in _families() for finding in check(subject)),
        key=lambda finding: (_ORDER[finding.severity], finding.code),
    )


@cache
def _families() -> list[Callable[[Subject], Iterator[Finding]]]:
    modules = [importlib.import_module(f"{__name__}.{item.name}") for item in pkgutil.iter_modules(__path__)]
    return [module.check for module in modules if hasattr(module, "check")]
