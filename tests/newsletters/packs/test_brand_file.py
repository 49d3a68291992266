"""A brand by its file: a brand.yml is taken as it is, a partner's stands on the toolkit's."""

from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.errors import InputError
from newsletters.documents.document import read_document
from newsletters.packs.brand_file import brand_for
from newsletters.packs.partner import YOUR_ADDRESS
from newsletters.toolkits.toolkit import Toolkit, load_files
from tests.newsletters import sample_toolkits
from tests.newsletters.compiling import SHEET

DOCUMENT = "---\ntoolkit: spring-fair\nsubject: Hello\n---\nHello\n"


def find(name: str, folder: Path) -> Toolkit:
    """The toolkit of the tests."""
    return load_files(sample_toolkits.files(SHEET), "kit")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A newsletter."""
    file = tmp_path / "may.md"
    file.write_text(DOCUMENT, encoding="utf-8")
    return file


def brand(folder: Path, text: str) -> Path:
    """A file with this text."""
    file = folder / "brand.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_brand_file_is_taken_as_it_is(document: Path, tmp_path: Path) -> None:
    made = brand_for(read_document(document), brand(tmp_path, "name: Own\nradius: 3\nfooter:\n  address: Here\n"), find)
    assert (made.name, made.radius, made.footer.address, made.lead) == ("Own", 3, "Here", None)


def test_a_partner_stands_beside_the_coalition_with_its_own_address(document: Path, tmp_path: Path) -> None:
    bees = brand(tmp_path, "name: Bees of Bath\nintro: Hello\naddress: 1 Hive Lane\n")
    made = brand_for(read_document(document), bees, find)
    assert (made.name, made.intro, made.footer.address) == ("Bees of Bath", "Hello", "1 Hive Lane")
    assert made.lead is not None
    assert made.lead.name == "Friends of Fairs"


def test_words_stand_where_the_partners_tool_fills_in_the_address(document: Path, tmp_path: Path) -> None:
    bees = brand(tmp_path, "name: Bees of Bath\n")
    assert brand_for(read_document(document), bees, find).footer.address == YOUR_ADDRESS


def test_a_brand_that_is_not_there_is_told(document: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no brand"):
        brand_for(read_document(document), tmp_path / "none.yml", find)
