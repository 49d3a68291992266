"""An audit counts people by basis, finds those whose basis can't hold, and shows few addresses, to people only."""

from __future__ import annotations

import csv
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from lists.consent.list_audit import FINDINGS, audit_list, export_audit
from lists.lists import find_list
from lists.members import add_member, find_member, unsubscribe
from lists.suppression import suppress
from lists.tables import Membership
from tests.command import Daisychain

AGREED = {"basis": "consent", "source": "stall in May"}
CHARITYS = {"basis": "soft-opt-in-charity", "collected_by": "Friends"}
SINCE = datetime(2026, 2, 5, tzinfo=UTC)
FAULTS: dict[str, dict[str, Any]] = {
    "unknown": {"basis": "unknown"},
    "unspecified": {"basis": "soft-opt-in"},
    "no date": {**CHARITYS, "consented_at": None},
    "too early": {**CHARITYS, "consented_at": datetime(2026, 2, 4, 23, 59, 59, tzinfo=UTC)},
    "no organisation": {**CHARITYS, "consented_at": SINCE, "collected_by": ""},
    "another organisation": {"collected_by": "Friends of Bath"},
}


def change(connection: Connection, email: str, values: dict[str, Any]) -> None:
    """Change a membership behind the ledger's back."""
    this = Membership.member_id == find_member(connection, email)["id"]
    connection.execute(update(Membership).where(this).values(values))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_basis_that_cannot_hold_is_found(connection: Connection, list_id: int, fault: str) -> None:
    for email in ("ann@x.org", "bob@x.org"):
        add_member(connection, list_id, email, **AGREED)
    assert audit_list(connection, "friends", addresses=True).findings == []
    change(connection, "bob@x.org", FAULTS[fault])
    audit = audit_list(connection, "friends", addresses=True)
    assert sum(audit.basis.values()) == audit.people == 2
    found = {each.finding: (each.people, each.examples) for each in audit.findings}
    assert found == {fault: (1, ["bob@x.org"]), "ledger differs": (1, ["bob@x.org"])}
    assert set(FINDINGS) == {*FAULTS, "ledger differs"}


def test_a_charitys_soft_opt_in_of_the_first_day_of_the_law_holds(connection: Connection, list_id: int) -> None:
    add_member(connection, list_id, "ann@x.org", **AGREED)
    change(connection, "ann@x.org", {**CHARITYS, "consented_at": SINCE})
    assert [each.finding for each in audit_list(connection, "friends", addresses=False).findings] == ["ledger differs"]


def test_people_who_are_not_mailed_need_no_basis(connection: Connection, list_id: int) -> None:
    for email in ("ann@x.org", "bob@x.org", "cy@x.org"):
        add_member(connection, list_id, email, basis="unknown", source="")
    unsubscribe(connection, list_id, find_member(connection, "ann@x.org")["id"], "one-click")
    suppress(connection, "bob@x.org", "asked by phone")
    [found] = audit_list(connection, "friends", addresses=True).findings
    assert (found.finding, found.people, found.examples) == ("unknown", 1, ["cy@x.org"])


def test_up_to_ten_people_are_shown_and_the_file_has_everybody_for_its_owner_only(
    connection: Connection, list_id: int, tmp_path: Path
) -> None:
    for number in range(12):
        add_member(connection, list_id, f"p{number}@x.org", basis="unknown", source="")
    [found] = audit_list(connection, "friends", addresses=True).findings
    assert (found.people, len(found.examples)) == (12, 10)
    target = tmp_path / "faults.csv"
    assert export_audit(connection, "friends", target) == 12
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["finding"], row["basis"]) for row in rows} == {("unknown", "unknown")}
    assert len({row["email"] for row in rows}) == 12


def test_the_command_shows_counts_and_no_address_in_a_pipe(daisychain: Daisychain) -> None:
    daisychain("list", "create", "friends", "--from", "Friends <news@friends.example>")
    daisychain("member", "add", "ann@x.org", "--list", "friends")
    shown = daisychain("list", "audit", "friends").stdout
    assert "1 people of friends may be mailed, by Friends" in shown
    assert "unknown: 1 people" in shown
    assert "ann@x.org" not in shown
    answer = daisychain.json("list", "audit", "friends", "--format", "json")
    assert [(each["finding"], each["people"], each["examples"]) for each in answer["findings"]] == [("unknown", 1, [])]
    said = daisychain("list", "audit", "friends", "--export", "faults.csv")
    assert "1 rows in faults.csv" in said.stderr
    assert "There is no list named 'frends'" in daisychain("list", "audit", "frends", code=1).stderr


def test_the_list_is_found_by_its_name(connection: Connection, list_id: int) -> None:
    assert find_list(connection, audit_list(connection, "friends", addresses=False).name)["id"] == list_id
