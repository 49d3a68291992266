"""Sends to contacts: a message to people who are on no list, each with values of their own, on the ledger.

A contact send is a campaign like any other from its freeze on: claims, attempts, outcomes, status, pause and retry. It
is never a draft: the message, its people and their values are written down in one transaction, and then it is sent.
Opens and clicks are not counted. It needs no second person's yes: that rule protects members (docs/staff.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from daisychain.database import may_wait
from daisychain.settings import Settings
from lists.lists import parse_sender
from newsletters.compose.languages import Languages
from newsletters.compose.manuscript import Manuscript
from sender.campaigns import drafts
from sender.campaigns.freeze import freeze_contacts
from sender.campaigns.steering import decide
from sender.delivery import confirmed_places
from sender.delivery.contact_batches import CONTACTS
from sender.delivery.readiness import keep_key, require_ready
from sender.providers.open_provider import open_provider


@dataclass(frozen=True)
class StartedContactSend:
    """A send that a worker delivers now: its campaign's id, and each contact's delivery, in the order given."""

    campaign_id: int
    deliveries: list[int]


def start_contact_send(
    connection: Connection, settings: Settings, written: Manuscript, languages: Languages,
    people: Sequence[tuple[str, Mapping[str, str]]], *, name: str, who: str,
) -> StartedContactSend:  # fmt: skip
    """Freeze a send to people given as (address, merge inputs) and defer its jobs, in the caller's transaction.

    Raises ConfigurationError, ProviderError and StateError if no mail may be sent from here.
    """
    provider = open_provider(settings.provider, settings)
    emails = [made.email for made in languages.compilations.values()]
    provider.check(parse_sender(emails[0].from_address)[1], [link.url for each in emails for link in each.links])
    may_wait(connection)
    provider.reach()
    confirmed_places.require_confirmed(connection, settings)
    keep_key(connection, settings)
    require_ready(connection, settings, settings.provider)
    campaign_id = drafts.insert_campaign(
        connection, settings, languages, document=written, provider=settings.provider, mailing_list=None, name=name,
        kind=CONTACTS,
    )  # fmt: skip
    deliveries = freeze_contacts(connection, campaign_id, people, batch_size=provider.batch_size)
    decide(connection, campaign_id, "send", who=who)
    return StartedContactSend(campaign_id, deliveries)
