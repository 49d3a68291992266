"""Starters: what `newsletter new` writes is a newsletter that compiles, in every layout, whatever the toolkit has."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletters.blocks import registry
from newsletters.checks import run_checks
from newsletters.compiler import Compilation, compile_document
from newsletters.document import parse_document
from newsletters.shelf import shipped_toolkit
from newsletters.starter import starter
from newsletters.toolkit import Toolkit, load_files
from tests.newsletters import toolkits
from tests.newsletters.compiling import merged

LAYOUTS = list(registry().layouts)
BARE = 'name: bare\ntitle: \'A "bare" one\'\ncoalition: "O\'Bare: & Sons"\nsummary: Nothing else.\n'


def started(toolkit: Toolkit, layout: str) -> Compilation:
    return compile_document(parse_document(starter(toolkit, toolkit.name, layout), "new.md", Path()), toolkit)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_starter_of_the_shipped_toolkit_has_no_error_and_its_words_are_the_toolkit_s(layout: str) -> None:
    compilation = started(shipped_toolkit("community-makes-us"), layout)
    assert [finding for finding in run_checks(compilation) if finding.severity == "error"] == []
    assert compilation.email.layout == layout
    assert compilation.email.copy_blocks or layout == "roundup"
    assert "Ann" in merged(compilation, first_name="Ann").text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_starter_compiles_for_a_toolkit_with_nothing_in_it(layout: str) -> None:
    kit = load_files({"toolkit.yml": BARE.encode(), "copy/a.md": toolkits.BLOCK.encode()}, "kit")
    assert "<<" not in starter(kit, "bare", layout)
    started(kit, layout)
