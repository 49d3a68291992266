"""What we ship ourselves: our layouts and starters give no error and no warning of their looks, in any language."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletters.checks import accessibility, clients, images, legibility, outlook
from newsletters.checks.finding import Subject
from newsletters.compose.blocks import registry
from newsletters.compose.compiler import Compilation, compile_document
from newsletters.compose.starter import starter
from newsletters.documents.document import parse_document
from newsletters.toolkit_store.store import shipped_toolkit
from tests.newsletters.checks.planting import TODAY
from tests.newsletters.golden.cases import CASES, WORDS

KIT = "community-makes-us"


def faults(compilation: Compilation) -> list[str]:
    """What is wrong with how a mail looks and reads, hints left out."""
    subject = Subject(compilation, None, TODAY)
    families = (accessibility, legibility, clients, images, outlook)
    found = [finding for family in families for finding in family.check(subject)]
    return [f"{each.place} {each.code} {each.message}" for each in found if each.severity != "hint"]


@pytest.mark.parametrize("layout", registry().layouts)
def test_a_new_newsletter_begins_without_a_fault(layout: str) -> None:
    kit = shipped_toolkit(KIT)
    assert faults(compile_document(parse_document(starter(kit, KIT, layout), "may.md", Path()), kit)) == []


@pytest.mark.parametrize("layout", registry().layouts)
@pytest.mark.parametrize("language", WORDS)
def test_every_layout_has_no_fault_in_any_of_our_languages(layout: str, language: str) -> None:
    front = f"subject: A\npreheader: B\ntoolkit: {KIT}\nlayout: {layout}\nlanguage: {language}"
    document = parse_document(f"---\n{front}\n---\n{CASES[f'language-{language}'][1]}", "may.md", Path())
    assert faults(compile_document(document, shipped_toolkit(KIT))) == []


@pytest.mark.parametrize("block", sorted(set(registry().blocks) - {"hero", "image", "story"}))
def test_the_example_of_every_block_has_no_fault(block: str) -> None:
    """Those of the three pictures stand alone, and a mail of hardly more than a picture is told."""
    known = registry().blocks[block]
    text = f"---\nsubject: A\npreheader: B\ntoolkit: {KIT}\n---\n{registry().blocks[known.within or block].example}"
    assert faults(compile_document(parse_document(text, "may.md", Path()), shipped_toolkit(KIT))) == []
