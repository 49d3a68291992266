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


@pytest.mark.parametrize(
    "header",
    [
        "Vorname,Nachname,E-Mail-Adresse,Sprache", "Rufname,Familienname,E-Mail,Sprache",
        "Vorname,Name,Mailadresse,Sprache",
        "Voornaam,Achternaam,E-mailadres,Taal", "Voornaam,Naam,Email,Taal", "Prénom,Nom,Courriel,Langue",
        "PRÉNOM,Nom de famille,Adresse e-mail,Langue", "Nombre,Apellidos,Correo electrónico,Idioma",
        "Nome,Cognome,Indirizzo email,Lingua", "Nome,Sobrenome,E-mail,Idioma", "Nom,Cognoms,Email,Idioma",
        "Fornavn,Efternavn,E-mail,Sprog", "Fornavn,Etternavn,E-post,Språk", "Förnamn,Efternamn,E-post,Språk",
        "Etunimi,Sukunimi,Sähköposti,Kieli", "Imię,Nazwisko,Adres e-mail,Język", "Jméno,Příjmení,E-mail,Jazyk",
        "Meno,Priezvisko,E-mail,Jazyk", "Prenume,Nume,Email,Limba", "Ime,Prezime,Email,Language",
        "Keresztnév,Vezetéknév,Email,Language", "Enw cyntaf,Cyfenw,Ebost,Iaith",
    ],
)  # fmt: skip
def test_names_are_found_by_the_headings_of_the_common_languages_of_europe(header: str) -> None:
    columns = read(header)
    assert columns.known == {"first_name": 0, "last_name": 1, "email": 2, "language": 3}
    assert not columns.custom


@pytest.mark.parametrize(
    ("header", "known", "custom"),
    [
        ("Nom,Email", {"email": 1}, {"nom": 0}), ("Nome,Email", {"email": 1}, {"nome": 0}),
        ("First name,Name,Email", {"first_name": 0, "email": 2}, {"name": 1}),
        ("Vorname,Name,Nachname,Email", {"first_name": 0, "last_name": 2, "email": 3}, {"name": 1}),
    ],
)  # fmt: skip
def test_a_word_that_may_be_a_whole_name_is_half_of_one_only_beside_the_other_half(
    header: str, known: dict[str, int], custom: dict[str, int]
) -> None:
    columns = read(header)
    assert (columns.known, columns.custom) == (known, custom)


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
