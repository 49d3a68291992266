"""What a person looks at before a campaign goes: from whom, to how many, and how it reads in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping

from daisychain.settings import Settings
from lists.audience import audience_of
from lists.list_people import ListPeople
from newsletters.compiled import CompiledEmail
from newsletters.compose.languages import speakers
from newsletters.merge.merge import References, plan_merge
from sender.campaigns.follow_ups import count_languages, source_of
from sender.campaigns.overrides import overrides_of
from sender.campaigns.status import public_face
from sender.delivery.campaign_emails import Emails, emails_of
from sender.links.sent_mail import load_emails
from sender.links.tracking import sent_references


@dataclass(frozen=True)
class Sample:
    """How a campaign's newsletter reads in one language, for one (`address`) of the `people` who get that."""

    language: str
    people: int
    subject: str
    address: str


@dataclass(frozen=True)
class Summary:
    """A campaign about to go; `fallback` is the language of those whose own is not among the samples'."""

    campaign: Mapping[str, Any]
    samples: list[Sample]
    fallback: str
    people: int
    excluded: int
    overrides: list[dict[str, Any]]


def summarise(connection: Connection, settings: Settings, campaign: RowMapping) -> Summary:
    """What is about to be sent, to how many, and how it reads for one of them in each language."""
    emails = emails_of(connection, campaign["id"])
    made = load_emails(connection, emails.all())
    source = source_of(connection, campaign)
    people = ListPeople(connection, campaign["list"], audience_of(source))
    counts = count_languages(connection, source, emails) if emails.several else {emails.fallback: people.count()}
    references = sent_references(settings.pages_url, opens="off", clicks="off")
    return Summary(
        {**campaign, **public_face(settings, campaign["list"])},
        [
            _sample(email, counts.get(id_, 0), _readers(people, email.language, emails), references)
            for id_, email in sorted(made.items(), key=lambda item: (item[0] != emails.fallback, item[1].language))
        ],
        made[emails.fallback].language,
        people.count(),
        people.excluded(),
        overrides_of(connection, campaign["id"]),
    )


def _readers(people: ListPeople, language: str, emails: Emails) -> ListPeople:
    return speakers(people, language, emails.ids, emails.language_of(emails.fallback)) if emails.several else people


def _sample(email: CompiledEmail, people: int, readers: ListPeople, references: References) -> Sample:
    member = readers.sample() or {}
    merged = plan_merge(email, references).render(member, "0" * 22)
    return Sample(email.language, people, merged.subject, str(member.get("email", "")))
