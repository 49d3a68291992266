"""A campaign's compiled emails, one for each language, and the choice of a person's email."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, func, insert, literal, select

from newsletters.tables import StoredEmail
from sender.tables import Campaign, CampaignEmail

if TYPE_CHECKING:
    from newsletters.compose.languages import Languages


@dataclass(frozen=True)
class Emails:
    """The compiled emails of one campaign by language, in the order of their codes; `fallback` is one of their ids."""

    ids: Mapping[str, int]
    fallback: int

    def all(self) -> set[int]:
        """Return the ids of all emails."""
        return {self.fallback, *self.ids.values()}

    @property
    def several(self) -> bool:
        """Whether people of this campaign get different emails."""
        return len(self.ids) > 1

    def language_of(self, compiled_id: int | None) -> str:
        """Return an email's language; None means the fallback, as in `deliveries`."""
        wanted = self.fallback if compiled_id is None else compiled_id
        return next((language for language, id_ in self.ids.items() if id_ == wanted), "")


def keep_emails(connection: Connection, languages: Languages) -> Emails:
    """Keep a newsletter's compiled emails and their images, in the caller's transaction."""
    from newsletters.compose.email_store import keep_email

    ids = {language: keep_email(connection, made) for language, made in sorted(languages.compilations.items())}
    return Emails(ids, ids[languages.fallback])


def name_emails(connection: Connection, campaign_id: int, emails: Emails, languages: Languages) -> None:
    """Record which emails a campaign has, with the translations' sources."""
    first = languages.first.document.language
    connection.execute(
        insert(CampaignEmail),
        [
            {
                "campaign_id": campaign_id, "language": language, "compiled_id": id_,
                "source": "" if language == first else languages.compilations[language].document.source,
            }
            for language, id_ in emails.ids.items()
        ],
    )  # fmt: skip


def emails_of(connection: Connection, campaign_id: int) -> Emails:
    """Return the compiled emails of a campaign."""
    rows = connection.execute(
        select(Campaign.compiled_id.label("fallback"), CampaignEmail.language, CampaignEmail.compiled_id)
        .outerjoin(CampaignEmail, CampaignEmail.campaign_id == Campaign.id)
        .where(Campaign.id == campaign_id)
        .order_by(CampaignEmail.language)
    ).all()
    return Emails({row.language: row.compiled_id for row in rows if row.language is not None}, rows[0].fallback)


def fields_of(connection: Connection, emails: Emails) -> set[str]:
    """Return the merge fields that any of the emails uses."""
    rows = connection.scalars(select(StoredEmail.content["fields"]).where(StoredEmail.id.in_(emails.all())))
    return {field for fields in rows for field in fields}


def email_given(emails: Emails, wanted: ColumnElement[str]) -> ColumnElement[int]:
    """Return SQL for the id of the email for a person who wants language `wanted`; `language_given` has the rule."""
    code = func.replace(func.lower(func.btrim(func.coalesce(wanted, ""))), "_", "-")
    # The longest first: a person who wants zh-Hant-TW gets zh-Hant, not zh.
    known = sorted(((language.lower(), id_) for language, id_ in emails.ids.items()), key=lambda row: -len(row[0]))
    whens = [(func.starts_with(code.op("||")("-"), f"{language}-"), _id(id_)) for language, id_ in known]
    return case(*whens, else_=_id(emails.fallback)) if whens else _id(emails.fallback)


def _id(compiled_id: int) -> ColumnElement[int]:
    return cast(literal(compiled_id), BigInteger)
