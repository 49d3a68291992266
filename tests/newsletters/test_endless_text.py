"""Text that would hold up a pattern that is tried anew at each of its signs; each case took hours."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletters.checks.readability import misspelt
from newsletters.compose.bare_addresses import linked_page
from newsletters.merge.link_removal import without_links
from newsletters.pieces.tree import listed
from newsletters.stored.folder_copy import read_folder
from newsletters.tokens import Mint

LONG = 1_000_000


@pytest.mark.parametrize("space", ["\u00a0", " ", "&nbsp;", "&#160;", "\n"])
def test_a_link_is_removed_whatever_spaces_the_author_wrote(space: str) -> None:
    page = f"<p>{space * LONG}words</p>"
    assert without_links(page, "token") == page
    assert without_links(f'{page}<p>{space * 9}<a href="token">x</a>{space * 9}</p>', "token") == page


@pytest.mark.parametrize("endless", ["a'", "a", "'", "a.'"])
def test_bare_addresses_are_found_after_endless_words(endless: str) -> None:
    page = f"<p>{endless * (LONG // len(endless))} ann@a.org</p>"
    assert 'href="mailto:ann@a.org"' in linked_page(page, Mint.fresh())
    longest = "a" * 64
    assert f'href="mailto:{longest}@a.org"' in linked_page(f"<p>{longest}@a.org</p>", Mint.fresh())


def test_spelling_is_checked_beside_endless_words() -> None:
    assert dict(misspelt(f"It is teh {'a' * LONG} {chr(39).join('a' * LONG)}", "")) == {"teh": ["the"]}


def test_the_first_words_are_shown_after_any_number_of_empty_lines_of_code() -> None:
    pieces = listed("```\nHello" + "\n" * LONG + "```\n\nthere")
    assert [words for piece in pieces for words, _ in piece.words][-1].endswith("there")


def test_pictures_are_found_in_a_folder_beside_endless_dots(tmp_path: Path) -> None:
    path = tmp_path / "may.md"
    path.write_text(f"---\nsubject: a\ntoolkit: fairs\n---\n{'.' * (LONG // 10)} \n![a](hero.jpg)\n", encoding="utf-8")
    assert read_folder(path).contents.images == {}
