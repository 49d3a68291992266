"""The ledger is only added to, keeps the exact words, and its past is filled from what an older home knew."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DBAPIError

from lists.consent.consent_ledger import record_consent, record_reading
from lists.consent.consent_tables import ConsentEvent, ConsentTerms, ConsentWording
from lists.tables import Membership


@pytest.mark.parametrize("table", ["consent_events", "consent_terms", "consent_wordings"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_every_change_and_deletion(connection: Connection, table: str, statement: str) -> None:
    record_consent(connection, 1, 1, "given", basis="consent", wording="Yes, send me the news.", language="en")
    with pytest.raises(DBAPIError) as refused:
        connection.execute(text(statement.format(table)))
    assert isinstance(refused.value.orig, psycopg.errors.RaiseException)


def test_events_share_the_terms_that_they_have_in_common(connection: Connection) -> None:
    for member_id in (1, 2):
        record_consent(connection, member_id, 1, "given", basis="consent", source="stall", evidence=f"card {member_id}")
    record_consent(connection, 3, 1, "given", basis="consent", source="stall", collected_by="Age UK")
    assert len(connection.scalars(select(ConsentTerms.id)).all()) == 2
    assert connection.scalars(select(ConsentEvent.evidence).order_by(ConsentEvent.id)).all() == ["card 1", "card 2", ""]


def test_an_unknown_time_stays_unknown(connection: Connection) -> None:
    given = datetime(2026, 5, 3, tzinfo=UTC)
    record_consent(connection, 1, 1, "given", at=given)
    record_consent(connection, 2, 1, "given", at=None)
    assert connection.scalars(select(ConsentEvent.at).order_by(ConsentEvent.id)).all() == [given, None]


def test_wordings_are_kept_once_and_counted_by_list_source_and_language(connection: Connection) -> None:
    def agree(wording: str, language: str = "en", list_id: int = 1, version: int = 0) -> None:
        record_consent(
            connection, 1, list_id, "given", wording=wording, language=language, source="form", version=version
        )

    agree("Yes")
    agree("Yes, please")
    agree("Yes")  # known
    agree("Ie", "cy")
    agree("Yes", list_id=2)
    agree("Yes", version=3)  # a form that went back to its first words
    columns = (ConsentWording.list_id, ConsentWording.language, ConsentWording.version, ConsentWording.text)
    kept = [tuple(row) for row in connection.execute(select(*columns).order_by(ConsentWording.id))]
    assert kept == [(1, "en", 1, "Yes"), (1, "en", 2, "Yes, please"), (1, "cy", 1, "Ie"), (2, "en", 1, "Yes"),
                    (1, "en", 3, "Yes")]  # fmt: skip


@pytest.mark.parametrize("agreed", [True, False])
def test_consent_to_reading_stands_beside_the_bulletins(connection: Connection, agreed: bool) -> None:
    connection.execute(text("INSERT INTO memberships (list_id, member_id) VALUES (1, 7)"))
    record_reading(connection, 7, 1, agreed, wording="Count my reading", language="en", source="preferences")
    kept = connection.execute(select(ConsentEvent.purpose, ConsentEvent.kind)).one()
    assert tuple(kept) == ("reading", "given" if agreed else "withdrawn")
    assert connection.scalar(select(Membership.reads_agreed)) is agreed
