"""The registry of organisations: codes, private links, and how packs see an organisation."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select, update

from daisychain.database import Database
from lists.organisations import organisations_where
from partners.partner_events import record_partner_event
from partners.private_links import LinkKey, read_key, write_key
from partners.registry import (
    claim,
    is_replaced_link,
    organisation_by_code,
    organisation_by_link,
    organisation_named,
    partner_of_organisation,
)
from partners.tables import OrganisationProfile, PartnerEvent


def names(connection: Connection) -> list[tuple[str, str]]:
    return [(each.code, each.name) for each in organisations_where(connection)]


def test_who_gets_a_code_for_a_pack_is_an_organisation_once_however_it_is_spelled(database: Database) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees of Bath", "reply": "hi@bees.example", "contact": "Jo"}], ["contact"])
        claim(connection, [{"name": "BEES  of Bath"}, {"name": "Wasps"}])
        assert names(connection) == [("bees-of-bath", "BEES  of Bath"), ("wasps", "Wasps")]
        [profile] = connection.execute(
            select(OrganisationProfile.__table__).where(OrganisationProfile.notes != {})
        ).all()
        assert (profile.reply, profile.notes) == ("hi@bees.example", {"contact": "Jo"})


def test_an_organisation_keeps_its_code_under_a_new_name_and_its_older_codes_lead_to_it(database: Database) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees"}])
        claim(connection, [{"name": "Bees", "code": "beekeepers"}])
        claim(connection, [{"name": "Hive", "formerly": "Bees"}])
        assert names(connection) == [("bees", "Hive")]
        for code in ("bees", "beekeepers"):
            found = organisation_by_code(connection, code)
            assert found is not None
            assert (found.name, found.code) == ("Hive", "bees")
        assert organisation_by_code(connection, "wasps") is None
        assert organisation_named(connection, " hive ") == found


def test_a_private_link_opens_its_organisation_until_it_is_replaced(database: Database) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees"}, {"name": "Wasps"}])
        bees, wasps = organisations_where(connection)
        key = write_key(database.settings, LinkKey(0, bees.id))
        assert organisation_by_link(connection, database.settings, key) == bees
        connection.execute(
            update(OrganisationProfile).where(OrganisationProfile.organisation_id == bees.id).values(link_number=1)
        )
        assert organisation_by_link(connection, database.settings, key) is None
        assert is_replaced_link(connection, database.settings, key)
        new = write_key(database.settings, LinkKey(1, bees.id))
        assert organisation_by_link(connection, database.settings, new) == bees
        assert organisation_by_link(connection, database.settings, write_key(database.settings, LinkKey(0, wasps.id)))


@pytest.mark.parametrize("key", ["", "x", "A" * 22, "é" * 22, "A" * 21 + "B", "A" * 23, "\0" * 22])
def test_any_other_text_opens_nothing(database: Database, key: str) -> None:
    with database.engine.connect() as connection:
        assert organisation_by_link(connection, database.settings, key) is None
        assert not is_replaced_link(connection, database.settings, key)


def test_keys_of_other_installations_organisations_and_numbers_to_come_open_nothing(database: Database) -> None:
    elsewhere = replace(database.settings, secret_key="another secret of forty characters at least")
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees"}])
        [bees] = organisations_where(connection)
        assert read_key(database.settings, write_key(elsewhere, LinkKey(0, bees.id))) is None
        for key in (LinkKey(0, bees.id + 1), LinkKey(1, bees.id)):
            written = write_key(database.settings, key)
            assert read_key(database.settings, written) == key
            assert organisation_by_link(connection, database.settings, written) is None
            assert not is_replaced_link(connection, database.settings, written)


def test_packs_see_an_organisation_with_its_code(database: Database) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees", "reply": "hi@bees.example"}])
        [bees] = organisations_where(connection)
        partner = partner_of_organisation(connection, bees)
        assert (partner.name, partner.code, partner.reply, partner.logo) == ("Bees", "bees", "hi@bees.example", None)


def test_an_event_keeps_what_it_is_about(database: Database) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees"}])
        [bees] = organisations_where(connection)
        record_partner_event(
            connection, "taken", toolkit="fair", newsletter="may", tool="brevo", organisation_id=bees.id
        )
        record_partner_event(connection, "looked", toolkit="fair", newsletter="may", language="cy")
        rows = connection.execute(select(PartnerEvent.__table__).order_by(PartnerEvent.id)).all()
        assert [(row.organisation_id, row.kind, row.newsletter, row.tool, row.language) for row in rows] == [
            (bees.id, "taken", "may", "brevo", ""), (None, "looked", "may", "", "cy"),
        ]  # fmt: skip


def test_what_anybody_does_again_and_again_is_one_row_a_day(database: Database) -> None:
    with database.engine.begin() as connection:
        claim(connection, [{"name": "Bees"}])
        [bees] = organisations_where(connection)
        for _ in range(3):
            record_partner_event(connection, "looked", toolkit="fair", newsletter="may")
            record_partner_event(connection, "reached", toolkit="fair", organisation_id=bees.id)
            record_partner_event(connection, "taken", toolkit="fair", newsletter="may", tool="brevo")
            record_partner_event(connection, "taken", toolkit="fair", newsletter="may", organisation_id=bees.id)
        rows = connection.execute(select(PartnerEvent.__table__)).all()
        found = sorted((row.kind, row.organisation_id or 0, row.times) for row in rows)
        assert found == [("looked", 0, 3), ("reached", bees.id, 3), ("taken", 0, 3), *[("taken", bees.id, 1)] * 3]
        connection.execute(update(PartnerEvent).values(day=PartnerEvent.day - 1))
        record_partner_event(connection, "looked", toolkit="fair", newsletter="may")
        assert connection.scalar(select(func.count()).select_from(PartnerEvent)) == len(rows) + 1
