"""Adoption: figures that fit a known truth, who counts in which, and what is said not to be known."""

from __future__ import annotations

import csv
import io
import json

import pytest

from daisychain.database import Database
from partners.adoption import DEFINITIONS, ToolkitAdoption, adoption_json, toolkit_adoption, write_adoption
from partners.partner_events import record_partner_event
from partners.profiles import add_organisation
from partners.tables import HandOut, HandOutMail
from tests.partners.coalition import SENDER, TOOLKIT, add_coalition, make_pack


def happen(connection: object, kind: str, organisation_id: int | None, times: int = 1, **more: str) -> None:
    for _ in range(times):
        record_partner_event(connection, kind, organisation_id=organisation_id, **{"toolkit": TOOLKIT, **more})  # type: ignore[arg-type]


@pytest.fixture
def adoption(database: Database) -> ToolkitAdoption:
    """What became of a toolkit: Bees took it, Elusen has a pack by staff, Friends brought visitors."""
    with database.engine.begin() as connection:
        ids = add_coalition(connection)
        bees, elusen, friends = (ids[name] for name in list(ids)[:3])
        add_organisation(connection, {"name": "=cmd()"}, "Priya")
        happen(connection, "opened", bees, 3, toolkit="")
        happen(connection, "opened", elusen, toolkit="")
        happen(connection, "looked", bees, 2, newsletter="may")
        happen(connection, "looked", None, 5, newsletter="may")
        happen(connection, "taken", bees, newsletter="may", tool="mailchimp", language="en")
        happen(connection, "taken", bees, newsletter="may.cy", tool="outlook")
        happen(connection, "taken", None, 4, newsletter="may", tool="brevo")
        make_pack(connection, "Bees of Bath", "mailchimp")  # the pack that it took
        make_pack(connection, "Elusen Cymru", "brevo")
        happen(connection, "pictures", bees)
        happen(connection, "reached", friends, 7)
        happen(connection, "signed_up", friends, 2)
        happen(connection, "signed_up", None, 9)
        happen(connection, "taken", friends, toolkit="another-toolkit", newsletter="may", tool="html")
        return toolkit_adoption(connection, TOOLKIT)


@pytest.mark.parametrize(
    ("figure", "organisations", "events", "unknown"),
    [
        ("opened", 2, 4, 0),
        ("looked", 1, 2, 5),
        ("taken", 1, 2, 4),
        ("made", 1, None, None),
        ("pictures", 1, 1, 0),
        ("reached", 1, 7, 0),
        ("signed_up", 1, 2, 9),
        ("handed_out", 0, None, None),
    ],
)
def test_each_figure_counts_what_happened(
    adoption: ToolkitAdoption, figure: str, organisations: int, events: int | None, unknown: int | None
) -> None:
    found = adoption.figures[figure]
    assert (found.organisations, found.of) == (organisations, 5)
    assert (found.events, found.unknown_events) == (events, unknown)
    assert found.definition == DEFINITIONS[figure][1]


def test_an_organisation_shows_each_email_with_tool_language_and_date_once(adoption: ToolkitAdoption) -> None:
    rows = {row.organisation.name: row for row in adoption.organisations}
    taken = {(each.newsletter, each.tool, each.language, each.by_staff) for each in rows["Bees of Bath"].emails}
    assert taken == {("may", "mailchimp", "en", False), ("may", "outlook", "cy", False)}
    [made] = rows["Elusen Cymru"].emails
    assert (made.newsletter, made.tool, made.by_staff) == ("may", "brevo", True)
    assert not rows["Nobody There"].emails
    assert rows["Nobody There"].latest is None
    assert adoption.tools == {"mailchimp": 1, "outlook": 1}
    assert adoption.languages == {"cy": 1, "en": 1}


def test_what_members_sends_did_is_said_not_to_be_known_and_no_contact_is_in_a_report(
    adoption: ToolkitAdoption,
) -> None:
    out = io.StringIO()
    write_adoption(adoption, out)
    whole = json.dumps(adoption_json(adoption), default=str)
    assert "not known" in adoption.not_known
    assert adoption.not_known in whole
    for text in (whole, out.getvalue()):
        assert "@" not in text
    lines = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert {line["organisation"]: line["taken"] for line in lines}["Bees of Bath"] == "2"
    assert "may (Mailchimp, en, " in {line["organisation"]: line["emails"] for line in lines}["Bees of Bath"]
    assert "'=cmd()" in {line["organisation"] for line in lines}


def test_a_hand_out_counts_for_organisations_whose_mail_was_accepted(database: Database) -> None:
    from sqlalchemy import insert

    from sender.tables import Delivery

    with database.engine.begin() as connection:
        ids = list(add_coalition(connection).values())
        row = {"toolkit": TOOLKIT, "choice": {}, "sender": SENDER, "subject": "S", "message": "M", "made_by": "Priya"}
        hand_out = connection.execute(insert(HandOut).values(row).returning(HandOut.id)).scalar_one()
        for organisation_id, state in zip(ids, ("accepted", "failed", "waiting"), strict=False):
            delivery = {"campaign_id": 1, "kind": "contact", "address": "a@b.example", "inputs": {}, "state": state}
            id_ = connection.execute(insert(Delivery).values(delivery).returning(Delivery.id)).scalar_one()
            mail = {"delivery_id": id_, "hand_out_id": hand_out, "organisation_id": organisation_id, "contact_id": 1}
            connection.execute(insert(HandOutMail).values(mail))
        found = toolkit_adoption(connection, TOOLKIT)
    assert found.figures["handed_out"].organisations == 1
    assert [row.organisation.id for row in found.organisations if row.handed_out] == [ids[0]]
