"""`daisychain partner`: organisations on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.command import Daisychain

PAGE = Path(__file__).parents[2] / "docs/member-organisations.md"


def test_an_organisation_is_added_shown_edited_and_found(daisychain: Daisychain) -> None:
    details = ("--tool", "Mailchimp", "--languages", "Welsh", "--contact", "maya@bees.example")
    added = daisychain("partner", "add", "Bees of Bath", *details)
    assert "Its code is bees-of-bath" in added.stdout
    assert "already" in daisychain("partner", "add", "BEES of bath", code=1).stderr
    assert "no tool 'pigeon'" in daisychain("partner", "add", "Ants", "--tool", "pigeon", code=1).stderr
    shown = daisychain("partner", "show", "Bees of Bath").stdout
    assert "mailchimp" in shown
    assert "maya@bees.example" in shown
    daisychain("partner", "edit", "bees-of-bath", "--name", "Honey Bees", "--region", "Wales", "--languages", "")
    answer = daisychain.json("partner", "show", "bees-of-bath", "--format", "json")
    assert (answer["name"], answer["region"], answer["languages"], answer["code"]) == (
        "Honey Bees", "Wales", "", "bees-of-bath",
    )  # fmt: skip
    contacts = ("--contact", "willi@bees.example", "--remove-contact", "maya@bees.example")
    daisychain("partner", "edit", "honey bees", *contacts)
    found = daisychain.json("partner", "list", "--words", "WILLI@", "--region", "Wales", "--format", "json")
    assert [each["contacts"][0]["email"] for each in found] == ["willi@bees.example"]
    assert daisychain.json("partner", "list", "--has", "may", "--format", "json") == []
    assert "as it was" in daisychain("partner", "edit", "bees-of-bath").stdout
    assert "no organisation 'wasps'" in daisychain("partner", "show", "wasps", code=1).stderr


def test_a_link_stays_until_it_is_replaced(daisychain: Daisychain) -> None:
    daisychain("partner", "add", "Bees")
    links = [daisychain("partner", "link", "bees", *new).stdout for new in ((), (), ("--new",), ())]
    assert links[0] == links[1]
    assert links[2] == links[3]
    assert links[1] != links[2]


def test_an_export_without_a_file_is_the_answer_itself(daisychain: Daisychain) -> None:
    daisychain("partner", "add", "Bees", "--contact", "maya@bees.example")
    lines = daisychain("partner", "export").stdout.splitlines()
    assert lines[0].endswith("contact name 1,contact email 1,contact mail 1")
    assert "maya@bees.example" in lines[1]
    assert "no folder" in daisychain("partner", "export", "--out", "gone/x.csv", code=1).stderr


@pytest.fixture
def printed(daisychain: Daisychain) -> str:
    """The partner.yml that the page prints, beside a newsletter from the toolkit that ships."""
    daisychain("newsletter", "new", "may", "--toolkit", "community-makes-us")
    found = re.search(r"^```yaml\n(name: .*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def test_the_partner_in_the_page_for_members_gets_packs_with_the_toolkit_that_ships(
    daisychain: Daisychain, printed: str
) -> None:
    (daisychain.folder / "partner.yml").write_text(printed, encoding="utf-8")
    daisychain("newsletter", "pack", "may.md", "--brand", "partner.yml", "--out", "packs", "--no-previews")
    assert sorted(path.name for path in (daisychain.folder / "packs").iterdir()) == [
        "bees-of-bath-mailchimp", "bees-of-bath-outlook",
    ]  # fmt: skip


def test_a_part_that_the_toolkit_keeps_is_an_error_at_its_own_line(daisychain: Daisychain, printed: str) -> None:
    changed = printed.replace("# button:", "button:")
    (daisychain.folder / "partner.yml").write_text(changed, encoding="utf-8")
    line = changed[: changed.index("button:")].count("\n") + 1
    refused = daisychain("newsletter", "pack", "may.md", "--brand", "partner.yml", "--out", "packs", code=1)
    assert f"partner.yml:{line}: " in refused.stderr
    assert "'button' can't be used" in refused.stderr
