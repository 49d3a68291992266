from __future__ import annotations

from pathlib import Path

import pytest

from daisychain.errors import InputError
from lists.columns import Columns, parse_mapping, read_columns


def read(header: str, *mapping: str) -> Columns:
    return read_columns(header.split(","), parse_mapping(mapping), Path("people.csv"))


@pytest.mark.parametrize("heading", ["email", "EMAIL", "E-mail", "Email Address", "e-mail address", "Mail", "Émail"])
def test_the_address_column_is_found_by_its_usual_names(heading: str) -> None:
    assert read(f"Name,{heading}").known == {"email": 1}


def test_fields_stand_where_their_headings_stand_and_others_become_custom_fields() -> None:
    columns = read("Surname,Phone,Email,Forename,Lang,Höhe (cm),2024 donor,Phone,,Обл")
    assert columns.known == {"last_name": 0, "email": 2, "first_name": 3, "language": 4}
    assert columns.custom == {
        "phone": 1, "hohe_cm": 5, "field_2024_donor": 6, "phone_2": 7, "column_10": 9,
    }  # fmt: skip
    assert columns.left_out == ("column 9 (no heading)",)


def test_a_mapping_wins_over_the_usual_names() -> None:
    columns = read("Email,Work mail,Given,Area", "email=Work mail", "first_name=given", "region=Area")
    assert columns.known == {"email": 1, "first_name": 2}
    assert columns.custom == {"region": 3, "email_2": 0}
    assert columns.headings["email"] == "Work mail"


def test_a_column_can_be_left_out_and_our_own_are() -> None:
    columns = read("refused_line,refused_reason,Email,Notes,list_state,list_basis", "=Notes")
    assert columns.custom == {}
    assert set(columns.left_out) == {"refused_line", "refused_reason", "Notes", "list_basis"}
    assert columns.known == {"email": 2, "list_state": 4}


@pytest.mark.parametrize(
    ("header", "mapping", "told"),
    [
        ("Name,Address", [], "No column holds the email address(.|\n)*Name, Address"),
        ("Ann,ann@x.org", [], "must hold the headings"),
        ("Email,E-mail", [], "Both 'Email' and 'E-mail' could be the email"),
        ("Email", ["first_name=Given"], "no column has the heading 'Given'(.|\n)*Headings: Email"),
        ("Email,A,A", ["first_name=A"], "more than one column has the heading 'A'"),
        ("Email", ["first_name"], "can't be read"),
        ("Email", ["First name=Email"], "can't be named 'First name'(.|\n)*first_name"),
        ("Email,A,B", ["x=A", "x=B"], "mapped already"),
    ],
)
def test_a_heading_that_can_not_be_understood_is_an_error(header: str, mapping: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        read(header, *mapping)
