from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, select, update

from daisychain.errors import InputError, StateError
from lists.export import export_csv
from lists.imports import ImportSummary
from lists.list_people import open_people
from lists.lists import edit_list, find_list
from lists.tables import Membership

TakeIn = Callable[..., ImportSummary]
DATED = (
    "Email,Consented at\n"
    "early@people.example,2026-02-04\n"
    "first@people.example,2026-02-05\n"
    "late@people.example,2026-06-01\n"
    "none@people.example,\n"
)
CHARITY = {"basis": "soft-opt-in-charity", "source": "donation form of March 2026"}


def test_soft_opt_in_asks_which_of_the_two(take_in: TakeIn) -> None:
    with pytest.raises(InputError, match=r"soft-opt-in-sale and soft-opt-in-charity"):
        take_in("Email\nann@people.example\n", basis="soft-opt-in", source="shop")


def test_a_charitys_soft_opt_in_takes_contacts_collected_since_the_law_changed(
    take_in: TakeIn, connection: Connection
) -> None:
    summary = take_in(DATED, **CHARITY, collected_by="friends")
    assert (summary.added, summary.refused, summary.refused_because) == (2, 2, {"soft opt-in": 2})
    kept = connection.execute(select(Membership.basis, Membership.collected_by).distinct()).all()
    assert [tuple(row) for row in kept] == [("soft-opt-in-charity", "friends")]
    assert summary.refused_file
    refused = summary.refused_file.read_text()
    assert "soft opt-in: collected before 5 February 2026" in refused
    assert "soft opt-in: no date of collection" in refused


def test_a_charitys_soft_opt_in_needs_dates_who_collected_and_the_same_sender(take_in: TakeIn) -> None:
    with pytest.raises(InputError, match="--collected-by"):
        take_in(DATED, **CHARITY)
    with pytest.raises(InputError, match="does not pass to another organisation"):
        take_in(DATED, **CHARITY, collected_by="Oak Trust")
    with pytest.raises(InputError, match="no column has it"):
        take_in("Email\nann@people.example\n", **CHARITY, collected_by="Friends")


def test_an_old_soft_opt_in_counts_as_unspecified_until_an_import_says_which(
    take_in: TakeIn, connection: Connection
) -> None:
    take_in("Email\nann@people.example\nbob@people.example\n", basis="consent", source="form")
    connection.execute(update(Membership).values(basis="soft-opt-in"))
    assert open_people(connection, "friends").basis() == {"soft-opt-in-unspecified": 2}
    take_in("Email\nann@people.example\n", basis="consent", source="another form")
    assert open_people(connection, "friends").basis() == {"soft-opt-in-unspecified": 2}
    take_in("Email\nann@people.example\n", basis="soft-opt-in-sale", source="shop")
    assert open_people(connection, "friends").basis() == {"soft-opt-in-unspecified": 1, "soft-opt-in-sale": 1}


def test_the_charity_that_collected_comes_from_a_column_and_is_judged_row_by_row(
    take_in: TakeIn, connection: Connection
) -> None:
    rows = "Email,Consented at,Charity\nann@p.example,2026-05-01,Friends\nbob@p.example,2026-05-01,Oak Trust\n"
    mapping = {"Charity": "collected_by"}
    summary = take_in(f"{rows}cat@p.example,2026-05-01,\n", **CHARITY, mapping=mapping)
    assert (summary.added, summary.refused_because) == (1, {"soft opt-in": 2})
    assert summary.refused_file
    refused = summary.refused_file.read_text()
    assert "soft opt-in: collected by Oak Trust" in refused
    assert "soft opt-in: no organisation that collected it" in refused
    summary = take_in(f"{rows}cat@p.example,2026-05-01,\n", **CHARITY, mapping=mapping, collected_by="The Friends")
    assert (summary.added, summary.unchanged) == (1, 1)
    kept = connection.scalars(select(Membership.collected_by).order_by(Membership.member_id)).all()
    assert kept == ["Friends", "The Friends"]
    out = io.StringIO()
    export_csv(connection, summary_list(connection), out)
    assert [row["list_collected_by"] for row in csv.DictReader(io.StringIO(out.getvalue()))] == kept


def summary_list(connection: Connection) -> int:
    return int(find_list(connection, "friends")["id"])


def test_a_list_keeps_its_sender_while_people_are_on_it_by_another_charitys_soft_opt_in(
    take_in: TakeIn, connection: Connection
) -> None:
    take_in(DATED, **CHARITY, collected_by="friends")
    with pytest.raises(StateError, match="2 people by friends"):
        edit_list(connection, "friends", sender="Oak Trust <news@oak.example>")
    with pytest.raises(StateError, match="2 people by friends"):
        edit_list(connection, "friends", sender="Friends of the Oak <news@oak.example>")
    edit_list(connection, "friends", sender="Oak Trust <news@oak.example>", same_organisation=True)
    assert find_list(connection, "friends")["from_name"] == "Oak Trust"
    assert open_people(connection, "friends").basis_problems() == {}  # the old name still counts as theirs
