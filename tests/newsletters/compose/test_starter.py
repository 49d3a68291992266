"""Starters: what `newsletter new` writes is a newsletter that compiles, in every layout, whatever the toolkit has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from newsletters.checks import run_checks
from newsletters.compose.blocks import registry
from newsletters.compose.compiler import Compilation, compile_document
from newsletters.compose.starter import starter
from newsletters.documents.document import parse_document
from newsletters.toolkit_store.store import shipped_toolkit
from newsletters.toolkits.toolkit import Toolkit, load_files
from tests.newsletters import sample_toolkits
from tests.newsletters.compiling import merged

LAYOUTS = list(registry().layouts)
BARE = 'name: bare\ntitle: \'A "bare" one\'\ncoalition: "O\'Bare: & Sons"\nsummary: Nothing else.\n'
FILES = {"toolkit.yml": BARE.encode(), "copy/a.md": sample_toolkits.BLOCK.encode()}
# What starters want filled in; not a link's words, nor a name in an expression.
PLACEHOLDER = re.compile(r"(?<!links)\[[^\]]+\](?!\()")


def started(toolkit: Toolkit, layout: str) -> Compilation:
    return compile_document(parse_document(starter(toolkit, toolkit.name, layout), "new.md", Path()), toolkit)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_starter_is_told_of_each_placeholder_by_its_line_and_of_no_other_error(layout: str) -> None:
    compilation = started(shipped_toolkit("community-makes-us"), layout)
    wanted = {
        (f"new.md:{number}", words)
        for number, line in enumerate(compilation.document.source.splitlines(), 1)
        for words in PLACEHOLDER.findall(line)
    }
    assert bool(wanted) == (layout != "bulletin")
    errors = [finding for finding in run_checks(compilation) if finding.severity == "error"]
    assert {finding.code for finding in errors} <= {"words-placeholder"}
    assert {(finding.place, finding.message.split(" looks like")[0].strip("'")) for finding in errors} == wanted


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_starter_invents_no_figure(layout: str) -> None:
    body = started(load_files(FILES, "kit"), layout).document.body
    own = re.sub(r"^\d\. ", "", PLACEHOLDER.sub("", body), flags=re.MULTILINE)
    assert re.findall(r"\d+", own) == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_starter_s_words_are_the_toolkit_s(layout: str) -> None:
    compilation = started(shipped_toolkit("community-makes-us"), layout)
    assert compilation.email.layout == layout
    assert compilation.email.copy_blocks or layout == "roundup"
    assert "Ann" in merged(compilation, first_name="Ann").text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_starter_compiles_for_a_toolkit_with_nothing_in_it(layout: str) -> None:
    kit = load_files(FILES, "kit")
    assert "<<" not in starter(kit, "bare", layout)
    started(kit, layout)
