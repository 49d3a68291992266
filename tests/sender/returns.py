"""A campaign that was sent, for tests of events: rows as delivery leaves them, and the keys of its mails."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from daisychain.database import Database
from daisychain.secret import installation_secret
from newsletters.compiled import CompiledEmail, Condition, Link, Slot
from newsletters.tables import StoredEmail
from newsletters.tokens import Kind, Mint
from sender.events.sum_check import count_again
from sender.links.keys import KeyKind, Keys
from sender.tables import Attempt, Batch, Campaign, Delivery, Event, Rollup
from tests.sender.staging import add_list, add_people

MINT = Mint("0b0c0d0e")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def letter() -> CompiledEmail:
    """Make an email with three links: the second only for people with a town, the third with a slot."""
    name, name_url = MINT.write(Kind.SLOT, 0), MINT.write(Kind.SLOT, 1)
    begin, end = MINT.write(Kind.BEGIN, 0), MINT.write(Kind.END, 0)
    first, second, third, untracked = (MINT.write(Kind.LINK, index) for index in range(4))
    leave, view = MINT.write(Kind.UNSUBSCRIBE), MINT.write(Kind.VIEW)
    return CompiledEmail(
        nonce=MINT.nonce,
        subject="News",
        preheader="",
        html=f'<html><body style="color: #123"><p>Dear {name}</p><a href="{first}">Toolkit</a>'
        f'{begin}<a href="{second}">Near you</a>{end}<!--[if mso]><a href="{first}">Toolkit</a><![endif]-->'
        f'<a class="button" href="{third}">Join</a> <a href="{untracked}" clicktracking="off">Privacy</a>'
        f'<a href="{leave}" clicktracking="off">Unsubscribe</a> <a href="{view}">View</a></body></html>',
        text=f"Dear friend\nUnsubscribe: {leave}\n",
        slots=(
            Slot(0, ["default", ["field", "first_name"], "friend"], "html", ("first_name",)),
            Slot(1, ["field", "first_name"], "url_part", ("first_name",)),
        ),
        conditions=(Condition(0, ["field", "town"], ("town",)),),
        links=(
            Link(0, "https://campaign.example/toolkit?a=1&b=2", "Toolkit", tracked=True),
            Link(1, "https://campaign.example/near", "Near you", tracked=True),
            Link(2, f"https://campaign.example/join?name={name_url}", "Join", tracked=True),
            Link(3, "/privacy", "Privacy", tracked=False),
        ),
        fields=("first_name", "town"),
    ).hashed()


@dataclass
class Sent:
    """A sent campaign; its deliveries by number, with the keys of their mails."""

    database: Database
    campaign_id: int
    list_id: int
    attempt_id: int
    batch_id: int
    deliveries: list[int]
    members: list[int]
    # One clock for all its events: the same thing told again must bear the same second.
    began: int = field(default_factory=lambda: int(time.time()))

    @property
    def keys(self) -> Keys:
        return Keys(installation_secret(self.database.settings))

    def key(self, number: int = 0, kind: KeyKind = KeyKind.HEADER) -> str:
        """Return a key of one of the mails; without a kind, the one that its provider knows."""
        return self.keys.make(kind, [self.deliveries[number]])[0]

    def click(self, number: int = 0) -> str:
        return self.key(number, KeyKind.CLICK)

    def pixel(self, number: int = 0) -> str:
        return self.key(number, KeyKind.PIXEL)

    def view(self, number: int = 0) -> str:
        return self.key(number, KeyKind.VIEW)

    def unsubscribe(self, number: int = 0) -> str:
        return self.key(number, KeyKind.UNSUBSCRIBE)

    def address(self, number: int = 0) -> str:
        return f"person{number}@people.example"

    def event(self, kind: str, number: int = 0, *, at: int = 0, **fields: Any) -> dict[str, Any]:
        """Make a SendGrid event about one of the mails, `at` seconds after the start."""
        return {
            "email": self.address(number),
            "timestamp": self.began + at,
            "event": kind,
            "sg_event_id": f"{kind}-{number}-{at}",
            "daisychain_delivery": self.key(number),
            "daisychain_attempt": self.keys.attempt(self.attempt_id),
            **fields,
        }

    def rollup(self, number: int = 0) -> Rollup:
        """Return a delivery's roll-up, by column."""
        return self.one(select(Rollup.__table__).where(Rollup.delivery_id == self.deliveries[number]))

    def events(self) -> list[Any]:
        """Return all events, in the order of storage."""
        with self.database.engine.connect() as connection:
            return list(connection.execute(select(Event.__table__).order_by(Event.id)).all())

    def rollups(self) -> list[Any]:
        """Return all roll-ups in a comparable form."""
        with self.database.engine.connect() as connection:
            # What the last move made new depends on the order, and is read by that move alone.
            columns = [column for column in Rollup.__table__.columns if column.name != "new_facts"]
            return list(connection.execute(select(*columns).order_by(Rollup.delivery_id)).all())

    def states(self) -> list[str]:
        """Return the state of each delivery."""
        with self.database.engine.connect() as connection:
            return list(connection.scalars(select(Delivery.state).order_by(Delivery.id)))

    def one(self, statement: Any) -> Any:
        """Return the only row of a query."""
        with self.database.engine.connect() as connection:
            return connection.execute(statement).one()


def sent(
    database: Database,
    people: int = 3,
    *,
    provider: str = "sendgrid",
    opens: str = "own",
    clicks: str = "own",
    kind: str = "member",
    outcome: str = "accepted",
    frozen_at: datetime | None = None,
    name: str = "friends",
    email: CompiledEmail | None = None,
) -> Sent:
    """Make a sent campaign for `people` members of the list `name`; only person 1 has a town."""
    with database.engine.begin() as connection:
        list_id = add_list(connection, name)
        members = add_people(connection, list_id, range(people))
        return resent(
            database, connection, list_id, members, provider=provider, opens=opens, clicks=clicks, kind=kind,
            outcome=outcome, frozen_at=frozen_at, email=email,
        )  # fmt: skip


def resent(
    database: Database,
    connection: Connection,
    list_id: int,
    members: list[int],
    *,
    kind: str = "member",
    outcome: str = "accepted",
    frozen_at: datetime | None = None,
    email: CompiledEmail | None = None,
    **tracking: str,
) -> Sent:
    """Make another campaign for members of a list."""
    compiled_id = _kept(connection, email or letter())
    campaign_id = connection.execute(
        insert(Campaign)
        .values(
            name="News", list_id=list_id, document="news.md", source="", compiled_id=compiled_id,
            kind="test" if kind == "test" else "campaign", state="finished",
            frozen_at=frozen_at or func.now(),
            from_name="Connection Coalition", from_address="hello@coalition.example",
            public_url="http://127.0.0.1:8000",
            **{"provider": "sendgrid", "opens": "own", "clicks": "own", **tracking},
        )
        .returning(Campaign.id)
    ).scalar_one()  # fmt: skip
    states = {"accepted": ("accepted", "done"), "uncertain": ("uncertain", "uncertain")}
    state, batch_state = states.get(outcome, ("waiting", "sending"))
    rows = [
        {
            "campaign_id": campaign_id, "member_id": member_id if kind == "member" else None, "kind": kind,
            "state": state, "address": f"person{number}@people.example",
            "inputs": {"first_name": f"P {number}", "town": "Hay" if number == 1 else None},
        }
        for number, member_id in enumerate(members)
    ]  # fmt: skip
    ids = list(connection.scalars(insert(Delivery).returning(Delivery.id, sort_by_parameter_order=True), rows))
    batch_id = connection.execute(
        insert(Batch)
        .values(campaign_id=campaign_id, compiled_id=compiled_id, first_id=ids[0], last_id=ids[-1], state=batch_state)
        .returning(Batch.id)
    ).scalar_one()
    attempt_id = add_attempt(connection, campaign_id, batch_id, outcome)
    connection.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(intended=len(ids), first_delivery=ids[0], last_delivery=ids[-1])
    )
    assert count_again(connection, campaign_id)
    return Sent(database, campaign_id, list_id, attempt_id, batch_id, ids, members)


def add_attempt(connection: Connection, campaign_id: int, batch_id: int, outcome: str) -> int:
    """Add an attempt at a batch, now its latest; without an outcome it is in flight."""
    attempt_id = connection.execute(
        insert(Attempt)
        .values(batch_id=batch_id, campaign_id=campaign_id, sender_id=1, people=1, outcome=outcome or None)
        .returning(Attempt.id)
    ).scalar_one()
    connection.execute(update(Batch).where(Batch.id == batch_id).values(attempt_id=attempt_id))
    return attempt_id


def _kept(connection: Connection, email: CompiledEmail) -> int:
    found = connection.scalar(select(StoredEmail.id).where(StoredEmail.hash == email.hash))
    return (
        found
        or connection.execute(
            insert(StoredEmail).values(hash=email.hash, content=email.to_json()).returning(StoredEmail.id)
        ).scalar_one()
    )
