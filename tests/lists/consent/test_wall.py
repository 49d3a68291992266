"""Organisations are a wall: a contact belongs to the one that collected it, and each list has a consent of its own."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from daisychain.errors import InputError, StateError
from lists.bases import same_organisation
from lists.imports import ImportOptions, ImportSummary, import_members
from lists.list_people import open_people
from lists.lists import create_list, edit_list
from lists.members import add_member, find_member, find_membership, unsubscribe
from lists.tables import Membership

AGREED = {"basis": "consent", "source": "stall in May"}
OURS, THEIRS = "Age UK", "Age UK Bath"


@pytest.fixture
def lists(connection: Connection) -> tuple[int, int]:
    """Two charities' lists; Ann and Bob were collected by the second, for its own."""
    ours = create_list(connection, "ours", sender=f"{OURS} <news@ageuk.example>")
    theirs = create_list(connection, "theirs", sender=f"{THEIRS} <news@bath.example>")
    for email in ("ann@x.org", "bob@x.org"):
        add_member(connection, theirs, email, collected_by=THEIRS, **AGREED)
    return ours, theirs


@pytest.fixture
def take_in(connection: Connection, lists: tuple[int, int], sheet: Callable[..., Path]) -> Callable[..., ImportSummary]:
    """Imports a CSV given as text into our list."""

    def run(content: str, **options: str | dict[str, str]) -> ImportSummary:
        return import_members(connection, lists[0], sheet(content), ImportOptions(**{**AGREED, **options}))  # type: ignore[arg-type]

    return run


def reasons(summary: ImportSummary) -> list[str]:
    assert summary.refused_file is not None
    with summary.refused_file.open(encoding="utf-8-sig", newline="") as file:
        return [row["refused_reason"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("name", "sender", "same"),
    [
        ("age uk", "Age UK", True),
        ("The Age-UK", "Age UK Ltd", True),
        ("Friends & Family", "Friends and Family", True),
        ("Elusen Môn", "ELUSEN MÔN", True),
        ("Age", "Age UK Bath", False),
        ("Age UK", "Age UK Bath", False),
        ("Bath", "Age UK Bath", False),
        ("", "Age UK", False),
        ("Age UK Bath", "Age UK", False),
        ("Cafe\u0301", "Café", True),
        ("Oak_Trust", "Oak-Trust", True),
        ("कला", "कल", False),
        ("கை", "கா", False),
        ("★", "♥", False),
        ("!", "The Ltd", False),
    ],
)
def test_only_the_whole_name_is_the_same_organisation(name: str, sender: str, same: bool) -> None:
    assert same_organisation(name, [sender]) is same
    assert same_organisation(name, ["Oak Trust", sender]) is same


@pytest.mark.parametrize("basis", ["unknown", "consent", "soft-opt-in-sale", "legitimate-interest"])
def test_another_organisations_contacts_are_refused_whatever_their_basis(
    take_in: Callable[..., ImportSummary], basis: str
) -> None:
    with pytest.raises(InputError, match="they belong to it") as refused:
        take_in("Email\ncy@x.org\n", basis=basis, collected_by=THEIRS)
    assert "--also-named 'Age UK Bath'" in refused.value.hint
    rows = f"Email,Who\ncy@x.org,{THEIRS}\ndi@x.org,{OURS}\ned@x.org,\n"
    summary = take_in(rows, basis=basis, mapping={"Who": "collected_by"})
    assert (summary.added, reasons(summary)) == (2, [f"another organisation: collected by {THEIRS}"])


@pytest.mark.parametrize("basis", ["unknown", "consent"])
def test_a_contact_that_another_list_collected_needs_a_basis_that_names_this_one(
    take_in: Callable[..., ImportSummary], connection: Connection, lists: tuple[int, int], basis: str
) -> None:
    summary = take_in("Email\nann@x.org\ncy@x.org\n", basis=basis)
    assert (summary.added, summary.refused_because) == (1, {"another organisation": 1})
    assert reasons(summary) == [f"another organisation: collected by {THEIRS}"]
    assert any(f'--collected-by "{OURS}"' in warning for warning in summary.warnings)
    assert take_in("Email\nann@x.org\n", collected_by=OURS, source="form that names us").added == 1
    bases = select(Membership.list_id, Membership.collected_by).where(
        Membership.member_id == find_member(connection, "ann@x.org")["id"]
    )
    assert {tuple(row) for row in connection.execute(bases)} == {(lists[0], OURS), (lists[1], THEIRS)}
    assert take_in("Email,Town\nann@x.org,Bath\n").updated == 1  # it has a basis here by now


def test_one_person_is_added_to_another_organisations_list_only_on_its_own_basis(
    connection: Connection, lists: tuple[int, int]
) -> None:
    with pytest.raises(StateError, match="belongs to Age UK Bath") as refused:
        add_member(connection, lists[0], "ann@x.org", **AGREED)
    assert "--collected-by 'Age UK'" in refused.value.hint
    with pytest.raises(InputError, match="they belong to it"):
        add_member(connection, lists[0], "cy@x.org", collected_by=THEIRS, **AGREED)
    assert add_member(connection, lists[0], "ann@x.org", collected_by="age uk", **AGREED)


@pytest.mark.parametrize("left", [0, 1])
def test_leaving_one_organisations_list_leaves_the_other(
    connection: Connection, lists: tuple[int, int], left: int
) -> None:
    add_member(connection, lists[0], "ann@x.org", collected_by=OURS, **AGREED)
    unsubscribe(connection, lists[left], find_member(connection, "ann@x.org")["id"], "one-click")
    states = [find_membership(connection, list_id, "ann@x.org")["state"] for list_id in lists]
    assert states == ["unsubscribed" if at == left else "subscribed" for at in (0, 1)]


def test_a_list_given_to_another_organisation_may_not_be_mailed_by_it_until_somebody_says_they_are_one(
    connection: Connection, lists: tuple[int, int]
) -> None:
    with pytest.raises(StateError, match="2 people by Age UK Bath"):
        edit_list(connection, "theirs", sender="Oak Trust <news@oak.example>")
    edit_list(connection, "theirs", sender="Bath Elders <news@bath.example>", same_organisation=True)
    assert open_people(connection, "theirs").basis_problems() == {}
    connection.execute(Membership.__table__.update().values(collected_by="Bath Seniors"))
    assert open_people(connection, "theirs").basis_problems() == {"another organisation": 2}
    edit_list(connection, "theirs", also_named=["bath seniors"])
    assert open_people(connection, "theirs").basis_problems() == {}
