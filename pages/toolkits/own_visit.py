"""A visit to the page of a ready-made email: by anybody, or by an organisation through its private link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, abort, make_response, render_template, request, url_for
from sqlalchemy import Connection

from daisychain.cache import Cache
from daisychain.errors import InputError
from lists.organisations import Organisation
from newsletters.compose.page_look import style_name
from newsletters.make_it_yours.own_email import OwnEmail, open_own_email
from newsletters.packs.offers import Offer, offers
from newsletters.packs.pack_status import was_made
from newsletters.packs.partner import Partner
from newsletters.toolkit_store.store import UnknownToolkit, named_toolkit
from newsletters.toolkits.images import keep_images
from newsletters.toolkits.toolkit import Toolkit, current_day
from pages.context import engine, settings
from partners.contacts import Contact, receiving_contacts
from partners.partner_events import record_partner_event
from partners.registry import is_replaced_link, organisation_by_code, organisation_by_link, partner_of_organisation

_STORED: Cache[frozenset[str]] = Cache(64)


@dataclass(frozen=True)
class OwnVisit:
    """The email and who looks at it; `kept` is the organisation's brand, if it came by its private `link`.

    `replaced` if that link is not valid any more. `organisation` may also be known by the code in the address.
    """

    email: OwnEmail
    siblings: list[Offer]
    link: str = ""
    organisation: Organisation | None = None
    kept: Partner | None = None
    replaced: bool = False

    def url(self, page: str, **values: Any) -> str:
        """Return the address of a page of this email, for the same organisation."""
        toolkit, email = self.email.edition.toolkit.name, values.pop("email", self.email.offer.name)
        if self.link:
            values["link"] = self.link
        elif self.organisation:
            values["partner"] = self.organisation.code
        endpoint = page if "." in page else f"make_it_yours.{page}"
        return url_for(endpoint, toolkit=toolkit, email=email, **values)

    def stored_pictures(self) -> frozenset[str]:
        """Return the hashes of the coalition's pictures in the email, which have addresses of their own."""

        def stored() -> frozenset[str]:
            with engine().begin() as connection:
                keep_images(connection, self.email.images)
            return frozenset(image.hash for image in self.email.images)

        return _STORED.get(frozenset(image.hash for image in self.email.images), stored)

    def contacts(self) -> list[Contact]:
        """Return the contacts that may get the organisation's own pack by mail."""
        if self.organisation is None or self.kept is None:
            return []
        with engine().connect() as connection:
            return receiving_contacts(connection, [self.organisation.id])[self.organisation.id]

    def record_look(self, connection: Connection) -> None:
        """Record that the email was looked at, by an organisation if one is known."""
        edition = self.email.edition
        record_partner_event(
            connection, "looked", toolkit=edition.toolkit.name, newsletter=edition.name, language=edition.language,
            organisation_id=self.organisation.id if self.organisation else None,
        )  # fmt: skip


def own_visit(toolkit: str, email: str, link: str) -> OwnVisit:
    """Return the visit; answers 404 or 410, with what there is instead, if there is no such email any more."""
    with engine().connect() as connection:
        try:
            found = named_toolkit(toolkit, connection)
        except UnknownToolkit:
            abort(404)
        offered = offers(connection, found)
        fresh = {each.name: opened for each in offered if (opened := _usable(each, found))}
        now = [each for each in offered if each.name in fresh]
        if email not in fresh:
            abort(_gone(connection, email, found, offered, now))
        stem = email.partition(".")[0]
        seen = OwnVisit(fresh[email], [each for each in now if each.name.partition(".")[0] == stem])
        if link:
            return _private(connection, seen, link)
        code = request.args.get("partner", "")
        return replace(seen, organisation=organisation_by_code(connection, code) if code else None)


def _private(connection: Connection, seen: OwnVisit, link: str) -> OwnVisit:
    if organisation := organisation_by_link(connection, settings(), link):
        kept = partner_of_organisation(connection, organisation)
        return replace(seen, link=link, organisation=organisation, kept=kept)
    return replace(seen, replaced=is_replaced_link(connection, settings(), link) or abort(404))


def _gone(connection: Connection, email: str, toolkit: Toolkit, offered: Sequence[Offer], now: list[Offer]) -> Response:
    """Say that there is no such email, or not any more, and what there is instead."""
    known = any(each.name == email for each in offered) or was_made(connection, toolkit.name, email)
    look = {"style": style_name(toolkit.brand.colours)}
    page = render_template("toolkits/email_gone.html", kit=toolkit, offers=now, known=known, look=look)
    return make_response(page, 410 if known else 404)


def _usable(offered: Offer, toolkit: Toolkit) -> OwnEmail | None:
    """Return the email; None if its copy may not be used today."""
    try:
        return open_own_email(offered, toolkit, settings().pages_url, current_day())
    except InputError:
        return None
