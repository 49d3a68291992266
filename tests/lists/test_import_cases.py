"""Files that people really import, each with its right result, through the command line (tests/cases/csv)."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from daisychain.database import Database
from lists.tables import Suppression
from tests.command import Daisychain

CASES = Path(__file__).parent.parent / "cases" / "csv"
WITH_VALUES = [line.split("\t") for line in (CASES / "opt-out-columns.tsv").read_text("utf-8").splitlines()[1:]]

# File → how many people are added, and how many rows are refused for which reasons.
ADDED: dict[str, tuple[int, dict[str, int]]] = {
    "01-german-excel-semicolon-comma-heading.csv": (2, {}),
    "03-trailing-empty-cells-in-rows.csv": (2, {}),
    "04-excel-16384-columns.csv": (1, {}),
    "05-duplicate-email-headings.csv": (1, {}),
    "06-heading-on-line-3.csv": (1, {}),
    "07-utf16-tab-excel-unicode-text.txt": (1, {}),
    "08-utf16le-nobom.csv": (1, {}),
    "09-double-bom.csv": (1, {}),
    "10-equals-quoted-cells.csv": (2, {}),
    "11-apostrophe-text-marker.csv": (2, {}),
    "13-cells-padded-with-spaces.csv": (1, {}),
    "14-mixed-newlines.csv": (5, {}),
    "15-nul-bytes.csv": (1, {"cells": 2}),
    "16-address-forms.csv": (6, {"address": 26}),
    "17-idn-eai.csv": (5, {"duplicate": 3, "address": 2}),
    "18-status-mailchimp-unsubscribed-file.csv": (0, {"not subscribed": 2}),
    "19-status-mailchimp-cleaned-file.csv": (0, {"not subscribed": 1}),
    "22-status-hubspot-salesforce.csv": (1, {"not subscribed": 3}),
    "23-status-ghost.csv": (1, {"not subscribed": 1}),
    "26-language-names.csv": (5, {}),
    "27-uk-dates-consent.csv": (6, {"consent date": 3}),
    "28-header-only.csv": (0, {}),
    "31-200-columns.csv": (1, {}),
    "33-pipe.csv": (1, {}),
    "34-odd-headings.csv": (1, {}),
    "37-sep-line.csv": (1, {}),
    "38-sep-line-utf16.csv": (1, {}),
    "39-open-quote.csv": (2, {"cells": 1}),
    "40-inner-quotes.csv": (2, {"cells": 2}),
    "41-backslash-newline.csv": (2, {}),
    "42-headings-german.csv": (1, {}),
    "47-mojibake.csv": (2, {}),
    "48-comma-decimal-unquoted.csv": (1, {"cells": 1}),
    "49-consent-no.csv": (1, {"not subscribed": 1}),
    "50-sendgrid-contacts-export.csv": (1, {}),
}
# File → words of the message with which the whole import stops.
STOPPED = {
    "24-status-values.csv": "unconfirmed (1)",
    "25-status-phplist.csv": '--map "confirmed=opt-in"',
    "29-empty.csv": "is empty",
    "30-bom-only.csv": "is empty",
    "32-201-columns.csv": "more than 200 columns",
    "35-html-as-xls.xls": "This is a web page",
    "43-google-contacts.csv": '--map "email=E-mail 1 - Value"',
    "44-no-header.csv": "must hold the headings",
    "45-one-column-no-header.txt": "must hold the headings",
    "51-mailerlite.csv": '--map "email=Subscriber"',
}


@pytest.fixture
def friends(daisychain: Daisychain) -> Daisychain:
    """A list named friends."""
    daisychain("list", "create", "friends", "--from", "Friends <news@friends.example>")
    return daisychain


def import_(friends: Daisychain, path: Path, *options: str) -> Any:
    refused = str(friends.folder / "refused.csv")
    return friends.json("list", "import", "friends", str(path), "--refused", refused, "--format", "json", *options)


def people(friends: Daisychain) -> dict[str, dict[str, str]]:
    """Everybody of the list, by address."""
    rows = csv.DictReader(io.StringIO(friends("list", "export", "friends").stdout))
    return {row["email"]: row for row in rows}


def subscribed(friends: Daisychain) -> list[str]:
    return [email for email, row in people(friends).items() if row["list_state"] == "subscribed"]


def test_every_case_has_a_right_result() -> None:
    assert {path.name for path in CASES.iterdir()} == {*ADDED, *STOPPED, "EXPECTED.md", "opt-out-columns.tsv"}


@pytest.mark.parametrize("name", ADDED)
def test_a_file_as_people_have_it_is_imported(friends: Daisychain, name: str) -> None:
    answer = import_(friends, CASES / name)
    assert (answer["added"], answer["refused_because"]) == ADDED[name]
    assert answer["added"] == len(subscribed(friends))


@pytest.mark.parametrize("name", STOPPED)
def test_a_file_that_can_not_be_used_says_why_and_nothing_is_imported(friends: Daisychain, name: str) -> None:
    assert STOPPED[name] in friends("list", "import", "friends", str(CASES / name), code=1).stderr
    assert people(friends) == {}


@pytest.mark.parametrize(("heading", "value", "expected"), WITH_VALUES)
def test_a_column_that_means_do_not_mail_is_followed_or_asked_about(
    friends: Daisychain, heading: str, value: str, expected: str
) -> None:
    path = friends.folder / "people.csv"
    path.write_text(f"Email,{heading}\nann@ex-a.org,{value}\n")
    if expected == "ask":
        said = friends("list", "import", "friends", str(path), code=1).stderr
        assert f'--map "{heading}=opt-out"' in said
        assert f"{heading}: {value}" in said
        assert people(friends) == {}
        return
    assert import_(friends, path)["added"] == (expected == "in")
    assert set(people(friends)) == {"ann@ex-a.org"}
    assert subscribed(friends) == (["ann@ex-a.org"] if expected == "in" else [])
    path.write_text("Email\nann@ex-a.org\n")
    import_(friends, path)
    assert subscribed(friends) == (["ann@ex-a.org"] if expected == "in" else [])


@pytest.mark.parametrize(
    ("name", "option", "mailed"),
    [
        ("24-status-values.csv", "status=status", ["mia@ex-a.org", "ned@ex-a.org"]),
        ("24-status-values.csv", "list_state=status", ["mia@ex-a.org", "ned@ex-a.org"]),
        ("25-status-phplist.csv", "confirmed=opt-in", ["cat@ex-a.org"]),
        ("43-google-contacts.csv", "email=E-mail 1 - Value", ["bob@ex-a.org"]),
        ("05-duplicate-email-headings.csv", "email=Email#2", ["ann.home@ex-b.org"]),
    ],
)
def test_a_question_is_answered_by_the_map_that_it_names(
    friends: Daisychain, name: str, option: str, mailed: list[str]
) -> None:
    import_(friends, CASES / name, "--map", option)
    assert subscribed(friends) == mailed


def test_cells_come_as_people_meant_them(friends: Daisychain) -> None:
    for name in ("10-equals-quoted-cells.csv", "26-language-names.csv", "27-uk-dates-consent.csv"):
        answer = import_(friends, CASES / name)
    found = people(friends)
    assert [found[f"{name}@ex-a.org"]["member_no"] for name in ("ann", "bob")] == ["00123", "00124"]
    languages = [found[f"{name}@ex-a.org"]["language"] for name in ("ann", "bob", "cat", "dan", "eve")]
    assert languages == ["en", "cy", "en", "", "en-gb"]
    assert answer["warnings"] == []
    import_(friends, CASES / "11-apostrophe-text-marker.csv")
    assert {"ann@ex-a.org", "o'brien@ex-a.org"} < people(friends).keys()


def test_likely_typos_of_domains_are_named(friends: Daisychain) -> None:
    warnings = import_(friends, CASES / "16-address-forms.csv")["warnings"]
    assert sorted(warnings) == ["1 at ex-a.rog: was ex-a.org meant?", "1 at gmial.com: was gmail.com meant?"]


def test_a_no_ends_the_membership_and_an_older_sheet_can_not_bring_anybody_back(friends: Daisychain) -> None:
    new, old = friends.folder / "new.csv", friends.folder / "old.csv"
    old.write_text("Email,First name\nann@ex-a.org,Ann\nbob@ex-a.org,Bob\ncat@ex-a.org,Cat\n")
    new.write_text("Email,Status\nann@ex-a.org,Unsubscribed\nbob@ex-a.org,Hard bounced\ndan@ex-a.org,opted out\n")
    import_(friends, old)
    for options in (["--dry-run"], []):
        answer = import_(friends, new, *options)
        assert [answer[name] for name in ("added", "refused", "ended", "remembered", "suppressed")] == [0, 3, 2, 1, 1]
    found = people(friends)
    assert {email: row["list_state"] for email, row in found.items()} == {
        "ann@ex-a.org": "unsubscribed", "bob@ex-a.org": "unsubscribed", "cat@ex-a.org": "subscribed",
        "dan@ex-a.org": "unsubscribed",
    }  # fmt: skip
    assert found["dan@ex-a.org"]["first_name"] == ""
    old.write_text(old.read_text() + "dan@ex-a.org,Dan\n")
    answer = import_(friends, old)
    assert answer["refused_because"] == {"left this list": 2, "suppressed": 1}
    assert subscribed(friends) == ["cat@ex-a.org"]


@pytest.mark.parametrize("rows", ["ann@ex-a.org,Yes\nAnn@ex-a.org,No\n", "ann@ex-a.org,No\nAnn@ex-a.org,Yes\n"])
def test_a_no_wins_over_every_other_row_of_an_address(friends: Daisychain, rows: str) -> None:
    path = friends.folder / "people.csv"
    path.write_text(f"Email,Opt out\n{rows}")
    answer = import_(friends, path)
    assert (answer["added"], answer["refused_because"]) == (0, {"not subscribed": 2})
    assert subscribed(friends) == []


def test_a_suppression_names_what_the_file_said(friends: Daisychain) -> None:
    path = friends.folder / "people.csv"
    path.write_text("Email,Deceased\nann@ex-a.org,Yes\n")
    import_(friends, path)
    database = Database(friends.settings)
    with database.engine.connect() as connection:
        row = connection.execute(select(Suppression.reason, Suppression.source, Suppression.note)).one()
    assert tuple(row) == ("the file says Deceased: Yes", "people.csv", "import into friends")
    database.engine.dispose()


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("State", ["California", "Ohio"]),
        ("Membership status", ["Lapsed", "Current"]),
        ("Phone opt out", ["Yes", "No"]),
        ("Do not phone", ["1", "0"]),
        ("Language preference", ["en", "cy"]),
        ("Bounce count", ["0", "0"]),
        ("GDPR", ["", ""]),
        ("Volunteer", ["yes", "no"]),
        ("Coming on Friday", ["yes", "no"]),
        ("Frivillig", ["ja", "nej"]),
        ("Vegetarisch", ["ja", "nee"]),
        ("Halal", ["oui", "non"]),
        ("By", ["Nej", "Odense"]),
        ("Gade", ["Studsgade 3", "Nygade 1"]),
        ("Studsgade", ["12", "8"]),
        ("Ontvangen bedrag", ["12", "8"]),
    ],
)
def test_a_column_about_something_else_asks_nothing(friends: Daisychain, heading: str, values: list[str]) -> None:
    path = friends.folder / "people.csv"
    path.write_text(f"Email,{heading}\nann@ex-a.org,{values[0]}\nbob@ex-a.org,{values[1]}\n")
    assert import_(friends, path)["added"] == 2


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("State", ["Deleted", "Ohio"]),
        ("Membership status", ["Deceased", "Current"]),
        ("Consent", ["Yes", ""]),
        ("Unsubscribed", ["perhaps", "No"]),
        ("Bounce count", ["3", "0"]),
        ("Marketing", ["Yes", "No"]),
        ("Einwilligung", ["Ja", "Nein"]),
        ("Désinscription", ["peut-être", ""]),
        ("Do not mail", ["Yes", "No"]),
        ("Opt out", ["#REF!", "No"]),
        ("Må vi skrive?", ["ja", "nej"]),
        ("Graag horen van ons", ["nee", ""]),
        ("Pisać", ["1", "nie"]),
        ("Να γράφουμε", ["ναι", "όχι"]),
        ("Tags", ["afdød", "ven"]),
        ("Tags", ["giver; overleden", "vriend"]),
        ("Tags", ["απεβίωσε", "-"]),
    ],
)
def test_a_column_that_is_not_sure_to_mean_no_stops_the_import(
    friends: Daisychain, heading: str, values: list[str]
) -> None:
    path = friends.folder / "people.csv"
    path.write_text(f"Email,{heading}\nann@ex-a.org,{values[0]}\nbob@ex-a.org,{values[1]}\n")
    said = friends("list", "import", "friends", str(path), code=1).stderr
    assert f'--map "{heading}=ignore"' in said
    assert people(friends) == {}
    assert import_(friends, path, "--map", f"{heading}=ignore")["added"] == 2


def test_an_import_without_refused_rows_leaves_no_old_file_of_them(friends: Daisychain) -> None:
    path, refused = friends.folder / "people.csv", friends.folder / "people.refused.csv"
    path.write_text("Email\nann\n")
    friends("list", "import", "friends", str(path))
    assert refused.exists()
    path.write_text("Email\nann@ex-a.org\n")
    friends("list", "import", "friends", str(path))
    assert not refused.exists()
    refused.write_text("Email\nmine\n")
    friends("list", "import", "friends", str(path))
    assert refused.exists()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_web_page_in_any_encoding_is_named_as_such(friends: Daisychain, encoding: str) -> None:
    path = friends.folder / "people.csv"
    path.write_text("\n <html><table><tr><td>Email</td></tr></table></html>", encoding=encoding)
    assert "This is a web page" in friends("list", "import", "friends", str(path), code=1).stderr


def test_a_zip_of_sheets_is_named_as_such(friends: Daisychain) -> None:
    path = friends.folder / "people.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("members.csv", "Email\nann@ex-a.org\n")
    said = friends("list", "import", "friends", str(path), code=1).stderr
    assert "This is a ZIP file" in said
    assert "members.csv" in said


@pytest.mark.parametrize(
    ("dates", "used"),
    [
        (["05/06/2026", "31/05/2026"], 2),
        (["05/06/2026", "06/05/2026"], 0),
        (["05/06/2026", "05/31/2026"], 0),
        (["05/05/2026", "1 June 2026"], 2),
        (["0000-00-00", "31.05.2026 10:20"], 1),
    ],
)
def test_a_date_that_could_be_two_days_needs_another_row_that_shows_the_order(
    friends: Daisychain, dates: list[str], used: int
) -> None:
    path = friends.folder / "people.csv"
    path.write_text("Email,OPTIN_TIME\n" + "".join(f"p{place}@ex-a.org,{date}\n" for place, date in enumerate(dates)))
    answer = import_(friends, path)
    assert (answer["added"], answer["refused_because"].get("consent date", 0)) == (used, 2 - used)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Ann Smith", "Ann", "Smith"), ("Dr. Ann van der Berg", "Ann", "van der Berg"), ("Smith, Ann", "Ann", "Smith")],
)
def test_one_column_of_names_is_cut_in_two(friends: Daisychain, name: str, first: str, last: str) -> None:
    path = friends.folder / "people.csv"
    path.write_text(f'Email,Name\nann@ex-a.org,"{name}"\n')
    assert "check some of them" in import_(friends, path)["warnings"][0]
    row = people(friends)["ann@ex-a.org"]
    assert (row["first_name"], row["last_name"]) == (first, last)


def test_values_that_are_missing_are_empty_and_an_unknown_language_is_left_out(friends: Daisychain) -> None:
    path = friends.folder / "people.csv"
    path.write_text("Email,First name,Last name,Town,Language\nann@ex-a.org,NULL,Null,#REF!,Klingon\nbob@ex-a.org\n")
    answer = import_(friends, path)
    row = people(friends)["ann@ex-a.org"]
    assert (row["first_name"], row["last_name"], row["language"]) == ("", "Null", "")
    assert "town" not in row
    assert (answer["added"], "Klingon (1)" in answer["warnings"][0]) == (2, True)
