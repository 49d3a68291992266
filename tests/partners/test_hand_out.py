"""Hand-outs: who is chosen, what they get, and that each gets it once, whatever happens meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from daisychain.database import Database
from daisychain.errors import DaisychainError, InputError, StateError
from daisychain.secret import installation_secret
from daisychain.settings import Settings
from lists.suppression import suppress
from newsletters.toolkits.toolkit import current_day
from partners.contacts import change_contact, contacts_of
from partners.hand_out import HIDDEN_LINK, example, find_hand_out, hand_out_people, send_hand_out
from partners.hand_out_links import hand_out_links
from partners.hand_out_people import OrganisationChoice, codes_of, people_of
from partners.partner_events import record_partner_event
from partners.profiles import replace_link
from partners.registry import is_replaced_link, organisation_by_link
from partners.tables import HandOut
from sender.campaigns import steering
from sender.campaigns.needs import find_needs
from sender.delivery.contact_batches import GONE
from sender.delivery.contact_refusals import SUPPRESSED, UNSUBSCRIBED, unsubscribe_contact
from sender.delivery.ledger import Ledger, read_ledger
from sender.events.webhook_jobs import process_body, store_body
from sender.links.keys import Keys
from sender.tables import Delivery
from sender.upkeep.foreground import work_until_over
from tests.fakes.sendgrid import FakeSendGrid, Fault
from tests.fakes.sendgrid_events import encoded, event
from tests.fakes.smtp import FakeRelay
from tests.partners.coalition import ALL, TOOLKIT, add_coalition, kept, make_pack, offer_email, written
from tests.public_pages import public_app
from tests.sender.mortal import employed
from tests.waiting import until

LINK = re.compile(r"/p/([A-Za-z0-9_-]{22})")
EVERYBODY = {"maya@bees.example", "ann@elusen.example", "sion@elusen.example", "jo@friends.example"}


@pytest.fixture
def real(settings: Settings, sendgrid: FakeSendGrid) -> Settings:
    """Settings with which mail goes to the stand-in."""
    return replace(
        settings, provider="sendgrid", sendgrid_api_key=sendgrid.key, sendgrid_api_host=sendgrid.url, test_mode=True
    )


@pytest.fixture
def coalition(real: Settings) -> Iterator[Database]:
    """A coalition of four organisations, one without a contact, and an email that is offered to them."""
    database = Database(real)
    with database.engine.begin() as connection:
        add_coalition(connection)
        offer_email(connection)
    yield database
    database.close()


def sent(database: Database, hand_out_id: int, *, organisations: int = 3, repeat: bool = False) -> Ledger:
    """Send a hand-out, work until it is over, and return its ledger."""
    with database.engine.begin() as connection:
        campaign_id = send_hand_out(
            connection, database.settings, hand_out_id, current_day(), who="Priya", organisations=organisations,
            repeat=repeat,
        ).campaign.id  # fmt: skip
    work_until_over(database, campaign_id, processes=1, late_values=hand_out_links)
    with database.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
    assert ledger.balances
    return ledger


def organisation_of(database: Database, mail_text: str) -> str:
    """Return whose private page the links of a mail open."""
    keys = set(LINK.findall(mail_text))
    with database.engine.connect() as connection:
        found = {organisation_by_link(connection, database.settings, key) for key in keys}
    [organisation] = found
    assert organisation
    return organisation.name


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (ALL, {"Bees of Bath", "Elusen Cymru", "Friends of Everything & Everybody in the North West"}),
        (OrganisationChoice(tool="mailchimp"), {"Bees of Bath", "Friends of Everything & Everybody in the North West"}),
        (OrganisationChoice(language="cy"), {"Elusen Cymru"}),
        (OrganisationChoice(region="South West"), {"Bees of Bath"}),
        (OrganisationChoice(tool="outlook", language="en"), {"Friends of Everything & Everybody in the North West"}),
        (OrganisationChoice(tool="brevo", region="South West"), set()),
        (OrganisationChoice(not_taken=True), {"Elusen Cymru"}),
    ],
)
def test_organisations_are_chosen_by_what_is_known_of_them(
    coalition: Database, choice: OrganisationChoice, names: set[str]
) -> None:
    with coalition.engine.begin() as connection:
        make_pack(connection, "Bees of Bath")
        [friends] = codes_of(connection, current_day(), ("friends of everything & everybody in the north west",))
        id_ = people_of(connection, current_day(), TOOLKIT, "", OrganisationChoice(named=(friends,))).contacts[0]
        record_partner_event(
            connection, "taken", toolkit=TOOLKIT, newsletter="may", organisation_id=id_.organisation.id
        )
        people = people_of(connection, current_day(), TOOLKIT, "", choice)
    assert {each.organisation.name for each in people.mailable} == names
    assert people.organisations == len(names)
    expected = {"Nobody There"} if choice in (ALL, OrganisationChoice(not_taken=True)) else set()
    assert {each.name for each in people.without_contact} == expected


def test_an_organisation_that_is_not_known_is_named(coalition: Database) -> None:
    with coalition.engine.connect() as connection, pytest.raises(InputError, match="Bee of Bath"):
        codes_of(connection, current_day(), ("Bee of Bath",))


def test_each_contact_gets_one_untracked_mail_with_the_link_of_their_own_organisation(
    coalition: Database, sendgrid: FakeSendGrid
) -> None:
    with coalition.engine.begin() as connection:
        draft = kept(connection, email="may")
    assert sent(coalition, draft.id).accepted == len(EVERYBODY)
    assert set(sendgrid.copies) == EVERYBODY
    assert set(sendgrid.copies.values()) == {1}
    for address, name in (("maya@bees.example", "Bees of Bath"), ("ann@elusen.example", "Elusen Cymru")):
        mail = sendgrid.mail(address)
        assert mail.subject == f"Ready for {name}"
        assert organisation_of(coalition, mail.html) == organisation_of(coalition, mail.text) == name
        assert f"/emails/{TOOLKIT}/may" in mail.html
        assert "List-Unsubscribe" in mail.headers
    page = public_app(coalition).test_client().get(re.findall(r'href="[^"]*(/p/[^"]+/may)"', mail.html)[0])
    assert page.status_code == 200
    assert "Elusen Cymru" in page.text
    assert "Hello Maya Bee," in sendgrid.mail("maya@bees.example").text
    assert "Hello," in sendgrid.mail("ann@elusen.example").text
    for request in sendgrid.requests:
        assert not request.body["tracking_settings"]["click_tracking"]["enable"]
        assert not LINK.search(str([each["custom_args"] for each in request.body["personalizations"]]))


def test_a_link_that_is_replaced_while_mails_wait_goes_in_its_new_form(
    coalition: Database, sendgrid: FakeSendGrid
) -> None:
    with coalition.engine.begin() as connection:
        draft = kept(connection)
        bees = hand_out_people(connection, current_day(), draft).contacts[0].organisation
        campaign_id = send_hand_out(
            connection, coalition.settings, draft.id, current_day(), who="Priya", organisations=3
        ).campaign.id
        before = next(iter(hand_out_links(coalition.settings, connection, _deliveries(connection)).values()))
    with coalition.engine.begin() as connection:
        replace_link(connection, bees.id)
    work_until_over(coalition, campaign_id, processes=1, late_values=hand_out_links)
    mail = sendgrid.mail("maya@bees.example")
    assert organisation_of(coalition, mail.html) == "Bees of Bath"
    old = LINK.findall(before["private_link"])[0]
    assert old not in mail.html + mail.text
    with coalition.engine.connect() as connection:
        assert is_replaced_link(connection, coalition.settings, old)


def _deliveries(connection) -> list[int]:  # type: ignore[no-untyped-def]
    return list(connection.scalars(select(Delivery.id).order_by(Delivery.id)))


def test_contacts_who_must_not_be_mailed_are_excluded_also_after_the_freeze(
    coalition: Database, sendgrid: FakeSendGrid
) -> None:
    with coalition.engine.begin() as connection:
        suppress(connection, "jo@friends.example", "asked by phone")
        draft = kept(connection)
        people = hand_out_people(connection, current_day(), draft)
        assert (people.organisations, people.excluded) == (2, {SUPPRESSED: 1})
        campaign_id = send_hand_out(
            connection, coalition.settings, draft.id, current_day(), who="Priya", organisations=2
        ).campaign.id
        unsubscribe_contact(connection, "ann@elusen.example", "one-click")
        bees = people.contacts[0]
        change_contact(connection, bees.organisation.id, bees.contact_id, "stop")
    work_until_over(coalition, campaign_id, processes=1, late_values=hand_out_links)
    assert set(sendgrid.copies) == {"sion@elusen.example"}
    with coalition.engine.connect() as connection:
        ledger = read_ledger(connection, campaign_id)
        assert contacts_of(connection, [bees.organisation.id])
    assert ledger.balances
    assert ledger.excluded_by == {SUPPRESSED: 1, UNSUBSCRIBED: 1, GONE: 1}


def test_a_second_press_a_moved_number_and_a_repeat_send_nothing(coalition: Database, sendgrid: FakeSendGrid) -> None:
    with coalition.engine.begin() as connection:
        draft = kept(connection)
    with pytest.raises(StateError, match="3 organisations now, not 4"):
        sent(coalition, draft.id, organisations=4)
    sent(coalition, draft.id)
    with coalition.engine.begin() as connection:
        again = send_hand_out(connection, coalition.settings, draft.id, current_day(), who="Priya", organisations=3)
        assert again.already
        other = kept(connection)
    with pytest.raises(StateError, match="within the last day"):
        sent(coalition, other.id)
    assert set(sendgrid.copies.values()) == {1}
    sent(coalition, other.id, repeat=True)
    assert set(sendgrid.copies.values()) == {2}
    with coalition.engine.begin() as connection:
        connection.execute(update(HandOut).values(sent_at=func.now() - timedelta(days=2)))
        third = kept(connection)
    sent(coalition, third.id)


def test_a_worker_killed_with_the_answer_outstanding_doubles_nobody(
    coalition: Database, sendgrid: FakeSendGrid
) -> None:
    sendgrid.script(Fault("hold", taken=True))
    workers = [employed(coalition.settings)]
    try:
        with coalition.engine.begin() as connection:
            campaign_id = send_hand_out(
                connection, coalition.settings, kept(connection).id, current_day(), who="Priya", organisations=3
            ).campaign.id
        until(lambda: len(sendgrid.requests) == 1)
        workers[0].kill()
        workers[0].join()
        workers.append(employed(coalition.settings))

        def ledger() -> Ledger:
            with coalition.engine.connect() as connection:
                return read_ledger(connection, campaign_id)

        until(lambda: ledger().uncertain == len(EVERYBODY))
        assert ledger().balances
        with coalition.engine.begin() as connection:
            body = encoded([event(sendgrid.mail("maya@bees.example"), "delivered")])
            process_body(connection, store_body(connection, body), Keys(installation_secret(coalition.settings)))
        assert ledger().accepted == len(EVERYBODY)
    finally:
        for process in workers:
            process.kill()
            process.join()
    assert set(sendgrid.copies.values()) == {1}


def test_three_examples_are_of_different_organisations_and_keep_the_link_to_themselves(coalition: Database) -> None:
    with coalition.engine.begin() as connection:
        draft = kept(connection, email="may")
        people = hand_out_people(connection, current_day(), draft)
        mails = [example(connection, coalition.settings, draft, each) for each in people.examples]
        assert len({each.organisation.id for each in people.examples}) == 3
    for mail in mails:
        assert not LINK.search(mail.html + mail.text)
        assert HIDDEN_LINK in mail.html
    assert "Friends of Everything &amp; Everybody" in "".join(mail.html for mail in mails)


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ({"text": "One.\n\n{{ member.shoe_size }}"}, "message:3:.*shoe_size"),
        ({"text": "One.\n\n[button]\n\nTwo {{ member.shoe_size }}."}, "message:5:.*shoe_size"),
        ({"text": "::: nothing\n"}, "message:1:"),
        ({"text": " "}, "subject and a message"),
        ({"subject": "{{ member.shoe_size }}"}, "shoe_size"),
        ({"email": "june"}, "june"),
    ],
)
def test_a_message_that_cannot_be_used_is_refused_with_its_line(
    coalition: Database, message: dict[str, str], what: str
) -> None:
    with coalition.engine.connect() as connection, pytest.raises(DaisychainError) as error:
        kept(connection, **message)
    assert re.search(what, str(error.value), re.DOTALL)


def test_what_is_typed_is_kept_as_a_draft_until_it_is_sent(coalition: Database, sendgrid: FakeSendGrid) -> None:
    from partners.hand_out import keep_hand_out

    with coalition.engine.begin() as connection:
        draft = kept(connection)
        changed = keep_hand_out(
            connection, written(subject="Better"), OrganisationChoice(tool="brevo"), who="Sam", hand_out_id=draft.id
        )
        assert (changed.id, changed.subject, changed.choice.tool) == (draft.id, "Better", "brevo")
    sent(coalition, draft.id, organisations=1)
    with coalition.engine.connect() as connection:
        assert find_hand_out(connection, draft.id).campaign_id
        with pytest.raises(StateError, match="sent already"):
            keep_hand_out(connection, written(), ALL, who="Sam", hand_out_id=draft.id)
        assert connection.scalar(text("SELECT count(*) FROM hand_outs WHERE message LIKE '%/p/%'")) == 0


def test_through_a_relay_no_link_is_rewritten_and_nothing_counts_opens(settings: Settings) -> None:
    with FakeRelay() as relay:
        database = Database(replace(settings, provider="smtp", smtp_url=relay.url, test_mode=True))
        with database.engine.begin() as connection:
            add_coalition(connection)
            draft = kept(connection)
        assert sent(database, draft.id).accepted == len(EVERYBODY)
        mails = dict(relay.mails())
        assert set(mails) == EVERYBODY
        assert set(relay.copies.values()) == {1}
        for address, name in (("maya@bees.example", "Bees of Bath"), ("sion@elusen.example", "Elusen Cymru")):
            body = mails[address].get_body(("html",))
            assert body is not None
            html = body.get_content()
            assert organisation_of(database, html) == name
            assert "/c/" not in html
            assert "/o/" not in html
            assert mails[address]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        database.close()


def test_a_hand_out_that_is_paused_is_on_home_and_goes_on_where_it_stopped(
    coalition: Database, sendgrid: FakeSendGrid
) -> None:
    with coalition.engine.begin() as connection:
        campaign_id = send_hand_out(
            connection, coalition.settings, kept(connection).id, current_day(), who="Priya", organisations=3
        ).campaign.id
        steering.pause(connection, campaign_id, who="Sam")
        assert [each.id for each in find_needs(connection).paused] == [campaign_id]
    assert work_until_over(coalition, campaign_id, processes=1, late_values=hand_out_links) == "paused"
    assert not sendgrid.copies
    with coalition.engine.begin() as connection:
        steering.resume(connection, coalition.settings, campaign_id, who="Sam")
    work_until_over(coalition, campaign_id, processes=1, late_values=hand_out_links)
    assert set(sendgrid.copies) == EVERYBODY
