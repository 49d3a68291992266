"""Where clicks lead: to the links of the mail's own campaign, language and member, although few mails are looked up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from newsletters.compiled import CompiledEmail, Link
from newsletters.tables import StoredEmail
from newsletters.tokens import Kind
from pages import link_targets
from sender.tables import Campaign, CampaignEmail, Delivery
from tests.sender.returns import MINT, Sent, letter, resent


def location(client: FlaskClient, campaign: Sent, person: int = 0, link: int = 0) -> str:
    answer = client.get(f"/c/{campaign.click(person)}/{link}")
    assert answer.status_code == 302
    return answer.headers["Location"]


def email(url: str) -> CompiledEmail:
    return replace(letter(), links=(Link(0, url, "Toolkit", tracked=True),)).hashed()


def another(campaign: Sent, url: str, kind: str = "member") -> Sent:
    with campaign.database.engine.begin() as connection:
        return resent(
            campaign.database, connection, campaign.list_id, campaign.members, kind=kind, email=email(url)
        )  # fmt: skip


def in_another_language(campaign: Sent, person: int, *, named: bool) -> None:
    """Give one person an email of their own, as a language has, or as a test mail has without being `named`."""
    stored = email("https://cymru.example/")
    with campaign.database.engine.begin() as connection:
        row = {"hash": stored.hash, "content": stored.to_json()}
        compiled_id = connection.execute(insert(StoredEmail).values(row).returning(StoredEmail.id)).scalar_one()
        if named:
            row = {"campaign_id": campaign.campaign_id, "language": "cy", "compiled_id": compiled_id}
            connection.execute(insert(CampaignEmail).values(row))
        own = update(Delivery).where(Delivery.id == campaign.deliveries[person])
        connection.execute(own.values(compiled_id=compiled_id))


def test_neighbouring_campaigns_lead_to_their_own_links(client: FlaskClient, campaign: Sent) -> None:
    after = another(campaign, "https://after.example/")
    ours = "https://campaign.example/toolkit?a=1&b=2"
    for _ in range(2):
        assert [location(client, campaign, person) for person in range(3)] == [ours] * 3
        assert [location(client, after, person) for person in range(3)] == ["https://after.example/"] * 3


def test_a_link_with_a_value_leads_each_person_to_their_own(client: FlaskClient, campaign: Sent) -> None:
    assert [location(client, campaign, person, link=2)[-4:] for person in range(3)] == ["%200", "%201", "%202"]


def test_a_link_that_is_a_value_leads_on_although_others_have_none(client: FlaskClient, campaign: Sent) -> None:
    own = another(campaign, MINT.write(Kind.SLOT, 2))
    with campaign.database.engine.begin() as connection:
        change = update(StoredEmail).where(StoredEmail.hash == email(MINT.write(Kind.SLOT, 2)).hash)
        slots = [*letter().slots, replace(letter().slots[0], index=2, expression=["field", "page"], context="url")]
        content = replace(email(MINT.write(Kind.SLOT, 2)), slots=tuple(slots)).to_json()
        connection.execute(change.values(content=content))
        theirs = update(Delivery).where(Delivery.id == own.deliveries[1])
        connection.execute(theirs.values(inputs={"page": "https://own.example/"}))
    assert client.get(f"/c/{own.click(0)}/0").status_code == 404
    assert location(client, own, 1) == "https://own.example/"


def test_each_language_leads_to_its_own_links(client: FlaskClient, campaign: Sent) -> None:
    in_another_language(campaign, 1, named=True)
    assert [location(client, campaign, person)[:15] for person in range(3)] == [
        "https://campaig", "https://cymru.e", "https://campaig",
    ]  # fmt: skip


def test_a_test_mail_leads_to_the_links_of_its_own_email(client: FlaskClient, campaign: Sent) -> None:
    test = another(campaign, "https://first.example/", kind="test")
    in_another_language(test, 1, named=False)
    assert [location(client, test, person) for person in range(2)] == [
        "https://first.example/", "https://cymru.example/",
    ]  # fmt: skip


def test_a_link_leads_on_from_the_mail_of_somebody_who_was_erased_and_nothing_is_counted(
    client: FlaskClient, campaign: Sent
) -> None:
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Delivery).values(member_id=None, address="", inputs={}))
    assert location(client, campaign) == "https://campaign.example/toolkit?a=1&b=2"
    assert client.get(f"/c/{campaign.click()}/2").status_code == 410
    assert not campaign.events()


def test_what_is_known_of_a_campaign_is_asked_for_again_after_a_minute(
    client: FlaskClient, campaign: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert location(client, campaign, link=3) == "http://127.0.0.1:8000/privacy"
    with campaign.database.engine.begin() as connection:
        connection.execute(update(Campaign).values(public_url="https://restored.example"))
    monkeypatch.setattr(link_targets, "KEPT", -1)
    assert location(client, campaign, link=3) == "https://restored.example/privacy"


def test_only_the_campaigns_of_the_last_clicks_are_kept(
    client: FlaskClient, campaign: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_targets, "MOST_CAMPAIGNS", 2)
    campaigns = [campaign, *(another(campaign, f"https://{number}.example/") for number in range(3))]
    for _ in range(2):
        assert [location(client, each)[8:10] for each in campaigns] == ["ca", "0.", "1.", "2."]
    assert len(client.application.extensions["daisychain.links"]._campaigns) == 2
