"""Drafts: make a campaign from a document, its translations and a list, and see whether they have changed since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, RowMapping, insert, select, update

from daisychain.clock import home_zone
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from lists.list_people import ListPeople, open_people
from lists.lists import find_list, parse_sender
from lists.segments.saved_segments import question_named
from lists.segments.segment_parser import parse
from lists.segments.segment_sql import narrowing_of
from lists.segments.segment_writer import write
from newsletters.checks import Finding, check_languages
from newsletters.compiled import CompiledEmail
from newsletters.compose.languages import Languages, compile_languages
from newsletters.compose.manuscript import FolderManuscript, Manuscript, manuscript_of
from newsletters.documents.document import Document
from newsletters.stored.manuscripts import StoredManuscript, find_manuscript
from newsletters.stored.newsletters import UnknownNewsletter
from newsletters.stored.versions import mark_campaign
from newsletters.toolkit_store.store import find_toolkit
from sender.campaigns.campaign_record import CampaignRecord, public_face
from sender.campaigns.follow_ups import check_whom
from sender.campaigns.overrides import Overrides, overrides_of
from sender.delivery.campaign_emails import emails_of, fields_of, keep_emails, name_emails
from sender.links.sent_mail import load_emails
from sender.providers.open_provider import open_provider
from sender.segments.engagement import engagement
from sender.tables import TEST_SEND_NUMBERS, Campaign


@dataclass(frozen=True)
class Created:
    """A new draft with the findings of the checks; errors among them are overridden."""

    id: int
    findings: list[Finding]

    def count(self, severity: str) -> int:
        """Return how many findings are of a severity."""
        return sum(finding.severity == severity for finding in self.findings)


def create(
    connection: Connection,
    settings: Settings,
    document: str | Path,
    *,
    list_name: str | None,
    provider: str,
    name: str = "",
    follows: tuple[int, str] | None = None,
    segment: str = "",
    overrides: Overrides | None = None,
) -> Created:
    """Compile and check a document for a list and keep it as a draft; raises InputError with every error found.

    `document` is a file, or the name of a stored newsletter.
    `follows` is (an earlier campaign, which of its people): then the list is that campaign's. `segment` is a question
    about the list's people, or the name of one; it is answered at the freeze.
    """
    opened = open_provider(provider, settings)
    if follows:
        list_name = check_whom(connection, *follows).list_name
    assert list_name is not None
    people = open_people(connection, list_name)
    question = _question(connection, list_name, segment) if segment else ""
    overrides = overrides or Overrides()
    written = find_manuscript(connection, document)
    languages, findings = checked(connection, written, people, overrides)
    campaign_id = insert_campaign(
        connection, settings, languages, document=written, provider=opened.name,
        mailing_list=find_list(connection, list_name),
        name=name or languages.first.email.title or Path(written.file).stem,
    )  # fmt: skip
    overrides.keep(connection, campaign_id, findings)
    if isinstance(written, StoredManuscript) and written.saved:
        mark_campaign(connection, written.saved, campaign_id)
    columns: dict[str, object] = {"warnings": _warnings(findings), "segment": question}
    if follows:
        columns |= {"of_campaign_id": follows[0], "of_whom": follows[1]}
    connection.execute(update(Campaign).where(Campaign.id == campaign_id).values(columns))
    return Created(campaign_id, findings)


def _question(connection: Connection, list_name: str, segment: str) -> str:
    """Return the text of a segment; raises InputError unless it can be answered now."""
    question = question_named(connection, list_name, segment)
    narrowing_of(connection, find_list(connection, list_name)["id"], question, engagement(connection))
    return write(parse(question))


def _warnings(findings: Iterable[Finding]) -> Counter[str]:
    """Count the warnings among findings by code."""
    return Counter(finding.code for finding in findings if finding.severity == "warning")


def checked(
    connection: Connection,
    document: Path | Manuscript,
    people: ListPeople | None,
    overrides: Overrides | None = None,
) -> tuple[Languages, list[Finding]]:
    """Compile and check a document in each language; raises InputError that lists every error not overridden."""
    languages = compiled(connection, document, people.fields() if people else None)
    findings = check_languages(languages, people)
    (overrides or Overrides()).require(findings)
    return languages, findings


def compiled(connection: Connection, document: Path | Manuscript, fields: Iterable[str] | None) -> Languages:
    """Compile a document and its translations, with the fields of the people they are for; raises InputError.

    Without any, as in a test send, unknown fields are empty.
    """
    return compile_languages(
        document,
        lambda name, folder: find_toolkit(name, folder, connection),
        list_fields=frozenset(fields or ()),
        any_field=fields is None,
    )


def insert_campaign(
    connection: Connection,
    settings: Settings,
    languages: Languages,
    *,
    document: Path | Manuscript,
    provider: str,
    mailing_list: RowMapping | None,
    name: str,
    kind: str = "campaign",
) -> int:
    """Store the compiled emails and a draft; a test send is not tracked. Raises InputError without one sender."""
    first = languages.first
    sender = _sender(first.email, mailing_list, first.document)
    for other in languages.compilations.values():
        _refuse_other_sender(other.email, other.document, sender[1])
    emails = keep_emails(connection, languages)
    row: dict[str, object] = {
        "kind": kind,
        "name": name,
        "list_id": mailing_list["id"] if mailing_list else None,
        "document": manuscript_of(document).origin,
        "source": first.document.source,
        "compiled_id": emails.fallback,
        "provider": provider,
        "from_name": sender[0],
        "from_address": sender[1],
        "reply_to": first.email.reply_to or (mailing_list["reply_to"] if mailing_list else ""),
        "opens": "off",  # until the freeze
        "clicks": "off",
        **public_face(settings, mailing_list["name"] if mailing_list else None),
    }
    if kind == "test":
        row["id"] = TEST_SEND_NUMBERS.next_value()
    campaign_id = connection.execute(insert(Campaign).values(row).returning(Campaign.id)).scalar_one()
    name_emails(connection, campaign_id, emails, languages)
    return campaign_id


def _refuse_other_sender(email: CompiledEmail, document: Document, address: str) -> None:
    """A campaign has one sending domain, to warm up and to receive replies; names may differ by language."""
    named = parse_sender(email.from_address)[1] if email.from_address else address
    if named != address:
        raise InputError(
            f"This language is from {named}, and the newsletter from {address}.", file=document.file,
            line=document.lines.get("from"), hint="Use one address in all languages; the name before it may differ.",
        )  # fmt: skip


def _sender(email: CompiledEmail, mailing_list: RowMapping | None, document: Document) -> tuple[str, str]:
    if email.from_address:
        return parse_sender(email.from_address)
    if mailing_list is None:
        raise InputError(
            "The newsletter has no sender.", file=document.file,
            hint='Add `from: "Name <address>"` to the front matter, or name a list with --list.',
        )  # fmt: skip
    return mailing_list["from_name"], mailing_list["from_address"]


def require_unchanged(connection: Connection, campaign: CampaignRecord) -> list[Finding]:
    """Return the warnings that are new since the draft was made, as people may have joined the list.

    Raises as `require_same_words` does, and InputError for new errors. It walks over everybody on the list.
    """
    assert campaign.list_name is not None
    now = require_same_words(connection, campaign)
    accepted = {each.code: each.because for each in overrides_of(connection, campaign.id)}
    findings = check_languages(now, open_people(connection, campaign.list_name))
    Overrides(accepted).refuse_others(findings)
    found = _warnings(findings)
    known = connection.scalar(select(Campaign.warnings).where(Campaign.id == campaign.id))
    new = found if known is None else found - Counter(known)
    return [finding for finding in findings if finding.code in new and finding.severity == "warning"]


def require_same_words(connection: Connection, campaign: CampaignRecord) -> Languages:
    """Return a draft's document, compiled as it is now; raises StateError if it is gone, or not as it was then."""
    assert campaign.list_name is not None
    hint = "Make a new campaign from it, or send the draft as it was made with --as-created."
    written = reopened(connection, campaign)
    if written is None:
        raise StateError(f"{campaign.document} no longer exists.", hint=hint)
    emails = emails_of(connection, campaign.id)
    try:
        # The fields that it had are known; to look for others is a walk over everybody.
        now = compiled(connection, written, fields_of(connection, emails))
    except InputError:
        now = compiled(connection, written, open_people(connection, campaign.list_name).fields())
    then = {emails.language_of(id_): email.hash for id_, email in load_emails(connection, emails.all()).items()}
    changed = _changed(then, {language: made.email.hash for language, made in now.compilations.items()})
    if now.fallback != emails.language_of(None):
        changed.append(f"everybody else gets {now.fallback!r} now")
    if changed:
        raise StateError(
            f"{campaign.document}, or the toolkit behind it, changed since campaign {campaign.id} was made: "
            f"{', '.join(changed)}.",
            hint=hint,
        )
    return now


def require_lasting_copy(connection: Connection, campaign: CampaignRecord, at: datetime) -> None:
    """Raise StateError if an approved text in a campaign's emails may not be used any more on the day of `at`."""
    day = at.astimezone(home_zone()).date().isoformat()
    emails = load_emails(connection, emails_of(connection, campaign.id).all()).values()
    for use in sorted({use for email in emails for use in email.copy_blocks if "" < use.expires < day}, key=str):
        raise StateError(
            f"The copy “{use.title or use.id}” may be used until {use.expires} only.",
            hint="Choose an earlier time, or change the newsletter and check it again.",
        )


def reopened(connection: Connection, campaign: CampaignRecord) -> Manuscript | None:
    """Return the newsletter that a campaign was made from, as it is now; None if it is gone."""
    if Path(campaign.document).is_absolute():
        written = FolderManuscript(Path(campaign.document))
        return written if written.path.is_file() else None
    with suppress(UnknownNewsletter):
        return find_manuscript(connection, campaign.document)
    return None


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return a text for each language that is not as it was; both arguments are hashes by language."""
    return [
        f"{language} {'is new' if language not in then else 'is gone' if language not in now else 'is changed'}"
        for language in sorted({*then, *now})
        if then.get(language) != now.get(language)
    ]


def links_of(connection: Connection, campaign_id: int) -> list[str]:
    """Return the URLs of all links in a campaign's emails, as they are written there."""
    emails = load_emails(connection, emails_of(connection, campaign_id).all())
    return list(dict.fromkeys(link.url for email in emails.values() for link in email.links))
