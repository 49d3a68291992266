"""The import wizard at the desk: its steps, what each refuses, and whose hands its files are in."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from sqlalchemy import select, text

from accounts.tables import AuditLine
from daisychain.database import Database
from lists.lists import create_list
from lists.uploads.upload_slices import SLICE
from lists.uploads.upload_tables import ImportDraft
from tests.desk.staff import Browser
from tests.desk.test_campaigns import words
from tests.sender.upkeep.test_import_jobs import PEOPLE, members, worked

As = Callable[[str], Browser]
FILE = "/desk/uploads/for/friends"


@pytest.fixture
def sender(database: Database, as_role: As) -> Browser:
    """Somebody who may bring people onto the list friends."""
    with database.engine.begin() as connection:
        create_list(connection, "friends", sender="Friends <news@friends.example>")
    return as_role("sender")


def brought(database: Database, sender: Browser, content: str = PEOPLE, name: str = "people.csv") -> str:
    """Send a file, and return the address of its import once it has been read."""
    answer = sender.post(FILE, file=(io.BytesIO(content.encode()), name))
    assert answer.status_code == 200
    worked(database)
    return answer.request.path


def test_a_file_goes_through_all_steps_and_is_undone(database: Database, sender: Browser) -> None:
    here = brought(database, sender)
    page = words(sender.get(here).text)
    assert "people.csv" in page
    assert "7 rows · semicolons between cells, UTF-8" in page
    assert "Basis" not in words(sender.post(f"{here}/columns", c1="first_name").text)
    page = sender.post(f"{here}/consent", basis="").text
    assert "Choose on what basis" in page
    page = sender.post(f"{here}/consent", basis="consent").text
    assert "needs a source" in words(page)
    assert "Where is that recorded? (needed unless you chose “Not known”)" in words(page)
    assert 'href="#source"' in page  # the error is at the field that is empty
    page = words(sender.post(f"{here}/consent", basis="consent", source="join form", evidence="the folder").text)
    assert "You can close this page" in page
    assert "Checking what it would do" in words(sender.get(here).text)
    worked(database)
    page = words(sender.get(here).text)
    assert "New on the list 5" in page
    assert "1 not an address row 4" in page
    assert "1 twice in the file row 6: duplicate of row 5" in page
    assert "Bring 5 people onto “friends”" in page
    assert "ann@@gmail" in sender.get(f"{here}/refused").text
    sender.post(f"{here}/go")
    worked(database)
    page = words(sender.get(here).text)
    assert "5 people are new on “friends”" in page
    assert "Undo import 1" in page
    assert len(members(database)) == 5
    sender.post("/desk/imports/undo/1")
    worked(database)
    assert "Taken back" in sender.get(here).text
    with database.engine.connect() as connection:
        [choices] = connection.scalars(select(ImportDraft.choices))
        said = connection.scalars(select(AuditLine.action).where(AuditLine.action.like("import%"))).all()
    assert {"evidence": "the folder", "undone_by": "Sender Example"}.items() <= choices.items()
    assert said.count("import_check.go") == said.count("import_check.undo") == 1


def test_pasted_rows_are_a_file_too(database: Database, sender: Browser) -> None:
    here = sender.post(FILE, pasted="email\tfirst_name\nann@x.org\tAnn\n").request.path
    worked(database)
    assert "1 rows · tabs between cells" in words(sender.get(here).text)


def test_without_anything_it_says_what_to_do(sender: Browser) -> None:
    answer = sender.post(FILE)
    assert answer.status_code == 422
    assert "No file was chosen, and no rows were pasted." in answer.text


def test_slices_are_taken_with_the_token_and_the_upload_goes_on_where_it_broke(
    database: Database, sender: Browser
) -> None:
    content = b"email\n" + b"".join(b"person%06d@x.org\n" % number for number in range(100_000))
    token = {"X-CSRFToken": sender.token(), "Sec-Fetch-Site": "same-origin"}
    about = {"name": "people.csv", "size": str(len(content)), "mark": "17"}

    def begun() -> dict[str, int]:
        return sender.client.post("/desk/uploads", data=about, headers=token).get_json()  # type: ignore[no-any-return]

    def put(number: int) -> int:
        part = content[number * SLICE : (number + 1) * SLICE]
        kind = {"Content-Type": "application/octet-stream"}
        address = f"/desk/uploads/{begun()['upload']}/{number}"
        return sender.client.put(address, data=part, headers={**token, **kind}).get_json()["next"]  # type: ignore[no-any-return]

    assert (begun()["next"], put(0), begun()["next"]) == (0, 1, 1)
    assert "has not arrived whole" in sender.post(FILE, upload=str(begun()["upload"])).text
    assert put(1) is None
    here = sender.post(FILE, upload=str(begun()["upload"])).request.path
    worked(database)
    assert "100,000 rows" in words(sender.get(here).text)


@pytest.mark.parametrize(
    ("size", "said"), [("0", "is empty"), ("x", "is empty"), (str(65 * 2**20), "larger than 64 MB")]
)
def test_a_file_that_will_not_do_is_refused_before_it_is_sent(sender: Browser, size: str, said: str) -> None:
    answer = sender.post("/desk/uploads", name="people.csv", size=size)
    assert answer.status_code == 422
    assert said in answer.get_json()["message"]


def test_a_question_about_a_column_is_asked_and_answered(database: Database, sender: Browser) -> None:
    here = brought(database, sender, "email,status\nann@x.org,maybe\nbob@x.org,unsubscribed\n")
    page = sender.get(here).text
    assert "This may say who must not be mailed." in page
    assert "maybe (1)" in page
    answer = sender.post(f"{here}/columns", c0="email", c1=":asked")
    assert answer.status_code == 422
    assert "Say what the column “status” means." in answer.text
    assert sender.post(f"{here}/columns", c0="email", c1=":opt-out").request.path.endswith("/consent")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"c0": ""}, "No column holds the email address"),
        ({"c1": "email"}, "Two columns can’t both be the email"),
        ({"c1": ":field", "field1": "Post code"}, "Try post_code"),
        ({"c1": ":nonsense"}, "Choose what the column"),
    ],
)
def test_columns_that_can_not_be_so_are_said_and_what_was_chosen_stays(
    database: Database, sender: Browser, fields: dict[str, str], said: str
) -> None:
    here = brought(database, sender)
    answer = sender.post(f"{here}/columns", **fields)
    assert answer.status_code == 422
    assert said.replace("’", "'") in answer.text.replace("&#39;", "'").replace("’", "'")


def test_a_charity_s_soft_opt_in_needs_what_the_command_needs_in_words_of_the_page(
    database: Database, sender: Browser
) -> None:
    here = brought(database, sender)
    sender.post(f"{here}/columns")
    answer = sender.post(f"{here}/consent", basis="soft-opt-in-charity", source="form", collected_by="Friends")
    assert "needs the date when each contact was collected" in answer.text
    assert not re.search(r"--[a-z]", words(answer.text))


def test_a_file_that_is_no_list_leads_to_another_choice(database: Database, sender: Browser) -> None:
    here = brought(database, sender, "%PDF-1.7", "letter.pdf")
    page = sender.get(here).text
    assert "This is a PDF, not a CSV." in page
    assert "Choose another file" in page
    sender.post(f"{here}/throw-away")
    assert sender.get(here).status_code == 404


def test_a_check_that_is_not_true_any_more_is_said_with_the_way_on(database: Database, sender: Browser) -> None:
    here = brought(database, sender)
    sender.post(f"{here}/columns")
    sender.post(f"{here}/consent", basis="unknown")
    worked(database)
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO imports (list_id, file, counts) VALUES (1, 'other.csv', '{}')"))
    answer = sender.post(f"{here}/go")
    assert answer.status_code == 422
    assert "Something else was brought onto this list since this check" in answer.text
    assert "Check again" in answer.text


def test_home_and_the_list_lead_back_to_an_import_that_waits(database: Database, sender: Browser, as_role: As) -> None:
    here = brought(database, sender)
    for path in ("/desk/", "/desk/lists/friends"):
        assert f'href="{here}"' in sender.get(path).text, path
    assert "people.csv" not in as_role("editor").get("/desk/").text


def test_a_page_that_watches_is_loaded_again_when_the_work_is_done(database: Database, sender: Browser) -> None:
    here = sender.post(FILE, file=(io.BytesIO(PEOPLE.encode()), "people.csv")).request.path
    answer = sender.get(f"{here}/live")
    assert (answer.status_code, answer.headers["X-Next"]) == (200, "1")
    assert sender.get(f"{here}/live?have={answer.headers['X-Version']}").status_code == 304
    worked(database)
    assert sender.get(f"{here}/live").status_code == 205


def test_pages_of_a_wide_file_stay_small(database: Database, sender: Browser) -> None:
    wide = ",".join(["email", *(f"column {number}" for number in range(40))])
    here = brought(database, sender, f"{wide}\nann@x.org{',x' * 40}\n")
    assert len(sender.get(here).data) < 50_000


@pytest.mark.parametrize("content", [
    "email;\0name\n\0ann@a.example;Ann\n", "email;\0\nann@a.example;Ann\n",
    "email;Opt\0 out\nann@a.example;y\0es\nbo@a.example;perhaps\n",
])  # fmt: skip
def test_a_file_with_nul_bytes_is_shown_like_any_other(database: Database, sender: Browser, content: str) -> None:
    here = brought(database, sender, content)
    page = words(sender.get(here).text)
    assert "What is in the columns?" in page
    assert "broke off" not in page


def test_a_danish_column_of_yes_and_no_is_never_preset_to_a_field(database: Database, sender: Browser) -> None:
    here = brought(database, sender, "Email,Nyhedsbrev,Skrive\nann@x.org,nej,nej\nbob@x.org,ja,ja\n")
    page = sender.get(here).text
    assert "Says who must not be mailed" in words(page)
    assert '<option value=":asked" selected>' in page
    assert "This may say who must not be mailed. All its values:" in words(page)
    assert "Say what the column “Skrive” means" in words(sender.post(f"{here}/columns", c0="email").text)
    assert sender.post(f"{here}/columns", c0="email", c2=":field", field2="skrive").request.path == f"{here}/consent"
