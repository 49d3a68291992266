"""Every code of every family: the mistake that it tells is found where it is, and a sound newsletter has it not."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import tests.newsletters.checks
from newsletters.checks import codes, families
from tests.newsletters.checks.planting import Planted


def planted() -> list[Planted]:
    """What the modules of this package have planted."""
    names = [item.name for item in pkgutil.iter_modules(tests.newsletters.checks.__path__)]
    modules = [
        importlib.import_module(f"{tests.newsletters.checks.__name__}.{name}")
        for name in names
        if name != __name__.rpartition(".")[2]
    ]
    return [each for module in modules for each in getattr(module, "PLANTED", ())]


PLANTED = planted()


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.code)
def test_a_planted_mistake_is_found_where_it_is(case: Planted) -> None:
    found = [finding for finding in case.appears(case.code) if finding.code == case.code]
    place = f"may.md:{case.place}" if isinstance(case.place, int) else case.place
    assert found, case.code
    assert found[0].place == (place or found[0].place)
    assert case.says in found[0].message
    assert found[0].severity == codes()[case.code].severity


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.code)
def test_a_newsletter_without_the_mistake_has_no_such_finding(case: Planted) -> None:
    assert [finding for finding in case.stays_away(case.code) if finding.code == case.code] == []


def test_for_every_code_a_mistake_is_planted() -> None:
    assert sorted(set(codes()) - {case.code for case in PLANTED}) == []


@pytest.mark.parametrize("family", families(), ids=lambda family: family.__name__.rpartition(".")[2])
def test_a_code_begins_with_the_name_of_its_family_and_says_why_and_what_to_do(family) -> None:  # type: ignore[no-untyped-def]
    name = family.__name__.rpartition(".")[2]
    declared = [value for value in vars(family).values() if type(value).__name__ == "Code"]
    for code in declared:
        assert code.name.startswith(f"{name}-")
        assert code.title
        assert not code.title.endswith(".")
        assert code.why.endswith(".")
        assert code.fix.endswith(".")
        assert code.severity == "error" or not code.firm


def test_every_module_with_a_check_is_a_family() -> None:
    folder = Path(importlib.import_module("newsletters.checks").__file__ or "").parent
    checking = {path.stem for path in folder.glob("*.py") if "\ndef check(" in path.read_text(encoding="utf-8")}
    assert checking <= {family.__name__.rpartition(".")[2] for family in families()}
