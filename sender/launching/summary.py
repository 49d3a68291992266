"""The summary before a send: the sender, how many people, a sample in each language, and some members' mails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func

from daisychain.settings import Settings
from lists.list_people import ListPeople
from lists.segments.segment_answers import SegmentAnswer, count_unknown
from lists.tables import Membership
from newsletters.compiled import CompiledEmail
from newsletters.compose.languages import language_given, speakers
from newsletters.merge.merge import Merged, References, plan_merge
from sender.campaigns import warm_up
from sender.campaigns.campaign_record import CampaignRecord
from sender.campaigns.follow_ups import audience_of, count_languages, left_out
from sender.campaigns.overrides import KeptOverride, overrides_of
from sender.delivery.campaign_emails import Emails, emails_of
from sender.launching.repeats import Repeat, find_repeats
from sender.links.reader_groups import MODES
from sender.links.sent_mail import load_emails
from sender.links.tracking import sent_references


@dataclass(frozen=True)
class Sample:
    """The newsletter in one language as one person (`address`) gets it; `people` get this language."""

    language: str
    people: int
    subject: str
    address: str


@dataclass(frozen=True)
class Summary:
    """A campaign before it is sent; people whose language has no sample get the `fallback`."""

    campaign: CampaignRecord
    samples: list[Sample]
    fallback: str
    people: int
    excluded: int
    overrides: list[KeptOverride]
    repeats: list[Repeat]
    unknown: int = 0  # people left out by its segment, as it is unknown what they read
    not_followed: str = ""  # why the follow-up of another campaign leaves people out
    agreed: int = 0  # people whose own reading may be recorded
    warms_up: bool = False

    @property
    def left_out(self) -> str:
        """Say how many people the segment leaves out for that reason; "" if it does not."""
        return SegmentAnswer(self.people, self.unknown).left_out

    @property
    def reading(self) -> str:
        """Say how reading is recorded, and for how many people without them."""
        counted = self.people - self.agreed if self.campaign.tracking == "per person" else self.people
        if self.campaign.tracking not in MODES or self.campaign.reading == "not recorded":
            return self.campaign.reading
        told = self.campaign.reading
        if self.campaign.tracking == "per person":
            told += f": {self.agreed:,} of {self.people:,}; the others are counted without persons"
        if self.warms_up and counted:
            told += f"; {counted:,} people can't go first for what they read, as the domain warms up"
        return told


def summarise(connection: Connection, settings: Settings, campaign: CampaignRecord, at: datetime) -> Summary:
    """Return what is about to be sent at `at`, to how many people, with a sample in each language."""
    emails = emails_of(connection, campaign.id)
    made = load_emails(connection, emails.all())
    audience = audience_of(connection, campaign)
    people = _people_of(connection, campaign)
    counts = count_languages(connection, audience, emails) if emails.several else {emails.fallback: people.count()}
    references = sent_references(settings.pages_url, opens="off", clicks="off")
    return Summary(
        replace(campaign, public_url=settings.pages_url),
        [
            _sample(email, counts.get(id_, 0), _readers(people, email.language, emails), references)
            for id_, email in sorted(made.items(), key=lambda item: (item[0] != emails.fallback, item[1].language))
        ],
        made[emails.fallback].language,
        people.count(),
        people.excluded(),
        overrides_of(connection, campaign.id),
        find_repeats(connection, campaign, at),
        count_unknown(connection, audience),
        left_out(connection, campaign),
        connection.scalar(audience.mailable(func.count()).where(Membership.reads_agreed.is_(True))) or 0,
        warm_up.ceiling(connection, campaign.from_address, at) is not None,
    )


def _readers(people: ListPeople, language: str, emails: Emails) -> ListPeople:
    return speakers(people, language, emails.ids, emails.language_of(emails.fallback)) if emails.several else people


def _sample(email: CompiledEmail, people: int, readers: ListPeople, references: References) -> Sample:
    member = readers.sample() or {}
    merged = plan_merge(email, references).render(member)
    return Sample(email.language, people, merged.subject, str(member.get("email", "")))


def three_readers(connection: Connection, draft: CampaignRecord) -> list[int]:
    """Return the numbers of up to three members who would get a draft, as different as the first ones are."""
    return _people_of(connection, draft).differing(3)


def mail_for(connection: Connection, settings: Settings, draft: CampaignRecord, number: int) -> Merged | None:
    """Return a draft as the member with this number would get it, less tracking; None if they would not get it."""
    member = _people_of(connection, draft).numbered(number)
    if member is None:
        return None
    emails = emails_of(connection, draft.id)
    language = language_given(member["language"], emails.ids, emails.language_of(emails.fallback))
    email = load_emails(connection, emails.all())[emails.ids.get(language, emails.fallback)]
    return plan_merge(email, sent_references(settings.pages_url, opens="off", clicks="off")).render(member)


def _people_of(connection: Connection, campaign: CampaignRecord) -> ListPeople:
    assert campaign.list_name is not None
    return ListPeople(connection, campaign.list_name, audience_of(connection, campaign))
