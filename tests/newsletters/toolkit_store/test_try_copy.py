"""Toolkit copy is tried when a toolkit is added: its author hears of a mistake, not whoever uses the copy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.toolkit_store.store import checked_toolkit
from newsletters.toolkit_store.try_copy import refuse_broken_copy
from newsletters.toolkits.toolkit import load_files
from tests.newsletters.sample_toolkits import BLOCK, files, folder

BODY = BLOCK.count("\n", 0, BLOCK.index("Come")) + 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ('::: buton "Join"', "no block 'buton'"),
        ("::: note\nCome.", "The block 'note' is not closed"),
        ("::: image nothing", "no image 'nothing'"),
        ("::: copy welcome", "A copy block can't hold another"),
        ("[Join](ftp://a.example)", "can't lead to ftp"),
        ("See below[^1].", "There are no footnotes in an email: [^1]"),
        ("{{ member.first_name | nosuch }}", "nosuch"),
    ],
)
def test_copy_that_no_newsletter_could_hold_is_refused_with_its_line(words: str, says: str) -> None:
    toolkit = load_files(files(welcome=BLOCK.replace("Come", f"{words}\n\nCome")), "kit")
    with pytest.raises(InputError, match=re.escape(says)) as error:
        refuse_broken_copy(toolkit)
    assert error.value.place == f"kit/copy/welcome.md:{BODY}"


def test_copy_under_embargo_is_tried_and_posts_are_not_taken_for_email() -> None:
    later = BLOCK.replace("version: 2", "version: 2\nembargo: 2199-01-01")
    refuse_broken_copy(load_files(files(welcome=later), "kit"))
    with pytest.raises(InputError, match="no block"):
        refuse_broken_copy(load_files(files(welcome=f"{later}\n::: buton x\n"), "kit"))
    post = BLOCK.replace("email, web", "social").replace("id: welcome", "id: post")
    refuse_broken_copy(load_files(files(welcome=BLOCK, post=f"{post}\n::: our stall is here\n"), "kit"))


def test_a_dry_run_tries_the_copy_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no block 'buton'"):
        checked_toolkit(folder(tmp_path / "kit", files(welcome=f"{BLOCK}\n::: buton x\n")))
