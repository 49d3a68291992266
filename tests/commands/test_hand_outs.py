"""`partner hand-out`, `partner changes` and `report toolkit`, as people and scripts run them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from daisychain.database import Database
from lists.restorations import list_restorations
from newsletters.packs.pack_status import withdraw
from sender.delivery.contact_refusals import UNSUBSCRIBED, unsubscribe_contact
from tests.command import Daisychain
from tests.partners.coalition import SENDER, TEXT, TOOLKIT, add_coalition, make_pack, offer_email

HAND_OUT = ("partner", "hand-out", TOOLKIT, "--from", SENDER, "--subject", "Ready for {{ member.organisation }}")


@pytest.fixture
def note(database: Database, tmp_path: Path) -> str:
    """A coalition, and the file of a message to it."""
    with database.engine.begin() as connection:
        add_coalition(connection)
        offer_email(connection)
    path = tmp_path / "note.md"
    path.write_text(TEXT)
    return str(path)


def rows(database: Database) -> dict[str, int]:
    """Count the rows of every table."""
    with database.engine.connect() as connection:
        names = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        return {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in names}  # noqa: S608


def test_a_dry_run_shows_who_gets_it_and_three_mails_and_writes_nothing(
    daisychain: Daisychain, database: Database, note: str
) -> None:
    before = rows(database)
    shown = daisychain.json(*HAND_OUT, "--to", "all", "--message", note, "--dry-run", "--format", "json")
    assert (shown["organisations"], shown["contacts"]) == (3, 4)
    assert shown["without_contact"] == ["Nobody There"]
    assert len(shown["examples"]) == 3
    assert "Hello Maya Bee," in shown["examples"][0]["text"]
    said = daisychain(*HAND_OUT, "--to", "language=cy", "--message", note, "--dry-run").stdout
    assert "to 1 organisations (2 contacts)" in said
    assert rows(database) == before


def test_it_is_sent_on_the_ledger_and_exits_as_campaign_send_does(
    daisychain: Daisychain, database: Database, note: str
) -> None:
    sent = daisychain.json(
        *HAND_OUT, "--email", "may", "--to", "tool=mailchimp", "--region", "South West", "--message", note, "--yes",
        "--format", "json",
    )  # fmt: skip
    assert sent["ledger"]["accepted"] == sent["ledger"]["intended"] == 1
    assert sent["balances"]
    status = daisychain.json("campaign", "status", str(sent["id"]), "--format", "json")
    assert status["ledger"] == sent["ledger"]
    assert (status["opens"], status["clicks"]) == ("off", "off")
    mails = list((daisychain.settings.home / "outbox").glob("*/*.eml"))
    assert len(mails) == 1
    assert "/p/" in mails[0].read_text()
    again = daisychain(*HAND_OUT, "--email", "may", "--to", "all", "--message", note, "--yes", code=1)
    assert "within the last day" in again.stderr
    assert "--repeat" in again.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Say which organisations"),
        (("--to", "tools=mailchimp"), "--to 'tools=mailchimp' is none of"),
        (("--to", "name=Bee of Bath"), "Bees of Bath"),
        (("--to", "all", "--email", "june"), "no email 'june'"),
        (("--to", "all", "--in", "xx"), "can't be in 'xx'"),
        (("--to", "all", "--from", "hello"), "no clear name and address"),
        (("--to", "region=Nowhere", "--yes"), "Nobody is left"),
        (("--to", "all"), "no terminal"),
    ],
)
def test_what_cannot_be_sent_says_why_and_sends_nothing(
    daisychain: Daisychain, database: Database, note: str, options: tuple[str, ...], said: str
) -> None:
    answer = daisychain(*HAND_OUT, *options, "--message", note, code=1)
    assert said in answer.stderr
    assert not rows(database)["deliveries"]


def test_changes_are_listed_and_told_once(daisychain: Daisychain, database: Database, note: str) -> None:
    assert daisychain.json("partner", "changes", "--format", "json") == []
    with database.engine.begin() as connection:
        make_pack(connection, "Bees of Bath")
        withdraw(connection, "may", "A wrong number.")
    [found] = daisychain.json("partner", "changes", "--format", "json")
    assert found["contacts"] == [{"name": "Maya Bee", "email": "maya@bees.example"}]
    assert found["changes"][0]["why"] == ["A wrong number."]
    assert found["changes"][0]["told_at"] is None
    tell = ("partner", "changes", "--toolkit", TOOLKIT, "--tell", "--from", SENDER)
    before = rows(database)
    assert "A wrong number." in daisychain(*tell, "--dry-run").stdout
    assert rows(database) == before
    assert daisychain.json(*tell, "--yes", "--format", "json")["ledger"]["accepted"] == 1
    assert daisychain.json("partner", "changes", "--format", "json")[0]["changes"][0]["told_at"]
    assert "Nobody is left" in daisychain(*tell, "--yes", code=1).stderr
    assert "--toolkit" in daisychain("partner", "changes", "--tell", code=1).stderr


def test_the_adoption_of_a_toolkit_is_shown_as_a_table_and_as_files(
    daisychain: Daisychain, database: Database, note: str
) -> None:
    with database.engine.begin() as connection:
        make_pack(connection, "Bees of Bath")
    shown = daisychain("report", "toolkit", TOOLKIT).stdout
    assert "1 of 4" in shown
    assert "not known" in shown
    whole = json.loads(daisychain("report", "toolkit", TOOLKIT, "--format", "json").stdout)
    assert whole["figures"]["made"]["organisations"] == 1
    lines = list(csv.DictReader(io.StringIO(daisychain("report", "toolkit", TOOLKIT, "--format", "csv").stdout)))
    assert next(line["made_by_staff"] for line in lines if line["organisation"] == "Bees of Bath").startswith("may (")
    assert "no toolkit" in daisychain("report", "toolkit", "nothing", code=1).stderr.lower()


def test_only_their_own_wish_brings_a_contact_back(daisychain: Daisychain, database: Database, note: str) -> None:
    with database.engine.begin() as connection:
        unsubscribe_contact(connection, "Maya@bees.example", "one-click")
    count = (*HAND_OUT, "--to", "name=bees of bath", "--message", note, "--dry-run", "--format", "json")
    assert daisychain.json(*count)["excluded"] == {UNSUBSCRIBED: 1}
    back = ("partner", "resubscribe", "maya@bees.example", "--because", "asked by phone", "--evidence")
    assert "--evidence is empty" in daisychain(*back, " ", code=1).stderr
    daisychain(*back, "note of 3 May")
    assert daisychain.json(*count)["contacts"] == 1
    assert "has not unsubscribed" in daisychain(*back, "note of 3 May", code=1).stderr
    with database.engine.connect() as connection:
        [kept] = list_restorations(connection, "maya@bees.example")
    assert (kept["because"], kept["evidence"], kept["before"]["how"]) == (
        "asked by phone",
        "note of 3 May",
        "one-click",
    )
