from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.database import Database
from daisychain.errors import InputError
from newsletters.shelf import add_toolkit
from newsletters.toolkit import load_files
from newsletters.unmerged import unmerged
from tests.newsletters import toolkits


@pytest.mark.parametrize("body", ["Dear {{ member.name", "{% if %}x{% endif %}", "{{ nothing.known }}"])
def test_a_toolkit_whose_copy_cannot_be_worked_out_is_refused_with_its_line(
    database: Database, tmp_path: Path, body: str
) -> None:
    kit = toolkits.folder(tmp_path, toolkits.files(welcome=toolkits.BLOCK.replace("Come to the *fair*.", body)))
    with database.engine.begin() as connection, pytest.raises(InputError, match=r"welcome\.md:10"):
        add_toolkit(connection, kit)


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ("Come to the *fair*.", "Come to the *fair*."),
        ('Dear {{ member.first_name | default("friend") }},', "Dear friend,"),
        ("In {{ member.town }} too", "In  too"),
        ('{% if member.town == "Hull" %}In Hull{% else %}Anywhere{% endif %}', "Anywhere"),
        ("{% if not member.role %}Join us{% endif %}!", "Join us!"),
        ("[Join]({{ toolkit.links.join }})", "[Join](https://fairs.example/join)"),
    ],
)
def test_copy_reads_as_for_somebody_of_whom_nothing_is_known(body: str, read: str) -> None:
    block = toolkits.BLOCK.replace("Come to the *fair*.", body)
    toolkit = load_files(toolkits.files(welcome=block), "kit")
    assert unmerged(toolkit.copy["welcome"], toolkit).strip() == read
