"""A document with twenty planted mistakes: the command finds the twenty where they are, and in a sound one none."""

from __future__ import annotations

import io
import random
import shutil
from pathlib import Path

import pytest
from PIL import Image

from daisychain.database import Database
from tests.command import Daisychain
from tests.newsletters.sample_toolkits import picture
from tests.sender.staging import add_list, add_people

HERE = Path(__file__).parent / "twenty"

# The line of twenty/may.md, and what is wrong there.
TWENTY = [
    (3, "words-shouting"),
    (5, "law-sender"),
    (9, "compile-error"),  # a field that does not exist
    (11, "merge-empty-field"),
    (11, "words-spelling"),
    (13, "words-weekday"),
    (15, "compile-error"),  # a copy block that has expired
    (17, "copy-channel"),
    (19, "accessibility-second-headline"),
    (21, "accessibility-heading-order"),
    (23, "merge-left-over"),
    (23, "words-placeholder"),
    (25, "links-not-secure"),
    (26, "links-not-public"),
    (28, "compile-error"),  # a block that does not exist
    (30, "links-tracked-twice"),
    (33, "accessibility-alt-file-name"),
    (35, "accessibility-vague-link"),
    (37, "images-heavy"),
    (39, "links-same-words"),
]


@pytest.fixture
def people(database: Database) -> Database:
    """A list of people of whom none has a town."""
    with database.engine.begin() as connection:
        add_people(connection, add_list(connection), range(3))
        connection.exec_driver_sql("UPDATE members SET fields = '{\"city\": \"Hull\"}' WHERE first_name = 'P0'")
    return database


@pytest.mark.usefixtures("people")
def test_the_twenty_mistakes_of_a_document_are_found_each_at_its_line(daisychain: Daisychain) -> None:
    shutil.copytree(HERE, daisychain.folder, dirs_exist_ok=True)
    (daisychain.folder / "kit/images").mkdir()
    (daisychain.folder / "kit/images/tent.png").write_bytes(picture(1072, 700))
    (daisychain.folder / "crowd.png").write_bytes(heavy_picture())
    answer = daisychain.json("newsletter", "check", "may.md", "--list", "friends", "--format", "json", code=1)
    found = [(*finding["place"].split(":"), finding["code"]) for finding in answer["findings"]]
    assert len(TWENTY) == 20
    assert sorted(found) == sorted(("may.md", str(line), code) for line, code in TWENTY)


@pytest.mark.usefixtures("people")
def test_the_bulletin_that_ships_has_no_error_and_no_warning(daisychain: Daisychain) -> None:
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    answer = daisychain.json("newsletter", "check", "may.md", "--list", "friends", "--format", "json")
    assert [finding for finding in answer["findings"] if finding["severity"] != "hint"] == []


def heavy_picture() -> bytes:
    """A picture of noise that can be seen through, which nothing makes small."""
    file = io.BytesIO()
    Image.frombytes("RGBA", (1072, 80), random.Random(7).randbytes(4 * 1072 * 80)).save(file, "PNG")
    return file.getvalue()
