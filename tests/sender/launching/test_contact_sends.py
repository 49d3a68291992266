"""Sends to contacts: people on no list, on the ledger like any others, with values that are read only when they go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text, update

from daisychain.database import Database
from daisychain.secret import installation_secret
from daisychain.settings import Settings
from lists.resubscribe import UNDO_WITHIN
from lists.suppression import suppress
from newsletters.compose.languages import compile_languages
from newsletters.compose.manuscript import FolderManuscript
from newsletters.toolkit_store.store import find_toolkit
from reports.progress import read_progress
from reports.report_list import campaign_lines
from sender.campaigns.campaign_record import list_campaigns
from sender.delivery.contact_batches import GONE
from sender.delivery.contact_refusals import SUPPRESSED, UNSUBSCRIBED, unsubscribe_contact, why_not
from sender.delivery.ledger import read_ledger
from sender.events.sum_check import ledger_differs
from sender.events.webhook_jobs import process_body, store_body
from sender.launching.contact_sends import start_contact_send
from sender.links.keys import KeyKind, Keys
from sender.tables import Batch, ContactUnsubscribe, Delivery
from sender.upkeep.foreground import work_until_over
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.sendgrid_events import encoded, event
from tests.public_pages import public_app
from tests.sender.staging import claim_batch

LETTER = """---
subject: "Ready for {{ member.organisation }}"
toolkit: community-makes-us
layout: letter
from: "Connection Coalition <hello@coalition.example>"
fields: [organisation, secret_link]
---
Hello {{ member.organisation }},

{% if member.secret_link %}
::: button "Open your page" href="{{ member.secret_link }}"
{% else %}
Your link is in the email itself.
{% endif %}
"""
SECRETS = {f"Org {number}": f"https://news.example/p/secret-{number}" for number in range(4)}
PEOPLE = [(f"ann{number}@org{number}.example", {"organisation": name}) for number, name in enumerate(SECRETS)]


def secrets(settings: Settings, connection: Connection, deliveries: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
    rows = connection.execute(select(Delivery.id, Delivery.inputs).where(Delivery.id.in_(deliveries)))
    found = {row.id: SECRETS.get(row.inputs["organisation"]) for row in rows}
    return {id_: {"secret_link": link} for id_, link in found.items() if link}


def started(
    database: Database, settings: Settings, folder: Path, people: Sequence[tuple[str, dict[str, str]]] = PEOPLE
) -> int:
    path = folder / "letter.md"
    path.write_text(LETTER)
    languages = compile_languages(path, lambda name, base: find_toolkit(name, base, None))
    with database.engine.begin() as connection:
        return start_contact_send(
            connection, settings, FolderManuscript(path), languages, people, name="To partners", who="Sam"
        ).campaign_id  # fmt: skip


def sent(database: Database, campaign_id: int) -> dict[str, str]:
    """Send it, and return each address with its state or reason."""
    work_until_over(database, campaign_id, processes=1, late_values=secrets)
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
        assert ledger.balances
        rows = connection.execute(select(Delivery).where(Delivery.campaign_id == campaign_id).order_by(Delivery.id))
        return {row.address or f"nobody {row.id}": row.reason or row.state for row in rows}


@pytest.fixture
def by_sendgrid(settings: Settings, sendgrid: FakeSendGrid) -> Settings:
    return replace(
        settings, provider="sendgrid", sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url, test_mode=True
    )


@pytest.fixture
def through_sendgrid(by_sendgrid: Settings) -> Iterator[Database]:
    database = Database(by_sendgrid)
    yield database
    database.close()


def test_each_gets_one_untracked_mail_with_its_own_secret_which_is_stored_nowhere(
    through_sendgrid: Database, by_sendgrid: Settings, sendgrid: FakeSendGrid, tmp_path: Path
) -> None:
    campaign_id = started(through_sendgrid, by_sendgrid, tmp_path)
    assert set(sent(through_sendgrid, campaign_id).values()) == {"accepted"}
    assert sendgrid.copies == {address: 1 for address, _ in PEOPLE}
    for address, values in PEOPLE:
        mail = sendgrid.mail(address)
        assert SECRETS[values["organisation"]] in mail.html
        assert SECRETS[values["organisation"]] in mail.text
        assert mail.subject == f"Ready for {values['organisation']}"
        assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for request in sendgrid.requests:
        assert request.body["tracking_settings"]["click_tracking"]["enable"] is False
        assert request.body["tracking_settings"]["open_tracking"]["enable"] is False
        assert "secret" not in str([each["custom_args"] for each in request.body["personalizations"]])
    with through_sendgrid.engine.connect() as connection:
        for table in connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all():
            kept = connection.scalar(text(f"SELECT count(*) FROM {table} t WHERE t::text LIKE '%/p/secret-%'"))  # noqa: S608
            assert kept == 0, table


def test_the_page_that_shows_the_mail_again_has_a_sentence_where_the_secret_was(
    through_sendgrid: Database, by_sendgrid: Settings, tmp_path: Path
) -> None:
    sent(through_sendgrid, started(through_sendgrid, by_sendgrid, tmp_path))
    keys = Keys(installation_secret(by_sendgrid))
    with through_sendgrid.engine.connect() as connection:
        delivery_id = connection.scalars(select(func.min(Delivery.id))).one()
    page = public_app(through_sendgrid).test_client().get(f"/v/{keys.make(KeyKind.VIEW, [delivery_id])[0]}")
    assert "Your link is in the email itself." in page.text
    assert "secret" not in page.text
    assert "Open your page" not in page.text


def test_a_secret_that_is_replaced_before_the_mail_goes_goes_in_its_new_form(
    through_sendgrid: Database, by_sendgrid: Settings, sendgrid: FakeSendGrid, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    campaign_id = started(through_sendgrid, by_sendgrid, tmp_path)
    monkeypatch.setitem(SECRETS, "Org 1", "https://news.example/p/secret-new")
    sent(through_sendgrid, campaign_id)
    assert "secret-new" in sendgrid.mail(PEOPLE[1][0]).html
    assert "secret-1" not in sendgrid.mail(PEOPLE[1][0]).html


def test_who_must_not_be_mailed_is_excluded_with_the_reason_also_at_the_last_moment(
    through_sendgrid: Database, by_sendgrid: Settings, sendgrid: FakeSendGrid, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with through_sendgrid.engine.begin() as connection:
        suppress(connection, "ANN0@org0.example", "asked by phone")
    campaign_id = started(through_sendgrid, by_sendgrid, tmp_path)
    with through_sendgrid.engine.begin() as connection:
        unsubscribe_contact(connection, "Ann1@org1.example", "one-click")
    monkeypatch.delitem(SECRETS, "Org 2")
    found = sent(through_sendgrid, campaign_id)
    assert sorted(found.values()) == sorted([SUPPRESSED, UNSUBSCRIBED, GONE, "accepted"])
    assert list(sendgrid.copies) == [PEOPLE[3][0]]
    # The one that was excluded at the freeze leaves no address.
    assert [each for each in found if each.startswith("nobody")]
    assert PEOPLE[0][0] not in found


def test_unsubscribing_by_the_mail_ends_this_kind_of_mail_and_can_be_undone_for_an_hour(
    through_sendgrid: Database, by_sendgrid: Settings, sendgrid: FakeSendGrid, tmp_path: Path
) -> None:
    sent(through_sendgrid, started(through_sendgrid, by_sendgrid, tmp_path))
    client = public_app(through_sendgrid).test_client()
    address = PEOPLE[1][0]
    link = sendgrid.mail(address).headers["List-Unsubscribe"].strip("<>").removeprefix(by_sendgrid.pages_url)
    assert "Emails to member organisations" in client.get(link).text
    done = client.post(f"{link}/leave", data={"scope": "list"})
    assert sent(through_sendgrid, started(through_sendgrid, by_sendgrid, tmp_path, PEOPLE[1:2])) == {
        next(iter(sent_to_nobody(through_sendgrid))): UNSUBSCRIBED
    }
    assert "already" in client.get(link).text
    undo = done.text.split('action="')[1].split('"')[0].replace("&amp;", "&")
    assert "You are subscribed again" in client.post(undo).text
    assert "accepted" in sent(through_sendgrid, started(through_sendgrid, by_sendgrid, tmp_path, PEOPLE[1:2])).values()
    assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with through_sendgrid.engine.begin() as connection:
        assert connection.scalars(select(ContactUnsubscribe.how)).all() == ["one-click"]
        connection.execute(update(ContactUnsubscribe).values(at=func.now() - UNDO_WITHIN))
    client.post(f"{link}/leave", data={"scope": "list"})
    assert "more than an hour ago" in client.post(undo).text


def sent_to_nobody(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return [f"nobody {id_}" for id_ in connection.scalars(select(Delivery.id).where(Delivery.address == ""))]


def test_what_came_back_is_shown_on_its_own_page_and_in_no_report_about_members(
    through_sendgrid: Database, by_sendgrid: Settings, sendgrid: FakeSendGrid, tmp_path: Path
) -> None:
    campaign_id = started(through_sendgrid, by_sendgrid, tmp_path)
    sent(through_sendgrid, campaign_id)
    events = [event(sendgrid.mail(address), "delivered") for address, _ in PEOPLE[1:]]
    bounce = event(sendgrid.mail(PEOPLE[0][0]), "bounce")
    with through_sendgrid.engine.begin() as connection:
        body_id = store_body(connection, encoded([*events, bounce]))
        assert process_body(connection, body_id, Keys(installation_secret(by_sendgrid))) == len(PEOPLE)
        assert why_not(connection, [PEOPLE[0][0]]) == {PEOPLE[0][0]: SUPPRESSED}
        returned = {each.name: each.numerator for each in read_progress(connection, campaign_id).returned}
        assert (returned["delivered"], returned["bounced_hard"]) == (3, 1)
        assert not ledger_differs(connection, campaign_id)
        progress = read_progress(connection, campaign_id)
        assert progress.status.ledger.accepted == len(PEOPLE)
        assert progress.status.campaign.is_to_contacts
        assert [row.id for row in list_campaigns(connection)] == [campaign_id]
        assert not campaign_lines(connection, 10)


def test_a_process_that_was_not_told_where_the_values_come_from_sends_nothing(
    through_sendgrid: Database, by_sendgrid: Settings, sendgrid: FakeSendGrid, tmp_path: Path
) -> None:
    campaign_id = started(through_sendgrid, by_sendgrid, tmp_path)
    with through_sendgrid.engine.connect() as connection, pytest.raises(RuntimeError, match="contacts"):
        claim_batch(connection, connection.scalars(select(Batch.id)).one(), 1)
    assert not sendgrid.copies
    assert set(sent(through_sendgrid, campaign_id).values()) == {"accepted"}
