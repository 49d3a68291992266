"""The archive of a list: its past bulletins for everybody to read, without any person's values.

A bulletin went to the whole list and is finished. Follow-ups, mails to a segment, tests and hand-outs are never shown:
they were for some people only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, literal_column, select, true, update
from sqlalchemy.dialects.postgresql import JSONB

from lists.sign_up.tables import SignUpForm
from lists.tables import MailingList
from newsletters.compiled import CompiledEmail
from newsletters.merge.link_removal import links_to, without_footer_link
from newsletters.merge.merge import plan_merge
from newsletters.tables import StoredEmail
from newsletters.tokens import OUR_PAGES
from sender.campaigns.campaign_record import find_campaign
from sender.delivery.campaign_emails import emails_of
from sender.links.sent_mail import load_emails
from sender.links.tracking import sent_references
from sender.tables import Campaign

# A compiled email without the mail itself, which is most of it.
_HEAD = literal_column("compiled_emails.content - 'html' - 'text'", JSONB()).label("head")
_CAN_BE = (
    Campaign.kind == "campaign", Campaign.state == "finished", Campaign.intended > 0,
    Campaign.of_campaign_id.is_(None), Campaign.segment == "",
)  # fmt: skip
_SHOWN = (*_CAN_BE, ~Campaign.not_in_archive)


@dataclass(frozen=True)
class ListArchive:
    """A list that shows its past bulletins; with `takes_sign_ups`, a reader can get the next ones."""

    list_id: int
    name: str
    title: str
    organisation: str
    indexed: bool
    takes_sign_ups: bool

    @property
    def titled(self) -> bool:
        """Whether it has a title that says more than who sends."""
        return self.title.casefold() != self.organisation.casefold()

    @property
    def intro(self) -> str:
        """The name of the phrase that says what it is."""
        return "intro" if self.titled else "intro_untitled"


@dataclass(frozen=True)
class PastBulletin:
    """A bulletin as a list of them shows it."""

    id: int
    sent_at: datetime
    subject: str
    preheader: str
    language: str
    direction: str
    correction: str
    look: Mapping[str, str]


@dataclass(frozen=True)
class ArchivedMail:
    """A bulletin in one language as everybody may read it; `languages` are all that it has."""

    html: str
    email: CompiledEmail
    correction: str
    languages: tuple[str, ...]


def find_archive(connection: Connection, name: str) -> ListArchive | None:
    """Return the archive of a list; None if there is no such list, or it does not show its bulletins."""
    row = connection.execute(
        select(
            MailingList.id, MailingList.name, MailingList.title, MailingList.from_name, MailingList.archive_indexed,
            SignUpForm.is_open.is_(true()).label("takes"),
        )
        .outerjoin(SignUpForm, SignUpForm.list_id == MailingList.id)
        .where(MailingList.name == name, MailingList.archive)
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    title = row.title or row.from_name
    return ListArchive(row.id, row.name, title, row.from_name, row.archive_indexed, row.takes)


def past_bulletins(
    connection: Connection, archive: ListArchive, *, before: int | None = None, at_most: int
) -> list[PastBulletin]:
    """Return bulletins of an archive, the newest first, from the one before the campaign `before` on."""
    found = (
        select(Campaign.id, Campaign.frozen_at, Campaign.correction, _HEAD)
        .join(StoredEmail, StoredEmail.id == Campaign.compiled_id)
        .where(*_SHOWN, Campaign.list_id == archive.list_id, Campaign.id < before if before else true())
        .order_by(Campaign.id.desc())
        .limit(at_most)
    )
    return [_bulletin(row) for row in connection.execute(found)]


def _bulletin(row: Row[*tuple[Any, ...]]) -> PastBulletin:
    email = CompiledEmail.from_json({**row.head, "html": "", "text": ""})
    # The preheader in the text's place: there nothing is escaped for HTML, which the page does.
    made = plan_merge(replace(email, text=email.preheader), _references("")).render({})
    return PastBulletin(
        row.id, row.frozen_at, made.subject, made.text, email.language, email.direction, row.correction, email.look
    )  # fmt: skip


def archived_mail(
    connection: Connection, archive: ListArchive, campaign_id: int, language: str, public_url: str
) -> ArchivedMail | None:
    """Return a bulletin in a language, or in its first one; None if the archive does not show it."""
    row = connection.execute(
        select(Campaign.id, Campaign.correction).where(
            *_SHOWN, Campaign.list_id == archive.list_id, Campaign.id == campaign_id
        )
    ).one_or_none()
    if row is None:
        return None
    emails = emails_of(connection, row.id)
    compiled_id = emails.ids.get(language, emails.fallback)
    email = load_emails(connection, [compiled_id])[compiled_id]
    html = html_for_everybody(email, public_url)
    return ArchivedMail(html, email, row.correction, tuple(sorted(filter(None, emails.ids))))


def html_for_everybody(email: CompiledEmail, public_url: str) -> str:
    """Return a mail as somebody with no values reads it: untracked, and without the links that were one reader's."""
    for kind in OUR_PAGES:
        email = without_footer_link(email, kind)
    html = plan_merge(email, _references(public_url)).render({}).html
    # A link that was a member's own value leads nowhere now.
    return links_to("").sub(lambda link: re.sub(r"^<a\b[^>]*>|</a>$", "", link[0]), html)


def in_archive(connection: Connection, campaign_id: int) -> bool | None:
    """Return whether a campaign is in its list's archive; None if it can't be: it has none, or is not a bulletin."""
    shown = (
        select(~Campaign.not_in_archive).join(MailingList, MailingList.id == Campaign.list_id)
        .where(*_CAN_BE, MailingList.archive, Campaign.id == campaign_id)
    )  # fmt: skip
    return connection.scalar(shown)


def leave_out(connection: Connection, campaign_id: int, *, left_out: bool) -> None:
    """Leave one campaign out of its list's archive, or put it back; raises StateError if there is no such campaign."""
    find_campaign(connection, campaign_id)
    connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(not_in_archive=left_out))


def _references(public_url: str) -> Any:
    return sent_references(public_url, opens="off", clicks="off", preferences=False)
