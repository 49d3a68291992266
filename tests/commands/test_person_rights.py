"""What a person may ask for, by command: corrected, shown everything, kept and not used, forgotten; and complaints."""

from __future__ import annotations

import json
import stat

import pytest
from sqlalchemy import func, select, text

from daisychain.database import Database
from lists.audience import Audience, everybody, exclusion
from lists.privacy.tables import MemberChange
from lists.tables import Member, Suppression
from pages.app import create_app
from partners.contacts import add_contact
from partners.profiles import add_organisation
from sender.delivery.ledger import read_ledger
from tests.command import Daisychain

ANN, NEW = "ann@people.example", "ann.jones@people.example"
WHY = ("--because", "asked by phone")


def shown(run: Daisychain, email: str = ANN) -> dict[str, object]:
    return dict(run.json("member", "show", email, "--format", "json"))


def test_fields_are_corrected_and_what_they_were_is_kept(friends: Daisychain, database: Database) -> None:
    change = (
        "member",
        "set",
        ANN,
        "--last-name",
        "Jones",
        "--first-name",
        "",
        "--language",
        "Welsh",
        "--field",
        "town=Hay",
    )
    planned = friends.json(*change, *WHY, "--dry-run", "--format", "json")
    assert planned["changes"] == {
        "last_name": ["", "Jones"], "first_name": ["Ann", ""], "language": ["", "cy"], "town": ["", "Hay"]
    }  # fmt: skip
    assert shown(friends)["last_name"] == ""
    assert "Jones" in friends(*change, *WHY).stdout
    after = shown(friends)
    assert (after["first_name"], after["last_name"], after["language"], after["fields"]) == (
        "", "Jones", "cy", {"town": "Hay"}
    )  # fmt: skip
    friends("member", "set", ANN, "--field", "town=", *WHY)
    assert shown(friends)["fields"] == {}
    with database.engine.connect() as connection:
        first, second = connection.execute(select(MemberChange.__table__).order_by(MemberChange.id)).all()
    assert (first.before["first_name"], first.after["town"], first.because) == ("Ann", "Hay", "asked by phone")
    assert second.before == {"town": "Hay"}
    assert "Nothing changed" in friends("member", "set", ANN, "--last-name", "Jones", *WHY).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--email", "no address"), ("--email", "bob@people.example"), ("--email", "gone@people.example"),
        ("--language", "Klingonish!"), ("--field", "town"), ("--field", "Town=Hay"), ("--first-name", "x" * 3_000),
        ("--first-name", "A\x07nn"), ("--because", " ", "--last-name", "Jones"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_and_nothing_changes(friends: Daisychain, arguments: tuple[str, ...]) -> None:
    friends("list", "suppress", "gone@people.example", "--reason", "asked by phone")
    before = shown(friends)
    assert friends("member", "set", ANN, *WHY, *arguments, code=1).stdout == ""
    assert shown(friends) == before


@pytest.mark.parametrize(
    ("reason", "moves"), [("", False), ("asked by phone", True), ("complaint", True), ("hard bounce", False)]
)
def test_a_new_address_takes_the_persons_no_along_and_the_old_one_stays_away(
    friends: Daisychain, database: Database, reason: str, moves: bool
) -> None:
    if reason:
        friends("list", "suppress", ANN, "--reason", reason)
    friends("member", "set", ANN, "--email", NEW, *WHY)
    with database.engine.connect() as connection:
        kept = dict(map(tuple, connection.execute(select(Suppression.address_key, Suppression.reason))))
    assert kept.get(NEW, "") == (reason if moves else "")
    assert kept[ANN] == (reason or "the person has another address now")
    friends("list", "import", "friends", "people.csv", "--basis", "consent", "--source", "form")
    assert friends("member", "show", ANN, "--format", "json").stdout.count('"list"') == 0  # an old file adds nobody


def test_a_restricted_person_is_kept_and_not_mailed_until_it_is_lifted(friends: Daisychain, database: Database) -> None:
    friends("member", "restrict", ANN, "--because", "disputes the consent")
    assert "restricted already" in friends("member", "restrict", ANN, *WHY, code=1).stderr
    people = friends.json("list", "show", "friends", "--format", "json")
    assert (people["mailable"], people["restricted"], people["suppressed"]) == (2, 1, 0)
    with database.engine.connect() as connection:
        assert connection.scalar(Audience(1).mailable(func.count())) == 2
        why = connection.scalar(everybody(exclusion).where(Member.address_key == ANN))
    assert why == "restricted"
    create = ("campaign", "create", "bulletin.md", "--list", "friends")
    friends(*create)
    friends("campaign", "send", "1", "--yes")
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, 1)
    assert (ledger.accepted, ledger.excluded_by) == (2, {"restricted": 1})
    friends("member", "restrict", ANN, "--lift", "--because", "settled")
    assert friends.json("list", "show", "friends", "--format", "json")["mailable"] == 3
    assert "not restricted" in friends("member", "restrict", ANN, "--lift", *WHY, code=1).stderr


def test_an_export_has_everything_in_two_files_for_their_owner_and_overwrites_none(
    friends: Daisychain, database: Database
) -> None:
    with database.engine.begin() as connection:
        add_contact(connection, add_organisation(connection, {"name": "Bees"}, "Priya").organisation.id, ANN, "Ann B.")
    friends("campaign", "create", "bulletin.md", "--list", "friends")
    friends("campaign", "send", "1", "--yes")
    friends("member", "set", ANN, "--last-name", "<b>Jones</b>", "--field", "town=Hay", *WHY)
    friends("member", "export", ANN, "--output", "request-12")
    files = [friends.folder / f"request-12.{ending}" for ending in ("json", "html")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    held = json.loads(files[0].read_text())["held"]
    assert held["The member"][0]["last_name"] == "<b>Jones</b>"
    assert held["Mails, with what was sent"][0]["values"]["first_name"] == "Ann"
    assert held["Consents and withdrawals"][0]["basis"] == "consent"
    assert held["Contact of organisations"][0]["organisation"] == "Bees"
    assert held["Corrections and restrictions"][0]["because"] == "asked by phone"
    page = files[1].read_text()
    assert "&lt;b&gt;Jones" in page
    assert "<dt>town</dt><dd>Hay</dd>" in page
    assert "<script" not in page
    assert "http" not in page.replace("https://coalition.example", "")
    before = [path.read_bytes() for path in files]
    assert "not overwritten" in friends("member", "export", ANN, "--output", "request-12", code=1).stderr
    assert [path.read_bytes() for path in files] == before
    assert "Nothing is held" in friends("member", "export", "zoe@people.example", "--output", "zoe", code=1).stderr
    assert not (friends.folder / "zoe.json").exists()


def test_erasing_asks_for_the_address_again(friends: Daisychain) -> None:
    plan = friends("member", "erase", ANN, *WHY, "--dry-run").stdout
    assert "The member" in plan
    assert "keyed hash" in plan
    assert "another address" in friends("member", "erase", ANN, *WHY, code=1, stdin="bob@people.example\n").stderr
    assert shown(friends)["first_name"] == "Ann"
    friends("member", "erase", ANN, *WHY, stdin=f"{ANN}\n")
    assert "Nobody here" in friends("member", "show", ANN, code=1).stderr
    assert "Nothing is held" in friends("member", "erase", ANN, *WHY, "--yes", code=1).stderr


def test_complaints_are_logged_acknowledged_and_closed(friends: Daisychain, database: Database) -> None:
    friends("complaint", "add", "a mail too many", "--contact", ANN)
    [kept] = friends.json("complaint", "list", "--format", "json")
    assert (kept["state"], kept["contact"]) == ("open", ANN)

    def doctor() -> str:
        found = friends.json("doctor", "--format", "json", code=None)
        return next((each["state"] for each in found if each["subject"] == "complaints"), "")

    assert doctor() == "not known"
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE complaints SET received_at = received_at - interval '31 days'"))
    assert doctor() == "wrong"
    friends("complaint", "acknowledge", "1")
    assert doctor() == ""
    assert "already" in friends("complaint", "acknowledge", "1", code=1).stderr
    assert "no complaint 7" in friends("complaint", "close", "7", "--outcome", "x", code=1).stderr
    friends("complaint", "close", "1", "--outcome", "apologised")
    assert friends.json("complaint", "list", "--format", "json")[0]["state"] == "closed"


@pytest.mark.parametrize("contact", ["", "privacy@coalition.example", "https://coalition.example/privacy"])
def test_public_pages_say_who_answers_for_peoples_data(daisychain: Daisychain, contact: str) -> None:
    database = Database(daisychain.with_settings(privacy_contact=contact).settings)
    page = create_app(database).test_client().get("/").text
    database.close()
    link = contact if contact.startswith("https") else f"mailto:{contact}"
    assert (f'href="{link}"' in page) == bool(contact)
    assert ("complaints about your data" in page) == bool(contact)
