"""Mistakes that stop a newsletter: all of them are told in one go, and what is left of it is checked all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.checks import check_file
from newsletters.checks.finding import Finding
from newsletters.toolkits.toolkit import Toolkit, load_files
from tests.newsletters import sample_toolkits
from tests.newsletters.checks.planting import Look, Planted
from tests.newsletters.compiling import SHEET

HEAD = "---\ntoolkit: spring-fair\nsubject: Hello\npreheader: And welcome\n---\n"
EXPIRED = sample_toolkits.BLOCK.replace("length:", "expires: 2020-05-06\nlength:")
EMBARGOED = sample_toolkits.BLOCK.replace("length:", "embargo: 2099-05-06\nlength:")


def checked(folder: Path, body: str, *, copy: str = sample_toolkits.BLOCK, head: str = HEAD) -> list[Finding]:
    """What is found in a file may.md that has this body."""
    file = folder / "may.md"
    file.write_text(head + body, encoding="utf-8")

    def find(name: str, base: Path) -> Toolkit:
        if name != "spring-fair":
            raise InputError("There is no such toolkit.")
        return load_files(sample_toolkits.files(SHEET, welcome=copy), "kit")

    return [finding for finding in check_file(file, find).findings if finding.severity == "error"]


def look(body: str) -> Look:
    """The errors of a file that has this body."""

    def found(_code: str) -> list[Finding]:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            found = checked(Path(folder), body)
            return [Finding(**{**vars(each), "place": each.place.removeprefix(f"{folder}/")}) for each in found]

    return found


PLANTED = [
    Planted("compile-error", look("Hello\n\n{{ member.shoe_size }}"), look("Hello"), 8, "no field 'shoe_size'"),
]

MANY = """\
Dear {{ member.frist_name }}, in {{ member.town }},

::: buton "Go" href="https://a.org/"

::: note
Hello {% if member.age > 3 %}you{% endif %}
:::

::: copy welcom

::: cards
Not a card
:::

::: button "Go" hrf="https://a.org/"

![A tent](tnet.png)

{{ toolkit.nothing }} and [see](http://a.org/)
"""


def test_all_mistakes_of_a_document_are_told_in_one_go_each_with_its_line(tmp_path: Path) -> None:
    found = checked(tmp_path, MANY)
    stopped = [(int(each.place.rpartition(":")[2]), each.message) for each in found if each.code == "compile-error"]
    assert stopped == [
        (6, "Members have no field 'frist_name'."),
        (6, "Members have no field 'town'."),
        (8, "There is no block 'buton'."),
        (11, "Members have no field 'age'."),
        (14, "The toolkit 'spring-fair' has no copy block 'welcom'."),
        (17, "The block 'cards' holds card blocks, and nothing else."),
        (20, "The block 'button' has no attribute 'hrf'."),
        (22, "There is no image 'tnet.png'."),
        (24, "There is no 'nothing' in `toolkit`."),
    ]


def test_what_can_be_read_is_checked_although_other_parts_can_not(tmp_path: Path) -> None:
    body = "{{ member.frist_name }}\n\nLorem ipsum\n\n::: nonsense\n:::\n\n[a](page.html)\n"
    assert [(each.code, each.place.rpartition(":")[2]) for each in checked(tmp_path, body)] == [
        ("compile-error", "6"), ("words-placeholder", "8"), ("compile-error", "10"), ("links-no-scheme", "13"),
    ]  # fmt: skip


def test_the_end_of_a_block_that_is_not_known_is_no_second_mistake(tmp_path: Path) -> None:
    assert len(checked(tmp_path, "::: nte\nHello\n:::\n\n::: note\nHello\n:::\n")) == 1


@pytest.mark.parametrize(
    "body",
    [
        '::: button "Go" href={{ member.nowhere }}',  # what is left out leaves neither a broken line nor a bad link
        "[a](ftp://a.org/)",  # stands in HTML and text
    ],
)
def test_one_mistake_is_told_once(tmp_path: Path, body: str) -> None:
    assert [each.code for each in checked(tmp_path, body)] == ["compile-error"]


@pytest.mark.parametrize(("copy", "says"), [(EXPIRED, "expired on 06 May 2020"), (EMBARGOED, "under embargo until")])
def test_copy_that_may_not_be_used_today_is_an_error(tmp_path: Path, copy: str, says: str) -> None:
    [found] = checked(tmp_path, "Hello\n\n::: copy welcome", copy=copy)
    assert found.place.endswith("may.md:8")
    assert says in found.message
    assert not found.overridable


def test_what_ends_every_reading_is_told_with_the_mistakes_before_it(tmp_path: Path) -> None:
    found = checked(tmp_path, "Hello {% if", head=HEAD.replace("Hello", "'{{ member.nam }}'"))
    assert [each.place.rpartition(":")[2] for each in found] == ["3", "6"]


def test_a_toolkit_that_is_not_there_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such toolkit"):
        checked(tmp_path, "Hello", head=HEAD.replace("spring-fair", "autumn-fair"))
