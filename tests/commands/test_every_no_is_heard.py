"""From a "no" to the next campaign, by the commands and pages that people use: who is mailed, and who is not."""

from __future__ import annotations

import email
import email.policy
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from daisychain.database import Database
from sender.links.keys import Keys
from sender.tables import Delivery
from tests.command import Daisychain
from tests.fakes.imap import FakeMailbox
from tests.public_pages import public_app

CASES = Path(__file__).parents[1] / "cases" / "bounces"


def mailed(friends: Daisychain) -> dict[str, str]:
    """Send the bulletin; return the unsubscribe link of each mail by its address."""
    draft = friends.json("campaign", "create", "bulletin.md", "--list", "friends", "--format", "json")["id"]
    friends("campaign", "send", str(draft), "--yes", "--as-created", "--repeat")
    folder = friends.settings.home / "outbox" / str(draft)
    read = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in folder.glob("*.eml")]
    return {mail["To"].addresses[0].addr_spec: mail["List-Unsubscribe"].strip("<>") for mail in read}


def import_(friends: Daisychain, text: str) -> None:
    (friends.folder / "people.csv").write_text(text)
    friends("list", "import", "friends", "people.csv", "--basis", "consent", "--source", "a form")


def test_a_member_whom_a_file_calls_unsubscribed_is_not_mailed(friends: Daisychain) -> None:
    before = set(mailed(friends))
    gone = min(before)
    import_(friends, f"Email,Status\n{gone},Unsubscribed\n")
    assert set(mailed(friends)) == before - {gone}


def test_an_older_sheet_does_not_bring_back_who_unsubscribed_in_a_first_file(friends: Daisychain) -> None:
    before = set(mailed(friends))
    import_(friends, "Email,Status\nnew@people.example,Unsubscribed\n")
    import_(friends, "Email,Status\nnew@people.example,Subscribed\n")
    assert set(mailed(friends)) == before


@pytest.mark.parametrize("mistaken", [False, True])
def test_a_reader_who_unsubscribes_is_mailed_again_only_after_saying_that_it_was_a_mistake(
    mistaken: bool, friends: Daisychain, database: Database
) -> None:
    links = mailed(friends)
    gone = min(links)
    client = public_app(database).test_client()
    form = client.get(urlsplit(links[gone]).path).text
    action = re.search(r'action="([^"]+)', form)
    assert action
    page = client.post(action[1], data={"scope": "list"}).text
    undo = re.search(r'<form method="post" action="([^"]+)"', page)
    assert undo
    if mistaken:
        client.post(undo[1])
    assert (gone in mailed(friends)) is mistaken


def test_one_broken_mail_among_ten_hides_no_bounce_from_the_next_campaign(
    friends: Daisychain, database: Database
) -> None:
    staying = set(mailed(friends))
    gone = [f"person{number}@people.example" for number in range(9)]
    import_(friends, "Email\n" + "\n".join(gone) + "\n")
    assert set(mailed(friends)) == staying | set(gone)
    keys, report = Keys(friends.settings.secret_key), (CASES / "01-postfix-gmail-511.eml").read_bytes()
    with database.engine.connect() as connection:
        sent = connection.execute(select(Delivery.id, Delivery.address).where(Delivery.address.in_(gone))).all()
    bounces = [
        report.replace(b"@KEY@", keys.returns([row.id])[0].encode()).replace(b"ann@ex-a.org", row.address.encode())
        for row in sent
    ]
    broken = b"Subject: \xff\xfe\r\nDate: never\r\nContent-Type: multipart/report\r\n\r\n\x00"
    with FakeMailbox(*bounces[:4], broken, *bounces[4:]) as mailbox:
        answer = friends.with_settings(imap_url=mailbox.url).json("bounces", "--format", "json")
    assert (answer["hard"], answer["flagged"]) == (9, 1)
    assert set(mailed(friends)) == staying
