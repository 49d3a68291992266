"""What we ship ourselves: our layouts and starters give no error and no warning of their looks, in any language."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletters.checks import accessibility, clients, images, law, legibility, links, outlook
from newsletters.checks.finding import Subject
from newsletters.compose.blocks import registry
from newsletters.compose.compiler import Compilation, compile_document
from newsletters.compose.starter import starter
from newsletters.documents.document import parse_document
from newsletters.toolkit_store.store import shipped_toolkit
from newsletters.toolkits.files import SHEET
from newsletters.toolkits.toolkit import Toolkit, load_files
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


def invented(kit: Toolkit) -> list[str]:
    """Codes of what is invented in a newsletter with the kit's footer, its copy with links, and one link more."""
    front = f"from: Ann <ann@fairs.example>\nsubject: A\npreheader: B\ntoolkit: {kit.name}"
    text = f"---\n{front}\n---\n::: copy next\n\n[More](https://foo.example/x)\n"
    subject = Subject(compile_document(parse_document(text, "may.md", Path()), kit), None, TODAY)
    return [each.code for each in (*law.check(subject), *links.check(subject))]


def test_what_a_copy_still_has_of_the_demonstration_is_found_and_the_demonstration_itself_has_no_fault() -> None:
    shipped = shipped_toolkit(KIT)
    sheet = shipped.files[SHEET].replace(f"name: {KIT}".encode(), b"name: our-campaign")
    assert sorted(set(invented(load_files({**shipped.files, SHEET: sheet}, "our-campaign")))) == [
        "law-address-invented", "law-sender-example", "links-example",
    ]  # fmt: skip
    assert invented(shipped) == []


def test_one_link_left_from_the_demonstration_does_not_hide_others() -> None:
    shipped = shipped_toolkit(KIT)
    sheet = shipped.files[SHEET].replace(b"connectioncoalition.example", b"our-charity.org")
    found = invented(load_files({**shipped.files, SHEET: sheet + b"# ours\n"}, "our-campaign"))
    assert found.count("links-example") == 2  # the copy's, and the newsletter's own
