from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.database import Database
from daisychain.errors import InputError
from newsletters.toolkit_store.render_without_member import render_without_member
from newsletters.toolkit_store.store import add_toolkit
from newsletters.toolkits.toolkit import load_files
from tests.newsletters import sample_toolkits


@pytest.mark.parametrize("body", ["Dear {{ member.name", "{% if %}x{% endif %}", "{{ nothing.known }}"])
def test_a_toolkit_whose_copy_cannot_be_worked_out_is_refused_with_its_line(
    database: Database, tmp_path: Path, body: str
) -> None:
    kit = sample_toolkits.folder(
        tmp_path, sample_toolkits.files(welcome=sample_toolkits.BLOCK.replace("Come to the *fair*.", body))
    )
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
        ("[Join]({{ toolkit.links.join }})", "[Join](https://fairs.org.uk/join)"),
    ],
)
def test_copy_reads_as_for_somebody_of_whom_nothing_is_known(body: str, read: str) -> None:
    block = sample_toolkits.BLOCK.replace("Come to the *fair*.", body)
    toolkit = load_files(sample_toolkits.files(welcome=block), "kit")
    assert render_without_member(toolkit.copy["welcome"], toolkit).strip() == read
