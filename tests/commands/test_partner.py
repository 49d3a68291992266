"""`daisychain partner`: organisations on the command line."""

from __future__ import annotations

from tests.command import Daisychain


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
