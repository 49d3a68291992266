"""Test sends: a newsletter sent to your own addresses the usual way, marked as a test and never counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from daisychain.database import Database, may_wait
from daisychain.errors import InputError
from lists.addresses import require_address
from lists.list_people import ListPeople, open_people
from lists.lists import find_list
from lists.suppression import is_suppressed
from newsletters.compose.languages import Languages
from newsletters.stored.manuscripts import StoredManuscript, find_manuscript
from newsletters.stored.versions import mark
from sender.campaigns import drafts
from sender.campaigns.campaign_record import find_campaign
from sender.campaigns.freeze import freeze_tests
from sender.campaigns.overrides import Overrides
from sender.delivery import confirmed_places
from sender.delivery.campaign_emails import emails_of
from sender.providers.open_provider import open_provider
from sender.tables import Delivery


@dataclass(frozen=True)
class StartedTest:
    """A test send by its campaign's id, and the fields that are empty in it because no list was named."""

    id: int
    unknown: list[str]


@dataclass(frozen=True)
class SentTest:
    """One mail of a test send, and what the provider answered."""

    address: str
    language: str
    state: str
    reason: str


def start_test(
    database: Database,
    document: str | Path,
    addresses: Sequence[str],
    *,
    provider: str,
    list_name: str | None = None,
    member: str | None = None,
    sample: bool = True,
    only: Collection[str] = (),
    overrides: Overrides | None = None,
) -> StartedTest:
    """Freeze a test send of a document to `addresses`, one request each, in all its languages or `only` some.

    `document` is a file, or the name of a stored newsletter, whose version is marked as tested. Without a `sample`,
    nobody's values are merged. Returns its campaign's id; its jobs are deferred. Raises InputError for a bad address,
    a document that fails its checks, a missing language, or a member who is not on the list.
    """
    if member and not list_name:
        raise InputError("--member names somebody on a list.", hint="Add --list.")
    people_to = [require_address(address.strip()).written for address in addresses if address.strip()]
    if not people_to:
        raise InputError(
            "There is nobody to send the test to.", hint="--to ann@example.org,bob@example.org, or --to-set NAME"
        )
    with database.engine.begin() as connection:
        for address in people_to:
            if is_suppressed(connection, address):
                raise InputError(f"{address} is suppressed: it must not be mailed, not even a test.")
        people = open_people(connection, list_name) if list_name else None
        written = find_manuscript(connection, document)
        languages, findings = drafts.checked(connection, written, people, overrides)
        chosen = _chosen(languages, only)
        campaign_id = drafts.insert_campaign(
            connection, database.settings, languages, document=written, provider=provider, kind="test",
            mailing_list=find_list(connection, list_name) if list_name else None, name=f"test of {written.file}",
        )  # fmt: skip
        (overrides or Overrides()).keep(connection, campaign_id, findings)
        sender = find_campaign(connection, campaign_id).from_address
        opened = open_provider(provider, database.settings)
        opened.check(sender)
        may_wait(connection)
        opened.reach()
        emails = emails_of(connection, campaign_id)
        readers = people if member or sample else None
        inputs = {code: _inputs(languages, code, readers, member) for code in chosen}
        confirmed_places.require_confirmed(connection, database.settings)
        mails = [(address, emails.ids[code], inputs[code]) for address in people_to for code in chosen]
        freeze_tests(connection, campaign_id, mails)
        if isinstance(written, StoredManuscript) and written.saved:
            mark(connection, written.saved, "tested")
    return StartedTest(campaign_id, languages.unknown)


def _chosen(languages: Languages, only: Collection[str]) -> list[str]:
    for code in only:
        if code not in languages.compilations:
            raise InputError(
                f"There is no newsletter in {code!r}.", hint=f"There are: {', '.join(languages.compilations)}."
            )
    return [code for code in languages.compilations if not only or code in only]


def _inputs(languages: Languages, code: str, people: ListPeople | None, member: str | None) -> dict[str, str | None]:
    """Return the values to merge: the member's, or some other person's who gets that language."""
    fields = languages.compilations[code].email.fields
    if people is None:
        return dict.fromkeys(fields)
    if member and people.member(member) is None:
        raise InputError(f"{member} is not on the list {people.name!r}, or may not be mailed.")
    found = people.member(member) if member else languages.people_for(people, code).sample() or people.sample()
    return {name: (found or {}).get(name) for name in fields}


def mails_of_test(connection: Connection, campaign_id: int, document: str = "") -> list[SentTest]:
    """Return each mail of a test send; none if it is no test, or none of the `document` that was asked for."""
    campaign = find_campaign(connection, campaign_id)
    if not campaign.is_test or document not in ("", campaign.document):
        return []
    emails = emails_of(connection, campaign_id)
    rows = connection.execute(
        select(Delivery.address, Delivery.compiled_id, Delivery.state, Delivery.reason)
        .where(Delivery.campaign_id == campaign_id)
        .order_by(Delivery.id)
    )
    return [SentTest(row.address, emails.language_of(row.compiled_id), row.state, row.reason or "") for row in rows]
