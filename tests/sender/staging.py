"""Sets up tests of delivery: a list of people, a compiled email made by hand, and a draft campaign."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert
from sqlalchemy.dialects.postgresql import insert as upsert

from daisychain.database import Database
from daisychain.settings import Settings
from lists.tables import MailingList, Member, Membership
from newsletters.compiled import CompiledEmail, Link, Slot
from newsletters.tables import StoredEmail
from newsletters.tokens import Kind, Mint
from sender.campaigns.campaign_record import CampaignRecord
from sender.campaigns.plans import Plan
from sender.delivery.claims import Claim, claim, take
from sender.launching.schedule import keep_plan, schedule
from sender.tables import Campaign

MINT = Mint("0a1b2c3d")


def compiled_email() -> CompiledEmail:
    """Make a small email with a name, a tracked link, and the links that every mail needs."""
    name_html, name_text, name_subject = (MINT.write(Kind.SLOT, index) for index in range(3))
    link, leave, view = MINT.write(Kind.LINK, 0), MINT.write(Kind.UNSUBSCRIBE), MINT.write(Kind.VIEW)
    expression = ["default", ["field", "first_name"], "friend"]
    return CompiledEmail(
        nonce=MINT.nonce,
        subject=f"News for {name_subject}",
        preheader="",
        html=f'<html><body><p>Dear {name_html}, <a href="{link}">read on</a></p>'
        f'<a href="{leave}">Unsubscribe</a> <a href="{view}">View in browser</a></body></html>',
        text=f"Dear {name_text},\nread on: https://campaign.example/read\nUnsubscribe: {leave}\n",
        slots=tuple(
            Slot(index, expression, context, ("first_name",))
            for index, context in enumerate(("html", "text", "header"))  # type: ignore[arg-type]
        ),
        links=(Link(0, "https://campaign.example/read", "read on", tracked=True),),
        fields=("first_name",),
        title="News",
    ).hashed()


def add_people(connection: Connection, list_id: int, numbers: Iterable[int], *, called: str = "person") -> list[int]:
    """Subscribe members person<n>@people.example to the list; returns their ids in the order of the numbers."""
    rows = [
        {"email": f"{called}{n}@people.example", "address_key": f"{called}{n}@people.example", "first_name": f"P{n}"}
        for n in numbers
    ]
    ids = list(connection.scalars(insert(Member).returning(Member.id, sort_by_parameter_order=True), rows))
    consent = {"list_id": list_id, "basis": "consent", "source": "form"}
    connection.execute(insert(Membership), [{**consent, "member_id": member_id} for member_id in ids])
    return ids


def add_list(connection: Connection, name: str = "friends") -> int:
    """Make an empty list with a sender."""
    return connection.execute(
        insert(MailingList)
        .values(
            name=name, from_name="Connection Coalition", from_address="hello@coalition.example",
            tracking="off", opens="off", clicks="off",
        )
        .returning(MailingList.id)
    ).scalar_one()  # fmt: skip


def draft(
    connection: Connection, list_id: int, *, provider: str = "outbox", opens: str = "off", clicks: str = "off"
) -> int:
    """Make a draft campaign of the small email for a list."""
    email = compiled_email()
    kept = upsert(StoredEmail).values(hash=email.hash, content=email.to_json())
    compiled_id = connection.execute(
        kept.on_conflict_do_update(index_elements=["hash"], set_={"hash": email.hash}).returning(StoredEmail.id)
    ).scalar_one()
    return connection.execute(
        insert(Campaign)
        .values(
            name="News", list_id=list_id, document="news.md", source="", compiled_id=compiled_id, provider=provider,
            from_name="Connection Coalition", from_address="hello@coalition.example",
            opens=opens, clicks=clicks, public_url="http://127.0.0.1:8000",
        )
        .returning(Campaign.id)
    ).scalar_one()  # fmt: skip


def staged(database: Database, people: int, *, provider: str = "outbox", name: str = "friends") -> int:
    """Make a draft for a list of `people` invented members; another `name` of the list has other members."""
    with database.engine.begin() as connection:
        list_id = add_list(connection, name)
        add_people(connection, list_id, range(people), called=name if name != "friends" else "person")
        return draft(connection, list_id, provider=provider)


def claim_batch(connection: Connection, batch_id: int, sender_id: int) -> Claim | None:
    """Claim one batch, as the old jobs of a batch do; None if it can't be claimed, or nobody is to be mailed."""
    batch = take(connection, batch_id, sender_id)
    return claim(connection, batch) if batch else None


def set_plan(connection: Connection, settings: Settings, campaign: CampaignRecord, plan: Plan, *, who: str) -> bool:
    """Keep a plan, and schedule the campaign if it has a time, as the doors do."""
    keep_plan(connection, campaign, plan)
    if plan.at:
        schedule(connection, settings, campaign.id, who=who)
    return bool(plan.at)
