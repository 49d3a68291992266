"""Packs that are taken from the page of an email: made, kept as taken, and mailed to an organisation's people.

An organisation that comes by its private link takes a pack as its own. Anybody else may type any name: then the pack is
kept without one, and a code that belongs to that name is only read.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from daisychain.database import Database
from daisychain.errors import InputError
from daisychain.settings import Settings
from lists.organisations import Organisation
from newsletters.make_it_yours.own_email import OwnEmail
from newsletters.packs.dialects.dialect import Dialect
from newsletters.packs.pack import Pack
from newsletters.packs.pack_status import keep_download
from newsletters.packs.partner import Partner
from newsletters.packs.partner_codes import code_for_visitor
from newsletters.packs.zip_files import zipped
from newsletters.toolkits.images import keep_images
from partners.contacts import Contact, receiving_contacts
from partners.partner_events import record_partner_event
from partners.tables import MailedPack, OrganisationProfile
from sender.system_mail.mail_queue import post_mail

MOST_A_DAY = 5  # mails to one organisation
KEPT = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Taker:
    """The taker of a pack: an `organisation`, if one is known, and as its `own` if it came by its private link."""

    organisation: Organisation | None = None
    own: bool = False


def take_pack(
    connection: Connection, email: OwnEmail, partner: Callable[[str], Partner], dialect: Dialect, taker: Taker,
    *, otherwise: bool = False, hosted: bool = False,
) -> Pack:  # fmt: skip
    """Return the pack of the `partner` with a code, and keep that it was taken; raises InputError.

    Only an organisation's own pack may be `hosted`, which keeps its logo here.
    """
    organisation, name = taker.organisation, partner("").name
    own = organisation if taker.own else None
    made = partner(own.code if own else code_for_visitor(connection, name))
    pack = email.pack(made, dialect, otherwise=otherwise, hosted=hosted and own is not None)
    if hosted and own:
        keep_images(connection, email.hosted_images(made))
    keep_download(connection, pack.row if own else pack.row | {"partner": ""})
    record_partner_event(
        connection, "taken", toolkit=pack.edition.toolkit.name, newsletter=pack.edition.name, tool=dialect.key,
        language=pack.edition.language, organisation_id=organisation.id if organisation else None,
    )  # fmt: skip
    return pack


def drop_mailed_packs(database: Database) -> str:
    """Delete the mailed packs whose links work no more; returns how many, in words."""
    with database.engine.begin() as connection:
        dropped = connection.execute(delete(MailedPack).where(MailedPack.made_at < func.now() - KEPT)).rowcount
    return f"{dropped} mailed packs deleted" if dropped else ""


def zip_of(pack: Pack) -> bytes:
    """Return the pack as a zip, its files in a folder of its name."""
    return zipped({f"{pack.name}/{path}": content for path, content in pack.files.items()})


def mail_pack(
    connection: Connection, settings: Settings, organisation: Organisation, contact_id: int, pack: Pack,
    url: Callable[[str], str],
) -> Contact:  # fmt: skip
    """Mail one of the organisation's contacts a link to the pack, at the `url` of a token, and return the contact.

    Raises InputError if it is none of its contacts, or has had its mails for today.
    """
    people = {each.id: each for each in receiving_contacts(connection, [organisation.id])[organisation.id]}
    if contact_id not in people:
        raise InputError("Choose one of your organisation’s contacts.")
    table, mine = MailedPack, MailedPack.organisation_id == organisation.id
    # Two that ask at once wait for each other here.
    profile = select(OrganisationProfile.link_number).where(OrganisationProfile.organisation_id == organisation.id)
    connection.execute(profile.with_for_update())
    today = select(func.count()).where(mine, table.made_at > func.now() - _DAY)
    if (connection.scalar(today) or 0) >= MOST_A_DAY:
        raise InputError(f"Your organisation has had {MOST_A_DAY} of these emails today.", hint="Download it instead.")
    token = secrets.token_urlsafe(16)
    row = {"token_hash": _hash(token), "organisation_id": organisation.id, "name": pack.name, "content": zip_of(pack)}
    connection.execute(insert(table).values(**row))
    contact = people[contact_id]
    paragraphs = [
        f"Here is “{pack.edition.title}” for {pack.dialect.name}, with the name and logo of {organisation.name} on it.",
        f"Press the link, then Download. It works once, within {KEPT.days} days. The README in it says what to do.",
    ]
    post_mail(
        connection, settings, contact.email, f"Your email: {pack.edition.title}", paragraphs, kind="pack",
        link=url(token),
    )  # fmt: skip
    return contact


def mailed_pack(connection: Connection, token: str, *, take: bool = False) -> tuple[str, bytes] | None:
    """Return the name and content of a pack that was mailed; None if its link was used or is too old.

    To `take` it uses the link up.
    """
    table = MailedPack
    fresh = (table.token_hash == _hash(token), table.made_at > func.now() - KEPT, table.content.is_not(None))
    row = connection.execute(select(table.name, table.content).where(*fresh).with_for_update()).one_or_none()
    if row and take:  # the row goes on counting for its day
        connection.execute(update(table).where(*fresh).values(content=None))
    return (row.name, row.content) if row else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
